#pragma once
// Why: which addresses a stranger's request may go to. Pure. The list follows the IANA special-purpose address registries: whatever is not
// globally reachable is refused, also when it is written inside an IPv6 address (v4-mapped, NAT64, 6to4).

#include <optional>

#include "base/bytes.hpp"

namespace phala::egress {

/// IPv6, or IPv4 as ::ffff:a.b.c.d.
using Address = FixedBytes<16, struct AddressTag>;
/// Of a literal such as "10.1.2.3" or "fe80::1". Error: not one.
Result<Address> parse_address(std::string_view text);
std::string to_string(const Address& address);

struct AddressRange {
  Address base;
  u8 bits = 128;   ///< of the 16-byte form: 96 + n for an IPv4 range
  bool contains(const Address& address) const;
};
/// "10.0.0.0/8", "fd00::/8", or one address. Error: names what is wrong.
Result<AddressRange> parse_range(std::string_view cidr);

/// The IPv4 address that packets to an IPv6 address end up at, through NAT64 (64:ff9b::/96) or 6to4 (2002::/16).
std::optional<Address> inner_v4(const Address& address);
/// Why contracts may not reach `address` ("loopback", "private network"); nothing: they may.
std::optional<std::string_view> why_denied(const Address& address, std::span<const AddressRange> allowed);
/// Of this machine or its network: not globally reachable.
std::optional<std::string_view> why_local(const Address& address);

}  // namespace phala::egress

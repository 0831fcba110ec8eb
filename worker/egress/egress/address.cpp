#include "egress/address.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace phala::egress {
namespace {

constexpr u8 v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(const Address& address) { return std::equal(v4_prefix, v4_prefix + 12, address.begin()); }
Address v4(const u8* four) {
  Address out;
  std::copy_n(v4_prefix, 12, out.begin());
  std::copy_n(four, 4, out.begin() + 12);
  return out;
}

struct Special { const char* cidr; std::string_view what; };
// IANA IPv4 and IPv6 Special-Purpose Address Registries: rows that are not globally reachable, and multicast.
constexpr Special special_v4[] = {
    {"0.0.0.0/8", "this network"},        {"10.0.0.0/8", "private network"},      {"100.64.0.0/10", "carrier-grade NAT"}, {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local"},     {"172.16.0.0/12", "private network"},   {"192.0.0.0/24", "protocol assignments"}, {"192.0.2.0/24", "documentation"},
    {"192.88.99.0/24", "6to4 relay"},     {"192.168.0.0/16", "private network"},  {"198.18.0.0/15", "benchmarking"},      {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},  {"224.0.0.0/4", "multicast"},           {"240.0.0.0/4", "reserved or broadcast"},
};
constexpr Special special_v6[] = {
    {"::/128", "unspecified"},        {"::1/128", "loopback"},          {"::/96", "IPv4-compatible"}, {"64:ff9b:1::/48", "local NAT64"}, {"100::/64", "discard-only"},
    {"2001::/23", "protocol assignments"}, {"2001:db8::/32", "documentation"}, {"3fff::/20", "documentation"}, {"5f00::/16", "segment routing"}, {"fc00::/7", "private network"},
    {"fe80::/10", "link-local"},      {"fec0::/10", "site-local"},      {"ff00::/8", "multicast"},
};

struct Row { AddressRange range; std::string_view what; };
std::vector<Row> parsed(std::span<const Special> table) {
  std::vector<Row> out;
  for (const auto& row : table) out.push_back({*parse_range(row.cidr), row.what});
  return out;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const std::string literal(text.substr(0, text.find(char{0})));   // inet_pton wants a terminator
  if (literal.size() != text.size()) return fail(ErrorCode::invalid_input, "an IP address with a zero byte in it");
  u8 raw[16];
  if (inet_pton(AF_INET, literal.c_str(), raw) == 1) return v4(raw);
  if (inet_pton(AF_INET6, literal.c_str(), raw) == 1) return Address(ByteView(raw, 16));
  return fail(ErrorCode::invalid_input, "'" + literal + "' is not an IP address");
}

std::string to_string(const Address& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_v4(address)) inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
  else inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return text;
}

bool AddressRange::contains(const Address& address) const {
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned fixed = bits > 8 * i ? std::min(8u, bits - 8 * i) : 0;
    const u8 mask = static_cast<u8>(0xff00u >> fixed);
    if ((address[i] & mask) != (base[i] & mask)) return false;
  }
  return true;
}

Result<AddressRange> parse_range(std::string_view cidr) {
  const size_t slash = cidr.find('/');
  AddressRange out{TRY(parse_address(cidr.substr(0, slash))), 128};
  if (slash == cidr.npos) return out;
  const bool short_form = cidr.substr(0, slash).find(':') == cidr.npos;
  const std::string_view digits = cidr.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || bits > (short_form ? 32u : 128u))
    return fail(ErrorCode::invalid_input, "'" + std::string(cidr) + "' has no prefix length between 0 and " + (short_form ? "32" : "128"), "write it as 10.0.0.0/8 or fd00::/8");
  out.bits = static_cast<u8>(short_form ? 96 + bits : bits);
  return out;
}

std::optional<Address> inner_v4(const Address& address) {
  static const AddressRange nat64 = *parse_range("64:ff9b::/96"), six_to_four = *parse_range("2002::/16");
  if (nat64.contains(address)) return v4(address.data() + 12);
  if (six_to_four.contains(address)) return v4(address.data() + 2);
  return std::nullopt;
}

std::optional<std::string_view> why_local(const Address& address) {
  static const std::vector<Row> rows_v4 = parsed(special_v4), rows_v6 = parsed(special_v6);
  for (const auto& row : is_v4(address) ? rows_v4 : rows_v6)
    if (row.range.contains(address)) return row.what;
  if (const auto inner = inner_v4(address)) return why_local(*inner);
  return std::nullopt;
}

std::optional<std::string_view> why_denied(const Address& address, std::span<const AddressRange> allowed) {
  const auto inner = inner_v4(address);
  for (const auto& range : allowed)
    if (range.contains(address) || (inner && range.contains(*inner))) return std::nullopt;
  return why_local(address);
}

}  // namespace phala::egress

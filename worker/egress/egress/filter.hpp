#pragma once
// Why: which connections a contract may have. Beyond the addresses of the operator's network (address.hpp) these are the worker's own: a query that
// queries its own worker would wait for itself, and the private port is not for contracts at all.
//
// Thread-safe.

#include <functional>
#include <mutex>

#include "egress/address.hpp"

namespace phala::egress {

/// The addresses of this machine's interfaces, now.
std::vector<Address> machine_addresses();

/// How this worker is reached.
struct OwnServer {
  std::vector<u16> ports;                                             ///< refused on every address of this machine or its network
  std::vector<std::string> endpoints{};                               ///< URLs that clients use; refused by host name and port
  std::function<std::vector<Address>()> addresses = machine_addresses;   ///< asked when one of `ports` is wanted
};

class Filter {
 public:
  Filter(std::vector<AddressRange> allowed, OwnServer own);
  void set_own(std::vector<u16> ports);
  void set_own(const std::vector<std::string>& endpoints);
  bool denies(const Address& address, u16 port) const;
  /// Is this one of the endpoints? Their names can lead anywhere, through proxies too, so names are compared and not where they lead.
  bool denies_url(const std::string& url) const;

 private:
  const std::vector<AddressRange> allowed_;
  const std::function<std::vector<Address>()> addresses_;
  mutable std::mutex mutex_;
  std::vector<u16> ports_;
  std::vector<std::pair<std::string, u16>> endpoints_;   ///< host in lower case, without a last dot; port
};

}  // namespace phala::egress

#include "egress/filter.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "url/url.hpp"

namespace phala::egress {
namespace {

/// Host and port of a URL as libcurl understands it; nothing when it does not.
std::optional<std::pair<std::string, u16>> host_and_port(const std::string& url) {
  const auto parsed = read_url(url);
  if (!parsed || parsed->host.empty() || parsed->port.empty()) return std::nullopt;
  std::optional out{std::pair{parsed->host, static_cast<u16>(std::strtoul(parsed->port.c_str(), nullptr, 10))}};
  for (char& c : out->first)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  if (out->first.ends_with('.')) out->first.pop_back();
  return out;
}

}  // namespace

std::vector<Address> machine_addresses() {
  std::vector<Address> out;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return out;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    Address address;
    if (at->ifa_addr->sa_family == AF_INET) {
      sockaddr_in in;
      std::memcpy(&in, at->ifa_addr, sizeof in);
      address[10] = address[11] = 0xff;
      std::memcpy(address.data() + 12, &in.sin_addr, 4);
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 in;
      std::memcpy(&in, at->ifa_addr, sizeof in);
      std::memcpy(address.data(), &in.sin6_addr, 16);
    } else {
      continue;
    }
    out.push_back(address);
  }
  freeifaddrs(list);
  return out;
}

Filter::Filter(std::vector<AddressRange> allowed, OwnServer own) : allowed_(std::move(allowed)), addresses_(std::move(own.addresses)), ports_(std::move(own.ports)) { set_own(own.endpoints); }

void Filter::set_own(std::vector<u16> ports) {
  const std::lock_guard lock(mutex_);
  ports_ = std::move(ports);
}

void Filter::set_own(const std::vector<std::string>& endpoints) {
  std::vector<std::pair<std::string, u16>> parsed;
  for (const auto& url : endpoints)
    if (auto one = host_and_port(url)) parsed.push_back(std::move(*one));
  const std::lock_guard lock(mutex_);
  endpoints_ = std::move(parsed);
}

bool Filter::denies(const Address& address, u16 port) const {
  if (why_denied(address, allowed_)) return true;
  {
    const std::lock_guard lock(mutex_);
    if (std::find(ports_.begin(), ports_.end(), port) == ports_.end()) return false;
  }
  if (why_local(address)) return true;
  const Address end = inner_v4(address).value_or(address);
  const auto own = addresses_();
  return std::find(own.begin(), own.end(), end) != own.end();
}

bool Filter::denies_url(const std::string& url) const {
  const auto wanted = host_and_port(url);
  if (!wanted) return true;
  const std::lock_guard lock(mutex_);
  return std::find(endpoints_.begin(), endpoints_.end(), *wanted) != endpoints_.end();
}

}  // namespace phala::egress

#include "url/url.hpp"

#include "carry/net.hpp"

namespace phala::relay {

Result<Address> parse_url(const std::string& url, std::string_view scheme) {
  const std::string hint = "write it as " + std::string(scheme) + "://127.0.0.1:" + (scheme == "ws" ? "9944" : "8000");
  auto parts = read_url(url, UrlReading::any_scheme);
  if (!parts) return fail(ErrorCode::invalid_input, "'" + url + "' is not a URL", hint);
  Address out{std::move(parts->scheme), std::move(parts->host), std::move(parts->port), std::move(parts->path)};
  if (out.scheme != scheme)
    return fail(ErrorCode::invalid_input, url + ": the scheme must be " + std::string(scheme), out.scheme == std::string(scheme) + "s" ? "encryption is not built in: put a TLS proxy or tunnel in front" : hint);
  if (out.host.empty()) return fail(ErrorCode::invalid_input, "'" + url + "' names no host", hint);
  if (out.port.empty()) out.port = "80";
  if (out.host.starts_with('[')) out.host = out.host.substr(1, out.host.size() - 2);
  while (out.path.ends_with('/')) out.path.pop_back();
  return out;
}

}  // namespace phala::relay

#include <curl/curl.h>

#include "carry/net.hpp"

namespace phala::relay {

Result<Address> parse_url(const std::string& url, std::string_view scheme) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  const std::string hint = "write it as " + std::string(scheme) + "://127.0.0.1:" + (scheme == "ws" ? "9944" : "8000");
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) return fail(ErrorCode::invalid_input, "'" + url + "' is not a URL", hint);
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(parsed.get(), which, &text, 0) == CURLUE_OK) out = text;
    curl_free(text);
    return out;
  };
  Address out{part(CURLUPART_SCHEME), part(CURLUPART_HOST), part(CURLUPART_PORT), part(CURLUPART_PATH)};
  if (out.scheme != scheme)
    return fail(ErrorCode::invalid_input, url + ": the scheme must be " + std::string(scheme), out.scheme == std::string(scheme) + "s" ? "encryption is not built in: put a TLS proxy or tunnel in front" : hint);
  if (out.host.empty()) return fail(ErrorCode::invalid_input, "'" + url + "' names no host", hint);
  if (out.port.empty()) out.port = "80";
  if (out.host.starts_with('[')) out.host = out.host.substr(1, out.host.size() - 2);
  while (out.path.ends_with('/')) out.path.pop_back();
  return out;
}

}  // namespace phala::relay

#include "url/url.hpp"

#include <curl/curl.h>

#include <memory>

namespace phala {

std::optional<Url> read_url(const std::string& text, UrlReading how) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  const unsigned flags = how == UrlReading::encoding ? CURLU_URLENCODE : how == UrlReading::any_scheme ? CURLU_NON_SUPPORT_SCHEME : 0;
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, text.c_str(), flags) != CURLUE_OK) return std::nullopt;
  const auto part = [&](CURLUPart which, unsigned how_to_get = 0) {
    char* found = nullptr;
    std::string out;
    if (curl_url_get(parsed.get(), which, &found, how_to_get) == CURLUE_OK) out = found;
    curl_free(found);
    return out;
  };
  return Url{part(CURLUPART_SCHEME), part(CURLUPART_HOST), part(CURLUPART_PORT, CURLU_DEFAULT_PORT), part(CURLUPART_PATH), part(CURLUPART_URL)};
}

}  // namespace phala

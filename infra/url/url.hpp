#pragma once
// Why: what a URL means is what the client that follows it takes it for; a second opinion is how filters are deceived. All that read
// URLs ask libcurl's parser, here.

#include <optional>
#include <string>

namespace phala {

struct Url {
  std::string scheme, host;   ///< host of an IPv6 address in brackets, as written otherwise; may be empty
  std::string port;           ///< the scheme's own where none is written; empty where that is not known
  std::string path, whole;
};

enum class UrlReading {
  strict,       ///< schemes that libcurl can follow, bytes that URLs are made of
  encoding,     ///< other bytes are percent-encoded
  any_scheme,
};

/// Nothing when it is no URL.
std::optional<Url> read_url(const std::string& text, UrlReading how = UrlReading::strict);

}  // namespace phala

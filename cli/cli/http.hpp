#pragma once
// Why: commands ask nodes and workers over HTTP; libcurl stays behind these two functions.

#include <string>

#include "base/bytes.hpp"

namespace phala::cli {

struct HttpAnswer { long status = 0; std::string body; };
/// `timeout_s` bounds the whole exchange; an answer has at most 256 MiB. Error: nobody answered.
Result<HttpAnswer> http_post(const std::string& url, const std::string& content_type, const std::string& body, long timeout_s = 60);
Result<HttpAnswer> http_get(const std::string& url, long timeout_s = 10);

}  // namespace phala::cli

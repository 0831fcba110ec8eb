#include "cli/http.hpp"

#include <curl/curl.h>

#include <memory>

namespace phala::cli {
namespace {

constexpr size_t max_answer_bytes = 256u << 20;
constexpr long connect_timeout_s = 5;

size_t collect(char* data, size_t size, size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > max_answer_bytes) return 0;
  body.append(data, size * count);
  return size * count;
}

Result<HttpAnswer> perform(const std::string& url, const std::string* content_type, const std::string* body, long timeout_s) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(ready == CURLE_OK ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (!curl) return fail(ErrorCode::internal, "libcurl does not start");
  HttpAnswer answer;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr, curl_slist_free_all);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, timeout_s);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  if (body) {
    headers.reset(curl_slist_append(nullptr, ("Content-Type: " + *content_type).c_str()));
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body->data());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return fail(ErrorCode::unavailable, url + ": " + curl_easy_strerror(code), code == CURLE_COULDNT_CONNECT ? "is it running, and is this its port?" : "");
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

}  // namespace

Result<HttpAnswer> http_post(const std::string& url, const std::string& content_type, const std::string& body, long timeout_s) {
  return perform(url, &content_type, &body, timeout_s);
}
Result<HttpAnswer> http_get(const std::string& url, long timeout_s) { return perform(url, nullptr, nullptr, timeout_s); }

}  // namespace phala::cli

#include "egress/transfer.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include "url/url.hpp"

namespace phala::egress {
namespace {

using engine::HttpError;
using engine::HttpRequest;
using engine::HttpResponse;
using engine::HttpResult;

constexpr size_t longest_method = 32;

/// RFC 9110 "token".
bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos) return false;
  }
  return true;
}
bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (static_cast<u8>(c) < 0x20 && c != '\t') || c == 0x7f; });
}
bool is_plain_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (static_cast<u8>(c) < 0x20 && c != '\t') || static_cast<u8>(c) >= 0x7f; });
}
std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\r\n").find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return text;
}
/// How a message is framed is the client's business: one that a contract sets would contradict what is sent, and could smuggle a request.
bool is_framing(std::string_view lower) {
  for (const char* name : {"connection", "content-length", "expect", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"})
    if (lower == name) return true;
  return false;
}

/// The same URL as libcurl understands it; http and https only.
Result<std::string, HttpError> checked_url(const std::string& url, const HttpLimits& limits) {
  if (url.size() > limits.url_bytes || std::any_of(url.begin(), url.end(), [](char c) { return static_cast<u8>(c) < 0x20 || c == 0x7f; })) return fail(HttpError::invalid_url);
  auto parsed = read_url(url, UrlReading::encoding);
  if (!parsed || (parsed->scheme != "http" && parsed->scheme != "https") || parsed->host.empty() || parsed->whole.empty()) return fail(HttpError::invalid_url);
  return std::move(parsed->whole);
}

}  // namespace

Result<void, HttpError> Transfer::add_headers(const HttpRequest& request) {
  if (request.headers.size() > limits.headers) return fail(HttpError::too_many_headers);
  bool has_type = false;
  size_t total = 0;
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return fail(HttpError::invalid_header_name);
    if (!is_header_value(value)) return fail(HttpError::invalid_header_value);
    total += name.size() + value.size();
    if (total > limits.header_bytes) return fail(HttpError::too_many_headers);
    const std::string lower = lower_case(name);
    has_type |= lower == "content-type";
    if (!is_framing(lower)) append_header(trimmed(value).empty() ? name + ";" : name + ": " + value);
  }
  append_header("Expect:");                           // libcurl would wait a second for a server that does not know 100-continue
  if (!has_type) append_header("Content-Type:");      // and would call every body a form
  return {};
}

Result<void, HttpError> Transfer::prepare(const HttpRequest& request) {
  const std::string url = TRY(checked_url(request.url, limits));
  if (!is_token(request.method) || request.method.size() > longest_method || request.method == "CONNECT") return fail(HttpError::invalid_method);
  TRY(add_headers(request));
  if (request.body.size() > limits.request_body_bytes) return fail(HttpError::not_allowed);
  body = request.body;

  handle.reset(curl_easy_init());
  if (!handle) return fail(HttpError::failed_to_create_client);
  CURL* const curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_PRIVATE, this);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, static_cast<long>(limits.redirects));
  curl_easy_setopt(curl, CURLOPT_PROXY, "");          // the environment's proxies are the operator's, not the contract's
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(curl, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
  curl_easy_setopt(curl, CURLOPT_RESOLVER_START_DATA, this);
  curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected);
  curl_easy_setopt(curl, CURLOPT_PREREQDATA, this);
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    return {};
  }
  if (request.method == "POST" || !body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, reinterpret_cast<const char*>(body.data() ? body.data() : reinterpret_cast<const u8*>("")));
  }
  if (request.method != (body.empty() && request.method != "POST" ? "GET" : "POST")) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  return {};
}

size_t Transfer::on_body(char* data, size_t size, size_t count, void* context) {
  auto& self = *static_cast<Transfer*>(context);
  const size_t n = size * count;
  if (self.response.body.size() + n > self.limits.response_body_bytes) {
    self.too_large = true;
    return 0;
  }
  append(self.response.body, ByteView(reinterpret_cast<const u8*>(data), n));
  return n;
}

size_t Transfer::on_header(char* data, size_t size, size_t count, void* context) {
  auto& self = *static_cast<Transfer*>(context);
  const std::string_view line(data, size * count);
  self.header_bytes += line.size();
  if (self.header_bytes > self.limits.header_bytes * (self.limits.redirects + 1) || self.response.headers.size() >= 4 * self.limits.headers) {
    self.too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) {   // a new response: interim, or after a redirect
    self.response.headers.clear();
    const size_t first = line.find(' ');
    const size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
    self.response.reason_phrase = second == line.npos ? "" : std::string(trimmed(line.substr(second)));
    if (!is_plain_text(self.response.reason_phrase)) self.response.reason_phrase.clear();
    self.answered = true;
    return line.size();
  }
  const size_t colon = line.find(':');
  if (colon == line.npos || colon == 0 || line[0] == ' ' || line[0] == '\t') return line.size();
  const std::string_view value = trimmed(line.substr(colon + 1));
  self.response.headers.emplace_back(lower_case(line.substr(0, colon)), is_plain_text(value) ? std::string(value) : std::string());
  return line.size();
}

int Transfer::on_lookup(void*, void*, void* context) {
  static_cast<Transfer*>(context)->looking_up = true;
  return 0;
}

int Transfer::on_connected(void* context, char*, char*, int, int) {
  auto& self = *static_cast<Transfer*>(context);
  const char* url = nullptr;
  curl_easy_getinfo(self.handle.get(), CURLINFO_EFFECTIVE_URL, &url);
  if (url != nullptr && !self.filter.denies_url(url)) return CURL_PREREQFUNC_OK;
  self.denied = true;
  return CURL_PREREQFUNC_ABORT;
}

curl_socket_t Transfer::on_socket(void* context, curlsocktype, curl_sockaddr* to) {
  auto& self = *static_cast<Transfer*>(context);
  self.looking_up = false;
  if (self.abandoned) return CURL_SOCKET_BAD;
  Address address;
  u16 port = 0;
  if (to->family == AF_INET && to->addrlen >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, &to->addr, sizeof in);
    address[10] = address[11] = 0xff;
    std::memcpy(address.data() + 12, &in.sin_addr, 4);
    port = ntohs(in.sin_port);
  } else if (to->family == AF_INET6 && to->addrlen >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, &to->addr, sizeof in);
    std::memcpy(address.data(), &in.sin6_addr, 16);
    port = ntohs(in.sin6_port);
  } else {
    self.denied = true;
    return CURL_SOCKET_BAD;
  }
  self.answered = false;   // of the next host in a row of redirects
  if (self.filter.denies(address, port)) {
    self.denied = true;
    return CURL_SOCKET_BAD;
  }
  return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

HttpResult Transfer::result() {
  if (!done || code == CURLE_OPERATION_TIMEDOUT) return fail(HttpError::timeout);
  if (too_large) return fail(HttpError::response_too_large);
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    response.status_code = static_cast<u16>(status);
    return std::move(response);
  }
  if (denied || (code == CURLE_UNSUPPORTED_PROTOCOL && answered)) return fail(HttpError::not_allowed);
  if (code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT) return fail(HttpError::failed_to_create_client);
  if (answered && code != CURLE_TOO_MANY_REDIRECTS) return fail(HttpError::network_error);   // broke off in the middle
  return HttpResponse{523, "Unreachable", {}, to_bytes(std::string_view(curl_easy_strerror(code)))};
}

}  // namespace phala::egress

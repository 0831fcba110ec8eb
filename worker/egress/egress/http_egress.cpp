#include "egress/http_egress.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <mutex>

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
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  if (!parsed) return fail(HttpError::failed_to_create_client);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_URLENCODE) != CURLUE_OK) return fail(HttpError::invalid_url);
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(parsed.get(), which, &text, 0) == CURLUE_OK) out = text;
    curl_free(text);
    return out;
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  std::string whole = part(CURLUPART_URL);
  if ((scheme != "http" && scheme != "https") || part(CURLUPART_HOST).empty() || whole.empty()) return fail(HttpError::invalid_url);
  return whole;
}

struct EasyDeleter { void operator()(CURL* handle) const { curl_easy_cleanup(handle); } };
struct ListDeleter { void operator()(curl_slist* list) const { curl_slist_free_all(list); } };

struct Filter {
  const std::vector<AddressRange>& allowed;
  const std::vector<u16>& own_ports;
  bool denies(const Address& address, u16 port) const {
    if (why_denied(address, allowed)) return true;
    return why_local(address) && std::find(own_ports.begin(), own_ports.end(), port) != own_ports.end();
  }
};

/// One request under way. Stays where it is: libcurl holds its address.
struct Transfer {
  const HttpLimits& limits;
  const Filter& filter;
  std::unique_ptr<CURL, EasyDeleter> handle;
  std::unique_ptr<curl_slist, ListDeleter> headers;
  Bytes body;
  HttpResponse response;
  size_t header_bytes = 0;
  bool denied = false, too_large = false, answered = false, done = false;
  CURLcode code = CURLE_OK;

  Transfer(const HttpLimits& l, const Filter& f) : limits(l), filter(f) {}
  Transfer(const Transfer&) = delete;

  Result<void, HttpError> prepare(const HttpRequest& request);
  HttpResult result();

  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

 private:
  Result<void, HttpError> add_headers(const HttpRequest& request);
  void append_header(const std::string& line) { headers.reset(curl_slist_append(headers.release(), line.c_str())); }
};

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
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);     // a name server that does not answer must not hold us past the deadline
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
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

curl_socket_t Transfer::on_socket(void* context, curlsocktype, curl_sockaddr* to) {
  auto& self = *static_cast<Transfer*>(context);
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

bool libcurl_starts() {
  static const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return started;
}

/// Runs them all until done or the deadline.
void run(std::vector<std::unique_ptr<Transfer>>& transfers, Deadline deadline) {
  const std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi(curl_multi_init(), curl_multi_cleanup);
  if (!multi) return;
  size_t waiting = 0;
  for (auto& transfer : transfers)
    if (transfer && transfer->handle && curl_multi_add_handle(multi.get(), transfer->handle.get()) == CURLM_OK) ++waiting;
  while (waiting > 0) {
    int running = 0;
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK) break;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      transfer->done = true;
      transfer->code = message->data.result;
      --waiting;
    }
    const auto remaining = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (waiting == 0 || remaining <= 0) break;
    if (curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(std::min<long long>(remaining, 1000)), nullptr) != CURLM_OK) break;
  }
  for (auto& transfer : transfers)
    if (transfer && transfer->handle) curl_multi_remove_handle(multi.get(), transfer->handle.get());
}

}  // namespace

HttpEgress::HttpEgress(std::vector<AddressRange> allowed, std::vector<u16> own_ports, HttpLimits limits)
    : allowed_(std::move(allowed)), own_ports_(std::move(own_ports)), limits_(limits) {}
HttpEgress::~HttpEgress() = default;

HttpResult HttpEgress::request(const HttpRequest& request, Deadline deadline) const {
  auto answers = batch({request}, ~u64{0}, deadline);
  if (!answers) return fail(answers.error());
  return std::move(answers->front());
}

Result<std::vector<HttpResult>, HttpError> HttpEgress::batch(const std::vector<HttpRequest>& requests, u64 timeout_ms, Deadline deadline) const {
  if (requests.size() > limits_.batch) return fail(HttpError::too_many_requests);
  if (!libcurl_starts()) return fail(HttpError::failed_to_create_client);
  // never added to the clock as it is: it is the contract's number, and may be 2^64 - 1
  const auto now = std::chrono::steady_clock::now();
  const auto left_ms = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now).count();
  if (left_ms > 0 && timeout_ms < static_cast<u64>(left_ms)) deadline = now + std::chrono::milliseconds(timeout_ms);

  struct Room {
    std::atomic<size_t>& running;
    const size_t taken;
    ~Room() { running -= taken; }
  } room{running_, requests.size()};
  if ((running_ += requests.size()) > limits_.transfers) return fail(HttpError::too_many_requests);

  const Filter filter{allowed_, own_ports_};
  std::vector<std::unique_ptr<Transfer>> transfers;
  std::vector<HttpResult> answers;
  for (const auto& one : requests) {
    transfers.push_back(std::make_unique<Transfer>(limits_, filter));
    const auto prepared = transfers.back()->prepare(one);
    answers.push_back(prepared ? HttpResult(fail(HttpError::timeout)) : HttpResult(fail(prepared.error())));
    if (!prepared) transfers.back().reset();
  }
  if (deadline > std::chrono::steady_clock::now()) run(transfers, deadline);
  for (size_t i = 0; i < requests.size(); ++i)
    if (transfers[i]) answers[i] = transfers[i]->result();
  return answers;
}

}  // namespace phala::egress

#pragma once
// Why: one HTTP request of a contract as libcurl runs it: checked before it is sent, at every address it is about to connect to, and byte by byte
// as the answer comes. Private to this room: the one header that shows libcurl.

#include <curl/curl.h>

#include <atomic>
#include <memory>

#include "egress/filter.hpp"
#include "egress/http_egress.hpp"

namespace phala::egress {

struct EasyDeleter { void operator()(CURL* handle) const { curl_easy_cleanup(handle); } };
struct ListDeleter { void operator()(curl_slist* list) const { curl_slist_free_all(list); } };

/// One of the transfers that may be under way at once; given back when it is dropped.
class Slot {
 public:
  explicit Slot(std::atomic<size_t>& taken) : taken_(taken) {}
  ~Slot() { --taken_; }
  Slot(const Slot&) = delete;

 private:
  std::atomic<size_t>& taken_;
};

/// One request under way. Stays where it is: libcurl holds its address.
struct Transfer {
  const HttpLimits& limits;
  const Filter& filter;
  const Slot slot;
  std::unique_ptr<curl_slist, ListDeleter> headers;
  Bytes body;
  engine::HttpResponse response;
  size_t header_bytes = 0;
  bool denied = false, too_large = false, answered = false, done = false;
  bool looking_up = false;   ///< a thread of libcurl's waits for the system's resolver
  bool abandoned = false;    ///< nobody waits for the answer: it only ends, and connects to nothing more
  CURLcode code = CURLE_OK;
  std::unique_ptr<CURL, EasyDeleter> handle;   // before what its callbacks use

  /// Takes over one of `taken`.
  Transfer(const HttpLimits& l, const Filter& f, std::atomic<size_t>& taken) : limits(l), filter(f), slot(taken) {}
  Transfer(const Transfer&) = delete;

  /// Errors: what is malformed or beyond a limit. Nothing is sent.
  Result<void, engine::HttpError> prepare(const engine::HttpRequest& request);
  engine::HttpResult result();

 private:
  Result<void, engine::HttpError> add_headers(const engine::HttpRequest& request);
  void append_header(const std::string& line) { headers.reset(curl_slist_append(headers.release(), line.c_str())); }

  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static int on_lookup(void* resolver, void* reserved, void* self);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  /// Before a request is sent, also after a redirect.
  static int on_connected(void* self, char* to, char* from, int to_port, int from_port);
};

}  // namespace phala::egress

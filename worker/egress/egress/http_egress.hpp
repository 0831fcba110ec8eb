#pragma once
// Why: HTTP requests of contracts (engine::QueryEffects::http_request and batch_http_request). A contract is a stranger on the operator's
// machine: it must not reach the operator's network, nor hold a query longer than its deadline, nor make the worker swallow more
// than it declared. Every connection is checked by the address it really goes to: after DNS, and again on every redirect.
//
// Thread-safe: one object serves all queries at once.

#include <atomic>
#include <chrono>
#include <memory>

#include "egress/filter.hpp"
#include "engine/effects.hpp"

namespace phala::egress {

using Deadline = std::chrono::steady_clock::time_point;

struct HttpLimits {
  size_t url_bytes = 8 * 1024;
  size_t headers = 256;                   ///< of a request
  size_t header_bytes = 64 * 1024;        ///< of a request, and of each response; names and values
  size_t request_body_bytes = 2u << 20;
  size_t response_body_bytes = 2u << 20;
  size_t batch = 5;
  size_t redirects = 10;
  size_t transfers = 64;                  ///< at once, over all queries, with lookups of names that outlast theirs
};

class HttpEgress {
 public:
  /// `allowed`: addresses contracts may reach although they are local (--allow-egress). `own`: this worker, refused even where its address is allowed.
  explicit HttpEgress(std::vector<AddressRange> allowed, OwnServer own = {}, HttpLimits limits = {});
  ~HttpEgress();
  HttpEgress(const HttpEgress&) = delete;
  HttpEgress& operator=(const HttpEgress&) = delete;
  /// When they become known, or change.
  void set_own_ports(std::vector<u16> ports) { filter_.set_own(std::move(ports)); }
  void set_own_endpoints(const std::vector<std::string>& endpoints) { filter_.set_own(endpoints); }

  /// Redirects followed. A host that does not answer is a response with status 523; an address contracts may not reach is the error
  /// not_allowed; a deadline that has passed, or passes meanwhile, is timeout. Names of response headers are lower-case; a value that is
  /// not text is empty. Blocks the calling thread, never past the deadline.
  engine::HttpResult request(const engine::HttpRequest& request, Deadline deadline) const;
  /// All at once, one answer per request, in order. `timeout_ms` shortens the deadline. Error: too_many_requests.
  Result<std::vector<engine::HttpResult>, engine::HttpError> batch(const std::vector<engine::HttpRequest>& requests, u64 timeout_ms,
                                                                   Deadline deadline) const;

 private:
  class Lookups;
  Filter filter_;
  const HttpLimits limits_;
  mutable std::atomic<size_t> running_ = 0;
  std::unique_ptr<Lookups> lookups_;   ///< last, since it ends what uses the others
};

}  // namespace phala::egress

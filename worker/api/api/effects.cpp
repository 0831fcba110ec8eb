#include "api/effects.hpp"

#include <sys/random.h>

#include <cerrno>

#include "base/assert.hpp"
#include "log/log.hpp"

namespace phala::worker {

void random_fill(u8* to, size_t size) {
  while (size > 0) {
    const ssize_t n = getrandom(to, std::min<size_t>(size, 256), 0);
    if (n < 0 && errno == EINTR) continue;
    PHALA_ASSERT(n > 0);
    to += n;
    size -= static_cast<size_t>(n);
  }
}

u64 unix_time_ms() {
  return static_cast<u64>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

engine::HttpResult WorldEffects::http_request(const AccountId&, const engine::HttpRequest& request) {
  if (++http_requests_ > max_http_requests_per_query) return fail(engine::HttpError::too_many_requests);
  return http_.request(request, deadline_);
}

Result<std::vector<engine::HttpResult>, engine::HttpError> WorldEffects::batch_http_request(const AccountId&, const std::vector<engine::HttpRequest>& requests, u64 timeout_ms) {
  if ((http_requests_ += requests.size()) > max_http_requests_per_query) return fail(engine::HttpError::too_many_requests);
  return http_.batch(requests, timeout_ms, deadline_);
}

Bytes WorldEffects::random_bytes(u8 count) {
  Bytes out(count);
  random_fill(out.data(), out.size());
  return out;
}

u64 WorldEffects::unix_time_ms() { return worker::unix_time_ms(); }

bool WorldEffects::cache_set(const AccountId& contract, ByteView key, ByteView value) {
  const std::lock_guard lock(cache_.mutex);
  return cache_.cache.set(contract.as<Hash>(), key, value, worker::unix_time_ms() / 1000);
}
void WorldEffects::cache_set_expiration(const AccountId& contract, ByteView key, u64 seconds) {
  const std::lock_guard lock(cache_.mutex);
  cache_.cache.expire(contract.as<Hash>(), key, seconds, worker::unix_time_ms() / 1000);
}
std::optional<Bytes> WorldEffects::cache_get(const AccountId& contract, ByteView key) {
  const std::lock_guard lock(cache_.mutex);
  return cache_.cache.get(contract.as<Hash>(), key, worker::unix_time_ms() / 1000);
}
std::optional<Bytes> WorldEffects::cache_remove(const AccountId& contract, ByteView key) {
  const std::lock_guard lock(cache_.mutex);
  return cache_.cache.remove(contract.as<Hash>(), key, worker::unix_time_ms() / 1000);
}

std::optional<engine::SgxQuote> WorldEffects::worker_quote() {
  constexpr u8 dcap = 1;
  auto quote = registration_.quote(worker::unix_time_ms() / 1000);
  if (!quote) log::warn("queries", "{}", quote.error().text());
  if (!quote || !*quote) return std::nullopt;
  return engine::SgxQuote{dcap, std::move(**quote)};
}

}  // namespace phala::worker

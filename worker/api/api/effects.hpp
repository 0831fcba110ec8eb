#pragma once
// Why: what one query may do to the world, bounded by its deadline. The pieces (HTTP with its filter, the local cache) are shared by all.

#include <atomic>
#include <chrono>
#include <mutex>

#include "api/registration.hpp"
#include "egress/http_egress.hpp"
#include "egress/local_cache.hpp"
#include "engine/effects.hpp"

namespace phala::worker {

/// The cache behind a lock.
struct SharedCache {
  std::mutex mutex;
  egress::LocalCache cache;
};

/// HTTP requests of one query, those of a batch each counted.
constexpr size_t max_http_requests_per_query = 100;

class WorldEffects final : public engine::QueryEffects {
 public:
  using Clock = std::chrono::steady_clock;
  /// `ended`: the worker is stopping, and the query with it.
  WorldEffects(const egress::HttpEgress& http, SharedCache& cache, Registration& registration, Clock::time_point deadline, const std::atomic<bool>& ended)
      : http_(http), cache_(cache), registration_(registration), deadline_(deadline), ended_(ended) {}

  engine::HttpResult http_request(const AccountId& contract, const engine::HttpRequest& request) override;
  Result<std::vector<engine::HttpResult>, engine::HttpError> batch_http_request(const AccountId& contract, const std::vector<engine::HttpRequest>& requests, u64 timeout_ms) override;
  Bytes random_bytes(u8 count) override;
  u64 unix_time_ms() override;
  bool cache_set(const AccountId& contract, ByteView key, ByteView value) override;
  void cache_set_expiration(const AccountId& contract, ByteView key, u64 seconds) override;
  std::optional<Bytes> cache_get(const AccountId& contract, ByteView key) override;
  std::optional<Bytes> cache_remove(const AccountId& contract, ByteView key) override;
  std::optional<engine::SgxQuote> worker_quote() override;
  bool expired() override { return ended_.load(std::memory_order_relaxed) || Clock::now() >= deadline_; }

 private:
  const egress::HttpEgress& http_;
  SharedCache& cache_;
  Registration& registration_;
  const Clock::time_point deadline_;
  const std::atomic<bool>& ended_;
  size_t http_requests_ = 0;
};

/// From the system's generator. Ends the program when there is none.
void random_fill(u8* to, size_t size);
u64 unix_time_ms();
inline double seconds_since(std::chrono::steady_clock::time_point begin) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); }

}  // namespace phala::worker

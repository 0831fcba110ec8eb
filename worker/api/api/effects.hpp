#pragma once
// Why: what one query may do to the world, bounded by its deadline. The pieces (HTTP with its filter, the local cache) are shared by all.

#include <chrono>
#include <mutex>

#include "egress/http_egress.hpp"
#include "egress/local_cache.hpp"
#include "engine/effects.hpp"

namespace phala::worker {

/// The cache behind a lock.
struct SharedCache {
  std::mutex mutex;
  egress::LocalCache cache;
};

class WorldEffects final : public engine::QueryEffects {
 public:
  using Clock = std::chrono::steady_clock;
  WorldEffects(const egress::HttpEgress& http, SharedCache& cache, Clock::time_point deadline) : http_(http), cache_(cache), deadline_(deadline) {}

  engine::HttpResult http_request(const AccountId& contract, const engine::HttpRequest& request) override;
  Result<std::vector<engine::HttpResult>, engine::HttpError> batch_http_request(const AccountId& contract, const std::vector<engine::HttpRequest>& requests, u64 timeout_ms) override;
  Bytes random_bytes(u8 count) override;
  u64 unix_time_ms() override;
  bool cache_set(const AccountId& contract, ByteView key, ByteView value) override;
  void cache_set_expiration(const AccountId& contract, ByteView key, u64 seconds) override;
  std::optional<Bytes> cache_get(const AccountId& contract, ByteView key) override;
  std::optional<Bytes> cache_remove(const AccountId& contract, ByteView key) override;
  std::optional<engine::SgxQuote> worker_quote() override { return std::nullopt; }
  bool expired() override { return Clock::now() >= deadline_; }

 private:
  const egress::HttpEgress& http_;
  SharedCache& cache_;
  const Clock::time_point deadline_;
};

/// From the system's generator. Ends the program when there is none.
void random_fill(u8* to, size_t size);
u64 unix_time_ms();

}  // namespace phala::worker

#pragma once
// Why: what a query may reach is an argument of the engine; tests of the chain extension hand it one that answers as they say and notes
// what was asked; and a store of images that lives as long as a test.

#include <functional>
#include <mutex>

#include "engine/test_support.hpp"

namespace phala::engine::test {

/// The world of a query as a test wants it, and what was asked of it.
struct World final : QueryEffects {
  HttpResult http = HttpResponse{200, "OK", {{"a", "b"}}, {1, 2}};
  Result<std::vector<HttpResult>, HttpError> batch = std::vector<HttpResult>{HttpResponse{201, "Made", {}, {}}, fail(HttpError::timeout)};
  std::map<std::pair<AccountId, Bytes>, Bytes> cache;
  std::vector<std::string> calls;
  bool full = false, late = false;
  size_t touched = 0;   ///< by anything but the question whether it is late

  HttpResult http_request(const AccountId&, const HttpRequest& r) override { ++touched; calls.push_back(r.method + " " + r.url); return http; }
  Result<std::vector<HttpResult>, HttpError> batch_http_request(const AccountId&, const std::vector<HttpRequest>& r, u64 timeout) override {
    ++touched;
    calls.push_back(std::to_string(r.size()) + " in " + std::to_string(timeout));
    return batch;
  }
  Bytes random_bytes(u8 count) override { ++touched; return Bytes(count, 0xab); }
  u64 unix_time_ms() override { ++touched; return 99; }
  bool cache_set(const AccountId& c, ByteView k, ByteView v) override { ++touched; if (!full) cache[{c, to_bytes(k)}] = to_bytes(v); return !full; }
  void cache_set_expiration(const AccountId&, ByteView, u64 s) override { ++touched; calls.push_back("expire " + std::to_string(s)); }
  std::optional<Bytes> cache_get(const AccountId& c, ByteView k) override { ++touched; const auto at = cache.find({c, to_bytes(k)}); return at == cache.end() ? std::nullopt : std::optional(at->second); }
  std::optional<Bytes> cache_remove(const AccountId& c, ByteView k) override { ++touched; auto old = cache_get(c, k); cache.erase({c, to_bytes(k)}); return old; }
  std::optional<SgxQuote> worker_quote() override { ++touched; return SgxQuote{1, {7, 7}}; }
  bool expired() override { return late; }
};

/// A store of compiled code in memory, which counts.
struct Images final : ImageStore {
  std::mutex mutex;
  std::map<Hash, Bytes> kept;
  int gets = 0, puts = 0;
  std::function<void()> before_get = [] {};
  std::optional<Bytes> get(const Hash& name) override {
    before_get();
    const std::lock_guard lock(mutex);
    ++gets;
    const auto at = kept.find(name);
    return at == kept.end() ? std::nullopt : std::optional(at->second);
  }
  void put(const Hash& name, ByteView image) override {
    const std::lock_guard lock(mutex);
    ++puts;
    kept[name] = to_bytes(image);
  }
};

/// Calls function u32 with the rest of the input, answers status u32 ‖ output.
inline const std::string extension_body = answering(R"(
  (i32.store (i32.const 0xff0) (i32.const 0x4000))
  (i32.store (i32.const 0x2000) (call $seal0.call_chain_extension (i32.load (i32.const 0x1000)) (i32.const 0x1004) (i32.sub (local.get $n) (i32.const 4)) (i32.const 0x2004) (i32.const 0xff0)))
  (local.set $end (i32.add (i32.const 0x2004) (i32.load (i32.const 0xff0)))))");

}  // namespace phala::engine::test

#pragma once
// Why: the local cache of contracts (engine::QueryEffects::cache_*): a scratch pad on one worker, outside the deterministic state, lost at
// restart. Its space is split between contracts by their weight, and nobody's use of it takes anything from another (docs/protocol.md
// §15). Pure: the clock is an argument. Not thread-safe: the caller locks.

#include <map>
#include <optional>

#include "base/bytes.hpp"

namespace phala::egress {

class LocalCache {
 public:
  static constexpr size_t default_capacity_bytes = 20u << 20;
  explicit LocalCache(size_t capacity_bytes = default_capacity_bytes) : capacity_(capacity_bytes) {}

  /// All weights at once, as the clusters' contracts have them; contracts not named have none. A contract whose quota shrinks below what it
  /// holds loses its own entries, those that expire soonest first.
  void set_weights(const std::map<Hash, u32>& weights);
  /// capacity × weight / sum of weights; 0 without weight.
  size_t quota_bytes(const Hash& contract) const;
  size_t used_bytes(const Hash& contract) const;

  /// Keeps the value until it is removed or, after `expire`, expires; a value set anew does not expire. False: over quota, and nothing changed.
  /// An entry costs the bytes of its key and value.
  bool set(const Hash& contract, ByteView key, ByteView value, u64 now_s);
  /// From now on `seconds` long; 0 removes at once. Nothing happens where there is no (living) value.
  void expire(const Hash& contract, ByteView key, u64 seconds, u64 now_s);
  std::optional<Bytes> get(const Hash& contract, ByteView key, u64 now_s) const;
  /// The value that was there.
  std::optional<Bytes> remove(const Hash& contract, ByteView key, u64 now_s);

 private:
  struct Entry { Bytes value; u64 expires_s; };   ///< living while now < expires_s
  struct Pad {
    u32 weight = 0;
    size_t used = 0;
    std::map<Bytes, Entry, BytesLess> entries;
  };
  static void drop(Pad& pad, std::map<Bytes, Entry, BytesLess>::iterator at);
  static void sweep(Pad& pad, u64 now_s);
  void count_change(u64 now_s);

  const size_t capacity_;
  u64 total_weight_ = 0;
  u64 changes_ = 0;
  std::map<Hash, Pad> pads_;
};

}  // namespace phala::egress

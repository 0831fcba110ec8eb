#pragma once
// Why: most of what a block reads was read or written a moment ago, and a seek costs fifty times a look into a hash table. What
// a cache knows is always the newest state, never more: older states are read from the database. Internal to node/store.

#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "primitives/header.hpp"
#include "primitives/state.hpp"

namespace phala::store {

/// Values of keys as of the head, within a limit of bytes; the least recently used go first. Safe from any thread.
class HeadCache {
 public:
  HeadCache(size_t max_bytes, BlockNumber head) : max_shard_bytes_(max_bytes / shards) {
    for (Shard& shard : shards_) shard.head = head;
  }
  /// The key's value at `block`, if known: the inner optional says whether there is one.
  std::optional<std::optional<Bytes>> find(ByteView key, BlockNumber block);
  /// A value that was read from the database at `block`. Ignored unless `block` is the head.
  void note(ByteView key, BlockNumber block, const std::optional<Bytes>& value);
  /// The head is now `block`, which changed these keys. Call it after the block is durable and before anybody reads at it.
  void advance(BlockNumber block, const StateDiff& changes);
  /// What it holds now.
  size_t bytes();

 private:
  static constexpr size_t shards = 16;
  struct Entry {
    Bytes key;
    std::optional<Bytes> value;
    BlockNumber since;   ///< the value holds from this block to the head
    size_t bytes() const { return key.size() + (value ? value->size() : 0) + 128; }
  };
  struct Shard {
    std::mutex lock;
    BlockNumber head = 0;
    std::list<Entry> order;   ///< most recently used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> index;   ///< keys live in `order`
    size_t bytes = 0;
  };
  Shard& shard_of(ByteView key) { return shards_[std::hash<std::string_view>{}(as_text(key)) % shards]; }
  void put(Shard& shard, ByteView key, const std::optional<Bytes>& value, BlockNumber since);

  size_t max_shard_bytes_;
  std::array<Shard, shards> shards_;
};

}  // namespace phala::store

#include "store/head_cache.hpp"

namespace phala::store {

std::optional<std::optional<Bytes>> HeadCache::find(ByteView key, BlockNumber block) {
  Shard& shard = shard_of(key);
  const std::lock_guard guard(shard.lock);
  const auto at = shard.index.find(as_text(key));
  if (at == shard.index.end() || at->second->since > block) return std::nullopt;
  shard.order.splice(shard.order.begin(), shard.order, at->second);
  return at->second->value;
}

void HeadCache::note(ByteView key, BlockNumber block, const std::optional<Bytes>& value) {
  Shard& shard = shard_of(key);
  const std::lock_guard guard(shard.lock);
  if (shard.head == block && !shard.index.contains(as_text(key))) put(shard, key, value, block);
}

void HeadCache::advance(BlockNumber block, const StateDiff& changes) {
  // A shard moves on with its own changes in one step, so that a slow reader of the old head can neither overwrite them nor be noted later.
  std::array<std::vector<const StateDiff::value_type*>, shards> parts;
  for (const auto& change : changes) parts[static_cast<size_t>(&shard_of(change.first) - shards_.data())].push_back(&change);
  for (size_t i = 0; i < shards; ++i) {
    Shard& shard = shards_[i];
    const std::lock_guard guard(shard.lock);
    shard.head = block;
    for (const auto* change : parts[i]) put(shard, change->first, change->second, block);
  }
}

size_t HeadCache::bytes() {
  size_t sum = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard guard(shard.lock);
    sum += shard.bytes;
  }
  return sum;
}

void HeadCache::put(Shard& shard, ByteView key, const std::optional<Bytes>& value, BlockNumber since) {
  if (const auto at = shard.index.find(as_text(key)); at != shard.index.end()) {
    shard.bytes -= at->second->bytes();
    const auto old = at->second;
    shard.index.erase(at);
    shard.order.erase(old);
  }
  shard.order.push_front({to_bytes(key), value, since});
  if (shard.order.front().bytes() > max_shard_bytes_ / 4) {   // one large value must not drive out everything else
    shard.order.pop_front();
    return;
  }
  shard.index.emplace(as_text(shard.order.front().key), shard.order.begin());
  shard.bytes += shard.order.front().bytes();
  while (shard.bytes > max_shard_bytes_) {
    shard.bytes -= shard.order.back().bytes();
    shard.index.erase(as_text(shard.order.back().key));
    shard.order.pop_back();
  }
}

}  // namespace phala::store

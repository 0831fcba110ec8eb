#include "egress/local_cache.hpp"

#include <vector>

namespace phala::egress {
namespace {

constexpr u64 never = ~u64{0};
constexpr u64 changes_between_sweeps = 1000;

}  // namespace

void LocalCache::drop(Pad& pad, std::map<Bytes, Entry, BytesLess>::iterator at) {
  pad.used -= at->first.size() + at->second.value.size();
  pad.entries.erase(at);
}

void LocalCache::sweep(Pad& pad, u64 now_s) {
  for (auto at = pad.entries.begin(); at != pad.entries.end();) {
    const auto here = at++;
    if (now_s >= here->second.expires_s) drop(pad, here);
  }
}

void LocalCache::count_change(u64 now_s) {
  if (++changes_ % changes_between_sweeps != 0) return;
  for (auto& [contract, pad] : pads_) sweep(pad, now_s);
}

void LocalCache::set_weights(const std::map<Hash, u32>& weights) {
  total_weight_ = 0;
  for (auto& [contract, pad] : pads_) pad.weight = 0;
  for (const auto& [contract, weight] : weights) {
    if (weight == 0) continue;
    pads_[contract].weight = weight;
    total_weight_ += weight;
  }
  for (auto at = pads_.begin(); at != pads_.end();) {
    const auto here = at++;
    Pad& pad = here->second;
    if (pad.weight == 0) {
      pads_.erase(here);
      continue;
    }
    const size_t quota = quota_bytes(here->first);
    if (pad.used <= quota) continue;
    std::vector<std::pair<u64, Bytes>> soonest_first;
    for (const auto& [key, entry] : pad.entries) soonest_first.emplace_back(entry.expires_s, key);
    std::sort(soonest_first.begin(), soonest_first.end());
    for (const auto& [expires, key] : soonest_first) {
      if (pad.used <= quota) break;
      drop(pad, pad.entries.find(key));
    }
  }
}

size_t LocalCache::quota_bytes(const Hash& contract) const {
  const auto pad = pads_.find(contract);
  if (pad == pads_.end() || total_weight_ == 0) return 0;
  return static_cast<size_t>(u128{capacity_} * pad->second.weight / total_weight_);
}

size_t LocalCache::used_bytes(const Hash& contract) const {
  const auto pad = pads_.find(contract);
  return pad == pads_.end() ? 0 : pad->second.used;
}

bool LocalCache::set(const Hash& contract, ByteView key, ByteView value, u64 now_s) {
  const auto found = pads_.find(contract);
  if (found == pads_.end()) return false;
  count_change(now_s);
  Pad& pad = found->second;
  const size_t quota = quota_bytes(contract);
  const auto needed = [&] {
    const auto old = pad.entries.find(key);
    return pad.used + key.size() + value.size() - (old == pad.entries.end() ? 0 : key.size() + old->second.value.size());
  };
  if (needed() > quota) sweep(pad, now_s);
  if (needed() > quota) return false;
  if (const auto old = pad.entries.find(key); old != pad.entries.end()) drop(pad, old);
  pad.entries.emplace(to_bytes(key), Entry{to_bytes(value), never});
  pad.used += key.size() + value.size();
  return true;
}

void LocalCache::expire(const Hash& contract, ByteView key, u64 seconds, u64 now_s) {
  const auto pad = pads_.find(contract);
  if (pad == pads_.end()) return;
  count_change(now_s);
  const auto at = pad->second.entries.find(key);
  if (at == pad->second.entries.end()) return;
  // an entry that has expired is gone, even while it still takes up space: nothing revives it
  if (seconds == 0 || now_s >= at->second.expires_s) return drop(pad->second, at);
  at->second.expires_s = seconds > never - now_s ? never : now_s + seconds;
}

std::optional<Bytes> LocalCache::get(const Hash& contract, ByteView key, u64 now_s) const {
  const auto pad = pads_.find(contract);
  if (pad == pads_.end()) return std::nullopt;
  const auto at = pad->second.entries.find(key);
  if (at == pad->second.entries.end() || now_s >= at->second.expires_s) return std::nullopt;
  return at->second.value;
}

std::optional<Bytes> LocalCache::remove(const Hash& contract, ByteView key, u64 now_s) {
  auto old = get(contract, key, now_s);
  if (const auto pad = pads_.find(contract); pad != pads_.end())
    if (const auto at = pad->second.entries.find(key); at != pad->second.entries.end()) drop(pad->second, at);
  return old;
}

}  // namespace phala::egress

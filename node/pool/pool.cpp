#include "pool/pool.hpp"

#include <algorithm>
#include <queue>

#include "crypto/hash.hpp"

namespace phala::node {
namespace {

/// Verdicts are at most this many blocks older than the pool's view.
constexpr BlockNumber recent_blocks = 3;
/// Blocks of which the finality is still awaited; with both engines it comes with the block, so this only bounds a fault.
constexpr size_t max_awaited_blocks = 512;

/// Verdicts that no later state will change. A transaction that cannot pay today may be able to tomorrow, and is not banned.
bool is_hopeless(runtime::TransactionError::Kind kind) {
  using Kind = runtime::TransactionError::Kind;
  switch (kind) {
    case Kind::stale: case Kind::bad_proof: case Kind::ancient_birth_block: case Kind::bad_mandatory: case Kind::mandatory_validation:
    case Kind::bad_signer: case Kind::malformed: return true;
    default: return false;
  }
}

/// A verdict at block `best` says for how many blocks more it holds.
BlockNumber last_block_of(const runtime::ValidTransaction& verdict, BlockNumber best) {
  return verdict.longevity >= UINT32_MAX - best ? UINT32_MAX : best + static_cast<BlockNumber>(verdict.longevity);
}

}  // namespace

std::string to_string(const PoolRefusal& refusal) {
  switch (refusal.kind) {
    case PoolRefusal::Kind::already_imported: return "Transaction is already imported";
    case PoolRefusal::Kind::temporarily_banned: return "Transaction is temporarily banned";
    case PoolRefusal::Kind::too_low_priority: return "Priority is too low: (" + std::to_string(refusal.old_priority) + " vs " + std::to_string(refusal.new_priority) + ")";
    case PoolRefusal::Kind::pool_full: return "Immediately Dropped: the pool is full of transactions with higher priority";
    case PoolRefusal::Kind::expired: return "Transaction is outdated: it may not enter any block to come";
    case PoolRefusal::Kind::sender_limit: return "Immediately Dropped: too many transactions of this sender are waiting";
  }
  return {};
}

// ---- the two sets and their indices ---------------------------------------------------------------------------------
void Pool::tell(const Transaction& tx, PoolEvent::Kind kind, const Hash& other, u32 index) {
  if (tx.watched) events_.push_back({tx.hash, kind, other, index});
}

void Pool::count_sender(const Transaction& tx, int change) {
  if (tx.sender == AccountId{}) return;
  auto& count = by_sender_[tx.sender];
  count += static_cast<size_t>(change);
  if (count == 0) by_sender_.erase(tx.sender);
}

std::set<Bytes> Pool::missing_of(const Transaction& tx) const {
  std::set<Bytes> missing;
  for (const auto& tag : tx.requires_) {
    if (!ready_by_tag_.contains(tag)) missing.insert(tag);
  }
  return missing;
}

std::vector<Bytes> Pool::open_needs(std::vector<Bytes> requires_) const {
  std::erase_if(requires_, [&](const Bytes& tag) { return recent_.contains(tag); });
  return requires_;
}

void Pool::satisfy(const Bytes& tag) {
  std::vector<Hash> hashes;
  if (const auto at = needing_.find(tag); at != needing_.end()) hashes.assign(at->second.begin(), at->second.end());
  for (const auto& hash : hashes) {
    Entry entry = take_ready(hash);
    auto tx = std::make_shared<Transaction>(*entry.tx);
    std::erase(tx->requires_, tag);
    entry.tx = std::move(tx);
    put_ready(std::move(entry));
  }
  hashes.clear();
  std::vector<Bytes> given;
  if (const auto at = waiting_.find(tag); at != waiting_.end()) hashes.assign(at->second.begin(), at->second.end());
  for (const auto& hash : hashes) {
    Entry entry = take_future(hash);
    auto tx = std::make_shared<Transaction>(*entry.tx);
    std::erase(tx->requires_, tag);
    entry.tx = std::move(tx);
    entry.missing = missing_of(*entry.tx);
    if (!entry.missing.empty()) put_future(std::move(entry));
    else move_up(std::move(entry), given);
  }
  promote(std::move(given));
}

void Pool::put_ready(Entry entry) {
  const auto& tx = *entry.tx;
  entry.missing.clear();
  ready_bytes_ += tx.extrinsic.size();
  count_sender(tx, 1);
  for (const auto& tag : tx.provides) ready_by_tag_[tag] = tx.hash;
  for (const auto& tag : tx.requires_) needing_[tag].insert(tx.hash);
  ready_rank_[{tx.priority, ~entry.order}] = tx.hash;
  ready_.emplace(tx.hash, std::move(entry));
}

Pool::Entry Pool::take_ready(const Hash& hash) {
  auto node = ready_.extract(hash);
  Entry entry = std::move(node.mapped());
  const auto& tx = *entry.tx;
  ready_bytes_ -= tx.extrinsic.size();
  count_sender(tx, -1);
  for (const auto& tag : tx.provides) {
    if (const auto at = ready_by_tag_.find(tag); at != ready_by_tag_.end() && at->second == hash) ready_by_tag_.erase(at);
  }
  for (const auto& tag : tx.requires_) {
    if (const auto at = needing_.find(tag); at != needing_.end()) {
      at->second.erase(hash);
      if (at->second.empty()) needing_.erase(at);
    }
  }
  ready_rank_.erase({tx.priority, ~entry.order});
  return entry;
}

void Pool::put_future(Entry entry) {
  const auto& tx = *entry.tx;
  future_bytes_ += tx.extrinsic.size();
  count_sender(tx, 1);
  for (const auto& tag : tx.provides) future_by_tag_[tag] = tx.hash;
  for (const auto& tag : entry.missing) waiting_[tag].insert(tx.hash);
  future_rank_[{tx.priority, ~entry.order}] = tx.hash;
  future_.emplace(tx.hash, std::move(entry));
}

Pool::Entry Pool::take_future(const Hash& hash) {
  auto node = future_.extract(hash);
  Entry entry = std::move(node.mapped());
  const auto& tx = *entry.tx;
  future_bytes_ -= tx.extrinsic.size();
  count_sender(tx, -1);
  for (const auto& tag : tx.provides) {
    if (const auto at = future_by_tag_.find(tag); at != future_by_tag_.end() && at->second == hash) future_by_tag_.erase(at);
  }
  for (const auto& tag : entry.missing) {
    if (const auto at = waiting_.find(tag); at != waiting_.end()) {
      at->second.erase(hash);
      if (at->second.empty()) waiting_.erase(at);
    }
  }
  future_rank_.erase({tx.priority, ~entry.order});
  return entry;
}

// ---- movement between them ------------------------------------------------------------------------------------------
void Pool::promote(std::vector<Bytes> tags) {
  while (!tags.empty()) {
    const Bytes tag = std::move(tags.back());
    tags.pop_back();
    const auto at = waiting_.find(tag);
    if (at == waiting_.end()) continue;
    const auto hashes = at->second;
    for (const auto& hash : hashes) {
      Entry entry = take_future(hash);
      entry.missing = missing_of(*entry.tx);
      if (!entry.missing.empty()) {
        put_future(std::move(entry));
        continue;
      }
      move_up(std::move(entry), tags);
    }
  }
}

void Pool::move_up(Entry entry, std::vector<Bytes>& given) {
  if (!replace_ready(*entry.tx)) return tell(*entry.tx, PoolEvent::Kind::dropped);
  tell(*entry.tx, PoolEvent::Kind::ready);
  given.insert(given.end(), entry.tx->provides.begin(), entry.tx->provides.end());
  put_ready(std::move(entry));
}

void Pool::demote_dependents(const std::vector<Bytes>& first) {
  std::vector<Bytes> tags = first;
  while (!tags.empty()) {
    const Bytes tag = std::move(tags.back());
    tags.pop_back();
    if (ready_by_tag_.contains(tag)) continue;
    const auto at = needing_.find(tag);
    if (at == needing_.end()) continue;
    const auto hashes = at->second;
    for (const auto& hash : hashes) {
      Entry entry = take_ready(hash);
      tags.insert(tags.end(), entry.tx->provides.begin(), entry.tx->provides.end());
      entry.missing = missing_of(*entry.tx);
      tell(*entry.tx, PoolEvent::Kind::future);
      put_future(std::move(entry));
    }
  }
}

Result<void, PoolRefusal> Pool::replace_ready(const Transaction& by) {
  std::set<Hash> rivals;
  u64 together = 0;
  for (const auto& tag : by.provides) {
    const auto at = ready_by_tag_.find(tag);
    if (at == ready_by_tag_.end() || !rivals.insert(at->second).second) continue;
    const u64 more = ready_.at(at->second).tx->priority;
    together = together + more < together ? UINT64_MAX : together + more;
  }
  if (rivals.empty()) return {};
  if (together >= by.priority) return fail(PoolRefusal{PoolRefusal::Kind::too_low_priority, together, by.priority});
  std::vector<Bytes> lost;
  for (const auto& rival : rivals) {
    const Entry entry = take_ready(rival);
    tell(*entry.tx, PoolEvent::Kind::usurped, by.hash);
    for (const auto& tag : entry.tx->provides) {
      if (std::find(by.provides.begin(), by.provides.end(), tag) == by.provides.end()) lost.push_back(tag);
    }
  }
  demote_dependents(lost);
  return {};
}

void Pool::shrink_ready() {
  while (ready_.size() > limits_.ready_count || ready_bytes_ > limits_.ready_bytes) {
    const Entry entry = take_ready(ready_rank_.begin()->second);
    tell(*entry.tx, PoolEvent::Kind::dropped);
    demote_dependents(entry.tx->provides);
  }
}

void Pool::shrink_future() {
  while (future_.size() > limits_.future_count || future_bytes_ > limits_.future_bytes) {
    tell(*take_future(future_rank_.begin()->second).tx, PoolEvent::Kind::dropped);
  }
}

// ---- from outside ---------------------------------------------------------------------------------------------------
Result<void, PoolRefusal> Pool::would_consider(const Hash& transaction, u64 now_ms) {
  while (!ban_ends_.empty() && (ban_ends_.begin()->first.first <= now_ms || ban_ends_.size() > limits_.bans)) {
    bans_.erase(ban_ends_.begin()->first.second);
    ban_ends_.erase(ban_ends_.begin());
  }
  if (ready_.contains(transaction) || future_.contains(transaction)) return fail(PoolRefusal{PoolRefusal::Kind::already_imported});
  if (bans_.contains(transaction)) return fail(PoolRefusal{PoolRefusal::Kind::temporarily_banned});
  return {};
}

Result<Hash, PoolRefusal> Pool::add(Bytes extrinsic, const runtime::ValidTransaction& verdict, BlockNumber best, u64 now_ms, bool watched) {
  auto tx = std::make_shared<Transaction>();
  tx->hash = crypto::blake2_256(extrinsic);
  tx->extrinsic = std::move(extrinsic);
  tx->sender = verdict.sender;
  tx->priority = verdict.priority;
  tx->requires_ = open_needs(verdict.requires_);
  tx->provides = verdict.provides;
  tx->valid_till = last_block_of(verdict, best);
  tx->watched = watched;
  tx->context = verdict.context;
  const Hash hash = tx->hash;
  TRY(would_consider(hash, now_ms));
  if (outlived(*tx)) return fail(PoolRefusal{PoolRefusal::Kind::expired});

  Entry entry{tx, next_order_++, best, missing_of(*tx)};
  const auto at_sender = by_sender_.find(tx->sender);
  const bool sender_full = at_sender != by_sender_.end() && at_sender->second >= limits_.per_sender;
  if (entry.missing.empty()) {
    const auto takes_place = [&] {
      return std::any_of(tx->provides.begin(), tx->provides.end(), [&](const Bytes& tag) { return ready_by_tag_.contains(tag); });
    };
    if (sender_full && !takes_place()) return fail(PoolRefusal{PoolRefusal::Kind::sender_limit});
    TRY(replace_ready(*tx));
    tell(*tx, PoolEvent::Kind::ready);
    put_ready(std::move(entry));
    promote(tx->provides);
    shrink_ready();
    shrink_future();
  } else {
    std::set<Hash> rivals;
    for (const auto& tag : tx->provides) {
      if (const auto at = future_by_tag_.find(tag); at != future_by_tag_.end()) rivals.insert(at->second);
    }
    if (sender_full && rivals.empty()) return fail(PoolRefusal{PoolRefusal::Kind::sender_limit});
    for (const auto& rival : rivals) {
      const u64 theirs = future_.at(rival).tx->priority;
      if (theirs >= tx->priority) return fail(PoolRefusal{PoolRefusal::Kind::too_low_priority, theirs, tx->priority});
    }
    for (const auto& rival : rivals) tell(*take_future(rival).tx, PoolEvent::Kind::usurped, hash);
    tell(*tx, PoolEvent::Kind::future);
    put_future(std::move(entry));
    shrink_future();
  }
  if (!ready_.contains(hash) && !future_.contains(hash)) {
    // its own story is told by the refusal
    std::erase_if(events_, [&](const PoolEvent& event) { return event.transaction == hash; });
    return fail(PoolRefusal{PoolRefusal::Kind::pool_full});
  }
  return hash;
}

void Pool::ban(const Hash& transaction, u64 now_ms) {
  const auto [at, fresh] = bans_.try_emplace(transaction, now_ms + limits_.ban_ms);
  if (fresh) ban_ends_[{at->second, transaction}] = true;
}

bool Pool::remove(const Hash& transaction, u64 now_ms) {
  const bool is_ready = ready_.contains(transaction);
  if (!is_ready && !future_.contains(transaction)) return false;
  const Entry entry = is_ready ? take_ready(transaction) : take_future(transaction);
  tell(*entry.tx, PoolEvent::Kind::invalid);
  if (is_ready) demote_dependents(entry.tx->provides);
  ban(transaction, now_ms);
  shrink_future();
  return true;
}

void Pool::block_added(BlockNumber number, const Hash& block, const std::vector<Hash>& extrinsics) {
  last_block_ = number;
  std::erase_if(recent_, [&](const auto& tag) { return tag.second + recent_blocks <= number; });
  touched_.clear();
  std::vector<Bytes> given;
  for (u32 i = 0; i < extrinsics.size(); ++i) {
    const bool is_ready = ready_.contains(extrinsics[i]);
    if (!is_ready && !future_.contains(extrinsics[i])) continue;
    const Entry entry = is_ready ? take_ready(extrinsics[i]) : take_future(extrinsics[i]);
    for (const auto& tag : entry.tx->provides) {
      recent_[tag] = number;
      given.push_back(tag);
    }
    touched_.insert(entry.tx->sender);
    tell(*entry.tx, PoolEvent::Kind::in_block, block, i);
    if (entry.tx->watched && in_block_.size() < max_awaited_blocks) in_block_[block].push_back({entry.tx, i});
  }
  for (const auto& tag : given) satisfy(tag);
  std::vector<Hash> expired;
  for (const auto* set : {&ready_, &future_}) {
    for (const auto& [hash, entry] : *set) {
      if (outlived(*entry.tx)) expired.push_back(hash);
    }
  }
  for (const auto& hash : expired) {
    const bool is_ready = ready_.contains(hash);
    const Entry entry = is_ready ? take_ready(hash) : take_future(hash);
    tell(*entry.tx, PoolEvent::Kind::invalid);
    if (is_ready) demote_dependents(entry.tx->provides);
  }
  shrink_ready();
  shrink_future();
}

void Pool::block_finalized(const Hash& block) {
  const auto at = in_block_.find(block);
  if (at == in_block_.end()) return;
  for (const auto& placed : at->second) tell(*placed.tx, PoolEvent::Kind::finalized, block, placed.index);
  in_block_.erase(at);
}

std::vector<TransactionRef> Pool::to_revalidate(size_t max_count) const {
  struct Candidate { bool untouched; BlockNumber checked_at; u64 order; TransactionRef tx; };
  std::vector<Candidate> all;
  all.reserve(ready_.size() + future_.size());
  for (const auto* set : {&ready_, &future_}) {
    for (const auto& [hash, entry] : *set) all.push_back({!touched_.contains(entry.tx->sender), entry.checked_at, entry.order, entry.tx});
  }
  const auto earlier = [](const Candidate& a, const Candidate& b) {
    return std::tie(a.untouched, a.checked_at, a.order) < std::tie(b.untouched, b.checked_at, b.order);
  };
  const size_t n = std::min(max_count, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<long>(n), all.end(), earlier);
  std::vector<TransactionRef> out;
  for (size_t i = 0; i < n; ++i) out.push_back(all[i].tx);
  return out;
}

void Pool::revalidated(const Hash& transaction, const Result<runtime::ValidTransaction, runtime::TransactionError>& verdict, BlockNumber best, u64 now_ms) {
  const bool was_ready = ready_.contains(transaction);
  if (!was_ready && !future_.contains(transaction)) return;
  Entry entry = was_ready ? take_ready(transaction) : take_future(transaction);
  if (!verdict) {
    tell(*entry.tx, PoolEvent::Kind::invalid);
    if (is_hopeless(verdict.error().kind)) ban(transaction, now_ms);
    if (was_ready) demote_dependents(entry.tx->provides);
    return shrink_future();
  }
  // a fresh object: references that were handed out stay as they were
  auto tx = std::make_shared<Transaction>(*entry.tx);
  tx->requires_ = open_needs(verdict->requires_);
  tx->provides = verdict->provides;
  tx->valid_till = last_block_of(*verdict, best);
  tx->context = verdict->context;
  const auto tags_before = entry.tx->provides;
  entry.tx = tx;
  entry.checked_at = best;
  entry.missing = missing_of(*tx);
  if (outlived(*tx)) {
    tell(*tx, PoolEvent::Kind::invalid);
    if (was_ready) demote_dependents(tags_before);
  } else if (!entry.missing.empty()) {
    if (was_ready) tell(*tx, PoolEvent::Kind::future);
    put_future(std::move(entry));
    if (was_ready) demote_dependents(tags_before);
  } else if (!replace_ready(*tx)) {
    tell(*tx, PoolEvent::Kind::dropped);
    if (was_ready) demote_dependents(tags_before);
  } else {
    if (!was_ready) tell(*tx, PoolEvent::Kind::ready);
    put_ready(std::move(entry));
    if (was_ready) demote_dependents(tags_before);
    promote(tx->provides);
  }
  shrink_ready();
  shrink_future();
}

// ---- views ----------------------------------------------------------------------------------------------------------
std::vector<TransactionRef> Pool::ready(size_t max_count) const {
  struct Next {
    Rank rank;
    const Entry* entry;
    bool operator<(const Next& other) const { return rank < other.rank; }
  };
  std::map<Hash, size_t> open;   // how many of its needs are given by transactions not yet listed
  std::priority_queue<Next> free;
  for (const auto& [hash, entry] : ready_) {
    size_t needs = 0;
    for (const auto& tag : entry.tx->requires_) needs += ready_by_tag_.contains(tag);
    if (needs == 0) free.push({{entry.tx->priority, ~entry.order}, &entry});
    else open[hash] = needs;
  }
  std::vector<TransactionRef> out;
  while (!free.empty() && out.size() < max_count) {
    const Entry& entry = *free.top().entry;
    free.pop();
    out.push_back(entry.tx);
    for (const auto& tag : entry.tx->provides) {
      const auto giver = ready_by_tag_.find(tag);
      const auto at = needing_.find(tag);
      if (at == needing_.end() || giver == ready_by_tag_.end() || giver->second != entry.tx->hash) continue;
      for (const auto& hash : at->second) {
        const auto left = open.find(hash);
        if (left == open.end() || --left->second != 0) continue;
        const Entry& next = ready_.at(hash);
        free.push({{next.tx->priority, ~next.order}, &next});
        open.erase(left);
      }
    }
  }
  return out;
}

std::vector<TransactionRef> Pool::future() const {
  std::vector<TransactionRef> out;
  for (const auto& [rank, hash] : future_rank_) out.push_back(future_.at(hash).tx);
  return out;
}

std::optional<std::string> Pool::broken_rule() const {
  size_t bytes = 0;
  std::map<AccountId, size_t> senders;
  for (const auto& [hash, entry] : ready_) {
    bytes += entry.tx->extrinsic.size();
    if (entry.tx->sender != AccountId{}) ++senders[entry.tx->sender];
    if (!missing_of(*entry.tx).empty()) return "a ready transaction misses a tag";
    if (future_.contains(hash)) return "a transaction is ready and future";
    for (const auto& tag : entry.tx->provides) {
      if (!ready_by_tag_.contains(tag)) return "a given tag is not indexed";
    }
  }
  if (bytes != ready_bytes_) return "ready bytes are miscounted";
  bytes = 0;
  for (const auto& [hash, entry] : future_) {
    bytes += entry.tx->extrinsic.size();
    if (entry.tx->sender != AccountId{}) ++senders[entry.tx->sender];
    if (entry.missing.empty() || entry.missing != missing_of(*entry.tx)) return "a future transaction's missing tags are wrong";
  }
  if (bytes != future_bytes_) return "future bytes are miscounted";
  if (senders != by_sender_) return "senders are miscounted";
  for (const auto& [tag, hash] : ready_by_tag_) {
    if (!ready_.contains(hash)) return "a tag is given by nobody";
  }
  for (const auto& [tag, hashes] : needing_) {
    for (const auto& hash : hashes) if (!ready_.contains(hash)) return "a need of nobody";
  }
  for (const auto& [tag, hashes] : waiting_) {
    for (const auto& hash : hashes) if (!future_.contains(hash)) return "nobody waits for a tag";
  }
  if (ready_rank_.size() != ready_.size() || future_rank_.size() != future_.size()) return "a rank is missing";
  if (ready_.size() > limits_.ready_count || ready_bytes_ > limits_.ready_bytes) return "ready is over its limit";
  if (future_.size() > limits_.future_count || future_bytes_ > limits_.future_bytes) return "future is over its limit";
  std::set<Bytes> given;
  const auto listed = ready();
  if (listed.size() != ready_.size()) return "ready() leaves one out (a circle of needs?)";
  for (const auto& tx : listed) {
    for (const auto& tag : tx->requires_) {
      if (!given.contains(tag) && ready_by_tag_.contains(tag)) return "ready() lists one before what it needs";
    }
    given.insert(tx->provides.begin(), tx->provides.end());
  }
  return std::nullopt;
}

}  // namespace phala::node

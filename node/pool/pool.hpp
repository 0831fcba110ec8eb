#pragma once
// Why: transactions arrive faster than blocks and out of order. The pool decides which of them are kept, in which order they
// are tried, and what their senders hear. It is a state machine without clock, threads or chain: blocks, verdicts and the time
// are arguments, so every decision can be replayed. What a transaction needs and gives are opaque tags (runtime.hpp): usually "nonce n of account a".
//
// Ready: everything it needs is on the chain or given by other ready ones. Future: something is missing, typically an earlier nonce.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/runtime.hpp"

namespace phala::node {

struct PoolLimits {
  size_t ready_count = 8192;
  size_t ready_bytes = 20u << 20;
  size_t future_count = 1024;
  size_t future_bytes = 4u << 20;
  size_t per_sender = 2048;       ///< ready and future together; unsigned ones are not counted
  u64 ban_ms = 30 * 60 * 1000;
  size_t bans = 16384;            ///< the oldest is forgotten first
};

struct Transaction {
  Hash hash;                      ///< BLAKE2b-256 of `extrinsic`
  Bytes extrinsic;                ///< with its length prefix
  AccountId sender;
  u64 priority{};
  std::vector<Bytes> requires_, provides;
  BlockNumber valid_till{};       ///< the last block it may be in
  bool watched = false;
  SignedContext context;          ///< under which its signature is good
};
using TransactionRef = std::shared_ptr<const Transaction>;

/// Why the pool does not take a transaction. Codes of JSON-RPC errors: docs/protocol.md §3.3.
struct PoolRefusal {
  enum class Kind : u8 { already_imported, temporarily_banned, too_low_priority, pool_full, sender_limit, expired };
  Kind kind{};
  u64 old_priority{}, new_priority{};   ///< too_low_priority only
  bool operator==(const PoolRefusal&) const = default;
};
std::string to_string(const PoolRefusal& refusal);

/// What happened to a watched transaction. The last six end its story, except `in_block`, which `finalized` follows.
struct PoolEvent {
  enum class Kind : u8 { future, ready, in_block, finalized, usurped, dropped, invalid };
  Hash transaction;
  Kind kind{};
  Hash other{};      ///< in_block, finalized: the block. usurped: the transaction that took its place
  u32 index{};       ///< in_block, finalized: place in the block
  bool operator==(const PoolEvent&) const = default;
};

class Pool {
 public:
  explicit Pool(PoolLimits limits) : limits_(limits) {}

  /// Takes a transaction that the runtime found valid against the state at `best`. A transaction that gives a tag which another one gives replaces it if its
  /// priority is higher than that of all it replaces together. When the pool is full the lowest priority leaves, the newest among equals. What a newer block
  /// has outlived since the verdict is refused.
  Result<Hash, PoolRefusal> add(Bytes extrinsic, const runtime::ValidTransaction& verdict, BlockNumber best, u64 now_ms, bool watched);
  /// Whether `add` would refuse it without looking at its validity; asked before paying for a signature check.
  Result<void, PoolRefusal> would_consider(const Hash& transaction, u64 now_ms);
  /// Remembers that a transaction is bad for `ban_ms`.
  void ban(const Hash& transaction, u64 now_ms);

  /// In the order in which to try them: what gives a tag comes before what needs it; otherwise higher priority first, then older.
  std::vector<TransactionRef> ready(size_t max_count = SIZE_MAX) const;
  std::vector<TransactionRef> future() const;
  /// True when a ready transaction gives this tag.
  bool gives(const Bytes& tag) const { return ready_by_tag_.contains(tag); }

  /// A block was added: its transactions leave, what waited for them moves up, what lived too long is invalid.
  void block_added(BlockNumber number, const Hash& block, const std::vector<Hash>& extrinsics);
  void block_finalized(const Hash& block);
  /// Those whose verdict is oldest, for checking against the newest state; at most `max_count`. Senders with a transaction in the last block come first.
  std::vector<TransactionRef> to_revalidate(size_t max_count) const;
  /// The new verdict on one that is in the pool (unknown ones are ignored). An error removes it, and what needs it falls back to future.
  void revalidated(const Hash& transaction, const Result<runtime::ValidTransaction, runtime::TransactionError>& verdict, BlockNumber best, u64 now_ms);
  /// Removes and bans (author_removeExtrinsic). True if it was there.
  bool remove(const Hash& transaction, u64 now_ms);

  /// Events since the last call, in order.
  std::vector<PoolEvent> take_events() { return std::exchange(events_, {}); }
  const PoolLimits& limits() const { return limits_; }
  size_t ready_count() const { return ready_.size(); }
  size_t future_count() const { return future_.size(); }
  size_t ready_bytes() const { return ready_bytes_; }
  size_t future_bytes() const { return future_bytes_; }
  /// For tests: the first broken rule between the indices, or nothing.
  std::optional<std::string> broken_rule() const;

 private:
  struct Entry {
    std::shared_ptr<Transaction> tx;
    u64 order{};                ///< of arrival
    BlockNumber checked_at{};
    std::set<Bytes> missing;    ///< future only
  };
  using Rank = std::pair<u64, u64>;   ///< (priority, ~order): the smallest leaves first

  /// Needs without those that the last blocks met.
  std::vector<Bytes> open_needs(std::vector<Bytes> requires_) const;
  /// A tag is on the chain now and will never be missed again.
  void satisfy(const Bytes& tag);
  /// From future to ready; the tags it gives are added to `given`.
  void move_up(Entry entry, std::vector<Bytes>& given);
  std::set<Bytes> missing_of(const Transaction& tx) const;
  /// No block to come may include it.
  bool outlived(const Transaction& tx) const { return tx.valid_till <= last_block_ && tx.valid_till != UINT32_MAX; }
  void put_ready(Entry entry);
  void put_future(Entry entry);
  Entry take_ready(const Hash& hash);
  Entry take_future(const Hash& hash);
  /// Moves to future every ready transaction that needs one of `tags` while nobody gives it, and what follows from that.
  void demote_dependents(const std::vector<Bytes>& tags);
  /// Moves up whatever the tags complete.
  void promote(std::vector<Bytes> tags);
  Result<void, PoolRefusal> replace_ready(const Transaction& by);
  void shrink_ready();
  void shrink_future();
  void tell(const Transaction& tx, PoolEvent::Kind kind, const Hash& other = {}, u32 index = 0);
  void count_sender(const Transaction& tx, int change);

  const PoolLimits limits_;
  std::map<Hash, Entry> ready_, future_;
  std::map<Bytes, Hash> ready_by_tag_, future_by_tag_;      ///< who gives a tag
  std::map<Bytes, std::set<Hash>> needing_;                 ///< ready ones that need a tag
  std::map<Bytes, std::set<Hash>> waiting_;                 ///< future ones that miss a tag
  std::map<Rank, Hash> ready_rank_, future_rank_;
  std::map<AccountId, size_t> by_sender_;
  size_t ready_bytes_ = 0, future_bytes_ = 0;
  u64 next_order_ = 0;
  BlockNumber last_block_ = 0;
  std::map<Bytes, BlockNumber> recent_;                     ///< tags given by the last blocks: verdicts may be older than they are
  std::set<AccountId> touched_;                             ///< senders in the last block
  struct Placed { TransactionRef tx; u32 index; };
  std::map<Hash, std::vector<Placed>> in_block_;            ///< watched, not yet final
  std::map<Hash, u64> bans_;                                ///< until when
  std::map<std::pair<u64, Hash>, bool> ban_ends_;
  std::vector<PoolEvent> events_;
};

}  // namespace phala::node

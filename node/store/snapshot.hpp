#pragma once
// Why: a request sees one moment of the chain, whatever is committed meanwhile. A snapshot names a head and holds everything
// that was readable when that head was published.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "primitives/message.hpp"
#include "primitives/state.hpp"
#include "rocksdb/kv_store.hpp"
#include "trie/trie.hpp"

namespace phala::store {

/// The last committed block, and from where on the past can be read.
struct Head {
  BlockNumber number{};
  Hash hash;
  BlockNumber oldest_state{};     ///< first block whose state is readable
  BlockNumber oldest_proof{};     ///< first block whose state can be proved
  BlockNumber oldest_payload{};   ///< first block whose message payloads are kept
  FIELDS(number, hash, oldest_state, oldest_proof, oldest_payload)
};

/// Remembers the first failed read of a store, because a state view cannot report one: what was computed from it must not be used.
class Damage {
 public:
  void note(const Error& error);
  std::optional<Error> first() const;

 private:
  mutable std::mutex lock_;
  std::optional<Error> first_;
};

/// How much one question may cost. `go_on` is asked every few dozen rows; once it is false the answer is the error `unavailable`.
struct Patience {
  std::function<bool()> go_on;
  size_t max_bytes = SIZE_MAX;   ///< of a proof's nodes; the error beyond is `refused`
};

class HeadCache;
class Snapshot;

/// The state after one block. Safe for concurrent readers; keeps its snapshot alive.
class StateReader final : public StateView {
 public:
  /// A read that fails answers "nothing" and is noted: whoever relies on the answers asks `failure` before using the result.
  std::optional<Bytes> get(ByteView key) const override;
  std::optional<Bytes> next_key(ByteView key) const override;
  /// The first failed read of the whole store, by whomever.
  std::optional<Error> failure() const;

  /// `get` with the error in the answer.
  Result<std::optional<Bytes>> find(ByteView key) const;
  /// At most `count` keys with the prefix, in order, strictly after `start` when there is one. Keys that did not exist at this block, or no longer,
  /// are passed over, however many there are: that is what `patience` is for.
  Result<std::vector<Bytes>> keys_paged(ByteView prefix, std::optional<ByteView> start, size_t count, const Patience& patience = {}) const;
  BlockNumber block() const { return block_; }

 private:
  friend class Snapshot;
  StateReader(std::shared_ptr<const Snapshot> snapshot, BlockNumber block) : snapshot_(std::move(snapshot)), block_(block) {}
  std::shared_ptr<const Snapshot> snapshot_;
  BlockNumber block_;
};

/// Everything that can be asked of the chain, as of one head. Immutable; safe for concurrent readers. Hold it for a request, not
/// for hours: pruned data stays on disk as long as a snapshot that sees it lives.
class Snapshot : public std::enable_shared_from_this<Snapshot> {
 public:
  Snapshot(std::shared_ptr<const KvStore> kv, Head head, std::shared_ptr<HeadCache> cache, std::shared_ptr<Damage> damage);

  const Head& head() const { return head_; }
  /// A block is final when it exists.
  BlockNumber finalized() const { return head_.number; }

  /// The state after a block. Error: not_found, saying which blocks are kept.
  Result<std::shared_ptr<const StateReader>> state_at(BlockNumber number) const;

  /// Nothing when there is no such block.
  Result<std::optional<Hash>> hash_of(BlockNumber number) const;
  Result<std::optional<BlockNumber>> number_of(const Hash& hash) const;
  Result<std::optional<Header>> header(BlockNumber number) const;
  Result<std::optional<Header>> header(const Hash& hash) const;
  Result<std::optional<std::vector<Bytes>>> body(BlockNumber number) const;
  /// Empty while none was given.
  Result<std::optional<Bytes>> justification(BlockNumber number) const;
  /// The message log of blocks `from` to `to` inclusive, ending early before it exceeds `max_bytes` (but never before the first
  /// block). Payloads are absent where no longer kept. Error: not_found beyond the head, or for `from` 0 (genesis has no messages).
  Result<std::vector<BlockMessages>> messages(BlockNumber from, BlockNumber to, size_t max_bytes) const;
  /// The storage proof of keys, present or absent, against the header's state root (see trie::prove).
  /// Error: not_found, saying for which blocks there are proofs.
  Result<std::vector<Bytes>> proof(BlockNumber number, std::span<const Bytes> keys, const Patience& patience = {}) const;

 private:
  friend class StateReader;
  Result<std::optional<Bytes>> row(Column column, ByteView key) const;
  Result<std::optional<Bytes>> value_at(BlockNumber block, ByteView key) const;
  /// Calls `each(key)` for the keys of the state at `block` from a stored key on, until it returns false.
  template <class F>
  Result<> walk_keys(BlockNumber block, ByteView from, const Patience& patience, F&& each) const;

  /// Iterators are costly to make: they wait here between uses.
  class Lease;
  struct Pool {
    std::mutex lock;
    std::vector<KvIterator> idle;
  };
  std::shared_ptr<const KvStore> kv_;
  std::shared_ptr<const KvSnapshot> at_;
  Head head_;
  std::shared_ptr<HeadCache> cache_;   ///< of the state
  std::shared_ptr<Damage> damage_;
  mutable Pool one_key_, all_keys_;
};

}  // namespace phala::store

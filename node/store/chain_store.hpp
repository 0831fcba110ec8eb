#pragma once
// Why: the one place on disk where the chain lives. A block is one atomic batch that has reached the disk before anybody hears
// of it; readers look at immutable snapshots. Layout and reasons: docs/adr/0003-store-schema.md.

#include <memory>

#include "store/snapshot.hpp"

namespace phala::store {

struct Options {
  /// States of so many last blocks stay readable; nothing means all of them for ever (archive). At least 2.
  /// Archive or not is decided when the store is made; the number may change later.
  std::optional<BlockNumber> keep_states = 256;
  /// Payloads of messages of so many last blocks are kept; nothing means all. Leaves are kept for ever.
  std::optional<BlockNumber> message_history;
  /// Refuse a store of any other chain.
  std::optional<Hash> genesis;
  /// Memory for what was read before: half of it blocks of the database, a quarter each for values and trie nodes of the head.
  size_t cache_bytes = size_t{128} << 20;
};

/// What a block brings besides its state.
struct Block {
  Header header;
  std::vector<Bytes> body;   ///< encoded extrinsics
  Bytes justification;       ///< why it is final; may be empty and be added later
  BlockMessages messages;    ///< `number` must be the header's
};

/// A state that is ready to be committed on top of the head it was computed on. Large: move it.
class Prepared {
 public:
  const Hash& state_root() const { return root_; }

 private:
  friend class ChainStore;   // and its State
  std::optional<Hash> parent_;   ///< none: genesis
  Hash root_;
  StateDiff diff_;
  trie::NodeChanges nodes_, nodes_before_;
};

/// The chain's database. One thread commits; `snapshot` is safe from any thread.
class ChainStore {
 public:
  /// Opens or creates the store in a folder. Errors: as of KvStore::open; refused (another chain, a newer schema, archive against
  /// pruned); corrupted (rows that do not fit together, or blocks that were committed and are gone).
  static Result<ChainStore> open(const std::string& path, const Options& options);
  ChainStore(ChainStore&&) noexcept;
  ChainStore& operator=(ChainStore&&) noexcept;
  ~ChainStore();

  /// True until `commit_genesis`.
  bool empty() const;
  /// The first commit. `header` has number 0 and the root of `state`. Errors: refused when there is a genesis already, or the
  /// header does not fit.
  Result<> commit_genesis(StateDiff state, const Header& header);

  /// Computes the state root of the head's state with `diff` applied; commits nothing. Several may be prepared on one head. For the
  /// thread that commits.
  /// Errors: corrupted (a trie node is damaged), invalid_input (a key longer than trie::max_key_bytes).
  Result<Prepared> prepare(StateDiff diff) const;
  /// Writes a block on top of the head: all of it or nothing, on disk when this returns, then published. Prunes what got too old.
  /// Errors: refused (block or state do not continue the head), corrupted (a read failed since the store was opened, so that the
  /// block cannot be trusted), and the database's; the head then stays what it was.
  Result<> commit(const Block& block, Prepared prepared);
  /// Adds or replaces the justification of a block that is there.
  Result<> put_justification(BlockNumber number, ByteView justification);

  /// The last published state of affairs; null while `empty`.
  std::shared_ptr<const Snapshot> snapshot() const;

  /// Bytes that caches hold now.
  struct CacheUse { size_t database, state; };
  CacheUse cache_use() const;

 private:
  struct State;
  explicit ChainStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace phala::store

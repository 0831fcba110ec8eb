#pragma once
// Why: whatever decides about blocks (the embedded sealer here, CometBFT over ABCI) does the same three things with the chain: build a block or
// replay somebody else's, compare, and commit it with the proof that it is final. This is that surface; nothing behind it knows which engine asks.
//
// One thread builds, replays and commits. `view` is for everybody: an immutable look at one head. Observers hear of a block after its
// view is the current one, so whoever is told of block h can read h.

#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "light/finality.hpp"
#include "runtime/chain_spec.hpp"
#include "runtime/runtime.hpp"
#include "store/chain_store.hpp"

namespace phala::node {

/// The chain as of one head. Hold it for a request, not longer.
struct View {
  std::shared_ptr<const store::Snapshot> snapshot;
  std::shared_ptr<const store::StateReader> state;   ///< after the head
  Header header;                                     ///< of the head
  Hash hash, genesis;
  BlockNumber number() const { return header.number; }
};
using ViewRef = std::shared_ptr<const View>;

using ChangedKeys = std::set<Bytes, BytesLess>;

/// A block that everybody can see now.
struct Imported {
  ViewRef view;
  std::vector<Hash> extrinsics;             ///< hashes, in order
  std::shared_ptr<const ChangedKeys> changed;
  bool runtime_changed = false;
};

/// An executed block that could be committed on the current head.
struct Candidate {
  Header header;   ///< complete
  runtime::ExecutedBlock executed;
  store::Prepared state;
};

class Chain {
 public:
  /// Opens the store, and writes genesis into an empty one. Errors: the store's; refused when it holds another chain.
  static Result<std::unique_ptr<Chain>> open(const std::string& path, store::Options options, const runtime::ChainSpec& spec);

  ViewRef view() const;
  /// Bytes that caches hold now.
  store::ChainStore::CacheUse cache_use() const { return store_.cache_use(); }
  /// The genesis hash of a chain spec: what identifies the chain.
  static Hash genesis_hash(const runtime::ChainSpec& spec);

  /// Executes a new block on the head; `fill` puts extrinsics into it. Errors: the store could not be read.
  Result<Candidate> build(u64 now_ms, const std::function<void(runtime::BlockBuilder&)>& fill);
  /// Executes a block of somebody else on the head and compares everything, the state root too. `for_each` spreads the signature checks
  /// (CpuPool::for_each).
  Result<Candidate> replay(const Header& header, const std::vector<Bytes>& extrinsics, const runtime::ForEach& for_each = runtime::in_order);
  /// Makes a candidate the head: on disk, then visible, then announced. An error leaves the old head, on disk and in memory.
  Result<> commit(Candidate candidate, const light::FinalityProof& proof);

  /// Called on the committing thread for each block, in order of registration. Register before the first commit.
  void on_import(std::function<void(const Imported&)> observer) { observers_.push_back(std::move(observer)); }

 private:
  Chain(store::ChainStore store, Hash genesis) : store_(std::move(store)), genesis_(genesis) {}
  Result<> publish();
  Result<Candidate> finish(runtime::ExecutedBlock executed);
  store::ChainStore store_;
  Hash genesis_;
  mutable std::mutex mutex_;
  ViewRef view_;
  std::vector<std::function<void(const Imported&)>> observers_;
};

}  // namespace phala::node

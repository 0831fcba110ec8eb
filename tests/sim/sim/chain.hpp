#pragma once
// The simulated node: the real runtime, pool, trie and finality over a state in memory.

#include "crypto/account.hpp"
#include "light/light.hpp"
#include "pool/pool.hpp"
#include "runtime/chain_spec.hpp"
#include "runtime/pallets.hpp"
#include "trie/trie.hpp"

namespace phala::sim {

class SimChain {
 public:
  SimChain(const runtime::ChainSpec& spec, const crypto::Ed25519Pair& sealer);

  /// One block at this time with what the pool has.
  Result<> produce(u64 now_ms);
  /// As a user's submission. False: refused, by the pool or by the runtime.
  bool submit(Bytes extrinsic, u64 now_ms);
  /// Signs for the next nonce that chain and pool leave free; void after so many blocks.
  Bytes sign(const crypto::KeyPair& by, ByteView call, u32 longevity_blocks = 64) const;
  /// Everything that is not on disk is gone.
  void lose_power() { pool_.emplace(node::PoolLimits{}); }

  const Header& head() const { return headers_.back(); }
  BlockNumber height() const { return head().number; }
  Hash genesis_hash() const { return headers_.front().hash(); }
  const MapState& state() const { return state_; }
  /// The chain's rules over the current state, for reading.
  runtime::Pallets read() const { return runtime::Pallets(state_); }
  /// Next sequence expected of a sender, its waiting transactions included.
  u64 next_sequence(const MessageOrigin& sender) const;
  light::Batch batch(BlockNumber from, BlockNumber to) const;
  std::vector<Bytes> proof(BlockNumber at, std::span<const Bytes> keys) const { return trie::prove(tries_.at(at), keys); }
  /// The state after a block, for who wants to say something else of it.
  const trie::MemoryTrie& trie(BlockNumber at) const { return tries_.at(at); }

 private:
  MapState state_;
  std::vector<trie::MemoryTrie> tries_;   // one per block, structurally shared
  std::vector<Header> headers_;
  std::vector<light::FinalityProof> proofs_;
  std::vector<BlockMessages> messages_;
  std::optional<node::Pool> pool_{std::in_place, node::PoolLimits{}};
  const crypto::Ed25519Pair* sealer_;
};

/// Pallet index ‖ call.
template <class P, class C>
Bytes encoded_call(u8 pallet, C&& call) {
  return concat(Bytes{pallet}, scale::encode(typename P::Call(std::forward<C>(call))));
}

}  // namespace phala::sim

#pragma once
// Why: everything a cluster is, as one persistent map from key to value: a snapshot is a pointer copy, a dispatch is a
// difference, and a node that applies the same differences has the same root. Layout: comments at `key::` below.

#include <functional>
#include <memory>

#include "engine/module.hpp"
#include "engine/result.hpp"
#include "engine/versions.hpp"
#include "primitives/state.hpp"
#include "trie/memory_trie.hpp"

namespace phala::engine {

using ClusterId = Hash;
using ContractId = AccountId;

/// Fixed when the cluster is created (docs/protocol.md §8, §13.4), except `system_contract` (set by the set-up itself).
struct ClusterConfig {
  ClusterId cluster_id;
  AccountId owner;
  Balance gas_price{}, deposit_per_item{}, deposit_per_byte{};
  AccountId treasury;
  std::optional<ContractId> system_contract;
  FIELDS(cluster_id, owner, gas_price, deposit_per_item, deposit_per_byte, treasury, system_contract)
};

/// `free` can be spent; `held` is locked as deposit.
struct Account { Balance free{}, held{};  FIELDS(free, held) };

/// docs/protocol.md §13.2
struct ContractInfo {
  Bytes trie_id;
  Hash code_hash;
  u32 storage_bytes{}, storage_items{};
  Balance storage_byte_deposit{}, storage_item_deposit{}, storage_base_deposit{};
  std::map<Hash, Balance> delegate_dependencies;
  FIELDS(trie_id, code_hash, storage_bytes, storage_items, storage_byte_deposit, storage_item_deposit, storage_base_deposit, delegate_dependencies)
};
struct CodeInfo {
  AccountId owner;
  Compact<Balance> deposit;
  Compact<u64> refcount;
  Determinism determinism = Determinism::enforced;
  u32 code_len{};
  FIELDS(owner, deposit, refcount, determinism, code_len)
};
/// Next number and last hash of the chained event blocks (docs/protocol.md §14).
struct EventChainHead { u64 next_number{}; Hash last_hash;  FIELDS(next_number, last_hash) };

/// A value: copying it is a snapshot, safe to read from any thread. Missing things are nothing; a value that does not
/// decode is a bug of ours (the state is written by the engine alone) and reads as missing.
class ClusterState {
 public:
  /// The view lives as long as this state, or a copy of it, stays unchanged.
  std::optional<ByteView> get(ByteView key) const { return trie_.get(key); }
  /// Applies what a dispatch returned. Keys of an unknown kind are refused by the entry points, not here.
  void apply(const StateDiff& diff);
  /// Trie root (state version 0, BLAKE2b-256) over all keys.
  Hash root() const;
  /// Every key with its value, ascending: what a snapshot file holds.
  void for_each(const std::function<void(ByteView key, ByteView value)>& visit) const;
  /// Adds or replaces one entry: of a state that is read back.
  void put(ByteView key, ByteView value) { trie_.insert(key, value); }
  /// Memory it takes, never less than the heap holds for it (the C library's own waste aside): for the limit per cluster. The same on every machine.
  u64 memory_bytes() const { return trie_.size() * entry_overhead_bytes + trie_.key_bytes() + trie_.value_bytes(); }
  /// What an entry adds beside its key and value: its node, its share of the nodes above it, the heap's own fields.
  static constexpr u64 entry_overhead_bytes = 112;
  /// What one entry adds.
  static constexpr u64 entry_bytes(size_t key_bytes, size_t value_bytes) { return entry_overhead_bytes + key_bytes + value_bytes; }
  const trie::MemoryTrie& entries() const { return trie_; }

  std::optional<ClusterConfig> config() const;
  std::optional<RuntimeVersion> runtime_version() const;
  Account account(const AccountId& who) const;
  std::optional<ContractInfo> contract(const ContractId& id) const;
  std::optional<CodeInfo> code_info(const Hash& code_hash) const;
  std::optional<Bytes> code(const Hash& code_hash) const;
  std::optional<Bytes> sidevm_code(const Hash& code_hash) const;
  EventChainHead event_chain_head() const;
  /// All contracts, ascending by id.
  std::vector<ContractId> contracts() const;
  /// A cell of a contract by the key the contract used. `fixed` = written through the 32-byte key functions.
  std::optional<Bytes> storage(const ContractId& id, ByteView key, bool fixed = false) const;

 private:
  trie::MemoryTrie trie_;
};

/// Keys of the state: one kind byte, then what identifies the thing.
namespace key {
Bytes config();                                    ///< 'c' → ClusterConfig
Bytes runtime_version();                           ///< 'r' → RuntimeVersion; keeps this form in all versions, or an older build could not tell
Bytes nonce();                                     ///< 'n' → u64, instantiations so far
Bytes event_chain();                               ///< 'e' → EventChainHead
Bytes account(const AccountId& who);               ///< 'b' ‖ account → Account
Bytes contract(const ContractId& id);              ///< 'i' ‖ contract → ContractInfo
Bytes code_info(const Hash& code_hash);            ///< 'h' ‖ code hash → CodeInfo
Bytes code(const Hash& code_hash);                 ///< 'w' ‖ code hash → the uploaded wasm
Bytes sidevm_code(const Hash& code_hash);          ///< 'v' ‖ code hash → the uploaded wasm
Bytes storage(ByteView trie_id, ByteView hashed);  ///< 's' ‖ trie id (32) ‖ hashed key → cell
Bytes deletion(const Hash& trie_id);               ///< 'd' ‖ trie id → (): storage of a terminated contract, still to be removed
/// Fixed keys hash to BLAKE2b-256, variable ones to BLAKE2b-128 ‖ key (docs/protocol.md §13.2).
Bytes hashed_fixed(ByteView key32);
Bytes hashed_variable(ByteView key);
}  // namespace key

}  // namespace phala::engine

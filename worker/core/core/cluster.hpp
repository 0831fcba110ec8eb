#pragma once
// Why: a cluster is the same deterministic machine on each of its workers: the same messages give the same state root everywhere.
// This file carries the messages of the log to the contract engine and its effects back (docs/protocol.md §8).
//
// Two kinds of failure. A message or contract that is wrong is noted and the log goes on, on every worker alike. When the engine
// says that *this machine* could not run something, `ClusterTurn::failure` is set: the block must not count as processed.

#include <memory>

#include "core/egress.hpp"
#include "core/hooks.hpp"
#include "core/report.hpp"
#include "engine/engine.hpp"

namespace phala::worker {

/// The newest code that the chain named for system contracts, and its number; nothing before the first message of it.
struct NewestSystemCode { u16 version = 0; std::shared_ptr<const Bytes> code; };

/// A value: copying it is a snapshot.
struct Cluster {
  protocol::ClusterId id;
  std::shared_ptr<const Sr25519Pair> key;
  std::shared_ptr<const Bytes> system_code;   ///< what an upgrade of the system contract imports: that of its birth, or the newest named since
  Contracts contracts;
  std::optional<protocol::ContractId> log_handler;
  engine::ClusterState state;

  std::optional<protocol::ContractId> system_contract() const;
  /// By how much its state may grow.
  u64 room_bytes(u64 max_cluster_bytes) const;
};

/// How much the state of a cluster may take (`ClusterState::memory_bytes`): what would add more is refused, what removes is not. Part of the rules: one number for
/// all workers of a network.
constexpr u64 default_max_cluster_bytes = 512u << 20;

struct ClusterTurn {
  std::optional<Cluster>& cluster;
  NewestSystemCode& system_code;
  std::optional<engine::RuntimeVersion>& named_runtime;
  StateDiff& diff;                     ///< of the cluster's state, collected over the batch
  Egress& egress;
  const Sr25519Pair& identity;
  engine::Engine& engine;
  bool may_hold_cluster;               ///< false: a gatekeeper outside a development network
  BlockNumber block;
  u64 now_ms;
  Report& report;
  u64 max_cluster_bytes = default_max_cluster_bytes;
  u64 hook_gas_per_block = default_hook_gas_per_block;
  std::optional<Error> failure{};      ///< see above
};

/// Handle one message each. Errors name why it was not acted on.
Result<> on_cluster_operation(ClusterTurn& turn, const MessageOrigin& sender, const protocol::ClusterOperation& event);
Result<> on_contract_operation(ClusterTurn& turn, const MessageOrigin& sender, const protocol::ContractOperation& event);
/// `contract`: from the topic. A command for a contract that is not in this worker's cluster is none of its business.
Result<> on_command(ClusterTurn& turn, const MessageOrigin& sender, const protocol::ContractId& contract, ByteView payload);
/// At the end of every block: hooks, in the order and for the gas that HookRound gives them, and removal of what terminated contracts left.
void on_block_end(ClusterTurn& turn);

/// The contract of a command topic; nothing for other topics.
std::optional<protocol::ContractId> contract_of_topic(ByteView topic);
/// What an event changes in its contract's local cache; nothing for events of another kind.
std::optional<CacheChange> cache_change_of(const engine::EmittedPinkEvent& emitted);
/// Adds what a run left to `records` (logs, ink events) for the log server.
void collect_records(std::vector<LogRecord>& records, const engine::Effects& effects, BlockNumber block, u64 now_ms, ExecMode mode);

}  // namespace phala::worker

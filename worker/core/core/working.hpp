#pragma once
// Why: the chain measures a worker's speed and later challenges it to show that it is alive. This is the worker's side of that
// (docs/protocol.md §6); the counter of benchmark iterations is an argument.

#include "core/egress.hpp"

namespace phala::worker {

struct BenchState { BlockNumber start_block{}; u64 start_time_ms{}; u64 start_iterations{}; u32 duration{};  FIELDS(start_block, start_time_ms, start_iterations, duration) };
struct WorkingState { u32 session_id{}; bool paused{}; u64 start_time_ms{}; u64 start_iterations{};  FIELDS(session_id, paused, start_time_ms, start_iterations) };

struct Working {
  bool registered = false;
  u8 confidence_level = 0;
  std::optional<BenchState> bench;
  std::optional<WorkingState> working;
  u32 score = 0;   ///< last one the chain gave
  FIELDS(registered, confidence_level, bench, working, score)
  /// Whether the benchmark threads should run.
  bool wants_benchmark() const { return bench.has_value() || working.has_value(); }
};

struct WorkingTurn {
  Working& state;
  Egress& egress;
  const Sr25519Pair& identity;
  BlockNumber block;
  u64 now_ms;
  u64 iterations;      ///< of the benchmark since it was first started
  u32 clusters, contracts;
};

/// Errors: the event does not fit the state.
Result<> on_system_event(WorkingTurn& turn, const MessageOrigin& sender, const protocol::SystemEvent& event);
/// Reports a benchmark whose time is over.
void on_block_end(WorkingTurn& turn);

/// Is this worker challenged: (blake2_256(key) as big-endian number XOR seed) ≤ target; both are little-endian on the wire.
bool is_challenged(const PublicKey& key, const protocol::HeartbeatChallenge& challenge);

/// phala/mining/report
struct HeartbeatV1 { u32 session_id{}, challenge_block{}; u64 challenge_time{}, iterations{};  FIELDS(session_id, challenge_block, challenge_time, iterations) };
struct HeartbeatV2 { u32 session_id{}, challenge_block{}; u64 challenge_time{}, iterations{}; u32 n_clusters{}, n_contracts{};  FIELDS(session_id, challenge_block, challenge_time, iterations, n_clusters, n_contracts) };
struct WorkingReportEvent : scale::Enum<scale::At<0, HeartbeatV1>, scale::At<1, HeartbeatV2>> { using Enum::Enum; };

}  // namespace phala::worker

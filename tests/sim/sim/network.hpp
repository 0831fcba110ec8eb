#pragma once
// Why: the whole network in one process, without a socket, a clock or a thread: the real runtime and pool, real workers with their sealed state on
// a disk in memory, and the relay's real plan between them. Time, delays, losses and crashes come from one seed, so a failure is
// found once and replayed for ever.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "attest/software.hpp"
#include "engine/engine.hpp"
#include "primitives/header.hpp"

namespace phala::sim {

/// What all runs share because it is slow to make: the engine with its compiled modules, the attestation authority and the contracts.
class World {
 public:
  World(std::unique_ptr<engine::Engine> e, attest::DevelopmentAuthority a) : engine(std::move(e)), authority(std::move(a)) {}
  std::unique_ptr<engine::Engine> engine;
  attest::DevelopmentAuthority authority;
  Bytes system_code, flipper_code, caller_code;
  /// Evidence over `report_data`, kept: runs are repeated. Its signatures depend on nothing else where randomness is fixed (main.cpp).
  Result<attest::SoftwareEvidence> evidence(const attest::ReportData& report_data) const;
  /// The system contract from its wasm, the others from the `.contract` files in `contracts_folder`.
  static Result<World> make(const std::string& system_wasm_path, const std::string& contracts_folder);

 private:
  struct Made { std::mutex mutex; std::map<attest::ReportData, attest::SoftwareEvidence> by_data; };
  std::unique_ptr<Made> made_ = std::make_unique<Made>();
};

/// Simulated time starts here: the authority's documents are valid around it.
constexpr u64 start_ms = 1'800'000'000'000;
constexpr u64 block_ms = 3000;

/// How hostile the network is. Chances are in parts per thousand.
struct Faults {
  u32 drop = 120;           ///< per way: a request never arrives, or its answer is lost after it took effect
  u32 repeat = 60;          ///< per request to a worker and per transaction: it arrives a second time, later
  u32 crash_worker = 40;    ///< per request to it: it loses power within its next writes
  u32 crash_node = 30;      ///< per block: it loses its pool and is away for a while
  u32 crash_relay = 30;     ///< per block: it forgets everything and is away for a while
  u32 partition = 30;       ///< per block: the relay cannot reach the node, or one worker, for a while
  u32 tamper = 100;         ///< per batch or proof given to a worker: the relay changes something
  u32 longest_delay_ms = 900;
};

struct Config {
  u64 seed = 0;
  size_t workers = 3;
  u32 transactions = 32;    ///< of contract users
  BlockNumber traffic_until = 0;   ///< not 0: they go on until this height instead, as many as fit
  Faults faults;
  BlockNumber most_blocks = 1000;
};

/// What a run showed. Equal seeds give equal outcomes, in all members and in every process.
struct Outcome {
  BlockNumber height = 0;
  Hash head, state_root, log_root, cluster_root;
  u32 dropped = 0, repeated = 0, worker_crashes = 0, node_crashes = 0, relay_crashes = 0, partitions = 0, tampered = 0, queries = 0;
  bool operator==(const Outcome&) const = default;
};
/// One line: "height 57 head 0x… state 0x… log 0x… cluster 0x… dropped 12 …".
std::string to_text(const Outcome& outcome);

/// The main job: workers register, two become gatekeepers, a cluster is deployed to all, contracts are uploaded, instantiated and used by encrypted
/// and plain transactions, directly and through each other, and asked by encrypted queries. Error: what did not hold, at which height.
Result<Outcome> run(const World& world, const Config& config);

}  // namespace phala::sim

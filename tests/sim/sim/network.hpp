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
  Bytes system_code, flipper_code;
  /// Evidence over `report_data`. ECDSA signatures draw randomness, so that equal runs need equal evidence: it is made once.
  Result<attest::SoftwareEvidence> evidence(const attest::ReportData& report_data) const;
  static Result<World> make(const std::string& system_wasm_path, const std::string& flipper_contract_path);

 private:
  struct Made { std::mutex mutex; std::map<attest::ReportData, attest::SoftwareEvidence> by_data; };
  std::unique_ptr<Made> made_ = std::make_unique<Made>();
};

/// Simulated time starts here: the authority's documents are valid around it.
constexpr u64 start_ms = 1'800'000'000'000;

/// How hostile the network is. Chances are per event, in parts per thousand.
struct Faults {
  u32 drop = 60;            ///< a request or its answer is lost
  u32 crash_worker = 15;    ///< per request to it: it loses power within its next writes
  u32 crash_node = 10;      ///< per block: it loses its pool and is away for a while
  u32 tamper = 30;          ///< per batch given to a worker: the relay changes something
  u32 longest_delay_ms = 900;
};

struct Config {
  u64 seed = 0;
  size_t workers = 3;
  u32 transactions = 12;    ///< of contract users
  Faults faults;
  BlockNumber most_blocks = 400;
};

/// What a run showed. Equal seeds give equal outcomes, in all members.
struct Outcome {
  BlockNumber height = 0;
  Hash head, state_root, log_root, cluster_root;
  u32 dropped = 0, worker_crashes = 0, node_crashes = 0, tampered = 0;
  bool operator==(const Outcome&) const = default;
};

/// The main job: workers register, two become gatekeepers, a cluster is deployed to all, a contract is uploaded, instantiated and used by encrypted
/// and plain transactions. Error: what did not hold, at which height.
Result<Outcome> run(const World& world, const Config& config);

}  // namespace phala::sim

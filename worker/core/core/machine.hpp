#pragma once
// Why: the whole worker between two blocks is one value, and a block is one function on it. Whoever holds the value and the same
// messages gets the same next value: crashes are survived by writing differences down, tests need no mocks, and two workers of a
// cluster cannot drift apart. Secrets are in here; nothing of it may be printed.

#include "core/cluster.hpp"
#include "core/gatekeeper.hpp"
#include "core/requirements.hpp"
#include "core/working.hpp"
#include "light/light.hpp"

namespace phala::worker {

struct Machine {
  light::Tip tip;
  Working working;
  Gatekeeper gatekeeper;
  NewestSystemCode system_code;
  std::optional<engine::RuntimeVersion> named_runtime;   ///< to what the chain lets clusters be upgraded; nothing before its first word of it
  std::optional<Cluster> cluster;
  Egress egress;
  Requirements requirements;
};

/// What stays the same while a worker runs.
struct MachineConfig {
  light::TrustRoot trust;
  bool development = false;   ///< of the chain spec: gatekeepers may also hold clusters
  Build build{};              ///< of this program
  u64 max_cluster_bytes = default_max_cluster_bytes;
  u64 hook_gas_per_block = default_hook_gas_per_block;
};

/// What a dispatch needs from outside.
struct Turn {
  const MachineConfig& config;
  const Sr25519Pair& identity;
  engine::Engine& engine;
  const SecretBytes<32>& entropy;   ///< fresh random bytes for this dispatch
  u64 iterations = 0;               ///< benchmark counter
};

/// At its trust root, before the first block.
Machine genesis(const MachineConfig& config);

/// Everything with these topics changes a worker's state, so its payloads are needed.
bool follows(ByteView topic);

struct Dispatched {
  Machine machine;
  StateDiff cluster_diff;   ///< of the cluster's state, over all blocks of the batch
  Report report;
};
/// Checks a batch against the tip and takes all its blocks, or nothing. Errors: the chain wants another build (check_build); the batch is
/// refused (light client); this machine cannot run a contract. A message that is wrong is in `report.notes`, and never an error.
Result<Dispatched> dispatch(const Machine& machine, const Turn& turn, const light::Batch& batch);
/// One verified block. The light client's tip is the caller's.
Result<> process_block(Machine& machine, const Turn& turn, const light::VerifiedBlock& block, StateDiff& cluster_diff, Report& report);

/// Storage keys whose proof at the tip settles: what the chain has taken of each waiting stream, and which builds it accepts.
std::vector<Bytes> settle_keys(const Machine& machine, const PublicKey& identity);
/// Forgets messages the chain is proven to have, and notes what it asks of workers. Errors of light::read_at_tip, and of values that do not decode.
Result<Machine> settle_at_tip(const Machine& machine, const MachineConfig& config, const PublicKey& identity, std::span<const Bytes> proof);

// ---- at rest ------------------------------------------------------------------------------------------------------------
// A machine is a map from keys to values, so that a dispatch is a small difference of it. Values hold secrets: they are
// written encrypted only.
using Image = std::map<Bytes, Bytes, BytesLess>;

/// Overwrites the values that hold keys: what is kept encrypted must not lie about in clear.
void wipe_keys(StateDiff& diff);
void wipe_keys(Image& image);

/// Everything, the cluster's state included; in no particular order.
void visit_image(const Machine& machine, const std::function<void(ByteView key, ByteView value)>& visit);
Image image_of(const Machine& machine);
/// Error `corrupted`: names the part; `unavailable`: the cluster is of a contract runtime that this build does not have.
Result<Machine> machine_from(const Image& image);
/// What changes in the image from `before` to `after`. `cluster_diff`: as collected between them.
StateDiff difference(const Machine& before, const Machine& after, const StateDiff& cluster_diff);

}  // namespace phala::worker

#pragma once
// The simulated worker: the real state machine over the real sealed state, on a disk that loses power at any byte.

#include "core/query.hpp"
#include "light/tip_proof.hpp"
#include "plan/view.hpp"
#include "seal/memory_files.hpp"
#include "seal/sealing.hpp"
#include "seal/state_store.hpp"
#include "sim/chance.hpp"
#include "sim/network.hpp"

namespace phala::sim {

class SimWorker {
 public:
  SimWorker(const World& world, const worker::MachineConfig& config, Chance& chance);

  const crypto::Sr25519Pair& identity() const { return identity_; }
  bool up() const { return live_.has_value(); }
  const worker::Machine& machine() const { return live_->machine; }

  /// Starts from what is left on its disk after a loss of power. Errors are failures of the test: a disk that was written must be readable.
  Result<> start();
  /// Power is lost once this many more bytes and operations went to the disk.
  void lose_power_after(u64 budget) { disk_.budget = budget; }
  void stop() { live_.reset(); }

  /// Takes a batch: dispatched, then durable, then told. `refused`: by the light client. `unavailable`: it lost power on the way.
  Result<BlockNumber> sync(const light::Batch& batch);
  /// Learns from the chain's state at its tip which of its messages were taken.
  Result<> settle(std::span<const Bytes> proof);
  /// As its public port: opens a query, runs it on what is durable, and seals the answer. Errors are what the asker is told.
  Result<Bytes> query(ByteView encrypted, const worker::SignatureChain& chain);
  relay::WorkerReport report() const;
  protocol::WorkerRegistrationInfoV2 registration() const;
  std::vector<worker::Note>& notes() { return notes_; }

 private:
  struct Live { worker::Machine machine; worker::StateStore store; };
  Result<> keep(const worker::Machine& next, const StateDiff& cluster_diff);

  const World* world_;
  const worker::MachineConfig* config_;
  Chance* chance_;
  crypto::Sr25519Pair identity_;
  worker::KnownCertificates known_certificates_;
  worker::MemoryFiles disk_;
  std::optional<Live> live_;
  std::vector<worker::Note> notes_;
};

}  // namespace phala::sim

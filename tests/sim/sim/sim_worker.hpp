#pragma once
// The simulated worker: the real state machine over the real sealed state, on a disk that loses power at any byte.

#include "core/query.hpp"
#include "light/tip_proof.hpp"
#include "plan/view.hpp"
#include "seal/memory_files.hpp"
#include "seal/sealing.hpp"
#include "seal/state_store.hpp"
#include "sim/network.hpp"

namespace phala::sim {

/// The one source of chance in a run.
class Chance {
 public:
  explicit Chance(u64 seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  u64 next() {   // splitmix64: a counter that is mixed; equal on every machine
    u64 z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  u64 below(u64 n) { return n == 0 ? 0 : next() % n; }
  bool one_in_thousand(u32 times) { return below(1000) < times; }
  void fill(u8* to, size_t n) {
    for (size_t i = 0; i < n; ++i) to[i] = static_cast<u8>(next());
  }
  Bytes bytes(size_t n) {
    Bytes out(n);
    fill(out.data(), n);
    return out;
  }

 private:
  u64 state_;
};

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
  worker::MemoryFiles disk_;
  std::optional<Live> live_;
  std::vector<worker::Note> notes_;
};

}  // namespace phala::sim

#pragma once
// Why: the embedded finality engine: one key seals each block the moment it is built. For development networks and tests; many validators use CometBFT
// instead. It only drives `Chain`, on one thread of its own, which is the thread that builds and commits.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <thread>

#include "crypto/sign.hpp"
#include "seal/admission.hpp"

namespace phala::node {

/// When blocks are made.
enum class BuildMode : u8 {
  interval,   ///< one every `block_ms`, empty or not
  instant,    ///< as soon as a transaction is ready
  manual,     ///< only when asked
};

class Producer {
 public:
  struct Options {
    u32 block_ms = 3000;
    BuildMode mode = BuildMode::interval;
    /// The chain's clock may have been moved on (development chains): it goes on from there after a restart, as it would have without one. Elsewhere a clock
    /// that was ahead is waited for.
    bool keeps_moved_time = false;
  };
  /// `failed` hears of a block that could not be stored; no more blocks are made after it.
  Producer(Chain& chain, Admission& admission, crypto::Ed25519Pair sealer, const Options& options, Clock clock, Metrics& metrics, std::function<void(const Error&)> failed);
  /// As `stop`.
  ~Producer();
  void start();
  /// Finishes the block in progress.
  void stop();

  BuildMode mode() const { return mode_; }
  void set_mode(BuildMode mode);
  /// Builds a block now, with these extrinsics first and then the pool's, and these storage values (development chains only). Waits for it; not from the
  /// producer's own thread. Errors: an extrinsic that cannot be in it (named, the block is then not made), overrides refused, store, stopped.
  Result<Hash> new_block(const std::vector<Bytes>& extrinsics = {}, const StateDiff& overrides = {});
  /// The next block has at least this time, and clocks go on from there. Error: not after the head's.
  Result<> travel_to(u64 now_ms);

 private:
  struct Order { std::vector<Bytes> extrinsics; StateDiff overrides; std::promise<Result<Hash>> done; };
  void run();
  Result<Hash> build(const std::vector<Bytes>& extrinsics, const StateDiff& overrides);
  void fill_from_pool(runtime::BlockBuilder& builder);

  Chain& chain_;
  Admission& admission_;
  const crypto::Ed25519Pair sealer_;
  const u32 block_ms_;
  const Clock clock_;
  const std::function<void(const Error&)> failed_;
  Histogram& construction_time_;
  Gauge& transactions_;
  Metrics& metrics_;
  std::atomic<BuildMode> mode_;
  std::atomic<int64_t> time_offset_ms_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Order> orders_;
  bool wanted_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace phala::node

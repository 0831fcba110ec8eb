#pragma once
// Why: the door between users and the pool. Validity is asked of the runtime at the current head, signatures included, on as many threads as ask;
// the pool behind it is touched under one lock for moments only. After each block the pool learns what was included and doubtful verdicts are renewed.

#include <functional>
#include <mutex>
#include <variant>

#include "metrics/metrics.hpp"
#include "pool/pool.hpp"
#include "seal/chain.hpp"
#include "tasks/tasks.hpp"

namespace phala::node {

/// Milliseconds since 1970.
using Clock = std::function<u64()>;

class Admission {
 public:
  /// Why a transaction was not taken: by the pool, or by the runtime.
  using Refusal = std::variant<PoolRefusal, runtime::TransactionError>;

  Admission(Chain& chain, CpuPool& cpu, const PoolLimits& limits, Clock clock, Metrics& metrics);

  /// Checks and takes an extrinsic (with its length prefix). From any thread; costs a signature check. `watched`: events are reported.
  Result<Hash, Refusal> submit(Bytes extrinsic, bool watched);
  /// Hears events of watched transactions, in order. It is called under the pool's lock: it must not call back. Set before the first submission.
  void on_event(std::function<void(const PoolEvent&)> listener) { listener_ = std::move(listener); }
  /// Called after each submission that made something ready; for blocks on demand.
  void on_ready(std::function<void()> listener) { ready_listener_ = std::move(listener); }

  std::vector<TransactionRef> ready(size_t max_count = SIZE_MAX) const;
  std::vector<TransactionRef> future() const;
  /// How many consecutive tags `tag(first)`, `tag(first + 1)` … ready transactions give.
  u64 count_given(const std::function<Bytes(u64)>& tag, u64 first) const;
  size_t ready_count() const;
  const PoolLimits& limits() const { return pool_.limits(); }
  bool remove(const Hash& transaction);
  /// A transaction that did not go into a block although it was ready.
  void found_invalid(const Hash& transaction, const runtime::TransactionError& error);
  /// Registered with the chain by the constructor.
  void block_imported(const Imported& block);

 private:
  void report();
  Chain& chain_;
  CpuPool& cpu_;
  const Clock clock_;
  mutable std::mutex mutex_;
  Pool pool_;
  std::function<void(const PoolEvent&)> listener_;
  std::function<void()> ready_listener_;
  Gauge& ready_gauge_;
  Counter& submitted_;
  Counter& refused_;
};

/// For logs and RPC errors.
std::string to_string(const Admission::Refusal& refusal);

}  // namespace phala::node

#include "seal/admission.hpp"

#include "crypto/hash.hpp"
#include "log/log.hpp"

namespace phala::node {
namespace {
/// Verdicts renewed after each block. A transaction that goes stale in between costs the builder one failed attempt, nothing more.
constexpr size_t revalidated_per_block = 512;
}  // namespace

std::string to_string(const Admission::Refusal& refusal) {
  return std::visit([](const auto& why) { return to_string(why); }, refusal);
}

Admission::Admission(Chain& chain, CpuPool& cpu, const PoolLimits& limits, Clock clock, Metrics& metrics)
    : chain_(chain), cpu_(cpu), clock_(std::move(clock)), pool_(limits),
      ready_gauge_(metrics.gauge("substrate_ready_transactions_number", "Number of transactions in the ready queue")),
      submitted_(metrics.counter("substrate_sub_txpool_submitted_transactions", "Transactions submitted")),
      refused_(metrics.counter("phala_pool_refused_transactions_total", "Transactions refused at submission")) {
  chain_.on_import([this](const Imported& block) { block_imported(block); });
}

void Admission::report() {
  for (const auto& event : pool_.take_events()) {
    if (listener_) listener_(event);
  }
  ready_gauge_.set(static_cast<double>(pool_.ready_count()));
}

Result<Hash, Admission::Refusal> Admission::submit(Bytes extrinsic, bool watched) {
  const Hash hash = crypto::blake2_256(extrinsic);
  submitted_.add();
  const auto refuse = [&](Refusal refusal) {
    refused_.add();
    log::debug("pool", "{} refused: {}", to_hex0x(hash), to_string(refusal));
    return fail(std::move(refusal));
  };
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = pool_.would_consider(hash, clock_()); !known) return refuse(known.error());
  }
  const auto view = chain_.view();
  const auto verdict = runtime::validate(*view->state, view->header, extrinsic);
  Result<Hash, PoolRefusal> added;
  {
    const std::lock_guard lock(mutex_);
    if (!verdict) {
      // only what no later state can heal is remembered as bad
      using Kind = runtime::TransactionError::Kind;
      if (verdict.error().kind == Kind::bad_proof || verdict.error().kind == Kind::malformed) pool_.ban(hash, clock_());
      return refuse(verdict.error());
    }
    added = pool_.add(std::move(extrinsic), *verdict, view->number(), clock_(), watched);
    report();
  }
  if (!added) return refuse(added.error());
  log::debug("pool", "{} is in", to_hex0x(hash));
  if (ready_listener_) ready_listener_();
  return hash;
}

std::vector<TransactionRef> Admission::ready(size_t max_count) const {
  const std::lock_guard lock(mutex_);
  return pool_.ready(max_count);
}

std::vector<TransactionRef> Admission::future() const {
  const std::lock_guard lock(mutex_);
  return pool_.future();
}

u64 Admission::count_given(const std::function<Bytes(u64)>& tag, u64 first) const {
  const std::lock_guard lock(mutex_);
  u64 n = 0;
  while (pool_.gives(tag(first + n))) ++n;
  return n;
}

size_t Admission::ready_count() const {
  const std::lock_guard lock(mutex_);
  return pool_.ready_count();
}

bool Admission::remove(const Hash& transaction) {
  const std::lock_guard lock(mutex_);
  const bool removed = pool_.remove(transaction, clock_());
  report();
  return removed;
}

void Admission::found_invalid(const Hash& transaction, const runtime::TransactionError& error) {
  const std::lock_guard lock(mutex_);
  log::debug("pool", "{} is invalid now: {}", to_hex0x(transaction), to_string(error));
  pool_.revalidated(transaction, fail(error), chain_.view()->number(), clock_());
  report();
}

void Admission::block_imported(const Imported& block) {
  std::vector<TransactionRef> doubtful;
  {
    const std::lock_guard lock(mutex_);
    pool_.block_added(block.view->number(), block.view->hash, block.extrinsics);
    pool_.block_finalized(block.view->hash);
    report();
    doubtful = pool_.to_revalidate(block.runtime_changed ? SIZE_MAX : revalidated_per_block);
  }
  if (doubtful.empty()) return;
  std::vector<Result<runtime::ValidTransaction, runtime::TransactionError>> verdicts(doubtful.size());
  cpu_.for_each(doubtful.size(), [&](size_t i) { verdicts[i] = runtime::validate(*block.view->state, block.view->header, doubtful[i]->extrinsic, &doubtful[i]->context); });
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < doubtful.size(); ++i) pool_.revalidated(doubtful[i]->hash, verdicts[i], block.view->number(), clock_());
  report();
}

}  // namespace phala::node

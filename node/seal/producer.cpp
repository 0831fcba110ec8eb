#include "seal/producer.hpp"

#include <chrono>

#include "log/log.hpp"

namespace phala::node {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// After so many transactions that no longer fit, the block is called full: others are unlikely to be smaller.
constexpr int max_skipped = 8;

}  // namespace

Producer::Producer(Chain& chain, Admission& admission, crypto::Ed25519Pair sealer, const Options& options, Clock clock, Metrics& metrics, std::function<void(const Error&)> failed)
    : chain_(chain), admission_(admission), sealer_(std::move(sealer)), block_ms_(options.block_ms), clock_(std::move(clock)), failed_(std::move(failed)),
      construction_time_(metrics.histogram("substrate_proposer_block_constructed", "Time taken to construct a block, in seconds", {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5})),
      transactions_(metrics.gauge("substrate_proposer_number_of_transactions", "Number of transactions included in the last block")), metrics_(metrics), mode_(options.mode) {
  if (const auto head = message_log_of(chain_.view()->header); options.keeps_moved_time && head)
    time_offset_ms_ = std::max<int64_t>(0, static_cast<int64_t>(head->now_ms) - static_cast<int64_t>(clock_()));
  admission_.on_ready([this] {
    if (mode_ != BuildMode::instant) return;
    const std::lock_guard lock(mutex_);
    wanted_ = true;
    wake_.notify_one();
  });
}

Producer::~Producer() { stop(); }

void Producer::start() { thread_ = std::thread([this] { run(); }); }

void Producer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Producer::set_mode(BuildMode mode) {
  const bool waiting = admission_.ready_count() != 0;
  const std::lock_guard lock(mutex_);
  mode_ = mode;
  wanted_ = mode == BuildMode::instant && waiting;
  wake_.notify_one();
}

Result<Hash> Producer::new_block(const std::vector<Bytes>& extrinsics, const StateDiff& overrides) {
  std::future<Result<Hash>> done;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || !thread_.joinable()) return fail(ErrorCode::unavailable, "the node is stopping and makes no more blocks");
    orders_.push_back({extrinsics, overrides, {}});
    done = orders_.back().done.get_future();
    wake_.notify_one();
  }
  return done.get();
}

Result<> Producer::travel_to(u64 now_ms) {
  const u64 head = TRY(message_log_of(chain_.view()->header)).now_ms;
  if (now_ms <= head) return fail(ErrorCode::refused, "time " + std::to_string(now_ms) + " is not after the head's, " + std::to_string(head), "the chain's clock cannot go back");
  time_offset_ms_ = static_cast<int64_t>(now_ms - clock_());
  return {};
}

void Producer::run() {
  auto next = Steady::now() + milliseconds(block_ms_);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto due = [&] { return stopping_ || !orders_.empty() || (mode_ == BuildMode::instant && wanted_); };
    if (mode_ == BuildMode::interval) wake_.wait_until(lock, next, due);
    else wake_.wait(lock, [&] { return due() || mode_ == BuildMode::interval; });
    if (stopping_) break;
    if (!orders_.empty()) {
      Order order = std::move(orders_.front());
      orders_.pop_front();
      lock.unlock();
      order.done.set_value(build(order.extrinsics, order.overrides));
      lock.lock();
      continue;
    }
    const bool demanded = mode_ == BuildMode::instant && wanted_;
    wanted_ = false;
    const auto now = Steady::now();
    if (mode_ == BuildMode::interval && now >= next) next = now - next > milliseconds(block_ms_) ? now + milliseconds(block_ms_) : next + milliseconds(block_ms_);
    else if (!demanded) continue;
    lock.unlock();
    const auto built = build({}, {});
    if (!built) {
      log::error("seal", "no block could be made: {}", built.error().text());
      failed_(built.error());
    }
    lock.lock();
    if (!built) break;
    // what did not fit, or came meanwhile
    if (mode_ == BuildMode::instant && admission_.ready_count() != 0) wanted_ = true;
  }
  stopping_ = true;
  for (auto& order : orders_) order.done.set_value(fail(ErrorCode::unavailable, "the node is stopping and makes no more blocks"));
  orders_.clear();
}

void Producer::fill_from_pool(runtime::BlockBuilder& builder) {
  using Kind = runtime::TransactionError::Kind;
  const auto deadline = Steady::now() + milliseconds(std::max(block_ms_ * 2 / 3, 200u));
  const char* reason = "no_more_transactions";
  int skipped = 0, included = 0;
  for (const auto& tx : admission_.ready()) {
    if (Steady::now() >= deadline) {
      reason = "hit_deadline";
      break;
    }
    const auto applied = builder.apply(tx->extrinsic, &tx->context);
    if (applied) ++included;
    else if (applied.error().kind == Kind::exhausts_resources && !builder.is_empty()) {
      if (++skipped > max_skipped) {
        reason = "hit_block_weight_limit";
        break;
      }
    } else if (applied.error().kind != Kind::future) {   // "future": one it needs was just refused; the pool sorts that out
      admission_.found_invalid(tx->hash, applied.error());
    }
  }
  transactions_.set(included);
  metrics_.counter("substrate_proposer_end_proposal_reason", "Why the building of a block ended", {{"reason", reason}}).add();
}

Result<Hash> Producer::build(const std::vector<Bytes>& extrinsics, const StateDiff& overrides) {
  const auto began = Steady::now();
  Result<> filled;
  const u64 now = static_cast<u64>(static_cast<int64_t>(clock_()) + time_offset_ms_.load());
  auto candidate = TRY(chain_.build(now, [&](runtime::BlockBuilder& builder) {
    if (!overrides.empty()) filled = builder.set_storage(overrides);
    for (size_t i = 0; i < extrinsics.size() && filled; ++i) {
      const auto applied = builder.apply(extrinsics[i]);
      if (!applied) filled = fail(ErrorCode::invalid_input, "transaction " + std::to_string(i) + " cannot be in the next block: " + to_string(applied.error()));
    }
    if (filled) fill_from_pool(builder);
  }));
  if (!filled) return fail(filled.error());
  const Hash hash = candidate.header.hash();
  const BlockNumber number = candidate.header.number;
  const size_t count = candidate.executed.extrinsics.size();
  const size_t messages = candidate.executed.messages.size();
  const auto proof = light::seal(sealer_, hash);
  TRY(chain_.commit(std::move(candidate), proof));
  const auto took = std::chrono::duration<double>(Steady::now() - began).count();
  construction_time_.observe(took);
  log::info("seal", "✨ Imported #{} ({}…{}), {} extrinsics, {} messages, {:.1f} ms", number, to_hex0x(hash).substr(0, 6), to_hex(hash).substr(60), count, messages, took * 1000);
  return hash;
}

}  // namespace phala::node

#include "plan/view.hpp"

namespace phala::relay {
namespace {

/// first, 2 first, 4 first … up to `longest`; `count` from 1.
u64 doubled(u64 first, u32 count, u64 longest) {
  u64 wait = first;
  for (u32 i = 1; i < count && wait < longest; ++i) wait *= 2;
  return std::min(wait, longest);
}

BlockNumber height_of(const View& view) { return view.node.height.value_or(0); }

}  // namespace

void heard_height(View& view, BlockNumber height) {
  auto& known = view.node.height;
  known = std::max(known.value_or(0), height);
}

void looked(View& view, Looked answer) {
  NodeView& node = view.node;
  heard_height(view, answer.height);
  node.looking = false;
  node.failures = 0;
  node.looked_at = answer.height;
  ++node.looks;
  node.next_sequence = std::move(answer.next_sequence);
  node.registered = std::move(answer.registered);
  node.endpoints = std::move(answer.endpoints);
  // What the chain has is no longer owed. Its answer counts waiting transactions too, so a message is forgotten only when its own
  // transaction is void: should that one be lost from the pool, it is still not sent twice before then.
  std::erase_if(view.attempts, [&](const auto& entry) {
    const auto& [claim, attempt] = entry;
    if (claim.kind != Claim::Kind::message || attempt.under_way) return false;
    const auto next = node.next_sequence.find(claim.subject);
    const bool wanted = next != node.next_sequence.end() && claim.sequence >= next->second;
    return !wanted && attempt.again <= answer.height;
  });
}

void fetched(View& view, const Chunk& chunk) {
  view.node.fetching = false;
  view.node.failures = 0;
  view.node.chunks.push_back(chunk);
}

void node_failed(View& view, u64 now_ms) {
  NodeView& node = view.node;
  node.looking = node.fetching = false;
  ++node.failures;
  node.retry_at_ms = now_ms + doubled(view.limits.first_retry_ms, node.failures, view.limits.longest_retry_ms);
}

void polled(View& view, WorkerIndex index, WorkerReport report, u64 now_ms) {
  WorkerView& worker = view.workers[index];
  worker.report = std::move(report);
  worker.busy = false;
  worker.well = true;
  if (worker.report->next_block > height_of(view)) worker.failures = 0;
  worker.poll_at_ms = now_ms + view.limits.poll_ms;
}

void synced(View& view, WorkerIndex index, BlockNumber next_block) {
  WorkerView& worker = view.workers[index];
  worker.busy = false;
  worker.failures = 0;
  worker.well = true;
  worker.report->next_block = next_block;
  if (next_block > height_of(view)) worker.poll_at_ms = 0;   // new blocks make a worker speak
}

void worker_failed(View& view, WorkerIndex index, u64 now_ms) {
  WorkerView& worker = view.workers[index];
  worker.busy = worker.well = false;
  ++worker.failures;
  worker.retry_at_ms = now_ms + doubled(view.limits.first_retry_ms, worker.failures, view.limits.longest_retry_ms);
}

void sent(View& view, const Claim& claim, BlockNumber void_at) {
  Attempt& attempt = view.attempts[claim];
  attempt.under_way = false;
  attempt.void_at = attempt.again = void_at;
  attempt.looks = view.node.looks;
  // One that keeps failing on the chain costs a fee each time: rarer and rarer. Those behind it wait for it and fail for no fault of theirs.
  const auto next = view.node.next_sequence.find(claim.subject);
  if (claim.kind == Claim::Kind::message && next != view.node.next_sequence.end() && claim.sequence > next->second) return;
  ++attempt.count;
  const u64 wait = doubled(view.limits.longevity_blocks, attempt.count, view.limits.longest_retry_blocks);
  attempt.again = std::max<BlockNumber>(void_at, height_of(view) + static_cast<BlockNumber>(wait));
}

void refused(View& view, const Claim& claim) {
  Attempt& attempt = view.attempts[claim];
  ++attempt.count;
  attempt.under_way = false;
  attempt.void_at = 0;
  attempt.again = height_of(view) + static_cast<BlockNumber>(doubled(1, attempt.count, view.limits.longest_retry_blocks));
  view.node.looked_at.reset();   // perhaps somebody else has sent it meanwhile
}

void not_sent(View& view, const Claim& claim) {
  const auto at = view.attempts.find(claim);
  if (at == view.attempts.end()) return;
  at->second.under_way = false;
  if (at->second.count == 0 && at->second.void_at <= height_of(view)) view.attempts.erase(at);
}

}  // namespace phala::relay

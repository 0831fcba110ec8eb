#include "plan/plan.hpp"

#include <set>

namespace phala::relay {
namespace {

/// The chunk with `number` in it that reaches furthest; null when there is none.
const Chunk* covering(const NodeView& node, BlockNumber number) {
  const Chunk* best = nullptr;
  for (const Chunk& chunk : node.chunks)
    if (chunk.from <= number && number <= chunk.to && (!best || chunk.to > best->to)) best = &chunk;
  return best;
}

/// The last block of an unbroken row of chunks from `first` on that keeps within the limits; nothing when `first` is not at hand.
std::optional<BlockNumber> reach(const NodeView& node, BlockNumber first, u32 blocks, size_t bytes) {
  std::optional<BlockNumber> to;
  size_t taken = 0;
  for (const Chunk* chunk = covering(node, first); chunk; chunk = covering(node, *to + 1)) {
    taken += chunk->bytes;
    if (to && (taken > bytes || chunk->to - first >= blocks)) break;
    to = chunk->to;
    if (*to == UINT32_MAX) break;
  }
  return to;
}

class Planner {
 public:
  Planner(View& view, u64 now_ms) : view_(view), node_(view.node), now_ms_(now_ms) {}

  Plan run() {
    for (WorkerIndex i = 0; i < view_.workers.size(); ++i) tend_worker(i);
    forget();
    if (node_.height) {
      const bool left_alone = node_.failures > 0 && now_ms_ < node_.retry_at_ms;
      if (left_alone) {
        wake(node_.retry_at_ms);
      } else {
        if (!node_.looking && must_look()) start(Look{}, node_.looking);
        if (!node_.fetching) fetch();
      }
      if (!left_alone) transact();
    }
    return std::move(plan_);
  }

 private:
  void start(Action action, bool& under_way) {
    under_way = true;
    plan_.actions.push_back(std::move(action));
  }
  void wake(u64 at_ms) { plan_.wake_at_ms = std::min(plan_.wake_at_ms.value_or(at_ms), at_ms); }

  void tend_worker(WorkerIndex index) {
    WorkerView& worker = view_.workers[index];
    if (worker.busy) return;
    const u64 due = !worker.well ? worker.retry_at_ms : worker.report ? worker.poll_at_ms : 0;
    if (now_ms_ >= due) return start(Poll{index}, worker.busy);
    if (worker.live() && node_.height && worker.report->next_block <= *node_.height) {
      const BlockNumber from = worker.report->next_block;
      if (const auto to = reach(node_, from, view_.limits.batch_blocks, view_.limits.batch_bytes)) return start(Sync{index, from, *to}, worker.busy);
    }
    wake(due);
  }

  /// Only for workers that are well: one that is down must not make the others' blocks wait, nor hold memory.
  void forget() {
    std::erase_if(node_.chunks, [&](const Chunk& chunk) {
      for (const WorkerView& worker : view_.workers)
        if (worker.live() && chunk.to >= worker.report->next_block && chunk.from <= u64{worker.report->next_block} + view_.limits.batch_blocks + view_.limits.fetch_blocks) return false;
      plan_.forget.push_back(chunk);
      return true;
    });
  }

  /// Who has nothing at hand comes first; then who will soon have nothing.
  void fetch() {
    std::optional<BlockNumber> soon;
    for (const WorkerView& worker : view_.workers) {
      if (!worker.live() || worker.report->next_block > *node_.height) continue;
      const BlockNumber next = worker.report->next_block;
      const auto to = reach(node_, next, UINT32_MAX, view_.limits.batch_bytes);
      if (!to) return fetch_from(next);
      if (!soon && *to < *node_.height && *to - next + 1 < view_.limits.fetch_blocks && !covering(node_, *to + 1)) soon = *to + 1;
    }
    if (soon) fetch_from(*soon);
  }
  void fetch_from(BlockNumber from) {
    BlockNumber to = static_cast<BlockNumber>(std::min<u64>(*node_.height, u64{from} + view_.limits.fetch_blocks - 1));
    for (const Chunk& chunk : node_.chunks)
      if (chunk.from > from) to = std::min(to, chunk.from - 1);
    start(Fetch{from, to}, node_.fetching);
  }

  bool must_look() const {
    if (node_.looked_at != node_.height) return true;
    for (const WorkerView& worker : view_.workers) {
      if (!worker.live()) continue;
      if (!node_.registered.contains(worker.report->key)) return true;
      for (const auto& [sender, numbers] : worker.report->egress)
        if (!node_.next_sequence.contains(sender)) return true;
    }
    return false;
  }

  // ---- transactions ---------------------------------------------------------------------------------------------------
  enum class Standing { free, in_flight, waits };
  Standing standing(const Claim& claim) const {
    const auto at = view_.attempts.find(claim);
    if (at == view_.attempts.end()) return Standing::free;
    if (at->second.under_way || *node_.height < at->second.void_at) return Standing::in_flight;
    return *node_.height < at->second.again ? Standing::waits : Standing::free;
  }
  void transact(WorkerIndex worker, const Claim& claim) {
    if (room_ == 0) return;
    --room_;
    start(Transact{worker, claim}, view_.attempts[claim].under_way);
  }

  void transact() {
    room_ = view_.limits.transactions;
    for (const auto& [claim, attempt] : view_.attempts)
      if (room_ > 0 && standing(claim) == Standing::in_flight) --room_;
    for (WorkerIndex i = 0; i < view_.workers.size(); ++i)
      if (view_.workers[i].live()) own_affairs(i);
    std::set<Bytes> senders;
    for (const WorkerView& worker : view_.workers)
      if (worker.live())
        for (const auto& [sender, numbers] : worker.report->egress) senders.insert(sender);
    for (const Bytes& sender : senders) messages_of(sender);
  }

  void own_affairs(WorkerIndex index) {
    const WorkerReport& report = *view_.workers[index].report;
    const auto known = node_.registered.find(report.key);
    if (known == node_.registered.end()) return;
    const auto& on_chain = known->second;
    const Claim registration{Claim::Kind::registration, to_bytes(report.key.view()), 0};
    const bool right = on_chain && (!view_.operator_ || on_chain->operator_ == view_.operator_) && (!report.version || on_chain->version == *report.version);
    settle(registration, right, report.can_register, index);

    const Claim endpoint{Claim::Kind::endpoint, to_bytes(report.key.view()), 0};
    const auto bound = node_.endpoints.find(report.key);
    const bool agrees = !report.endpoints || (bound != node_.endpoints.end() && bound->second == report.endpoints);
    settle(endpoint, agrees, on_chain.has_value() && bound != node_.endpoints.end(), index);
  }
  void settle(const Claim& claim, bool done, bool possible, WorkerIndex index) {
    if (done) {
      // once the chain shows it, a later change is a new claim; what is in flight stays known until it is void
      const auto at = view_.attempts.find(claim);
      if (at != view_.attempts.end() && standing(claim) != Standing::in_flight) view_.attempts.erase(at);
    } else if (possible && standing(claim) == Standing::free) {
      transact(index, claim);
    }
  }

  /// From the number the chain expects on, and never one whose predecessor is neither there nor on its way: it could only wait, become
  /// void, and be sent at another time than its predecessor again.
  void messages_of(const Bytes& sender) {
    const auto next = node_.next_sequence.find(sender);
    if (next == node_.next_sequence.end()) return;
    for (u64 number = next->second; room_ > 0; ++number) {
      const Claim claim{Claim::Kind::message, sender, number};
      const Standing now = standing(claim);
      if (now == Standing::waits) return;
      const auto tried = view_.attempts.find(claim);
      if (now == Standing::in_flight) {
        // the chain's answer counts what is in its pool: this one was lost from it
        if (number == next->second && !tried->second.under_way && tried->second.looks < node_.looks) return;
        continue;
      }
      const auto holders = who_has(sender, number);
      if (holders.empty()) return;
      // where several workers have the same message, another one's copy each time
      transact(holders[(tried == view_.attempts.end() ? 0 : tried->second.count) % holders.size()], claim);
    }
  }
  std::vector<WorkerIndex> who_has(const Bytes& sender, u64 number) const {
    std::vector<WorkerIndex> out;
    for (WorkerIndex i = 0; i < view_.workers.size(); ++i) {
      if (!view_.workers[i].live()) continue;
      const auto& egress = view_.workers[i].report->egress;
      const auto stream = egress.find(sender);
      if (stream != egress.end() && std::binary_search(stream->second.begin(), stream->second.end(), number)) out.push_back(i);
    }
    return out;
  }

  View& view_;
  NodeView& node_;
  const u64 now_ms_;
  Plan plan_;
  size_t room_ = 0;
};

}  // namespace

Plan next_plan(View& view, u64 now_ms) { return Planner(view, now_ms).run(); }

}  // namespace phala::relay

#include "core/scheduler.hpp"

#include <algorithm>

namespace phala::worker {

FairQueue::Admission FairQueue::enter(const Hash& flow_id, u32 weight, Ticket ticket) {
  Flow& flow = flows_[flow_id];
  const u128 start_tag = std::max(virtual_time_, flow.previous_finish);
  Admission out{true, std::nullopt};
  if (waiting_.size() + running_.size() >= backlog_ + depth_) {
    const auto last = waiting_.empty() ? waiting_.end() : std::prev(waiting_.end());
    if (last == waiting_.end() || start_tag >= last->first.first) {
      if (flow.members == 0 && flow.previous_finish == 0) flows_.erase(flow_id);
      return {false, std::nullopt};
    }
    out.evicted = last->first.second;
    leave(last->second.flow);
    waiting_.erase(last);
  }
  const u128 cost = std::max<u128>(1, flow.average_cost / std::max<u32>(1, weight));
  flow.previous_finish = start_tag + cost;
  ++flow.members;
  waiting_.emplace(Order{start_tag, ticket}, Entry{flow_id, start_tag});
  return out;
}

std::optional<FairQueue::Ticket> FairQueue::start() {
  if (waiting_.empty() || running_.size() >= depth_) return std::nullopt;
  const auto next = waiting_.begin();
  const Ticket ticket = next->first.second;
  virtual_time_ = std::max(virtual_time_, next->second.start_tag);
  running_.emplace(ticket, next->second);
  waiting_.erase(next);
  return ticket;
}

void FairQueue::finish(Ticket ticket, u64 elapsed_ns) {
  const auto at = running_.find(ticket);
  if (at == running_.end()) return;
  Flow& flow = flows_[at->second.flow];
  flow.average_cost = (4 * flow.average_cost + (u128{elapsed_ns} << 32)) / 5;
  leave(at->second.flow);
  running_.erase(at);
}

void FairQueue::leave(const Hash& id) {
  --flows_[id].members;
  if (flows_.size() <= max_remembered_flows) return;
  // those that are behind the virtual time have nothing to remember
  std::erase_if(flows_, [&](const auto& f) { return f.second.members == 0 && f.second.previous_finish <= virtual_time_; });
}

}  // namespace phala::worker

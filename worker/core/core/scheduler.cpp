#include "core/scheduler.hpp"

#include <algorithm>

namespace phala::worker {

namespace {

constexpr u64 weight_without_stake = 1, weight_per_stake = 2;

u128 scaled(u64 ns, u64 weight) { return std::max<u128>(1, (u128{ns} << 32) / std::max<u64>(1, weight)); }

/// Puts what a query took in place of what was taken for it when it started.
void correct(u128& tag, u64 charged_ns, u64 actual_ns, u64 weight) {
  const u128 charged = scaled(charged_ns, weight);
  tag = tag - std::min(tag, charged) + scaled(actual_ns, weight);
}

}  // namespace

/// Those in line, of one of the two levels.
std::vector<FairQueue::Party> FairQueue::contracts(bool staked) {
  std::vector<Party> out;
  for (const Hash& id : line_) {
    Flow& flow = flows_.at(id);
    if ((flow.weight != 0) != staked) continue;
    const Tag one = scaled(expected_ns(flow), flow.weight);
    out.push_back({&flow, flow.tag, std::max<u64>(1, flow.weight), flow.running, one, flow.waiting.size() * one});
  }
  return out;
}

std::vector<FairQueue::Party> FairQueue::parties() {
  auto out = contracts(true);
  const auto others = contracts(false);
  if (others.empty()) return out;
  Party together{nullptr, tag_without_stake_, weight_without_stake, running_without_stake_, scaled(mean_ns_, weight_without_stake), 0};
  for (const Party& one : others) together.queued += one.queued;
  out.push_back(together);
  return out;
}

/// Places that `party` may hold of `places`, while `all` wait and `running` are taken: its share, rounded up. What those hold who have
/// nothing waiting is not to be had; what they do not use is.
size_t FairQueue::limit(const Party& party, const std::vector<Party>& all, size_t places, size_t running) const {
  u64 weights = 0;
  for (const Party& one : all) {
    weights += one.weight;
    running -= std::min(running, one.running);   // a contract may have got its stake, or lost it, while it ran
  }
  const u128 left = places - std::min(places, running);
  const auto share = static_cast<size_t>((left * party.weight + weights - 1) / weights);
  const bool leaves_one = all.size() == 1 || party.flow == nullptr;
  return std::max<size_t>(1, leaves_one ? std::min(share, places - 1) : share);
}

/// The one of `all` with the least tag that may have another place; for those without stake together, one of them must have it.
const FairQueue::Party* FairQueue::next_of(const std::vector<Party>& all, size_t places, size_t running) {
  const Party* best = nullptr;
  for (const Party& one : all) {
    const size_t own = limit(one, all, places, running);
    if (one.running >= own || (best && one.tag >= best->tag)) continue;
    if (one.flow || next_of(contracts(false), own, running_without_stake_)) best = &one;
  }
  return best;
}

FairQueue::Admission FairQueue::enter(const Hash& id, u32 stake, Ticket ticket) {
  Flow& flow = flows_.try_emplace(id, Flow{.id = id}).first->second;
  const bool staked = stake != 0;
  if (flow.weight != 0 && !staked) flow.tag = time_without_stake_;   // the levels have times of their own
  if (flow.weight == 0 && staked) flow.tag = time_;
  flow.weight = u64{stake} * weight_per_stake;
  // who had nothing waiting has no claim to time that is gone
  if (flow.waiting.empty()) flow.tag = std::max(flow.tag, staked ? time_ : time_without_stake_);
  if (!staked && contracts(false).empty()) tag_without_stake_ = std::max(tag_without_stake_, time_);
  flow.waiting.push_back(ticket);
  line_.insert(id);
  ++waiting_;
  if (waiting_ + running_.size() <= backlog_ + depth_) return {true, std::nullopt};
  const Ticket last = drop_last(flow);
  if (last == ticket) return {false, std::nullopt};
  return {true, last};
}

/// Takes out the query that would start last. No tag moves: it has taken nothing.
FairQueue::Ticket FairQueue::drop_last(const Flow& newcomer) {
  const auto last_of = [](const std::vector<Party>& all, const Flow* own) {
    // of two that would start together the newcomer goes
    return *std::max_element(all.begin(), all.end(), [&](const Party& a, const Party& b) {
      return std::pair(a.tag + a.queued, a.flow == own) < std::pair(b.tag + b.queued, b.flow == own);
    });
  };
  const Party party = last_of(parties(), newcomer.weight != 0 ? &newcomer : nullptr);
  Flow& loser = *(party.flow ? party.flow : last_of(contracts(false), &newcomer).flow);
  const Ticket out = loser.waiting.back();
  loser.waiting.pop_back();
  --waiting_;
  if (loser.waiting.empty()) line_.erase(loser.id);
  forget_idle();
  return out;
}

/// Who is passed over, because it has all the places it may have, saves up no more than a query for each place of the worker.
void FairQueue::forgo(Tag& tag, const Party& party, Tag started) const {
  tag = std::max(tag, started - std::min(started, depth_ * party.one));
}

std::optional<FairQueue::Ticket> FairQueue::start() {
  if (waiting_ == 0 || running_.size() >= depth_) return std::nullopt;
  const auto all = parties();
  const Party* party = next_of(all, depth_, running_.size());
  if (!party) return std::nullopt;
  time_ = std::max(time_, party->tag);
  for (const Party& one : all) forgo(one.flow ? one.flow->tag : tag_without_stake_, one, party->tag);
  if (party->flow) return begin(*party->flow);
  const auto others = contracts(false);
  const Party* other = next_of(others, limit(*party, all, depth_, running_.size()), running_without_stake_);
  time_without_stake_ = std::max(time_without_stake_, other->tag);
  for (const Party& one : others) forgo(one.flow->tag, one, other->tag);
  tag_without_stake_ += scaled(expected_ns(*other->flow), weight_without_stake);
  ++running_without_stake_;
  return begin(*other->flow);
}

FairQueue::Ticket FairQueue::begin(Flow& flow) {
  const Ticket ticket = flow.waiting.front();
  flow.waiting.pop_front();
  --waiting_;
  if (flow.waiting.empty()) line_.erase(flow.id);
  running_.emplace(ticket, Started{flow.id, flow.weight, expected_ns(flow)});
  flow.tag += scaled(expected_ns(flow), flow.weight);
  ++flow.running;
  return ticket;
}

void FairQueue::finish(Ticket ticket, u64 elapsed_ns) {
  const auto at = running_.find(ticket);
  if (at == running_.end()) return;
  const Started& started = at->second;
  Flow& flow = flows_.at(started.flow);
  if (started.weight == 0) {
    correct(tag_without_stake_, started.charged_ns, elapsed_ns, weight_without_stake);
    --running_without_stake_;
  }
  if ((flow.weight == 0) == (started.weight == 0)) correct(flow.tag, started.charged_ns, elapsed_ns, started.weight);
  flow.cost_ns = flow.cost_ns ? (4 * u128{*flow.cost_ns} + elapsed_ns) / 5 : elapsed_ns;
  mean_ns_ = static_cast<u64>((31 * u128{mean_ns_} + elapsed_ns) / 32);
  --flow.running;
  running_.erase(at);
  forget_idle();
}

void FairQueue::forget_idle() {
  if (flows_.size() <= max_remembered_flows) return;
  // those that are behind the time of their level have nothing to remember
  std::erase_if(flows_, [&](const auto& f) {
    const Flow& flow = f.second;
    return flow.waiting.empty() && flow.running == 0 && flow.tag <= (flow.weight != 0 ? time_ : time_without_stake_);
  });
}

}  // namespace phala::worker

#pragma once
// Why: the compute of a worker is shared between contracts by weight, which follows their stake (docs/protocol.md §9.3). This is a
// start-time fair queue: every contract has a tag that moves on by what its queries cost divided by its weight, and the contract with
// the least tag is next. Pure: the clock is the caller's measurement of what each query took.
//
// Contracts without stake are one party together, of half the weight of stake 1, and equal among themselves: however many somebody
// makes, they take no more than that from those with stake, and never nothing.

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/bytes.hpp"

namespace phala::worker {

/// Decides which waiting query runs next. Not thread-safe: the caller locks.
class FairQueue {
 public:
  using Ticket = u64;
  /// `depth`: how many run at once; `backlog`: how many may wait. With two places or more, one of them is closed to a contract that
  /// waits alone and to those without stake together, one more to a single one without stake: what comes next need not wait for slow queries.
  FairQueue(size_t depth, size_t backlog) : depth_(depth), backlog_(backlog) {}

  struct Admission {
    bool accepted = false;
    std::optional<Ticket> evicted;   ///< somebody else who must be told that there is no room
  };
  /// A query of `flow`, whose weight is `weight` from now on; 0: no stake. When all places are taken, the one that would start last goes.
  Admission enter(const Hash& flow, u32 weight, Ticket ticket);
  /// The next to run, if a place is free for it.
  std::optional<Ticket> start();
  /// A started query is over, having taken `elapsed_ns`.
  void finish(Ticket ticket, u64 elapsed_ns);
  size_t running() const { return running_.size(); }
  size_t waiting() const { return waiting_; }

 private:
  using Tag = u128;   ///< ns · 2^32 / weight
  struct Flow {
    Hash id{};
    u64 weight = 0;                 ///< twice the stake's weight; 0: one of those without
    Tag tag = 0;                    ///< where its next query starts; moved by `start` and `finish` alone while any wait
    std::optional<u64> cost_ns{};   ///< what its queries take, averaged; nothing before the first is over
    std::deque<Ticket> waiting{};
    size_t running = 0;
  };
  /// Who takes part in a choice: a contract, or (`flow` empty) all that have no stake.
  struct Party {
    Flow* flow;
    Tag tag;
    u64 weight;
    size_t running;
    Tag one;      ///< how far a query moves the tag, about
    Tag queued;   ///< how far all that wait will
  };
  struct Started { Hash flow; u64 weight; u64 charged_ns; };

  u64 expected_ns(const Flow& flow) const { return flow.cost_ns.value_or(mean_ns_); }
  std::vector<Party> contracts(bool staked);
  std::vector<Party> parties();
  size_t limit(const Party& party, const std::vector<Party>& all, size_t places, size_t running) const;
  const Party* next_of(const std::vector<Party>& all, size_t places, size_t running);
  void forgo(Tag& tag, const Party& party, Tag started) const;
  Ticket begin(Flow& flow);
  Ticket drop_last(const Flow& newcomer);
  void forget_idle();

  const size_t depth_, backlog_;
  Tag time_ = 0, time_without_stake_ = 0;   ///< the latest tag that started, of each level
  Tag tag_without_stake_ = 0;
  size_t running_without_stake_ = 0;
  size_t waiting_ = 0;
  u64 mean_ns_ = 1'000'000;                 ///< over all queries: what an unknown one is charged
  std::map<Hash, Flow> flows_;
  std::set<Hash> line_;                     ///< flows in which somebody waits
  std::map<Ticket, Started> running_;
};

/// Flows without members that are remembered, so that a pause does not wipe a contract's history.
constexpr size_t max_remembered_flows = 4096;

}  // namespace phala::worker

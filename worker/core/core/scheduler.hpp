#pragma once
// Why: the compute of a worker is shared between contracts by weight, which follows their stake. This is a start-time fair queue
// (spec/worker.md §5.7): pure, the clock is the caller's measurement of what each query cost.

#include <map>
#include <optional>
#include <vector>

#include "base/bytes.hpp"

namespace phala::worker {

/// Decides which waiting query runs next. Not thread-safe: the caller locks.
class FairQueue {
 public:
  using Ticket = u64;
  /// `depth`: how many run at once; `backlog`: how many may wait.
  FairQueue(size_t depth, size_t backlog) : depth_(depth), backlog_(backlog) {}

  struct Admission {
    bool accepted = false;
    std::optional<Ticket> evicted;   ///< somebody else who must be told that there is no room
  };
  /// A query of `flow` with that weight (0 counts as 1). When all places are taken, the one that would start last goes.
  Admission enter(const Hash& flow, u32 weight, Ticket ticket);
  /// The next to run, if a place is free.
  std::optional<Ticket> start();
  /// A started query is over, having taken `elapsed_ns`.
  void finish(Ticket ticket, u64 elapsed_ns);
  size_t running() const { return running_.size(); }
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Flow {
    u128 previous_finish = 0;
    u128 average_cost = 0;   ///< elapsed ns · 2^32
    size_t members = 0;      ///< waiting or running
  };
  struct Entry { Hash flow; u128 start_tag; };
  using Order = std::pair<u128, Ticket>;
  void leave(const Hash& flow);

  const size_t depth_, backlog_;
  u128 virtual_time_ = 0;
  std::map<Hash, Flow> flows_;
  std::map<Order, Entry> waiting_;
  std::map<Ticket, Entry> running_;
};

/// Flows without members that are remembered, so that a pause does not wipe a contract's history.
constexpr size_t max_remembered_flows = 4096;

}  // namespace phala::worker

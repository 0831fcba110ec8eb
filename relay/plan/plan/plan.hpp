#pragma once
// Why: everything the relay decides is decided here, from a value, so that "every message arrives once, in order, and no
// worker holds up another" can be shown by tests without a network.

#include <variant>

#include "plan/view.hpp"

namespace phala::relay {

/// Read the chain: sequences of all waiting senders, registration and endpoint of all known workers.
struct Look { bool operator==(const Look&) const = default; };
/// Get blocks [from, to], or fewer from `from` on, and the proof that the last of them is final.
struct Fetch { BlockNumber from{}, to{}; bool operator==(const Fetch&) const = default; };
/// Ask a worker how it is: where it stands, what it has to say.
struct Poll { WorkerIndex worker{}; bool operator==(const Poll&) const = default; };
/// Give a worker blocks [from, to]; the chunks at hand cover them, and one ends at `to`.
struct Sync { WorkerIndex worker{}; BlockNumber from{}, to{}; bool operator==(const Sync&) const = default; };
/// Make and send one transaction; what goes in comes from `worker`.
struct Transact { WorkerIndex worker{}; Claim claim; bool operator==(const Transact&) const = default; };
using Action = std::variant<Look, Fetch, Poll, Sync, Transact>;

struct Plan {
  std::vector<Action> actions;      ///< may run at the same time; transactions in this order
  std::vector<Chunk> forget;        ///< nobody needs them any more
  std::optional<u64> wake_at_ms;    ///< when time alone will bring something to do; nothing: wait to hear
};

/// What to do now. The actions count as begun: the view is marked accordingly. Every action must be answered by one of the
/// functions in view.hpp. At most one request is under way per worker, and one of each kind to the node.
Plan next_plan(View& view, u64 now_ms);

}  // namespace phala::relay

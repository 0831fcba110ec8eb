// From any state the relay can get into, everything gets through once trouble ends.
#include <random>

#include "plan/plan_test.hpp"

namespace phala::relay {
namespace {

/// A chain and workers, as far as the relay can tell. Requests take time, fail, get lost; transactions vanish from the pool.
struct World {
  explicit World(u64 seed) : random(seed) {}
  std::mt19937_64 random;
  View view;
  u64 now_ms = 0;
  bool trouble = true;
  BlockNumber height = 1;

  struct Pooled { Claim claim; BlockNumber void_at; WorkerIndex from; };
  std::vector<Pooled> pool;
  std::map<Bytes, u64> accepted;                      // by sender
  std::map<PublicKey, bool> registered, bound;
  struct Machine { u8 n; BlockNumber next_block = 1; bool is_gatekeeper = false, broken = false; std::map<Bytes, u64> said; };
  std::vector<Machine> machines;
  std::vector<Action> under_way;
  std::map<Claim, BlockNumber> last_void;             // the invariant: never two that could both enter

  bool chance(u32 percent) { return random() % 100 < percent; }
  bool fails() { return trouble && chance(15); }

  void add_worker(bool is_gatekeeper, bool broken = false) {
    machines.push_back({static_cast<u8>(machines.size() + 1), 1, is_gatekeeper, broken, {}});
    view.workers.emplace_back();
  }
  /// What block `n` makes a machine say is the same for all gatekeepers.
  void take(Machine& machine, BlockNumber n) {
    if (n % 3 == 0) ++machine.said[worker_sender(machine.n)];
    if (machine.is_gatekeeper && n % 5 == 0) ++machine.said[gatekeeper];
  }
  u64 expected(const Bytes& sender) const {
    u64 next = accepted.contains(sender) ? accepted.at(sender) : 0;
    for (bool more = true; more;) {
      more = false;
      for (const auto& p : pool)
        if (p.claim == message(sender, next)) { ++next; more = true; break; }
    }
    return next;
  }
  void new_block() {
    ++height;
    std::erase_if(pool, [&](const Pooled& p) {
      if (height >= p.void_at || fails()) return true;   // too late, or lost
      if (trouble && chance(30)) return false;           // another block
      if (p.claim.kind == Claim::Kind::registration) registered[PublicKey(p.claim.subject)] = true;
      if (p.claim.kind == Claim::Kind::endpoint) bound[PublicKey(p.claim.subject)] = true;
      if (p.claim.kind == Claim::Kind::message) {
        u64& next = accepted[p.claim.subject];
        if (p.claim.sequence != next) return false;
        ++next;
      }
      return true;
    });
  }
  void finish(const Action& action) {
    std::visit([&](const auto& a) { finish(a); }, action);
  }
  void finish(const Look&) {
    if (fails()) return node_failed(view, now_ms);
    Looked out;
    out.height = height;
    for (const auto& worker : view.workers) {
      if (!worker.report) continue;
      const PublicKey key = worker.report->key;
      out.registered[key] = registered[key] ? std::optional(Registered{}) : std::nullopt;
      out.endpoints[key] = bound[key] ? std::optional(Hash{}) : std::nullopt;
      for (const auto& [sender, numbers] : worker.report->egress) out.next_sequence[sender] = expected(sender);
    }
    looked(view, out);
  }
  void finish(const Fetch& a) {
    ASSERT_LE(a.from, a.to);
    ASSERT_LE(a.to, height);
    if (fails()) return node_failed(view, now_ms);
    const BlockNumber to = chance(30) ? a.from + static_cast<BlockNumber>(random() % (a.to - a.from + 1)) : a.to;
    fetched(view, {a.from, to, size_t{to - a.from + 1} * 1000});
  }
  void finish(const Poll& a) {
    Machine& m = machines[a.worker];
    if (m.broken || fails()) return worker_failed(view, a.worker, now_ms);
    WorkerReport out = report(m.n, m.next_block);
    out.can_register = m.next_block > 2;
    out.endpoints = Hash{};
    for (const auto& [sender, count] : m.said) {
      const u64 from = accepted.contains(sender) ? accepted.at(sender) : 0;
      for (u64 i = from; i < count; ++i) out.egress[sender].push_back(i);
    }
    polled(view, a.worker, out, now_ms);
  }
  void finish(const Sync& a) {
    Machine& m = machines[a.worker];
    if (m.broken || fails() || a.from != m.next_block) {
      if (trouble && chance(50) && a.from == m.next_block) for (; m.next_block <= a.to; ++m.next_block) take(m, m.next_block);   // done, but the answer was lost
      return worker_failed(view, a.worker, now_ms);
    }
    for (; m.next_block <= a.to; ++m.next_block) take(m, m.next_block);
    synced(view, a.worker, m.next_block);
  }
  void finish(const Transact& a) {
    if (fails()) return refused(view, a.claim);
    const BlockNumber void_at = height + view.limits.longevity_blocks;
    const auto last = last_void.find(a.claim);
    ASSERT_TRUE(last == last_void.end() || last->second <= height) << "two transactions for one claim in flight";
    last_void[a.claim] = void_at;
    pool.push_back({a.claim, void_at, a.worker});
    sent(view, a.claim, void_at);
  }
  void run(u64 steps) {
    for (u64 i = 0; i < steps; ++i) {
      now_ms += 50;
      if (chance(20)) new_block();
      if (!trouble || chance(70)) heard_height(view, height);
      for (auto& action : next_plan(view, now_ms).actions) under_way.push_back(std::move(action));
      // transactions are sent one after the other; everything else may end in any order
      while (!under_way.empty() && chance(trouble ? 60 : 95)) {
        size_t pick = random() % under_way.size();
        if (std::holds_alternative<Transact>(under_way[pick]))
          for (pick = 0; !std::holds_alternative<Transact>(under_way[pick]);) ++pick;
        const Action action = under_way[pick];
        under_way.erase(under_way.begin() + static_cast<long>(pick));
        finish(action);
      }
      size_t held = 0;
      for (const auto& chunk : view.node.chunks) held += chunk.to - chunk.from + 1;
      ASSERT_LE(held, view.workers.size() * (view.limits.batch_blocks + 3 * view.limits.fetch_blocks));
    }
  }
};

TEST(RelayPlanProgress, from_any_state_everything_gets_through_once_trouble_ends) {
  for (u64 seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    world.add_worker(true);
    world.add_worker(true);
    world.add_worker(false);
    world.add_worker(false, true);   // never answers
    world.height = 1 + static_cast<BlockNumber>(world.random() % 500);
    world.run(600);
    world.trouble = false;
    world.run(3000);
    const BlockNumber then = world.height;
    for (u64 i = 0; i < 60; ++i) world.run(50);
    for (const auto& m : world.machines) {
      if (m.broken) continue;
      EXPECT_GE(m.next_block, then) << "worker " << int(m.n);
      EXPECT_TRUE(world.registered[key_of(m.n)]);
      EXPECT_TRUE(world.bound[key_of(m.n)]);
      EXPECT_GE(world.accepted[worker_sender(m.n)] + 20, then / 3) << "worker " << int(m.n);
    }
    EXPECT_GE(world.accepted[gatekeeper] + 20, then / 5);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace phala::relay

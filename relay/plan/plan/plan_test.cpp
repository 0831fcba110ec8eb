#include "plan/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace phala::relay {
namespace {

PublicKey key_of(u8 n) { PublicKey key; key[0] = n; return key; }
Bytes worker_sender(u8 n) { return scale::encode(MessageOrigin(origin::Worker{key_of(n)})); }
const Bytes gatekeeper = scale::encode(MessageOrigin(origin::Gatekeeper{}));
Claim message(const Bytes& sender, u64 number) { return {Claim::Kind::message, sender, number}; }
Claim registration(u8 n) { return {Claim::Kind::registration, to_bytes(key_of(n).view()), 0}; }
Claim endpoint(u8 n) { return {Claim::Kind::endpoint, to_bytes(key_of(n).view()), 0}; }

WorkerReport report(u8 n, BlockNumber next_block) {
  WorkerReport out;
  out.key = key_of(n);
  out.next_block = next_block;
  return out;
}

/// A view in which everything was just asked: nothing to do.
View quiet(size_t workers, BlockNumber height, u64 now_ms = 1000) {
  View view;
  view.node.height = height;
  Looked answer;
  answer.height = height;
  view.workers.resize(workers);
  for (size_t i = 0; i < workers; ++i) {
    const u8 n = static_cast<u8>(i + 1);
    polled(view, i, report(n, height + 1), now_ms);
    answer.registered[key_of(n)] = Registered{};
    answer.endpoints[key_of(n)] = std::nullopt;
  }
  looked(view, answer);
  return view;
}
std::vector<Action> actions(View& view, u64 now_ms = 1000) { return next_plan(view, now_ms).actions; }
using Actions = std::vector<Action>;

TEST(RelayPlan, asks_every_worker_first_and_waits_for_the_node) {
  View view;
  view.workers.resize(2);
  EXPECT_EQ(actions(view, 0), (Actions{Poll{0}, Poll{1}}));
  EXPECT_EQ(actions(view, 0), Actions{});   // both are under way
  heard_height(view, 7);
  EXPECT_EQ(actions(view, 0), Actions{Look{}});
  EXPECT_EQ(actions(view, 0), Actions{});
}

TEST(RelayPlan, nothing_to_do_means_waiting_until_the_next_poll) {
  View view = quiet(2, 7);
  const Plan plan = next_plan(view, 1000);
  EXPECT_EQ(plan.actions, Actions{});
  EXPECT_EQ(plan.wake_at_ms, 1000 + view.limits.poll_ms);
  EXPECT_EQ(actions(view, 1000 + view.limits.poll_ms), (Actions{Poll{0}, Poll{1}}));
}

TEST(RelayPlan, blocks_are_fetched_once_and_given_to_every_worker) {
  View view = quiet(2, 7);
  heard_height(view, 8);
  EXPECT_EQ(actions(view), (Actions{Look{}, Fetch{8, 8}}));
  fetched(view, {8, 8, 100});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 8, 8}, Sync{1, 8, 8}}));
  synced(view, 0, 9);
  EXPECT_EQ(actions(view), Actions{Poll{0}});   // it may have something to say now
  synced(view, 1, 9);
  const Plan last = next_plan(view, 1000);
  EXPECT_EQ(last.forget, (std::vector<Chunk>{{8, 8, 100}}));
  EXPECT_EQ(last.actions, Actions{Poll{1}});
}

TEST(RelayPlan, a_worker_far_behind_gets_bounded_batches_while_the_next_is_fetched) {
  View view = quiet(1, 1000);
  view.workers[0].report->next_block = 1;
  EXPECT_EQ(actions(view), (Actions{Fetch{1, 64}}));
  fetched(view, {1, 64, 100});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 1, 64}}));   // a whole fetch is ahead: no more is held in memory
  synced(view, 0, 65);
  EXPECT_EQ(actions(view), (Actions{Fetch{65, 128}}));
  fetched(view, {65, 70, 100});                           // the node gave fewer
  EXPECT_EQ(actions(view), (Actions{Sync{0, 65, 70}, Fetch{71, 134}}));
}

TEST(RelayPlan, batches_join_chunks_up_to_their_limits) {
  View view = quiet(1, 1000);
  view.workers[0].report->next_block = 10;
  view.limits.batch_blocks = 20;
  view.limits.batch_bytes = 1000;
  view.node.fetching = true;
  for (BlockNumber n = 10; n < 60; n += 10) fetched(view, {n, n + 9, 10});
  view.node.fetching = true;
  EXPECT_EQ(actions(view), (Actions{Sync{0, 10, 29}}));   // 20 blocks
  synced(view, 0, 30);
  view.limits.batch_blocks = 100;
  view.limits.batch_bytes = 20;
  EXPECT_EQ(actions(view), (Actions{Sync{0, 30, 49}}));   // 20 bytes
  synced(view, 0, 50);
  view.limits.batch_bytes = 5;
  EXPECT_EQ(actions(view), (Actions{Sync{0, 50, 59}}));   // a chunk larger than the limit goes alone
}

TEST(RelayPlan, a_worker_in_the_middle_of_a_chunk_gets_the_rest_of_it) {
  View view = quiet(1, 30);
  view.workers[0].report->next_block = 15;
  fetched(view, {10, 30, 10});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 15, 30}}));
}

TEST(RelayPlan, fetches_fill_gaps_without_fetching_twice) {
  View view = quiet(2, 100);
  view.workers[0].report->next_block = 20;
  view.workers[1].report->next_block = 1;
  fetched(view, {20, 40, 10});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 20, 40}, Fetch{1, 19}}));
}

TEST(RelayPlan, a_failing_worker_holds_nobody_up_and_is_asked_again_later_and_later) {
  View view = quiet(2, 8);
  view.workers[0].report->next_block = view.workers[1].report->next_block = 8;
  fetched(view, {8, 8, 10});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 8, 8}, Sync{1, 8, 8}}));
  worker_failed(view, 0, 1000);
  synced(view, 1, 9);
  const Plan plan = next_plan(view, 1000);
  EXPECT_EQ(plan.actions, Actions{Poll{1}});
  EXPECT_EQ(plan.forget.size(), 1u);                      // its blocks do not stay in memory
  EXPECT_EQ(plan.wake_at_ms, 1500);
  u64 now = 1500, wait = 500;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(actions(view, now).front(), Action{Poll{0}}) << i;
    worker_failed(view, 0, now);
    wait = std::min<u64>(wait * 2, view.limits.longest_retry_ms);
    for (const auto& action : actions(view, now + wait - 1)) EXPECT_NE(action, Action{Poll{0}}) << i;
    now += wait;
  }
  polled(view, 0, report(1, 8), now);
  EXPECT_TRUE(view.workers[0].live());
}

TEST(RelayPlan, a_worker_that_answers_but_takes_no_blocks_is_tried_later_and_later) {
  View view = quiet(1, 8);
  view.workers[0].report->next_block = 8;
  fetched(view, {8, 8, 10});
  u64 now = 1000;
  for (const u64 wait : {500u, 1000u, 2000u, 4000u}) {
    EXPECT_EQ(actions(view, now), (Actions{Sync{0, 8, 8}})) << wait;
    worker_failed(view, 0, now);
    actions(view, now);   // forgets its blocks
    EXPECT_EQ(next_plan(view, now + wait - 1).actions, Actions{}) << wait;
    now += wait;
    EXPECT_EQ(actions(view, now), (Actions{Poll{0}})) << wait;
    polled(view, 0, report(1, 8), now);
    EXPECT_EQ(actions(view, now), (Actions{Fetch{8, 8}})) << wait;
    fetched(view, {8, 8, 10});
  }
  EXPECT_EQ(actions(view, now), (Actions{Sync{0, 8, 8}}));
  synced(view, 0, 9);
  EXPECT_EQ(view.workers[0].failures, 0u);
}

TEST(RelayPlan, a_node_that_fails_is_left_alone_for_a_while) {
  View view = quiet(1, 7);
  heard_height(view, 9);
  EXPECT_EQ(actions(view), (Actions{Look{}, Fetch{8, 9}}));
  node_failed(view, 1000);
  const Plan plan = next_plan(view, 1200);
  EXPECT_EQ(plan.actions, Actions{});
  EXPECT_EQ(plan.wake_at_ms, 1500);
  EXPECT_EQ(actions(view, 1500), (Actions{Look{}, Fetch{8, 9}}));
}

TEST(RelayPlan, heights_never_go_back) {
  View view = quiet(1, 7);
  heard_height(view, 3);
  EXPECT_EQ(view.node.height, 7u);
}

TEST(RelayPlan, sends_what_the_chain_expects_next_without_gaps_and_only_once) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[worker_sender(1)] = {3, 4, 5, 6, 8};
  view.node.next_sequence[worker_sender(1)] = 4;
  EXPECT_EQ(actions(view), (Actions{Transact{0, message(worker_sender(1), 4)}, Transact{0, message(worker_sender(1), 5)}, Transact{0, message(worker_sender(1), 6)}}));
  EXPECT_EQ(actions(view), Actions{});
}

TEST(RelayPlan, a_message_the_chain_does_not_expect_yet_is_not_sent) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[worker_sender(1)] = {4};
  view.node.next_sequence[worker_sender(1)] = 3;
  EXPECT_EQ(actions(view), Actions{});
}

TEST(RelayPlan, the_chain_is_read_before_a_new_sender_is_sent_for) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[gatekeeper] = {0};
  EXPECT_EQ(actions(view), Actions{Look{}});
  Looked answer{7, {{gatekeeper, 0}}, {{key_of(1), Registered{}}}, {{key_of(1), std::nullopt}}};
  looked(view, answer);
  EXPECT_EQ(actions(view), (Actions{Transact{0, message(gatekeeper, 0)}}));
}

TEST(RelayPlan, of_two_gatekeepers_one_copy_goes_and_the_other_after_it_failed) {
  View view = quiet(2, 7);
  view.workers[0].report->egress[gatekeeper] = view.workers[1].report->egress[gatekeeper] = {0, 1};
  view.node.next_sequence[gatekeeper] = 0;
  EXPECT_EQ(actions(view), (Actions{Transact{0, message(gatekeeper, 0)}, Transact{0, message(gatekeeper, 1)}}));
  sent(view, message(gatekeeper, 0), 23);
  sent(view, message(gatekeeper, 1), 23);
  for (BlockNumber height = 8; height < 23; ++height) {
    Looked answer{height, {{gatekeeper, 0}}, view.node.registered, view.node.endpoints};
    looked(view, answer);
    for (const auto& action : actions(view)) EXPECT_FALSE(std::holds_alternative<Transact>(action)) << height;
  }
  view.node.fetching = true;
  looked(view, {23, {{gatekeeper, 0}}, view.node.registered, view.node.endpoints});
  EXPECT_EQ(actions(view), (Actions{Transact{1, message(gatekeeper, 0)}, Transact{0, message(gatekeeper, 1)}}));
  // and the next try waits longer, so that a message that always fails costs less and less; those behind it wait for it
  sent(view, message(gatekeeper, 0), 39);
  sent(view, message(gatekeeper, 1), 39);
  looked(view, {39, {{gatekeeper, 0}}, view.node.registered, view.node.endpoints});
  EXPECT_EQ(actions(view), Actions{});
  looked(view, {23 + 32, {{gatekeeper, 0}}, view.node.registered, view.node.endpoints});
  EXPECT_EQ(actions(view), (Actions{Transact{0, message(gatekeeper, 0)}, Transact{0, message(gatekeeper, 1)}}));
}

TEST(RelayPlan, one_gatekeeper_that_is_down_leaves_its_messages_to_the_other) {
  View view = quiet(2, 7);
  view.workers[0].report->egress[gatekeeper] = view.workers[1].report->egress[gatekeeper] = {0};
  view.node.next_sequence[gatekeeper] = 0;
  worker_failed(view, 0, 1000);
  EXPECT_EQ(actions(view), (Actions{Transact{1, message(gatekeeper, 0)}}));
}

TEST(RelayPlan, a_pool_that_lost_a_transaction_gets_it_again_only_when_it_is_void) {
  View view = quiet(1, 7);
  const Claim first = message(worker_sender(1), 0);
  view.workers[0].report->egress[worker_sender(1)] = {0};
  view.node.next_sequence[worker_sender(1)] = 0;
  EXPECT_EQ(actions(view), (Actions{Transact{0, first}}));
  sent(view, first, 20);
  view.node.fetching = true;
  looked(view, {8, {{worker_sender(1), 1}}, view.node.registered, view.node.endpoints});    // it is in the pool
  EXPECT_EQ(actions(view), Actions{});
  looked(view, {9, {{worker_sender(1), 0}}, view.node.registered, view.node.endpoints});    // and now it is not
  EXPECT_EQ(actions(view), Actions{});
  looked(view, {23, {{worker_sender(1), 0}}, view.node.registered, view.node.endpoints});
  EXPECT_EQ(actions(view), (Actions{Transact{0, first}}));
}

TEST(RelayPlan, nothing_is_sent_after_a_message_that_the_pool_lost) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[worker_sender(1)] = {0};
  view.node.next_sequence[worker_sender(1)] = 0;
  actions(view);
  sent(view, message(worker_sender(1), 0), 23);
  view.workers[0].report->egress[worker_sender(1)] = {0, 1};
  EXPECT_EQ(actions(view), (Actions{Transact{0, message(worker_sender(1), 1)}}));   // nothing is known against it
  sent(view, message(worker_sender(1), 1), 23);
  view.workers[0].report->egress[worker_sender(1)] = {0, 1, 2};
  view.node.fetching = true;
  looked(view, {8, {{worker_sender(1), 0}}, view.node.registered, view.node.endpoints});
  EXPECT_EQ(actions(view), Actions{});
  looked(view, {23, {{worker_sender(1), 0}}, view.node.registered, view.node.endpoints});
  EXPECT_EQ(actions(view).size(), 3u);   // all again, at the same time
}

TEST(RelayPlan, claims_that_are_settled_are_forgotten) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[worker_sender(1)] = {0, 1};
  view.node.next_sequence[worker_sender(1)] = 0;
  actions(view);
  sent(view, message(worker_sender(1), 0), 20);
  sent(view, message(worker_sender(1), 1), 20);
  looked(view, {30, {{worker_sender(1), 2}}, view.node.registered, view.node.endpoints});
  EXPECT_TRUE(view.attempts.empty());
}

TEST(RelayPlan, a_refused_message_stops_those_after_it_and_is_tried_again_later) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[worker_sender(1)] = {0, 1};
  view.node.next_sequence[worker_sender(1)] = 0;
  actions(view);
  refused(view, message(worker_sender(1), 0));
  not_sent(view, message(worker_sender(1), 1));
  EXPECT_EQ(actions(view), Actions{Look{}});   // perhaps the view was old
  looked(view, {7, {{worker_sender(1), 0}}, view.node.registered, view.node.endpoints});
  EXPECT_EQ(actions(view), Actions{});
  view.node.fetching = true;
  BlockNumber height = 7;
  for (const u32 wait : {1u, 2u, 4u, 8u}) {
    looked(view, {height + wait - 1, {{worker_sender(1), 0}}, view.node.registered, view.node.endpoints});
    EXPECT_EQ(actions(view), Actions{}) << wait;
    height += wait;
    looked(view, {height, {{worker_sender(1), 0}}, view.node.registered, view.node.endpoints});
    EXPECT_EQ(actions(view), (Actions{Transact{0, message(worker_sender(1), 0)}, Transact{0, message(worker_sender(1), 1)}})) << wait;
    refused(view, message(worker_sender(1), 0));
    not_sent(view, message(worker_sender(1), 1));
  }
}

TEST(RelayPlan, no_more_transactions_than_the_limit_are_in_flight) {
  View view = quiet(1, 7);
  view.limits.transactions = 3;
  for (u64 n = 0; n < 10; ++n) view.workers[0].report->egress[worker_sender(1)].push_back(n);
  view.node.next_sequence[worker_sender(1)] = 0;
  EXPECT_EQ(actions(view).size(), 3u);
  for (u64 n = 0; n < 3; ++n) sent(view, message(worker_sender(1), n), 20);
  EXPECT_EQ(actions(view), Actions{});
  view.node.fetching = true;
  looked(view, {19, {{worker_sender(1), 3}}, view.node.registered, view.node.endpoints});
  EXPECT_EQ(actions(view), Actions{});   // they may still be waiting in the pool
  looked(view, {20, {{worker_sender(1), 3}}, view.node.registered, view.node.endpoints});
  EXPECT_EQ(actions(view).size(), 3u);
}

struct RegistrationCase {
  const char* name;
  std::optional<Registered> on_chain;
  std::optional<AccountId> operator_;
  std::optional<u32> version;
  bool can_register, expected;
};
AccountId account(u8 n) { AccountId id; id[0] = n; return id; }

TEST(RelayPlan, registers_whom_the_chain_does_not_know_as_it_is) {
  const RegistrationCase cases[] = {
      {"unknown", std::nullopt, std::nullopt, std::nullopt, true, true},
      {"unknown, no evidence yet", std::nullopt, std::nullopt, std::nullopt, false, false},
      {"known", Registered{}, std::nullopt, std::nullopt, true, false},
      {"same operator", Registered{account(1), 0}, account(1), std::nullopt, true, false},
      {"other operator", Registered{account(2), 0}, account(1), std::nullopt, true, true},
      {"no operator yet", Registered{std::nullopt, 0}, account(1), std::nullopt, true, true},
      {"operator left as it is", Registered{account(2), 0}, std::nullopt, std::nullopt, true, false},
      {"same version", Registered{std::nullopt, 5}, std::nullopt, 5, true, false},
      {"upgraded", Registered{std::nullopt, 5}, std::nullopt, 6, true, true},
  };
  for (const auto& c : cases) {
    View view = quiet(1, 7);
    view.operator_ = c.operator_;
    view.node.registered[key_of(1)] = c.on_chain;
    view.workers[0].report->version = c.version;
    view.workers[0].report->can_register = c.can_register;
    EXPECT_EQ(actions(view), (c.expected ? Actions{Transact{0, registration(1)}} : Actions{})) << c.name;
    if (!c.expected) continue;
    sent(view, registration(1), 23);
    EXPECT_EQ(actions(view), Actions{}) << c.name;
    view.node.fetching = true;
    looked(view, {23, {}, {{key_of(1), c.on_chain}}, {{key_of(1), std::nullopt}}});
    EXPECT_EQ(actions(view), Actions{(Transact{0, registration(1)})}) << c.name;   // it did not take effect
    sent(view, registration(1), 39);
    looked(view, {60, {}, {{key_of(1), Registered{c.operator_, c.version.value_or(0)}}}, {{key_of(1), std::nullopt}}});
    EXPECT_EQ(actions(view), Actions{}) << c.name;
    EXPECT_TRUE(view.attempts.empty()) << c.name;
  }
}

TEST(RelayPlan, binds_the_endpoint_of_a_registered_worker_when_it_differs) {
  const Hash mine = Hash(std::array<u8, 32>{1}), other = Hash(std::array<u8, 32>{2});
  struct Case { const char* name; bool registered; std::optional<Hash> wanted, bound; bool expected; };
  const Case cases[] = {
      {"not bound", true, mine, std::nullopt, true}, {"bound", true, mine, mine, false},       {"another bound", true, mine, other, true},
      {"none wanted", true, std::nullopt, other, false}, {"not registered", false, mine, std::nullopt, false},
  };
  for (const auto& c : cases) {
    View view = quiet(1, 7);
    if (!c.registered) view.node.registered[key_of(1)] = std::nullopt;
    view.node.endpoints[key_of(1)] = c.bound;
    view.workers[0].report->endpoints = c.wanted;
    EXPECT_EQ(actions(view), (c.expected ? Actions{Transact{0, endpoint(1)}} : Actions{})) << c.name;
  }
}

TEST(RelayPlan, two_addresses_of_one_worker_send_one_transaction) {
  View view = quiet(2, 7);
  view.workers[1].report->key = key_of(1);
  view.node.registered[key_of(1)] = std::nullopt;
  view.workers[0].report->can_register = view.workers[1].report->can_register = true;
  EXPECT_EQ(actions(view), (Actions{Transact{0, registration(1)}}));
}

// ---- progress from any state --------------------------------------------------------------------------------------------
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

TEST(RelayPlan, from_any_state_everything_gets_through_once_trouble_ends) {
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

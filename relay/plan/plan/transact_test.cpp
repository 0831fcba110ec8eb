// Which messages, registrations and endpoints go to the chain, and when.
#include "plan/plan_test.hpp"

namespace phala::relay {
namespace {

TEST(RelayPlanTransact, sends_what_the_chain_expects_next_without_gaps_and_only_once) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[worker_sender(1)] = {3, 4, 5, 6, 8};
  view.node.next_sequence[worker_sender(1)] = 4;
  EXPECT_EQ(actions(view), (Actions{Transact{0, message(worker_sender(1), 4)}, Transact{0, message(worker_sender(1), 5)}, Transact{0, message(worker_sender(1), 6)}}));
  EXPECT_EQ(actions(view), Actions{});
}

TEST(RelayPlanTransact, a_message_the_chain_does_not_expect_yet_is_not_sent) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[worker_sender(1)] = {4};
  view.node.next_sequence[worker_sender(1)] = 3;
  EXPECT_EQ(actions(view), Actions{});
}

TEST(RelayPlanTransact, the_chain_is_read_before_a_new_sender_is_sent_for) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[gatekeeper] = {0};
  EXPECT_EQ(actions(view), Actions{Look{}});
  Looked answer{7, {{gatekeeper, 0}}, {{key_of(1), Registered{}}}, {{key_of(1), std::nullopt}}};
  looked(view, answer);
  EXPECT_EQ(actions(view), (Actions{Transact{0, message(gatekeeper, 0)}}));
}

TEST(RelayPlanTransact, of_two_gatekeepers_one_copy_goes_and_the_other_after_it_failed) {
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

TEST(RelayPlanTransact, one_gatekeeper_that_is_down_leaves_its_messages_to_the_other) {
  View view = quiet(2, 7);
  view.workers[0].report->egress[gatekeeper] = view.workers[1].report->egress[gatekeeper] = {0};
  view.node.next_sequence[gatekeeper] = 0;
  worker_failed(view, 0, 1000);
  EXPECT_EQ(actions(view), (Actions{Transact{1, message(gatekeeper, 0)}}));
}

TEST(RelayPlanTransact, a_pool_that_lost_a_transaction_gets_it_again_only_when_it_is_void) {
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

TEST(RelayPlanTransact, nothing_is_sent_after_a_message_that_the_pool_lost) {
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

TEST(RelayPlanTransact, claims_that_are_settled_are_forgotten) {
  View view = quiet(1, 7);
  view.workers[0].report->egress[worker_sender(1)] = {0, 1};
  view.node.next_sequence[worker_sender(1)] = 0;
  actions(view);
  sent(view, message(worker_sender(1), 0), 20);
  sent(view, message(worker_sender(1), 1), 20);
  looked(view, {30, {{worker_sender(1), 2}}, view.node.registered, view.node.endpoints});
  EXPECT_TRUE(view.attempts.empty());
}

TEST(RelayPlanTransact, a_refused_message_stops_those_after_it_and_is_tried_again_later) {
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

TEST(RelayPlanTransact, no_more_transactions_than_the_limit_are_in_flight) {
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

TEST(RelayPlanTransact, registers_whom_the_chain_does_not_know_as_it_is) {
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

TEST(RelayPlanTransact, binds_the_endpoint_of_a_registered_worker_when_it_differs) {
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

TEST(RelayPlanTransact, two_addresses_of_one_worker_send_one_transaction) {
  View view = quiet(2, 7);
  view.workers[1].report->key = key_of(1);
  view.node.registered[key_of(1)] = std::nullopt;
  view.workers[0].report->can_register = view.workers[1].report->can_register = true;
  EXPECT_EQ(actions(view), (Actions{Transact{0, registration(1)}}));
}

}  // namespace
}  // namespace phala::relay

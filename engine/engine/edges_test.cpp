// Where one rule of host functions meets another: which of them speaks, and what it leaves (docs/protocol.md §12, §13.3, §14).
#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "engine/events.hpp"
#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

std::vector<EventRecord> events_of(const Outcome& outcome) {
  EXPECT_TRUE(outcome.effects.event_block) << error_of(outcome);
  return outcome.effects.event_block ? scale::decode<EventsBlock>(*outcome.effects.event_block)->body.events : std::vector<EventRecord>{};
}

}  // namespace

TEST(EdgesTest, what_goes_to_oneself_does_not_move_and_is_never_too_much) {
  Cluster cluster;
  // input: account ‖ value
  const auto giver = cluster.deploy(number_of("(call $seal0.transfer (i32.const 0x1000) (i32.const 32) (i32.const 0x1020) (i32.const 16))"), 99);
  EXPECT_EQ(data_of(cluster.send(giver, scale::encode(giver, Balance{1'000'000}))), scale::encode(u32{0}));
  EXPECT_EQ(data_of(cluster.send(giver, scale::encode(bob, Balance{1'000'000}))), scale::encode(u32{5}));
  EXPECT_EQ(cluster.balance(giver), 100u);
  // and as the value of a call: the inner one has no input and ends at once
  const auto caller = cluster.deploy(answering(R"((if (local.get $n) (then
    (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 8) (i32.const 0x1000) (i64.const 0) (i32.const 0x1020) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))
    (local.set $end (i32.const 0x2004)))))"), 99);
  EXPECT_EQ(data_of(cluster.send(caller, scale::encode(caller, Balance{1'000'000}))), scale::encode(u32{0}));
  EXPECT_EQ(cluster.balance(caller), 100u);
}

TEST(EdgesTest, a_transfer_that_fails_at_the_receiver_takes_nothing_from_the_sender) {
  Cluster cluster;
  cluster.state.apply({{key::account(bob), scale::encode(Account{~Balance{0}, 0})}});
  const auto giver = cluster.deploy(number_of("(call $seal0.transfer (i32.const 0x1000) (i32.const 32) (i32.const 0x1020) (i32.const 16))"), 99);
  EXPECT_EQ(data_of(cluster.send(giver, scale::encode(bob, Balance{5}))), scale::encode(u32{5}));
  EXPECT_EQ(cluster.balance(giver), 100u);
  EXPECT_EQ(cluster.balance(bob), ~Balance{0});
}

TEST(EdgesTest, new_code_is_announced_under_the_hash_of_the_contract) {
  Cluster cluster;
  const auto next = cluster.upload(contract(answering("(nop)")));
  const auto id = cluster.deploy(number_of("(call $seal0.set_code_hash (i32.const 0x1000))"));
  const Hash old = cluster.state.contract(id)->code_hash;
  const auto events = events_of(cluster.send(id, scale::encode(next)));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].event, RuntimeEvent(ContractsEvent(event::ContractCodeUpdated{id, next, old})));
  EXPECT_EQ(events[0].topics, (std::vector<Hash>{crypto::blake2_256(id), next, old}));
}

TEST(EdgesTest, reentry_is_refused_before_the_depth_is_looked_at) {
  Cluster cluster;
  // input: how many more of itself. With one left it calls without allowing anybody in
  const std::string body = R"((i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x100) (i32.const 0xff0))
    (if (i32.load8_u (i32.const 0x1000)) (then
      (i32.store8 (i32.const 0x1000) (i32.sub (i32.load8_u (i32.const 0x1000)) (i32.const 1)))
      (i32.store (i32.const 0x2000) (call $seal1.call (select (i32.const 8) (i32.const FLAGS) (i32.load8_u (i32.const 0x1000))) (i32.const 0x100) (i64.const 0) (i32.const 0x200)
        (i32.const 0x1000) (i32.const 1) (i32.const -1) (i32.const 0))))))";
  for (const auto& [flags, reason] : {std::pair<std::string, std::string>{"0", "ReentranceDenied"}, {"8", "MaxCallDepthReached"}}) {
    std::string text = body;
    text.replace(text.find("FLAGS"), 5, flags);
    const auto id = cluster.deploy(answering(text));
    const auto outcome = cluster.send(id, {6});   // frame six calls a seventh
    EXPECT_EQ(error_of(outcome), "");
    ASSERT_FALSE(outcome.effects.logs.empty());
    EXPECT_TRUE(outcome.effects.logs[0].message.starts_with("callee trapped: Contracts::" + reason)) << outcome.effects.logs[0].message;
  }
}

TEST(EdgesTest, a_dependency_that_is_there_is_named_as_that_even_when_there_is_no_room) {
  Cluster cluster;
  std::vector<Hash> codes;
  for (u32 i = 0; i < 33; ++i) codes.push_back(cluster.upload(contract(answering("(drop (i32.const " + std::to_string(i) + "))"))));
  const auto id = cluster.deploy("(func (export \"call\") (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.input (i32.const 0x1000) (i32.const 0xff0))"
                                 "(call $seal0.lock_delegate_dependency (i32.const 0x1000)))");
  for (u32 i = 0; i < 32; ++i) EXPECT_EQ(error_of(cluster.send(id, scale::encode(codes[i]))), "") << i;
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(codes[32]))), "Contracts::MaxDelegateDependenciesReached: ");
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(codes[3]))), "Contracts::DelegateDependencyAlreadyExists: ");
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(Hash{}))), "Contracts::CodeNotFound: there is no code " + to_hex0x(Hash{}));
  EXPECT_EQ(cluster.state.contract(id)->delegate_dependencies.size(), 32u);
}

TEST(EdgesTest, what_is_too_long_is_that_wherever_it_would_lie) {
  Cluster cluster;
  const auto end_of = [&](const std::string& call) { return error_of(cluster.send(cluster.deploy("(func (export \"call\") " + call + ")"))); };
  EXPECT_EQ(end_of("(drop (call $seal1.contains_storage (i32.const 0) (i32.const -1)))"), "Contracts::DecodingFailed: a storage key of 4294967295 bytes; at most 128 are allowed");
  EXPECT_EQ(end_of("(drop (call $seal2.set_storage (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0x100001)))"),
            "Contracts::ValueTooLarge: a storage value of 1048577 bytes; at most 1048576 are allowed");
  EXPECT_EQ(end_of("(call $seal0.deposit_event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x100001))"), "Contracts::ValueTooLarge: an event of 1048577 bytes; at most 1048576 are allowed");
  EXPECT_EQ(end_of("(call $seal0.random (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0))"), "Contracts::RandomSubjectTooLong: a random subject of 4294967295 bytes; at most 32 are allowed");
  // of a debug message the first 128 KiB count, and only they must be there
  const auto talker = cluster.deploy("(func (export \"call\") (drop (call $seal0.debug_message (i32.const 0) (i32.const -1))))");
  const auto outcome = cluster.send(talker);
  EXPECT_EQ(error_of(outcome), "");
  EXPECT_EQ(outcome.result.debug_message.size(), 128u * 1024);
  EXPECT_EQ(end_of("(drop (call $seal0.debug_message (i32.const 1) (i32.const -1)))"), "Contracts::OutOfBounds: host function given a range outside the memory");
}

TEST(EdgesTest, imported_system_code_is_announced) {
  Cluster cluster(0, 10, 1);
  const auto system = cluster.deploy(R"((func (export "call") (i32.store (i32.const 0xff0) (i32.const 64)) (call $seal0.input (i32.const 0x1000) (i32.const 0xff0))
    (i32.store (i32.const 0xff0) (i32.const 64)) (drop (call $seal0.call_chain_extension (i32.const 20) (i32.const 0x1000) (i32.const 32) (i32.const 0x2000) (i32.const 0xff0)))))");
  cluster.config.system_contract = system;
  cluster.state.apply({{key::config(), scale::encode(cluster.config)}});
  const Bytes next = contract(answering("(nop)"));
  cluster.context.latest_system_code = next;
  const Hash code = crypto::blake2_256(next);
  const auto events = events_of(cluster.send(system, scale::encode(bob)));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].event, RuntimeEvent(ContractsEvent(event::CodeStored{code, (next.size() + 63) + 20, bob})));
  EXPECT_EQ(events[0].topics, std::vector<Hash>{code});
  EXPECT_EQ(events_of(cluster.send(system, scale::encode(bob))).size(), 1u);   // it is there
}

TEST(EdgesTest, a_balance_beyond_128_bits_is_told_as_the_largest) {
  Cluster cluster;
  cluster.state.apply({{key::account(bob), scale::encode(Account{~Balance{0} - 1, 5})}});
  const auto id = cluster.deploy(answering("(i32.store (i32.const 0xff0) (i32.const 64)) (drop (call $seal0.call_chain_extension (i32.const 16) (i32.const 0x1000) (i32.const 32) (i32.const 0x2000) (i32.const 0xff0)))"
                                           "(local.set $end (i32.const 0x2020))"));
  EXPECT_EQ(data_of(cluster.send(id, scale::encode(bob))), scale::encode(~Balance{0}, ~Balance{0} - 1));
}

// One contract that is on the stack more than once: by re-entry, by delegated code, or while it is made (docs/protocol.md §13.3).
#include <gtest/gtest.h>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

const std::string delegate = " (call $seal0.delegate_call (i32.const 0) (i32.const 0x1000) (i32.const 0x1020) (i32.sub (local.get $n) (i32.const 32)) (i32.const -1) (i32.const 0)) ";

}  // namespace

TEST(ReentryTest, terminate_is_refused_while_delegated_code_runs_for_the_contract) {
  Cluster cluster(0, 10, 1);
  const auto killer = cluster.upload(contract("(func (export \"call\") (call $seal1.terminate (i32.const 0x300))) (data (i32.const 0x300) \"" + escaped(bob) + "\")"));
  // after the delegate call it would go on storing for an account that is gone
  const auto id = cluster.deploy(answering("(i32.store (i32.const 0x2000)" + delegate + R"()
    (drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1000) (i32.const 4))) (local.set $end (i32.const 0x2004)))"), 70);
  const auto outcome = cluster.send(id, to_bytes(killer));
  EXPECT_EQ(data_of(outcome), scale::encode(u32{1}));
  ASSERT_FALSE(outcome.effects.logs.empty());
  EXPECT_EQ(outcome.effects.logs[0].message, "callee trapped: Contracts::TerminatedWhileReentrant: terminate while the contract runs twice");
  ASSERT_TRUE(cluster.state.contract(id));
  EXPECT_EQ(cluster.balance(id), 71u);
  EXPECT_EQ(cluster.state.contract(id)->storage_items, 1u);
  EXPECT_EQ(cluster.state.account(id).held, 122u + 10 + 10 + 4);
}

TEST(ReentryTest, terminate_is_refused_when_the_contract_was_entered_twice) {
  Cluster cluster;
  const auto id = cluster.deploy(answering(R"(
    (if (i32.eqz (local.get $n)) (then (call $seal1.terminate (i32.const 0x300))))
    (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x100) (i32.const 0xff0))
    (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 8) (i32.const 0x100) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))
    (local.set $end (i32.const 0x2004)))"));
  EXPECT_EQ(data_of(cluster.send(id, {1})), scale::encode(u32{1}));
  EXPECT_TRUE(cluster.state.contract(id));
}

TEST(ReentryTest, storage_is_one_for_all_frames_of_a_contract_and_each_pays_for_what_it_added) {
  Cluster cluster(0, 100, 7);
  // input: first byte the key, the rest how often to enter again. Adds a byte to the cell, enters again, answers the cell's length after that
  const auto id = cluster.deploy(answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 64))
    (drop (call $seal1.get_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x4000) (i32.const 0xff0)))
    (local.set $a (i32.const 0))
    (if (i32.ne (call $seal1.contains_storage (i32.const 0x1000) (i32.const 1)) (i32.const -1)) (then (local.set $a (i32.load (i32.const 0xff0)))))
    (drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x4000) (i32.add (local.get $a) (i32.const 1))))
    (if (i32.load8_u (i32.const 0x1001)) (then
      (i32.store8 (i32.const 0x1001) (i32.sub (i32.load8_u (i32.const 0x1001)) (i32.const 1)))
      (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x100) (i32.const 0xff0))
      (drop (call $seal1.call (i32.const 8) (i32.const 0x100) (i64.const 0) (i32.const 0x200) (i32.const 0x1000) (local.get $n) (i32.const -1) (i32.const 0)))))
    (if (i32.eq (i32.load8_u (i32.const 0x1002)) (i32.const 9)) (then (unreachable)))
    (i32.store (i32.const 0x2000) (call $seal1.contains_storage (i32.const 0x1000) (i32.const 1)))
    (local.set $end (i32.const 0x2004)))"));
  const auto outcome = cluster.send(id, {'k', 3, 0});
  EXPECT_EQ(data_of(outcome), scale::encode(u32{4}));
  EXPECT_EQ(cluster.state.storage(id, as_bytes("k"))->size(), 4u);
  EXPECT_EQ(outcome.result.storage_deposit.get_if<Charge>()->amount, 100u + 4 * 7);
  EXPECT_EQ(cluster.state.contract(id)->storage_bytes, 4u);
  EXPECT_EQ(cluster.state.contract(id)->storage_items, 1u);
  // the outermost traps: nothing of all that is left
  const auto root = cluster.state.root();
  EXPECT_NE(error_of(cluster.send(id, {'k', 3, 9})), "");
  EXPECT_EQ(cluster.state.root(), root);
}

TEST(ReentryTest, what_delegated_code_stores_is_the_callers_and_paid_like_it) {
  Cluster cluster(0, 100, 7);
  // input: key byte ‖ value; nothing: clears "a"; ends with 9: traps after that
  const auto library = cluster.upload(contract(answering(R"(
    (if (local.get $n) (then (drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1001) (i32.sub (local.get $n) (i32.const 1)))))
      (else (drop (call $seal1.clear_storage (i32.const 0x500) (i32.const 1)))))
    (if (i32.eq (i32.load8_u (i32.add (i32.const 0xfff) (local.get $n))) (i32.const 9)) (then (unreachable))))") + "(data (i32.const 0x500) \"a\")"));
  const auto id = cluster.deploy(answering("(drop (call $seal2.set_storage (i32.const 0x600) (i32.const 1) (i32.const 0x600) (i32.const 1)))"
                                           "(i32.store (i32.const 0x2000)" + delegate + ") (local.set $end (i32.const 0x2004))") + "(data (i32.const 0x600) \"own\")");
  const Balance base = cluster.state.account(id).held;
  const auto outcome = cluster.send(id, concat(library, to_bytes("a123")));
  EXPECT_EQ(data_of(outcome), scale::encode(u32{0}));
  EXPECT_EQ(outcome.result.storage_deposit.get_if<Charge>()->amount, 200u + 4 * 7);
  EXPECT_EQ(cluster.state.storage(id, as_bytes("a")), to_bytes("123"));
  EXPECT_EQ(cluster.state.account(id).held, base + 200 + 4 * 7);
  const auto trapped = cluster.send(id, concat(library, to_bytes("b1"), Bytes{9}));   // its frame is undone, the caller's is not
  EXPECT_EQ(data_of(trapped), scale::encode(u32{1}));
  EXPECT_EQ(cluster.state.storage(id, as_bytes("b")), std::nullopt);
  EXPECT_EQ(cluster.state.account(id).held, base + 200 + 4 * 7);
  EXPECT_EQ(data_of(cluster.send(id, to_bytes(library))), scale::encode(u32{0}));
  EXPECT_EQ(cluster.state.account(id).held, base + 100 + 7);
  EXPECT_EQ(cluster.state.contract(id)->storage_items, 1u);
}

TEST(ReentryTest, an_address_is_taken_from_the_moment_its_constructor_runs) {
  Cluster cluster;
  // the constructor gets its maker and its own code, and has the maker make it again: answers what came of that
  const auto child = cluster.upload(contract(R"((func (export "deploy") (i32.store (i32.const 0xff0) (i32.const 64)) (call $seal0.input (i32.const 0x1000) (i32.const 0xff0))
    (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 8) (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0x1020) (i32.const 32) (i32.const -1) (i32.const 0)))
    (call $seal0.seal_return (i32.const 0) (i32.const 0x2000) (i32.const 4))))"));
  // makes the code of its input with the same salt every time; answers code ‖ output of the constructor
  const auto maker = cluster.deploy(answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x400) (i32.const 0xff0))
    (i64.store (i32.const 0x420) (i64.load (i32.const 0x1000))) (i64.store (i32.const 0x428) (i64.load (i32.const 0x1008)))
    (i64.store (i32.const 0x430) (i64.load (i32.const 0x1010))) (i64.store (i32.const 0x438) (i64.load (i32.const 0x1018)))
    (i32.store (i32.const 0xff0) (i32.const 64))
    (i32.store (i32.const 0x2000) (call $seal1.instantiate (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0x400) (i32.const 64) (i32.const -1) (i32.const 0)
      (i32.const 0x2004) (i32.const 0xff0) (i32.const 0x300) (i32.const 4)))
    (local.set $end (i32.const 0x2008)))"));
  const auto outcome = cluster.send(maker, to_bytes(child));
  EXPECT_EQ(data_of(outcome), scale::encode(u32{0}, u32{1}));
  ASSERT_FALSE(outcome.effects.logs.empty());
  const auto address = contract_address(maker, child, cluster.config.cluster_id, Bytes(4, 0));
  EXPECT_EQ(outcome.effects.logs[0].message, "callee trapped: Contracts::DuplicateContract: there is a contract " + to_hex0x(address) + " already");
  EXPECT_EQ(outcome.effects.instantiated.size(), 1u);
  EXPECT_EQ(cluster.state.code_info(child)->refcount.value, 1u);
}

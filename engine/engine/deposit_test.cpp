// Storage is paid for by deposits, which come back when it goes: docs/protocol.md §13.4.
#include <gtest/gtest.h>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

TEST(DepositTest, what_is_removed_gives_back_its_share) {
  Cluster cluster(0, 100, 7);
  const auto id = cluster.deploy(answering(R"(
    (if (i32.gt_u (local.get $n) (i32.const 1)) (then (drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1000) (local.get $n)))))
    (if (i32.eq (local.get $n) (i32.const 1)) (then (drop (call $seal1.clear_storage (i32.const 0x1000) (i32.const 1))))))"));
  const Balance base = cluster.state.account(id).held;
  EXPECT_EQ(base, 122u * 7 + 100);
  cluster.send(id, {'a', 1, 2, 3});
  cluster.send(id, {'b', 1});
  EXPECT_EQ(cluster.state.account(id).held, base + 2 * 100 + 6 * 7);
  const auto smaller = cluster.send(id, {'a', 1});
  EXPECT_EQ(smaller.result.storage_deposit.get_if<Refund>()->amount, 2u * 7);
  const auto gone = cluster.send(id, {'a'});
  EXPECT_EQ(gone.result.storage_deposit.get_if<Refund>()->amount, 100u + 2 * 7);
  EXPECT_EQ(cluster.state.account(id).held, base + 100 + 2 * 7);
  EXPECT_EQ(cluster.state.contract(id)->storage_bytes, 2u);
  EXPECT_EQ(cluster.state.contract(id)->storage_items, 1u);
}

TEST(DepositTest, a_limit_undoes_the_run) {
  Cluster cluster(0, 100, 7);
  const auto id = cluster.deploy(answering("(drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1000) (local.get $n)))"));
  const auto root = cluster.state.root();
  EXPECT_EQ(error_of(cluster.send(id, {'a', 1, 2}, {.storage_deposit_limit = 120})),
            "Contracts::StorageDepositLimitExhausted: the storage deposit exceeds the limit that was given");
  EXPECT_EQ(cluster.state.root(), root);
  EXPECT_EQ(error_of(cluster.send(id, {'a', 1, 2}, {.storage_deposit_limit = 121})), "");
  EXPECT_EQ(error_of(cluster.send(id, {'a', 1, 2}, {.storage_deposit_limit = 2'000'000 * unit})),
            "Contracts::StorageDepositNotEnoughFunds: the storage deposit limit is more than the origin has");
}

TEST(DepositTest, code_is_paid_for_once_and_sidevm_code_goes_to_the_treasury) {
  Cluster cluster(0, 100, 7);
  const Bytes wasm = contract("");
  const auto first = upload_code(shared_engine(), cluster.state, alice, wasm, Determinism::enforced);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->deposit, (wasm.size() + 63) * 7 + 200);
  cluster.state.apply(first->diff);
  EXPECT_EQ(cluster.state.account(alice).held, first->deposit);
  const auto again = upload_code(shared_engine(), cluster.state, bob, wasm, Determinism::enforced);
  EXPECT_TRUE(again->diff.empty());
  const auto poor = upload_code(shared_engine(), cluster.state, account(9), contract(answering("")), Determinism::enforced);
  ASSERT_FALSE(poor);
  EXPECT_EQ(poor.error().code, ErrorCode::refused);

  const Bytes sidevm = *from_hex("0061736d01000000");
  const auto stored = upload_sidevm_code(cluster.state, bob, sidevm);
  ASSERT_TRUE(stored);
  const Balance before = cluster.balance(treasury);
  cluster.state.apply(stored->diff);
  EXPECT_EQ(cluster.balance(treasury) - before, (8u + 32) * 7 + 100);
  EXPECT_EQ(cluster.state.sidevm_code(stored->code_hash), sidevm);
  EXPECT_FALSE(upload_sidevm_code(cluster.state, bob, to_bytes("text")));
  EXPECT_FALSE(upload_sidevm_code(cluster.state, bob, Bytes(8 * 1024 * 1024 + 1, 0)));
}

TEST(DepositTest, who_removes_gets_it_back_whoever_paid) {
  Cluster cluster(0, 100, 7);
  const auto id = cluster.deploy(answering(R"(
    (if (i32.gt_u (local.get $n) (i32.const 1)) (then (drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1001) (i32.sub (local.get $n) (i32.const 1))))))
    (if (i32.eq (local.get $n) (i32.const 1)) (then (drop (call $seal1.clear_storage (i32.const 0x1000) (i32.const 1))))))"));
  cluster.send(id, {'a', 1, 2, 3});
  const Balance all = cluster.total(), alices = cluster.balance(alice), bobs = cluster.balance(bob);
  const auto gone = cluster.send(id, {'a'}, {.origin = bob});
  EXPECT_EQ(error_of(gone), "");
  EXPECT_EQ(gone.result.storage_deposit.get_if<Refund>()->amount, 100u + 3 * 7);
  EXPECT_EQ(cluster.balance(bob), bobs + 100 + 3 * 7);
  EXPECT_EQ(cluster.balance(alice), alices);
  EXPECT_EQ(cluster.total(), all);
}

TEST(DepositTest, a_limit_for_a_nested_call_ends_that_call) {
  Cluster cluster(0, 100, 7);
  // stores its input under its first byte
  const auto keeper = cluster.deploy(answering("(drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1000) (local.get $n)))"));
  // input: account ‖ limit u128 ‖ its input. 0: none
  const auto caller = cluster.deploy(answering(R"(
    (i32.store (i32.const 0x2000) (call $seal2.call (i32.const 0) (i32.const 0x1000) (i64.const 0) (i64.const 0) (i32.const 0x1020) (i32.const 0x200)
      (i32.const 0x1030) (i32.sub (local.get $n) (i32.const 48)) (i32.const -1) (i32.const 0)))
    (local.set $end (i32.const 0x2004)))"));
  const auto with = [&](Balance limit, Bytes input) { return cluster.send(caller, concat(scale::encode(keeper, limit), input)); };
  const auto refused = with(120, {'a', 1, 2});
  EXPECT_EQ(error_of(refused), "Contracts::StorageDepositLimitExhausted: the storage deposit exceeds the limit that was given");
  EXPECT_EQ(cluster.state.storage(keeper, as_bytes("a")), std::nullopt);
  EXPECT_EQ(data_of(with(121, {'a', 1, 2})), scale::encode(u32{0}));
  EXPECT_EQ(data_of(with(0, {'b', 1, 2, 3, 4, 5, 6})), scale::encode(u32{0}));
  EXPECT_EQ(cluster.state.contract(keeper)->storage_items, 2u);
}

TEST(DepositTest, the_base_deposit_follows_the_contracts_record) {
  Cluster cluster(0, 100, 7);
  const auto library = cluster.upload(contract(answering("(nop)"))), next = cluster.upload(contract(answering("(nop) (nop)")));
  // input: 1 lock, 2 unlock, 3 set_code_hash ‖ code hash
  const auto id = cluster.deploy(answering(R"(
    (if (i32.eq (i32.load8_u (i32.const 0x1000)) (i32.const 1)) (then (call $seal0.lock_delegate_dependency (i32.const 0x1001))))
    (if (i32.eq (i32.load8_u (i32.const 0x1000)) (i32.const 2)) (then (call $seal0.unlock_delegate_dependency (i32.const 0x1001))))
    (if (i32.eq (i32.load8_u (i32.const 0x1000)) (i32.const 3)) (then (drop (call $seal0.set_code_hash (i32.const 0x1001)))))
    (if (i32.gt_u (local.get $n) (i32.const 33)) (then (unreachable))))"));
  const auto held = [&] { return cluster.state.account(id).held; };
  const auto expected = [&] { return scale::encode(*cluster.state.contract(id)).size() * 7 + 100; };
  const Balance base = held(), all = cluster.total();
  EXPECT_EQ(base, expected());
  const auto locked = cluster.send(id, concat(Bytes{1}, library));
  EXPECT_EQ(locked.result.storage_deposit.get_if<Charge>()->amount, (32u + 16) * 7);   // a hash and the amount beside it
  EXPECT_EQ(held(), expected());
  EXPECT_EQ(error_of(cluster.send(id, concat(Bytes{1}, next, Bytes{9}))).substr(0, 26), "Contracts::ContractTrapped");
  EXPECT_EQ(held(), expected());
  EXPECT_EQ(error_of(cluster.send(id, concat(Bytes{1}, next), {.storage_deposit_limit = 335})), "Contracts::StorageDepositLimitExhausted: the storage deposit exceeds the limit that was given");
  const auto unlocked = cluster.send(id, concat(Bytes{2}, library));
  EXPECT_EQ(unlocked.result.storage_deposit.get_if<Refund>()->amount, (32u + 16) * 7);
  EXPECT_EQ(held(), base);
  EXPECT_EQ(error_of(cluster.send(id, concat(Bytes{3}, next))), "");   // the record is as large as before
  EXPECT_EQ(held(), base);
  EXPECT_EQ(cluster.total(), all);
}

TEST(RoomTest, in_a_full_cluster_a_run_that_adds_is_undone_and_pays_and_one_that_removes_passes) {
  Cluster cluster(1, 0, 0);
  // one byte removes the cell of that name, more are written into it; 'm' makes it trap afterwards
  const auto id = cluster.deploy(answering(R"(
    (if (i32.gt_u (local.get $n) (i32.const 1)) (then (drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1000) (local.get $n)))))
    (if (i32.eq (local.get $n) (i32.const 1)) (then (drop (call $seal1.clear_storage (i32.const 0x1000) (i32.const 1)))))
    (if (i32.eq (i32.load8_u (i32.const 0x1000)) (i32.const 109)) (then (unreachable))))"));
  ASSERT_EQ(error_of(cluster.send(id, {'a', 1, 2, 3})), "");
  cluster.context.room_bytes = 0;
  const u64 taken = cluster.state.memory_bytes();
  const Balance before = cluster.balance(alice);
  for (const Bytes& more : {Bytes{'a', 1, 2, 3, 4}, Bytes{'b', 1}}) {
    const auto refused = cluster.send(id, more);
    EXPECT_EQ(error_of(refused), "Exhausted: the cluster is full: remove what is not needed, or terminate contracts");
    EXPECT_TRUE(refused.effects.ink_events.empty());
    EXPECT_EQ(to_hex(ByteView(refused.result.encode()).last(3)), "010a00");   // Err(Exhausted), no events
  }
  EXPECT_EQ(error_of(cluster.estimate(id, {'b', 1})), "Exhausted: the cluster is full: remove what is not needed, or terminate contracts");
  EXPECT_EQ(error_of(cluster.query(id, {'b', 1})), "");   // leaves nothing
  EXPECT_EQ(cluster.state.memory_bytes(), taken);
  EXPECT_LT(cluster.balance(alice), before);   // the gas
  EXPECT_FALSE(cluster.state.storage(id, Bytes{'b'}));
  EXPECT_EQ(error_of(cluster.send(id, {'m', 1, 2, 3})), "Contracts::ContractTrapped: unreachable executed");   // for its own reason
  EXPECT_EQ(error_of(cluster.send(id, {'a', 9, 9, 9})), "");
  EXPECT_EQ(error_of(cluster.send(id, {'a'})), "");
  EXPECT_LT(cluster.state.memory_bytes(), taken);
  // and exactly as much as there is room for
  cluster.context.room_bytes = ClusterState::entry_overhead_bytes + 1 + 32 + 16 + 1 + 2;
  EXPECT_EQ(error_of(cluster.send(id, {'b', 1, 2})), "Exhausted: the cluster is full: remove what is not needed, or terminate contracts");
  EXPECT_EQ(error_of(cluster.send(id, {'b', 1})), "");
}

#include "engine/gas.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {
/// `count` rounds of a loop that stores and hashes: input u32.
const std::string worker_body = answering(R"(
  (local.set $a (i32.load (i32.const 0x1000)))
  (loop $l
    (call $seal0.hash_blake2_256 (i32.const 0x1000) (i32.const 64) (i32.const 0x1020))
    (drop (call $seal2.set_storage (i32.const 0x1020) (i32.const 4) (i32.const 0x1020) (i32.const 32)))
    (br_if $l (local.tee $a (i32.sub (local.get $a) (i32.const 1))))))");
u64 consumed(const Outcome& outcome) { return outcome.result.gas_consumed.ref_time.value; }
u64 required(const Outcome& outcome) { return outcome.result.gas_required.ref_time.value; }
}  // namespace

TEST(GasMeterTest, charges_refunds_and_remembers_the_worst_case) {
  GasMeter meter(1000);
  EXPECT_TRUE(meter.charge(700));
  meter.refund(600);
  EXPECT_EQ(meter.consumed(), 100u);
  EXPECT_EQ(meter.required(), 700u);
  EXPECT_FALSE(meter.charge(901));
  EXPECT_EQ(meter.left(), 0u);
  EXPECT_EQ(meter.consumed(), 1000u);
}

TEST(GasMeterTest, a_nested_meter_gives_back_what_it_did_not_use) {
  GasMeter meter(1000);
  auto part = *meter.nested(300);
  EXPECT_TRUE(part.charge(100));
  meter.absorb(part);
  EXPECT_EQ(meter.consumed(), 100u);
  EXPECT_EQ(meter.required(), 300u);   // the part had to be there
  auto all = *meter.nested(0);
  EXPECT_TRUE(all.charge(500));
  all.refund(200);
  meter.absorb(all);
  EXPECT_EQ(meter.consumed(), 400u);
  EXPECT_EQ(meter.required(), 600u);
  EXPECT_FALSE(meter.nested(601));
  auto last = *meter.nested(600);   // exactly what is left, by name: it is required even where little of it is used
  EXPECT_TRUE(last.charge(1));
  meter.absorb(last);
  EXPECT_EQ(meter.required(), 1000u);
}

TEST(GasTest, who_runs_past_the_end_of_the_gas_does_not_come_home) {
  // code without loops and calls is only stopped when it leaves
  std::string straight;
  for (int i = 0; i < 500; ++i) straight += "(global.set $g (i64.add (global.get $g) (i64.const 1)))";
  const std::string global = "(global $g (mut i64) (i64.const 0))";
  Cluster cluster;
  for (const std::string end : {"", "(call $seal0.seal_return (i32.const 0) (i32.const 0) (i32.const 0))", "(call $seal0.seal_return (i32.const 1) (i32.const 0) (i32.const 0))"}) {
    const auto id = cluster.deploy("(func (export \"call\") " + straight + end + ")" + global);
    const u64 enough = required(cluster.send(id));
    EXPECT_EQ(error_of(cluster.send(id, {}, {.gas_limit = enough})), "");
    for (const u64 less : {u64{1}, gas_per_fuel, 100 * gas_per_fuel, 2000 * gas_per_fuel})
      EXPECT_EQ(error_of(cluster.send(id, {}, {.gas_limit = enough - less})), "Contracts::OutOfGas: out of gas") << end << less;
  }
}

TEST(GasMaskTest, a_masked_figure_is_never_less_and_at_most_twice_or_the_smallest_block) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const u64 value = random() >> (random() % 64);
    const u64 masked = mask_gas(value);
    ASSERT_GE(masked, value);
    ASSERT_EQ(masked & 0xfff'ffff, 0xfff'ffffu);
    ASSERT_LE(masked - value, std::max<u64>(value >> 8, u64{1} << 28));
    const u128 wide = (u128{random()} << 64 | random()) >> (random() % 128);
    const u128 price = (u128{random()} << 64 | random()) >> (random() % 128);
    const u128 deposit = mask_deposit(wide, price);
    ASSERT_GE(deposit, wide);
  }
  EXPECT_EQ(mask_gas(0), 0xfff'ffffu);
  EXPECT_EQ(mask_gas(~u64{0}), ~u64{0});
  EXPECT_EQ(mask_deposit(~u128{0}, ~u128{0}), ~u128{0});
  EXPECT_EQ(mask_deposit(0, 0), 0u);
}

TEST(GasTest, the_first_call_and_calls_on_used_instances_cost_the_same) {
  Cluster cluster;
  const auto id = cluster.deploy(worker_body);
  cluster.send(id, scale::encode(u32{3}));   // the keys exist from now on
  const u64 first = consumed(cluster.send(id, scale::encode(u32{3})));
  for (int i = 0; i < 200; ++i) ASSERT_EQ(consumed(cluster.send(id, scale::encode(u32{3}))), first);
  auto fresh = Engine::create();   // another engine compiles again
  const auto outcome = call(**fresh, cluster.state, cluster.context, {{.origin = alice, .gas_limit = max_gas_for_tests}, id, scale::encode(u32{3})});
  EXPECT_EQ(consumed(*outcome), first);
}

TEST(GasTest, the_required_gas_is_exactly_enough) {
  Cluster cluster;
  const auto id = cluster.deploy(worker_body);
  cluster.send(id, scale::encode(u32{5}));
  const u64 enough = required(cluster.send(id, scale::encode(u32{5})));
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(u32{5}), {.gas_limit = enough})), "");
  const auto less = cluster.send(id, scale::encode(u32{5}), {.gas_limit = enough - gas_per_fuel});
  EXPECT_EQ(error_of(less), "Contracts::OutOfGas: out of gas");
}

TEST(GasTest, memory_is_paid_for_from_the_first_page) {
  Cluster cluster;
  const auto starts_with = [&](const std::string& pages) {
    return consumed(cluster.send(cluster.deploy(assemble("(module (import \"env\" \"memory\" (memory " + pages + " 64)) (func (export \"call\")) (func (export \"deploy\")))"))));
  };
  EXPECT_EQ(starts_with("60") - starts_with("10"), 50 * cost::per_page);
  const auto id = cluster.deploy(assemble("(module (import \"env\" \"memory\" (memory 64 64)) (func (export \"call\")) (func (export \"deploy\")))"));
  EXPECT_EQ(error_of(cluster.send(id, {}, {.gas_limit = 64 * cost::per_page})), "Contracts::OutOfGas: out of gas for the contract's memory");
}

TEST(GasTest, what_runs_out_pays_everything_it_was_given) {
  Cluster cluster(2);
  const auto id = cluster.deploy("(func (export \"call\") (loop $l (br $l)))");
  const Balance before = cluster.balance(alice), treasure = cluster.balance(treasury);
  const auto outcome = cluster.send(id, {}, {.gas_limit = 5'000'000'000});
  EXPECT_EQ(error_of(outcome), "Contracts::OutOfGas: out of gas");
  EXPECT_EQ(consumed(outcome), 5'000'000'000u);
  EXPECT_EQ(before - cluster.balance(alice), 10'000'000'000u);
  EXPECT_EQ(cluster.balance(treasury) - treasure, 10'000'000'000u);
}

TEST(GasTest, unused_gas_is_paid_back_and_money_is_conserved) {
  Cluster cluster(2, 5, 1);
  const auto id = cluster.deploy(worker_body);
  const Balance all = cluster.total();
  for (const u32 n : {1u, 7u, 2u}) {
    const Balance before = cluster.balance(alice), held = cluster.state.account(id).held;
    const auto outcome = cluster.send(id, scale::encode(n));
    ASSERT_EQ(error_of(outcome), "");
    EXPECT_EQ(before - cluster.balance(alice), Balance{consumed(outcome)} * 2 + (cluster.state.account(id).held - held));
    const auto* charge = outcome.result.storage_deposit.get_if<Charge>();
    ASSERT_TRUE(charge);
    EXPECT_EQ(charge->amount, cluster.state.account(id).held - held);
    EXPECT_EQ(cluster.total(), all);
  }
}

TEST(GasTest, who_cannot_pay_runs_nothing) {
  Cluster cluster(1'000);
  const auto id = cluster.deploy(worker_body);
  cluster.state.apply(*deposit(cluster.state, account(5), 1000));
  const auto root = cluster.state.root();
  const auto outcome = cluster.send(id, scale::encode(u32{1}), {.origin = account(5)});
  EXPECT_EQ(error_of(outcome), "Token::FundsUnavailable: the origin cannot pay for the gas limit");
  EXPECT_EQ(consumed(outcome), 0u);
  EXPECT_EQ(cluster.state.root(), root);
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(u32{1}), {.origin = account(6), .gas_free = true})), "");
}

TEST(GasTest, the_last_coin_stays) {
  Cluster cluster(1);
  const auto id = cluster.deploy("");
  cluster.state.apply(*deposit(cluster.state, account(5), 1'000'000'000));
  EXPECT_EQ(error_of(cluster.send(id, {}, {.origin = account(5), .gas_limit = 1'000'000'000})), "Token::NotExpendable: the origin cannot pay for the gas limit");
  EXPECT_EQ(error_of(cluster.send(id, {}, {.origin = account(5), .gas_limit = 999'999'999})), "");
}

TEST(GasTest, limits_cap_what_was_asked_for) {
  Cluster cluster;
  const auto id = cluster.deploy(answering("(i32.store (i32.const 0xff0) (i32.const 8)) (call $seal0.gas_left (i32.const 0x2000) (i32.const 0xff0)) (local.set $end (i32.const 0x2008))"));
  const auto left = [](const Outcome& o) { return load_le<u64>(data_of(o).data()); };
  EXPECT_LT(left(cluster.send(id, {}, {.gas_limit = ~u64{0}})), max_gas_transaction);
  const auto query = call(shared_engine(), cluster.state, cluster.context, {{.mode = Mode::query, .origin = alice, .gas_limit = ~u64{0}}, id, {}});
  EXPECT_LT(left(*query), max_gas_query);
  EXPECT_GT(left(*query), max_gas_transaction);
}

TEST(GasTest, queries_and_estimates_are_masked_and_enough) {
  Cluster cluster(1, 10, 3);
  const auto id = cluster.deploy(worker_body);
  const auto estimate = cluster.estimate(id, scale::encode(u32{4}));
  ASSERT_EQ(error_of(estimate), "");
  const auto sent = cluster.send(id, scale::encode(u32{4}), {.gas_limit = required(estimate)});
  EXPECT_EQ(error_of(sent), "");
  EXPECT_GE(required(estimate), required(sent));
  EXPECT_GE(consumed(estimate), consumed(sent));
  EXPECT_GE(estimate.result.storage_deposit.get_if<Charge>()->amount, sent.result.storage_deposit.get_if<Charge>()->amount);
  EXPECT_EQ(consumed(estimate) & 0xfff'ffff, 0xfff'ffffu);
  EXPECT_TRUE(estimate.diff.empty());
}

TEST(DeterminismTest, the_same_transactions_give_the_same_roots_and_gas_twice_and_on_two_threads) {
  const auto history = [](Engine& engine) {
    Cluster cluster(3, 10, 1);
    const auto id = cluster.deploy(worker_body);
    Bytes seen;
    for (u32 i = 1; i < 30; ++i) {
      const auto outcome = call(engine, cluster.state, cluster.context, {{.origin = i % 2 ? alice : bob, .gas_limit = max_gas_for_tests}, id, scale::encode(i % 7 + 1)});
      cluster.state.apply(outcome->diff);
      append(seen, outcome->result.encode());
      append(seen, scale::encode(cluster.state.root(), outcome->effects.event_block));
    }
    return seen;
  };
  auto other = Engine::create({.concurrent_runs = 2});
  const Bytes first = history(shared_engine());
  EXPECT_EQ(history(shared_engine()), first);
  Bytes left, right;
  std::thread a([&] { left = history(shared_engine()); });
  std::thread b([&] { right = history(**other); });
  a.join();
  b.join();
  EXPECT_EQ(left, first);
  EXPECT_EQ(right, first);
}

TEST(DeterminismTest, a_state_rebuilt_from_differences_is_the_same_state) {
  Cluster cluster(3, 10, 1);
  ClusterState copy = cluster.state;
  const auto uploaded = upload_code(shared_engine(), cluster.state, alice, contract(worker_body), Determinism::enforced);
  copy.apply(uploaded->diff);
  cluster.state.apply(uploaded->diff);
  const auto made = cluster.instantiate(uploaded->code_hash);
  copy.apply(made.diff);
  for (u32 i = 1; i < 5; ++i) copy.apply(cluster.send(*made.result.result->account_id, scale::encode(i)).diff);
  EXPECT_EQ(copy.root(), cluster.state.root());
  ClusterState third;   // and from a snapshot of all keys
  StateDiff everything;
  copy.for_each([&](ByteView key, ByteView value) { everything.emplace(to_bytes(key), to_bytes(value)); });
  third.apply(everything);
  EXPECT_EQ(third.root(), cluster.state.root());
}

TEST(DeterminismTest, queries_change_nothing_whatever_they_do) {
  Cluster cluster(3, 10, 1);
  const auto id = cluster.deploy(worker_body);
  const auto root = cluster.state.root();
  for (int i = 0; i < 100; ++i) {
    const auto outcome = cluster.query(id, scale::encode(u32{3}));
    ASSERT_EQ(error_of(outcome), "");
    ASSERT_TRUE(outcome.diff.empty());
    ASSERT_TRUE(outcome.effects.ink_events.empty());
    ASSERT_FALSE(outcome.effects.event_block);
  }
  EXPECT_EQ(cluster.state.root(), root);
}

TEST(DeterminismTest, queries_on_a_snapshot_run_beside_transactions) {
  Cluster cluster;
  const auto id = cluster.deploy(answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 16))
    (if (local.get $n) (then (drop (call $seal2.set_storage (i32.const 0x100) (i32.const 1) (i32.const 0x1000) (i32.const 4))))
      (else (drop (call $seal1.get_storage (i32.const 0x100) (i32.const 1) (i32.const 0x2000) (i32.const 0xff0))) (local.set $end (i32.const 0x2004)))))"));
  cluster.send(id, scale::encode(u32{0}));
  const ClusterState snapshot = cluster.state;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int t = 0; t < 4; ++t)
    readers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const auto outcome = call(shared_engine(), snapshot, cluster.context, {{.mode = Mode::query, .origin = bob, .gas_limit = max_gas_for_tests}, id, {}});
        if (!outcome || data_of(*outcome) != scale::encode(u32{0})) ++wrong;
      }
    });
  for (u32 i = 1; i < 300; ++i) EXPECT_EQ(error_of(cluster.send(id, scale::encode(i))), "");
  for (auto& one : readers) one.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(data_of(cluster.query(id)), scale::encode(u32{299}));
}

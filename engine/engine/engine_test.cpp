#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

TEST(EngineTest, a_contract_echoes_its_input) {
  Cluster cluster;
  const auto echo = cluster.deploy(answering(R"(
    (local.set $end (i32.add (local.get $end) (local.get $n)))
    (loop $copy
      (if (local.get $n) (then
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (i32.store8 (i32.add (i32.const 0x2000) (local.get $n)) (i32.load8_u (i32.add (i32.const 0x1000) (local.get $n))))
        (br $copy)))))"));
  EXPECT_EQ(data_of(cluster.query(echo, to_bytes("hello"))), to_bytes("hello"));
  EXPECT_EQ(data_of(cluster.send(echo, to_bytes("there"))), to_bytes("there"));
}

namespace {

/// A world in which a request is answered when the test says so, and time is up when it says so.
struct Gate final : NoEffects {
  std::atomic<int> inside = 0;
  std::atomic<bool> open = false, late = false, poor = false;
  std::function<void()> on_expired = [] {};
  HttpResult http_request(const AccountId&, const HttpRequest&) override {
    if (poor) throw std::bad_alloc();
    ++inside;
    inside.notify_all();
    open.wait(false);
    return HttpResponse{200, "OK", {}, {}};
  }
  bool expired() override {
    on_expired();
    return late;
  }
};

/// Calls extension function u32 with the rest of the input; answers nothing.
const std::string extension_body = answering(R"(
  (i32.store (i32.const 0xff0) (i32.const 0x4000))
  (drop (call $seal0.call_chain_extension (i32.load (i32.const 0x1000)) (i32.const 0x1004) (i32.sub (local.get $n) (i32.const 4)) (i32.const 0x2004) (i32.const 0xff0))))");
const Bytes http_input = scale::encode(u32{1}, HttpRequest{"http://example.org", "GET", {}, {}});

}  // namespace

TEST(EngineTest, queries_that_wait_leave_a_place_to_transactions) {
  Cluster cluster;
  const auto asks = cluster.deploy(extension_body);
  auto engine = Engine::create({.concurrent_runs = 3});
  ASSERT_TRUE(engine);
  Gate gate;
  std::vector<std::thread> queries;
  for (int i = 0; i < 6; ++i)
    queries.emplace_back([&] {
      EXPECT_TRUE(call(**engine, cluster.state, cluster.context, {{.mode = Mode::query, .origin = alice, .gas_limit = max_gas_for_tests, .effects = &gate}, asks, http_input}));
    });
  while (gate.inside < 2) gate.inside.wait(gate.inside.load());   // two places are taken, four queries wait
  for (int i = 0; i < 20; ++i) {
    const auto outcome = call(**engine, cluster.state, cluster.context, {{.origin = alice, .gas_limit = max_gas_for_tests}, asks, scale::encode(u32{12})});
    ASSERT_TRUE(outcome);
    EXPECT_EQ(error_of(*outcome), "");
  }
  EXPECT_EQ(gate.inside, 2);
  gate.open = true;
  gate.open.notify_all();
  for (auto& one : queries) one.join();
  EXPECT_EQ(gate.inside, 6);
}

TEST(EngineTest, a_query_that_calls_no_host_function_ends_when_its_time_is_up) {
  Cluster cluster;
  const auto loop = cluster.deploy("(func (export \"call\") (loop $l (br $l)))");
  const auto caller = cluster.deploy(answering(R"(
    (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 0) (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))
    (local.set $end (i32.const 0x2004)))"));
  for (const auto& [id, input] : {std::pair(loop, Bytes{}), std::pair(caller, scale::encode(loop))}) {
    Gate gate;
    std::atomic<int> asked = 0;
    gate.on_expired = [&] { ++asked; };
    std::atomic<bool> done = false;
    std::thread clock([&] {
      while (!done) {
        shared_engine().tick();
        if (asked > 20) gate.late = true;   // it goes on as long as it has time
        std::this_thread::yield();
      }
    });
    // five nominal seconds of gas would be left
    const auto outcome = cluster.query(id, input, &gate);
    done = true;
    clock.join();
    EXPECT_EQ(error_of(outcome), "Contracts::OutOfGas: the time of the query is up");
  }
}

TEST(EngineTest, ticks_mean_nothing_to_transactions_and_estimates) {
  Cluster cluster;
  const auto id = cluster.deploy(answering("(local.set $a (i32.const 300000)) (loop $l (br_if $l (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))"));
  std::atomic<bool> done = false;
  std::thread clock([&] {
    while (!done) shared_engine().tick();
  });
  const auto first = cluster.send(id);
  EXPECT_EQ(error_of(first), "");
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(cluster.send(id).result.encode(), first.result.encode());
    EXPECT_EQ(error_of(cluster.estimate(id)), "");
    EXPECT_EQ(error_of(cluster.query(id)), "");   // nor to a query without a world
  }
  done = true;
  clock.join();
}

TEST(EngineTest, a_machine_without_memory_says_so_whatever_called_it) {
  Cluster cluster;
  Gate gate;
  gate.poor = true;
  const auto asks = cluster.deploy(extension_body);
  const auto caller = cluster.deploy(answering(R"(
    (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 0) (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0x1020) (i32.sub (local.get $n) (i32.const 32)) (i32.const -1) (i32.const 0)))
    (local.set $end (i32.const 0x2004)))"));
  for (const auto& [id, input] : {std::pair(asks, http_input), std::pair(caller, concat(asks, http_input))}) {
    const auto outcome = call(shared_engine(), cluster.state, cluster.context, {{.mode = Mode::query, .origin = alice, .gas_limit = max_gas_for_tests, .effects = &gate}, id, input});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
  }
  gate.poor = false;
  gate.open = true;
  EXPECT_EQ(error_of(cluster.query(asks, http_input, &gate)), "");   // and works again when there is some
}

TEST(EngineTest, an_instance_from_the_pool_starts_with_nothing_of_the_last_one) {
  // one place: every run gets the instance of the one before
  auto engine = Engine::create({.concurrent_runs = 1});
  ASSERT_TRUE(engine);
  Cluster cluster;
  const std::string state = R"(
    (global $g (mut i64) (i64.const 5)) (table 4 funcref) (elem (i32.const 1) $seven) (type $t (func (result i32))) (func $seven (result i32) (i32.const 7))
    (data (i32.const 0x8000) "fresh") )";
  // leaves secrets in memory (old and grown pages) and in the global
  const auto secretive = cluster.deploy(answering(R"(
      (drop (memory.grow (i32.const 10)))
      (local.set $a (i32.const 0x3000))
      (loop $l (i64.store (local.get $a) (i64.const 0x5ec7e75ec7e75ec7)) (br_if $l (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 8))) (i32.const 0xb0000))))
      (global.set $g (i64.const 0x5ec7e7)))") + state);
  // answers: size of memory, how many bytes are not zero where nothing was put, the global, what the table's entry gives, the data
  const auto curious = cluster.deploy(answering(R"(
      (i32.store (i32.const 0x2000) (memory.size))
      (i64.store (i32.const 0x2008) (global.get $g))
      (i32.store (i32.const 0x2010) (call_indirect (type $t) (i32.const 1)))
      (i64.store (i32.const 0x2014) (i64.load (i32.const 0x8000)))
      (i64.store (i32.const 0x8000) (i64.const 0))
      (drop (memory.grow (i32.const 10)))
      (local.set $a (i32.const 0x3000))
      (loop $l (if (i64.ne (i64.load (local.get $a)) (i64.const 0)) (then (local.set $b (i32.add (local.get $b) (i32.const 1)))))
        (br_if $l (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 8))) (i32.const 0xb0000))))
      (i32.store (i32.const 0x2004) (local.get $b))
      (local.set $end (i32.const 0x201c)))") + state);
  const auto run = [&](const ContractId& id, Mode mode) {
    return *call(**engine, cluster.state, cluster.context, {{.mode = mode, .origin = alice, .gas_limit = max_gas_for_tests}, id, {}});
  };
  const Bytes fresh = scale::encode(u32{2}, u32{0}, u64{5}, u32{7}, std::array<u8, 8>{'f', 'r', 'e', 's', 'h'});
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(error_of(run(secretive, i % 2 ? Mode::query : Mode::transaction)), "");
    EXPECT_EQ(data_of(run(curious, i % 3 ? Mode::query : Mode::transaction)), fresh) << i;
  }
}

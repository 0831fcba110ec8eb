// Whatever a contract does ends in an error with a name, on every machine the same; nothing of it reaches the process.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <set>

#include "engine/gas.hpp"
#include "engine/host_programs.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {
std::string end_of(const std::string& body, RunRequest run = {}) {
  Cluster cluster;
  const auto code = cluster.upload(contract(body));
  const auto made = cluster.instantiate(code, {}, {}, run);
  if (!made.result.succeeded()) return error_of(made);
  return error_of(cluster.send(*made.result.result->account_id, {}, run));
}
const std::string call_of(const std::string& body) { return "(func (export \"call\") " + body + ")"; }
}  // namespace

TEST(HostileTest, loops_and_traps_have_names) {
  EXPECT_EQ(end_of(call_of("(loop $l (br $l))")), "Contracts::OutOfGas: out of gas");
  EXPECT_EQ(end_of("(func $s (loop $l (br $l))) (start $s)"), "Contracts::OutOfGas: out of gas");
  EXPECT_EQ(end_of(call_of("(unreachable)")), "Contracts::ContractTrapped: unreachable executed");
  EXPECT_EQ(end_of(call_of("(drop (i32.div_u (i32.const 1) (i32.const 0)))")), "Contracts::ContractTrapped: division by zero");
  EXPECT_EQ(end_of(call_of("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))")), "Contracts::ContractTrapped: integer overflow");
  EXPECT_EQ(end_of(call_of("(drop (i32.load (i32.const 0x1fffd)))")), "Contracts::ContractTrapped: memory access out of bounds");
  EXPECT_EQ(end_of(call_of("(i64.store offset=0xffffffff (i32.const -1) (i64.const 1))")), "Contracts::ContractTrapped: memory access out of bounds");
  EXPECT_EQ(end_of("(table 2 funcref) (type $t (func))" + call_of("(call_indirect (type $t) (i32.const 7))")), "Contracts::ContractTrapped: table access out of bounds");
  EXPECT_EQ(end_of("(table 2 funcref) (type $t (func))" + call_of("(call_indirect (type $t) (i32.const 1))")), "Contracts::ContractTrapped: indirect call to nothing");
  EXPECT_EQ(end_of("(table 2 funcref) (elem (i32.const 0) $g) (type $t (func)) (func $g (param i32))" + call_of("(call_indirect (type $t) (i32.const 0))")),
            "Contracts::ContractTrapped: indirect call with another signature");
  EXPECT_EQ(end_of("(data (i32.const 0x1ffff) \"xy\")"), "Contracts::ContractTrapped: a data or element segment lies outside its memory or table");
  EXPECT_EQ(end_of("(table 1 funcref) (elem (i32.const 1) $g) (func $g)"), "Contracts::ContractTrapped: a data or element segment lies outside its memory or table");
}

TEST(HostileTest, the_start_function_runs_first_and_may_end_the_run) {
  Cluster cluster;
  const auto id = cluster.deploy("(global $g (mut i32) (i32.const 0)) (func $s (global.set $g (i32.const 7))) (start $s)" +
                                 call_of("(i32.store (i32.const 0) (global.get $g)) (call $seal0.seal_return (i32.const 0) (i32.const 0) (i32.const 4))"));
  EXPECT_EQ(data_of(cluster.send(id)), scale::encode(u32{7}));
  const auto early = cluster.deploy("(func $s (call $seal0.seal_return (i32.const 0) (i32.const 0x100) (i32.const 2))) (start $s) (data (i32.const 0x100) \"hi\")" + call_of("(unreachable)"));
  EXPECT_EQ(data_of(cluster.send(early)), to_bytes("hi"));
}

TEST(HostileTest, a_gigantic_jump_table_runs) {
  std::string targets;
  for (int i = 0; i < 20'000; ++i) targets += i % 2 ? " 0" : " 1";
  Cluster cluster;
  const auto id = cluster.deploy(answering("(block (block (br_table" + targets + " (i32.load (i32.const 0x1000)))) (local.set $end (i32.const 0x2001)))"));
  EXPECT_EQ(data_of(cluster.send(id, scale::encode(u32{19'999}))).size(), 1u);
  EXPECT_EQ(data_of(cluster.send(id, scale::encode(u32{19'998}))).size(), 0u);
}

TEST(HostileTest, programs_of_host_calls_with_any_arguments_end_well) {
  // thousands of calls, seeded: in transactions, queries and estimates, as messages and as constructors
  HostPrograms programs;
  std::mt19937_64 random(2026);
  std::set<std::string> ends;
  for (int i = 0; i < 4000; ++i) {
    Bytes choices(random() % (i % 4 ? 60 : 400), 0);
    for (auto& one : choices) one = static_cast<u8>(random());
    const Mode mode = std::array{Mode::transaction, Mode::query, Mode::estimating}[i % 3];
    const std::string error = error_of(must_end_well(shared_engine(), programs, mode, i % 5 == 0, programs.program_of(choices), 20'000'000'000));
    ends.insert(error.substr(0, error.find(": ")));
  }
  for (const std::string expected : {"", "BadOrigin", "Contracts::CodeNotFound", "Contracts::ContractTrapped", "Contracts::DecodingFailed", "Contracts::InvalidCallFlags", "Contracts::OutOfBounds",
                                     "Contracts::OutOfGas", "Contracts::OutputBufferTooSmall", "Contracts::ValueTooLarge", "Pink::UnknownChainExtensionFunction"})
    EXPECT_TRUE(ends.contains(expected)) << expected;
}

TEST(HostileTest, every_function_gets_every_edge) {
  // each function alone, with random choices for its parameters: what happens is not drowned by what came before
  HostPrograms programs;
  std::mt19937_64 random(7);
  const size_t functions = host_functions().size() - 2;
  for (size_t function = 0; function < functions; ++function)
    for (int i = 0; i < 40; ++i) {
      Bytes choices{static_cast<u8>(function)};
      for (int n = 0; n < 30; ++n) choices.push_back(static_cast<u8>(random()));
      static_cast<void>(must_end_well(shared_engine(), programs, i % 2 ? Mode::transaction : Mode::query, false, programs.program_of(choices), 20'000'000'000));
    }
}

TEST(HostileTest, bombs_end_at_a_limit_with_its_name) {
  constexpr u64 gas = 100'000'000'000;
  EXPECT_EQ(end_of("(func (export \"deploy\") (loop $l (br $l)))", {.gas_limit = gas}), "Contracts::OutOfGas: out of gas");
  // grows until there is no more, and asks on
  EXPECT_EQ(end_of(call_of("(loop $l (drop (memory.grow (i32.const 1))) (br $l))"), {.gas_limit = gas}), "Contracts::OutOfGas: out of gas");
  EXPECT_EQ(end_of("(func $f (param i64 i64 i64 i64) (call $f (local.get 0) (local.get 1) (local.get 2) (local.get 3)))" + call_of("(call $f (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))")),
            "Contracts::ContractTrapped: stack limit reached: functions call each other too deep");

  // calls itself for ever in each of six frames; whoever is called gets all the gas, so the first is left with none
  Cluster cluster;
  const std::string again = R"((i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x100) (i32.const 0xff0))
    (loop $l (drop (call $seal1.call (i32.const 8) (i32.const 0x100) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0))) (br $l)))";
  const auto calling = cluster.send(cluster.deploy(call_of(again)), {}, {.gas_limit = gas});
  EXPECT_EQ(error_of(calling), "Contracts::OutOfGas: out of gas");
  EXPECT_EQ(calling.result.gas_consumed.ref_time.value, gas);
  // makes its own kind in its constructor, which makes its own kind in its constructor …
  const Bytes maker = contract(R"((func $make (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.input (i32.const 0x100) (i32.const 0xff0))
    (loop $l (i32.store (i32.const 0x300) (i32.add (i32.load (i32.const 0x300)) (i32.const 1)))
      (drop (call $seal1.instantiate (i32.const 0x100) (i64.const 0) (i32.const 0x200) (i32.const 0x100) (i32.const 32) (i32.const -1) (i32.const 0) (i32.const -1) (i32.const 0)
        (i32.const 0x300) (i32.const 4))) (br $l))) (func (export "call") (call $make)) (func (export "deploy") (call $make)))");
  const auto code = cluster.upload(maker);
  const auto root = cluster.state.root();
  const auto making = cluster.instantiate(code, to_bytes(code), {}, {.gas_limit = gas});
  EXPECT_EQ(error_of(making), "Contracts::OutOfGas: out of gas");
  EXPECT_EQ(cluster.state.root(), root);
  EXPECT_TRUE(making.effects.instantiated.empty());
}

TEST(HostileTest, what_a_run_keeps_is_bounded) {
  // 1 MiB a write, over and over, in a query that pays nothing
  const std::string text = R"((module (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32))) (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
    (import "env" "memory" (memory 20 20)) (func (export "deploy"))
    (func (export "call") (local $i i32)
      (loop $l (i32.store (i32.const 0) (local.get $i)) (drop (call $set (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0x100000)))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))))";
  Cluster cluster;
  const auto writer = cluster.deploy(assemble(text + ")"));
  EXPECT_EQ(error_of(cluster.query(writer)), "Contracts::ValueTooLarge: one run writes more than 64 MiB");
  const std::string write = "(drop (call $set (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0x100000)))";
  std::string events = text;
  events.replace(events.find(write), write.size(), "(call $event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x100000))");
  const auto shouter = cluster.deploy(assemble(events + ")"));
  EXPECT_EQ(error_of(cluster.query(shouter)), "Contracts::ValueTooLarge: the events of one run add up to more than 16 MiB");
}

TEST(HostileTest, an_engine_runs_in_two_gibibytes_of_address_space) {
  // a child, because the limit cannot be lifted again
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit limit{2u << 30, 2u << 30};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
    auto engine = Engine::create();
    if (!engine) _exit(3);
    Cluster cluster;
    const auto code = check_and_rewrite(contract(answering("(drop (memory.grow (i32.const 14))) (local.set $end (i32.const 0x20004))")), Determinism::enforced);
    if (!code || !(*engine)->prepare(*code)) _exit(4);
    const auto uploaded = upload_code(**engine, cluster.state, alice, contract(answering("(drop (memory.grow (i32.const 14))) (local.set $end (i32.const 0x20004))")), Determinism::enforced);
    cluster.state.apply(uploaded->diff);
    const auto made = instantiate(**engine, cluster.state, cluster.context, {{.origin = alice, .gas_limit = max_gas_for_tests}, uploaded->code_hash, {}, {}});
    if (!made || !made->result.succeeded()) _exit(5);
    cluster.state.apply(made->diff);
    for (int i = 0; i < 100; ++i) {
      const auto ran = call(**engine, cluster.state, cluster.context, {{.origin = alice, .gas_limit = max_gas_for_tests}, *made->result.result->account_id, {}});
      if (!ran || data_of(*ran).size() != 0x1e004) _exit(6);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(HostileTest, an_engine_without_address_space_says_so) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit limit{700u << 20, 700u << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
    auto engine = Engine::create({.concurrent_runs = 256});   // 6 GiB of pool
    _exit(!engine && engine.error().code == ErrorCode::unavailable ? 0 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Compiled code: kept, found again, compiled once; and whose fault it is when there is none.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/test_world.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

std::unique_ptr<Engine> engine_with(Images& images, u64 cache_bytes = 256u << 20, u32 runs = 1) {
  auto engine = Engine::create({.concurrent_runs = runs, .module_cache_bytes = cache_bytes, .images = &images});
  EXPECT_TRUE(engine);
  return std::move(*engine);
}
std::string number_body(u32 n) { return answering("(i32.store (i32.const 0x2000) (i32.const " + std::to_string(n) + ")) (local.set $end (i32.const 0x2004))"); }
Result<Outcome> ask(Engine& engine, const Cluster& cluster, const ContractId& id) {
  return call(engine, cluster.state, cluster.context, {{.mode = Mode::query, .origin = alice, .gas_limit = max_gas_for_tests}, id, {}});
}

}  // namespace

TEST(ModuleCacheTest, modules_are_evicted_and_come_back) {
  Cluster cluster;
  std::vector<ContractId> ids;
  for (u32 i = 0; i < 30; ++i) ids.push_back(cluster.deploy(number_body(i)));
  auto small = Engine::create({.concurrent_runs = 1, .module_cache_bytes = 200'000});
  ASSERT_TRUE(small);
  for (int round = 0; round < 2; ++round)
    for (u32 i = 0; i < 30; ++i) {
      const auto outcome = ask(**small, cluster, ids[i]);
      ASSERT_TRUE(outcome);
      EXPECT_EQ(data_of(*outcome), scale::encode(i));
      EXPECT_LE((*small)->cached_bytes(), 300'000u);
    }
}

TEST(ModuleCacheTest, what_was_compiled_once_is_never_compiled_again) {
  Cluster cluster;
  Images images;
  std::vector<ContractId> ids;
  for (u32 i = 0; i < 10; ++i) ids.push_back(cluster.deploy(number_body(i)));
  {
    const auto engine = engine_with(images, 1);   // room for one module
    for (int round = 0; round < 3; ++round)
      for (u32 i = 0; i < 10; ++i) EXPECT_EQ(data_of(*ask(*engine, cluster, ids[i])), scale::encode(i));
    EXPECT_EQ(images.puts, 10);
  }
  // a new process. Code that does not even parse shows that nothing looks at it
  ClusterState state = cluster.state;
  for (const auto& id : ids) state.apply({{key::code(state.contract(id)->code_hash), to_bytes("not wasm")}});
  const auto engine = engine_with(images);
  for (u32 i = 0; i < 10; ++i) {
    const auto outcome = call(*engine, state, cluster.context, {{.mode = Mode::query, .origin = alice, .gas_limit = max_gas_for_tests}, ids[i], {}});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(data_of(*outcome), scale::encode(i));
  }
  EXPECT_EQ(images.puts, 10);
}

TEST(ModuleCacheTest, an_image_that_is_none_is_made_again) {
  Cluster cluster;
  Images images;
  const auto id = cluster.deploy(number_body(7));
  EXPECT_EQ(data_of(*ask(*engine_with(images), cluster, id)), scale::encode(u32{7}));
  for (auto& [name, image] : images.kept) image = to_bytes("of another wasmtime");
  EXPECT_EQ(data_of(*ask(*engine_with(images), cluster, id)), scale::encode(u32{7}));
  EXPECT_EQ(images.puts, 2);
}

TEST(ModuleCacheTest, who_asks_while_another_compiles_waits_for_that_one) {
  Cluster cluster;
  const auto id = cluster.deploy(number_body(9));
  Images images;
  constexpr int askers = 6;
  std::atomic<int> started = 0;
  images.before_get = [&] {
    while (started < askers) std::this_thread::yield();   // the first holds the others up until all have come
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  };
  const auto engine = engine_with(images, 256u << 20, askers + 1);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < askers; ++i)
    threads.emplace_back([&] {
      ++started;
      const auto outcome = ask(*engine, cluster, id);
      right += outcome && data_of(*outcome) == scale::encode(u32{9});
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, askers);
  EXPECT_EQ(images.gets, 1);
  EXPECT_EQ(images.puts, 1);
}

// ---- whose fault it is ---------------------------------------------------------------------------------------------------

TEST(ModuleCacheTest, what_passed_the_check_and_does_not_compile_is_this_machines_fault) {
  auto code = check_and_rewrite(contract(""), Determinism::enforced);
  ASSERT_TRUE(code);
  code->hash = Hash(Bytes(32, 1));
  code->rewritten.resize(code->rewritten.size() / 2);   // as if memory had run out in the middle of it
  const auto failed = shared_engine().prepare(*code);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::unavailable);
}

TEST(ModuleCacheTest, accepted_code_that_cannot_be_loaded_stops_the_worker_and_skips_nothing) {
  // whatever is wrong with it, the other workers run it: an answer here would be another root
  const Bytes nobody_provides =
      assemble("(module (import \"seal0\" \"mint_money\" (func)) (import \"env\" \"memory\" (memory 1)) (func (export \"call\")) (func (export \"deploy\")))");
  for (const Bytes& now : {to_bytes("not wasm"), nobody_provides, Bytes{}}) {
    Cluster cluster;
    const auto id = cluster.deploy(number_body(3));
    const Hash code = cluster.state.contract(id)->code_hash;
    cluster.state.apply({{key::code(code), now.empty() ? std::optional<Bytes>{} : now}});
    auto engine = Engine::create({.concurrent_runs = 1});
    const auto outcome = call(**engine, cluster.state, cluster.context, {{.origin = alice, .gas_limit = max_gas_for_tests}, id, {}});
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().code == ErrorCode::internal || outcome.error().code == ErrorCode::corrupted) << outcome.error().text();
    // also from inside another contract, which cannot catch it
    const auto caller = cluster.deploy(answering(R"(
      (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 0) (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))
      (local.set $end (i32.const 0x2004)))"));
    EXPECT_FALSE(call(**engine, cluster.state, cluster.context, {{.origin = alice, .gas_limit = max_gas_for_tests}, caller, scale::encode(id)}));
  }
}

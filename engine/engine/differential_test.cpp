// One run is one result, whichever way the code came to run: just compiled, on an instance that ran before, loaded from an image
// of another process, or compiled for an estimate (docs/adr/0004-gas-rules.md).
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "engine/host_cases.hpp"
#include "engine/host_programs.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

/// One engine compiles and keeps images; the other has nothing but those, and code in the state that is no wasm.
struct DifferentialTest : testing::Test {
  Images images;
  std::unique_ptr<Engine> compiling = engine(), loading = engine();
  std::unique_ptr<Engine> engine() {
    auto made = Engine::create({.concurrent_runs = 1, .images = &images});
    EXPECT_TRUE(made);
    return std::move(*made);
  }
  static ClusterState without_code(ClusterState state) {
    StateDiff broken;
    state.entries().for_each(Bytes{'w'}, [&](ByteView key, ByteView) {
      broken[to_bytes(key)] = to_bytes("not wasm");
      return true;
    });
    state.apply(broken);
    return state;
  }
  void expect_one_result(const Cluster& cluster, const RunRequest& run, const ContractId& id, const Bytes& input) {
    const auto fresh = call(*compiling, cluster.state, cluster.context, {run, id, input});
    const auto pooled = call(*compiling, cluster.state, cluster.context, {run, id, input});
    const auto loaded = call(*loading, without_code(cluster.state), cluster.context, {run, id, input});
    ASSERT_TRUE(fresh && pooled && loaded);
    for (const auto* other : {&*pooled, &*loaded}) {
      EXPECT_EQ(to_hex(fresh->result.encode()), to_hex(other->result.encode()));
      EXPECT_EQ(fresh->diff, other->diff);
      EXPECT_EQ(fresh->reason, other->reason);
    }
    // an estimate is compiled as queries are, so as to be asked for its time: it must not cost more or less for that
    RunRequest dry = run;
    dry.mode = Mode::estimating;
    const auto estimate = call(*compiling, cluster.state, cluster.context, {dry, id, input});
    ASSERT_TRUE(estimate);
    EXPECT_EQ(mask_gas(fresh->result.gas_consumed.ref_time), u64{estimate->result.gas_consumed.ref_time});
    EXPECT_EQ(fresh->reason, estimate->reason);
  }
};

}  // namespace

TEST_F(DifferentialTest, the_golden_programs) {
  std::ifstream in(std::string(PHALA_SOURCE_DIR) + "/tests/golden/gas/programs.txt");
  size_t ran = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::stringstream words(line);
    std::string name, code, input;
    words >> name >> code >> input;
    SCOPED_TRACE(name);
    Cluster cluster(1, 10, 1);
    const auto id = cluster.deploy(*from_hex(code), 1000);
    expect_one_result(cluster, {.origin = alice, .gas_limit = max_gas_for_tests / 20}, id, *from_hex(input));
    ++ran;
  }
  EXPECT_GE(ran, 100u);
  EXPECT_GT(images.gets, images.puts);
}

TEST_F(DifferentialTest, the_cases_of_host_functions) {
  HostWorld world;
  const auto cases = host_cases(world);
  for (const auto& one : cases) static_cast<void>(world.caller_of(host_function(one.fn), one.before));
  for (const auto& one : cases) {
    SCOPED_TRACE(one.fn + ": " + one.what);
    const auto id = world.caller_of(host_function(one.fn), one.before);
    expect_one_result(world.cluster, {.origin = alice, .value = one.value, .gas_limit = max_gas_for_tests}, id, HostWorld::input_of(one, id));
  }
}

TEST_F(DifferentialTest, random_programs_of_host_calls) {
  HostPrograms programs;
  std::mt19937_64 random(11);
  for (int i = 0; i < 300; ++i) {
    Bytes choices(random() % 300, 0);
    for (auto& one : choices) one = static_cast<u8>(random());
    SCOPED_TRACE(to_hex(choices));
    expect_one_result(programs.cluster, {.origin = alice, .gas_limit = 20'000'000'000}, programs.runner, programs.program_of(choices));
  }
}

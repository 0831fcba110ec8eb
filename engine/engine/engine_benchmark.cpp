// What a contract call costs on a warm module: docs/performance.md. Run: phala_engine_benchmark (built with -DPHALA_BENCHMARKS=ON).
#include <benchmark/benchmark.h>

#include <fstream>
#include <sstream>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

std::string file(const std::string& path) {
  std::ifstream in(std::string(PHALA_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Flipper {
  Cluster cluster{1, 1'000, 1'000};
  ContractId id;
  Flipper() { id = cluster.deploy(wasm_of_contract_file(file("tests/golden/contracts/flipper.contract")), 0, *from_hex("9bae9d5e00")); }
};

void check(benchmark::State& state, const Outcome& outcome) {
  if (!outcome.result.succeeded()) state.SkipWithError(error_of(outcome).c_str());
}

void flipper_get_query(benchmark::State& state) {
  Flipper f;
  const Bytes get = *from_hex("2f865bd9");
  for (auto _ : state) check(state, f.cluster.query(f.id, get));
}
BENCHMARK(flipper_get_query);

void flipper_flip_transaction(benchmark::State& state) {
  Flipper f;
  const Bytes flip = *from_hex("633aa551");
  for (auto _ : state) check(state, f.cluster.send(f.id, flip));
}
BENCHMARK(flipper_flip_transaction);

void compute_rounds(benchmark::State& state) {
  Cluster cluster;
  const auto id = cluster.deploy(assemble(file("tests/golden/gas/compute.wat")));
  const auto rounds = static_cast<u32>(state.range(0));
  const Bytes input = scale::encode(u32{0}, rounds);
  for (auto _ : state) check(state, cluster.send(id, input));   // metered as a transaction is
  state.counters["ns/round"] = benchmark::Counter(static_cast<double>(state.iterations()) * rounds / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(compute_rounds)->Arg(0)->Arg(100'000)->Arg(10'000'000)->Unit(benchmark::kMicrosecond);

/// What an upload costs: check, rewrite, compile. The engine keeps what it has compiled, so each round has one that has not met the code.
void upload_flipper(benchmark::State& state) {
  const Bytes wasm = wasm_of_contract_file(file("tests/golden/contracts/flipper.contract"));
  for (auto _ : state) {
    state.PauseTiming();
    auto engine = Engine::create({.concurrent_runs = 1});
    state.ResumeTiming();
    benchmark::DoNotOptimize((*engine)->prepare(*check_and_rewrite(wasm, Determinism::enforced)));
    state.PauseTiming();
    engine->reset();
    state.ResumeTiming();
  }
  state.counters["bytes"] = static_cast<double>(wasm.size());
}
BENCHMARK(upload_flipper)->Unit(benchmark::kMillisecond);

}  // namespace

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
  for (auto _ : state) check(state, cluster.query(id, input));
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

/// Gas is time: the program of the golden file whose fastest run takes most of the time that its gas stands for (a picosecond
/// each). Counter `of_gas` must stay below 1 for contracts above 200 bytes; those below pay less than the 5 us of an instance.
void dearest_golden_program(benchmark::State& state) {
  double worst = 0;
  std::string name;
  std::stringstream lines(file("tests/golden/gas/programs.txt"));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::stringstream words(line);
    std::string program, code, input;
    u64 gas = 0;
    words >> program >> code >> input >> gas;
    Cluster cluster(1, 10, 1);
    const auto id = cluster.deploy(*from_hex(code), 1000);
    const Bytes bytes = *from_hex(input);
    double fastest = 1e9;
    for (int i = 0; i < (gas > 1'000'000'000 ? 2 : 50); ++i) {
      timespec before{}, after{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
      static_cast<void>(call(shared_engine(), cluster.state, cluster.context, {{.mode = Mode::estimating, .origin = alice, .gas_limit = max_gas_for_tests}, id, bytes}));
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
      fastest = std::min(fastest, static_cast<double>(after.tv_sec - before.tv_sec) * 1e12 + static_cast<double>(after.tv_nsec - before.tv_nsec) * 1e3);
    }
    if (code.size() > 2 * 200 && fastest / static_cast<double>(gas) > worst) {
      worst = fastest / static_cast<double>(gas);
      name = program;
    }
  }
  for (auto _ : state) benchmark::DoNotOptimize(worst);
  state.counters["of_gas"] = worst;
  state.SetLabel(name);
}
BENCHMARK(dearest_golden_program)->Iterations(1);

}  // namespace

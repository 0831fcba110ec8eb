// Is gas time? A unit of gas is a picosecond of a nominal machine; nothing may take more than twice what its gas pays for (docs/adr/0004-gas-rules.md).
// Measured: every host function, as its first case calls it and with as many bytes as it takes; the chain extension's functions; mixes of instructions; whole programs.
// PHALA_GAS_TABLE=1 prints each.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "engine/extension.hpp"
#include "engine/host_cases.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

struct Sample { double picoseconds = 0, gas = 0; };

double thread_picoseconds() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e12 + static_cast<double>(at.tv_nsec) * 1e3;
}

/// The fastest of some runs, which leave nothing, in picoseconds; how the last ended.
std::pair<double, Result<Outcome>> fastest(const Cluster& cluster, const CallRequest& request, int rounds) {
  std::pair<double, Result<Outcome>> best{1e18, fail(ErrorCode::internal, "no run")};
  for (int i = 0; i < rounds; ++i) {
    const double before = thread_picoseconds();
    best.second = call(shared_engine(), cluster.state, cluster.context, request);
    best.first = std::min(best.first, thread_picoseconds() - before);
  }
  return best;
}
/// A transaction, and the gas that it used. Nothing when it fails.
std::optional<Sample> run(const Cluster& cluster, const ContractId& id, const Bytes& input, Balance value, int rounds = 12) {
  const auto [picoseconds, outcome] = fastest(cluster, {{.origin = alice, .value = value, .gas_limit = max_gas_for_tests}, id, input}, rounds);
  if (!outcome || !outcome->result.result) return {};
  return Sample{picoseconds, static_cast<double>(outcome->result.gas_consumed.ref_time.value)};
}

/// The worst so far, for the benchmark's label.
struct Worst {
  double ratio = 0;
  std::string name;
  void note(const std::string& what, const Sample& one) {
    const double at = one.picoseconds / one.gas;
    if (std::getenv("PHALA_GAS_TABLE")) std::fprintf(stderr, "%-60s %12.0f ps %14.0f gas  %.3f\n", what.c_str(), one.picoseconds, one.gas, at);
    if (at > ratio) ratio = at, name = what;
  }
  void report(benchmark::State& state) const {
    for (auto _ : state) benchmark::DoNotOptimize(ratio);
    state.counters["of_gas"] = ratio;
    state.SetLabel(name);
  }
};

/// What one more call costs. A function that ends its run is called once, and pays for the run.
void measure(HostWorld& world, const HostCase& one, const std::string& what, Worst& worst) {
  constexpr u32 few = 2, many = 34;
  const HostFn& fn = host_function(one.fn);
  const auto sample = [&](u32 times) {
    const auto self = world.caller_of(fn, one.before, times);
    return run(world.cluster, self, HostWorld::input_of(one, self), one.value);
  };
  const auto short_run = sample(few), long_run = sample(many);
  if (short_run && long_run && long_run->gas > short_run->gas) {
    worst.note(what, {(long_run->picoseconds - short_run->picoseconds) / (many - few), (long_run->gas - short_run->gas) / (many - few)});
  } else if (const auto once = sample(1)) {
    worst.note(what + " (the whole run)", *once);
  }
}

constexpr u64 large = 0x10000;   ///< bytes: the contract has two pages

void dearest_host_function(benchmark::State& state) {
  HostWorld world;
  Worst worst;
  std::string last;
  for (const auto& one : host_cases(world)) {
    if (one.fn == last || !one.error.empty()) continue;
    last = one.fn;
    measure(world, one, one.fn, worst);
  }
  using place::capacity, place::out, place::payload;
  const Bytes echo(world.echo.begin(), world.echo.end());
  const HostCase with_bytes[] = {
      {.fn = "seal0.hash_sha2_256", .what = "", .args = {payload, large, out}},
      {.fn = "seal0.hash_keccak_256", .what = "", .args = {payload, large, out}},
      {.fn = "seal0.hash_blake2_256", .what = "", .args = {payload, large, out}},
      {.fn = "seal0.hash_blake2_128", .what = "", .args = {payload, large, out}},
      {.fn = "seal0.set_storage", .what = "", .args = {payload, payload, large}},
      {.fn = "seal2.set_storage", .what = "", .args = {payload, 128, payload, large}},
      {.fn = "seal1.get_storage", .what = "", .args = {payload, 5, out, capacity}, .before = "(drop (call $seal2.set_storage (i32.const 4224) (i32.const 5) (i32.const 4224) (i32.const 1000)))"},
      {.fn = "seal0.deposit_event", .what = "", .args = {0, 0, payload, large}},
      {.fn = "seal0.debug_message", .what = "", .args = {payload, large}},
      {.fn = "seal0.seal_return", .what = "", .args = {0, payload, large}},
      {.fn = "seal1.call", .what = "", .args = {0, payload, 0, payload + 64, payload, 0x800, none, capacity}, .payload = concat(echo, Bytes(96, 0))},
      {.fn = "seal0.sr25519_verify", .what = "", .args = {payload, payload, large, payload}},
  };
  for (const auto& one : with_bytes) measure(world, one, one.fn + ", large", worst);
  worst.report(state);
}
BENCHMARK(dearest_host_function)->Iterations(1);

/// In a transaction, with arguments that make it do its work.
void dearest_extension_function(benchmark::State& state) {
  HostWorld world;
  Worst worst;
  using place::capacity, place::out, place::payload;
  const Bytes key(32, 1), text(1000, 'x'), signature65(65, 1);
  const Bytes long_text(0xf000, 'x');
  const std::pair<u16, Bytes> inputs[] = {
      {2, scale::encode(u8{0}, key, text)},        {2, scale::encode(u8{2}, key, text)},       {3, scale::encode(u8{1}, key, text, Bytes(64, 1))}, {3, scale::encode(u8{0}, key, text, Bytes(64, 1))},
      {3, scale::encode(u8{2}, Bytes(33, 2), text, signature65)},  {3, scale::encode(u8{0}, key, long_text, Bytes(64, 1))}, {4, scale::encode(text)},
      {5, scale::encode(u8{0}, key)},              {5, scale::encode(u8{1}, key)},             {5, scale::encode(u8{2}, key)},                     {6, scale::encode(text, text)},
      {7, scale::encode(text, u64{5})},            {8, scale::encode(text)},                   {9, scale::encode(text)},                           {10, scale::encode(u8{3}, std::string(1000, 'x'))},
      {12, {}},                                    {13, scale::encode(key, Hash(key))},        {14, concat(signature65, key, Bytes(33, 2))},       {16, key},
      {17, {}},                                    {19, scale::encode(Hash(key), false)},      {21, {}},                                           {23, {}},
  };
  for (const auto& [id, input] : inputs) {
    const HostCase one{.fn = "seal0.call_chain_extension", .what = "", .args = {id, payload, input.size(), out, capacity}, .payload = input};
    std::string name;
    for (const auto& fn : extension_functions())
      if (fn.id == id) name = fn.name;
    measure(world, one, name + ", " + std::to_string(input.size()) + " bytes", worst);
  }
  worst.report(state);
}
BENCHMARK(dearest_extension_function)->Iterations(1);

/// Loops of one kind of instruction, eight in a round, and with the growth of memory.
void dearest_instructions(benchmark::State& state) {
  Worst worst;
  Cluster cluster;
  const auto eight = [](const std::string& one) {
    std::string out;
    for (int i = 0; i < 8; ++i) out += one;
    return out;
  };
  const std::pair<const char*, std::string> mixes[] = {
      {"i64 division", eight("(local.set $x (i64.add (i64.div_u (i64.const -7) (i64.or (local.get $x) (i64.const 3))) (i64.const 12345)))")},
      {"i64 remainder", eight("(local.set $x (i64.or (i64.rem_s (i64.const -9223372036854775807) (i64.or (local.get $x) (i64.const 1))) (i64.const 3)))")},
      {"i64 multiplication", eight("(local.set $x (i64.mul (local.get $x) (i64.const 6364136223846793005)))")},
      {"count of bits", eight("(local.set $x (i64.add (i64.popcnt (local.get $x)) (i64.ctz (local.get $x))))")},
      // each address follows from the value before it, over four megabytes
      {"scattered loads", eight("(local.set $p (i32.and (i32.add (i32.mul (local.get $p) (i32.const 1103515245)) (i32.add (i32.load (local.get $p)) (i32.const 12345))) (i32.const 0x3ffff8)))")},
      {"scattered stores", eight("(i64.store (local.get $p) (local.get $x)) (local.set $p (i32.and (i32.add (i32.mul (local.get $p) (i32.const 1103515245)) (i32.const 12345)) (i32.const 0x3ffff8)))")},
      {"calls", eight("(local.set $x (call $f (local.get $x)))")},
      {"indirect calls", eight("(local.set $x (call_indirect (type $t) (local.get $x) (i32.and (local.get $p) (i32.const 1)))) (local.set $p (i32.add (i32.mul (local.get $p) (i32.const 1103515245)) (i32.const 12345)))")},
      {"branch tables", eight("(block $a (block $b (block $c (br_table $a $b $c $a (i32.shr_u (local.get $p) (i32.const 16)))))) (local.set $p (i32.add (i32.mul (local.get $p) (i32.const 1103515245)) (i32.const 12345)))")},
      {"globals", eight("(global.set $g (i64.add (global.get $g) (local.get $x)))")},
  };
  for (const auto& [name, body] : mixes) {
    const auto of = [&](u32 rounds) {
      return cluster.deploy(assemble(R"((module (import "env" "memory" (memory 64 64)) (type $t (func (param i64) (result i64))) (table 2 2 funcref) (elem (i32.const 0) $f $h)
        (global $g (mut i64) (i64.const 1)) (func $f (type $t) (i64.add (local.get 0) (i64.const 1))) (func $h (type $t) (i64.xor (local.get 0) (i64.const 5)))
        (func (export "deploy")) (func (export "call") (local $x i64) (local $p i32) (local $n i32) (local.set $x (i64.const 88172645463325252)) (local.set $p (i32.const 8))
        (local.set $n (i32.const )" + std::to_string(rounds) + ")) (loop $l " + body + " (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"));
    };
    // the first touch of each page of memory is in both
    const auto some = run(cluster, of(200'000), {}, 0, 4), more = run(cluster, of(600'000), {}, 0, 4);
    if (!some || !more) return state.SkipWithError(name);
    worst.note(name, {more->picoseconds - some->picoseconds, more->gas - some->gas});
  }
  const auto grown = cluster.deploy(assemble(R"((module (import "env" "memory" (memory 1 64)) (func (export "deploy"))
    (func (export "call") (local $p i32) (drop (memory.grow (i32.const 63))) (loop $l (i32.store (local.get $p) (i32.const 1)) (br_if $l (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 4096))) (i32.const 0x400000)))))))"));
  worst.note("four megabytes grown and touched", *run(cluster, grown, {}, 0));
  worst.report(state);
}
BENCHMARK(dearest_instructions)->Iterations(1);

/// The programs of the golden file, those of more than 200 bytes: smaller ones pay less than the 5 us of an instance. None may take longer than its gas says.
void dearest_golden_program(benchmark::State& state) {
  Worst worst;
  std::ifstream lines(std::string(PHALA_SOURCE_DIR) + "/tests/golden/gas/programs.txt");
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::stringstream words(line);
    std::string program, code, input;
    u64 gas = 0;
    words >> program >> code >> input >> gas;
    if (code.size() <= 2 * 200) continue;
    Cluster cluster(1, 10, 1);
    const auto id = cluster.deploy(*from_hex(code), 1000);
    const CallRequest request{{.mode = Mode::estimating, .origin = alice, .gas_limit = max_gas_for_tests}, id, *from_hex(input)};
    worst.note(program, {fastest(cluster, request, gas > 1'000'000'000 ? 2 : 50).first, static_cast<double>(gas)});
  }
  worst.report(state);
}
BENCHMARK(dearest_golden_program)->Iterations(1);

}  // namespace

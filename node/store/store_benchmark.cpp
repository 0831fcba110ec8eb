// What a block costs on disk, on a state of 100,000 keys (BLAKE2b-256 of the index, 80-byte values) with a short history.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "crypto/hash.hpp"
#include "store/chain_store.hpp"

namespace phala::store {
namespace {

constexpr u32 count = 100'000;

Bytes key_of(u32 i) { return to_bytes(crypto::blake2_256(be_bytes(i))); }

struct World {
  std::string path = (std::filesystem::temp_directory_path() / "phala-store-bench-XXXXXX").string();
  std::optional<ChainStore> store;
  u32 round = 0;

  World() {
    if (!mkdtemp(path.data())) abort();
    store = ChainStore::open(path, {.keep_states = 64}).value();
    StateDiff genesis;
    for (u32 i = 0; i < count; ++i) genesis[key_of(i)] = Bytes(80, static_cast<u8>(i));
    Header header;
    header.state_root = store->prepare(genesis)->state_root();
    store->commit_genesis(genesis, header).value();
  }
  ~World() {
    store.reset();
    std::filesystem::remove_all(path);
  }
  StateDiff diff(u32 changes) {
    StateDiff out;
    ++round;
    for (u32 j = 0; j < changes; ++j) out[key_of((round * 7919 + j * 104729) % count)] = Bytes(80, static_cast<u8>(round + j));
    return out;
  }
  void commit(Prepared prepared) {
    const auto head = store->snapshot()->head();
    Block block;
    block.header.parent_hash = head.hash;
    block.header.number.value = head.number + 1;
    block.header.state_root = prepared.state_root();
    block.messages.number = head.number + 1;
    store->commit(block, std::move(prepared)).value();
  }
};

World& world() {
  static World it;
  return it;
}

void per_key(benchmark::State& state, double keys) {
  state.counters["us/key"] = benchmark::Counter(keys * 1e-6, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void prepare(benchmark::State& state) {
  auto& w = world();
  for (auto _ : state) {
    state.PauseTiming();
    StateDiff diff = w.diff(static_cast<u32>(state.range(0)));
    state.ResumeTiming();
    benchmark::DoNotOptimize(w.store->prepare(std::move(diff)));
  }
  per_key(state, static_cast<double>(state.range(0)));
}
BENCHMARK(prepare)->Arg(10)->Arg(1000)->UseRealTime();

void commit(benchmark::State& state) {
  auto& w = world();
  for (auto _ : state) {
    state.PauseTiming();
    auto prepared = w.store->prepare(w.diff(static_cast<u32>(state.range(0)))).value();
    state.ResumeTiming();
    w.commit(std::move(prepared));
  }
  per_key(state, static_cast<double>(state.range(0)));
}
BENCHMARK(commit)->Arg(10)->Arg(1000)->UseRealTime()->Iterations(150);

void get(benchmark::State& state) {
  const auto snapshot = world().store->snapshot();
  const auto head = snapshot->head();
  const auto reader = snapshot->state_at(state.range(0) ? head.oldest_state : head.number).value();
  std::vector<Bytes> keys;
  for (u32 i = 0; i < 20'000; ++i) keys.push_back(key_of(i * 104729 % count));
  if (state.range(1))
    for (auto& key : keys) key[31] ^= 1;   // nobody's
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(reader->get(keys[++i % keys.size()]));
}
BENCHMARK(get)->ArgNames({"old", "absent"})->Args({0, 0})->Args({1, 0})->Args({0, 1});

void next_key(benchmark::State& state) {
  const auto snapshot = world().store->snapshot();
  const auto reader = snapshot->state_at(snapshot->head().number).value();
  Bytes key;
  for (auto _ : state) key = reader->next_key(key).value_or(Bytes{});
}
BENCHMARK(next_key);

void keys_paged_1000(benchmark::State& state) {
  const auto snapshot = world().store->snapshot();
  const auto reader = snapshot->state_at(snapshot->head().number).value();
  for (auto _ : state) benchmark::DoNotOptimize(reader->keys_paged(Bytes{0x42}, std::nullopt, 1000));
}
BENCHMARK(keys_paged_1000);

void proof_of_5(benchmark::State& state) {
  const auto snapshot = world().store->snapshot();
  std::vector<Bytes> keys;
  for (u32 i = 0; i < 5; ++i) keys.push_back(key_of(i));
  for (auto _ : state) benchmark::DoNotOptimize(snapshot->proof(snapshot->head().oldest_proof, keys));
}
BENCHMARK(proof_of_5);

}  // namespace
}  // namespace phala::store

// Does the size of a contract's storage show? Reads, writes and roots with 100 entries and with a million, as a worker meets them: readers hold
// the state of the block before while the next one is made.
#include <benchmark/benchmark.h>

#include <malloc.h>

#include <ctime>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

constexpr u32 few = 100, million = 1'000'000;
constexpr size_t value_bytes = 32;

double thread_seconds() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) * 1e-9;
}

/// Keys as ink! makes them of a map: the map's own four bytes, then the entry's key.
Bytes map_key(u32 entry) { return scale::encode(u32{0x6d617021}, entry); }

/// A contract with so many entries. Input: 0 ‖ key reads an entry and answers it, 1 ‖ key ‖ value writes it.
struct Store {
  Cluster cluster{1, 1'000, 1'000};
  u32 entries;
  ContractId id;
  Bytes trie_id;
  u32 random = 1;

  explicit Store(u32 count) : entries(count) {
    id = cluster.deploy(answering(R"(
      (if (i32.load8_u (i32.const 0x1000))
        (then (drop (call $seal2.set_storage (i32.const 0x1001) (i32.const 8) (i32.const 0x1009) (i32.sub (local.get $n) (i32.const 9)))))
        (else
          (i32.store (i32.const 0xff0) (i32.const 0x1000))
          (if (call $seal1.get_storage (i32.const 0x1001) (i32.const 8) (i32.const 0x2000) (i32.const 0xff0)) (then (unreachable)))
          (local.set $end (i32.add (i32.const 0x2000) (i32.load (i32.const 0xff0)))))))"));
    trie_id = cluster.state.contract(id)->trie_id;
    constexpr u32 at_once = 10'000;   // a difference of a million would take more memory than they
    for (u32 i = 0; i < entries;) {
      StateDiff diff;
      for (u32 end = std::min(entries, i + at_once); i < end; ++i) diff[cell(i)] = Bytes(value_bytes, static_cast<u8>(i));
      cluster.state.apply(diff);
    }
    static_cast<void>(cluster.state.root());
  }
  Bytes cell(u32 entry) const { return key::storage(trie_id, key::hashed_variable(map_key(entry))); }
  u32 any() { return (random = random * 1664525 + 1013904223) / 7 % entries; }
};

Store& store_of(u32 entries) {
  static std::map<u32, std::unique_ptr<Store>> all;
  auto& store = all[entries];
  if (!store) store = std::make_unique<Store>(entries);
  return *store;
}

void check(benchmark::State& state, const Outcome& outcome) {
  if (!outcome.result.succeeded()) state.SkipWithError(error_of(outcome).c_str());
}

void read_one(benchmark::State& state, Store& store) { check(state, store.cluster.query(store.id, concat(Bytes{0}, map_key(store.any())))); }

/// A block with one transaction.
void write_one(benchmark::State& state, Store& store) {
  const ClusterState before = store.cluster.state;
  check(state, store.cluster.send(store.id, concat(Bytes{1}, map_key(store.any()), Bytes(value_bytes, static_cast<u8>(store.random >> 8)))));
}

/// The state part of a block that changes so many entries: applying, and the root.
template <u32 changes>
void change_block(benchmark::State&, Store& store) {
  const ClusterState before = store.cluster.state;
  StateDiff diff;
  for (u32 i = 0; i < changes; ++i) diff[store.cell(store.any())] = Bytes(value_bytes, static_cast<u8>(store.random >> 8));
  store.cluster.state.apply(diff);
  benchmark::DoNotOptimize(store.cluster.state.root());
}

double seconds_of(auto&& run, int times) {
  const double start = thread_seconds();
  for (int i = 0; i < times; ++i) run();
  return thread_seconds() - start;
}

/// Processor time of one `run` with `million` entries; counter `of_few`: beside the same with `few`, in turn, so that both see the same machine.
template <auto run, int at_once>
void beside_few(benchmark::State& state) {
  Store& small = store_of(few);
  Store& large = store_of(million);
  double with_few = 0, with_million = 0;
  for (auto _ : state) {
    with_few += seconds_of([&] { run(state, small); }, at_once);
    const double took = seconds_of([&] { run(state, large); }, at_once);
    with_million += took;
    state.SetIterationTime(took / at_once);
  }
  state.counters["of_few"] = with_million / with_few;
}
void storage_read(benchmark::State& state) { beside_few<read_one, 200>(state); }
void storage_write(benchmark::State& state) { beside_few<write_one, 200>(state); }
void storage_root_10(benchmark::State& state) { beside_few<change_block<10>, 20>(state); }
/// Counter `of_ten`: time for a changed entry beside that of a block which changes ten.
void storage_root_1000(benchmark::State& state) {
  Store& store = store_of(million);
  double of_10 = 0, of_1000 = 0;
  for (auto _ : state) {
    of_10 += seconds_of([&] { change_block<10>(state, store); }, 100);
    const double took = seconds_of([&] { change_block<1'000>(state, store); }, 1);
    of_1000 += took;
    state.SetIterationTime(took);
  }
  state.counters["of_ten"] = of_1000 / of_10;
}
BENCHMARK(storage_read)->UseManualTime()->Iterations(50)->Unit(benchmark::kMicrosecond);
BENCHMARK(storage_write)->UseManualTime()->Iterations(50)->Unit(benchmark::kMicrosecond);
BENCHMARK(storage_root_10)->UseManualTime()->Iterations(50)->Unit(benchmark::kMicrosecond);
BENCHMARK(storage_root_1000)->UseManualTime()->Iterations(20)->Unit(benchmark::kMicrosecond);

/// What the heap holds of a million entries, root included; and what the limit per cluster counts for them.
void storage_memory(benchmark::State& state) {
  store_of(few);   // the engine, and what else is made once
  double held = 0, counted = 0;
  for (auto _ : state) {
    const auto before = mallinfo2().uordblks;
    const auto start = thread_seconds();
    const Store store(million);
    state.SetIterationTime(thread_seconds() - start);
    held = static_cast<double>(mallinfo2().uordblks - before);
    counted = static_cast<double>(store.cluster.state.memory_bytes());
  }
  state.counters["mib"] = held / (1 << 20);
  state.counters["of_counted"] = held / counted;
}
BENCHMARK(storage_memory)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

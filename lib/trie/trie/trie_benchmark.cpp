// The operations of docs/performance.md, on the same keys (BLAKE2b-256 of the index) and values of 32 and 80 bytes.
#include <benchmark/benchmark.h>

#include <malloc.h>

#include "crypto/hash.hpp"
#include "trie/bench_nodes.hpp"
#include "trie/trie.hpp"

namespace phala::trie {
namespace {

constexpr u32 count = 100'000;

Bytes key_of(u32 i) {
  u8 raw[4];
  store_le(raw, i);
  return to_bytes(crypto::blake2_256(raw));
}

const std::vector<std::pair<Bytes, Bytes>>& entries(size_t value_size) {
  static std::map<size_t, std::vector<std::pair<Bytes, Bytes>>> all;
  auto& out = all[value_size];
  for (u32 i = static_cast<u32>(out.size()); i < count; ++i) {
    const Bytes key = key_of(i);
    Bytes value(value_size);
    for (size_t b = 0; b < value_size; ++b) value[b] = key[b % 32];
    out.emplace_back(key, value);
  }
  return out;
}

void per_key(benchmark::State& state, double keys) {
  state.counters["us/key"] = benchmark::Counter(keys * 1e-6, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void insert_and_root(benchmark::State& state) {
  const auto& data = entries(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    MemoryTrie trie;
    for (const auto& [k, v] : data) trie.insert(k, v);
    benchmark::DoNotOptimize(trie.root());
  }
  per_key(state, count);
}
BENCHMARK(insert_and_root)->Arg(32)->Arg(80)->Unit(benchmark::kMillisecond);

void streamed_root(benchmark::State& state) {
  auto data = entries(static_cast<size_t>(state.range(0)));
  std::ranges::sort(data);
  for (auto _ : state) benchmark::DoNotOptimize(root(data));
  per_key(state, count);
}
BENCHMARK(streamed_root)->Arg(32)->Arg(80)->Unit(benchmark::kMillisecond);

MemoryTrie filled(size_t value_size) {
  MemoryTrie trie;
  for (const auto& [k, v] : entries(value_size)) trie.insert(k, v);
  static_cast<void>(trie.root());
  return trie;
}

void get(benchmark::State& state) {
  const MemoryTrie trie = filled(32);
  const auto& data = entries(32);
  u32 x = 1;
  for (auto _ : state) {
    x = x * 1664525 + 1013904223;
    benchmark::DoNotOptimize(trie.get(data[x % count].first));
  }
  per_key(state, 1);
}
BENCHMARK(get);

/// Changes `range(0)` keys and asks for the root; with `range(1)` a snapshot of each state is kept until the next.
void change_and_root(benchmark::State& state) {
  MemoryTrie trie = filled(32), snapshot;
  const auto& data = entries(32);
  const u32 changes = static_cast<u32>(state.range(0));
  u32 round = 0;
  for (auto _ : state) {
    if (state.range(1)) snapshot = trie;
    for (u32 j = 0; j < changes; ++j) {
      const auto& [key, old] = data[(round * 7919 + j * 104729) % count];
      Bytes value = old;
      value[0] = static_cast<u8>(value[0] + round + 1);
      trie.insert(key, value);
    }
    ++round;
    benchmark::DoNotOptimize(trie.root());
  }
  per_key(state, changes);
}
BENCHMARK(change_and_root)->Args({1, 0})->Args({1000, 0})->Args({1, 1})->Args({1000, 1});

/// The same on stored nodes, which are written back: what a block does to the chain's trie.
void stored_update(benchmark::State& state) {
  BenchNodes nodes;
  Changes all;
  const auto& data = entries(32);
  for (const auto& [k, v] : data) all[k] = v;
  Hash root = nodes.apply(empty_root(), all);
  const u32 changes = static_cast<u32>(state.range(0));
  u32 round = 0;
  for (auto _ : state) {
    Changes some;
    for (u32 j = 0; j < changes; ++j) {
      const auto& [key, old] = data[(round * 7919 + j * 104729) % count];
      Bytes value = old;
      value[0] = static_cast<u8>(value[0] + round + 1);
      some.emplace(key, std::move(value));
    }
    ++round;
    root = nodes.apply(root, some);
  }
  per_key(state, changes);
}
BENCHMARK(stored_update)->Arg(1)->Arg(1000);

void memory_per_entry(benchmark::State& state) {
  const size_t before = mallinfo2().uordblks;
  MemoryTrie trie;
  for (auto _ : state) {
    for (const auto& [k, v] : entries(32)) trie.insert(k, v);
  }
  state.counters["bytes/entry"] = static_cast<double>(mallinfo2().uordblks - before) / count;
}
BENCHMARK(memory_per_entry)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace phala::trie

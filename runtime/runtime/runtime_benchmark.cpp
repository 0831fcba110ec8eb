// The parts of a block of signed transfers; tests/bench/transfers_benchmark.cpp has the whole.
#include <benchmark/benchmark.h>

#include "runtime/test_chain.hpp"

namespace phala::runtime {
namespace {

using namespace testing;

struct Load {
  TestChain chain;
  std::vector<Bytes> transfers;
  /// `n` senders, each with one transfer to the next.
  explicit Load(size_t n) : chain(spec(n)) {
    for (size_t i = 0; i < n; ++i) {
      const auto to = pair_of("//" + std::to_string((i * 7 + 1) % n)).account();
      transfers.push_back(chain.sign(pair_of("//" + std::to_string(i)), RuntimeCall::of<Balances>(Balances::TransferKeepAlive{to, {1}}), 0));
    }
  }
  static ChainSpec spec(size_t n) {
    auto out = test_spec();
    for (size_t i = 0; i < n; ++i) out.endowed.emplace_back(pair_of("//" + std::to_string(i)).account(), 1000 * Balances::pha);
    return out;
  }
};
const Load& load() {
  static const Load made(500);
  return made;
}

/// The whole block with transfers whose signatures the pool has checked.
void transfers_applied(benchmark::State& state) {
  const Load& l = load();
  const SignedContext context = *signing_context(l.chain.state, l.chain.head, {});
  for (auto _ : state) {
    auto block = l.chain.builder();
    for (const auto& x : l.transfers)
      if (!block.apply(x, &context)) state.SkipWithError("a transfer was refused");
    benchmark::DoNotOptimize(std::move(block).finish());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * l.transfers.size()));
}
BENCHMARK(transfers_applied)->Unit(benchmark::kMillisecond);

/// Their signatures alone, as a block's are checked.
void transfers_signatures(benchmark::State& state) {
  const Load& l = load();
  for (auto _ : state)
    for (const auto& good : check_signatures(l.chain.state, l.chain.head, l.transfers))
      if (!good) state.SkipWithError("a signature was refused");
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * l.transfers.size()));
}
BENCHMARK(transfers_signatures)->Unit(benchmark::kMillisecond);

void pool_validation(benchmark::State& state) {
  const Load& l = load();
  size_t i = 0;
  for (auto _ : state)
    if (!validate(l.chain.state, l.chain.head, l.transfers[i++ % l.transfers.size()])) state.SkipWithError("a transfer was refused");
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(pool_validation)->Unit(benchmark::kMicrosecond);

void empty_block(benchmark::State& state) {
  const Load& l = load();
  for (auto _ : state) benchmark::DoNotOptimize(l.chain.builder().finish());
}
BENCHMARK(empty_block)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace phala::runtime

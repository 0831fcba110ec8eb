// How many signed transfers a second one thread decodes, checks and applies, beside applying alone.
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

void apply(benchmark::State& state, Signatures signatures) {
  const Load& l = load();
  for (auto _ : state) {
    auto block = l.chain.builder();
    for (const auto& x : l.transfers)
      if (!block.apply(x, signatures)) state.SkipWithError("a transfer was refused");
    benchmark::DoNotOptimize(std::move(block).finish());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * l.transfers.size()));
}
void transfer_checked(benchmark::State& state) { apply(state, Signatures::check); }
void transfer_applied_only(benchmark::State& state) { apply(state, Signatures::already_checked); }
BENCHMARK(transfer_checked)->Unit(benchmark::kMillisecond);
BENCHMARK(transfer_applied_only)->Unit(benchmark::kMillisecond);

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

// Blocks of signed transfers as a validator takes them: every signature, every rule, the new state root, and the new state and trie kept.
// State and trie nodes are in memory, as in the FRAME harness beside which this is read (peers/frame, transfers.rs); nothing is cached between
// blocks, and every block is another one.
#include <benchmark/benchmark.h>

#include "runtime/test_chain.hpp"
#include "tasks/tasks.hpp"
#include "trie/bench_nodes.hpp"
#include "trie/root.hpp"

namespace phala::runtime {
namespace {

using testing::pair_of;
using testing::TestChain;

constexpr size_t per_block = 500, blocks = 4;

/// A chain that keeps its trie beside its state.
struct RootedChain {
  MapState state;
  trie::BenchNodes nodes;
  Hash root = trie::empty_root();
  Header head;

  /// Executes a block of somebody else and keeps what it did.
  bool import(const Header& header, const std::vector<Bytes>& extrinsics, const ForEach& for_each) {
    const auto executed = execute_block(state, head, header, extrinsics, for_each);
    if (!executed) return false;
    root = nodes.apply(root, executed->diff);
    state.apply(executed->diff);
    head = header;
    return root == header.state_root;
  }
};

struct Load {
  struct Block { Header header; std::vector<Bytes> extrinsics; };
  RootedChain before;          ///< its genesis
  std::vector<Block> chain;

  Load() {
    auto spec = testing::test_spec();
    std::vector<crypto::KeyPair> pairs;
    for (size_t i = 0; i < per_block; ++i) {
      pairs.push_back(pair_of("//bench//" + std::to_string(i)));
      spec.endowed.emplace_back(pairs.back().account(), 1'000'000 * Balances::pha);
    }
    auto genesis = build_genesis(spec);
    before.state.apply(genesis.state);
    before.root = before.nodes.apply(before.root, genesis.state);
    genesis.header.state_root = before.root;
    before.head = genesis.header;
    TestChain signer(spec);
    signer.genesis_hash = genesis.header.hash();

    RootedChain making = before;
    for (u32 nonce = 0; nonce < blocks; ++nonce) {
      BlockBuilder builder(making.state, making.head, 1'700'000'000'000 + (nonce + 1) * 6000);
      const SignedContext context = *signing_context(making.state, making.head, {});
      for (size_t i = 0; i < per_block; ++i) {
        const auto transfer = RuntimeCall::of<Balances>(Balances::TransferKeepAlive{pairs[(i * 7 + 1) % per_block].account(), {1}});
        PHALA_ASSERT(builder.apply(signer.sign(pairs[i], transfer, nonce), &context).has_value());
      }
      auto made = std::move(builder).finish();
      making.root = made.header.state_root = making.nodes.apply(making.root, made.diff);
      making.state.apply(made.diff);
      making.head = made.header;
      chain.push_back({made.header, std::move(made.extrinsics)});
    }
  }
};

/// Time of one iteration = `blocks` blocks.
void run(benchmark::State& state, const ForEach& for_each) {
  static const Load load;
  for (auto _ : state) {
    state.PauseTiming();
    auto chain = std::make_unique<RootedChain>(load.before);
    state.ResumeTiming();
    for (const auto& block : load.chain)
      if (!chain->import(block.header, block.extrinsics, for_each)) return state.SkipWithError("a block was refused");
    state.PauseTiming();
    chain.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * per_block * blocks));
}

void transfers(benchmark::State& state) { run(state, in_order); }
BENCHMARK(transfers)->Unit(benchmark::kMillisecond);

/// The signatures of a block on so many threads; its transfers one after the other.
void transfers_on_threads(benchmark::State& state) {
  CpuPool pool(static_cast<unsigned>(state.range(0)), 1000);
  run(state, [&](size_t n, const std::function<void(size_t)>& body) { pool.for_each(n, body); });
}
BENCHMARK(transfers_on_threads)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace phala::runtime

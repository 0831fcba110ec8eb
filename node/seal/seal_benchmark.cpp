// What a node can take: admission of signed transfers by all threads, and whole blocks of them, from pool to disk.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "runtime/test_chain.hpp"
#include "seal/producer.hpp"

namespace phala::node {
namespace {

using runtime::Balances;
using runtime::RuntimeCall;
using runtime::testing::pair_of;

constexpr u32 block_size = 1000;

/// A chain with its admission and producer, and enough signed transfers of as many senders for one round.
struct Bench {
  static constexpr u32 senders = 100;
  std::string path = (std::filesystem::temp_directory_path() / ("phala-seal-bench-" + std::to_string(::getpid()))).string();
  std::vector<crypto::KeyPair> pairs;
  runtime::ChainSpec spec = [this] {
    auto s = runtime::testing::test_spec();
    for (u32 i = 0; i < senders; ++i) {
      pairs.push_back(pair_of("//bench//" + std::to_string(i)));
      s.endowed.emplace_back(pairs.back().account(), 1'000'000 * Balances::pha);
    }
    return s;
  }();
  runtime::testing::TestChain signer{spec};
  Metrics metrics;
  CpuPool cpu{std::max(2u, std::thread::hardware_concurrency()), 1000};
  u64 now = 1'700'000'000'000;
  std::unique_ptr<Chain> chain = std::move(*Chain::open(path, {}, spec));
  PoolLimits limits{.ready_count = 100'000, .ready_bytes = 1u << 30, .per_sender = 100'000};
  Admission admission{*chain, cpu, limits, [this] { return now; }, metrics};
  Producer producer{*chain, admission, crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 1))), {60'000, BuildMode::manual}, [this] { return now += 3000; }, metrics, [](const Error&) {}};
  u32 round = 0;

  Bench() {
    signer.genesis_hash = chain->view()->genesis;
    producer.start();
  }
  ~Bench() {
    producer.stop();
    chain.reset();
    std::filesystem::remove_all(path);
  }
  std::vector<Bytes> transfers() {
    std::vector<Bytes> out(block_size);
    const auto to = pair_of("//Bob").account();
    cpu.for_each(block_size, [&](size_t i) {
      out[i] = signer.sign(pairs[i % senders], RuntimeCall::of<Balances>(Balances::TransferKeepAlive{to, {Balances::pha / 100}}), round * (block_size / senders) + static_cast<u32>(i) / senders);
    });
    ++round;
    return out;
  }
};

/// Signed transfers into the pool, signature checks on all threads; per iteration `block_size` of them.
void admission(benchmark::State& state) {
  Bench bench;
  for (auto _ : state) {
    state.PauseTiming();
    const auto all = bench.transfers();
    state.ResumeTiming();
    bench.cpu.for_each(all.size(), [&](size_t i) {
      if (!bench.admission.submit(all[i], false)) std::abort();
    });
    state.PauseTiming();
    while (bench.admission.ready_count() != 0) static_cast<void>(bench.producer.new_block());
    state.ResumeTiming();
  }
}
BENCHMARK(admission)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(10);

/// From a full pool to a sealed block on disk that everybody can read.
void block_of_transfers(benchmark::State& state) {
  Bench bench;
  for (auto _ : state) {
    state.PauseTiming();
    const auto all = bench.transfers();
    bench.cpu.for_each(all.size(), [&](size_t i) {
      if (!bench.admission.submit(all[i], false)) std::abort();
    });
    state.ResumeTiming();
    if (!bench.producer.new_block() || bench.admission.ready_count() != 0) std::abort();
  }
}
BENCHMARK(block_of_transfers)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(10);

}  // namespace
}  // namespace phala::node

// Runs the simulated network under many seeds, each twice in a sample, on all cores. A failing seed is printed with what did not hold.
// Usage: phala-sim SYSTEM_WASM FLIPPER_CONTRACT [--seeds N] [--first SEED] [--threads N]

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "crypto/hash.hpp"
#include "sim/network.hpp"

using namespace phala;

int main(int argc, char** argv) {
  u64 seeds = 1000, first = 1, threads = std::max(1u, std::thread::hardware_concurrency());
  if (argc < 3) {
    std::fprintf(stderr, "usage: phala-sim SYSTEM_WASM FLIPPER_CONTRACT [--seeds N] [--first SEED] [--threads N]\n");
    return 2;
  }
  for (int i = 3; i + 1 < argc; i += 2) {
    const u64 value = std::strtoull(argv[i + 1], nullptr, 10);
    if (!std::strcmp(argv[i], "--seeds")) seeds = value;
    else if (!std::strcmp(argv[i], "--first")) first = value;
    else if (!std::strcmp(argv[i], "--threads")) threads = value;
  }
  const auto world = sim::World::make(argv[1], argv[2]);
  if (!world) {
    std::fprintf(stderr, "phala-sim: %s\n", world.error().text().c_str());
    return 1;
  }
  std::atomic<u64> next{0}, failed{0}, blocks{0}, worker_crashes{0}, node_crashes{0}, tampered{0}, dropped{0}, repeated{0};
  const auto started = std::chrono::steady_clock::now();
  const auto work = [&] {
    for (u64 i; (i = next++) < seeds;) {
      const sim::Config config{.seed = first + i};
      const auto outcome = sim::run(*world, config);
      if (!outcome) {
        ++failed;
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(config.seed), outcome.error().text().c_str());
        continue;
      }
      blocks += outcome->height, worker_crashes += outcome->worker_crashes, node_crashes += outcome->node_crashes, tampered += outcome->tampered, dropped += outcome->dropped;
      if (i % 10 != 0) continue;
      ++repeated;
      const auto again = sim::run(*world, config);
      if (!again || !(*again == *outcome)) {
        ++failed;
        std::printf("seed %llu: the second run ended elsewhere (%s)\n", static_cast<unsigned long long>(config.seed), again ? "other roots" : again.error().text().c_str());
      }
      if (i % 100 == 0) {
        std::printf("%llu of %llu seeds\n", static_cast<unsigned long long>(i), static_cast<unsigned long long>(seeds));
        std::fflush(stdout);
      }
    }
  };
  std::vector<std::thread> pool;
  for (u64 t = 0; t < threads; ++t) pool.emplace_back(work);
  for (auto& thread : pool) thread.join();
  std::printf("%llu seeds, %llu of them twice: %llu blocks, %llu requests lost, %llu worker crashes, %llu node crashes, %llu batches tampered with, %.1f s\n",
              static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(repeated.load()), static_cast<unsigned long long>(blocks.load()),
              static_cast<unsigned long long>(dropped.load()), static_cast<unsigned long long>(worker_crashes.load()), static_cast<unsigned long long>(node_crashes.load()),
              static_cast<unsigned long long>(tampered.load()), std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(seeds - failed), static_cast<unsigned long long>(failed.load()));
  return failed == 0 ? 0 : 1;
}

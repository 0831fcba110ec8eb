// Runs the simulated network under many seeds, on as many threads as wanted. A failing seed is printed with what did not hold.
// Usage: phala-sim SYSTEM_WASM CONTRACTS_FOLDER [--seeds N] [--first SEED] [--threads N] [--roots FILE] [--blocks N]
//   --blocks N     contract traffic until that height, instead of a few dozen messages
//   --roots FILE   a line for each seed: where its run ended. Equal in every process of the same build.
//   SYSTEM_WASM may be `empty`: a system contract that does nothing and never changes, for roots that are kept.

#include <openssl/rand.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "sim/network.hpp"

using namespace phala;

namespace {

/// OpenSSL hashes key and message into the nonces of its signatures, beside random bytes. With constant ones a signature is a function of key and
/// message, evidence is the same in each process, and so is all that follows.
void fix_randomness() {
  static const RAND_METHOD constant{
      nullptr,
      [](unsigned char* to, int n) { std::memset(to, 0xa5, static_cast<size_t>(n)); return 1; },
      nullptr, nullptr,
      [](unsigned char* to, int n) { std::memset(to, 0xa5, static_cast<size_t>(n)); return 1; },
      [] { return 1; }};
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"   // the successor knows no way to do this for a whole process
  RAND_set_rand_method(&constant);
#pragma clang diagnostic pop
}

/// (module (import "env" "memory" (memory 2 16)) (func (export "call")) (func (export "deploy")))
Bytes empty_contract() {
  return *from_hex("0x0061736d0100000001040160000002100103656e76066d656d6f72790201021003030200000711020463616c6c0000066465706c6f7900010a070202000b02000b");
}

struct Arguments {
  u64 seeds = 1000, first = 1, threads = std::max(1u, std::thread::hardware_concurrency()), blocks = 0;
  std::string roots;
};

bool read_arguments(int argc, char** argv, Arguments& out) {
  if (argc < 3 || argc % 2 == 0) return false;
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const u64 value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--seeds") out.seeds = value;
    else if (name == "--first") out.first = value;
    else if (name == "--threads") out.threads = value;
    else if (name == "--blocks") out.blocks = value;
    else if (name == "--roots") out.roots = argv[i + 1];
    else return false;
  }
  return out.seeds > 0 && out.threads > 0 && out.blocks < 60'000;   // the counter has 32 bits
}

sim::Outcome sum_of(const std::vector<std::optional<sim::Outcome>>& outcomes) {
  sim::Outcome sum;
  for (const auto& one : outcomes) {
    if (!one) continue;
    sum.height += one->height, sum.dropped += one->dropped, sum.repeated += one->repeated, sum.worker_crashes += one->worker_crashes, sum.node_crashes += one->node_crashes,
        sum.relay_crashes += one->relay_crashes, sum.partitions += one->partitions, sum.tampered += one->tampered, sum.queries += one->queries;
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  fix_randomness();
  Arguments arguments;
  if (!read_arguments(argc, argv, arguments)) {
    std::fprintf(stderr, "usage: phala-sim SYSTEM_WASM CONTRACTS_FOLDER [--seeds N] [--first SEED] [--threads N] [--roots FILE] [--blocks N]\n");
    return 2;
  }
  const bool empty = std::string_view(argv[1]) == "empty";
  auto world = sim::World::make(empty ? "/dev/null" : argv[1], argv[2]);
  if (!world) {
    std::fprintf(stderr, "phala-sim: %s\n", world.error().text().c_str());
    return 1;
  }
  if (empty) world->system_code = empty_contract();
  const auto started = std::chrono::steady_clock::now();
  std::vector<std::optional<sim::Outcome>> outcomes(arguments.seeds);
  std::atomic<u64> next{0}, failed{0};
  const auto work = [&] {
    for (u64 i; (i = next++) < arguments.seeds;) {
      sim::Config config{.seed = arguments.first + i};
      if (arguments.blocks != 0) {
        config.traffic_until = static_cast<BlockNumber>(arguments.blocks);
        config.most_blocks += config.traffic_until;
      }
      const auto outcome = sim::run(*world, config);
      if (outcome) outcomes[i] = *outcome;
      else ++failed, std::printf("seed %llu: %s\n", static_cast<unsigned long long>(config.seed), outcome.error().text().c_str());
    }
  };
  std::vector<std::thread> pool;
  for (u64 t = 0; t < arguments.threads; ++t) pool.emplace_back(work);
  for (auto& thread : pool) thread.join();

  if (!arguments.roots.empty()) {
    std::ofstream file(arguments.roots);
    for (u64 i = 0; i < arguments.seeds; ++i) file << "seed " << arguments.first + i << ' ' << (outcomes[i] ? sim::to_text(*outcomes[i]) : "failed") << '\n';
    if (!file.flush()) {
      std::fprintf(stderr, "phala-sim: cannot write %s\n", arguments.roots.c_str());
      return 1;
    }
  }
  const auto sum = sum_of(outcomes);
  std::printf("%llu seeds: %u blocks, %u requests or answers lost, %u repeated, %u worker, %u node and %u relay crashes, %u partitions, %u batches and proofs tampered with, "
              "%u queries, %.1f s\n",
              static_cast<unsigned long long>(arguments.seeds), sum.height, sum.dropped, sum.repeated, sum.worker_crashes, sum.node_crashes, sum.relay_crashes, sum.partitions, sum.tampered,
              sum.queries, std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(arguments.seeds - failed), static_cast<unsigned long long>(failed.load()));
  return failed == 0 ? 0 : 1;
}

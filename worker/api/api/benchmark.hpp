#pragma once
// Why: the chain pays by speed, so a worker's threads count how much they can do while they have nothing better to do. One iteration is the
// amount of work of docs/protocol.md §6.1; only its time matters, so the loop is that many trial steps.

#include <atomic>
#include <thread>
#include <vector>

#include "base/bytes.hpp"

namespace phala::worker {

/// Steps of one iteration.
constexpr u64 benchmark_steps = 65536 * 128;

class Benchmark {
 public:
  /// `threads` of the lowest scheduling class; paused until `run(true)`.
  explicit Benchmark(unsigned threads);
  ~Benchmark();
  Benchmark(const Benchmark&) = delete;
  Benchmark& operator=(const Benchmark&) = delete;
  void run(bool on) {
    running_ = on;
    running_.notify_all();
  }
  /// Iterations of all threads since the start of the program.
  u64 iterations() const { return iterations_; }

 private:
  void loop(const std::stop_token& stop);
  std::atomic<bool> running_ = false;
  std::atomic<u64> iterations_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace phala::worker

#include "api/benchmark.hpp"

#include <pthread.h>
#include <sched.h>

#include <chrono>

namespace phala::worker {

namespace {

/// Counts the numbers below `benchmark_steps` that are odd in a way the compiler cannot foresee.
u64 iterate() {
  u64 state = 88172645463325252ull, count = 0;
  for (u64 i = 0; i < benchmark_steps; ++i) {
    state ^= state << 7;
    state ^= state >> 9;
    count += state & 1;
  }
  return count;
}

}  // namespace

Benchmark::Benchmark(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this](const std::stop_token& stop) { loop(stop); });
}

Benchmark::~Benchmark() {
  for (auto& thread : threads_) thread.request_stop();
}

void Benchmark::loop(const std::stop_token& stop) {
  const sched_param lowest{};
  pthread_setschedparam(pthread_self(), SCHED_IDLE, &lowest);
  while (!stop.stop_requested()) {
    if (!running_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      continue;
    }
    if (iterate() != 0) ++iterations_;
  }
}

}  // namespace phala::worker

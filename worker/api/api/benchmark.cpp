#include "api/benchmark.hpp"

#include <pthread.h>
#include <sched.h>

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
  run(true);   // those that wait see that it is over
}

void Benchmark::loop(const std::stop_token& stop) {
  const sched_param lowest{};
  pthread_setschedparam(pthread_self(), SCHED_IDLE, &lowest);
  while (!stop.stop_requested()) {
    running_.wait(false);
    if (!stop.stop_requested() && iterate() != 0) ++iterations_;
  }
}

}  // namespace phala::worker

#include "tasks/tasks.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace phala {
namespace {

TEST(CpuPool, runs_everything_once) {
  CpuPool pool(3, 1000);
  std::vector<std::atomic<int>> hits(500);
  pool.for_each(hits.size(), [&](size_t i) { ++hits[i]; });
  for (const auto& hit : hits) EXPECT_EQ(hit, 1);
  pool.for_each(0, [&](size_t) { FAIL(); });
}

TEST(CpuPool, refuses_when_the_queue_is_full) {
  std::promise<void> gate, running;   // outlive the pool's threads
  CpuPool pool(1, 2);
  ASSERT_TRUE(pool.submit([&] { running.set_value(); gate.get_future().wait(); }));
  running.get_future().wait();
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));
  std::atomic<int> hits = 0;
  pool.for_each(10, [&](size_t) { ++hits; });   // the caller alone
  EXPECT_EQ(hits, 10);
  gate.set_value();
}

TEST(CpuPool, stop_destroys_what_waits_and_refuses_more) {
  std::promise<void> gate, running;
  CpuPool pool(1, 10);
  auto token = std::make_shared<int>(1);
  ASSERT_TRUE(pool.submit([&] { running.set_value(); gate.get_future().wait(); }));
  running.get_future().wait();
  ASSERT_TRUE(pool.submit([token] { FAIL(); }));
  auto stopping = std::async(std::launch::async, [&] { pool.stop(); });
  while (pool.queued() != 0) std::this_thread::yield();   // the only job that could take it out is waiting: `stop` did
  EXPECT_FALSE(pool.submit([] {}));
  gate.set_value();
  stopping.wait();
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace phala

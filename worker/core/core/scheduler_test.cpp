#include "core/scheduler.hpp"

#include <gtest/gtest.h>

namespace phala::worker {
namespace {

Hash flow(u8 n) { return Hash(Bytes(32, n)); }

/// Runs one query at a time with full queues and counts who was served.
std::map<u8, int> serve(FairQueue& queue, const std::map<u8, u32>& weights, const std::map<u8, u64>& cost_ns, int rounds) {
  std::map<u8, int> served;
  std::map<FairQueue::Ticket, u8> who;
  std::map<u8, int> queued;
  FairQueue::Ticket ticket = 0;
  for (int round = 0; round < rounds; ++round) {
    for (const auto& [id, weight] : weights)
      for (; queued[id] < 3; ++queued[id]) {
        who[++ticket] = id;
        EXPECT_TRUE(queue.enter(flow(id), weight, ticket).accepted);
      }
    const auto next = queue.start();
    if (!next) break;
    const u8 id = who[*next];
    ++served[id];
    --queued[id];
    queue.finish(*next, cost_ns.at(id));
  }
  return served;
}

TEST(FairQueueTest, time_follows_weight) {
  FairQueue queue(1, 100);
  const auto served = serve(queue, {{1, 1}, {2, 3}}, {{1, 1000}, {2, 1000}}, 4000);
  EXPECT_NEAR(static_cast<double>(served.at(2)) / served.at(1), 3.0, 0.2);
}

TEST(FairQueueTest, who_asks_for_more_time_is_served_less_often) {
  FairQueue queue(1, 100);
  const auto served = serve(queue, {{1, 1}, {2, 1}}, {{1, 1000}, {2, 10000}}, 4000);
  EXPECT_NEAR(static_cast<double>(served.at(1)) / served.at(2), 10.0, 1.0);
}

TEST(FairQueueTest, the_backlog_is_bounded_and_the_last_in_line_goes) {
  FairQueue queue(1, 2);
  EXPECT_TRUE(queue.enter(flow(1), 1, 1).accepted);
  EXPECT_EQ(queue.start(), 1u);
  EXPECT_TRUE(queue.enter(flow(1), 1, 2).accepted);
  EXPECT_TRUE(queue.enter(flow(1), 1, 3).accepted);
  EXPECT_FALSE(queue.enter(flow(1), 1, 4).accepted);   // would start last
  const auto other = queue.enter(flow(2), 1, 5);        // a quiet contract is not locked out by a loud one
  EXPECT_TRUE(other.accepted);
  EXPECT_EQ(other.evicted, 3u);
  EXPECT_EQ(queue.waiting(), 2u);
}

TEST(FairQueueTest, depth_limits_what_runs_at_once) {
  FairQueue queue(2, 10);
  for (u64 i = 0; i < 5; ++i) EXPECT_TRUE(queue.enter(flow(1), 1, i).accepted);
  EXPECT_TRUE(queue.start() && queue.start());
  EXPECT_FALSE(queue.start().has_value());
  queue.finish(0, 5);
  EXPECT_TRUE(queue.start().has_value());
  queue.finish(99, 5);   // unknown tickets are nothing
  EXPECT_EQ(queue.running(), 2u);
}

}  // namespace
}  // namespace phala::worker

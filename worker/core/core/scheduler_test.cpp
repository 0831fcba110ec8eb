#include "core/scheduler.hpp"

#include <gtest/gtest.h>

#include <queue>
#include <random>

namespace phala::worker {
namespace {

constexpr u64 ms = 1'000'000;

Hash flow(u32 n) {
  Hash out;
  store_le(out.data(), n);
  return out;
}

/// Clients that ask again as soon as they are answered, and after a while when they are refused, on a worker of `depth` places.
struct Simulation {
  struct Contract {
    u32 stake;
    u64 cost_ns;
    u32 clients;
    u64 spread = 50;         ///< costs are cost_ns ± spread per cent: equal ones would march in step
    u64 from_ns = 0;         ///< when its clients come
    u32 ids = 1;             ///< it takes so many contracts in turn
    u64 served = 0, refused = 0, time_ns = 0, longest_wait_ns = 0;
  };
  size_t depth, backlog;
  std::vector<Contract> contracts;
  u64 retry_ns = 20 * ms;
  u64 now = 0;

  void run(u64 until_ns) {
    FairQueue queue(depth, backlog);
    std::mt19937_64 random(7);
    struct Ask { size_t contract; u64 since; };
    enum class What { ask, finish };
    using Event = std::tuple<u64, u64, What, u64>;   // when, order, what, contract or ticket
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
    std::map<FairQueue::Ticket, Ask> asks;
    std::map<FairQueue::Ticket, u64> costs;
    u64 order = 0, tickets = 0;
    const auto at = [&](u64 when, What what, u64 id) { events.emplace(when, order++, what, id); };
    for (size_t i = 0; i < contracts.size(); ++i)
      for (u32 c = 0; c < contracts[i].clients; ++c) at(contracts[i].from_ns, What::ask, i);
    const auto refuse = [&](FairQueue::Ticket ticket) {
      ++contracts[asks.at(ticket).contract].refused;
      at(now + retry_ns, What::ask, asks.at(ticket).contract);
      asks.erase(ticket);
    };
    while (!events.empty() && std::get<0>(events.top()) < until_ns) {
      const auto [when, n, what, id] = events.top();
      events.pop();
      now = when;
      if (what == What::ask) {
        const auto ticket = ++tickets;
        asks[ticket] = {id, now};
        const Contract& c = contracts[id];
        const auto admission = queue.enter(flow(static_cast<u32>(id * 100'000 + (c.ids > 1 ? tickets % c.ids : 0))), c.stake, ticket);
        if (!admission.accepted) refuse(ticket);
        if (admission.evicted) refuse(*admission.evicted);
      } else {
        Contract& c = contracts[asks.at(id).contract];
        ++c.served;
        c.time_ns += costs.at(id);
        queue.finish(id, costs.at(id));
        at(now, What::ask, asks.at(id).contract);
        asks.erase(id);
      }
      while (const auto next = queue.start()) {
        Contract& c = contracts[asks.at(*next).contract];
        c.longest_wait_ns = std::max(c.longest_wait_ns, now - asks.at(*next).since);
        costs[*next] = c.cost_ns * (100 - c.spread + random() % (2 * c.spread)) / 100;
        at(now + costs[*next], What::finish, *next);
      }
    }
  }
  double time_ratio(size_t a, size_t b) const { return static_cast<double>(contracts[a].time_ns) / static_cast<double>(contracts[b].time_ns); }
};

TEST(FairQueueTest, a_saturated_worker_serves_by_stake_whatever_it_refuses) {
  constexpr u64 capacity = 8'000 * ms;
  for (const size_t depth : {1, 3, 4, 10, 34})
    for (const u32 clients : {50, 400}) {   // some wait; most are refused and come again
      Simulation world{depth, 32, {{1, ms, clients}, {3, ms, clients}}};
      world.run(capacity / depth);
      EXPECT_NEAR(world.time_ratio(1, 0), 3.0, 0.15) << "depth " << depth << ", " << clients << " clients";
      if (clients == 400) EXPECT_GT(world.contracts[0].refused + world.contracts[1].refused, 1000u);
      // nobody's time is lost: what was served is what the places had
      EXPECT_NEAR(static_cast<double>(world.contracts[0].time_ns + world.contracts[1].time_ns) / static_cast<double>(capacity), 1.0, 0.02);
    }
}

TEST(FairQueueTest, time_counts_and_not_the_number_of_queries) {
  for (const size_t depth : {1, 4}) {
    Simulation world{depth, 32, {{1, ms, 60}, {3, 20 * ms, 60}}};
    world.run(20'000 * ms);
    EXPECT_NEAR(world.time_ratio(1, 0), 3.0, 0.15) << depth;
  }
}

TEST(FairQueueTest, without_stake_is_less_than_stake_one_and_more_than_nothing) {
  for (const size_t depth : {1, 4, 10}) {
    Simulation world{depth, 32, {{1, ms, 60}, {3, ms, 60}, {0, ms, 100}}};
    world.run(10'000 * ms);
    EXPECT_NEAR(world.time_ratio(1, 0), 3.0, 0.15) << depth;
    EXPECT_LT(world.contracts[2].time_ns, world.contracts[0].time_ns * 6 / 10) << depth;
    EXPECT_GT(world.contracts[2].time_ns, world.contracts[0].time_ns * 4 / 10) << depth;
  }
}

TEST(FairQueueTest, ten_thousand_contracts_without_stake_are_no_more_than_one) {
  Simulation world{4, 32, {{1, ms, 60}, {3, ms, 60}, {0, ms, 100, 50, 0, 10'000}}};
  world.run(10'000 * ms);
  EXPECT_NEAR(world.time_ratio(1, 0), 3.0, 0.15);
  EXPECT_LT(world.contracts[2].time_ns, world.contracts[0].time_ns * 6 / 10);
}

TEST(FairQueueTest, the_share_of_who_is_idle_goes_to_the_others) {
  Simulation world{4, 32, {{1, ms, 60}, {3, ms, 60, 50, 10'000 * ms}, {1, ms, 60}}};
  world.run(10'000 * ms);
  EXPECT_NEAR(world.time_ratio(0, 2), 1.0, 0.02);
  EXPECT_NEAR(static_cast<double>(world.contracts[0].time_ns + world.contracts[2].time_ns) / (4.0 * 10'000 * ms), 1.0, 0.01);
  // and it has no claim to what it did not use
  Simulation later{4, 32, {{1, ms, 60}, {3, ms, 60, 50, 10'000 * ms}}};
  later.run(20'000 * ms);
  EXPECT_NEAR(static_cast<double>(later.contracts[1].time_ns), 0.75 * 4 * 10'000 * ms, 0.05 * 4 * 10'000 * ms);
}

TEST(FairQueueTest, slow_queries_of_a_new_contract_pause_nobody) {
  // ten seconds each, as many as there is room for; one client of a contract with stake, and one of another without
  for (const u32 stake : {0u, 1u}) {
    Simulation world{4, 32, {{stake, 10'000 * ms, 100, 50, 100 * ms}, {1, ms, 1}, {0, ms, 1}}};
    world.run(5'000 * ms);
    EXPECT_GT(world.contracts[1].served, stake == 0 ? 4000u : 2000u) << stake;   // alone on its place, or taking turns
    EXPECT_LT(world.contracts[1].longest_wait_ns, 3 * ms) << stake;
    if (stake == 0) EXPECT_GT(world.contracts[2].served, 1500u);
  }
}

TEST(FairQueueTest, what_a_query_took_beyond_its_estimate_is_paid) {
  // a contract that was quick for a long time turns slow
  FairQueue queue(1, 10);
  FairQueue::Ticket ticket = 0;
  const auto run_one = [&](u64 elapsed) {
    const auto next = queue.start();
    queue.finish(next.value_or(0), elapsed);
    return next;
  };
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(queue.enter(flow(1), 1, ++ticket).accepted);
    run_one(ms);
  }
  EXPECT_TRUE(queue.enter(flow(1), 1, ++ticket).accepted);
  run_one(1000 * ms);
  std::set<FairQueue::Ticket> others;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(queue.enter(flow(1), 1, ++ticket).accepted);
    EXPECT_TRUE(queue.enter(flow(2), 1, ++ticket).accepted);
    others.insert(ticket);
  }
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(others.contains(run_one(ms).value_or(0))) << i;
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
  FairQueue queue(3, 10);
  for (u64 i = 0; i < 5; ++i) EXPECT_TRUE(queue.enter(flow(1), 1, i).accepted);
  EXPECT_TRUE(queue.start() && queue.start());
  EXPECT_FALSE(queue.start().has_value());              // the last place is kept for somebody else
  EXPECT_TRUE(queue.enter(flow(2), 1, 5).accepted);
  EXPECT_EQ(queue.start(), 5u);
  EXPECT_FALSE(queue.start().has_value());
  queue.finish(0, 5);
  EXPECT_TRUE(queue.start().has_value());
  queue.finish(99, 5);   // unknown tickets are nothing
  EXPECT_EQ(queue.running(), 3u);
}

TEST(FairQueueTest, stake_that_comes_and_goes_keeps_the_books) {
  FairQueue queue(4, 20);
  std::mt19937 random(3);
  std::set<FairQueue::Ticket> open;
  FairQueue::Ticket ticket = 0;
  size_t accepted = 0, over = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto admission = queue.enter(flow(random() % 5), random() % 3, ++ticket);
    accepted += admission.accepted;
    over += admission.evicted.has_value();
    while (const auto next = queue.start()) open.insert(*next);
    for (int n = random() % 3; n > 0 && !open.empty(); --n) {
      queue.finish(*open.begin(), random() % ms);
      open.erase(open.begin());
      ++over;
    }
    ASSERT_EQ(queue.running(), open.size());
    ASSERT_EQ(queue.waiting() + queue.running(), accepted - over);
    ASSERT_LE(queue.waiting() + queue.running(), 24u);
  }
}

}  // namespace
}  // namespace phala::worker

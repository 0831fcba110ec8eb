// Polls, blocks, and who is left alone for how long.
#include "plan/plan_test.hpp"

namespace phala::relay {
namespace {

TEST(RelayPlan, asks_every_worker_first_and_waits_for_the_node) {
  View view;
  view.workers.resize(2);
  EXPECT_EQ(actions(view, 0), (Actions{Poll{0}, Poll{1}}));
  EXPECT_EQ(actions(view, 0), Actions{});   // both are under way
  heard_height(view, 7);
  EXPECT_EQ(actions(view, 0), Actions{Look{}});
  EXPECT_EQ(actions(view, 0), Actions{});
}

TEST(RelayPlan, nothing_to_do_means_waiting_until_the_next_poll) {
  View view = quiet(2, 7);
  const Plan plan = next_plan(view, 1000);
  EXPECT_EQ(plan.actions, Actions{});
  EXPECT_EQ(plan.wake_at_ms, 1000 + view.limits.poll_ms);
  EXPECT_EQ(actions(view, 1000 + view.limits.poll_ms), (Actions{Poll{0}, Poll{1}}));
}

TEST(RelayPlan, blocks_are_fetched_once_and_given_to_every_worker) {
  View view = quiet(2, 7);
  heard_height(view, 8);
  EXPECT_EQ(actions(view), (Actions{Look{}, Fetch{8, 8}}));
  fetched(view, {8, 8, 100});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 8, 8}, Sync{1, 8, 8}}));
  synced(view, 0, 9);
  EXPECT_EQ(actions(view), Actions{Poll{0}});   // it may have something to say now
  synced(view, 1, 9);
  const Plan last = next_plan(view, 1000);
  EXPECT_EQ(last.forget, (std::vector<Chunk>{{8, 8, 100}}));
  EXPECT_EQ(last.actions, Actions{Poll{1}});
}

TEST(RelayPlan, a_worker_far_behind_gets_bounded_batches_while_the_next_is_fetched) {
  View view = quiet(1, 1000);
  view.workers[0].report->next_block = 1;
  EXPECT_EQ(actions(view), (Actions{Fetch{1, 64}}));
  fetched(view, {1, 64, 100});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 1, 64}}));   // a whole fetch is ahead: no more is held in memory
  synced(view, 0, 65);
  EXPECT_EQ(actions(view), (Actions{Fetch{65, 128}}));
  fetched(view, {65, 70, 100});                           // the node gave fewer
  EXPECT_EQ(actions(view), (Actions{Sync{0, 65, 70}, Fetch{71, 134}}));
}

TEST(RelayPlan, batches_join_chunks_up_to_their_limits) {
  View view = quiet(1, 1000);
  view.workers[0].report->next_block = 10;
  view.limits.batch_blocks = 20;
  view.limits.batch_bytes = 1000;
  view.node.fetching = true;
  for (BlockNumber n = 10; n < 60; n += 10) fetched(view, {n, n + 9, 10});
  view.node.fetching = true;
  EXPECT_EQ(actions(view), (Actions{Sync{0, 10, 29}}));   // 20 blocks
  synced(view, 0, 30);
  view.limits.batch_blocks = 100;
  view.limits.batch_bytes = 20;
  EXPECT_EQ(actions(view), (Actions{Sync{0, 30, 49}}));   // 20 bytes
  synced(view, 0, 50);
  view.limits.batch_bytes = 5;
  EXPECT_EQ(actions(view), (Actions{Sync{0, 50, 59}}));   // a chunk larger than the limit goes alone
}

TEST(RelayPlan, a_worker_in_the_middle_of_a_chunk_gets_the_rest_of_it) {
  View view = quiet(1, 30);
  view.workers[0].report->next_block = 15;
  fetched(view, {10, 30, 10});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 15, 30}}));
}

TEST(RelayPlan, fetches_fill_gaps_without_fetching_twice) {
  View view = quiet(2, 100);
  view.workers[0].report->next_block = 20;
  view.workers[1].report->next_block = 1;
  fetched(view, {20, 40, 10});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 20, 40}, Fetch{1, 19}}));
}

TEST(RelayPlan, a_failing_worker_holds_nobody_up_and_is_asked_again_later_and_later) {
  View view = quiet(2, 8);
  view.workers[0].report->next_block = view.workers[1].report->next_block = 8;
  fetched(view, {8, 8, 10});
  EXPECT_EQ(actions(view), (Actions{Sync{0, 8, 8}, Sync{1, 8, 8}}));
  worker_failed(view, 0, 1000);
  synced(view, 1, 9);
  const Plan plan = next_plan(view, 1000);
  EXPECT_EQ(plan.actions, Actions{Poll{1}});
  EXPECT_EQ(plan.forget.size(), 1u);                      // its blocks do not stay in memory
  EXPECT_EQ(plan.wake_at_ms, 1500);
  u64 now = 1500, wait = 500;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(actions(view, now).front(), Action{Poll{0}}) << i;
    worker_failed(view, 0, now);
    wait = std::min<u64>(wait * 2, view.limits.longest_retry_ms);
    for (const auto& action : actions(view, now + wait - 1)) EXPECT_NE(action, Action{Poll{0}}) << i;
    now += wait;
  }
  polled(view, 0, report(1, 8), now);
  EXPECT_TRUE(view.workers[0].live());
}

TEST(RelayPlan, a_worker_that_answers_but_takes_no_blocks_is_tried_later_and_later) {
  View view = quiet(1, 8);
  view.workers[0].report->next_block = 8;
  fetched(view, {8, 8, 10});
  u64 now = 1000;
  for (const u64 wait : {500u, 1000u, 2000u, 4000u}) {
    EXPECT_EQ(actions(view, now), (Actions{Sync{0, 8, 8}})) << wait;
    worker_failed(view, 0, now);
    actions(view, now);   // forgets its blocks
    EXPECT_EQ(next_plan(view, now + wait - 1).actions, Actions{}) << wait;
    now += wait;
    EXPECT_EQ(actions(view, now), (Actions{Poll{0}})) << wait;
    polled(view, 0, report(1, 8), now);
    EXPECT_EQ(actions(view, now), (Actions{Fetch{8, 8}})) << wait;
    fetched(view, {8, 8, 10});
  }
  EXPECT_EQ(actions(view, now), (Actions{Sync{0, 8, 8}}));
  synced(view, 0, 9);
  EXPECT_EQ(view.workers[0].failures, 0u);
}

TEST(RelayPlan, a_node_that_fails_is_left_alone_for_a_while) {
  View view = quiet(1, 7);
  heard_height(view, 9);
  EXPECT_EQ(actions(view), (Actions{Look{}, Fetch{8, 9}}));
  node_failed(view, 1000);
  const Plan plan = next_plan(view, 1200);
  EXPECT_EQ(plan.actions, Actions{});
  EXPECT_EQ(plan.wake_at_ms, 1500);
  EXPECT_EQ(actions(view, 1500), (Actions{Look{}, Fetch{8, 9}}));
}

TEST(RelayPlan, heights_never_go_back) {
  View view = quiet(1, 7);
  heard_height(view, 3);
  EXPECT_EQ(view.node.height, 7u);
}

}  // namespace
}  // namespace phala::relay

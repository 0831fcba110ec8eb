#include "carry/relay_test.hpp"

#include <filesystem>

namespace phala::relay {
namespace {

using namespace std::chrono_literals;

TEST_F(RelayTest, brings_every_worker_to_the_tip_and_keeps_it_there) {
  TestWorker &first = add_worker(), &second = add_worker();
  node.batch_limit = 40;   // the node gives fewer blocks than asked for
  node.add_blocks(333, 3);
  start();
  EXPECT_TRUE(caught_up(first));
  EXPECT_TRUE(caught_up(second));
  const u32 fetches = node.with([](const TestNode& n) { return n.calls.at("phala_messages"); });
  EXPECT_LE(fetches, 20u);   // 333 blocks in pieces of 40, once for both
  for (int i = 0; i < 5; ++i) {
    node.add_blocks(1);
    EXPECT_TRUE(caught_up(first));
    EXPECT_TRUE(caught_up(second));
  }
  EXPECT_EQ(first.refused_batches + second.refused_batches, 0u);
}

TEST_F(RelayTest, blocks_that_only_a_later_one_proves_come_with_it) {
  TestWorker& worker = add_worker();
  node.prove_every = 100;
  node.add_blocks(250);
  start();
  EXPECT_TRUE(eventually([&] { return worker.next_block() == 201; })) << worker.next_block();
  node.add_blocks(50);
  EXPECT_TRUE(eventually([&] { return worker.next_block() == 301; })) << worker.next_block();
  EXPECT_EQ(worker.refused_batches, 0u);
}

TEST_F(RelayTest, a_worker_that_hangs_or_refuses_holds_nobody_up) {
  TestWorker &hanging = add_worker(), &broken = add_worker(), &well = add_worker();
  hanging.hang = true;
  broken.broken = true;
  options.workers.push_back({"http://127.0.0.1:1", well.token_file});   // nobody listens
  node.add_blocks(100);
  start();
  EXPECT_TRUE(caught_up(well));
  EXPECT_EQ(broken.next_block(), 1u);
  {
    const std::lock_guard lock(broken.mutex);
    broken.broken = false;
  }
  EXPECT_TRUE(caught_up(broken));
}

TEST_F(RelayTest, a_missing_or_wrong_token_is_no_end_and_a_right_one_is_picked_up) {
  TestWorker& worker = add_worker();
  std::ofstream(worker.token_file) << "wrong";
  node.add_blocks(3);
  start();
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(worker.next_block(), 1u);
  std::filesystem::remove(worker.token_file);
  std::this_thread::sleep_for(200ms);
  std::ofstream(worker.token_file) << "token-1\n";
  EXPECT_TRUE(caught_up(worker));
}

TEST_F(RelayTest, a_worker_of_another_chain_gets_nothing) {
  light::TrustRoot other = node.trust();
  other.genesis_hash[0] ^= 1;
  workers.push_back(std::make_unique<TestWorker>(1, other));
  options.workers.push_back(workers.back()->member());
  TestWorker& well = add_worker();
  node.add_blocks(10);
  start();
  EXPECT_TRUE(caught_up(well));
  EXPECT_EQ(workers[0]->next_block(), 1u);
  EXPECT_EQ(workers[0]->refused_batches, 0u);
}

TEST_F(RelayTest, a_node_that_is_busy_is_asked_again) {
  TestWorker& worker = add_worker();
  node.add_blocks(3);
  node.busy_answers = 9;   // more than two rounds of what the relay asks first
  start();
  EXPECT_TRUE(caught_up(worker));
  EXPECT_FALSE(relay->failure().has_value());
}

TEST_F(RelayTest, a_server_that_is_no_node_of_phala_ends_it) {
  add_worker();
  node.knows_metadata = false;
  start();
  thread.join();
  ASSERT_TRUE(relay->failure().has_value());
  EXPECT_NE(relay->failure()->text().find("Method not found"), std::string::npos) << relay->failure()->text();
}

}  // namespace
}  // namespace phala::relay

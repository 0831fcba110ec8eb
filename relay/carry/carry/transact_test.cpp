#include "carry/relay_test.hpp"

namespace phala::relay {
namespace {

using namespace std::chrono_literals;
using TransactTest = RelayTest;

TEST_F(TransactTest, registers_binds_and_sends_each_message_once_and_in_order) {
  TestWorker &first = add_worker(), &second = add_worker();
  options.operator_ = crypto::KeyPair::from_uri("//Alice")->account();
  const MessageOrigin gatekeeper = origin::Gatekeeper{};
  for (u64 i = 0; i < 20; ++i) first.say(first.self(), i);
  for (TestWorker* worker : {&first, &second})
    for (u64 i = 0; i < 10; ++i) worker->say(gatekeeper, i);   // both say the same
  node.add_blocks(5);
  start();
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(20ms);
    return node.with([](const TestNode& n) { return n.registered.size() == 2 && n.endpoints.size() == 2; }) && first.waiting() == 0 && second.waiting() == 0;
  }));
  EXPECT_EQ(accepted(first.self()), 20u);
  EXPECT_EQ(accepted(gatekeeper), 10u);
  node.with([&](const TestNode& n) {
    EXPECT_EQ(n.included, 20u + 10 + 4);
    for (const auto& payer : n.payers) EXPECT_EQ(payer, crypto::KeyPair::from_uri("//Ferdie")->account());
  });
  // and nothing more comes while there is nothing to say
  for (int i = 0; i < 30; ++i) node.add_blocks(1);
  EXPECT_TRUE(caught_up(first));
  node.with([](const TestNode& n) { EXPECT_EQ(n.included, 34u); });
}

TEST_F(TransactTest, streams_longer_than_a_worker_gives_at_once_arrive_whole) {
  TestWorker& worker = add_worker();
  worker.window = 7;
  for (u64 i = 0; i < 40; ++i) worker.say(worker.self(), i);
  for (u64 i = 0; i < 30; ++i) worker.say(origin::Gatekeeper{}, i);
  node.accepted[scale::encode(MessageOrigin(origin::Gatekeeper{}))] = std::vector<SignedMessage>(20);   // the chain has more of this one than the worker gives
  node.add_blocks(5);
  start();
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(10ms);
    return worker.waiting() == 0;
  }));
  EXPECT_EQ(accepted(worker.self()), 40u);
  EXPECT_EQ(accepted(origin::Gatekeeper{}), 30u);
}

TEST_F(TransactTest, a_worker_without_messages_is_settled_now_and_then_too) {
  TestWorker& worker = add_worker();
  node.add_blocks(3);
  start();
  const auto settled = [&](u32 times) {
    return eventually([&] {
      const std::lock_guard lock(worker.mutex);
      return worker.settlements == times;
    });
  };
  EXPECT_TRUE(settled(1));
  node.add_blocks(200);
  EXPECT_TRUE(caught_up(worker));
  EXPECT_TRUE(settled(1));
  node.add_blocks(150);
  EXPECT_TRUE(settled(2));
}

TEST_F(TransactTest, another_operator_is_written_into_the_registration) {
  TestWorker& worker = add_worker();
  node.registered[worker.key] = scale::encode(worker.key, worker.key, u32{0x100}, u64{5}, std::optional(AccountId()), u8{0}, u8{128}, u8{0}, std::vector<u32>{});
  options.operator_ = crypto::KeyPair::from_uri("//Bob")->account();
  node.add_blocks(3);
  start();
  const Bytes bob = to_bytes(options.operator_->view());
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(10ms);
    return node.with([&](const TestNode& n) { return to_hex(n.registered.at(worker.key)).find(to_hex(bob)) != std::string::npos; });
  }));
}

TEST_F(TransactTest, a_node_that_restarts_is_found_again_and_reminded_of_what_it_forgot) {
  TestWorker& worker = add_worker();
  node.add_blocks(3);
  start();
  EXPECT_TRUE(caught_up(worker));
  for (u64 i = 0; i < 3; ++i) worker.say(worker.self(), i);
  const auto all_in_pool = [&] { return node.with([](const TestNode& n) { return n.pool.size() == 4; }); };   // registration and messages
  EXPECT_TRUE(eventually(all_in_pool));
  const u16 port = node.port();
  node.stop();
  {
    const std::lock_guard lock(node.mutex_);
    node.pool.clear();   // it was in memory only
  }
  std::this_thread::sleep_for(100ms);
  node.restart(port);
  // one block is enough: what was lost does not have to become void first
  EXPECT_TRUE(eventually(all_in_pool));
  node.add_blocks(1);
  EXPECT_TRUE(eventually([&] { return worker.waiting() == 0; }));
  EXPECT_EQ(accepted(worker.self()), 3u);
}

TEST_F(TransactTest, what_the_pool_lost_is_sent_again_when_it_is_void) {
  TestWorker& worker = add_worker();
  node.registered[worker.key] = scale::encode(worker.key, worker.key, u32{0x100}, u64{5}, u8{0}, u8{0}, u8{128}, u8{0}, std::vector<u32>{});
  options.limits.longevity_blocks = 4;
  worker.say(worker.self(), 0);
  worker.say(worker.self(), 1);
  node.lose_pool = true;
  node.add_blocks(3);
  start();
  EXPECT_TRUE(eventually([&] { return node.with([](const TestNode& n) { return n.pool.size() >= 2; }); }));
  node.add_blocks(1);
  {
    const std::lock_guard lock(node.mutex_);
    node.lose_pool = false;
  }
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(30ms);
    return accepted(worker.self()) == 2;
  }));
}

TEST_F(TransactTest, refused_transactions_are_tried_rarer_and_rarer) {
  TestWorker& worker = add_worker();
  for (u64 i = 0; i < 50; ++i) worker.say(worker.self(), i);
  node.refuse_transactions = true;
  node.add_blocks(3);
  start();
  EXPECT_TRUE(eventually([&] { return node.with([](const TestNode& n) { return n.submitted > 0; }); }));
  for (int i = 0; i < 40; ++i) {
    node.add_blocks(1);
    std::this_thread::sleep_for(10ms);
  }
  node.with([](const TestNode& n) { EXPECT_LE(n.submitted, 20u); });   // registration and first message, about log2(40) times each
  {
    const std::lock_guard lock(node.mutex_);
    node.refuse_transactions = false;
  }
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(10ms);
    return accepted(worker.self()) == 50;
  }));
}

TEST_F(TransactTest, on_a_real_chain_somebody_must_be_named_to_pay) {
  add_worker();
  node.development = false;
  options.node_url = node.url();
  auto made = Relay::start(loop, options, metrics);
  ASSERT_TRUE(made.has_value());
  relay = std::move(*made);
  std::jthread watchdog([this](const std::stop_token& stop) {
    for (int i = 0; i < 500 && !stop.stop_requested(); ++i) std::this_thread::sleep_for(10ms);
    loop.stop();
  });
  loop.run();
  ASSERT_TRUE(relay->failure().has_value());
  EXPECT_NE(relay->failure()->text().find("--mnemonic"), std::string::npos);
}

}  // namespace
}  // namespace phala::relay

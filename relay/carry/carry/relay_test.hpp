#pragma once
// Why: a relay between a node and workers that behave like real ones, for the tests of what it does.

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "carry/relay.hpp"
#include "carry/test_node.hpp"
#include "carry/test_worker.hpp"

namespace phala::relay {

struct RelayTest : ::testing::Test {
  TestNode node;
  std::vector<std::unique_ptr<TestWorker>> workers;
  Metrics metrics;
  Loop loop;
  std::unique_ptr<Relay> relay;
  std::thread thread;
  RelayOptions options;

  TestWorker& add_worker() {
    workers.push_back(std::make_unique<TestWorker>(static_cast<u8>(workers.size() + 1), node.trust()));
    options.workers.push_back(workers.back()->member());
    return *workers.back();
  }
  void start() {
    options.node_url = node.url();
    if (!options.mnemonic) options.mnemonic = "//Ferdie";
    options.limits.poll_ms = 50;
    options.limits.first_retry_ms = 20;
    options.limits.longest_retry_ms = 200;
    auto made = Relay::start(loop, options, metrics);
    ASSERT_TRUE(made.has_value()) << made.error().text();
    relay = std::move(*made);
    thread = std::thread([this] { loop.run(); });
  }
  void TearDown() override {
    const auto begin = std::chrono::steady_clock::now();
    loop.stop();
    if (thread.joinable()) thread.join();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1)) << "stops at once";
    node.with([](const TestNode& n) {
      for (const auto& problem : n.problems) ADD_FAILURE() << problem;
    });
    relay.reset();
  }
  template <class F>
  bool eventually(F&& f, std::chrono::milliseconds most = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + most;
    while (!f()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  bool caught_up(TestWorker& worker) {
    return eventually([&] { return worker.next_block() == node.height() + 1; });
  }
  size_t accepted(const MessageOrigin& sender) {
    return node.with([&](const TestNode& n) { return n.accepted.contains(scale::encode(sender)) ? n.accepted.at(scale::encode(sender)).size() : 0; });
  }
};

}  // namespace phala::relay

#include "cli/dev_network.hpp"

#include <gtest/gtest.h>

#include "cli/files.hpp"

namespace phala::cli {
namespace {

DevNetwork network() {
  DevNetwork net;
  net.base = "/base";
  net.programs = "/bin";
  net.rpc_port = 9944;
  net.worker_port = 8000;
  net.workers = 2;
  net.block_ms = 3000;
  return net;
}

std::string refusal(const DevNetwork& net) {
  const auto checked = check(net);
  return checked ? "" : checked.error().text();
}

TEST(DevNetwork, what_cannot_work_is_refused_before_anything_is_made) {
  EXPECT_EQ(refusal(network()), "");
  for (const u16 rpc : {8000, 8001, 8002, 8003}) {
    auto net = network();
    net.rpc_port = rpc;
    EXPECT_NE(refusal(net).find("port " + std::to_string(rpc) + " cannot be the node's: the workers take 8000 to 8003"), std::string::npos) << refusal(net);
  }
  auto net = network();
  net.rpc_port = 8004;
  EXPECT_EQ(refusal(net), "");
  net.worker_port = 65533;
  EXPECT_NE(refusal(net).find("none above 65535"), std::string::npos);
  net.worker_port = 65532;
  EXPECT_EQ(refusal(net), "");
  net.egress = {"127.0.0.0/8", "10.0.0.0/64"};
  EXPECT_NE(refusal(net).find("--allow-egress"), std::string::npos);
  net = network();
  net.block_ms = 19;
  EXPECT_NE(refusal(net).find("--block-ms"), std::string::npos);
}

TEST(DevNetwork, a_base_path_knows_its_workers) {
  const auto folder = *TemporaryFolder::make("phala-dev-network-test");
  const auto& base = folder.path();
  EXPECT_EQ(*workers_of(base, {}), usual_workers) << "a new one";
  EXPECT_EQ(*workers_of(base, 5), 5u);
  EXPECT_FALSE(workers_of(base, 0));
  EXPECT_FALSE(workers_of(base, most_workers + 1));
  ASSERT_TRUE(replace_file(base / "network.json", as_bytes("{\"workers\": 3}")));
  EXPECT_EQ(*workers_of(base, 5), 5u) << "the first attempt ended before it had a chain";
  ASSERT_TRUE(replace_file(base / "chain.json", as_bytes("{}")));
  EXPECT_EQ(*workers_of(base, {}), 3u);
  EXPECT_EQ(*workers_of(base, 1), 1u);
  const auto more = workers_of(base, 4);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::refused);
  EXPECT_NE(more.error().text().find("--workers 3"), std::string::npos) << more.error().text();
  ASSERT_TRUE(replace_file(base / "network.json", as_bytes("")));
  EXPECT_NE(workers_of(base, {}).error().message.find("network.json"), std::string::npos);
}

TEST(DevNetwork, the_relay_serves_every_worker_with_its_own_token) {
  auto net = network();
  net.workers = 3;
  const auto programs = programs_of(net);
  ASSERT_EQ(programs.size(), 5u);
  EXPECT_EQ(programs.front().name, "node");
  const auto& relay = programs.back().command;
  for (u64 i = 0; i < net.workers; ++i) {
    const auto at = std::find(relay.begin(), relay.end(), net.private_url(i));
    ASSERT_TRUE(at != relay.end() && relay.end() - at > 2);
    EXPECT_EQ(at[2], "/base/worker-" + std::to_string(i + 1) + "/token");
  }
}

}  // namespace
}  // namespace phala::cli

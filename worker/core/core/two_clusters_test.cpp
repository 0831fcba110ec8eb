// Clusters on one chain have nothing in common, whatever runs in them.
#include <gtest/gtest.h>

#include "core/keys.hpp"
#include "core/test_world.hpp"
#include "crypto/cipher.hpp"
#include "crypto/hash.hpp"

namespace phala::worker {
namespace {

using namespace test;

/// Two clusters of one owner on one chain, a worker in each.
struct TwoClustersTest : testing::Test {
  World world{2};
  /// Stores what it is sent.
  const Bytes code = engine::test::contract(engine::test::answering("(drop (call $seal2.set_storage (i32.const 0x300) (i32.const 1) (i32.const 0x1000) (local.get $n)))"));
  protocol::ClusterId ids[2] = {Hash(Bytes(32, 1)), Hash(Bytes(32, 2))};
  protocol::ContractId contracts[2];

  void SetUp() override {
    world.launch();
    for (size_t i = 0; i < 2; ++i) {
      protocol::DeployCluster order{};
      order.cluster = ids[i];
      order.owner = AccountId(Bytes(32, 0xa1));
      order.deposit = 1'000'000'000'000'000;
      order.gas_price = 1;
      order.treasury_account = AccountId(Bytes(32, 0x77));
      order.system_code = engine::test::contract("");
      order.runtime_version = {1, 2};
      order.workers = {{world.key(i), world.key(i)}};
      world.pallet_says(protocol::topic::cluster_event, protocol::ClusterEvent(order));
    }
    world.run_blocks(3);
    for (size_t i = 0; i < 2; ++i) {
      world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xa1)), ids[i], protocol::ResourceType::ink_code, code});
      world.cluster = ids[i];
      contracts[i] = world.instantiate(crypto::blake2_256(code));
    }
    world.run_block();
  }
  const Cluster& cluster(size_t i) const { return *world.workers[i].machine.cluster; }
  void send(size_t i, Bytes input) {
    world.command(contracts[i], protocol::PlainCommand{protocol::InkCommand{protocol::InkMessage{Bytes(32, 5), std::move(input), 0, 100'000'000'000, {}}}});
  }
  std::optional<Bytes> stored(size_t i) const { return cluster(i).state.storage(contracts[i].as<AccountId>(), Bytes{0}); }
};

TEST_F(TwoClustersTest, contracts_of_equal_code_and_deployer_are_unrelated) {
  EXPECT_EQ(cluster(0).id, ids[0]);
  EXPECT_EQ(cluster(1).id, ids[1]);
  EXPECT_NE(cluster(0).key->public_key(), cluster(1).key->public_key());
  EXPECT_NE(*cluster(0).system_contract(), *cluster(1).system_contract());
  ASSERT_NE(contracts[0], contracts[1]);
  EXPECT_NE(contract_key(*cluster(0).key, contracts[0]).public_key(), contract_key(*cluster(1).key, contracts[1]).public_key());
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(cluster(i).contracts.contains(contracts[i]));
    EXPECT_FALSE(cluster(i).contracts.contains(contracts[1 - i]));
  }
}

TEST_F(TwoClustersTest, what_one_is_told_the_other_does_not_notice) {
  const Hash before = cluster(1).state.root();
  send(0, {7, 7});
  world.run_block();
  EXPECT_EQ(stored(0), (Bytes{7, 7}));
  EXPECT_EQ(stored(1), std::nullopt);
  EXPECT_EQ(cluster(1).state.root(), before);
  send(1, {8});
  world.operate(protocol::Deposit{ids[1], AccountId(Bytes(32, 0xb1)), 5});
  world.run_block();
  EXPECT_EQ(stored(0), (Bytes{7, 7}));
  EXPECT_EQ(stored(1), (Bytes{8}));
  EXPECT_EQ(cluster(0).state.account(AccountId(Bytes(32, 0xb1))).free, 0u);
  EXPECT_EQ(cluster(1).state.account(AccountId(Bytes(32, 0xb1))).free, 5u);
}

TEST_F(TwoClustersTest, an_order_sealed_for_one_does_not_open_in_the_other) {
  const auto me = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 0x61)));
  const protocol::InkCommand order{protocol::InkMessage{Bytes(32, 5), {9}, 0, 100'000'000'000, {}}};
  const auto sealed_for = [&](size_t i) {
    const auto agreed = *me.agree(contract_key(*cluster(i).key, contracts[i]).public_key());
    const crypto::Iv iv(Bytes(12, 3));
    return protocol::CommandPayload(protocol::EncryptedCommand{{iv.as<FixedBytes<12>>(), me.public_key(), crypto::aes256gcm_seal(agreed, iv, scale::encode(order))}});
  };
  world.command(contracts[1], sealed_for(0));
  world.run_block();
  EXPECT_EQ(stored(1), std::nullopt);
  world.command(contracts[1], sealed_for(1));
  world.run_block();
  EXPECT_EQ(stored(1), (Bytes{9}));
}

TEST_F(TwoClustersTest, one_ends_and_the_other_goes_on) {
  world.operate(protocol::DestroyCluster{ids[0]});
  send(1, {4});
  world.run_block();
  EXPECT_FALSE(world.workers[0].machine.cluster.has_value());
  EXPECT_EQ(stored(1), (Bytes{4}));
}

}  // namespace
}  // namespace phala::worker

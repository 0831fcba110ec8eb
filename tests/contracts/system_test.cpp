// The shipped system contract and its driver, as wasm, in the engine.
#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "world.hpp"

namespace phala::contracts_test {
namespace {

using engine::test::data_of;
using engine::test::error_of;

struct SystemContract : testing::Test {
  World world;
  const engine::ContractId& system = world.system;
};

TEST_F(SystemContract, comes_up_with_the_cluster_at_its_address) {
  const Hash code = crypto::blake2_256(built_wasm("system"));
  EXPECT_EQ(system, engine::contract_address(alice, code, world.state.config()->cluster_id, {}));
  EXPECT_EQ(to_hex(world.query_raw(system, *from_hex("feaea4fa"))), "00" + to_hex(alice));
  EXPECT_EQ(world.query(system, sys::Version{}).value(), (sys::VersionNumber{1, 2, 0}));
  EXPECT_EQ(world.query(system, sys::CodeHash{system}).value(), code);
  EXPECT_TRUE(world.query(system, sys::CodeExists{code, sys::CodeType::Ink}).value());
  EXPECT_FALSE(world.query(system, sys::CodeExists{code, sys::CodeType::Sidevm}).value());
}

TEST_F(SystemContract, drivers_survive_in_storage_with_their_block) {
  EXPECT_EQ(world.query(system, sys::GetDriver{"PinkLogger"}).value(), std::nullopt);
  EXPECT_EQ(world.send(bob, system, sys::SetDriver{"PinkLogger", bob})->error(), sys::SystemError::PermisionDenied);
  EXPECT_TRUE(world.last.effects.pink_events.empty());

  ASSERT_TRUE(world.send(alice, system, sys::SetDriver{"PinkLogger", account(5)})->has_value()) << error_of(world.last);
  ASSERT_EQ(world.last.effects.pink_events.size(), 1u);
  EXPECT_EQ(world.last.effects.pink_events[0].event.get_if<engine::SetLogHandler>()->contract, account(5));
  ASSERT_EQ(world.last.effects.ink_events.size(), 1u);
  Bytes topic = concat(Bytes{0}, as_bytes("System::DriverChanged"));
  topic.resize(32);
  EXPECT_EQ(to_bytes(world.last.effects.ink_events[0].topics.at(0).view()), topic);

  world.context.block_number = 101;
  ASSERT_TRUE(world.send(alice, system, sys::SetDriver{"PinkLogger", account(6)})->has_value());
  EXPECT_EQ(world.query(system, sys::GetDriver{"PinkLogger"}).value(), account(6));
  EXPECT_EQ(world.query(system, sys::GetDriver2{"PinkLogger"}).value(), (std::pair<u32, AccountId>{101, account(6)}));
  EXPECT_EQ(world.query(system, sys::DriverHistory{"PinkLogger"}).value(), (std::vector<std::pair<u32, AccountId>>{{100, account(5)}, {101, account(6)}}));
}

TEST_F(SystemContract, only_administrators_steer_workers) {
  const sys::SetHook hook{sdk::pink::HookPoint::OnBlockEnd, bob, 0xdeadbeef, 1000};
  EXPECT_EQ(world.send(alice, system, hook)->error(), sys::SystemError::PermisionDenied);
  ASSERT_TRUE(world.send(alice, system, sys::GrantAdmin{alice})->has_value());
  EXPECT_TRUE(world.query(system, sys::IsAdmin{alice}).value());
  ASSERT_TRUE(world.send(alice, system, hook)->has_value());
  ASSERT_EQ(world.last.effects.pink_events.size(), 1u);
  const auto* event = world.last.effects.pink_events[0].event.get_if<engine::SetHook>();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(world.last.effects.pink_events[0].contract, system);
  EXPECT_EQ(event->selector, 0xdeadbeefu);
  EXPECT_EQ(event->gas_limit, 1000u);

  ASSERT_TRUE(world.send(alice, system, sys::DeploySidevmToWorkers{bob, Hash{}, {{9}}, {}})->has_value());
  const auto* start = world.last.effects.pink_events.at(0).event.get_if<engine::SidevmOperationEvent>();
  ASSERT_NE(start, nullptr);
  EXPECT_EQ(start->operation.get_if<engine::SidevmStart>()->config.vital_capacity, 50'000'000'000u);
}

TEST_F(SystemContract, balances_and_event_chain_are_those_of_the_cluster) {
  EXPECT_EQ(world.query(system, sys::FreeBalanceOf{bob}).value(), 1'000 * unit);
  EXPECT_EQ(world.query(system, sys::TotalBalanceOf{bob}).value(), 1'000 * unit);
  const auto before = world.query(system, sys::CurrentEventChainHead{}).value();
  ASSERT_TRUE(world.send(alice, system, sys::GrantAdmin{bob})->has_value());
  EXPECT_GT(world.query(system, sys::CurrentEventChainHead{}).value().first, before.first);
}

TEST_F(SystemContract, stake_becomes_weight_through_the_driver) {
  const auto driver = world.deploy(built_wasm("tokenomic"), *from_hex("ed4b9d1b"));
  ASSERT_TRUE(driver) << error_of(world.last);
  const sys::ChangeDeposit change{bob, 25'000'000'000};
  EXPECT_TRUE(world.send(alice, system, change)->error().is<sys::BadOrigin>());
  EXPECT_TRUE(world.send(system, system, change)->has_value());
  EXPECT_TRUE(world.last.effects.pink_events.empty());

  ASSERT_TRUE(world.send(alice, system, sys::SetDriver{"ContractDeposit", *driver})->has_value());
  const auto refused = world.send(system, system, change);
  ASSERT_TRUE(refused.has_value()) << error_of(world.last);
  EXPECT_EQ(refused->error().get_if<sys::SystemError_>()->_0, sys::SystemError::PermisionDenied);

  ASSERT_TRUE(world.send(alice, system, sys::GrantAdmin{*driver})->has_value());
  ASSERT_TRUE(world.send(system, system, change)->has_value()) << error_of(world.last);
  const auto* weight = world.last.effects.pink_events.at(0).event.get_if<engine::SetContractWeight>();
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->contract, bob);
  EXPECT_EQ(weight->weight, 2u);
  EXPECT_EQ(world.last.effects.pink_events[0].contract, system);
}

TEST_F(SystemContract, upgrades_to_released_code_that_accepts) {
  EXPECT_EQ(world.send(bob, system, sys::UpgradeSystemContract{})->error(), sys::SystemError::PermisionDenied);
  const Hash before = crypto::blake2_256(built_wasm("system"));
  const auto code_now = [&] { return world.query(system, sys::CodeHash{system}).value().value(); };

  const Bytes unfit = built_wasm("tokenomic");   // does not answer do_upgrade
  world.context.latest_system_code = unfit;
  EXPECT_EQ(world.send(alice, system, sys::UpgradeSystemContract{})->error(), sys::SystemError::ConditionNotMet) << error_of(world.last);
  EXPECT_EQ(code_now(), before);

  Bytes next = built_wasm("system");   // the same program with one more data byte that nothing reads: a custom section
  append(next, Bytes{0, 2, 1, 'x'});
  world.context.latest_system_code = next;
  ASSERT_TRUE(world.send(alice, system, sys::UpgradeSystemContract{})->has_value()) << error_of(world.last);
  EXPECT_EQ(code_now(), crypto::blake2_256(next));
  EXPECT_EQ(world.query(system, sys::Version{}).value(), (sys::VersionNumber{1, 2, 0}));
}

TEST_F(SystemContract, an_upgrade_keeps_owner_administrators_drivers_and_their_history) {
  const auto driver = world.deploy(built_wasm("tokenomic"), *from_hex("ed4b9d1b"));
  ASSERT_TRUE(driver) << error_of(world.last);
  ASSERT_TRUE(world.send(alice, system, sys::SetDriver{"ContractDeposit", bob})->has_value());
  world.context.block_number = 107;
  ASSERT_TRUE(world.send(alice, system, sys::SetDriver{"ContractDeposit", *driver})->has_value());
  ASSERT_TRUE(world.send(alice, system, sys::GrantAdmin{*driver})->has_value());
  ASSERT_TRUE(world.send(system, system, sys::ChangeDeposit{bob, 30'000'000'000})->has_value()) << error_of(world.last);
  const auto chain_before = world.query(system, sys::CurrentEventChainHead{}).value();

  Bytes next = built_wasm("system");
  append(next, Bytes{0, 2, 1, 'y'});
  world.context.latest_system_code = next;
  ASSERT_TRUE(world.send(alice, system, sys::UpgradeSystemContract{})->has_value()) << error_of(world.last);
  ASSERT_EQ(world.query(system, sys::CodeHash{system}).value(), crypto::blake2_256(next));

  EXPECT_EQ(to_hex(world.query_raw(system, *from_hex("feaea4fa"))), "00" + to_hex(alice));
  EXPECT_TRUE(world.query(system, sys::IsAdmin{*driver}).value());
  EXPECT_FALSE(world.query(system, sys::IsAdmin{bob}).value());
  EXPECT_EQ(world.query(system, sys::GetDriver2{"ContractDeposit"}).value(), (std::pair<u32, AccountId>{107, *driver}));
  EXPECT_EQ(world.query(system, sys::DriverHistory{"ContractDeposit"}).value(), (std::vector<std::pair<u32, AccountId>>{{100, bob}, {107, *driver}}));
  EXPECT_GE(world.query(system, sys::CurrentEventChainHead{}).value().first, chain_before.first);
  // and all of it works together as before
  ASSERT_TRUE(world.send(system, system, sys::ChangeDeposit{bob, 70'000'000'000})->has_value()) << error_of(world.last);
  EXPECT_EQ(world.last.effects.pink_events.at(0).event.get_if<engine::SetContractWeight>()->weight, 7u);
  // the step between the two codes is nobody's to take from outside
  EXPECT_EQ(world.send(alice, system, sys::DoUpgrade{{1, 2, 0}})->error(), sys::SystemError::PermisionDenied);
}

TEST_F(SystemContract, only_its_owner_asks_for_another_engine) {
  EXPECT_EQ(world.send(bob, system, sys::UpgradeRuntime{{1, 3}})->error(), sys::SystemError::PermisionDenied);
  EXPECT_TRUE(world.last.effects.pink_events.empty());
  // one that is not released is refused, and the reason is in the log
  EXPECT_EQ(world.send(alice, system, sys::UpgradeRuntime{{1, 3}})->error(), sys::SystemError::ConditionNotMet);
  EXPECT_TRUE(world.last.effects.pink_events.empty());
  ASSERT_FALSE(world.last.effects.logs.empty());
  EXPECT_EQ(world.last.effects.logs[0].message, "contract runtime 1.3 is not released: the chain names none, and this cluster runs 1.2");
  world.context.named_runtime = {1, 3};
  ASSERT_TRUE(world.send(alice, system, sys::UpgradeRuntime{{1, 3}})->has_value());
  EXPECT_EQ(world.last.effects.pink_events.at(0).event.get_if<engine::UpgradeRuntimeTo>()->version, (std::pair<u32, u32>{1, 3}));
}

TEST_F(SystemContract, unknown_messages_and_value_are_refused) {
  EXPECT_EQ(to_hex(world.send_raw(alice, system, *from_hex("00000000"))), "0101");
  EXPECT_TRUE(world.last.result.result->reverted());
  EXPECT_EQ(to_hex(world.send_raw(alice, system, *from_hex("2740cf0aff"))), "0101");   // get_driver with half a string
  world.send_raw(alice, system, *from_hex("feaea4fa"), 1);
  EXPECT_FALSE(world.last.result.result.has_value());
}

}  // namespace
}  // namespace phala::contracts_test

#include "system.hpp"

#include <gtest/gtest.h>

#include "phala/testing.hpp"

namespace system_contract {
namespace {

AccountId account(u8 n) { return AccountId(std::array<u8, 32>{n}); }

struct SystemTest : testing::Test {
  TestHost host;
  const AccountId owner = account(1), admin = account(2), stranger = account(3), self = account(9);

  template <class M>
  auto send(const M& message) { return host.send<System>(message); }
  template <class M>
  auto send_as(const AccountId& who, const M& message) {
    host.caller = who;
    return host.send<System>(message);
  }
  void SetUp() override {
    host.self = self;
    host.caller = owner;
    ASSERT_FALSE(host.deploy<System>(System::Default{}).trapped);
    ASSERT_TRUE(send(system::GrantAdmin{admin})->has_value());
    host.events.clear();
  }
  /// The body of the only pink event of the last calls.
  Bytes pink_event() {
    Bytes found;
    for (const auto& event : host.events)
      if (event.topics.size() == 1 && event.topics[0] == pink::event_topic()) {
        EXPECT_TRUE(found.empty());
        found = event.data;
      }
    return found;
  }
};

TEST_F(SystemTest, owner_is_who_created_it_and_is_no_administrator) {
  EXPECT_EQ(send(System::Owner{}).value(), owner);
  EXPECT_FALSE(send(system::IsAdmin{owner}).value());
  EXPECT_TRUE(send(system::IsAdmin{admin}).value());
  EXPECT_EQ(send(system::SetContractWeight{stranger, 5})->error(), SystemError::PermisionDenied);
  EXPECT_EQ(send(system::Version{}).value(), this_version);
}

TEST_F(SystemTest, only_the_owner_appoints_administrators) {
  for (const auto& who : {admin, stranger}) EXPECT_EQ(send_as(who, system::GrantAdmin{stranger})->error(), SystemError::PermisionDenied);
  EXPECT_FALSE(send(system::IsAdmin{stranger}).value());
}

TEST_F(SystemTest, drivers_are_set_by_owner_and_administrators_and_remembered) {
  EXPECT_EQ(send(system::GetDriver{"ContractDeposit"}).value(), std::nullopt);
  EXPECT_EQ(send(system::DriverHistory{"ContractDeposit"}).value(), std::nullopt);
  EXPECT_EQ(send_as(stranger, system::SetDriver{"ContractDeposit", account(7)})->error(), SystemError::PermisionDenied);
  host.block = 10;
  EXPECT_TRUE(send_as(owner, system::SetDriver{"ContractDeposit", account(7)})->has_value());
  host.block = 20;
  EXPECT_TRUE(send_as(admin, system::SetDriver{"ContractDeposit", account(8)})->has_value());
  EXPECT_EQ(send(system::GetDriver{"ContractDeposit"}).value(), account(8));
  EXPECT_EQ(send(system::GetDriver2{"ContractDeposit"}).value(), (std::pair<BlockNumber, AccountId>{20, account(8)}));
  EXPECT_EQ(send(system::DriverHistory{"ContractDeposit"}).value(),
            (std::vector<std::pair<BlockNumber, AccountId>>{{10, account(7)}, {20, account(8)}}));
  ASSERT_EQ(host.events.size(), 2u);
  EXPECT_EQ(host.events[1].data, scale::encode(u8{0}, std::string("ContractDeposit"), std::optional(account(7)), account(8)));
  EXPECT_TRUE(pink_event().empty());
}

TEST_F(SystemTest, a_long_driver_name_is_refused_and_a_long_history_is_cut_to_the_newest) {
  EXPECT_EQ(send(system::SetDriver{std::string(max_driver_name + 1, 'x'), admin})->error(), SystemError::ConditionNotMet);
  EXPECT_EQ(send(system::GetDriver{std::string(200, 'x')}).value(), std::nullopt);
  for (u32 i = 0; i < max_history + 3; ++i) {
    host.block = i;
    ASSERT_TRUE(send(system::SetDriver{"x", admin})->has_value());
  }
  const auto history = send(system::DriverHistory{"x"}).value();
  ASSERT_EQ(history->size(), max_history);
  EXPECT_EQ(history->front().first, 3u);
  EXPECT_EQ(history->back().first, max_history + 2);
}

TEST_F(SystemTest, two_driver_names_reach_the_worker) {
  ASSERT_TRUE(send(system::SetDriver{"PinkLogger", account(5)})->has_value());
  EXPECT_EQ(pink_event(), scale::encode(u8{8}, account(5)));
  host.events.clear();
  ASSERT_TRUE(send(system::SetDriver{"JsRuntime", account(6)})->has_value());
  EXPECT_EQ(pink_event(), scale::encode(u8{12}, account(6)));
}

TEST_F(SystemTest, administrators_steer_the_worker_by_events) {
  const Hash code(std::array<u8, 32>{4});
  const auto expect = [&](const auto& message, const Bytes& event) {
    host.events.clear();
    EXPECT_EQ(send_as(owner, message)->error(), SystemError::PermisionDenied);
    EXPECT_TRUE(host.events.empty());
    EXPECT_TRUE(send_as(admin, message)->has_value());
    EXPECT_EQ(to_hex(pink_event()), to_hex(event));
  };
  expect(system::SetHook{pink::HookPoint::OnBlockEnd, stranger, 0xdeadbeef, 100}, scale::encode(u8{2}, u8{0}, stranger, u32{0xdeadbeef}, u64{100}));
  expect(system::DeploySidevmTo{stranger, code}, scale::encode(u8{3}, stranger, code));
  expect(system::StopSidevmAt{stranger}, scale::encode(u8{7}, stranger));
  expect(system::SetContractWeight{stranger, 77}, scale::encode(u8{9}, stranger, u32{77}));
  expect(system::SetSidevmDeadline{stranger, 9}, scale::encode(u8{11}, u8{1}, stranger, u32{9}));
  const std::vector<std::array<u8, 32>> workers{{1}, {2}};
  expect(system::DeploySidevmToWorkers{stranger, code, workers, {}},
         scale::encode(u8{11}, u8{0}, stranger, code, u8{1}, workers, u32{10 << 20}, u32{1024}, u64{50'000'000'000}, u32{0xffffffff}));
}

TEST_F(SystemTest, questions_go_to_the_worker) {
  u16 id = 0;
  Bytes seen, answer;
  host.extension = [&](u16 i, ByteView input) {
    id = i;
    seen = to_bytes(input);
    return TestHost::Answer{0, answer};
  };
  answer = scale::encode(u128{9}, u128{8});
  EXPECT_EQ(send(system::TotalBalanceOf{stranger}).value(), u128{9});
  EXPECT_EQ(send(system::FreeBalanceOf{stranger}).value(), u128{8});
  EXPECT_EQ(id, 16);
  answer = {1};
  EXPECT_TRUE(send(system::CodeExists{Hash{}, system::CodeType::Sidevm}).value());
  EXPECT_EQ(seen, scale::encode(Hash{}, true));
  EXPECT_EQ(id, 19);
  answer = scale::encode(u64{5}, Hash{});
  EXPECT_EQ(send(system::CurrentEventChainHead{}).value(), (std::pair<u64, Hash>{5, Hash{}}));
  host.code_of[stranger] = Hash(std::array<u8, 32>{6});
  EXPECT_EQ(send(system::CodeHash{stranger}).value(), Hash(std::array<u8, 32>{6}));
  EXPECT_EQ(send(system::CodeHash{admin}).value(), std::nullopt);
}

TEST_F(SystemTest, upgrade_switches_code_only_when_the_new_code_accepts) {
  const Hash old_code(std::array<u8, 32>{1}), new_code(std::array<u8, 32>{2});
  host.own_code = old_code;
  std::optional<Hash> released;
  host.extension = [&](u16 id, ByteView input) {
    EXPECT_EQ(id, 20);
    EXPECT_EQ(to_bytes(input), to_bytes(owner.view()));
    return TestHost::Answer{0, scale::encode(released)};
  };
  EXPECT_EQ(send_as(admin, system::UpgradeSystemContract{})->error(), SystemError::PermisionDenied);
  EXPECT_EQ(send_as(owner, system::UpgradeSystemContract{})->error(), SystemError::CodeNotFound);
  released = old_code;
  EXPECT_TRUE(send(system::UpgradeSystemContract{})->has_value());
  released = new_code;
  host.peer = [&](const AccountId& callee, u32 flags, Balance, ByteView input) {
    EXPECT_EQ(callee, self);
    EXPECT_EQ(flags, 8u);
    EXPECT_EQ(to_hex(input), "667e0041010002000000");
    return TestHost::Answer{0, {0, 0}};
  };
  EXPECT_TRUE(send(system::UpgradeSystemContract{})->has_value());
  EXPECT_EQ(host.own_code, new_code);
  host.own_code = old_code;
  host.peer = [](auto&&...) { return TestHost::Answer{2, {0, 1, 3}}; };
  EXPECT_EQ(send(system::UpgradeSystemContract{})->error(), SystemError::ConditionNotMet);
}

TEST_F(SystemTest, do_upgrade_is_for_itself_and_never_backwards) {
  host.extension = [](u16, ByteView) { return TestHost::Answer{0, scale::encode(u32{1}, u32{2})}; };
  EXPECT_EQ(send_as(owner, system::DoUpgrade{{1, 0, 0}})->error(), SystemError::PermisionDenied);
  EXPECT_TRUE(send_as(self, system::DoUpgrade{{1, 0, 0}})->has_value());
  EXPECT_EQ(send_as(self, system::DoUpgrade{{1, 3, 0}})->error(), SystemError::ConditionNotMet);
  host.extension = [](u16, ByteView) { return TestHost::Answer{0, scale::encode(u32{1}, u32{1})}; };
  EXPECT_EQ(send_as(self, system::DoUpgrade{{1, 0, 0}})->error(), SystemError::ConditionNotMet);
}

TEST_F(SystemTest, another_engine_is_asked_for_in_a_frame_of_its_own) {
  EXPECT_EQ(send_as(admin, system::UpgradeRuntime{{1, 3}})->error(), SystemError::PermisionDenied);
  host.peer = [&](const AccountId& callee, u32 flags, Balance, ByteView input) {
    EXPECT_EQ(callee, self);
    EXPECT_EQ(flags, 8u);
    EXPECT_EQ(to_hex(input), "317f6bf30100000003000000");
    return TestHost::Answer{0, {0, 0}};
  };
  EXPECT_TRUE(send_as(owner, system::UpgradeRuntime{{1, 3}})->has_value());
  EXPECT_TRUE(host.events.empty());   // that frame emits it
  EXPECT_TRUE(send_as(self, system::UpgradeRuntime{{1, 3}})->has_value());
  EXPECT_EQ(pink_event(), scale::encode(u8{10}, u32{1}, u32{3}));
  host.peer = [](auto&&...) { return TestHost::Answer{1, {}}; };   // the version is not released
  EXPECT_EQ(send_as(owner, system::UpgradeRuntime{{1, 4}})->error(), SystemError::ConditionNotMet);
}

TEST_F(SystemTest, deposits_come_from_the_chain_and_go_to_the_driver) {
  const system::ChangeDeposit change{stranger, 1000};
  EXPECT_TRUE(send_as(owner, change)->error().is<system::BadOrigin>());
  EXPECT_TRUE(send_as(self, change)->has_value());   // no driver: nothing to do
  ASSERT_TRUE(send_as(owner, system::SetDriver{"ContractDeposit", account(7)})->has_value());
  host.peer = [&](const AccountId& callee, u32 flags, Balance, ByteView input) {
    EXPECT_EQ(callee, account(7));
    EXPECT_EQ(flags, 8u);
    EXPECT_EQ(to_bytes(input), concat(*from_hex("a24bcb44"), stranger, scale::encode(u128{1000})));
    return TestHost::Answer{0, {0, 0}};
  };
  EXPECT_TRUE(send_as(self, change)->has_value());
  host.peer = [](auto&&...) { return TestHost::Answer{2, {0, 1, 2}}; };
  EXPECT_TRUE(send_as(self, change)->error().is<system::BadOrigin>());
  host.peer = [](auto&&...) { return TestHost::Answer{1, {}}; };
  EXPECT_TRUE(send_as(self, change)->error().is<system::Other>());
}

}  // namespace
}  // namespace system_contract

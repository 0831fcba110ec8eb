#include "tokenomic.hpp"

#include <gtest/gtest.h>

#include "phala/testing.hpp"

namespace tokenomic {
namespace {

struct TokenomicTest : testing::Test {
  TestHost host;
  const AccountId system_id = AccountId(std::array<u8, 32>{1}), target = AccountId(std::array<u8, 32>{2});
  std::optional<u32> weight;
  TestHost::Answer answer{0, {0, 0}};

  void SetUp() override {
    ASSERT_FALSE(host.deploy<Tokenomic>(Tokenomic::Default{}).trapped);
    host.caller = system_id;
    host.extension = [this](u16 id, ByteView) {
      EXPECT_EQ(id, 15);
      return TestHost::Answer{0, to_bytes(system_id.view())};
    };
    host.peer = [this](const AccountId& callee, u32, Balance, ByteView input) {
      EXPECT_EQ(callee, system_id);
      EXPECT_EQ(to_hex(input.first(4)), "45ec9b18");
      EXPECT_EQ(AccountId(input.subspan(4, 32)), target);
      weight = load_le<u32>(input.data() + 36);
      return answer;
    };
  }
  auto change(Balance deposit) { return host.send<Tokenomic>(system::ChangeDeposit{target, deposit}).value(); }
};

TEST_F(TokenomicTest, weight_follows_the_deposit_and_is_capped) {
  EXPECT_TRUE(change(0).has_value());
  EXPECT_EQ(weight, 0u);
  EXPECT_TRUE(change(deposit_per_weight * 5 + 1).has_value());
  EXPECT_EQ(weight, 5u);
  EXPECT_TRUE(change(~Balance{0}).has_value());
  EXPECT_EQ(weight, 0xffffffffu);
}

TEST_F(TokenomicTest, only_the_system_contract_is_believed) {
  host.caller = target;
  EXPECT_TRUE(change(1).error().is<system::BadOrigin>());
  EXPECT_EQ(weight, std::nullopt);
}

TEST_F(TokenomicTest, a_refusal_is_passed_on) {
  answer = {2, {0, 1, 0}};   // this driver is not an administrator
  EXPECT_EQ(change(1).error().get_if<system::SystemError_>()->_0, system::SystemError::PermisionDenied);
  answer = {1, {}};
  EXPECT_TRUE(change(1).error().is<system::Other>());
}

}  // namespace
}  // namespace tokenomic

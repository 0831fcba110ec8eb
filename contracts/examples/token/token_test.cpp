#include "token.hpp"

#include <gtest/gtest.h>

#include "phala/testing.hpp"

namespace token {
namespace {

AccountId account(u8 n) { return AccountId(std::array<u8, 32>{n}); }

struct TokenTest : testing::Test {
  TestHost host;
  const AccountId issuer = account(1), ann = account(2), ben = account(3);
  void SetUp() override {
    host.caller = issuer;
    ASSERT_FALSE(host.deploy<Token>(Token::New{"Gold", "GLD", 12, 1000}).trapped);
  }
  Balance balance(const AccountId& who) {
    host.caller = who;
    return host.send<Token>(Token::MyBalance{}).value();
  }
  template <class M>
  auto as(const AccountId& who, const M& message) {
    host.caller = who;
    return host.send<Token>(message);
  }
};

TEST_F(TokenTest, the_issuer_holds_the_supply_and_can_pass_it_on) {
  EXPECT_TRUE(as(issuer, Token::Transfer{ann, 400})->has_value());
  EXPECT_EQ(balance(issuer), 600u);
  EXPECT_EQ(balance(ann), 400u);
  EXPECT_TRUE(host.events.empty());
  EXPECT_EQ(as(ann, Token::Transfer{ben, 401})->error(), Error::InsufficientBalance);
  EXPECT_TRUE(as(ann, Token::Transfer{ann, 400})->has_value());
  EXPECT_EQ(balance(ann), 400u);
  EXPECT_TRUE(as(ann, Token::TransferPublicly{ben, 400})->has_value());
  EXPECT_EQ(host.events.size(), 1u);
  EXPECT_EQ(balance(ann) + balance(ben), 400u);
}

TEST_F(TokenTest, an_emptied_account_leaves_nothing_in_storage) {
  const auto before = host.storage.size();
  EXPECT_TRUE(as(issuer, Token::Transfer{ann, 5})->has_value());
  EXPECT_EQ(host.storage.size(), before + 1);
  EXPECT_TRUE(as(ann, Token::Transfer{issuer, 5})->has_value());
  EXPECT_EQ(host.storage.size(), before);
}

TEST_F(TokenTest, an_allowance_is_spent_once_and_known_to_two) {
  EXPECT_TRUE(as(issuer, Token::Approve{ann, 100}));
  EXPECT_EQ(as(issuer, Token::Allowance{issuer, ann}).value(), Balance{100});
  EXPECT_EQ(as(ann, Token::Allowance{issuer, ann}).value(), Balance{100});
  EXPECT_EQ(as(ben, Token::Allowance{issuer, ann}).value(), std::nullopt);
  EXPECT_EQ(as(ben, Token::TransferFrom{issuer, ben, 1})->error(), Error::InsufficientAllowance);
  EXPECT_TRUE(as(ann, Token::TransferFrom{issuer, ben, 70})->has_value());
  EXPECT_EQ(as(ann, Token::TransferFrom{issuer, ben, 31})->error(), Error::InsufficientAllowance);
  EXPECT_TRUE(as(ann, Token::TransferFrom{issuer, ben, 30})->has_value());
  EXPECT_EQ(as(ann, Token::Allowance{issuer, ann}).value(), Balance{0});
  EXPECT_EQ(balance(ben), 100u);
}

TEST_F(TokenTest, only_the_issuer_mints_and_the_supply_cannot_overflow) {
  EXPECT_EQ(as(ann, Token::Mint{ann, 1}).error(), CallError::callee_trapped);
  EXPECT_EQ(as(issuer, Token::Mint{ann, ~Balance{0} - 999})->error(), Error::SupplyTooLarge);
  EXPECT_TRUE(as(issuer, Token::Mint{ann, 50})->has_value());
  EXPECT_EQ(as(ann, Token::Burn{51})->error(), Error::InsufficientBalance);
  EXPECT_TRUE(as(ann, Token::Burn{20})->has_value());
  EXPECT_EQ(as(ben, Token::TotalSupply{}).value(), 1030u);
}

}  // namespace
}  // namespace token

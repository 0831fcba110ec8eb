#include "balances/balances.hpp"

#include "frame/testing.hpp"

namespace phala::pallets {
namespace {

using Error = Balances::Error;
constexpr Balance pha = Balances::pha, ed = Balances::existential_deposit;

class BalancesTest : public testing::PalletTest {
 protected:
  Balance free(const AccountId& who) const { return p.balances.free_balance(who); }
  /// Nothing appears or vanishes: all balances add up to the issuance.
  ~BalancesTest() override {
    Balance sum = 0;
    p.system.account.for_each([&](const AccountId&, const AccountInfo& info) { sum += info.data.free + info.data.reserved; });
    EXPECT_EQ(sum, p.balances.total_issuance.get());
  }
};

TEST_F(BalancesTest, a_transfer_makes_an_account) {
  ASSERT_TRUE(call(alice, Balances::TransferKeepAlive{charlie, {5 * pha}}).has_value());
  EXPECT_EQ(free(charlie), 5 * pha);
  EXPECT_EQ(free(alice), 995 * pha);
  EXPECT_EQ(p.system.account.get(charlie).providers, 1u);
  EXPECT_TRUE(emitted(System::NewAccount{charlie}));
  EXPECT_TRUE(emitted(Balances::Endowed{charlie, 5 * pha}));
  EXPECT_TRUE(emitted(Balances::Transfer{alice, charlie, 5 * pha}));
}

TEST_F(BalancesTest, transfers_are_refused_with_reasons) {
  EXPECT_EQ(error(alice, Balances::TransferKeepAlive{bob, {1001 * pha}}), DispatchError(TokenError::funds_unavailable));
  EXPECT_EQ(error(alice, Balances::TransferKeepAlive{bob, {1000 * pha}}), DispatchError(TokenError::not_expendable));
  EXPECT_EQ(error(alice, Balances::TransferAllowDeath{charlie, {ed - 1}}), DispatchError(TokenError::below_minimum));
  EXPECT_EQ(error(alice, Balances::TransferAllowDeath{MultiAddress(address::Index{{1}}), {1}}), DispatchError(DispatchError::Kind::cannot_lookup));
  EXPECT_EQ(error(Origin::root(), Balances::TransferAllowDeath{bob, {1}}), testing::bad_origin);
  EXPECT_EQ(error(Origin::none(), Balances::TransferAllowDeath{bob, {1}}), testing::bad_origin);
  EXPECT_EQ(error(alice, Balances::ForceTransfer{alice, bob, {1}}), testing::bad_origin);
}

TEST_F(BalancesTest, death_ends_the_account_and_burns_dust) {
  ASSERT_TRUE(call(alice, Balances::TransferAllowDeath{bob, {1000 * pha - 5}}).has_value());
  EXPECT_FALSE(p.system.account.contains(alice));
  EXPECT_TRUE(emitted(System::KilledAccount{alice}));
  EXPECT_TRUE(emitted(Balances::DustLost{alice, 5}));
}

TEST_F(BalancesTest, an_account_that_others_depend_on_cannot_die) {
  ASSERT_TRUE(p.balances.reserve(alice, pha).has_value());
  EXPECT_EQ(error(alice, Balances::TransferAllowDeath{bob, {999 * pha}}), DispatchError(TokenError::frozen));
  ASSERT_TRUE(call(alice, Balances::TransferAll{bob, false}).has_value());
  EXPECT_EQ(free(alice), ed);
}

TEST_F(BalancesTest, transfer_all_keeps_alive_or_not) {
  ASSERT_TRUE(call(alice, Balances::TransferAll{charlie, true}).has_value());
  EXPECT_EQ(free(alice), ed);
  ASSERT_TRUE(call(charlie, Balances::TransferAll{bob, false}).has_value());
  EXPECT_FALSE(p.system.account.contains(charlie));
}

TEST_F(BalancesTest, to_oneself_changes_nothing) {
  ASSERT_TRUE(call(alice, Balances::TransferKeepAlive{alice, {pha}}).has_value());
  EXPECT_EQ(free(alice), 1000 * pha);
}

TEST_F(BalancesTest, root_sets_balances) {
  ASSERT_TRUE(call(Origin::root(), Balances::ForceSetBalance{charlie, {7 * pha}}).has_value());
  EXPECT_TRUE(emitted(Balances::BalanceSet{charlie, 7 * pha}));
  ASSERT_TRUE(call(Origin::root(), Balances::ForceTransfer{charlie, bob, {pha}}).has_value());
  ASSERT_TRUE(call(Origin::root(), Balances::ForceSetBalance{charlie, {ed - 1}}).has_value());
  EXPECT_FALSE(p.system.account.contains(charlie));
  EXPECT_EQ(error(Origin::root(), Balances::ForceSetBalance{charlie, {~u128{0}}}), DispatchError(ArithmeticError::overflow));
  EXPECT_EQ(error(alice, Balances::ForceSetBalance{alice, {pha}}), testing::bad_origin);
  EXPECT_TRUE(call(alice, Balances::UpgradeAccounts{{bob}}).has_value());
}

TEST_F(BalancesTest, reserves) {
  EXPECT_EQ(p.balances.reserve(alice, 1000 * pha).error(), DispatchError(Error::LiquidityRestrictions));
  EXPECT_EQ(p.balances.reserve(alice, 1001 * pha).error(), DispatchError(Error::InsufficientBalance));
  ASSERT_TRUE(p.balances.reserve(alice, 10 * pha).has_value());
  EXPECT_EQ(p.system.account.get(alice).consumers, 1u);
  EXPECT_TRUE(emitted(Balances::Reserved{alice, 10 * pha}));
  ASSERT_TRUE(call(Origin::root(), Balances::ForceUnreserve{alice, 4 * pha}).has_value());
  EXPECT_EQ(p.balances.slash_reserved(alice, 3 * pha), Balance{0});
  EXPECT_EQ(*p.balances.repatriate_reserved(alice, bob, 2 * pha, BalanceStatus::reserved), Balance{0});
  EXPECT_EQ(p.balances.data(bob).reserved, 2 * pha);
  EXPECT_EQ(p.balances.repatriate_reserved(alice, charlie, pha, BalanceStatus::free).error(), DispatchError(Error::DeadAccount));
  EXPECT_EQ(p.balances.unreserve(alice, 5 * pha), 4 * pha);
  EXPECT_EQ(p.system.account.get(alice).consumers, 0u);
  EXPECT_EQ(free(alice), 995 * pha);
}

TEST_F(BalancesTest, named_reserves_are_kept_apart) {
  const auto a = lock_id("a"), b = lock_id("b");
  ASSERT_TRUE(p.balances.reserve_named(b, alice, 2 * pha).has_value());
  ASSERT_TRUE(p.balances.reserve_named(a, alice, 3 * pha).has_value());
  EXPECT_EQ(p.balances.reserved_named(a, alice), 3 * pha);
  EXPECT_EQ(p.balances.unreserve_named(a, alice, 5 * pha), 2 * pha);
  EXPECT_EQ(p.balances.reserves.get(alice).size(), 1u);
  EXPECT_EQ(p.balances.data(alice).reserved, 2 * pha);
}

TEST_F(BalancesTest, locks_overlap_and_allow_reserving) {
  p.balances.set_lock(lock_id("vesting"), alice, 600 * pha, LockReasons::misc);
  p.balances.set_lock(lock_id("democrac"), alice, 900 * pha, LockReasons::all);
  EXPECT_EQ(p.balances.data(alice).frozen, 900 * pha);
  EXPECT_EQ(error(alice, Balances::TransferKeepAlive{bob, {101 * pha}}), DispatchError(TokenError::frozen));
  p.balances.extend_lock(lock_id("democrac"), alice, 100 * pha, LockReasons::misc);
  EXPECT_EQ(p.balances.data(alice).frozen, 900 * pha);
  p.balances.remove_lock(lock_id("democrac"), alice);
  EXPECT_EQ(p.balances.data(alice).frozen, 600 * pha);
  EXPECT_TRUE(call(alice, Balances::TransferKeepAlive{bob, {400 * pha}}).has_value());
  p.balances.remove_lock(lock_id("vesting"), alice);
  EXPECT_FALSE(p.balances.locks.contains(alice));
  EXPECT_EQ(p.system.account.get(alice).consumers, 0u);
}

TEST_F(BalancesTest, holds) {
  const HoldReason preimage{33, 0};
  ASSERT_TRUE(p.balances.hold(preimage, alice, 5 * pha).has_value());
  EXPECT_EQ(p.balances.on_hold(preimage, alice), 5 * pha);
  EXPECT_EQ(p.balances.hold(preimage, alice, 1000 * pha).error(), DispatchError(TokenError::funds_unavailable));
  EXPECT_EQ(p.balances.release(preimage, alice, 9 * pha), 5 * pha);
  EXPECT_FALSE(p.balances.holds.contains(alice));
}

TEST_F(BalancesTest, fees_follow_fullness) {
  constexpr u128 one = 1'000'000'000'000'000'000;
  constexpr u64 maximum = 1'500'000'000'000;
  EXPECT_EQ(next_multiplier(one, maximum / 4, maximum), one);
  EXPECT_GT(next_multiplier(one, maximum, maximum), one);
  EXPECT_LT(next_multiplier(one, 0, maximum), one);
  EXPECT_EQ(next_multiplier(1, 0, maximum), one / 1'000'000'000);
  // full blocks: 0.75 of 1/100000, and half its square
  EXPECT_EQ(next_multiplier(one, maximum, maximum) - one, u128{7'500'000'000'000 + 28'125'000});
}

}  // namespace
}  // namespace phala::pallets

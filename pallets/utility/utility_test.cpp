#include "utility/utility.hpp"

#include "frame/testing.hpp"

namespace phala::pallets {
namespace {

class UtilityTest : public testing::PalletTest {
 protected:
  RuntimeCall pay(Balance amount) const { return RuntimeCall::of<Balances>(Balances::TransferKeepAlive{bob, {amount}}); }
  RuntimeCall bad() const { return pay(5000 * Balances::pha); }
  Balance received() const { return p.balances.free_balance(bob) - 1000 * Balances::pha; }
  const DispatchError no_funds{TokenError::funds_unavailable};
};

TEST_F(UtilityTest, batch_stops_at_the_first_failure) {
  ASSERT_TRUE(call(alice, Utility::Batch{{pay(1), bad(), pay(2)}}).has_value());
  EXPECT_EQ(received(), u128{1});
  EXPECT_TRUE(emitted(Utility::BatchInterrupted{1, no_funds}));
  EXPECT_FALSE(emitted(Utility::BatchCompleted{}));
}

TEST_F(UtilityTest, batch_all_is_all_or_nothing) {
  EXPECT_EQ(error(alice, Utility::BatchAll{{pay(1), bad()}}), no_funds);
  EXPECT_EQ(received(), u128{0});
  ASSERT_TRUE(call(alice, Utility::BatchAll{{pay(1), pay(2)}}).has_value());
  EXPECT_EQ(received(), u128{3});
  EXPECT_TRUE(emitted(Utility::BatchCompleted{}));
  const auto inner = RuntimeCall::of<Utility>(Utility::BatchAll{{pay(1)}});
  EXPECT_EQ(error(alice, Utility::BatchAll{{inner}}), DispatchError(System::Error::CallFiltered));
}

TEST_F(UtilityTest, force_batch_goes_on) {
  ASSERT_TRUE(call(alice, Utility::ForceBatch{{bad(), pay(2)}}).has_value());
  EXPECT_EQ(received(), u128{2});
  EXPECT_TRUE(emitted(Utility::ItemFailed{no_funds}));
  EXPECT_TRUE(emitted(Utility::BatchCompletedWithErrors{}));
}

TEST_F(UtilityTest, too_many_calls) {
  const RuntimeCall small = RuntimeCall::of<System>(System::Remark{});
  EXPECT_EQ(error(alice, Utility::Batch{std::vector(Utility::batched_calls_limit + 1, small)}), DispatchError(Utility::Error::TooManyCalls));
  EXPECT_EQ(error(Origin::none(), Utility::Batch{{small}}), testing::bad_origin);
  // what could not be in one reader's budget does not even decode
  EXPECT_FALSE(scale::decode<RuntimeCall>(scale::encode(RuntimeCall::of<Utility>(Utility::Batch{std::vector(20'000, small)}))).has_value());
}

TEST_F(UtilityTest, deep_nesting_does_not_decode) {
  RuntimeCall nested = pay(1);
  for (int i = 0; i < 40; ++i) nested = RuntimeCall::of<Utility>(Utility::Batch{{nested}});
  EXPECT_FALSE(scale::decode<RuntimeCall>(scale::encode(nested)).has_value());
}

TEST_F(UtilityTest, what_a_nest_of_calls_declares_is_found_in_linear_time) {
  // twice the work a level would take minutes here
  RuntimeCall nested = RuntimeCall::of<Utility>(Utility::Batch{std::vector(10'000, RuntimeCall::of<System>(System::Remark{}))});
  for (int i = 0; i < 14; ++i) nested = RuntimeCall::of<Utility>(Utility::AsDerivative{0, nested});
  const auto decoded = scale::decode<RuntimeCall>(scale::encode(nested));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->info(), nested.info());
}

TEST_F(UtilityTest, derived_accounts) {
  const auto derived = Utility::derivative(alice, 7);
  ASSERT_TRUE(call(alice, Balances::TransferKeepAlive{derived, {Balances::pha}}).has_value());
  ASSERT_TRUE(call(alice, Utility::AsDerivative{7, pay(5)}).has_value());
  EXPECT_EQ(p.balances.free_balance(derived), Balances::pha - 5);
  EXPECT_FALSE(call(alice, Utility::AsDerivative{8, pay(5)}).has_value());
}

TEST_F(UtilityTest, root_speaks_for_others_and_sets_weights) {
  ASSERT_TRUE(call(Origin::root(), Utility::DispatchAs{OriginCaller(RawOrigin(Signed{alice})), pay(5)}).has_value());
  EXPECT_EQ(received(), u128{5});
  EXPECT_TRUE(emitted(Utility::DispatchedAs{{}}));
  EXPECT_EQ(error(alice, Utility::DispatchAs{OriginCaller(RawOrigin(Root{})), pay(5)}), testing::bad_origin);
  EXPECT_EQ(error(alice, Utility::WithWeight{pay(5), {}}), testing::bad_origin);
  ASSERT_TRUE(call(Origin::root(), Utility::WithWeight{RuntimeCall::of<System>(System::SetStorage{{{{1}, {2}}}}), {5, 0}}).has_value());
  EXPECT_EQ(RuntimeCall::of<Utility>(Utility::WithWeight{pay(5), {5, 0}}).info().weight, (Weight{5, 0}));
}

TEST_F(UtilityTest, unused_weight_is_reported) {
  const auto result = call(alice, Utility::Batch{{bad(), pay(1), pay(2)}});
  EXPECT_LT(result->actual_weight->ref_time, RuntimeCall::of<Utility>(Utility::Batch{{bad(), pay(1), pay(2)}}).info().weight.ref_time);
}

TEST_F(UtilityTest, sudo) {
  const auto set = RuntimeCall::of<System>(System::SetStorage{{{{1}, {2}}}});
  const auto result = call(alice, Sudo::Sudo_{set});
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->pays, Pays::no);
  EXPECT_TRUE(emitted(Sudo::Sudid{{}}));
  EXPECT_EQ(*p.state().get(Bytes{1}), Bytes{2});
  EXPECT_EQ(error(bob, Sudo::Sudo_{set}), DispatchError(Sudo::Error::RequireSudo));
  EXPECT_EQ(error(bob, Sudo::RemoveKey{}), DispatchError(Sudo::Error::RequireSudo));

  ASSERT_TRUE(call(alice, Sudo::SudoAs{bob, RuntimeCall::of<Balances>(Balances::TransferKeepAlive{alice, {5}})}).has_value());
  EXPECT_EQ(p.balances.free_balance(bob), 1000 * Balances::pha - 5);
  ASSERT_TRUE(call(alice, Sudo::SudoUncheckedWeight{bad(), {1, 0}}).has_value());   // the inner failure is in the event only
  EXPECT_TRUE(emitted(Sudo::Sudid{fail(testing::bad_origin)}));
  ASSERT_TRUE(call(alice, Sudo::SetKey{bob}).has_value());
  EXPECT_TRUE(emitted(Sudo::KeyChanged{alice, bob}));
  ASSERT_TRUE(call(bob, Sudo::RemoveKey{}).has_value());
  EXPECT_EQ(error(bob, Sudo::SetKey{bob}), DispatchError(Sudo::Error::RequireSudo));
}

TEST_F(UtilityTest, system_calls) {
  EXPECT_TRUE(call(alice, System::Remark{{1}}).has_value());
  EXPECT_EQ(error(Origin::none(), System::Remark{{1}}), testing::bad_origin);
  ASSERT_TRUE(call(alice, System::RemarkWithEvent{{1, 2}}).has_value());
  EXPECT_TRUE(emitted(System::Remarked{alice, crypto::blake2_256(Bytes{1, 2})}));
  ASSERT_TRUE(call(Origin::root(), System::SetStorage{{{{9, 1}, {1}}, {{9, 2}, {1}}, {{9, 3}, {1}}}}).has_value());
  ASSERT_TRUE(call(Origin::root(), System::KillPrefix{{9}, 2}).has_value());
  EXPECT_EQ(*p.state().next_key(Bytes{9}), (Bytes{9, 3}));
  ASSERT_TRUE(call(Origin::root(), System::KillStorage{{{9, 3}}}).has_value());
  EXPECT_EQ(p.state().get(Bytes{9, 3}), nullptr);
  EXPECT_EQ(error(alice, System::SetStorage{}), testing::bad_origin);
  EXPECT_EQ(error(alice, System::KillStorage{}), testing::bad_origin);
  EXPECT_EQ(error(alice, System::KillPrefix{}), testing::bad_origin);
}

TEST_F(UtilityTest, time_moves_once_a_block_and_forward) {
  EXPECT_EQ(error(alice, Timestamp::Set{now_ms + 1}), testing::bad_origin);
  EXPECT_EQ(error(Origin::none(), Timestamp::Set{now_ms}), DispatchError(Timestamp::Error::NotLater));
  ASSERT_TRUE(call(Origin::none(), Timestamp::Set{now_ms + 1}).has_value());
  EXPECT_EQ(error(Origin::none(), Timestamp::Set{now_ms + 2}), DispatchError(Timestamp::Error::AlreadySet));
}

TEST_F(UtilityTest, randomness_changes_with_subject_and_block) {
  p.randomness.on_initialize(1);
  const auto first = p.randomness.random(Bytes{1}).first;
  EXPECT_NE(first, p.randomness.random(Bytes{2}).first);
  p.system.parent_hash.put(Hash(Bytes(32, 1)));
  for (BlockNumber n = 2; n < 200; ++n) p.randomness.on_initialize(n);
  EXPECT_EQ(p.randomness.random_material.get().size(), 81u);
  EXPECT_NE(first, p.randomness.random(Bytes{1}).first);
}

}  // namespace
}  // namespace phala::pallets

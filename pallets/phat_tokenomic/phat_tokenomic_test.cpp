#include "phat_tokenomic/phat_tokenomic.hpp"

#include "frame/testing.hpp"

namespace phala::pallets {
namespace {

using namespace protocol;
using Adjust = PhatTokenomic::AdjustStake;
constexpr Balance pha = Balances::pha;

class PhatTokenomicTest : public testing::PalletTest {
 protected:
  PhatTokenomicTest() {
    EXPECT_TRUE(p.balances.endow(PhatTokenomic::pot(), Balances::existential_deposit).has_value());
    p.phat.contracts.put(contract, {charlie, cluster});
    p.phat.clusters.put(cluster, {.owner = alice, .system_contract = system_contract});
    p.system.events.kill();
  }
  Balance free(const AccountId& who) const { return p.balances.free_balance(who); }
  /// What the chain told the system contract: (contract, total).
  std::vector<std::pair<Hash, Balance>> told() const {
    const Bytes topic = contract_command_topic(system_contract);
    std::vector<std::pair<Hash, Balance>> out;
    for (const auto& message : p.outbox.outbound.get()) {
      EXPECT_EQ(message.destination, topic);
      EXPECT_TRUE(message.sender == MessageOrigin::pallet("PhalaPhatTokenomic"));
      const auto payload = *scale::decode<CommandPayload>(message.payload);
      const auto& command = *payload.get_if<PlainCommand>()->command.get_if<InkMessage>();
      EXPECT_TRUE(command == (InkMessage{{}, command.message, 0, ~u64{0}, std::nullopt}));
      EXPECT_EQ(to_hex(ByteView(command.message).first(4)), to_hex(ByteView(crypto::blake2_256(as_bytes("ContractDeposit::change_deposit"))).first(4)));
      out.push_back(*scale::decode<std::pair<Hash, Balance>>(ByteView(command.message).subspan(4)));
    }
    return out;
  }

  const Hash contract{Bytes(32, 7)}, cluster{Bytes(32, 1)}, system_contract{Bytes(32, 9)};
};

TEST_F(PhatTokenomicTest, the_pot_is_the_originals) {
  EXPECT_EQ(to_hex(PhatTokenomic::pot()), "6d6f646c706861742f746f6b" + std::string(40, '0'));
}

TEST_F(PhatTokenomicTest, stakes_of_several_users_add_up) {
  ASSERT_TRUE(call(alice, Adjust{contract, 30 * pha}).has_value());
  ASSERT_TRUE(call(bob, Adjust{contract, 5 * pha}).has_value());
  EXPECT_EQ(p.tokenomic.contract_user_stakes.get(alice, contract), 30 * pha);
  EXPECT_EQ(p.tokenomic.contract_user_stakes.get(bob, contract), 5 * pha);
  EXPECT_EQ(p.tokenomic.contract_total_stakes.get(contract), 35 * pha);
  EXPECT_EQ(free(alice), 970 * pha);
  EXPECT_EQ(free(bob), 995 * pha);
  EXPECT_EQ(free(PhatTokenomic::pot()), 35 * pha + Balances::existential_deposit);
  EXPECT_EQ(told(), (std::vector<std::pair<Hash, Balance>>{{contract, 30 * pha}, {contract, 35 * pha}}));
  EXPECT_TRUE(emitted(PhatTokenomic::ContractDepositChanged{cluster, contract, 35 * pha}));
  EXPECT_TRUE(emitted(PhatTokenomic::UserStakeChanged{cluster, bob, contract, 5 * pha}));
}

TEST_F(PhatTokenomicTest, the_amount_is_the_new_stake_not_a_difference) {
  ASSERT_TRUE(call(alice, Adjust{contract, 30 * pha}).has_value());
  ASSERT_TRUE(call(alice, Adjust{contract, 10 * pha}).has_value());
  EXPECT_EQ(free(alice), 990 * pha);
  EXPECT_EQ(p.tokenomic.contract_total_stakes.get(contract), 10 * pha);
  ASSERT_TRUE(call(alice, Adjust{contract, 0}).has_value());
  EXPECT_EQ(free(alice), 1000 * pha);
  EXPECT_FALSE(p.tokenomic.contract_user_stakes.contains(alice, contract));
  EXPECT_FALSE(p.tokenomic.contract_total_stakes.contains(contract));
  EXPECT_EQ(told(), (std::vector<std::pair<Hash, Balance>>{{contract, 30 * pha}, {contract, 10 * pha}, {contract, 0}}));
  EXPECT_TRUE(emitted(PhatTokenomic::UserStakeChanged{cluster, alice, contract, 0}));
}

TEST_F(PhatTokenomicTest, the_same_amount_again_is_told_again_and_moves_nothing) {
  ASSERT_TRUE(call(alice, Adjust{contract, pha}).has_value());
  ASSERT_TRUE(call(alice, Adjust{contract, pha}).has_value());
  EXPECT_EQ(free(alice), 999 * pha);
  EXPECT_EQ(told(), (std::vector<std::pair<Hash, Balance>>{{contract, pha}, {contract, pha}}));
}

TEST_F(PhatTokenomicTest, small_stakes_are_refused_except_none) {
  p.tokenomic.min_stake.put(2 * pha);
  const DispatchError invalid(PhatTokenomic::Error::InvalidAmountOfStake);
  EXPECT_EQ(error(alice, Adjust{contract, 2 * pha - 1}), invalid);
  ASSERT_TRUE(call(alice, Adjust{contract, 2 * pha}).has_value());
  EXPECT_EQ(error(alice, Adjust{contract, pha}), invalid);
  EXPECT_TRUE(call(alice, Adjust{contract, 0}).has_value());
}

TEST_F(PhatTokenomicTest, a_stake_needs_a_user_who_has_it_and_lives_on) {
  EXPECT_EQ(error(Origin::root(), Adjust{contract, pha}), testing::bad_origin);
  EXPECT_EQ(error(Origin::none(), Adjust{contract, pha}), testing::bad_origin);
  EXPECT_EQ(error(alice, Adjust{contract, 1001 * pha}), DispatchError(TokenError::funds_unavailable));
  // all would end the account
  EXPECT_FALSE(call(alice, Adjust{contract, 1000 * pha}).has_value());
  EXPECT_TRUE(call(alice, Adjust{contract, 999 * pha}).has_value());
  EXPECT_EQ(error(alice, Adjust{contract, ~Balance{0}}), DispatchError(TokenError::funds_unavailable));
}

TEST_F(PhatTokenomicTest, each_gets_back_what_is_theirs_however_little_remains) {
  const Balance little = Balances::existential_deposit / 10;
  ASSERT_TRUE(call(alice, Adjust{contract, pha}).has_value());
  ASSERT_TRUE(call(bob, Adjust{contract, little}).has_value());
  ASSERT_TRUE(call(alice, Adjust{contract, 0}).has_value());
  EXPECT_EQ(free(alice), 1000 * pha);
  ASSERT_TRUE(call(bob, Adjust{contract, 0}).has_value());
  EXPECT_EQ(free(bob), 1000 * pha);
}

TEST_F(PhatTokenomicTest, an_unknown_contract_can_be_staked_on_but_nobody_is_told) {
  const Hash unknown(Bytes(32, 8));
  ASSERT_TRUE(call(alice, Adjust{unknown, pha}).has_value());
  EXPECT_TRUE(emitted(PhatTokenomic::ContractDepositChanged{std::nullopt, unknown, pha}));
  EXPECT_TRUE(emitted(PhatTokenomic::UserStakeChanged{std::nullopt, alice, unknown, pha}));
  EXPECT_TRUE(told().empty());
  // known later: saying it again makes it count
  p.phat.contracts.put(unknown, {charlie, cluster});
  ASSERT_TRUE(call(alice, Adjust{unknown, pha}).has_value());
  EXPECT_EQ(told(), (std::vector<std::pair<Hash, Balance>>{{unknown, pha}}));
}

TEST_F(PhatTokenomicTest, the_stake_on_a_contract_whose_cluster_is_gone_comes_back) {
  ASSERT_TRUE(call(alice, Adjust{contract, pha}).has_value());
  ASSERT_TRUE(call(Origin::root(), PhatContracts::ClusterDestroy{cluster}).has_value());
  p.outbox.outbound.kill();
  ASSERT_TRUE(call(alice, Adjust{contract, 0}).has_value());
  EXPECT_EQ(free(alice), 1000 * pha);
  EXPECT_TRUE(told().empty());
  EXPECT_TRUE(emitted(PhatTokenomic::ContractDepositChanged{cluster, contract, 0}));
}

}  // namespace
}  // namespace phala::pallets

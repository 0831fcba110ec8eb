#include "game.hpp"

#include <gtest/gtest.h>

#include "phala/testing.hpp"

namespace game {
namespace {

struct GameTest : testing::Test {
  TestHost host;
  const AccountId ann = AccountId(std::array<u8, 32>{1}), ben = AccountId(std::array<u8, 32>{2});
  void SetUp() override {
    host.balance = 1000;
    ASSERT_FALSE(host.deploy<Game>(Game::New{}).trapped);
  }
  template <class M>
  auto as(const AccountId& who, Balance value, const M& message) {
    host.caller = who;
    host.value = value;
    const auto answer = host.send<Game>(message);
    host.value = 0;
    return answer;
  }
  u32 open(Move move, Balance stake = 10) { return as(ann, stake, Game::Open{move}).value(); }
};

TEST_F(GameTest, every_pair_of_moves_has_the_right_winner) {
  using enum Move;
  const std::array winners{Paper, Scissors, Rock};   // beats Rock, Paper, Scissors
  for (const Move first : {Rock, Paper, Scissors}) {
    for (const Move second : {Rock, Paper, Scissors}) {
      const auto outcome = as(ben, 10, Game::Join{open(first), second});
      ASSERT_TRUE(outcome->has_value());
      const auto expected = first == second ? std::nullopt : std::optional(winners[static_cast<u8>(first)] == second ? ben : ann);
      EXPECT_EQ(outcome->value().winner, expected);
    }
  }
}

TEST_F(GameTest, the_winner_gets_both_stakes_and_a_draw_gives_them_back) {
  ASSERT_TRUE(as(ben, 10, Game::Join{open(Move::Rock), Move::Paper})->has_value());
  EXPECT_EQ(host.transfers, (std::vector<std::pair<AccountId, Balance>>{{ben, 20}}));
  host.transfers.clear();
  ASSERT_TRUE(as(ben, 10, Game::Join{open(Move::Rock), Move::Rock})->has_value());
  EXPECT_EQ(host.transfers, (std::vector<std::pair<AccountId, Balance>>{{ann, 10}, {ben, 10}}));
}

TEST_F(GameTest, an_open_round_does_not_tell_its_move_and_a_finished_one_is_over) {
  const u32 round = open(Move::Scissors);
  const auto seen = as(ben, 0, Game::Look{round}).value();
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(scale::encode(*seen).size(), 32u + 16 + 4);
  EXPECT_EQ(as(ben, 0, Game::OutcomeOf{round}).value(), std::nullopt);
  EXPECT_EQ(as(ann, 10, Game::Join{round, Move::Rock})->error(), Error::OwnRound);
  EXPECT_EQ(as(ben, 9, Game::Join{round, Move::Rock})->error(), Error::WrongStake);
  ASSERT_TRUE(as(ben, 10, Game::Join{round, Move::Rock})->has_value());
  EXPECT_EQ(as(ben, 10, Game::Join{round, Move::Rock})->error(), Error::NoSuchRound);
  EXPECT_EQ(as(ben, 0, Game::OutcomeOf{round}).value()->first_move, Move::Scissors);
}

TEST_F(GameTest, a_stake_comes_back_when_nobody_joined_in_time) {
  const u32 round = open(Move::Rock);
  EXPECT_EQ(as(ann, 0, Game::Withdraw{round})->error(), Error::NotYet);
  host.block += patience_blocks;
  EXPECT_EQ(as(ben, 0, Game::Withdraw{round})->error(), Error::NotAPlayer);
  EXPECT_TRUE(as(ann, 0, Game::Withdraw{round})->has_value());
  EXPECT_EQ(as(ann, 0, Game::Withdraw{round})->error(), Error::NoSuchRound);
}

}  // namespace
}  // namespace game

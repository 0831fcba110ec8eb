// Who runs at the end of a block when not all can.
#include <gtest/gtest.h>

#include "core/hooks.hpp"

namespace phala::worker {
namespace {

using protocol::ContractId;

constexpr u64 gas = 1'600'000'000'000;

ContractId id(u8 n) { return Hash(Bytes(32, n)); }
void hook(Contracts& contracts, u8 n, u32 weight) { contracts[id(n)] = {weight, BlockEndHook{n, 1'000'000, 0}}; }

/// One block in which every hook uses `each`; who ran, in order.
std::vector<ContractId> block(Contracts& contracts, u64 each, u64* used = nullptr) {
  HookRound round(contracts, gas);
  std::vector<ContractId> out;
  while (const auto next = round.next()) {
    round.used(each);
    out.push_back(*next);
  }
  EXPECT_EQ(round.started(), out.size());
  EXPECT_EQ(round.started() + round.waiting(), contracts.size());
  if (used) *used = round.gas_used();
  round.settle(contracts);
  return out;
}
std::map<ContractId, int> runs(Contracts& contracts, u64 each, int blocks) {
  std::map<ContractId, int> out;
  while (blocks-- > 0)
    for (const auto& one : block(contracts, each)) ++out[one];
  return out;
}

TEST(HookRoundTest, all_run_by_id_while_there_is_gas_those_with_stake_first) {
  Contracts contracts;
  for (const u8 n : {4, 2, 5, 1, 3}) hook(contracts, n, n == 5 ? 7 : 0);
  contracts[id(9)] = {1, {}};   // no hook
  contracts.erase(id(9));
  const std::vector order{id(5), id(1), id(2), id(3), id(4)};
  EXPECT_EQ(block(contracts, gas / 10), order);
  EXPECT_EQ(block(contracts, gas / 10), order);
  for (const auto& [_, entry] : contracts) EXPECT_EQ(entry.on_block_end->tag, 0u);
}

TEST(HookRoundTest, contracts_with_stakes_one_to_three_share_one_to_three) {
  Contracts contracts;
  // four run in a block; three of weight 3 have a place in each, three of weight 1 share what is left
  for (u8 n = 1; n <= 3; ++n) hook(contracts, n, 1);
  for (u8 n = 4; n <= 6; ++n) hook(contracts, n, 3);
  const auto ran = runs(contracts, gas / 4, 90);
  for (u8 n = 1; n <= 3; ++n) EXPECT_NEAR(ran.at(id(n)), 30, 1) << int(n);
  for (u8 n = 4; n <= 6; ++n) EXPECT_NEAR(ran.at(id(n)), 90, 1) << int(n);
}

TEST(HookRoundTest, shares_follow_gas_not_runs) {
  Contracts contracts;
  for (u8 n = 1; n <= 12; ++n) hook(contracts, n, 5);
  std::map<ContractId, u64> used;
  for (int blocks = 0; blocks < 300; ++blocks) {
    HookRound round(contracts, gas);
    while (const auto next = round.next()) {
      const u64 each = (*next)[0] <= 6 ? gas / 4 : gas / 8;   // half of them take twice as much at once
      round.used(each);
      used[*next] += each;
    }
    round.settle(contracts);
  }
  for (const auto& [one, sum] : used) EXPECT_NEAR(static_cast<double>(sum) / static_cast<double>(used.at(id(1))), 1, 0.05) << to_hex(one);
}

TEST(HookRoundTest, without_stake_nobody_starves_and_many_take_no_more_than_one) {
  for (const u8 crowd : {1, 100}) {
    Contracts contracts;
    for (u8 n = 1; n <= 20; ++n) hook(contracts, n, 10);
    for (u8 n = 0; n < crowd; ++n) hook(contracts, static_cast<u8>(100 + n), 0);
    u64 without_stake = 0, all = 0;
    std::map<ContractId, int> ran;
    for (int blocks = 0; blocks < 800; ++blocks) {
      HookRound round(contracts, gas);
      while (const auto next = round.next()) {
        round.used(gas / 16);
        ++ran[*next];
        all += gas / 16;
        if (!contracts.at(*next).weight) without_stake += gas / 16;
      }
      round.settle(contracts);
    }
    EXPECT_NEAR(static_cast<double>(without_stake) / static_cast<double>(all), 1.0 / 16, 0.005) << int(crowd);
    for (u8 n = 0; n < crowd; ++n) EXPECT_NEAR(ran[id(static_cast<u8>(100 + n))], 800 / crowd, 1) << int(crowd);
  }
}

TEST(HookRoundTest, what_stake_leaves_goes_to_the_others_and_the_other_way_round) {
  Contracts contracts;
  hook(contracts, 1, 10);
  for (u8 n = 2; n <= 60; ++n) hook(contracts, n, 0);
  EXPECT_EQ(block(contracts, gas / 40).size(), 40u);
  Contracts staked;
  hook(staked, 1, 0);
  for (u8 n = 2; n <= 60; ++n) hook(staked, n, 9);
  EXPECT_EQ(block(staked, gas / 40).size(), 40u);
}

TEST(HookRoundTest, no_block_uses_more_than_half_too_much_and_a_hook_that_costs_nothing_counts) {
  Contracts contracts;
  for (u8 n = 1; n <= 100; ++n) hook(contracts, n, n % 2);
  for (u64 part = 4; part < 70; ++part) {
    u64 used = 0;
    block(contracts, most_gas_of_hook(gas) - part, &used);
    EXPECT_GE(used, gas);
    EXPECT_LT(used, gas / 2 * 3);
  }
  Contracts many;
  for (u32 n = 0; n < gas / least_gas_of_hook + 1000; ++n) {
    Bytes name(32);
    store_le(name.data(), n);
    many[Hash(name)] = {1, BlockEndHook{1, 1, 0}};
  }
  EXPECT_EQ(block(many, 0).size(), gas / least_gas_of_hook);
}

TEST(HookRoundTest, who_comes_later_starts_beside_the_one_that_had_least) {
  Contracts contracts;
  for (u8 n = 1; n <= 9; ++n) hook(contracts, n, 1);
  runs(contracts, gas / 4, 1000);
  hook(contracts, 50, 1);
  const auto ran = runs(contracts, gas / 4, 100);
  EXPECT_NEAR(ran.at(id(50)), 40, 2);   // four of ten; not all blocks until it has had what the others had
  EXPECT_NEAR(ran.at(id(1)), 40, 2);
}

}  // namespace
}  // namespace phala::worker

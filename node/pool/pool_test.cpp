#include "pool/pool.hpp"

#include <gtest/gtest.h>

#include <random>

#include "crypto/hash.hpp"

namespace phala::node {
namespace {

using Kind = PoolEvent::Kind;
using Refusal = PoolRefusal::Kind;
using runtime::TransactionError;
using runtime::ValidTransaction;

Bytes tag(int account, int nonce) { return scale::encode(account, nonce); }
Bytes body(int account, int nonce, int variant = 0) { return scale::encode(account, nonce, variant); }
Hash hash_of(const Bytes& extrinsic) { return crypto::blake2_256(extrinsic); }
AccountId id_of(int account) {
  AccountId id;
  id[0] = static_cast<u8>(account);
  return id;
}
/// What the runtime says of nonce `nonce` while the account's next one is `next`.
ValidTransaction verdict(int account, int nonce, int next = 0, u64 priority = 1, u64 longevity = 64) {
  ValidTransaction v{priority, {}, {tag(account, nonce)}, longevity, true, id_of(account)};
  if (nonce > next) v.requires_ = {tag(account, nonce - 1)};
  return v;
}

class PoolTest : public ::testing::Test {
 protected:
  Result<Hash, PoolRefusal> add(int account, int nonce, u64 priority = 1, int variant = 0) {
    auto result = pool.add(body(account, nonce, variant), verdict(account, nonce, 0, priority), best, now, true);
    check();
    return result;
  }
  void check() {
    const auto broken = pool.broken_rule();
    ASSERT_FALSE(broken.has_value()) << *broken;
  }
  std::vector<Hash> order() {
    std::vector<Hash> out;
    for (const auto& tx : pool.ready()) out.push_back(tx->hash);
    return out;
  }
  PoolLimits limits;
  Pool pool{limits};
  BlockNumber best = 10;
  u64 now = 1'000'000;
};

TEST_F(PoolTest, gap_waits_and_moves_up_when_filled) {
  const auto second = add(1, 1).value();
  EXPECT_EQ(pool.future_count(), 1u);
  const auto first = add(1, 0).value();
  EXPECT_EQ(order(), (std::vector{first, second}));
  EXPECT_EQ(pool.take_events(), (std::vector<PoolEvent>{{second, Kind::future}, {first, Kind::ready}, {second, Kind::ready}}));
  EXPECT_TRUE(pool.gives(tag(1, 1)));
}

TEST_F(PoolTest, priority_orders_what_does_not_depend) {
  const auto cheap = add(1, 0, 1).value();
  const auto dear = add(2, 0, 5).value();
  const auto after_cheap = add(1, 1, 9).value();
  EXPECT_EQ(order(), (std::vector{dear, cheap, after_cheap}));
  EXPECT_EQ(pool.ready(1).size(), 1u);
}

TEST_F(PoolTest, replacement_needs_a_higher_priority_and_keeps_what_follows) {
  const auto old = add(1, 0, 5).value();
  const auto next = add(1, 1).value();
  EXPECT_EQ(add(1, 0, 5, 1).error(), (PoolRefusal{Refusal::too_low_priority, 5, 5}));
  pool.take_events();
  const auto better = add(1, 0, 6, 1).value();
  EXPECT_EQ(order(), (std::vector{better, next}));
  EXPECT_EQ(pool.take_events(), (std::vector<PoolEvent>{{old, Kind::usurped, better}, {better, Kind::ready}}));
  EXPECT_EQ(to_string(PoolRefusal{Refusal::too_low_priority, 5, 4}), "Priority is too low: (5 vs 4)");
}

TEST_F(PoolTest, future_transactions_replace_each_other_too) {
  add(1, 5, 5).value();
  EXPECT_FALSE(add(1, 5, 5, 1).has_value());
  EXPECT_TRUE(add(1, 5, 6, 1).has_value());
  EXPECT_EQ(pool.future_count(), 1u);
}

TEST_F(PoolTest, the_same_bytes_are_refused_twice) {
  add(1, 0).value();
  EXPECT_EQ(add(1, 0).error().kind, Refusal::already_imported);
}

TEST_F(PoolTest, block_takes_out_and_unlocks) {
  const auto first = add(1, 0).value();
  const auto second = add(1, 1).value();
  const auto third = add(1, 3).value();
  pool.take_events();
  const Hash block = hash_of({1});
  pool.block_added(11, block, {hash_of({9}), first});
  check();
  EXPECT_EQ(order(), (std::vector{second}));
  // a verdict from before the block still names the need that the block met
  EXPECT_TRUE(pool.add(body(1, 1, 7), verdict(1, 1, 0, 2), 10, now, false).has_value());
  check();
  EXPECT_EQ(pool.ready_count(), 1u);
  pool.block_finalized(block);
  EXPECT_EQ(pool.take_events(), (std::vector<PoolEvent>{{first, Kind::in_block, block, 1}, {second, Kind::usurped, hash_of(body(1, 1, 7))}, {first, Kind::finalized, block, 1}}));
  pool.block_finalized(block);
  EXPECT_TRUE(pool.take_events().empty());
  for (BlockNumber n = 12; n < 20; ++n) {
    pool.block_added(n, hash_of({u8(n)}), {});
    check();
  }
  EXPECT_EQ(pool.ready_count(), 1u) << "a met need is never missed again";
  EXPECT_EQ(pool.future()[0]->hash, third);
}

TEST_F(PoolTest, too_old_is_invalid_and_its_followers_wait) {
  const auto first = pool.add(body(1, 0), verdict(1, 0, 0, 1, 2), 10, now, true).value();
  const auto second = add(1, 1).value();
  pool.take_events();
  pool.block_added(11, hash_of({1}), {});
  EXPECT_EQ(pool.ready_count(), 2u) << "block 12 may still have it";
  pool.block_added(12, hash_of({2}), {});
  check();
  EXPECT_EQ(pool.take_events(), (std::vector<PoolEvent>{{first, Kind::invalid}, {second, Kind::future}}));
}

TEST_F(PoolTest, a_verdict_that_newer_blocks_have_outlived_is_worth_nothing) {
  pool.block_added(12, hash_of({1}), {});
  EXPECT_EQ(pool.add(body(1, 0), verdict(1, 0, 0, 1, 2), 10, now, true).error().kind, Refusal::expired);
  const auto last = pool.add(body(2, 0), verdict(2, 0, 0, 1, 3), 10, now, true).value();
  EXPECT_EQ(order(), (std::vector{last})) << "block 13 may still have it";
  pool.take_events();
  pool.revalidated(last, verdict(2, 0, 0, 1, 1), 11, now);
  check();
  EXPECT_EQ(pool.take_events(), (std::vector<PoolEvent>{{last, Kind::invalid}}));
  EXPECT_TRUE(order().empty());
}

TEST_F(PoolTest, revalidation_removes_bans_and_demotes) {
  const auto first = add(1, 0).value();
  const auto second = add(1, 1).value();
  const auto other = add(2, 0).value();
  pool.take_events();
  pool.block_added(11, hash_of({1}), {});
  EXPECT_EQ(pool.to_revalidate(10).size(), 3u);
  pool.revalidated(first, fail(TransactionError{TransactionError::Kind::payment}), 11, now);
  pool.revalidated(other, fail(TransactionError{TransactionError::Kind::bad_proof}), 11, now);
  check();
  EXPECT_EQ(pool.take_events(), (std::vector<PoolEvent>{{first, Kind::invalid}, {second, Kind::future}, {other, Kind::invalid}}));
  EXPECT_TRUE(add(1, 0).has_value()) << "who could not pay may try again";
  EXPECT_EQ(pool.ready_count(), 2u);
  EXPECT_EQ(add(2, 0).error().kind, Refusal::temporarily_banned);
  now += limits.ban_ms;
  EXPECT_TRUE(add(2, 0).has_value());
}

TEST_F(PoolTest, senders_in_the_last_block_are_revalidated_first) {
  for (int account = 1; account < 9; ++account) add(account, 0).value();
  const auto next = add(5, 1).value();
  pool.block_added(11, hash_of({1}), {hash_of(body(5, 0))});
  ASSERT_EQ(pool.to_revalidate(1).size(), 1u);
  EXPECT_EQ(pool.to_revalidate(1)[0]->hash, next);
  pool.revalidated(next, verdict(5, 1, 1), 11, now);
  pool.block_added(12, hash_of({2}), {});
  EXPECT_NE(pool.to_revalidate(1)[0]->hash, next) << "then the ones checked longest ago";
}

TEST_F(PoolTest, removal_bans) {
  const auto first = add(1, 0).value();
  const auto second = add(1, 1).value();
  EXPECT_TRUE(pool.remove(first, now));
  EXPECT_FALSE(pool.remove(first, now));
  check();
  EXPECT_EQ(pool.future()[0]->hash, second);
  EXPECT_EQ(add(1, 0).error().kind, Refusal::temporarily_banned);
}

TEST(PoolLimits, lowest_priority_leaves_when_full_and_newcomers_must_be_better) {
  Pool pool(PoolLimits{.ready_count = 3, .future_count = 2, .per_sender = 2});
  for (int account = 1; account <= 3; ++account) ASSERT_TRUE(pool.add(body(account, 0), verdict(account, 0, 0, 5), 1, 0, true).has_value());
  EXPECT_EQ(pool.add(body(4, 0), verdict(4, 0, 0, 5), 1, 0, true).error().kind, PoolRefusal::Kind::pool_full);
  pool.take_events();
  EXPECT_TRUE(pool.add(body(4, 0), verdict(4, 0, 0, 6), 1, 0, true).has_value());
  EXPECT_EQ(pool.ready_count(), 3u);
  EXPECT_EQ(pool.take_events(), (std::vector<PoolEvent>{{hash_of(body(4, 0)), PoolEvent::Kind::ready}, {hash_of(body(3, 0)), PoolEvent::Kind::dropped}}));
  EXPECT_TRUE(pool.add(body(1, 7), verdict(1, 7), 1, 0, true).has_value());
  EXPECT_EQ(pool.add(body(1, 8), verdict(1, 8), 1, 0, true).error().kind, PoolRefusal::Kind::sender_limit);
  EXPECT_TRUE(pool.add(body(2, 7), verdict(2, 7), 1, 0, true).has_value());
  EXPECT_EQ(pool.add(body(4, 7), verdict(4, 7), 1, 0, true).error().kind, PoolRefusal::Kind::pool_full);
  EXPECT_FALSE(pool.broken_rule().has_value());
}

TEST(PoolLimits, bans_are_bounded) {
  Pool pool(PoolLimits{.bans = 10});
  for (u8 i = 0; i < 100; ++i) pool.ban(hash_of({i}), i);
  EXPECT_TRUE(pool.would_consider(hash_of({0}), 100).has_value());
  EXPECT_FALSE(pool.would_consider(hash_of({99}), 100).has_value());
}

/// Random life of a pool beside a model that only knows account nonces: whatever ready() lists can be applied in that order.
TEST(PoolProperty, ready_transactions_apply_in_order_whatever_happened) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    Pool pool(PoolLimits{.ready_count = 40, .ready_bytes = 4000, .future_count = 15, .per_sender = 12, .ban_ms = 50, .bans = 20});
    std::map<int, int> next;
    std::map<Hash, std::tuple<int, int>> known;
    BlockNumber best = 0;
    u64 now = 0;
    for (int step = 0; step < 400; ++step) {
      now += static_cast<u64>(pick(5));
      const int what = pick(10);
      if (what < 7) {
        const int account = 1 + pick(6), nonce = next[account] + pick(6), variant = pick(4);
        const auto bytes = body(account, nonce, variant);
        known[hash_of(bytes)] = {account, nonce};
        static_cast<void>(pool.add(bytes, verdict(account, nonce, next[account], static_cast<u64>(1 + pick(4)), static_cast<u64>(1 + pick(30))), best, now, pick(2) == 0));
      } else if (what < 9) {
        std::vector<Hash> block;
        auto model = next;
        const int size = pick(8);
        for (const auto& tx : pool.ready()) {
          if (static_cast<int>(block.size()) == size) break;
          const auto [account, nonce] = known.at(tx->hash);
          ASSERT_EQ(nonce, model[account]) << "seed " << seed << " step " << step;
          ++model[account];
          block.push_back(tx->hash);
        }
        next = model;
        const Hash block_hash = hash_of(scale::encode(++best));
        pool.block_added(best, block_hash, block);
        pool.block_finalized(block_hash);
        for (const auto& tx : pool.to_revalidate(20)) {
          const auto [account, nonce] = known.at(tx->hash);
          if (nonce < next[account]) pool.revalidated(tx->hash, fail(TransactionError{TransactionError::Kind::stale}), best, now);
          else if (pick(10) == 0) pool.revalidated(tx->hash, fail(TransactionError{TransactionError::Kind::payment}), best, now);
          else pool.revalidated(tx->hash, verdict(account, nonce, next[account]), best, now);
        }
        // what a block made stale must be gone before the next one is built
        for (const auto& [hash, which] : known) {
          if (std::get<1>(which) < next[std::get<0>(which)]) pool.revalidated(hash, fail(TransactionError{TransactionError::Kind::stale}), best, now);
        }
      } else if (!known.empty()) {
        pool.remove(std::next(known.begin(), pick(static_cast<int>(known.size())))->first, now);
      }
      const auto broken = pool.broken_rule();
      ASSERT_FALSE(broken.has_value()) << *broken << ", seed " << seed << " step " << step;
    }
    // every story is told in order: nothing after its end
    std::map<Hash, Kind> last;
    for (const auto& event : pool.take_events()) {
      const auto at = last.find(event.transaction);
      if (at != last.end() && at->second == Kind::in_block) ASSERT_EQ(event.kind, Kind::finalized) << "seed " << seed;
      last[event.transaction] = event.kind;
    }
  }
}

}  // namespace
}  // namespace phala::node

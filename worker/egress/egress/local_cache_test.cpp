#include "egress/local_cache.hpp"

#include <gtest/gtest.h>

#include <random>

namespace phala::egress {
namespace {

Hash contract(u8 n) { return Hash(std::array<u8, 32>{n}); }
Bytes bytes(std::string_view text) { return to_bytes(text); }

struct LocalCacheTest : ::testing::Test {
  LocalCache cache{1000};
  const Hash a = contract(1), b = contract(2);
  void SetUp() override { cache.set_weights({{a, 1}, {b, 3}}); }
  bool set(const Hash& c, std::string_view key, size_t size, u64 now = 0) { return cache.set(c, as_bytes(key), Bytes(size, 7), now); }
  bool has(const Hash& c, std::string_view key, u64 now = 0) { return cache.get(c, as_bytes(key), now).has_value(); }
};

TEST_F(LocalCacheTest, gives_back_what_was_set_and_keeps_contracts_apart) {
  EXPECT_TRUE(cache.set(a, as_bytes("k"), as_bytes("one"), 0));
  EXPECT_TRUE(cache.set(b, as_bytes("k"), as_bytes("two"), 0));
  EXPECT_EQ(cache.get(a, as_bytes("k"), 5), bytes("one"));
  EXPECT_EQ(cache.remove(b, as_bytes("k"), 5), bytes("two"));
  EXPECT_EQ(cache.get(b, as_bytes("k"), 5), std::nullopt);
  EXPECT_EQ(cache.remove(b, as_bytes("k"), 5), std::nullopt);
  EXPECT_EQ(cache.get(a, as_bytes("k"), 5), bytes("one"));
}

TEST_F(LocalCacheTest, quota_follows_weight) {
  EXPECT_EQ(cache.quota_bytes(a), 250u);
  EXPECT_EQ(cache.quota_bytes(b), 750u);
  EXPECT_EQ(cache.quota_bytes(contract(9)), 0u);
  EXPECT_FALSE(cache.set(contract(9), as_bytes("k"), {}, 0));
  EXPECT_TRUE(set(a, "x", 249));
  EXPECT_FALSE(set(a, "y", 0));        // one byte of key is one too many
  EXPECT_FALSE(has(a, "y"));
  EXPECT_TRUE(set(a, "x", 249));       // in place of itself
  EXPECT_FALSE(set(a, "x", 250));      // and nothing is lost when it does not fit
  EXPECT_EQ(cache.used_bytes(a), 250u);
  EXPECT_TRUE(set(b, "x", 749));
}

TEST_F(LocalCacheTest, full_of_a_huge_weight_does_not_overflow) {
  LocalCache big(20u << 20);
  std::map<Hash, u32> weights;
  for (u8 n = 0; n < 200; ++n) weights[contract(n)] = ~u32{0};
  big.set_weights(weights);
  EXPECT_EQ(big.quota_bytes(contract(3)), (20u << 20) / 200);
}

TEST_F(LocalCacheTest, what_expired_is_gone_and_cannot_be_revived) {
  EXPECT_TRUE(set(a, "k", 10));
  cache.expire(a, as_bytes("k"), 60, 100);
  EXPECT_TRUE(has(a, "k", 159));
  EXPECT_FALSE(has(a, "k", 160));
  cache.expire(a, as_bytes("k"), 1000, 160);
  EXPECT_FALSE(has(a, "k", 160));
  EXPECT_EQ(cache.used_bytes(a), 0u);
  EXPECT_TRUE(set(a, "k", 10, 160));
  cache.expire(a, as_bytes("k"), 10, 160);
  EXPECT_EQ(cache.remove(a, as_bytes("k"), 170), std::nullopt);
  EXPECT_EQ(cache.used_bytes(a), 0u);
}

TEST_F(LocalCacheTest, zero_seconds_remove_and_the_longest_time_does_not_overflow) {
  EXPECT_TRUE(set(a, "k", 10));
  cache.expire(a, as_bytes("k"), 0, 5);
  EXPECT_FALSE(has(a, "k", 5));
  EXPECT_TRUE(set(a, "k", 10));
  cache.expire(a, as_bytes("k"), ~u64{0}, 5);
  EXPECT_TRUE(has(a, "k", ~u64{0} - 1));
  cache.expire(a, as_bytes("missing"), 5, 5);
  EXPECT_FALSE(has(a, "missing", 5));
}

TEST_F(LocalCacheTest, setting_anew_takes_the_expiry_away) {
  EXPECT_TRUE(set(a, "k", 10));
  cache.expire(a, as_bytes("k"), 10, 0);
  EXPECT_TRUE(set(a, "k", 20, 5));
  EXPECT_TRUE(has(a, "k", 1000));
}

TEST_F(LocalCacheTest, expired_entries_make_room) {
  EXPECT_TRUE(set(a, "old", 200));
  cache.expire(a, as_bytes("old"), 10, 0);
  EXPECT_FALSE(set(a, "new", 200, 9));
  EXPECT_TRUE(set(a, "new", 200, 10));
}

TEST_F(LocalCacheTest, expired_entries_do_not_stay_for_ever) {
  EXPECT_TRUE(set(a, "old", 200));
  cache.expire(a, as_bytes("old"), 10, 0);
  for (int i = 0; i < 1000; ++i) set(b, "x", 1, 20);
  EXPECT_EQ(cache.used_bytes(a), 0u);
}

TEST_F(LocalCacheTest, a_smaller_quota_takes_only_from_its_own_contract_and_the_soonest_to_expire_first) {
  EXPECT_TRUE(set(b, "long", 300));
  EXPECT_TRUE(set(b, "soon", 300));
  cache.expire(b, as_bytes("soon"), 100, 0);
  EXPECT_TRUE(set(a, "k", 200));
  cache.set_weights({{a, 3}, {b, 3}});
  EXPECT_FALSE(has(b, "soon"));
  EXPECT_TRUE(has(b, "long"));
  EXPECT_TRUE(has(a, "k"));
  cache.set_weights({{a, 3}});
  EXPECT_FALSE(has(b, "long"));
  EXPECT_EQ(cache.used_bytes(b), 0u);
  EXPECT_TRUE(has(a, "k"));
}

TEST_F(LocalCacheTest, agrees_with_a_naive_model_and_never_exceeds_its_quota) {
  struct Value { size_t size; u64 expires; };
  std::map<std::pair<u8, std::string>, Value> model;
  std::mt19937 random(1);
  u64 now = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += random() % 3;
    const u8 who = static_cast<u8>(1 + random() % 2);
    const Hash c = contract(who);
    const std::string key(1, static_cast<char>('a' + random() % 8));
    const auto alive = [&](const std::pair<u8, std::string>& id) { return model.contains(id) && now < model[id].expires; };
    switch (random() % 4) {
      case 0: {
        size_t others = 0;
        for (const auto& [id, value] : model)
          if (id.first == who && id.second != key && alive(id)) others += 1 + value.size;
        const size_t size = random() % 300;
        const bool fits = others + 1 + size <= cache.quota_bytes(c);
        ASSERT_EQ(set(c, key, size, now), fits);
        if (fits) model[{who, key}] = {size, ~u64{0}};
        break;
      }
      case 1: {
        const u64 seconds = random() % 20;
        cache.expire(c, as_bytes(key), seconds, now);
        if (alive({who, key})) model[{who, key}].expires = now + seconds;
        break;
      }
      case 2:
        ASSERT_EQ(cache.remove(c, as_bytes(key), now).has_value(), alive({who, key}));
        model.erase({who, key});
        break;
      default: ASSERT_EQ(has(c, key, now), alive({who, key}));
    }
    ASSERT_LE(cache.used_bytes(c), cache.quota_bytes(c));
  }
}

}  // namespace
}  // namespace phala::egress

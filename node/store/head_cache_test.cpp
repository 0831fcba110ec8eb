#include "store/head_cache.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace phala::store {
namespace {

using Known = std::optional<std::optional<Bytes>>;

TEST(HeadCacheTest, knows_the_head_and_nothing_older_than_it_can_vouch_for) {
  HeadCache cache(1 << 20, 5);
  const Bytes key = to_bytes("k");
  EXPECT_EQ(cache.find(key, 5), Known{});
  cache.note(key, 4, Bytes{4});   // not the head
  EXPECT_EQ(cache.find(key, 5), Known{});
  cache.note(key, 5, Bytes{5});
  EXPECT_EQ(cache.find(key, 5), Known(Bytes{5}));
  EXPECT_EQ(cache.find(key, 4), Known{});
  cache.advance(6, {});
  EXPECT_EQ(cache.find(key, 6), Known(Bytes{5}));
  EXPECT_EQ(cache.find(key, 5), Known(Bytes{5}));
  cache.advance(7, {{key, std::nullopt}});
  EXPECT_EQ(cache.find(key, 7), Known(std::optional<Bytes>{}));
  EXPECT_EQ(cache.find(key, 6), Known{});
  cache.note(key, 7, Bytes{9});   // already known
  const size_t before = cache.bytes();
  cache.note(to_bytes("other"), 7, Bytes(1000));
  EXPECT_GE(cache.bytes(), before + 1000);
  EXPECT_EQ(cache.find(key, 7), Known(std::optional<Bytes>{}));
}

TEST(HeadCacheTest, stays_within_its_limit_and_forgets_the_least_used) {
  HeadCache cache(16 * 4000, 0);
  const Bytes loved = to_bytes("loved");
  cache.note(loved, 0, Bytes(10, 1));
  size_t known = 0;
  for (u32 i = 0; i < 2000; ++i) {
    cache.note(be_bytes(i), 0, Bytes(100, 1));
    ASSERT_TRUE(cache.find(loved, 0));
  }
  for (u32 i = 0; i < 2000; ++i) known += cache.find(be_bytes(i), 0).has_value();
  EXPECT_GT(known, 100u);
  EXPECT_LE(known, 16u * 4000 / 232);
  cache.note(to_bytes("large"), 0, Bytes(2000, 1));
  EXPECT_FALSE(cache.find(to_bytes("large"), 0));
  cache.advance(1, {{loved, Bytes(2000, 2)}});   // too large to keep: must not answer the old value
  EXPECT_FALSE(cache.find(loved, 1));
}

TEST(HeadCacheTest, a_slow_reader_of_the_old_head_cannot_bring_back_an_old_value) {
  HeadCache cache(1 << 20, 0);
  std::atomic<BlockNumber> head{0};
  std::atomic<bool> stop{false};
  // Every key's value at block b is b: whatever a reader is told for block b must be b itself.
  std::vector<std::thread> readers;
  for (unsigned t = 0; t < 2; ++t)
    readers.emplace_back([&, t] {
      std::mt19937 random(t);
      while (!stop) {
        const BlockNumber block = head;
        const Bytes key{static_cast<u8>(random() % 20)};
        const auto known = cache.find(key, block);
        if (known) EXPECT_EQ(*known, to_bytes(be_bytes(block)));
        else cache.note(key, block, to_bytes(be_bytes(block)));
      }
    });
  for (BlockNumber b = 1; b < 3000; ++b) {
    StateDiff all;
    for (u8 k = 0; k < 20; ++k) all[Bytes{k}] = to_bytes(be_bytes(b));
    cache.advance(b, all);
    head = b;
  }
  stop = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace phala::store

#include "frame/state.hpp"

#include <gtest/gtest.h>

#include <random>

#include "frame/dispatch.hpp"
#include "scale/codec.hpp"

namespace phala::frame {
namespace {

TEST(StateTest, a_dropped_layer_leaves_no_trace) {
  MapState parent;
  parent.kv[{1}] = {10};
  State state(parent);
  state.put(Bytes{2}, {20});
  const auto before = state.diff();
  {
    Layer outer(state);
    state.put(Bytes{1}, {11});
    state.erase(Bytes{2});
    {
      Layer inner(state);
      state.put(Bytes{3}, {30});
      inner.commit();
    }
    EXPECT_EQ(*state.get(Bytes{3}), Bytes{30});
  }
  EXPECT_EQ(state.diff(), before);
  EXPECT_EQ(state.get(Bytes{3}), nullptr);
  EXPECT_EQ(*state.get(Bytes{1}), Bytes{10});
}

TEST(StateTest, what_never_was_is_not_in_the_difference) {
  MapState parent;
  State state(parent);
  state.put(Bytes{1}, {1});
  state.erase(Bytes{1});
  EXPECT_TRUE(state.diff().empty());
}

TEST(StateTest, append_is_a_scale_vector_and_can_be_taken_back) {
  MapState parent;
  const Bytes key{9};
  parent.kv[key] = scale::encode(std::vector<u32>{7});
  State state(parent);
  std::vector<u32> expected{7};
  const auto add = [&](u32 n) {
    expected.push_back(n);
    state.append(key, scale::encode(n));
  };
  for (u32 i = 0; i < 70; ++i) add(i);   // the length prefix grows from one byte to two on the way
  const auto kept = expected;
  {
    Layer layer(state);
    for (u32 i = 0; i < 20'000; ++i) add(i);
    EXPECT_EQ(*scale::decode<std::vector<u32>>(*state.get(key)), expected);
  }
  EXPECT_EQ(*scale::decode<std::vector<u32>>(*state.get(key)), kept);
}

TEST(StateTest, agrees_with_a_plain_map_under_random_use) {
  std::mt19937 random(42);
  for (int round = 0; round < 50; ++round) {
    MapState parent;
    const auto key = [&] { return Bytes{static_cast<u8>(random() % 4), static_cast<u8>(random() % 8)}; };
    for (int i = 0; i < 10; ++i) parent.kv[key()] = scale::encode(Bytes{3});
    State state(parent);
    auto model = parent.kv;
    std::vector<std::pair<std::unique_ptr<Layer>, std::map<Bytes, Bytes, BytesLess>>> layers;
    for (int step = 0; step < 200; ++step) {
      const Bytes k = key();
      switch (random() % 8) {
        case 0: layers.emplace_back(std::make_unique<Layer>(state), model); break;
        case 1:
          if (layers.empty()) break;
          if (random() % 2) layers.back().first->commit();
          else model = layers.back().second;
          layers.pop_back();
          break;
        case 2: state.erase(k), model.erase(k); break;
        case 3: {
          state.erase_prefix(ByteView(k).first(1));
          std::erase_if(model, [&](const auto& kv) { return kv.first[0] == k[0]; });
          break;
        }
        case 4: state.append(k, Bytes{5}); {
          auto list = *scale::decode<Bytes>(model.contains(k) ? model[k] : Bytes{0});
          list.push_back(5);
          model[k] = scale::encode(list);
          break;
        }
        default: state.put(k, scale::encode(Bytes{1})), model[k] = scale::encode(Bytes{1}); break;
      }
      std::vector<Bytes> keys;
      for (auto at = state.next_key({}); at; at = state.next_key(*at)) keys.push_back(*at);
      std::vector<Bytes> expected;
      for (const auto& [mk, mv] : model) expected.push_back(mk);
      ASSERT_EQ(keys, expected);
      for (const auto& [mk, mv] : model) ASSERT_EQ(*state.get(mk), mv);
    }
    while (!layers.empty()) {
      model = layers.back().second;
      layers.pop_back();
    }
    MapState applied = parent;
    applied.apply(state.diff());
    EXPECT_EQ(applied.kv, model);
  }
}

TEST(MulDivTest, is_exact_beyond_128_bits) {
  const u128 big = u128{1} << 127;
  EXPECT_EQ(mul_div(big, 6, 12), big / 2);
  EXPECT_EQ(mul_div(~u128{0}, ~u128{0}, ~u128{0}), ~u128{0});
  EXPECT_EQ(mul_div(1000, 7, 3), u128{2333});
  EXPECT_EQ(mul_div(big, big, big + 1), big - 1);
  EXPECT_EQ(mul_div(big, 4, 1), ~u128{0});   // does not fit
  EXPECT_EQ(mul_div(1, 1, 0), ~u128{0});
}

}  // namespace
}  // namespace phala::frame

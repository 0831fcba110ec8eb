// The limit per cluster counts what a state takes: never less than it does, or a worker would be given more than its memory.
#include <gtest/gtest.h>
#include <malloc.h>

#include "crypto/hash.hpp"
#include "engine/cluster_state.hpp"

using namespace phala;
using namespace phala::engine;

namespace {

/// Bytes of the heap that a state with such cells has, and what the limit counts for it.
struct Taken { double held, counted; };
Taken taken_by(u32 cells, const std::function<std::pair<Bytes, Bytes>(u32)>& cell) {
  const auto before = mallinfo2().uordblks;
  ClusterState state;
  for (u32 i = 0; i < cells; ++i) {
    const auto [key, value] = cell(i);
    state.put(key, value);
  }
  static_cast<void>(state.root());
  return {static_cast<double>(mallinfo2().uordblks - before), static_cast<double>(state.memory_bytes())};
}

}  // namespace

TEST(ClusterStateTest, memory_is_counted_as_no_less_than_it_is_and_as_no_more_than_twice_that) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "the sanitizer's heap does not say what it holds";
#endif
  const Bytes trie_id = to_bytes(crypto::blake2_256(as_bytes("x")));
  const auto variable = [&](u32 i, size_t key_bytes, size_t value_bytes) {
    Bytes key(key_bytes);
    store_le(key.data(), i);
    return std::pair(key::storage(trie_id, key::hashed_variable(key)), Bytes(value_bytes, 1));
  };
  const std::vector<std::pair<std::string, std::function<std::pair<Bytes, Bytes>(u32)>>> shapes{
      {"short keys, nothing in them", [&](u32 i) { return variable(i, 4, 0); }},
      {"short keys, 32 bytes", [&](u32 i) { return variable(i, 8, 32); }},
      {"the longest keys, nothing in them", [&](u32 i) { return variable(i, 128, 0); }},
      {"as much as lies in a node", [&](u32 i) { return variable(i, 8, 256); }},
      {"what lies beside it", [&](u32 i) { return variable(i, 8, 257); }},
      {"fixed keys", [&](u32 i) { return std::pair(key::storage(trie_id, key::hashed_fixed(to_bytes(crypto::blake2_256(scale::encode(i))))), scale::encode(i)); }},
      {"accounts", [&](u32 i) { return std::pair(key::account(crypto::blake2_256(scale::encode(i)).as<AccountId>()), scale::encode(Account{i, i})); }},
  };
  for (const auto& [name, cell] : shapes)
    for (const u32 cells : {1'000u, 12'000u, 30'000u}) {
      const auto [held, counted] = taken_by(cells, cell);
      EXPECT_LE(held, counted) << name << ", " << cells;
      EXPECT_GE(held * 2, counted) << name << ", " << cells;
    }
}

#include "light/tip_proof.hpp"

#include <gtest/gtest.h>

#include "trie/memory_trie.hpp"
#include "trie/proof.hpp"

namespace phala::light {
namespace {

struct State {
  trie::MemoryTrie trie;
  State() {
    for (u8 i = 0; i < 200; ++i) trie.insert(Bytes{i, 1, 2}, Bytes(40, i));
  }
};

TEST(TipProofTest, values_and_absence_are_read_from_the_tip) {
  const State state;
  Tip tip{5, {}, state.trie.root(), {}, 0, 0};
  const std::vector<Bytes> keys{{7, 1, 2}, {7, 1, 3}};
  const auto proof = trie::prove(state.trie, keys);
  const auto read = read_at_tip(tip, proof, keys);
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ((*read)[0], Bytes(40, 7));
  EXPECT_FALSE((*read)[1].has_value());
}

TEST(TipProofTest, no_altered_withheld_or_foreign_proof_passes) {
  const State state;
  const Tip tip{5, {}, state.trie.root(), {}, 0, 0};
  const std::vector<Bytes> keys{{7, 1, 2}};
  const auto honest = trie::prove(state.trie, keys);
  for (size_t node = 0; node < honest.size(); ++node) {
    auto withheld = honest;
    withheld.erase(withheld.begin() + static_cast<long>(node));
    EXPECT_FALSE(read_at_tip(tip, withheld, keys).has_value());
    for (size_t byte = 0; byte < honest[node].size(); ++byte) {
      auto altered = honest;
      altered[node][byte] ^= 1;
      const auto read = read_at_tip(tip, altered, keys);
      EXPECT_TRUE(!read || (*read)[0] == Bytes(40, 7)) << "node " << node << " byte " << byte;
    }
  }
  State other;
  other.trie.insert(keys[0], Bytes(40, 99));
  EXPECT_FALSE(read_at_tip(tip, trie::prove(other.trie, keys), keys).has_value());
  EXPECT_FALSE(read_at_tip(Tip{}, honest, keys).has_value());
}

}  // namespace
}  // namespace phala::light

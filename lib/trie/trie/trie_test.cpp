// Properties: all ways to a root agree under random changes, snapshots do not move, iteration is a map's, proofs prove.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "crypto/hash.hpp"
#include "trie/test_store.hpp"
#include "trie/trie.hpp"

namespace phala::trie {
namespace {

using Model = std::map<Bytes, Bytes, BytesLess>;

/// Keys that often are prefixes of each other; values around the lengths where nodes become hashed.
struct Source {
  std::mt19937 random{0};
  explicit Source(unsigned seed) : random(seed) {}
  size_t below(size_t n) { return random() % n; }
  Bytes key() {
    static constexpr u8 alphabet[] = {0x00, 0x01, 0x0f, 0x10, 0xf0, 0xff};
    Bytes out(below(7));
    for (u8& b : out) b = alphabet[below(std::size(alphabet))];
    return out;
  }
  Bytes value() {
    static constexpr size_t sizes[] = {0, 1, 20, 27, 28, 29, 30, 31, 32, 33, 63, 64, 255, 256, 257, 1000};
    return Bytes(sizes[below(std::size(sizes))], static_cast<u8>(below(256)));
  }
};

Model contents(const MemoryTrie& trie, ByteView prefix = {}) {
  Model out;
  trie.for_each(prefix, [&](ByteView k, ByteView v) {
    EXPECT_TRUE(out.emplace(to_bytes(k), to_bytes(v)).second);
    return true;
  });
  return out;
}

size_t value_bytes(const Model& model) {
  size_t sum = 0;
  for (const auto& [k, v] : model) sum += v.size();
  return sum;
}

size_t key_bytes(const Model& model) {
  size_t sum = 0;
  for (const auto& [k, v] : model) sum += k.size();
  return sum;
}

class TrieTest : public testing::TestWithParam<unsigned> {};

TEST_P(TrieTest, every_way_to_the_root_agrees_under_random_changes) {
  Source source(GetParam());
  Model model;
  MemoryTrie trie;
  TestStore store;
  Hash stored_root = empty_root();
  std::vector<std::pair<MemoryTrie, Model>> snapshots;
  for (int round = 0; round < 60; ++round) {
    Changes changes;
    const bool shrinking = round % 12 >= 8;
    for (size_t n = source.below(round % 3 == 0 ? 2 : 40); n-- > 0;) {
      Bytes key = source.key();
      if (shrinking && !model.empty() && source.below(4) > 0) {
        auto at = model.begin();
        std::advance(at, static_cast<long>(source.below(model.size())));
        key = at->first;
      }
      if (source.below(10) < (shrinking ? 9 : 3)) {
        EXPECT_EQ(trie.remove(key), model.erase(key) == 1);
        changes[key] = std::nullopt;
      } else {
        const Bytes value = source.value();
        trie.insert(key, value);
        model[key] = value;
        changes[key] = value;
      }
    }
    if (source.below(6) == 0) {
      const Bytes prefix = source.key();
      size_t gone = 0;
      for (auto at = model.lower_bound(prefix); at != model.end() && starts_with(at->first, prefix); ++gone) {
        changes[at->first] = std::nullopt;
        at = model.erase(at);
      }
      EXPECT_EQ(trie.remove_prefix(prefix), gone);
    }
    stored_root = store.apply(stored_root, changes);
    ASSERT_EQ(trie.root(), root(model)) << "round " << round;
    ASSERT_EQ(stored_root, trie.root()) << "round " << round;
    ASSERT_EQ(contents(trie), model);
    ASSERT_EQ(trie.size(), model.size());
    ASSERT_EQ(trie.value_bytes(), value_bytes(model));
    ASSERT_EQ(trie.key_bytes(), key_bytes(model));
    if (source.below(4) == 0) snapshots.emplace_back(trie, model);
    if (source.below(8) == 0 && !snapshots.empty()) {   // back to an old state
      std::tie(trie, model) = snapshots[source.below(snapshots.size())];
      Changes all;
      for (const auto& [k, v] : model) all[k] = v;
      store = {};
      stored_root = store.apply(empty_root(), all);
    }
  }
  for (const auto& [snapshot, then] : snapshots) {
    EXPECT_EQ(contents(snapshot), then);
    EXPECT_EQ(snapshot.root(), root(then));
  }
}

TEST_P(TrieTest, stored_nodes_are_exactly_those_of_a_fresh_build) {
  Source source(GetParam());
  struct Collect final : RootBuilder::Sink {
    std::map<Bytes, Bytes, BytesLess> nodes;
    void node(ByteView path, ByteView encoding) override { EXPECT_TRUE(nodes.emplace(to_bytes(path), to_bytes(encoding)).second); }
  };
  TestStore store;
  Hash stored_root = empty_root();
  Model model;
  for (int round = 0; round < 20; ++round) {
    Changes changes;
    for (int i = 0; i < 25; ++i) changes[source.key()] = source.below(3) == 0 ? std::nullopt : std::optional(source.value());
    for (const auto& [k, v] : changes) {
      if (v) model[k] = *v;
      else model.erase(k);
    }
    stored_root = store.apply(stored_root, changes);
    Collect fresh;
    RootBuilder builder(&fresh);
    for (const auto& [k, v] : model) builder.add(k, v);
    EXPECT_EQ(builder.finish(), stored_root);
    if (model.empty()) fresh.nodes.clear();
    ASSERT_EQ(store.nodes, fresh.nodes) << "round " << round;
  }
}

TEST_P(TrieTest, proofs_prove_what_is_there_and_what_is_not) {
  Source source(GetParam());
  MemoryTrie trie;
  Changes all;
  for (int i = 0; i < 80; ++i) {
    const Bytes k = source.key(), v = source.value();
    trie.insert(k, v);
    all[k] = v;
  }
  TestStore store;
  const Hash top = store.apply(empty_root(), all);
  for (int i = 0; i < 40; ++i) {
    const std::vector<Bytes> keys{source.key(), source.key()};
    const auto proof = prove(trie, keys);
    EXPECT_EQ(*prove(store, top, keys), proof);
    for (const auto& key : keys) {
      const auto expected = trie.get(key);
      const auto proved = verify_proof(top, proof, key);
      ASSERT_TRUE(proved) << proved.error().text();
      EXPECT_EQ(*proved, expected ? std::optional(to_bytes(*expected)) : std::nullopt);
      EXPECT_EQ(*read(store, top, key), *proved);
    }
  }
}

TEST_P(TrieTest, damaged_proofs_are_refused_or_say_the_same) {
  Source source(GetParam());
  MemoryTrie trie;
  for (int i = 0; i < 60; ++i) trie.insert(source.key(), source.value());
  const Bytes key = to_bytes(trie.lower_bound(source.key()).valid() ? trie.lower_bound(source.key()).key() : trie.begin().key());
  const auto proof = prove(trie, std::vector<Bytes>{key});
  const auto truth = to_bytes(*trie.get(key));
  for (size_t node = 0; node < proof.size(); ++node) {
    for (size_t at = 0; at < std::min<size_t>(proof[node].size(), 80); ++at) {
      auto damaged = proof;
      damaged[node][at] ^= static_cast<u8>(1 + source.below(255));
      const auto answer = verify_proof(trie.root(), damaged, key);
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().code, ErrorCode::invalid_input);
    }
    auto missing = proof;
    missing.erase(missing.begin() + static_cast<long>(node));
    EXPECT_FALSE(verify_proof(trie.root(), missing, key));
  }
  auto more = proof;
  more.push_back(source.value());
  more.push_back(proof[0]);
  EXPECT_EQ(verify_proof(trie.root(), more, key).value(), truth);
}

INSTANTIATE_TEST_SUITE_P(Seeds, TrieTest, testing::Range(1u, 13u));

TEST(MemoryTrieTest, next_key_and_lower_bound_are_those_of_a_map) {
  Source source(99);
  Model model;
  MemoryTrie trie;
  for (int i = 0; i < 200; ++i) {
    const Bytes key = source.key();
    trie.insert(key, key);
    model[key] = key;
  }
  for (int i = 0; i < 2000; ++i) {
    const Bytes key = source.key();
    const auto at = model.lower_bound(key), after = model.upper_bound(key);
    const auto cursor = trie.lower_bound(key);
    ASSERT_EQ(cursor.valid(), at != model.end());
    if (cursor.valid()) {
      EXPECT_EQ(to_bytes(cursor.key()), at->first);
    }
    EXPECT_EQ(trie.next_key(key), after == model.end() ? std::nullopt : std::optional(after->first));
  }
}

TEST(MemoryTrieTest, readers_of_snapshots_work_beside_a_writer) {
  MemoryTrie trie;
  const auto key = [](u32 i) { return to_bytes(crypto::blake2_256(be_bytes(i))); };
  for (u32 i = 0; i < 2000; ++i) trie.insert(key(i), key(i));
  const Hash before = MemoryTrie(trie).root();
  for (u32 i = 0; i < 2000; i += 2) trie.insert(key(i), as_bytes("x"));
  for (u32 i = 0; i < 2000; i += 2) trie.insert(key(i), key(i));   // equal again, references unknown
  const MemoryTrie snapshot = trie;
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&snapshot, before, key] {
      EXPECT_EQ(snapshot.root(), before);
      for (u32 i = 0; i < 2000; ++i) EXPECT_TRUE(snapshot.contains(key(i)));
    });
  for (u32 i = 0; i < 2000; ++i) trie.remove(key(i));
  EXPECT_TRUE(trie.empty());
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(snapshot.size(), 2000u);
}

TEST(MemoryTrieTest, the_deepest_tree_of_the_longest_key_is_handled) {
  MemoryTrie trie;
  Bytes key;
  for (size_t i = 0; i <= max_key_bytes; ++i) {
    trie.insert(key, as_bytes("v"));
    key.push_back(0x11);
  }
  key.resize(max_key_bytes);
  const MemoryTrie copy = trie;
  EXPECT_EQ(trie.size(), max_key_bytes + 1);
  const auto proof = prove(trie, std::vector<Bytes>{key});
  EXPECT_EQ(verify_proof(trie.root(), proof, key).value(), to_bytes("v"));
  EXPECT_EQ(trie.remove_prefix({}), max_key_bytes + 1);
  EXPECT_EQ(trie.root(), empty_root());
  EXPECT_EQ(contents(copy).size(), max_key_bytes + 1);
}

TEST(TrieUpdateTest, damage_in_the_store_is_named) {
  TestStore store;
  Changes all;
  for (u8 i = 0; i < 200; ++i) all[Bytes{i, i}] = Bytes(40, i);
  const Hash top = store.apply(empty_root(), all);
  TestStore missing = store;
  missing.nodes.erase(Bytes{3, 4});
  const auto lost = update(missing, top, {{Bytes{0x34, 0x34}, std::nullopt}});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::corrupted);
  EXPECT_NE(lost.error().message.find("the trie node at 34: it is missing"), std::string::npos) << lost.error().message;
  TestStore torn = store;
  torn.nodes[{}].back() ^= 1;
  EXPECT_EQ(read(torn, top, Bytes{1, 1}).error().code, ErrorCode::corrupted);
  EXPECT_EQ(update(store, top, {{Bytes(max_key_bytes + 1, 1), Bytes{}}}).error().code, ErrorCode::invalid_input);
}

TEST(TrieUpdateTest, no_flipped_bit_of_a_node_on_the_way_passes) {
  TestStore store;
  Changes all;
  for (u8 i = 0; i < 200; ++i) all[Bytes{i, i}] = Bytes(40, i);
  const Hash top = store.apply(empty_root(), all);
  const Changes change{{Bytes{0x34, 0x34}, Bytes{1}}};
  for (const auto& [place, name] : {std::pair(Bytes{}, "the root node of the trie"), std::pair(Bytes{3}, "the trie node at 3"), std::pair(Bytes{3, 4}, "the trie node at 34")}) {
    for (size_t bit = 0; bit < store.nodes[place].size() * 8; ++bit) {
      TestStore flipped = store;
      flipped.nodes[place][bit / 8] ^= static_cast<u8>(1 << bit % 8);
      const auto updated = update(flipped, top, change);
      ASSERT_FALSE(updated) << name << ", bit " << bit;
      EXPECT_EQ(updated.error().message, std::string(name) + ": it is not the node that its parent names") << "bit " << bit;
    }
  }
}

TEST(TrieUpdateTest, a_change_that_changes_nothing_writes_nothing) {
  TestStore store;
  const Hash top = store.apply(empty_root(), {{to_bytes("a"), Bytes(50, 1)}, {to_bytes("b"), Bytes(50, 2)}});
  const auto same = update(store, top, {{to_bytes("a"), Bytes(50, 1)}, {to_bytes("c"), std::nullopt}});
  ASSERT_TRUE(same);
  EXPECT_EQ(same->root, top);
  EXPECT_TRUE(same->nodes.empty());
}

TEST(TrieProofTest, limits_are_named) {
  const std::vector<Bytes> many(max_proof_nodes + 1);
  EXPECT_NE(verify_proof(Hash{}, many, Bytes{}).error().message.find("nodes, the limit is"), std::string::npos);
  const std::vector<Bytes> large(2, Bytes(max_proof_bytes / 2 + 1));
  EXPECT_NE(verify_proof(Hash{}, large, Bytes{}).error().message.find("bytes, the limit is"), std::string::npos);
}

}  // namespace
}  // namespace phala::trie

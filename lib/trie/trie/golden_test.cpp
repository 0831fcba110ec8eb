// Every vector was made by the original trie (tests/tools/trie-golden); MemoryTrie, RootBuilder and stored nodes must all agree with it.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "crypto/hash.hpp"
#include "trie/test_store.hpp"
#include "trie/trie.hpp"

namespace phala::trie {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  Words out;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    out.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Bytes bytes_of(const std::string& word) {
  auto bytes = from_hex(word);
  EXPECT_TRUE(bytes) << word;
  return bytes ? *bytes : Bytes{};
}

struct World {
  std::map<Bytes, Bytes, BytesLess> entries;
  MemoryTrie trie;
  Changes changes;
  TestStore store;
  Hash stored_root = empty_root();

  void put(const Bytes& key, const Bytes& value) {
    entries[key] = value;
    trie.insert(key, value);
    changes[key] = value;
  }
  void del(const Bytes& key) {
    EXPECT_TRUE(trie.remove(key));
    entries.erase(key);
    changes[key] = std::nullopt;
  }
  void check_root(const Bytes& expected) {
    EXPECT_EQ(to_hex(trie.root()), to_hex(expected)) << "MemoryTrie";
    EXPECT_EQ(to_hex(root(entries)), to_hex(expected)) << "RootBuilder";
    stored_root = store.apply(stored_root, changes);
    changes.clear();
    EXPECT_EQ(to_hex(stored_root), to_hex(expected)) << "update";
    EXPECT_EQ(trie.size(), entries.size());
  }
  void check_proof(const std::vector<Bytes>& keys, const std::vector<Bytes>& nodes) {
    EXPECT_EQ(prove(trie, keys), nodes);
    const auto stored = prove(store, stored_root, keys);
    ASSERT_TRUE(stored) << stored.error().text();
    EXPECT_EQ(*stored, nodes);
    const auto values = verify_proof(trie.root(), nodes, keys);
    ASSERT_TRUE(values) << values.error().text();
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto at = entries.find(keys[i]);
      EXPECT_EQ((*values)[i], at == entries.end() ? std::nullopt : std::optional(at->second));
    }
  }
};

TEST(TrieGoldenTest, all_vectors_of_the_original_agree) {
  std::ifstream file(PHALA_SOURCE_DIR "/tests/golden/trie/vectors.txt");
  ASSERT_TRUE(file.is_open());
  World world;
  size_t roots = 0, proofs = 0, lists = 0;
  std::string line, name;
  while (std::getline(file, line)) {
    const Words words = words_of(line);
    SCOPED_TRACE(name + ": " + line.substr(0, 90));
    if (words[0] == "set") {
      world = World{};
      name = line.substr(4);
    } else if (words[0] == "put") {
      world.put(bytes_of(words[1]), bytes_of(words[2]));
    } else if (words[0] == "del") {
      world.del(bytes_of(words[1]));
    } else if (words[0] == "gen") {
      const u32 count = static_cast<u32>(std::stoul(words[1]));
      for (u32 i = 0; i < count; ++i) {
        u8 raw[4];
        store_le(raw, i);
        const Bytes key = to_bytes(crypto::blake2_256(raw));
        Bytes value(std::stoul(words[2]));
        for (size_t b = 0; b < value.size(); ++b) value[b] = key[b % key.size()];
        world.put(key, value);
      }
    } else if (words[0] == "root") {
      world.check_root(bytes_of(words[1]));
      ++roots;
    } else if (words[0] == "prove") {
      std::vector<Bytes> keys, nodes;
      size_t i = 1;
      for (; words[i] != "="; ++i) keys.push_back(bytes_of(words[i]));
      for (++i; i < words.size(); ++i) nodes.push_back(bytes_of(words[i]));
      world.check_proof(keys, nodes);
      ++proofs;
    } else if (words[0] == "list") {
      std::vector<Bytes> items;
      for (size_t i = 2; i < words.size(); ++i) items.push_back(bytes_of(words[i]));
      EXPECT_EQ(to_hex0x(ordered_root(items)), words[1]);
      ++lists;
    } else {
      FAIL() << "unknown statement";
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(roots, 150u);
  EXPECT_GT(proofs, 30u);
  EXPECT_EQ(lists, 10u);
}

}  // namespace
}  // namespace phala::trie

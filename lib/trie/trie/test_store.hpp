#pragma once
// Why: tests keep stored nodes in a map, as the chain's store keeps them on disk.

#include <gtest/gtest.h>

#include "trie/update.hpp"

namespace phala::trie {

class TestStore final : public NodeSource {
 public:
  std::map<Bytes, Bytes, BytesLess> nodes;
  mutable size_t reads = 0;

  Result<std::optional<Bytes>> node(ByteView path) const override {
    ++reads;
    const auto at = nodes.find(path);
    return at == nodes.end() ? std::nullopt : std::optional(at->second);
  }
  /// Applies changes; the new root. Every deletion must concern a node that is there.
  Hash apply(const Hash& root, const Changes& changes) {
    auto updated = update(*this, root, changes);
    EXPECT_TRUE(updated) << updated.error().text();
    if (!updated) return root;
    for (auto& [path, encoding] : updated->nodes) {
      if (encoding) nodes[path] = std::move(*encoding);
      else EXPECT_EQ(nodes.erase(path), 1u);
    }
    return updated->root;
  }
};

}  // namespace phala::trie

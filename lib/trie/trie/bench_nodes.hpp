#pragma once
// Why: benchmarks keep stored nodes in a hash table, as the libraries do that they are measured beside, and write back what an update gives.

#include <string>
#include <unordered_map>

#include "base/assert.hpp"
#include "trie/update.hpp"

namespace phala::trie {

class BenchNodes final : public NodeSource {
 public:
  Result<std::optional<Bytes>> node(ByteView path) const override {
    const auto at = nodes_.find(std::string(as_text(path)));
    return at == nodes_.end() ? std::nullopt : std::optional(at->second);
  }
  /// Applies changes to the trie with this root and stores its nodes; the new root.
  Hash apply(const Hash& root, const Changes& changes) {
    auto updated = update(*this, root, changes);
    PHALA_ASSERT(updated.has_value());
    for (auto& [path, encoding] : updated->nodes) {
      std::string place(as_text(path));
      if (encoding) nodes_[std::move(place)].assign(encoding->begin(), encoding->end());   // into the memory of the old one
      else nodes_.erase(place);
    }
    return updated->root;
  }

 private:
  std::unordered_map<std::string, Bytes> nodes_;
};

}  // namespace phala::trie

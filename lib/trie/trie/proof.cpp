#include "trie/proof.hpp"

#include <set>

#include "crypto/hash.hpp"
#include "trie/memory_node.hpp"

namespace phala::trie {

std::vector<Bytes> prove(const MemoryTrie& trie, std::span<const Bytes> keys) {
  static_cast<void>(trie.root());   // so that every reference is known
  if (trie.empty() && !keys.empty()) return {Bytes{0}};
  std::set<Bytes, BytesLess> met;
  Bytes encoding;
  for (const auto& key : keys) {
    auto rest = detail::Nibbles::of_key(key);
    for (const detail::Node* node = trie.root_node(); node;) {
      encoding.clear();
      detail::encode_node(*node, encoding);
      if (node == trie.root_node() || encoding.size() >= detail::hash_size) met.insert(encoding);
      const size_t length = node->nibbles;
      if (rest.count <= length || detail::common_prefix(node->partial(), rest) < length) break;
      const unsigned nibble = rest[length];
      node = node->has_child(nibble) ? node->child(nibble) : nullptr;
      rest = rest.drop(length + 1);
    }
  }
  return std::vector<Bytes>(met.begin(), met.end());
}

namespace {

/// The nodes of a proof, found by hash.
class ProofNodes {
 public:
  static Result<ProofNodes> index(std::span<const Bytes> proof) {
    if (proof.size() > max_proof_nodes)
      return fail(ErrorCode::invalid_input, "the storage proof has " + std::to_string(proof.size()) + " nodes, the limit is " + std::to_string(max_proof_nodes));
    size_t bytes = 0;
    for (const auto& node : proof) bytes += node.size();
    if (bytes > max_proof_bytes)
      return fail(ErrorCode::invalid_input, "the storage proof has " + std::to_string(bytes) + " bytes, the limit is " + std::to_string(max_proof_bytes));
    ProofNodes out;
    out.nodes_.reserve(proof.size());
    for (const auto& node : proof) out.nodes_.emplace_back(crypto::blake2_256(node), node);
    std::ranges::sort(out.nodes_, {}, &Entry::first);
    return out;
  }

  Result<std::optional<Bytes>> get(const Hash& root, ByteView key) const {
    if (root == empty_root()) return std::optional<Bytes>{};
    Hash hash = root;
    ByteView node = TRY(find(hash));
    for (size_t depth = 0;;) {
      const auto view = detail::decode_node(node);
      if (!view) return fail(ErrorCode::invalid_input, "the storage proof's node " + to_hex0x(hash) + " (or one inside it) is malformed: " + std::string(view.error()));
      const auto answer = detail::ask(*view, key, depth);
      if (answer.outcome == detail::Answer::absent) return std::optional<Bytes>{};
      if (answer.outcome == detail::Answer::present) return std::optional(to_bytes(answer.value));
      depth = answer.depth;
      node = answer.child;
      if (node.size() == detail::hash_size) {
        hash = Hash(node);
        node = TRY(find(hash));
      }
    }
  }

 private:
  using Entry = std::pair<Hash, ByteView>;
  Result<ByteView> find(const Hash& hash) const {
    const auto at = std::ranges::lower_bound(nodes_, hash, {}, &Entry::first);
    if (at == nodes_.end() || at->first != hash)
      return fail(ErrorCode::invalid_input, "the storage proof lacks the node " + to_hex0x(hash), "it was made for another block or other keys: ask for a new one");
    return at->second;
  }
  std::vector<Entry> nodes_;
};

}  // namespace

Result<std::optional<Bytes>> verify_proof(const Hash& root, std::span<const Bytes> proof, ByteView key) {
  const auto nodes = TRY(ProofNodes::index(proof));
  return nodes.get(root, key);
}

Result<std::vector<std::optional<Bytes>>> verify_proof(const Hash& root, std::span<const Bytes> proof, std::span<const Bytes> keys) {
  const auto nodes = TRY(ProofNodes::index(proof));
  std::vector<std::optional<Bytes>> out;
  out.reserve(keys.size());
  for (const auto& key : keys) out.push_back(TRY(nodes.get(root, key)));
  return out;
}

}  // namespace phala::trie

#include "trie/stored.hpp"

#include <set>

#include "crypto/hash.hpp"
#include "trie/proof.hpp"

namespace phala::trie {
namespace detail {

std::unexpected<Error> damaged_node(ByteView path, std::string_view what) {
  std::string place = "the root node of the trie";
  if (!path.empty()) {
    place = "the trie node at ";
    for (const u8 nibble : path) place.push_back("0123456789abcdef"[nibble & 15]);
  }
  return fail(ErrorCode::corrupted, place + ": " + std::string(what), "the stored state is damaged; restore it from a backup or sync again");
}

Result<Bytes> load_node(const NodeSource& source, ByteView path, ByteView expected_hash) {
  auto encoding = TRY(source.node(path));
  if (!encoding) return damaged_node(path, "it is missing");
  if (!same_bytes(crypto::blake2_256(*encoding), expected_hash)) return damaged_node(path, "it is not the node that its parent names");
  return std::move(*encoding);
}

}  // namespace detail

namespace {

/// Walks from the root to `key` and adds the stored nodes on the way to `met`.
Result<std::optional<Bytes>> walk(const NodeSource& source, const Hash& root, ByteView key, std::set<Bytes, BytesLess>* met) {
  if (root == empty_root()) {
    if (met) met->insert(Bytes{0});
    return std::optional<Bytes>{};
  }
  Bytes path, encoding = TRY(detail::load_node(source, path, root));
  ByteView node = encoding;
  for (size_t depth = 0;;) {
    if (met && node.data() == encoding.data()) met->insert(encoding);
    const auto view = detail::decode_node(node);
    if (!view) return detail::damaged_node(path, view.error());
    const auto answer = detail::ask(*view, key, depth);
    if (answer.outcome == detail::Answer::absent) return std::optional<Bytes>{};
    if (answer.outcome == detail::Answer::present) return std::optional(to_bytes(answer.value));
    for (; depth < answer.depth; ++depth) path.push_back(static_cast<u8>(detail::Nibbles::nibble(key.data(), depth)));
    if (answer.child.size() == detail::hash_size) {
      encoding = TRY(detail::load_node(source, path, answer.child));
      node = encoding;
    } else {
      node = answer.child;
    }
  }
}

}  // namespace

Result<std::optional<Bytes>> read(const NodeSource& source, const Hash& root, ByteView key) { return walk(source, root, key, nullptr); }

Result<std::vector<Bytes>> prove(const NodeSource& source, const Hash& root, std::span<const Bytes> keys) {
  std::set<Bytes, BytesLess> met;
  for (const auto& key : keys) TRY(walk(source, root, key, &met));
  return std::vector<Bytes>(met.begin(), met.end());
}

}  // namespace phala::trie

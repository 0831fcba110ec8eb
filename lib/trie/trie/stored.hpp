#pragma once
// Why: stored nodes are checked against the hash by which they are named, so that damage is found where it is. Internal to lib/trie.

#include "trie/node.hpp"
#include "trie/update.hpp"

namespace phala::trie::detail {

/// The error for a stored node, with its place.
std::unexpected<Error> damaged_node(ByteView path, std::string_view what);
/// The node at a place; refused unless its hash is the expected one (32 bytes).
Result<Bytes> load_node(const NodeSource& source, ByteView path, ByteView expected_hash);

}  // namespace phala::trie::detail

#pragma once
// Why: a chain's state does not fit in memory, but a block changes little of it. Nodes are kept by their place in the trie
// (not by hash): a change of state is then a small map from places to new nodes, with nothing to count references of.

#include <map>
#include <optional>

#include "base/bytes.hpp"

namespace phala::trie {

/// Gives the encoding of the node at a place. A place is the nibbles (one per byte) from the root to the node without its
/// partial key; the root's is empty. Only nodes that are referenced by hash, and the root, have a place of their own.
class NodeSource {
 public:
  virtual ~NodeSource() = default;
  /// Nothing when there is no node: right for the root of an empty trie only.
  virtual Result<std::optional<Bytes>> node(ByteView path) const = 0;
};

/// Keys to new values; nothing means removed.
using Changes = std::map<Bytes, std::optional<Bytes>, BytesLess>;
/// Places to new encodings; nothing means that there is no node any more.
using NodeChanges = std::map<Bytes, std::optional<Bytes>, BytesLess>;

struct Updated {
  Hash root;
  NodeChanges nodes;   ///< apply all of them, or none
};

/// The trie of `source`, whose root is `root`, after `changes`. Nothing is written.
/// Errors: corrupted (a node is missing, malformed, or not the one its parent names); invalid_input (a key over max_key_bytes);
/// whatever the source returns.
Result<Updated> update(const NodeSource& source, const Hash& root, const Changes& changes);

/// The value of `key` in the trie of `source`, whose root is `root`. Errors as of `update`.
Result<std::optional<Bytes>> read(const NodeSource& source, const Hash& root, ByteView key);

}  // namespace phala::trie

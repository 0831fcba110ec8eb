#pragma once
// Why: whoever knows only a header can check single values of the state. A proof is the set of nodes on the way to the keys,
// as `state_getReadProof` serves it and Substrate's read-proof check takes it.

#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "trie/memory_trie.hpp"
#include "trie/update.hpp"

namespace phala::trie {

/// Encodings of all nodes that are met (by hash) on the way to the keys, present or absent; sorted, without duplicates.
std::vector<Bytes> prove(const MemoryTrie& trie, std::span<const Bytes> keys);
/// The same from stored nodes. Errors as of `update`.
Result<std::vector<Bytes>> prove(const NodeSource& source, const Hash& root, std::span<const Bytes> keys);

/// A proof may not be larger than this, in bytes of all nodes together, and in nodes.
constexpr size_t max_proof_bytes = 16 << 20;
constexpr size_t max_proof_nodes = 1 << 16;

/// What the trie with that root says of `key`: its value, or that there is none. Nodes that are not needed are ignored.
/// Work is linear in the size of proof and key. Errors (invalid_input): a limit exceeded, a node missing, malformed, or of a kind
/// that state version 0 does not have; the message names the node.
Result<std::optional<Bytes>> verify_proof(const Hash& root, std::span<const Bytes> proof, ByteView key);
/// The same for several keys at once; one answer per key.
Result<std::vector<std::optional<Bytes>>> verify_proof(const Hash& root, std::span<const Bytes> proof, std::span<const Bytes> keys);

}  // namespace phala::trie

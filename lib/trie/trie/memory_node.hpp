#pragma once
// Why: the nodes of MemoryTrie. One allocation each, sized to its content, since a million of them must fit. Internal to lib/trie.
//
// Layout: Node ‖ child pointers (one per bit of the bitmap) ‖ [Blob pointer] ‖ partial key, right-aligned ‖ [value].
// A node with one owner may be changed in place by that owner; any other is immutable but for its cached reference.

#include <atomic>
#include <bit>
#include <new>

#include "trie/node.hpp"

namespace phala::trie::detail {

/// A large value, shared by copies of its node.
struct Blob {
  std::atomic<u32> owners{1};
  u32 size = 0;
  u8* bytes() { return reinterpret_cast<u8*>(this + 1); }
};

struct Node {
  std::atomic<u32> owners{1};
  /// Of `reference`: 0 unknown, 1 being written, 2 known. Whoever turns 0 into 1 writes; readers of 1 wait for 2.
  mutable std::atomic<u8> reference_state{0};
  mutable u8 reference_size = 0;
  bool has_value = false, value_is_blob = false;
  u16 nibbles = 0;
  u16 bitmap = 0;
  u32 value_size = 0;
  mutable std::array<u8, 32> reference_bytes;   ///< set with reference_state

  size_t child_count() const { return static_cast<size_t>(std::popcount(bitmap)); }
  bool has_child(unsigned nibble) const { return bitmap >> nibble & 1; }
  Node** children() { return reinterpret_cast<Node**>(this + 1); }
  Node* const* children() const { return reinterpret_cast<Node* const*>(this + 1); }
  size_t child_slot(unsigned nibble) const { return static_cast<size_t>(std::popcount(static_cast<u16>(bitmap & ((1u << nibble) - 1)))); }
  Node*& child(unsigned nibble) { return children()[child_slot(nibble)]; }
  const Node* child(unsigned nibble) const { return children()[child_slot(nibble)]; }
  Blob*& blob() { return reinterpret_cast<Blob*&>(children()[child_count()]); }
  Blob* blob() const { return const_cast<Node*>(this)->blob(); }
  u8* partial_bytes() { return reinterpret_cast<u8*>(children() + child_count() + (value_is_blob ? 1 : 0)); }
  const u8* partial_bytes() const { return const_cast<Node*>(this)->partial_bytes(); }
  Nibbles partial() const { return {partial_bytes(), nibbles % 2u, nibbles}; }
  u8* inline_value() { return partial_bytes() + (nibbles + 1u) / 2; }
  ByteView value() const {
    return {value_is_blob ? blob()->bytes() : const_cast<Node*>(this)->inline_value(), value_size};
  }
  ByteView reference() const { return {reference_bytes.data(), reference_size}; }
};
static_assert(sizeof(Node) == 48);

/// The node's encoding; the references of its children must be known.
void encode_node(const Node& node, Bytes& out);
/// Makes the node's reference known, and those beneath it. `scratch` is overwritten.
void know_reference(const Node& node, Bytes& scratch);

}  // namespace phala::trie::detail

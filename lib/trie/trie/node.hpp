#pragma once
// Why: the one place that knows how a node looks on the wire; builders, updates and proofs share it. Internal to lib/trie.

#include <array>
#include <bit>

#include "base/bytes.hpp"

namespace phala::trie::detail {

/// Consecutive nibbles inside packed bytes; `from` counts nibbles, the high half of a byte first.
struct Nibbles {
  const u8* bytes = nullptr;
  size_t from = 0, count = 0;

  static Nibbles of_key(ByteView key, size_t from = 0) { return {key.data(), from, key.size() * 2 - from}; }
  unsigned operator[](size_t i) const { return nibble(bytes, from + i); }
  Nibbles drop(size_t n) const { return {bytes, from + n, count - n}; }
  Nibbles first(size_t n) const { return {bytes, from, n}; }
  static unsigned nibble(const u8* bytes, size_t i) { return i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15; }
};
size_t common_prefix(Nibbles a, Nibbles b);
/// Writes `source` to packed bytes, starting at nibble `to`. The other half of a byte that it only half fills is kept.
void write_nibbles(u8* bytes, size_t to, Nibbles source);

enum class Kind : u8 { leaf = 0x40, branch = 0x80, branch_with_value = 0xc0 };

/// How a parent names a child: the child's encoding (1 to 31 bytes) or its hash (32).
struct Reference {
  u8 size = 0;
  std::array<u8, 32> bytes;
  ByteView view() const { return {bytes.data(), size}; }
};
Reference reference_of(ByteView encoding);
constexpr size_t hash_size = 32;

void append_compact(Bytes& out, size_t value);
/// Header and partial key (right-aligned in its bytes, a leading odd nibble with zeros above).
void append_header(Bytes& out, Kind kind, Nibbles partial);
inline void append_sized(Bytes& out, ByteView bytes) {
  append_compact(out, bytes.size());
  append(out, bytes);
}
inline void append_bitmap(Bytes& out, unsigned bitmap) {
  out.push_back(static_cast<u8>(bitmap));
  out.push_back(static_cast<u8>(bitmap >> 8));
}

/// A decoded node; everything borrows from the encoding.
struct NodeView {
  Nibbles partial;
  bool has_value = false;
  ByteView value;
  unsigned bitmap = 0;
  std::array<ByteView, 16> children;   ///< references; empty where there is no child
};
/// Checks everything about the shape of one node. The error says what is wrong with it. Not for the empty trie's node.
Result<NodeView, std::string_view> decode_node(ByteView encoding);

/// What a node says about a key: its value, nothing, or the child to ask next.
struct Answer {
  enum Outcome : u8 { present, absent, descend } outcome = absent;
  ByteView value, child;
  size_t depth = 0;   ///< nibbles of the key before the child's partial key
};
/// `depth`: nibbles of the key before the node's partial key.
Answer ask(const NodeView& node, ByteView key, size_t depth);

}  // namespace phala::trie::detail

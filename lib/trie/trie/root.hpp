#pragma once
// Why: the root of a list that is already sorted needs no tree in memory, only the branches that are still open.

#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace phala::trie {

/// Longest key that this library inserts. The format allows 32,767 bytes; ours is lower because depth costs stack.
/// Reading and proving the absence of longer keys works.
constexpr size_t max_key_bytes = 4096;

/// Root of the trie without entries: BLAKE2b-256 of one zero byte.
const Hash& empty_root();

/// Streams entries in strictly ascending byte order of keys; memory is one open branch per level.
class RootBuilder {
 public:
  /// Receives every node that is stored on its own (the root, and all whose encoding has 32 bytes or more), children first.
  /// `path`: nibbles, one per byte, from the root to the node's place (without its partial key).
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void node(ByteView path, ByteView encoding) = 0;
  };

  explicit RootBuilder(Sink* sink = nullptr) : sink_(sink) {}
  /// Precondition (asserted): `key` is greater than the last one and has at most `max_key_bytes`.
  void add(ByteView key, ByteView value);
  /// The root of all entries; the builder is empty again.
  Hash finish();

 private:
  struct Level {
    size_t depth = 0;                 ///< nibbles before this branch's child index
    bool has_value = false;
    unsigned bitmap = 0;
    Bytes value, children;            ///< children: compact length ‖ reference, in order
  };
  void push_level(size_t depth);
  void add_child(Level& parent, size_t path_end);
  void encode_leaf(size_t from);
  void encode_level(const Level& level, size_t from);
  void close_down_to(size_t depth);

  Sink* sink_;
  bool started_ = false;
  Bytes key_, value_;                 ///< the last entry, whose place is known only when the next arrives
  Bytes node_;                        ///< the encoding being built
  std::vector<Level> levels_;         ///< open branches; kept for reuse beyond `open_`
  size_t open_ = 0;
};

/// Root of a range of (key, value) pairs, strictly ascending by key.
template <class Range>
Hash root(const Range& entries) {
  RootBuilder builder;
  for (const auto& [key, value] : entries) builder.add(key, value);
  return builder.finish();
}

/// Root of a list: keys are the SCALE compact indices 0, 1, … (extrinsics root).
Hash ordered_root(std::span<const Bytes> values);

}  // namespace phala::trie

#include "trie/root.hpp"

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "scale/codec.hpp"
#include "trie/node.hpp"

namespace phala::trie {

using detail::Kind;
using detail::Nibbles;

const Hash& empty_root() {
  static const Hash hash = crypto::blake2_256(Bytes{0});
  return hash;
}

void RootBuilder::push_level(size_t depth) {
  if (open_ == levels_.size()) levels_.emplace_back();
  Level& level = levels_[open_++];
  level.depth = depth;
  level.has_value = false;
  level.bitmap = 0;
  level.children.clear();
}

/// The node in `node_` becomes a child of `parent`, on the way to the last key.
void RootBuilder::add_child(Level& parent, size_t path_end) {
  const auto reference = detail::reference_of(node_);
  if (sink_ && reference.size == detail::hash_size) {
    Bytes path(path_end);
    for (size_t i = 0; i < path_end; ++i) path[i] = static_cast<u8>(Nibbles::nibble(key_.data(), i));
    sink_->node(path, node_);
  }
  parent.bitmap |= 1u << Nibbles::nibble(key_.data(), parent.depth);
  detail::append_sized(parent.children, reference.view());
}

void RootBuilder::encode_leaf(size_t from) {
  node_.clear();
  detail::append_header(node_, Kind::leaf, Nibbles::of_key(key_, from));
  detail::append_sized(node_, value_);
}

void RootBuilder::encode_level(const Level& level, size_t from) {
  node_.clear();
  detail::append_header(node_, level.has_value ? Kind::branch_with_value : Kind::branch, {key_.data(), from, level.depth - from});
  detail::append_bitmap(node_, level.bitmap);
  if (level.has_value) detail::append_sized(node_, level.value);
  append(node_, level.children);
}

/// Places the last entry and closes branches until the top one branches at `depth`, which is shared with the next key.
void RootBuilder::close_down_to(size_t depth) {
  if (depth == key_.size() * 2) {   // the last key is a prefix of the next: a branch with its value
    push_level(depth);
    levels_[open_ - 1].has_value = true;
    levels_[open_ - 1].value.swap(value_);
    return;
  }
  if (open_ == 0 || levels_[open_ - 1].depth < depth) push_level(depth);
  size_t at = levels_[open_ - 1].depth;
  encode_leaf(at + 1);
  add_child(levels_[open_ - 1], at + 1);
  while (levels_[open_ - 1].depth > depth) {
    const size_t below = open_ >= 2 ? levels_[open_ - 2].depth : 0;
    const bool new_parent = open_ < 2 || below < depth;
    at = new_parent ? depth : below;
    encode_level(levels_[open_ - 1], at + 1);
    --open_;
    if (new_parent) push_level(depth);
    add_child(levels_[open_ - 1], at + 1);
  }
}

void RootBuilder::add(ByteView key, ByteView value) {
  PHALA_ASSERT(key.size() <= max_key_bytes);
  if (started_) {
    const size_t shared = detail::common_prefix(Nibbles::of_key(key_), Nibbles::of_key(key));
    const bool ascending = shared == key_.size() * 2 ? key.size() > key_.size()
                                                     : shared < key.size() * 2 && Nibbles::nibble(key.data(), shared) > Nibbles::nibble(key_.data(), shared);
    PHALA_ASSERT(ascending);
    close_down_to(shared);
  }
  started_ = true;
  key_.assign(key.begin(), key.end());
  value_.assign(value.begin(), value.end());
}

Hash RootBuilder::finish() {
  if (!started_) return empty_root();
  if (open_ == 0) {
    encode_leaf(0);
  } else {
    encode_leaf(levels_[open_ - 1].depth + 1);
    add_child(levels_[open_ - 1], levels_[open_ - 1].depth + 1);
    for (; open_ > 1; --open_) {
      const size_t below = levels_[open_ - 2].depth;
      encode_level(levels_[open_ - 1], below + 1);
      add_child(levels_[open_ - 2], below + 1);
    }
    encode_level(levels_[0], 0);
    open_ = 0;
  }
  if (sink_) sink_->node({}, node_);
  started_ = false;
  return crypto::blake2_256(node_);
}

Hash ordered_root(std::span<const Bytes> values) {
  std::vector<std::pair<Bytes, const Bytes*>> entries(values.size());
  for (size_t i = 0; i < values.size(); ++i) entries[i] = {scale::encode(scale::Compact<u32>(static_cast<u32>(i))), &values[i]};
  std::ranges::sort(entries, BytesLess{}, &std::pair<Bytes, const Bytes*>::first);
  RootBuilder builder;
  for (const auto& [key, value] : entries) builder.add(key, *value);
  return builder.finish();
}

}  // namespace phala::trie

#include "trie/memory_node.hpp"
#include "trie/memory_trie.hpp"

namespace phala::trie {

using detail::Nibbles;

ByteView MemoryTrie::Cursor::value() const { return node_->value(); }

/// Makes `node` the last step. True when the cursor rests on it, false when it has no value and `next` must go on.
bool MemoryTrie::Cursor::enter(const detail::Node* node) {
  const Nibbles partial = node->partial();
  for (size_t i = 0; i < partial.count; ++i) nibbles_.push_back(static_cast<u8>(partial[i]));
  steps_.push_back({node, nibbles_.size(), 0});
  if (!node->has_value) return false;
  node_ = node;
  key_.resize(nibbles_.size() / 2);
  for (size_t i = 0; i < key_.size(); ++i) key_[i] = static_cast<u8>(nibbles_[2 * i] << 4 | nibbles_[2 * i + 1]);
  return true;
}

void MemoryTrie::Cursor::next() {
  node_ = nullptr;
  while (!steps_.empty()) {
    Step& step = steps_.back();
    nibbles_.resize(step.depth);
    const unsigned left = step.next > 15 ? 0 : step.node->bitmap >> step.next << step.next;
    if (left == 0) {
      steps_.pop_back();
      continue;
    }
    const unsigned nibble = static_cast<unsigned>(std::countr_zero(left));
    step.next = nibble + 1;
    nibbles_.push_back(static_cast<u8>(nibble));
    if (enter(step.node->child(nibble))) return;
  }
}

MemoryTrie::Cursor MemoryTrie::lower_bound(ByteView key) const {
  Cursor cursor;
  const detail::Node* node = root_;
  for (Nibbles rest = Nibbles::of_key(key); node;) {
    const Nibbles partial = node->partial();
    const size_t shared = detail::common_prefix(partial, rest);
    if (shared == rest.count || (shared < partial.count && partial[shared] > rest[shared])) {   // all beneath are not less
      if (!cursor.enter(node)) cursor.next();
      return cursor;
    }
    if (shared < partial.count) break;   // all beneath are less
    for (size_t i = 0; i < partial.count; ++i) cursor.nibbles_.push_back(static_cast<u8>(partial[i]));
    const unsigned nibble = rest[shared];
    cursor.steps_.push_back({node, cursor.nibbles_.size(), nibble + 1});
    cursor.nibbles_.push_back(static_cast<u8>(nibble));
    node = node->has_child(nibble) ? node->child(nibble) : nullptr;
    rest = rest.drop(shared + 1);
  }
  cursor.next();
  return cursor;
}

std::optional<Bytes> MemoryTrie::next_key(ByteView key) const {
  Cursor cursor = lower_bound(key);
  if (cursor.valid() && same_bytes(cursor.key(), key)) cursor.next();
  if (!cursor.valid()) return std::nullopt;
  return to_bytes(cursor.key());
}

}  // namespace phala::trie

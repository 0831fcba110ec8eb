#pragma once
// Why: a state that lives in memory and is looked at while it changes. Nodes are immutable once shared: a copy of the trie is
// a copy of one pointer, and a change copies only the path to it. References of nodes are cached, so a root costs what changed.

#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "trie/root.hpp"

namespace phala::trie {

namespace detail {
struct Node;
}

/// A persistent ordered map of byte strings with a Merkle root. Copying is O(1) and makes a snapshot: neither copy sees later
/// changes of the other. Threads: any number may read (and ask for roots and proofs of) tries that share nodes, while another
/// changes its own copy; one object needs its own lock only if it is itself changed or assigned meanwhile.
/// Memory per entry: about 130 bytes plus the value (values over 256 bytes are shared between copies of their node).
class MemoryTrie {
 public:
  MemoryTrie() = default;
  MemoryTrie(const MemoryTrie& other) noexcept;
  MemoryTrie(MemoryTrie&& other) noexcept;
  MemoryTrie& operator=(MemoryTrie other) noexcept;
  ~MemoryTrie();

  /// The value; the view lives as long as this trie, or a copy of it, stays unchanged.
  std::optional<ByteView> get(ByteView key) const;
  bool contains(ByteView key) const { return get(key).has_value(); }
  /// Adds or replaces. Precondition (asserted): `key` has at most `max_key_bytes`, `value` less than 4 GiB.
  void insert(ByteView key, ByteView value);
  /// False when there was nothing to remove.
  bool remove(ByteView key);
  /// Removes every key that starts with `prefix`; returns how many.
  size_t remove_prefix(ByteView prefix);

  bool empty() const { return root_ == nullptr; }
  /// Number of entries.
  size_t size() const { return size_; }
  /// Sum of the lengths of all values, in bytes.
  size_t value_bytes() const { return value_bytes_; }
  /// Sum of the lengths of all keys, in bytes.
  size_t key_bytes() const { return key_bytes_; }

  /// The state's commitment. Computes and caches what changed since the last call; safe beside other readers.
  Hash root() const;

  /// Walks entries in byte order of keys. Valid as long as the trie it came from stays unchanged.
  class Cursor {
   public:
    bool valid() const { return node_ != nullptr; }
    ByteView key() const { return {key_.data(), key_.size()}; }
    ByteView value() const;
    void next();

   private:
    friend class MemoryTrie;
    struct Step { const detail::Node* node; size_t depth; unsigned next; };   ///< depth: nibbles before the child index
    bool enter(const detail::Node* node);
    std::vector<Step> steps_;
    Bytes nibbles_, key_;
    const detail::Node* node_ = nullptr;
  };
  /// The first entry whose key is not less than `key`.
  Cursor lower_bound(ByteView key) const;
  Cursor begin() const { return lower_bound({}); }
  /// The first key strictly greater than `key`.
  std::optional<Bytes> next_key(ByteView key) const;
  /// Calls `f(key, value)` for all keys with the prefix, in order, until it returns false.
  template <class F>
  void for_each(ByteView prefix, F&& f) const {
    for (auto at = lower_bound(prefix); at.valid() && starts_with(at.key(), prefix); at.next())
      if (!f(at.key(), at.value())) return;
  }

  const detail::Node* root_node() const { return root_; }   ///< for proofs

 private:
  detail::Node* root_ = nullptr;
  size_t size_ = 0, value_bytes_ = 0, key_bytes_ = 0;
};

}  // namespace phala::trie

#include "trie/memory_trie.hpp"

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "trie/memory_node.hpp"

namespace phala::trie {
namespace detail {
namespace {

/// Values above this are kept apart from their node, so that copying a node stays cheap.
constexpr size_t max_inline_value = 256;

Node* share(Node* node) {
  node->owners.fetch_add(1, std::memory_order_relaxed);
  return node;
}

void release(Node* node) {
  if (node->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  for (size_t i = 0; i < node->child_count(); ++i) release(node->children()[i]);
  if (node->value_is_blob && node->blob()->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) ::operator delete(node->blob());
  ::operator delete(node);
}

/// A value on its way into a node: bytes to copy, or a blob to share.
struct Value {
  bool present = false;
  ByteView bytes{};
  Blob* blob = nullptr;
  static Value none() { return {}; }
  static Value of(ByteView bytes) { return {true, bytes}; }
  static Value of(const Node& node) { return {node.has_value, node.has_value ? node.value() : ByteView{}, node.value_is_blob ? node.blob() : nullptr}; }
};

/// A node with its value; partial key and children are the caller's to fill.
Node* make_node(size_t nibbles, unsigned bitmap, const Value& value) {
  PHALA_ASSERT(value.bytes.size() <= 0xffffffffu);
  const bool blob = value.present && value.bytes.size() > max_inline_value;
  const size_t partial_bytes = (nibbles + 1) / 2;
  const size_t size = sizeof(Node) + static_cast<size_t>(std::popcount(bitmap)) * sizeof(Node*) + (blob ? sizeof(Blob*) : 0) + partial_bytes +
                      (value.present && !blob ? value.bytes.size() : 0);
  Node* node = new (::operator new(size)) Node;
  node->nibbles = static_cast<u16>(nibbles);
  node->bitmap = static_cast<u16>(bitmap);
  node->has_value = value.present;
  node->value_is_blob = blob;
  node->value_size = static_cast<u32>(value.bytes.size());
  if (partial_bytes > 0) node->partial_bytes()[0] = 0;
  if (blob && value.blob) {
    value.blob->owners.fetch_add(1, std::memory_order_relaxed);
    node->blob() = value.blob;
  } else if (blob) {
    node->blob() = new (::operator new(sizeof(Blob) + value.bytes.size())) Blob;
    node->blob()->size = node->value_size;
    std::memcpy(node->blob()->bytes(), value.bytes.data(), value.bytes.size());
  } else if (value.bytes.size() > 0) {
    std::memcpy(node->inline_value(), value.bytes.data(), value.bytes.size());
  }
  return node;
}

Node* make_node(Nibbles partial, unsigned bitmap, const Value& value) {
  Node* node = make_node(partial.count, bitmap, value);
  write_nibbles(node->partial_bytes(), partial.count % 2, partial);
  return node;
}

/// Makes `slot`'s node ours alone and forgets its reference: it is about to change.
void own(Node*& slot) {
  Node* node = slot;
  if (node->owners.load(std::memory_order_acquire) == 1) {
    node->reference_state.store(0, std::memory_order_relaxed);
    return;
  }
  // counting an owner touches each child, most of which no cache holds: ask for all before waiting for the first
  for (size_t i = 0; i < node->child_count(); ++i) __builtin_prefetch(node->children()[i], 1);
  Node* copy = make_node(node->partial(), node->bitmap, Value::of(*node));
  for (size_t i = 0; i < node->child_count(); ++i) copy->children()[i] = share(node->children()[i]);
  release(node);
  slot = copy;
}

/// Frees an owned node whose children have been moved or released.
void discard(Node* node) {
  if (node->value_is_blob && node->blob()->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) ::operator delete(node->blob());
  ::operator delete(node);
}

/// Replaces an owned node by one with other parts, which keeps those children that are in `bitmap`; a bit that is new gets `added`.
void rebuild(Node*& slot, Nibbles partial, unsigned bitmap, const Value& value, Node* added = nullptr) {
  Node* old = slot;
  Node* node = make_node(partial, bitmap, value);
  for (unsigned i = 0; i < 16; ++i) {
    const bool kept = bitmap >> i & 1;
    if (old->has_child(i) && kept) node->child(i) = old->child(i);
    else if (old->has_child(i)) release(old->child(i));
    else if (kept) node->child(i) = added;
  }
  slot = node;
  discard(old);
}

/// An owned branch that is left with one child and no value becomes that child, with the longer partial key.
void collapse(Node*& slot) {
  Node* node = slot;
  if (node->has_value || node->child_count() != 1) return;
  Node* child = node->children()[0];
  const unsigned nibble = static_cast<unsigned>(std::countr_zero(node->bitmap));
  const size_t total = node->nibbles + 1u + child->nibbles, start = total % 2;
  Node* merged = make_node(total, child->bitmap, Value::of(*child));
  const u8 low = static_cast<u8>(nibble);
  write_nibbles(merged->partial_bytes(), start, node->partial());
  write_nibbles(merged->partial_bytes(), start + node->nibbles, {&low, 1, 1});
  write_nibbles(merged->partial_bytes(), start + node->nibbles + 1, child->partial());
  for (size_t i = 0; i < child->child_count(); ++i) merged->children()[i] = share(child->children()[i]);
  release(child);
  discard(node);
  slot = merged;
}

/// Removes a child and all beneath it from an owned branch.
void drop_child(Node*& slot, unsigned nibble) {
  rebuild(slot, slot->partial(), slot->bitmap & ~(1u << nibble), Value::of(*slot));
  collapse(slot);
}

/// Splits an owned node after `at` nibbles of its partial key, for an entry that goes on with `rest` from there.
void split(Node*& slot, size_t at, Nibbles rest, ByteView value) {
  Node* node = slot;
  const unsigned old_nibble = node->partial()[at];
  const Value branch_value = rest.count == 0 ? Value::of(value) : Value::none();
  Node* leaf = rest.count == 0 ? nullptr : make_node(rest.drop(1), 0, Value::of(value));
  Node* branch = make_node(node->partial().first(at), 1u << old_nibble | (leaf ? 1u << rest[0] : 0), branch_value);
  Node*& old_child = branch->child(old_nibble);
  old_child = node;
  rebuild(old_child, node->partial().drop(at + 1), node->bitmap, Value::of(*node));
  if (leaf) branch->child(rest[0]) = leaf;
  slot = branch;
}

struct Counts { size_t entries = 0, value_bytes = 0, key_bytes = 0; };
/// `depth`: nibbles of the key before the node's partial key.
void count(const Node& node, size_t depth, Counts& counts) {
  depth += node.nibbles;
  if (node.has_value) {
    ++counts.entries;
    counts.value_bytes += node.value_size;
    counts.key_bytes += depth / 2;
  }
  for (size_t i = 0; i < node.child_count(); ++i) count(*node.children()[i], depth + 1, counts);
}

}  // namespace

void encode_node(const Node& node, Bytes& out) {
  append_header(out, node.bitmap == 0 ? Kind::leaf : node.has_value ? Kind::branch_with_value : Kind::branch, node.partial());
  if (node.bitmap != 0) append_bitmap(out, node.bitmap);
  if (node.has_value) append_sized(out, node.value());
  for (size_t i = 0; i < node.child_count(); ++i) append_sized(out, node.children()[i]->reference());
}

void know_reference(const Node& node, Bytes& scratch) {
  if (node.reference_state.load(std::memory_order_acquire) == 2) return;
  for (size_t i = 0; i < node.child_count(); ++i) know_reference(*node.children()[i], scratch);
  scratch.clear();
  encode_node(node, scratch);
  const Reference reference = reference_of(scratch);
  u8 unknown = 0;
  if (node.reference_state.compare_exchange_strong(unknown, 1, std::memory_order_acquire)) {
    node.reference_size = reference.size;
    node.reference_bytes = reference.bytes;
    node.reference_state.store(2, std::memory_order_release);
  } else {
    while (node.reference_state.load(std::memory_order_acquire) != 2) {}   // another reader is copying the same 32 bytes
  }
}

}  // namespace detail

using detail::Nibbles;
using detail::Node;
using detail::Value;

MemoryTrie::MemoryTrie(const MemoryTrie& other) noexcept
    : root_(other.root_ ? detail::share(other.root_) : nullptr), size_(other.size_), value_bytes_(other.value_bytes_), key_bytes_(other.key_bytes_) {}

MemoryTrie::MemoryTrie(MemoryTrie&& other) noexcept
    : root_(std::exchange(other.root_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      value_bytes_(std::exchange(other.value_bytes_, 0)),
      key_bytes_(std::exchange(other.key_bytes_, 0)) {}

MemoryTrie& MemoryTrie::operator=(MemoryTrie other) noexcept {
  std::swap(root_, other.root_);
  std::swap(size_, other.size_);
  std::swap(value_bytes_, other.value_bytes_);
  std::swap(key_bytes_, other.key_bytes_);
  return *this;
}

MemoryTrie::~MemoryTrie() {
  if (root_) detail::release(root_);
}

std::optional<ByteView> MemoryTrie::get(ByteView key) const {
  const Node* node = root_;
  for (Nibbles rest = Nibbles::of_key(key); node;) {
    const size_t length = node->nibbles;
    if (rest.count < length || detail::common_prefix(node->partial(), rest) < length) return std::nullopt;
    rest = rest.drop(length);
    if (rest.count == 0) return node->has_value ? std::optional(node->value()) : std::nullopt;
    const unsigned nibble = rest[0];
    if (!node->has_child(nibble)) return std::nullopt;
    node = node->child(nibble);
    rest = rest.drop(1);
  }
  return std::nullopt;
}

void MemoryTrie::insert(ByteView key, ByteView value) {
  PHALA_ASSERT(key.size() <= max_key_bytes);
  Nibbles rest = Nibbles::of_key(key);
  value_bytes_ += value.size();
  const auto added = [&] {
    ++size_;
    key_bytes_ += key.size();
  };
  if (!root_) {
    root_ = detail::make_node(rest, 0, Value::of(value));
    added();
    return;
  }
  for (Node** slot = &root_;;) {
    detail::own(*slot);
    Node* node = *slot;
    const size_t shared = detail::common_prefix(node->partial(), rest);
    if (shared < node->nibbles) {
      detail::split(*slot, shared, rest.drop(shared), value);
      added();
      return;
    }
    rest = rest.drop(shared);
    if (rest.count == 0) {
      if (!node->has_value) added();
      value_bytes_ -= node->value_size;
      if (node->has_value && !node->value_is_blob && node->value_size == value.size()) std::copy(value.begin(), value.end(), node->inline_value());
      else detail::rebuild(*slot, node->partial(), node->bitmap, Value::of(value));
      return;
    }
    const unsigned nibble = rest[0];
    rest = rest.drop(1);
    if (!node->has_child(nibble)) {
      Node* leaf = detail::make_node(rest, 0, Value::of(value));
      detail::rebuild(*slot, node->partial(), node->bitmap | 1u << nibble, Value::of(*node), leaf);
      added();
      return;
    }
    slot = &node->child(nibble);
  }
}

bool MemoryTrie::remove(ByteView key) {
  if (!contains(key)) return false;
  Node** parent = nullptr;
  Node** slot = &root_;
  unsigned nibble = 0;
  for (Nibbles rest = Nibbles::of_key(key);;) {
    detail::own(*slot);
    rest = rest.drop((*slot)->nibbles);
    if (rest.count == 0) break;
    parent = slot;
    nibble = rest[0];
    slot = &(*slot)->child(nibble);
    rest = rest.drop(1);
  }
  --size_;
  value_bytes_ -= (*slot)->value_size;
  key_bytes_ -= key.size();
  if ((*slot)->bitmap != 0) {
    detail::rebuild(*slot, (*slot)->partial(), (*slot)->bitmap, Value::none());
    detail::collapse(*slot);
  } else if (parent) {
    detail::drop_child(*parent, nibble);
  } else {
    detail::release(std::exchange(root_, nullptr));
  }
  return true;
}

size_t MemoryTrie::remove_prefix(ByteView prefix) {
  const Cursor first = lower_bound(prefix);
  if (!first.valid() || !starts_with(first.key(), prefix)) return 0;
  Node** parent = nullptr;
  Node** slot = &root_;
  unsigned nibble = 0;
  size_t depth = 0;
  for (Nibbles rest = Nibbles::of_key(prefix); rest.count > (*slot)->nibbles;) {
    detail::own(*slot);
    depth += (*slot)->nibbles + 1u;
    rest = rest.drop((*slot)->nibbles);
    parent = slot;
    nibble = rest[0];
    slot = &(*slot)->child(nibble);
    rest = rest.drop(1);
  }
  detail::Counts gone;
  detail::count(**slot, depth, gone);
  size_ -= gone.entries;
  value_bytes_ -= gone.value_bytes;
  key_bytes_ -= gone.key_bytes;
  if (parent) detail::drop_child(*parent, nibble);
  else detail::release(std::exchange(root_, nullptr));
  return gone.entries;
}

Hash MemoryTrie::root() const {
  if (!root_) return empty_root();
  Bytes scratch;
  detail::know_reference(*root_, scratch);
  const ByteView reference = root_->reference();
  return reference.size() == detail::hash_size ? Hash(reference) : crypto::blake2_256(reference);
}

}  // namespace phala::trie

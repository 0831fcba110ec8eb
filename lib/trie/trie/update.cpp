#include "trie/update.hpp"

#include <memory>
#include <span>

#include "crypto/hash.hpp"
#include "trie/root.hpp"
#include "trie/stored.hpp"

namespace phala::trie {
namespace {

using detail::Kind;
using detail::Nibbles;
using detail::NodeView;

/// A node on its way to a new encoding. Views point into `encoding`, or the changes; a child's reference into its parent's.
struct Draft {
  struct Child {
    ByteView reference;             ///< what is stored at this place, as encoded
    std::unique_ptr<Draft> draft;
    bool empty() const { return reference.empty() && !draft; }
  };
  using Children = std::array<Child, 16>;

  Bytes encoding;
  Bytes partial;                    ///< one nibble per byte
  std::optional<ByteView> value;
  std::unique_ptr<Children> children;   ///< none in a leaf
  bool dirty = false;

  Child& child(unsigned nibble) {
    if (!children) children = std::make_unique<Children>();
    return (*children)[nibble];
  }
  unsigned bitmap() const {
    unsigned bits = 0;
    for (unsigned i = 0; children && i < 16; ++i) bits |= (*children)[i].empty() ? 0 : 1u << i;
    return bits;
  }
};

struct Change {
  ByteView key;
  std::optional<ByteView> value;
  size_t nibbles() const { return key.size() * 2; }
  u8 nibble(size_t i) const { return static_cast<u8>(Nibbles::nibble(key.data(), i)); }
};

class Updater {
 public:
  explicit Updater(const NodeSource& source) : source_(source) {}

  Result<Updated> run(const Hash& root, const Changes& changes) {
    std::vector<Change> list;
    list.reserve(changes.size());
    for (const auto& [key, value] : changes) {
      if (key.size() > max_key_bytes)
        return fail(ErrorCode::invalid_input, "a state key has " + std::to_string(key.size()) + " bytes, the limit is " + std::to_string(max_key_bytes));
      list.push_back({key, value ? std::optional<ByteView>(*value) : std::nullopt});
    }
    Draft::Child top;
    if (root != empty_root()) top.reference = root.view();
    const bool changed = TRY(apply(top, list));
    Updated out{root, {}};
    if (!changed) return out;
    out.root = empty_root();
    if (top.draft) {
      const Bytes encoding = finish(*top.draft);
      out.root = crypto::blake2_256(encoding);
      nodes_[{}] = encoding;
    }
    out.nodes = std::move(nodes_);
    return out;
  }

 private:
  /// Turns a reference into a draft. `path_` is the child's place.
  Result<> open(Draft::Child& child) {
    auto draft = std::make_unique<Draft>();
    if (child.reference.size() == detail::hash_size) {
      draft->encoding = TRY(detail::load_node(source_, path_, child.reference));
    } else {
      draft->encoding = to_bytes(child.reference);
    }
    const auto node = detail::decode_node(draft->encoding);
    if (!node) return detail::damaged_node(path_, node.error());
    draft->partial.resize(node->partial.count);
    for (size_t i = 0; i < node->partial.count; ++i) draft->partial[i] = static_cast<u8>(node->partial[i]);
    if (node->has_value) draft->value = node->value;
    for (unsigned i = 0; i < 16; ++i)
      if (!node->children[i].empty()) draft->child(i).reference = node->children[i];
    child.draft = std::move(draft);
    return {};
  }

  /// Applies changes, all of whose keys start with `path_`, to what hangs at that place. True when anything changed.
  Result<bool> apply(Draft::Child& place, std::span<const Change> changes) {
    bool changed = false;
    if (!place.reference.empty() && !place.draft) TRY(open(place));
    if (!place.draft) {
      while (!changes.empty() && !changes[0].value) changes = changes.subspan(1);
      if (changes.empty()) return false;
      place.draft = std::make_unique<Draft>();
      for (size_t i = path_.size(); i < changes[0].nibbles(); ++i) place.draft->partial.push_back(changes[0].nibble(i));
      place.draft->value = changes[0].value;
      changed = true;
      changes = changes.subspan(1);
    }
    changed |= split_for(place, changes);
    changed |= TRY(descend(*place.draft, changes));
    if (!changed) return false;
    place.draft->dirty = true;
    TRY(normalise(place));
    return true;
  }

  /// Puts a branch where the first new key leaves the partial key of the node.
  bool split_for(Draft::Child& place, std::span<const Change> changes) {
    Draft& node = *place.draft;
    size_t at = node.partial.size();
    for (const auto& change : changes) {
      if (!change.value) continue;
      size_t i = 0;
      while (i < at && path_.size() + i < change.nibbles() && node.partial[i] == change.nibble(path_.size() + i)) ++i;
      at = i;
    }
    if (at == node.partial.size()) return false;
    auto branch = std::make_unique<Draft>();
    branch->partial.assign(node.partial.begin(), node.partial.begin() + static_cast<ptrdiff_t>(at));
    const unsigned nibble = node.partial[at];
    node.partial.erase(node.partial.begin(), node.partial.begin() + static_cast<ptrdiff_t>(at) + 1);
    node.dirty = true;
    branch->child(nibble).draft = std::move(place.draft);
    place.draft = std::move(branch);
    return true;
  }

  Result<bool> descend(Draft& node, std::span<const Change> changes) {
    const size_t before = path_.size(), end = before + node.partial.size();
    const auto beneath = [&](const Change& change) {
      if (change.nibbles() < end) return false;
      for (size_t i = 0; i < node.partial.size(); ++i)
        if (node.partial[i] != change.nibble(before + i)) return false;
      return true;
    };
    while (!changes.empty() && !beneath(changes.front())) changes = changes.subspan(1);   // removals of what is not there
    while (!changes.empty() && !beneath(changes.back())) changes = changes.first(changes.size() - 1);
    bool changed = false;
    if (!changes.empty() && changes[0].nibbles() == end) {
      const auto& value = changes[0].value;
      if (node.value.has_value() != value.has_value() || (value && !same_bytes(*value, *node.value))) {
        node.value = value;
        changed = true;
      }
      changes = changes.subspan(1);
    }
    append(path_, node.partial);
    while (!changes.empty()) {
      const u8 nibble = changes[0].nibble(end);
      size_t same = 1;
      while (same < changes.size() && changes[same].nibble(end) == nibble) ++same;
      path_.push_back(nibble);
      if (node.children || std::ranges::any_of(changes.first(same), [](const Change& c) { return c.value.has_value(); }))
        changed |= TRY(apply(node.child(nibble), changes.first(same)));
      path_.pop_back();
      changes = changes.subspan(same);
    }
    path_.resize(before);
    return changed;
  }

  /// The node that was stored at `path_`, if any, is no longer there.
  void forget(const Draft::Child& place) {
    if (place.reference.size() == detail::hash_size) nodes_[path_] = std::nullopt;
  }

  /// A node without value and children goes; a branch without value and with one child becomes that child.
  Result<> normalise(Draft::Child& place) {
    Draft& node = *place.draft;
    const unsigned bitmap = node.bitmap();
    if (node.value || std::popcount(bitmap) > 1) return {};
    if (bitmap == 0) {
      forget(place);
      place = {};
      return {};
    }
    const auto nibble = static_cast<u8>(std::countr_zero(bitmap));
    Draft::Child& only = node.child(nibble);
    const size_t before = path_.size();
    append(path_, node.partial);
    path_.push_back(nibble);
    if (!only.draft) TRY(open(only));
    forget(only);
    path_.resize(before);
    auto child = std::move(only.draft);
    child->partial.insert(child->partial.begin(), nibble);
    child->partial.insert(child->partial.begin(), node.partial.begin(), node.partial.end());
    child->dirty = true;
    place.draft = std::move(child);
    return {};
  }

  /// The encoding of a dirty node; notes those beneath it. `path_` is its place.
  Bytes finish(Draft& node) {
    const size_t before = path_.size();
    append(path_, node.partial);
    const unsigned bitmap = node.bitmap();
    Bytes children;
    children.reserve(static_cast<size_t>(std::popcount(bitmap)) * (detail::hash_size + 1));
    for (unsigned i = 0; node.children && i < 16; ++i) {
      Draft::Child& child = (*node.children)[i];
      if (child.empty()) continue;
      path_.push_back(static_cast<u8>(i));
      if (child.draft && child.draft->dirty) {
        Bytes encoding = finish(*child.draft);
        const auto reference = detail::reference_of(encoding);
        detail::append_sized(children, reference.view());
        if (reference.size == detail::hash_size) nodes_[path_] = std::move(encoding);
        else forget(child);
      } else {
        detail::append_sized(children, child.reference);
      }
      path_.pop_back();
    }
    path_.resize(before);
    packed_.assign((node.partial.size() + 1) / 2, 0);
    for (size_t i = 0; i < node.partial.size(); ++i) packed_[i / 2] |= static_cast<u8>(i % 2 == 0 ? node.partial[i] << 4 : node.partial[i]);
    Bytes out;
    out.reserve(16 + packed_.size() + children.size() + (node.value ? node.value->size() : 0));
    detail::append_header(out, bitmap == 0 ? Kind::leaf : node.value ? Kind::branch_with_value : Kind::branch, {packed_.data(), 0, node.partial.size()});
    if (bitmap != 0) detail::append_bitmap(out, bitmap);
    if (node.value) detail::append_sized(out, *node.value);
    append(out, children);
    return out;
  }

  const NodeSource& source_;
  Bytes path_;     ///< of the node that is being looked at
  Bytes packed_;   ///< scratch
  NodeChanges nodes_;
};

}  // namespace

Result<Updated> update(const NodeSource& source, const Hash& root, const Changes& changes) { return Updater(source).run(root, changes); }

}  // namespace phala::trie

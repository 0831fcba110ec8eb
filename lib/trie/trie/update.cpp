#include "trie/update.hpp"

#include <span>

#include "crypto/hash.hpp"
#include "trie/arena.hpp"
#include "trie/root.hpp"
#include "trie/stored.hpp"

namespace phala::trie {
namespace {

using detail::Kind;
using detail::Nibbles;
using detail::NodeView;

/// A node on its way to a new encoding. All it points to lies in the arena, or in the changes.
struct Draft {
  struct Child {
    ByteView reference;             ///< what is stored at this place, as encoded
    Draft* draft = nullptr;
    bool empty() const { return reference.empty() && draft == nullptr; }
    bool is_stored() const { return reference.size() == detail::hash_size; }
  };

  ByteView partial;                 ///< one nibble per byte
  std::optional<ByteView> value;
  Child* children = nullptr;        ///< sixteen; none in a leaf
  bool dirty = false;
  ByteView reference;               ///< of the new encoding, once there is one

  unsigned bitmap() const {
    unsigned bits = 0;
    for (unsigned i = 0; children && i < 16; ++i) bits |= children[i].empty() ? 0 : 1u << i;
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
    TRY(check_loaded());
    Updated out{root, {}};
    if (!changed) return out;
    out.root = top.draft ? finish(top) : empty_root();
    out.nodes = std::move(nodes_);
    return out;
  }

 private:
  Draft::Child& child(Draft& node, unsigned nibble) {
    if (node.children == nullptr) node.children = arena_.make<Draft::Child>(16);
    return node.children[nibble];
  }

  // ---- reading. A node is used before its hash is compared: together, at the end, that costs half.
  struct Loaded { ByteView place, encoding, expected; };

  Result<> check_loaded() const {
    std::vector<ByteView> encodings;
    encodings.reserve(loaded_.size());
    for (const auto& node : loaded_) encodings.push_back(node.encoding);
    std::vector<Hash> hashes(loaded_.size());
    crypto::blake2_256_many(encodings, hashes);
    for (size_t i = 0; i < loaded_.size(); ++i)
      if (!same_bytes(hashes[i], loaded_[i].expected)) return detail::damaged_node(loaded_[i].place, "it is not the node that its parent names");
    return {};
  }
  /// What is wrong at `path_`; or with what led there, which comes first.
  std::unexpected<Error> damaged(std::string_view what) const {
    if (auto before = check_loaded(); !before) return fail(std::move(before).error());
    return detail::damaged_node(path_, what);
  }

  /// Turns a reference into a draft. `path_` is the child's place.
  Result<> open(Draft::Child& place) {
    ByteView encoding = place.reference;
    if (place.is_stored()) {
      const auto stored = TRY(source_.node(path_));
      if (!stored) return damaged("it is missing");
      encoding = arena_.keep(*stored);
      loaded_.push_back({arena_.keep(path_), encoding, place.reference});
    }
    const auto node = detail::decode_node(encoding);
    if (!node) return damaged(node.error());
    place.draft = arena_.make<Draft>();
    const auto partial = arena_.bytes(node->partial.count);
    for (size_t i = 0; i < partial.size(); ++i) partial[i] = static_cast<u8>(node->partial[i]);
    place.draft->partial = partial;
    if (node->has_value) place.draft->value = node->value;
    for (unsigned i = 0; i < 16; ++i)
      if (!node->children[i].empty()) child(*place.draft, i).reference = node->children[i];
    return {};
  }

  // ---- changing
  /// Applies changes, all of whose keys start with `path_`, to what hangs at that place. True when anything changed.
  Result<bool> apply(Draft::Child& place, std::span<const Change> changes) {
    bool changed = false;
    if (!place.reference.empty() && !place.draft) TRY(open(place));
    if (!place.draft) {
      while (!changes.empty() && !changes[0].value) changes = changes.subspan(1);
      if (changes.empty()) return false;
      place.draft = arena_.make<Draft>();
      const auto partial = arena_.bytes(changes[0].nibbles() - path_.size());
      for (size_t i = 0; i < partial.size(); ++i) partial[i] = changes[0].nibble(path_.size() + i);
      place.draft->partial = partial;
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
    Draft* branch = arena_.make<Draft>();
    branch->partial = node.partial.first(at);
    child(*branch, node.partial[at]).draft = &node;
    node.partial = node.partial.subspan(at + 1);
    node.dirty = true;
    place.draft = branch;
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
        changed |= TRY(apply(child(node, nibble), changes.first(same)));
      path_.pop_back();
      changes = changes.subspan(same);
    }
    path_.resize(before);
    return changed;
  }

  /// The node that was stored at `path_`, if any, is no longer there.
  void forget(const Draft::Child& place) {
    if (place.is_stored()) nodes_[path_] = std::nullopt;
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
    Draft::Child& only = child(node, nibble);
    const size_t before = path_.size();
    append(path_, node.partial);
    path_.push_back(nibble);
    if (!only.draft) TRY(open(only));
    forget(only);
    path_.resize(before);
    only.draft->partial = arena_.keep(concat(node.partial, Bytes{nibble}, only.draft->partial));
    only.draft->dirty = true;
    place.draft = only.draft;
    return {};
  }

  // ---- writing
  /// A node that gets a new encoding, and where. `stored`: there is one of its own at that place.
  struct Dirty { Draft* node; ByteView place; bool stored; Bytes encoding; };

  /// Notes the dirty nodes from `node`, whose place is `path_`, in the order of their places.
  void collect(const Draft::Child& at, size_t depth) {
    if (levels_.size() <= depth) levels_.resize(depth + 1);
    levels_[depth].push_back(dirty_.size());
    Draft& node = *at.draft;
    dirty_.push_back({&node, arena_.keep(path_), at.is_stored(), {}});
    const size_t before = path_.size();
    append(path_, node.partial);
    for (unsigned i = 0; node.children && i < 16; ++i) {
      const Draft::Child& below = node.children[i];
      if (!below.draft || !below.draft->dirty) continue;
      path_.push_back(static_cast<u8>(i));
      collect(below, depth + 1);
      path_.pop_back();
    }
    path_.resize(before);
  }

  /// Of a node whose dirty children have their references.
  Bytes encode(const Draft& node) {
    packed_.assign((node.partial.size() + 1) / 2, 0);
    for (size_t i = 0; i < node.partial.size(); ++i) packed_[i / 2] |= static_cast<u8>(i % 2 == 0 ? node.partial[i] << 4 : node.partial[i]);
    const unsigned bitmap = node.bitmap();
    Bytes out;
    out.reserve(16 + packed_.size() + static_cast<size_t>(std::popcount(bitmap)) * (detail::hash_size + 1) + (node.value ? node.value->size() : 0));
    detail::append_header(out, bitmap == 0 ? Kind::leaf : node.value ? Kind::branch_with_value : Kind::branch, {packed_.data(), 0, node.partial.size()});
    if (bitmap != 0) detail::append_bitmap(out, bitmap);
    if (node.value) detail::append_sized(out, *node.value);
    for (unsigned i = 0; node.children && i < 16; ++i) {
      const Draft::Child& below = node.children[i];
      if (!below.empty()) detail::append_sized(out, below.draft && below.draft->dirty ? below.draft->reference : below.reference);
    }
    return out;
  }

  /// Encodes all dirty nodes, the deepest first, so that those of one depth are hashed together; the new root.
  Hash finish(const Draft::Child& top) {
    collect(top, 0);
    for (size_t depth = levels_.size(); depth-- > 0;) {
      std::vector<ByteView> long_ones;
      std::vector<Draft*> named;   // by hash
      for (const size_t i : levels_[depth]) {
        Dirty& at = dirty_[i];
        at.encoding = encode(*at.node);
        at.node->reference = at.encoding;
        if (depth != 0 && at.encoding.size() < detail::hash_size) continue;
        long_ones.push_back(at.encoding);
        named.push_back(at.node);
      }
      const std::span<Hash> hashes(arena_.make<Hash>(named.size()), named.size());
      crypto::blake2_256_many(long_ones, hashes);
      for (size_t i = 0; i < named.size(); ++i) named[i]->reference = hashes[i].view();
    }
    for (auto& [node, place, stored, encoding] : dirty_) {
      if (node->reference.size() == detail::hash_size) nodes_.insert_or_assign(nodes_.end(), to_bytes(place), std::move(encoding));
      else if (stored) nodes_[to_bytes(place)] = std::nullopt;
    }
    return Hash(top.draft->reference);
  }

  const NodeSource& source_;
  Arena arena_;
  Bytes path_;     ///< of the node that is being looked at
  Bytes packed_;   ///< scratch
  std::vector<Loaded> loaded_;
  std::vector<Dirty> dirty_;
  std::vector<std::vector<size_t>> levels_;   ///< of `dirty_`, by depth
  NodeChanges nodes_;
};

}  // namespace

Result<Updated> update(const NodeSource& source, const Hash& root, const Changes& changes) { return Updater(source).run(root, changes); }

}  // namespace phala::trie

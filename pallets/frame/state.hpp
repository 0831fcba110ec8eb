#pragma once
// Why: rules run on top of a state that nobody may change under them, and a call that fails must leave no trace. This is the
// parent state seen through a difference with layers: a call opens one, and keeps or drops all it wrote.

#include <optional>
#include <set>
#include <unordered_map>

#include "primitives/state.hpp"

namespace phala::frame {

/// What part of a block is being executed, as events record it.
struct Phase {
  enum class Kind : u8 { apply_extrinsic = 0, finalization = 1, initialization = 2 } kind = Kind::initialization;
  u32 extrinsic = 0;
};

/// One thread at a time. The parent view must outlive it.
class State {
 public:
  explicit State(const StateView& parent) : parent_(parent) {}
  State(const State&) = delete;

  /// The value, or null. Valid until the next write or read.
  const Bytes* get(ByteView key) const;
  void put(ByteView key, Bytes value);
  void erase(ByteView key);
  /// Adds one encoded item to a SCALE vector in time that does not depend on its length. An absent or undecodable value
  /// counts as the empty vector.
  void append(ByteView key, ByteView item);
  /// The first key greater than `key` that has a value.
  std::optional<Bytes> next_key(ByteView key) const;
  /// Erases every key that starts with `prefix`.
  void erase_prefix(ByteView prefix);

  /// All writes against the parent. Precondition: no layer is open.
  StateDiff diff() const;

  Phase phase;

 private:
  friend class Layer;
  struct Slot {
    std::optional<Bytes> value;
    bool written = false;
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(ByteView key) const { return std::hash<std::string_view>{}(as_text(key)); }
  };
  struct KeyEqual {
    using is_transparent = void;
    bool operator()(ByteView a, ByteView b) const { return same_bytes(a, b); }
  };
  using Slots = std::unordered_map<Bytes, Slot, KeyHash, KeyEqual>;
  /// How to take one write back: the whole former slot, or for an append the former length and length prefix.
  struct Undo {
    Slots::value_type* entry;
    std::optional<Slot> before;
    size_t length = 0;
    Bytes head;
  };

  Slots::value_type& load(ByteView key) const;
  Slot& write(ByteView key);
  void rollback_to(size_t mark);

  const StateView& parent_;
  mutable Slots slots_;                                     ///< everything read or written so far
  std::vector<const Bytes*> unordered_;                     ///< written keys that `ordered_` does not have yet
  mutable std::set<ByteView, BytesLess> ordered_;
  std::vector<Undo> undo_;
  unsigned layers_ = 0;
};

/// A transaction on the state: rolled back when it goes out of scope, unless committed.
class Layer {
 public:
  explicit Layer(State& state) : state_(state), mark_(state.undo_.size()) { ++state.layers_; }
  Layer(const Layer&) = delete;
  ~Layer();
  void commit();

 private:
  State& state_;
  size_t mark_;
  bool open_ = true;
};

}  // namespace phala::frame

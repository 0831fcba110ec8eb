#pragma once
// Why: the rules of the chain see state through two const questions and answer with a difference. Whoever holds the
// state (a store, a snapshot, a map in a test) implements StateView; nobody else needs to know where values live.

#include <map>
#include <optional>

#include "base/bytes.hpp"

namespace phala {

/// Keys to new values; nothing means deleted. Ordered as the trie is.
using StateDiff = std::map<Bytes, std::optional<Bytes>, BytesLess>;

/// No key of the state is longer: the trie holds no others.
constexpr size_t max_state_key_bytes = 4096;

/// An immutable state at one block. Implementations are safe for concurrent readers.
class StateView {
 public:
  virtual ~StateView() = default;
  virtual std::optional<Bytes> get(ByteView key) const = 0;
  /// The first key strictly greater than `key`, in byte order; nothing at the end.
  virtual std::optional<Bytes> next_key(ByteView key) const = 0;
};

/// A state held in a map: genesis, tests, simulation.
class MapState final : public StateView {
 public:
  std::map<Bytes, Bytes, BytesLess> kv;
  std::optional<Bytes> get(ByteView key) const override {
    const auto at = kv.find(key);
    return at == kv.end() ? std::nullopt : std::optional(at->second);
  }
  std::optional<Bytes> next_key(ByteView key) const override {
    const auto at = kv.upper_bound(key);
    return at == kv.end() ? std::nullopt : std::optional(at->first);
  }
  void apply(const StateDiff& diff) {
    for (const auto& [key, value] : diff) {
      if (value) kv[key] = *value;
      else kv.erase(key);
    }
  }
};

}  // namespace phala

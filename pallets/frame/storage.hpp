#pragma once
// Why: a pallet declares what it keeps; keys, hashing, defaults, iteration and metadata follow from the declaration.
// Key layout: twox128(pallet) ‖ twox128(item) ‖ hashed keys (docs/protocol.md §3.2). A value that does not decode (which
// only root can cause, by writing raw storage) counts as absent.

#include "crypto/hash.hpp"
#include "frame/dispatch.hpp"
#include "frame/state.hpp"
#include "frame/type_registry.hpp"

namespace phala::frame {

/// A text as a template argument.
template <size_t N>
struct Name {
  char text[N]{};
  constexpr Name(const char (&from)[N]) { std::copy_n(from, N, text); }
  constexpr std::string_view view() const { return {text, N - 1}; }
};
/// twox128 of a name, computed once.
template <Name N>
const crypto::Hash16& name_hash() {
  static const crypto::Hash16 hash = crypto::twox_128(as_bytes(N.view()));
  return hash;
}

struct Blake2_128Concat {
  static constexpr auto hasher = metadata::Hasher::blake2_128_concat;
  static constexpr size_t prefix = 16;
  static void append_key(Bytes& out, ByteView key);
};
struct Twox64Concat {
  static constexpr auto hasher = metadata::Hasher::twox_64_concat;
  static constexpr size_t prefix = 8;
  static void append_key(Bytes& out, ByteView key);
};
struct Identity {
  static constexpr auto hasher = metadata::Hasher::identity;
  static constexpr size_t prefix = 0;
  static void append_key(Bytes& out, ByteView key) { append(out, key); }
};

/// Marks an item that may be absent: `get` gives an optional. Without it, absent means V{}.
template <class V>
struct Opt {};

/// Where a pallet keeps its items.
struct StorageRoot {
  State& state;
  const crypto::Hash16& pallet;
};

namespace detail {
template <class V>
struct ValueOf {
  using Stored = V;
  using Read = V;
  static constexpr bool optional = false;
};
template <class V>
struct ValueOf<Opt<V>> {
  using Stored = V;
  using Read = std::optional<V>;
  static constexpr bool optional = true;
};
template <class V>
std::optional<V> load(const State& state, ByteView key) {
  const Bytes* raw = state.get(key);
  if (!raw) return std::nullopt;
  auto value = scale::decode<V>(*raw);
  return value ? std::optional<V>(std::move(*value)) : std::nullopt;
}
/// What an absent item reads as, encoded.
template <class V>
PHALA_ONCE Bytes fallback() {
  if constexpr (ValueOf<V>::optional) return {0};
  else return scale::encode(typename ValueOf<V>::Stored{});
}
Bytes item_key(const StorageRoot& root, const crypto::Hash16& item, size_t extra);
}  // namespace detail

/// One value.
template <Name N, class V>
class Value {
  using Of = detail::ValueOf<V>;

 public:
  using Stored = typename Of::Stored;
  using Read = typename Of::Read;
  explicit Value(StorageRoot root) : root_(root) {}
  Read get() const {
    auto value = detail::load<Stored>(root_.state, key());
    if constexpr (Of::optional) return value;
    else return value ? std::move(*value) : Stored{};
  }
  void put(const Stored& value) const { root_.state.put(key(), scale::encode(value)); }
  void kill() const { root_.state.erase(key()); }
  Read take() const {
    auto value = get();
    kill();
    return value;
  }
  bool exists() const { return root_.state.get(key()) != nullptr; }
  /// For items that are SCALE vectors.
  template <class Item>
  void append(const Item& item) const { root_.state.append(key(), scale::encode(item)); }
  /// Encoded size; 0 when absent.
  size_t stored_bytes() const {
    const Bytes* raw = root_.state.get(key());
    return raw ? raw->size() : 0;
  }
  Bytes key() const { return detail::item_key(root_, name_hash<N>(), 0); }

  PHALA_ONCE static metadata::StorageEntry describe(TypeRegistry& types) {
    return detail::plain_entry(N.view(), Of::optional, types.id<Stored>(), detail::fallback<V>());
  }

 private:
  StorageRoot root_;
};

/// Values by one key.
template <Name N, class Hasher, class K, class V>
class Map {
  using Of = detail::ValueOf<V>;

 public:
  using Stored = typename Of::Stored;
  using Read = typename Of::Read;
  explicit Map(StorageRoot root) : root_(root) {}
  Read get(const K& k) const {
    auto value = detail::load<Stored>(root_.state, key(k));
    if constexpr (Of::optional) return value;
    else return value ? std::move(*value) : Stored{};
  }
  /// The value, or this error.
  template <class E>
  Try<Stored> find(const K& k, E error) const {
    auto value = detail::load<Stored>(root_.state, key(k));
    if (!value) return fail(DispatchError(error));
    return std::move(*value);
  }
  bool contains(const K& k) const { return root_.state.get(key(k)) != nullptr; }
  /// Whether the state can hold this key. Ask before `put` where the key's length comes from outside.
  bool fits(const K& k) const { return key(k).size() <= max_state_key_bytes; }
  void put(const K& k, const Stored& value) const { root_.state.put(key(k), scale::encode(value)); }
  void remove(const K& k) const { root_.state.erase(key(k)); }
  template <class Item>
  void append(const K& k, const Item& item) const { root_.state.append(key(k), scale::encode(item)); }
  /// All entries in the order of the hashed keys. `visit(key, value)`; it may change this very map.
  template <class Visit>
  void for_each(Visit&& visit) const {
    const Bytes prefix = detail::item_key(root_, name_hash<N>(), 0);
    for (auto at = root_.state.next_key(prefix); at && starts_with(*at, prefix); at = root_.state.next_key(*at)) {
      if (at->size() < prefix.size() + Hasher::prefix) continue;
      auto k = scale::decode<K>(ByteView(*at).subspan(prefix.size() + Hasher::prefix));
      auto value = detail::load<Stored>(root_.state, *at);
      if (k && value) visit(*k, *value);
    }
  }
  void clear() const { root_.state.erase_prefix(detail::item_key(root_, name_hash<N>(), 0)); }
  Bytes key(const K& k) const {
    const Bytes encoded = scale::encode(k);
    Bytes out = detail::item_key(root_, name_hash<N>(), Hasher::prefix + encoded.size());
    Hasher::append_key(out, encoded);
    return out;
  }

  PHALA_ONCE static metadata::StorageEntry describe(TypeRegistry& types) {
    const auto k = types.id<K>();
    return detail::map_entry(N.view(), Of::optional, {Hasher::hasher}, k, types.id<Stored>(), detail::fallback<V>());
  }

 private:
  StorageRoot root_;
};

/// Values by two keys; everything under one first key can be listed and cleared.
template <Name N, class Hasher1, class K1, class Hasher2, class K2, class V>
class DoubleMap {
  using Of = detail::ValueOf<V>;

 public:
  using Stored = typename Of::Stored;
  using Read = typename Of::Read;
  explicit DoubleMap(StorageRoot root) : root_(root) {}
  Read get(const K1& a, const K2& b) const {
    auto value = detail::load<Stored>(root_.state, key(a, b));
    if constexpr (Of::optional) return value;
    else return value ? std::move(*value) : Stored{};
  }
  template <class E>
  Try<Stored> find(const K1& a, const K2& b, E error) const {
    auto value = detail::load<Stored>(root_.state, key(a, b));
    if (!value) return fail(DispatchError(error));
    return std::move(*value);
  }
  bool contains(const K1& a, const K2& b) const { return root_.state.get(key(a, b)) != nullptr; }
  void put(const K1& a, const K2& b, const Stored& value) const { root_.state.put(key(a, b), scale::encode(value)); }
  void remove(const K1& a, const K2& b) const { root_.state.erase(key(a, b)); }
  /// Entries under `a`: `visit(second key, value)`.
  template <class Visit>
  void for_each(const K1& a, Visit&& visit) const {
    const Bytes prefix = prefix_of(a);
    for (auto at = root_.state.next_key(prefix); at && starts_with(*at, prefix); at = root_.state.next_key(*at)) {
      if (at->size() < prefix.size() + Hasher2::prefix) continue;
      auto k = scale::decode<K2>(ByteView(*at).subspan(prefix.size() + Hasher2::prefix));
      auto value = detail::load<Stored>(root_.state, *at);
      if (k && value) visit(*k, *value);
    }
  }
  void clear(const K1& a) const { root_.state.erase_prefix(prefix_of(a)); }
  Bytes key(const K1& a, const K2& b) const {
    Bytes out = prefix_of(a);
    Hasher2::append_key(out, scale::encode(b));
    return out;
  }

  PHALA_ONCE static metadata::StorageEntry describe(TypeRegistry& types) {
    const auto k = types.id<std::pair<K1, K2>>();
    return detail::map_entry(N.view(), Of::optional, {Hasher1::hasher, Hasher2::hasher}, k, types.id<Stored>(), detail::fallback<V>());
  }

 private:
  Bytes prefix_of(const K1& a) const {
    const Bytes encoded = scale::encode(a);
    Bytes out = detail::item_key(root_, name_hash<N>(), Hasher1::prefix + encoded.size() + 64);
    Hasher1::append_key(out, encoded);
    return out;
  }
  StorageRoot root_;
};

}  // namespace phala::frame

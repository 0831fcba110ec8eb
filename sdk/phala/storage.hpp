#pragma once
// Why: where a contract's data lies. The plain fields of a contract travel together in one cell; a Map or a Lazy field has cells
// of its own, read and written only when touched. Layout: that of ink! 4, so that code of either kind can take over the storage
// of the other. Root cell: key u32 0. Field of its own: key = XXH32("Contract::field"), an entry: that key ‖ SCALE(map key).

#include <optional>

#include "phala/env.hpp"

namespace phala::sdk {

namespace detail {
Bytes field_key(u32 root);
[[noreturn]] void broken_storage();
}  // namespace detail

/// A mapping from K to V. Entries are not enumerable.
template <class K, class V>
class Map {
 public:
  using Key = K;
  using Value = V;
  /// Set once by the dispatcher; see Fields.
  void bind(u32 root) { root_ = root; }

  std::optional<V> get(const K& key) const {
    const auto raw = get_storage(cell(key));
    if (!raw) return std::nullopt;
    auto value = scale::decode<V>(*raw);
    if (!value) detail::broken_storage();
    return std::move(*value);
  }
  void put(const K& key, const V& value) { set_storage(cell(key), scale::encode(value)); }
  bool contains(const K& key) const { return contains_storage(cell(key)); }
  void remove(const K& key) { clear_storage(cell(key)); }

 private:
  Bytes cell(const K& key) const {
    Bytes out = detail::field_key(root_);
    scale::encode_to(out, key);
    return out;
  }
  u32 root_ = 0;
};

/// A value in a cell of its own: for what is large or seldom needed.
template <class V>
class Lazy {
 public:
  using Value = V;
  void bind(u32 root) { root_ = root; }

  std::optional<V> get() const {
    const auto raw = get_storage(detail::field_key(root_));
    if (!raw) return std::nullopt;
    auto value = scale::decode<V>(*raw);
    if (!value) detail::broken_storage();
    return std::move(*value);
  }
  void put(const V& value) { set_storage(detail::field_key(root_), scale::encode(value)); }

 private:
  u32 root_ = 0;
};

/// True for fields with cells of their own.
template <class Field>
concept OwnCell = requires(Field& field) { field.bind(u32{}); };

/// Storage keys of the fields of contract C, in order; 0 for plain fields.
template <class C>
struct Fields {
  static constexpr size_t count = scale::field_count<C>();
  static constexpr auto names = scale::field_names<C>();

  static consteval u32 key_of(std::string_view field) {
    char path[256]{};
    size_t n = 0;
    for (const char c : scale::type_name<C>()) path[n++] = c;
    path[n++] = ':';
    path[n++] = ':';
    for (const char c : field) path[n++] = c;
    return xxh32({path, n});
  }
  static consteval std::array<u32, count> all() {
    std::array<u32, count> out{};
    for (size_t i = 0; i < count; ++i) out[i] = key_of(names[i]);
    return out;
  }
  static constexpr auto keys = all();

  static void bind(C& contract) {
    scale::visit_fields(contract, [](auto&... field) {
      size_t i = 0;
      (bind_one(field, keys[i++]), ...);
    });
  }

 private:
  template <class Field>
  static void bind_one(Field& field, u32 key) {
    if constexpr (OwnCell<Field>) field.bind(key);
  }
};

}  // namespace phala::sdk

namespace phala::scale {
template <sdk::OwnCell Field>
struct Codec<Field> {
  static void encode(Bytes&, const Field&) {}
  static Result<Field, CodecError> decode(Reader&) { return Field{}; }
};
}  // namespace phala::scale

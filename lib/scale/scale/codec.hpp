#pragma once
// Why: SCALE is the one encoding of the chain, its messages and its contracts. Decoding meets the outside: it checks
// every length against what is left before allocating, limits nesting, and never reads past its input.
// Format: parity-scale-codec (little-endian integers, compact lengths, enums by one index byte).

#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "scale/describe.hpp"

namespace phala::scale {

enum class CodecError : u8 {
  not_enough_bytes,   ///< the input ended inside a value
  trailing_bytes,     ///< a complete value, then more
  length_too_large,   ///< a length that the rest of the input cannot hold, or more items than a reader takes
  bad_compact,        ///< compact integer not in its shortest form, or too large for its type
  bad_bool,           ///< a bool byte that is neither 0 nor 1
  unknown_variant,    ///< an enum index nobody declared
  bad_utf8,           ///< a string that is not UTF-8
  too_deep,           ///< nested deeper than 64 levels
  not_sorted,         ///< a map or set whose keys are not strictly ascending
};
std::string_view to_string(CodecError error);
/// For module borders: "SCALE: the input ended inside a value".
Error to_error(CodecError error);

/// A cursor over the input; values borrow nothing from it.
class Reader {
 public:
  explicit Reader(ByteView input) : rest_(input), items_left_(262'144 + input.size() / 8) {}
  size_t left() const { return rest_.size(); }
  ByteView rest() const { return rest_; }
  /// The next `n` bytes.
  Result<ByteView, CodecError> take(size_t n) {
    if (n > rest_.size()) return fail(CodecError::not_enough_bytes);
    const ByteView out = rest_.first(n);
    rest_ = rest_.subspan(n);
    return out;
  }
  Result<u128, CodecError> compact();
  /// A length prefix of items that take at least `min_item_size` bytes each (0 counts as 1).
  Result<size_t, CodecError> length(size_t min_item_size);
  /// Nesting guard: `enter` before a container, `leave` after.
  bool enter() { return ++depth_ <= 64; }
  void leave() { --depth_; }
  /// Budget for items that take far more memory than input (a call of three bytes inside a batch): 16,384 of them a reader.
  bool spend_heavy() { return heavy_left_-- > 0; }
  /// Budget for list items that may take far more memory than input: an empty text is one byte here and 32 there. A quarter of a million a
  /// reader, and one more for every eight bytes of input. Counted in items, so that it is the same on every machine.
  bool spend_item() {
    if (items_left_ == 0) return false;
    --items_left_;
    return true;
  }

 private:
  ByteView rest_;
  size_t items_left_;
  int depth_ = 0, heavy_left_ = 16'384;
};

void encode_compact(Bytes& out, u128 value);
bool is_utf8(ByteView text);

/// Types outside this file join in by specialising Codec<T> with `encode(Bytes&, const T&)` and `decode(Reader&)`.
template <class T>
struct Codec;

template <class T>
void encode_to(Bytes& out, const T& value) { Codec<T>::encode(out, value); }
/// SCALE of the values, one after the other.
template <class... T>
Bytes encode(const T&... values) {
  Bytes out;
  (Codec<T>::encode(out, values), ...);
  return out;
}
template <class T>
Result<T, CodecError> decode_from(Reader& in) { return Codec<T>::decode(in); }
/// The whole input must be one T.
template <class T>
Result<T, CodecError> decode(ByteView input) {
  Reader in(input);
  auto value = TRY(Codec<T>::decode(in));
  if (in.left() != 0) return fail(CodecError::trailing_bytes);
  return value;
}

// ---- integers, bool, enum class ----------------------------------------------------------------------------------
template <class T>
concept Integer = (std::is_integral_v<T> || std::is_same_v<T, u128> || std::is_same_v<T, __int128>) && !std::is_same_v<T, bool>;

template <Integer T>
struct Codec<T> {
  static void encode(Bytes& out, T value) {
    const size_t at = out.size();
    out.resize(at + sizeof(T));
    store_le(out.data() + at, value);
  }
  static Result<T, CodecError> decode(Reader& in) {
    const auto raw = in.take(sizeof(T));
    if (!raw) return fail(raw.error());
    return load_le<T>(raw->data());
  }
};
template <>
struct Codec<bool> {
  static void encode(Bytes& out, bool value) { out.push_back(value ? 1 : 0); }
  static Result<bool, CodecError> decode(Reader& in);
};
/// A plain `enum class X : u8` travels as its number. Declare `constexpr bool is_valid(X)` beside it (found by ADL).
template <class T>
  requires std::is_enum_v<T>
struct Codec<T> {
  static void encode(Bytes& out, T value) { out.push_back(static_cast<u8>(value)); }
  static Result<T, CodecError> decode(Reader& in) {
    const auto raw = in.take(1);
    if (!raw) return fail(raw.error());
    const T value = static_cast<T>((*raw)[0]);
    if (!is_valid(value)) return fail(CodecError::unknown_variant);
    return value;
  }
};
template <class T>
struct Codec<Compact<T>> {
  static void encode(Bytes& out, const Compact<T>& c) { encode_compact(out, c.value); }
  static Result<Compact<T>, CodecError> decode(Reader& in) {
    const auto value = in.compact();
    if (!value) return fail(value.error());
    if (*value > static_cast<T>(~T{0})) return fail(CodecError::bad_compact);
    return Compact<T>(static_cast<T>(*value));
  }
};

/// Types whose size in memory is about that on the wire: lists of them need no budget.
template <class T>
inline constexpr bool is_flat = Integer<T> || std::is_same_v<T, bool> || std::is_enum_v<T>;
template <size_t N, class Tag>
inline constexpr bool is_flat<FixedBytes<N, Tag>> = N != 0;
template <class T, size_t N>
inline constexpr bool is_flat<std::array<T, N>> = is_flat<T> && N != 0;

// ---- sequences ----------------------------------------------------------------------------------------------------
template <size_t N, class Tag>
struct Codec<FixedBytes<N, Tag>> {
  static void encode(Bytes& out, const FixedBytes<N, Tag>& value) { append(out, value); }
  static Result<FixedBytes<N, Tag>, CodecError> decode(Reader& in) {
    const auto raw = in.take(N);
    if (!raw) return fail(raw.error());
    return FixedBytes<N, Tag>(*raw);
  }
};
template <class T, size_t N>
struct Codec<std::array<T, N>> {
  static void encode(Bytes& out, const std::array<T, N>& value) {
    for (const auto& item : value) encode_to(out, item);
  }
  static Result<std::array<T, N>, CodecError> decode(Reader& in) {
    std::array<T, N> out{};
    for (auto& item : out) {
      auto one = decode_from<T>(in);
      if (!one) return fail(one.error());
      item = std::move(*one);
    }
    return out;
  }
};
template <>
struct Codec<Bytes> {
  static void encode(Bytes& out, const Bytes& value);
  static Result<Bytes, CodecError> decode(Reader& in);
};
template <>
struct Codec<std::string> {
  static void encode(Bytes& out, const std::string& value);
  static Result<std::string, CodecError> decode(Reader& in);
};
template <class T>
struct Codec<std::vector<T>> {
  static void encode(Bytes& out, const std::vector<T>& value) {
    encode_compact(out, value.size());
    for (const auto& item : value) encode_to(out, item);
  }
  static Result<std::vector<T>, CodecError> decode(Reader& in) {
    const auto n = in.length(1);
    if (!n) return fail(n.error());
    if (!in.enter()) return fail(CodecError::too_deep);
    std::vector<T> out;
    // an item may be larger in memory than on the wire: grow with what really arrives
    out.reserve(std::min<size_t>(*n, 1024));
    for (size_t i = 0; i < *n; ++i) {
      if (!is_flat<T> && !in.spend_item()) return fail(CodecError::length_too_large);
      auto one = decode_from<T>(in);
      if (!one) return fail(one.error());
      out.push_back(std::move(*one));
    }
    in.leave();
    return out;
  }
};
/// Maps and sets travel sorted by key (BTreeMap, BTreeSet).
template <class K, class V, class Less>
struct Codec<std::map<K, V, Less>> {
  static void encode(Bytes& out, const std::map<K, V, Less>& value) {
    encode_compact(out, value.size());
    for (const auto& [k, v] : value) {
      encode_to(out, k);
      encode_to(out, v);
    }
  }
  static Result<std::map<K, V, Less>, CodecError> decode(Reader& in) {
    const auto n = in.length(1);
    if (!n) return fail(n.error());
    if (!in.enter()) return fail(CodecError::too_deep);
    std::map<K, V, Less> out;
    for (size_t i = 0; i < *n; ++i) {
      if (!in.spend_item()) return fail(CodecError::length_too_large);
      auto k = decode_from<K>(in);
      if (!k) return fail(k.error());
      auto v = decode_from<V>(in);
      if (!v) return fail(v.error());
      if (!out.empty() && !Less{}(std::prev(out.end())->first, *k)) return fail(CodecError::not_sorted);
      out.emplace_hint(out.end(), std::move(*k), std::move(*v));
    }
    in.leave();
    return out;
  }
};

// ---- products and sums --------------------------------------------------------------------------------------------
template <class T>
struct Codec<std::optional<T>> {
  static void encode(Bytes& out, const std::optional<T>& value) {
    out.push_back(value ? 1 : 0);
    if (value) encode_to(out, *value);
  }
  static Result<std::optional<T>, CodecError> decode(Reader& in) {
    const auto some = decode_from<bool>(in);
    if (!some) return fail(some.error());
    if (!*some) return std::optional<T>{};
    auto value = decode_from<T>(in);
    if (!value) return fail(value.error());
    return std::optional<T>(std::move(*value));
  }
};
template <class... T>
struct Codec<std::tuple<T...>> {
  static void encode(Bytes& out, const std::tuple<T...>& value) {
    std::apply([&](const auto&... item) { (encode_to(out, item), ...); }, value);
  }
  static Result<std::tuple<T...>, CodecError> decode(Reader& in) {
    std::tuple<T...> out;
    std::optional<CodecError> error;
    std::apply([&](auto&... item) { (decode_into(in, item, error), ...); }, out);
    if (error) return fail(*error);
    return out;
  }
  template <class Item>
  static void decode_into(Reader& in, Item& item, std::optional<CodecError>& error) {
    if (error) return;
    auto one = decode_from<Item>(in);
    if (one) item = std::move(*one);
    else error = one.error();
  }
};
template <class A, class B>
struct Codec<std::pair<A, B>> {
  static void encode(Bytes& out, const std::pair<A, B>& value) {
    encode_to(out, value.first);
    encode_to(out, value.second);
  }
  static Result<std::pair<A, B>, CodecError> decode(Reader& in) {
    auto a = decode_from<A>(in);
    if (!a) return fail(a.error());
    auto b = decode_from<B>(in);
    if (!b) return fail(b.error());
    return std::pair<A, B>(std::move(*a), std::move(*b));
  }
};
template <>
struct Codec<std::tuple<>> {
  static void encode(Bytes&, const std::tuple<>&) {}
  static Result<std::tuple<>, CodecError> decode(Reader&) { return std::tuple<>{}; }
};
template <Described T>
struct Codec<T> {
  static void encode(Bytes& out, const T& value) {
    visit_fields(value, [&](const auto&... field) { (encode_to(out, field), ...); });
  }
  static Result<T, CodecError> decode(Reader& in) {
    if (!in.enter()) return fail(CodecError::too_deep);
    T out{};
    std::optional<CodecError> error;
    visit_fields(out, [&](auto&... field) { (decode_field(in, field, error), ...); });
    in.leave();
    if (error) return fail(*error);
    return out;
  }
  template <class Field>
  static void decode_field(Reader& in, Field& field, std::optional<CodecError>& error) {
    if (error) return;
    auto one = decode_from<Field>(in);
    if (one) field = std::move(*one);
    else error = one.error();
  }
};
template <IsTaggedEnum T>
struct Codec<T> {
  static void encode(Bytes& out, const T& value) {
    out.push_back(value.index());
    std::visit([&](const auto& alternative) { encode_to(out, alternative); }, value.value);
  }
  static Result<T, CodecError> decode(Reader& in) {
    const auto raw = in.take(1);
    if (!raw) return fail(raw.error());
    if (!in.enter()) return fail(CodecError::too_deep);
    auto out = decode_alternative((*raw)[0], in, std::make_index_sequence<std::variant_size_v<decltype(T::value)>>{});
    in.leave();
    return out;
  }

 private:
  template <size_t... I>
  static Result<T, CodecError> decode_alternative(u8 index, Reader& in, std::index_sequence<I...>) {
    Result<T, CodecError> out = fail(CodecError::unknown_variant);
    static_cast<void>(((T::indices[I] == index && (decode_one<I>(in, out), true)) || ...));
    return out;
  }
  template <size_t I>
  static void decode_one(Reader& in, Result<T, CodecError>& out) {
    using Alternative = std::variant_alternative_t<I, decltype(T::value)>;
    auto one = decode_from<Alternative>(in);
    if (!one) {
      out = fail(one.error());
      return;
    }
    T value;
    value.value.template emplace<I>(std::move(*one));
    out = std::move(value);
  }
};

}  // namespace phala::scale

#pragma once
// Why: a type of the protocol is described once, in its own declaration, and gets its codec, metadata, JSON, equality
// and printing from that description. FIELDS names the members in order; it destructures the object too, so that a
// member left out of the list does not compile.

#include <array>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/bytes.hpp"

/// Inside a struct: lists *all* its members in wire order.
#define FIELDS(...)                                                                             \
  static constexpr std::string_view phala_fields = #__VA_ARGS__;                                \
  template <class Self_, class Visit_>                                                          \
  static constexpr decltype(auto) phala_visit(Self_& self_, Visit_&& visit_) {                  \
    __VA_OPT__(auto& [__VA_ARGS__] = self_;)                                                    \
    static_cast<void>(self_);                                                                   \
    return visit_(__VA_ARGS__);                                                                 \
  }                                                                                             \
  template <class Other_>                                                                       \
  constexpr bool operator==(const Other_& other_) const                                         \
    requires(std::is_same_v<std::remove_cvref_t<decltype(*this)>, Other_>)                      \
  { return ::phala::scale::fields_equal(*this, other_); }

namespace phala::scale {

template <class T>
concept Described = requires { { T::phala_fields } -> std::convertible_to<std::string_view>; };

/// Calls `visit(field1, field2, …)`.
template <class T, class Visit>
constexpr decltype(auto) visit_fields(T& object, Visit&& visit) {
  return std::remove_const_t<T>::phala_visit(object, std::forward<Visit>(visit));
}

template <Described T>
constexpr bool fields_equal(const T& a, const T& b) {
  return visit_fields(a, [&](const auto&... left) {
    return visit_fields(b, [&](const auto&... right) { return ((left == right) && ...); });
  });
}

/// Number of members of T.
template <Described T>
constexpr size_t field_count() {
  if (T::phala_fields.empty()) return 0;
  size_t n = 1;
  for (const char c : T::phala_fields) n += c == ',';
  return n;
}

/// Names of the members; a trailing underscore (`operator_`) is dropped.
template <Described T>
constexpr auto field_names() {
  std::array<std::string_view, field_count<T>()> names;
  std::string_view rest = T::phala_fields;
  for (auto& name : names) {
    const size_t comma = rest.find(',');
    std::string_view one = rest.substr(0, comma);
    rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '_')) one.remove_suffix(1);
    name = one;
  }
  return names;
}

/// One alternative of an Enum, with its frozen wire index.
template <u8 Index, class T>
struct At {
  static constexpr u8 index = Index;
  using type = T;
};

/// A SCALE enum whose variants are structs (or any type) with explicit indices.
/// Holds exactly one alternative; default-constructs to the first.
template <class... Alternatives>
struct Enum {
  using Variant = std::variant<typename Alternatives::type...>;
  static constexpr std::array<u8, sizeof...(Alternatives)> indices{Alternatives::index...};
  template <class T>
  static constexpr bool has = (std::is_same_v<T, typename Alternatives::type> || ...);

  Variant value;

  constexpr Enum() = default;
  template <class T>
    requires(has<std::remove_cvref_t<T>>)
  constexpr Enum(T&& alternative) : value(std::forward<T>(alternative)) {}

  template <class T>
  const T* get_if() const { return std::get_if<T>(&value); }
  template <class T>
  T* get_if() { return std::get_if<T>(&value); }
  template <class T>
  bool is() const { return std::holds_alternative<T>(value); }
  /// The wire index of what it holds.
  u8 index() const { return indices[value.index()]; }
  template <class Visit>
  constexpr decltype(auto) visit(Visit&& visit_) const { return std::visit(std::forward<Visit>(visit_), value); }
  bool operator==(const Enum& other) const { return value == other.value; }
};

namespace detail {
template <class T>
struct IsEnum : std::false_type {};
template <class... A>
struct IsEnum<Enum<A...>> : std::true_type {};
}  // namespace detail
/// True for `Enum<…>` and for structs derived from it (which give it a name).
template <class T>
concept IsTaggedEnum = requires(const T& t) {
  { t.index() } -> std::same_as<u8>;
  T::indices;
  t.value;
};

/// The unqualified name of a type, at compile time: "TransferKeepAlive".
template <class T>
constexpr std::string_view type_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  size_t from = text.find("T = ") + 4;
  size_t to = from;
  int depth = 0;
  for (; to < text.size(); ++to) {
    if (text[to] == '<') ++depth;
    else if (text[to] == '>') --depth;
    else if (depth == 0 && (text[to] == ']' || text[to] == ';')) break;
  }
  std::string_view name = text.substr(from, to - from);
  name = name.substr(0, name.find('<'));
  const size_t colon = name.rfind(':');
  if (colon != name.npos) name.remove_prefix(colon + 1);
  while (!name.empty() && name.back() == '_') name.remove_suffix(1);
  return name;
}

/// An integer that travels in compact form.
template <class T>
struct Compact {
  T value{};
  constexpr Compact() = default;
  constexpr Compact(T v) : value(v) {}
  constexpr operator T() const { return value; }
  constexpr bool operator==(const Compact&) const = default;
};

}  // namespace phala::scale

#pragma once
// Why: results are large and written once, so they are written straight to text from the same description that gives a type its SCALE. Parsing, which meets
// the outside, is the JSON library's and happens in table.cpp alone; this header is what methods and their types need.
//
// Members in snake_case become camelCase; bytes become "0x…" in lower case; nothing becomes null; pairs and lists become arrays.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scale/codec.hpp"

namespace phala::rpc {

/// JSON that is already text.
struct Raw { std::string text; };
/// A number given as a JSON number or as "0x…" hex; results write the hex form.
struct NumberOrHex { u64 value{};  FIELDS(value) };
/// One or several of something; results keep the form of the question.
template <class T>
struct OneOrMany { std::vector<T> items; bool many = false; };
/// An account, written as SS58.
struct Address { AccountId id;  FIELDS(id) };
/// A decimal string, as fees are written.
struct Decimal { u128 value{};  FIELDS(value) };
/// A moment: milliseconds since 1970 as a number, or an ISO 8601 date in UTC ("2030-01-01", "2030-01-01T12:00:00.000Z").
struct Moment { u64 ms{};  FIELDS(ms) };

void write_text(std::string& out, std::string_view text);
void write_hex(std::string& out, ByteView bytes);
void write_number(std::string& out, u64 value);
/// "parent_hash" → "parentHash".
std::string camel_case(std::string_view snake);

inline void write(std::string& out, const Raw& value) { out += value.text; }
inline void write(std::string& out, bool value) { out += value ? "true" : "false"; }
template <class T>
  requires(std::is_integral_v<T> && std::is_unsigned_v<T> && !std::is_same_v<T, bool>)
void write(std::string& out, T value) { write_number(out, value); }
inline void write(std::string& out, const std::string& value) { write_text(out, value); }
inline void write(std::string& out, const Bytes& value) { write_hex(out, value); }
void write(std::string& out, const NumberOrHex& value);
void write(std::string& out, const Decimal& value);
template <size_t N, class Tag>
void write(std::string& out, const FixedBytes<N, Tag>& value) { write_hex(out, value); }
template <class T>
void write(std::string& out, const scale::Compact<T>& value) { write(out, value.value); }
template <class T>
void write(std::string& out, const std::optional<T>& value);
template <class A, class B>
void write(std::string& out, const std::pair<A, B>& value);
template <class T>
void write(std::string& out, const std::vector<T>& value);
template <class T>
void write(std::string& out, const OneOrMany<T>& value);
template <scale::Described T>
void write(std::string& out, const T& value);

template <class T>
void write(std::string& out, const std::optional<T>& value) {
  if (value) write(out, *value);
  else out += "null";
}
template <class A, class B>
void write(std::string& out, const std::pair<A, B>& value) {
  out += '[';
  write(out, value.first);
  out += ',';
  write(out, value.second);
  out += ']';
}
template <class T>
void write(std::string& out, const std::vector<T>& value) {
  out += '[';
  for (size_t i = 0; i < value.size(); ++i) {
    if (i != 0) out += ',';
    write(out, value[i]);
  }
  out += ']';
}
template <class T>
void write(std::string& out, const OneOrMany<T>& value) {
  if (value.many) write(out, value.items);
  else write(out, value.items.front());
}
template <scale::Described T>
void write(std::string& out, const T& value) {
  static const auto names = [] {
    std::vector<std::string> all;
    for (const auto name : scale::field_names<T>()) all.push_back(camel_case(name));
    return all;
  }();
  out += '{';
  size_t i = 0;
  const auto one = [&](const auto& field) {
    if (i != 0) out += ',';
    write_text(out, names[i++]);
    out += ':';
    write(out, field);
  };
  scale::visit_fields(value, [&](const auto&... field) { (one(field), ...); });
  out += '}';
}

template <class T>
std::string json(const T& value) {
  std::string out;
  write(out, value);
  return out;
}

}  // namespace phala::rpc

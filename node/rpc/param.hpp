#pragma once
// Why: JSON becomes parameters, and errors say what was expected, by the same description of a type that tells people what it takes and gives. Only
// table.cpp pays for the JSON library's header. Internal to node/rpc.

#include <ctime>
#include <nlohmann/json.hpp>

#include "crypto/account.hpp"
#include "rpc/node.hpp"
#include "rpc/json.hpp"
#include "rpc/storage_values.hpp"

namespace phala::rpc {

using Json = nlohmann::json;

/// `what` for documentation, `read` for parsing; an error says what was expected.
template <class T>
struct Param;
using Bad = Result<void, std::string>;

template <>
struct Param<bool> {
  static std::string what() { return "true or false"; }
  static Bad read(const Json& in, bool& out) {
    if (!in.is_boolean()) return fail(std::string("expected true or false"));
    out = in.get<bool>();
    return {};
  }
};
template <>
struct Param<u64> {
  static std::string what() { return "number"; }
  static Bad read(const Json& in, u64& out) {
    if (!in.is_number_unsigned()) return fail(std::string("expected a whole number"));
    out = in.get<u64>();
    return {};
  }
};
template <>
struct Param<u32> {
  static std::string what() { return "number"; }
  static Bad read(const Json& in, u32& out) {
    u64 wide = 0;
    TRY(Param<u64>::read(in, wide));
    if (wide > UINT32_MAX) return fail(std::string("the number is larger than 4294967295"));
    out = static_cast<u32>(wide);
    return {};
  }
};
template <>
struct Param<std::string> {
  static std::string what() { return "text"; }
  static Bad read(const Json& in, std::string& out) {
    if (!in.is_string()) return fail(std::string("expected a text"));
    out = in.get<std::string>();
    return {};
  }
};
template <>
struct Param<Bytes> {
  static std::string what() { return "hex"; }
  static Bad read(const Json& in, Bytes& out) {
    if (!in.is_string()) return fail(std::string("expected hex with 0x"));
    const auto& text = in.get_ref<const std::string&>();
    if (!text.starts_with("0x")) return fail(std::string("expected hex with 0x"));
    auto bytes = from_hex(text);
    if (!bytes) return fail(bytes.error().message);
    out = std::move(*bytes);
    return {};
  }
};
template <>
struct Param<Hash> {
  static std::string what() { return "hash"; }
  static Bad read(const Json& in, Hash& out) {
    Bytes bytes;
    TRY(Param<Bytes>::read(in, bytes));
    if (bytes.size() != 32) return fail("expected 32 bytes, got " + std::to_string(bytes.size()));
    out = Hash(bytes);
    return {};
  }
};
template <>
struct Param<NumberOrHex> {
  static std::string what() { return "number or hex number"; }
  static Bad read(const Json& in, NumberOrHex& out) {
    if (in.is_number_unsigned()) {
      out.value = in.get<u64>();
      return {};
    }
    const std::string text = in.is_string() ? in.get<std::string>() : "";
    if (text.size() < 3 || text.size() > 18 || !text.starts_with("0x") || text.find_first_not_of("0123456789abcdefABCDEF", 2) != text.npos)
      return fail(std::string("expected a number or a hex number of up to 64 bits"));
    out.value = std::strtoull(text.c_str() + 2, nullptr, 16);
    return {};
  }
};
template <>
struct Param<Address> {
  static std::string what() { return "SS58 address"; }
  static Bad read(const Json& in, Address& out) {
    if (!in.is_string()) return fail(std::string("expected an SS58 address"));
    const auto id = crypto::account_from_ss58(in.get_ref<const std::string&>());
    if (!id) return fail(id.error().message);
    out.id = *id;
    return {};
  }
};
template <>
struct Param<Moment> {
  static std::string what() { return "milliseconds since 1970 or ISO 8601 date"; }
  static Bad read(const Json& in, Moment& out) {
    if (in.is_number_unsigned()) {
      out.ms = in.get<u64>();
      return {};
    }
    std::tm time{};
    const std::string text = in.is_string() ? in.get<std::string>() : "";
    const char* rest = ::strptime(text.c_str(), "%Y-%m-%d", &time);
    if (rest && *rest == 'T') rest = ::strptime(rest, "T%H:%M:%S", &time);
    u64 ms = 0;
    if (rest && rest[0] == '.' && std::isdigit(rest[1]) && std::isdigit(rest[2]) && std::isdigit(rest[3])) {
      ms = static_cast<u64>((rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0'));
      rest += 4;
    }
    if (rest && *rest == 'Z') ++rest;
    const time_t seconds = rest && *rest == 0 ? ::timegm(&time) : -1;
    if (seconds < 0) return fail(std::string("expected milliseconds since 1970 or a date like 2030-01-01T00:00:00.000Z"));
    out.ms = static_cast<u64>(seconds) * 1000 + ms;
    return {};
  }
};
template <>
struct Param<StorageValues> {
  static std::string what() { return "list of [hex, hex or null], or object of pallets"; }
  static Bad read(const Json& in, StorageValues& out) {
    auto values = storage_values(in);
    if (!values) return fail(values.error().text());
    out = std::move(*values);
    return {};
  }
};
template <class T>
struct Param<std::optional<T>> {
  static std::string what() { return Param<T>::what(); }
  static Bad read(const Json& in, std::optional<T>& out) {
    if (in.is_null()) return {};
    return Param<T>::read(in, out.emplace());
  }
};
template <class T>
struct Param<std::vector<T>> {
  static std::string what() { return "list of " + Param<T>::what(); }
  static Bad read(const Json& in, std::vector<T>& out) {
    if (!in.is_array()) return fail(std::string("expected a list"));
    for (const auto& item : in) {
      if (auto one = Param<T>::read(item, out.emplace_back()); !one) return fail("item " + std::to_string(out.size() - 1) + ": " + one.error());
    }
    return {};
  }
};
template <class A, class B>
struct Param<std::pair<A, B>> {
  static std::string what() { return "[" + Param<A>::what() + ", " + Param<B>::what() + "]"; }
  static Bad read(const Json& in, std::pair<A, B>& out) {
    if (!in.is_array() || in.size() != 2) return fail(std::string("expected a list of two"));
    TRY(Param<A>::read(in[0], out.first));
    return Param<B>::read(in[1], out.second);
  }
};
template <class T>
struct Param<OneOrMany<T>> {
  static std::string what() { return Param<T>::what() + ", or a list of them"; }
  static Bad read(const Json& in, OneOrMany<T>& out) {
    out.many = in.is_array();
    if (out.many) return Param<std::vector<T>>::read(in, out.items);
    return Param<T>::read(in, out.items.emplace_back());
  }
};

template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

/// A described struct from a list (by position) or an object (by name). Members that are optional may be missing.
template <scale::Described T>
Bad read_fields(const Json& in, T& out) {
  const auto names = scale::field_names<T>();
  if (in.is_array() && in.size() > names.size()) return fail("expected at most " + std::to_string(names.size()) + " parameters, got " + std::to_string(in.size()));
  size_t i = 0;
  Bad result;
  const auto one = [&]<class Field>(Field& field) {
    const std::string name = camel_case(names[i]);
    const Json* value = nullptr;
    if (in.is_array() && i < in.size()) value = &in[i];
    if (in.is_object()) {
      if (const auto at = in.find(name); at != in.end()) value = &*at;
    }
    ++i;
    if (!result) return;
    if (!value) {
      if (!is_optional<Field>) result = fail("parameter '" + name + "' is missing");
    } else if (auto read = Param<Field>::read(*value, field); !read) {
      result = fail("parameter '" + name + "': " + read.error());
    }
  };
  scale::visit_fields(out, [&](auto&... field) { (one(field), ...); });
  return result;
}
template <scale::Described T>
struct Param<T> {
  static std::string what() {
    std::string out;
    for (const auto name : scale::field_names<T>()) out += (out.empty() ? "{" : ", ") + camel_case(name);
    return out + "}";
  }
  static Bad read(const Json& in, T& out) {
    if (!in.is_object()) return fail(std::string("expected an object"));
    return read_fields(in, out);
  }
};

// ---- results, for people --------------------------------------------------------------------------------------------
template <class T>
struct Shape {
  static std::string what() { return Param<T>::what(); }
};
template <class T>
struct Shape<std::optional<T>> {
  static std::string what() { return Shape<T>::what() + " or null"; }
};
template <>
struct Shape<Bytes> : Param<Bytes> {};
template <class T>
struct Shape<std::vector<T>> {
  static std::string what() { return "list of " + Shape<T>::what(); }
};
template <class T>
struct Shape<OneOrMany<T>> {
  static std::string what() { return Shape<T>::what() + "; of several: a list"; }
};
template <scale::Described T>
struct Shape<T> {
  static std::string what() {
    std::string out;
    const auto names = scale::field_names<T>();
    size_t i = 0;
    T value{};
    scale::visit_fields(value, [&](auto&... field) {
      ((out += (out.empty() ? "{" : ", ") + camel_case(names[i++]) + ": " + Shape<std::remove_cvref_t<decltype(field)>>::what()), ...);
    });
    return out + "}";
  }
};

}  // namespace phala::rpc

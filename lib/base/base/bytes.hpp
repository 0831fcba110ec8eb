#pragma once
// Why: one spelling for byte sequences everywhere, and fixed-size byte types that cannot be confused with each other.

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace phala {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using u128 = unsigned __int128;

using Bytes = std::vector<u8>;
using ByteView = std::span<const u8>;

/// N bytes with a meaning. `Tag` keeps types of equal size apart. Ordered as big-endian strings; zero by default.
template <size_t N, class Tag = void>
struct FixedBytes : std::array<u8, N> {
  static constexpr size_t bytes = N;
  constexpr FixedBytes() : std::array<u8, N>{} {}
  constexpr FixedBytes(const std::array<u8, N>& raw) : std::array<u8, N>(raw) {}
  /// Precondition: `view.size() == N`. For unchecked input use `from`.
  explicit FixedBytes(ByteView view);
  /// The value, or nothing when the length differs.
  static Result<FixedBytes> from(ByteView view) {
    if (view.size() != N) return fail(ErrorCode::invalid_input, "expected " + std::to_string(N) + " bytes, got " + std::to_string(view.size()));
    return FixedBytes(view);
  }
  constexpr ByteView view() const { return {this->data(), N}; }
  /// For conversions that are meant: the same bytes as another kind of N bytes.
  template <class Other>
  constexpr Other as() const { return Other(static_cast<const std::array<u8, N>&>(*this)); }
  constexpr auto operator<=>(const FixedBytes&) const = default;
  constexpr bool operator==(const FixedBytes&) const = default;
};

struct AccountTag {};
using Hash = FixedBytes<32>;                    ///< BLAKE2b-256 and friends; `H256` on the wire
using AccountId = FixedBytes<32, AccountTag>;   ///< SS58-addressed account; `AccountId32` on the wire
using PublicKey = FixedBytes<32, struct PublicKeyTag>;   ///< sr25519 (worker identity, cluster, contract)

/// Lower-case hex, without and with "0x".
std::string to_hex(ByteView bytes);
std::string to_hex0x(ByteView bytes);
/// Accepts an optional "0x", either case. Errors: odd length, a character that is not hex.
Result<Bytes> from_hex(std::string_view text);

/// The bytes of a text, without a terminator.
inline ByteView as_bytes(std::string_view text) { return {reinterpret_cast<const u8*>(text.data()), text.size()}; }
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes to_bytes(ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }
inline void append(Bytes& to, ByteView more) { to.insert(to.end(), more.begin(), more.end()); }

/// Concatenates views: `concat(a, b, c)`.
template <class... Views>
Bytes concat(const Views&... views) {
  Bytes out;
  out.reserve((ByteView(views).size() + ... + 0));
  (append(out, ByteView(views)), ...);
  return out;
}

/// Lexicographic order of byte strings, transparent: maps keyed by Bytes can be searched by ByteView.
struct BytesLess {
  using is_transparent = void;
  bool operator()(ByteView a, ByteView b) const {
    const size_t n = std::min(a.size(), b.size());
    const int order = n == 0 ? 0 : std::memcmp(a.data(), b.data(), n);
    return order != 0 ? order < 0 : a.size() < b.size();
  }
};
inline bool same_bytes(ByteView a, ByteView b) { return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0); }
inline bool starts_with(ByteView whole, ByteView prefix) { return whole.size() >= prefix.size() && same_bytes(whole.first(prefix.size()), prefix); }

/// The smallest string greater than every string that starts with `prefix`; empty when there is none (all 0xff).
Bytes end_of_prefix(ByteView prefix);

/// Little- and big-endian integers.
template <class Int>
void store_le(u8* to, Int value) {
  for (size_t i = 0; i < sizeof(Int); ++i) to[i] = static_cast<u8>(value >> (8 * i));
}
template <class Int>
Int load_le(const u8* from) {
  Int value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i) value |= static_cast<Int>(static_cast<Int>(from[i]) << (8 * i));
  return value;
}
template <class Int>
std::array<u8, sizeof(Int)> be_bytes(Int value) {
  std::array<u8, sizeof(Int)> out;
  for (size_t i = 0; i < sizeof(Int); ++i) out[i] = static_cast<u8>(value >> (8 * (sizeof(Int) - 1 - i)));
  return out;
}
template <class Int>
Int load_be(const u8* from) {
  Int value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i) value = static_cast<Int>(static_cast<Int>(value << 8) | from[i]);
  return value;
}

/// Decimal text of a 128-bit integer (the standard library has none), and back. `parse_u128` accepts digits only.
std::string to_decimal(u128 value);
Result<u128> parse_u128(std::string_view digits);

template <size_t N, class Tag>
FixedBytes<N, Tag>::FixedBytes(ByteView view) {
  std::copy_n(view.data(), std::min(N, view.size()), this->data());
}

}  // namespace phala

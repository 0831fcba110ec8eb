#pragma once
// Why: a contract is addressed by four bytes that are a hash of a name. The names stand in the source, so the hashes are
// computed by the compiler: nothing to generate, nothing to keep in step. The two hashes here run at compile time only, on
// names that are public; whatever a contract hashes at run time goes to the host.

#include <array>
#include <string_view>

#include "base/bytes.hpp"

namespace phala::sdk {

using Selector = std::array<u8, 4>;

namespace detail {

/// BLAKE2b with a 32-byte digest and no key, as in RFC 7693.
struct Blake2b {
  static constexpr u64 iv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
  static constexpr u8 order[10][16] = {
      {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
      {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
      {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
      {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
      {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
  u64 h[8];

  static constexpr u64 rotate(u64 x, int n) { return x >> n | x << (64 - n); }
  static constexpr void mix(u64 (&v)[16], int a, int b, int c, int d, u64 x, u64 y) {
    v[a] += v[b] + x;
    v[d] = rotate(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 63);
  }
  constexpr void compress(const u64 (&m)[16], u64 total, bool last) {
    u64 v[16]{};
    for (int i = 0; i < 8; ++i) v[i] = h[i], v[i + 8] = iv[i];
    v[12] ^= total;
    if (last) v[14] = ~v[14];
    for (int round = 0; round < 12; ++round) {
      const auto& s = order[round % 10];
      for (int i = 0; i < 4; ++i) mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
      for (int i = 0; i < 4; ++i) mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
    }
    for (int i = 0; i < 8; ++i) h[i] ^= v[i] ^ v[i + 8];
  }
};

}  // namespace detail

/// BLAKE2b-256 of a text, at compile time.
consteval std::array<u8, 32> blake2b_256(std::string_view text) {
  detail::Blake2b state{};
  for (int i = 0; i < 8; ++i) state.h[i] = detail::Blake2b::iv[i];
  state.h[0] ^= 0x01010020;
  size_t at = 0;
  do {
    const size_t n = text.size() - at < 128 ? text.size() - at : 128;
    u64 m[16]{};
    for (size_t i = 0; i < n; ++i) m[i / 8] |= static_cast<u64>(static_cast<u8>(text[at + i])) << (8 * (i % 8));
    at += n;
    state.compress(m, at, at == text.size());
  } while (at < text.size());
  std::array<u8, 32> out{};
  for (size_t i = 0; i < 32; ++i) out[i] = static_cast<u8>(state.h[i / 8] >> (8 * (i % 8)));
  return out;
}

/// XXH32 with seed 0, at compile time: how ink! 4 derives the storage key of a field from "Contract::field".
consteval u32 xxh32(std::string_view text) {
  constexpr u32 p1 = 0x9e3779b1, p2 = 0x85ebca77, p3 = 0xc2b2ae3d, p4 = 0x27d4eb2f, p5 = 0x165667b1;
  const auto rotate = [](u32 x, int n) { return x << n | x >> (32 - n); };
  size_t at = 0;
  const auto word = [&] {
    u32 value = 0;
    for (size_t i = 0; i < 4; ++i) value |= static_cast<u32>(static_cast<u8>(text[at + i])) << (8 * i);
    at += 4;
    return value;
  };
  u32 h = p5;
  if (text.size() >= 16) {
    u32 lane[4] = {p1 + p2, p2, 0, 0u - p1};
    while (text.size() - at >= 16)
      for (u32& l : lane) l = rotate(l + word() * p2, 13) * p1;
    h = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
  }
  h += static_cast<u32>(text.size());
  while (text.size() - at >= 4) h = rotate(h + word() * p3, 17) * p4;
  while (at < text.size()) h = rotate(h + static_cast<u8>(text[at++]) * p5, 11) * p1;
  h = (h ^ h >> 15) * p2;
  h = (h ^ h >> 13) * p3;
  return h ^ h >> 16;
}

/// First four bytes of BLAKE2b-256 of the name: "flip", "Trait::flip" or "namespace::Trait::flip".
consteval Selector selector_of(std::string_view name) {
  const auto hash = blake2b_256(name);
  return {hash[0], hash[1], hash[2], hash[3]};
}

/// How a call or a constructor appears to the outside. Written beside the struct of its arguments:
///   struct GetDriver {
///     std::string name;  FIELDS(name)
///     using Returns = std::optional<AccountId>;
///     static constexpr Message message = Message("System::get_driver").in("pink_system");
///   };
struct Message {
  std::string_view label;      ///< as in the metadata: "flip" or "Trait::flip"
  Selector selector{};
  bool is_payable = false;     ///< accepts a transfer; others trap when value is sent along
  bool is_default = false;     ///< what a client offers first
  bool is_mutating = false;    ///< announced as changing state although its handler is const (it changes something else)
  std::string_view docs{};

  consteval explicit Message(std::string_view label_) : label(label_), selector(selector_of(label_)) {}

  /// Hashes the name within a namespace. The label stays.
  consteval Message in(std::string_view name_space) const {
    char full[256]{};
    size_t n = 0;
    for (const char c : name_space) full[n++] = c;
    full[n++] = ':';
    full[n++] = ':';
    for (const char c : label) full[n++] = c;
    Message out = *this;
    out.selector = selector_of({full, n});
    return out;
  }
  /// A selector of one's own, read as in metadata: `at(0x87c98a8d)`.
  consteval Message at(u32 value) const {
    Message out = *this;
    for (size_t i = 0; i < 4; ++i) out.selector[i] = static_cast<u8>(value >> (24 - 8 * i));
    return out;
  }
  consteval Message payable() const {
    Message out = *this;
    out.is_payable = true;
    return out;
  }
  consteval Message preferred() const {
    Message out = *this;
    out.is_default = true;
    return out;
  }
  consteval Message mutating() const {
    Message out = *this;
    out.is_mutating = true;
    return out;
  }
  consteval Message doc(std::string_view text) const {
    Message out = *this;
    out.docs = text;
    return out;
  }
};

/// A constructor is described the same way, in a member named `constructor`.
using Constructor = Message;

/// Types in order.
template <class... T>
struct List {};

}  // namespace phala::sdk

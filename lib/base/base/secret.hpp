#pragma once
// Why: secrets live in types that wipe themselves, compare in constant time and have no way to be printed or encoded
// by accident. Reading the bytes is a visible act: `expose()`.

#include <cstring>

#include "base/bytes.hpp"

namespace phala {

/// Overwrites memory in a way the optimiser keeps.
inline void wipe(void* memory, size_t size) noexcept {
  if (size == 0) return;   // an empty container may have no memory at all
  std::memset(memory, 0, size);
  __asm__ __volatile__("" : : "r"(memory) : "memory");
}

/// Equal, in time that depends on the length only.
inline bool constant_time_equal(ByteView a, ByteView b) noexcept {
  if (a.size() != b.size()) return false;
  u8 difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<u8>(a[i] ^ b[i]);
  return difference == 0;
}

/// N secret bytes. Copy only by `clone()`, so that every copy is deliberate.
template <size_t N>
class SecretBytes {
 public:
  SecretBytes() = default;
  /// Precondition: `bytes.size() == N`. The caller still owns (and wipes) the source.
  explicit SecretBytes(ByteView bytes) { std::memcpy(bytes_.data(), bytes.data(), std::min(N, bytes.size())); }
  SecretBytes(SecretBytes&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_.data(), N); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_.data(), N);
    }
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { wipe(bytes_.data(), N); }

  SecretBytes clone() const { return SecretBytes(expose()); }
  ByteView expose() const { return {bytes_.data(), N}; }
  u8* data() { return bytes_.data(); }
  static constexpr size_t size() { return N; }
  bool operator==(const SecretBytes& other) const { return constant_time_equal(expose(), other.expose()); }

 private:
  std::array<u8, N> bytes_{};
};

}  // namespace phala

#pragma once
// Why: an update makes small things by the thousand and drops them all at its end; asking the heap for each costs more than the hashes.
// Internal to lib/trie.

#include <array>
#include <cstddef>
#include <memory_resource>
#include <type_traits>

#include "base/bytes.hpp"

namespace phala::trie {

/// Memory that is given back all at once. What lies in it is never destroyed.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  /// `n` values side by side, each as `T{}`.
  template <class T>
  T* make(size_t n = 1) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (memory_.allocate(n * sizeof(T), alignof(T))) T[n]{};
  }
  /// Not initialised.
  std::span<u8> bytes(size_t n) { return {static_cast<u8*>(memory_.allocate(n, 1)), n}; }
  /// A copy.
  ByteView keep(ByteView others) {
    const auto out = bytes(others.size());
    std::ranges::copy(others, out.begin());
    return out;
  }

 private:
  std::array<std::byte, 8192> first_;   // enough for the path of one key
  std::pmr::monotonic_buffer_resource memory_{first_.data(), first_.size()};
};

}  // namespace phala::trie

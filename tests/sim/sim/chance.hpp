#pragma once
// The one source of chance in a run.

#include "base/bytes.hpp"

namespace phala::sim {

class Chance {
 public:
  explicit Chance(u64 seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  u64 next() {   // splitmix64: a counter that is mixed; equal on every machine
    u64 z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  u64 below(u64 n) { return n == 0 ? 0 : next() % n; }
  bool one_in_thousand(u32 times) { return below(1000) < times; }
  void fill(u8* to, size_t n) {
    for (size_t i = 0; i < n; ++i) to[i] = static_cast<u8>(next());
  }
  Bytes bytes(size_t n) {
    Bytes out(n);
    fill(out.data(), n);
    return out;
  }

 private:
  u64 state_;
};

}  // namespace phala::sim

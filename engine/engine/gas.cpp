#include "engine/gas.hpp"

namespace phala::engine {

namespace {
unsigned bits(u128 value) {
  unsigned n = 0;
  for (; value != 0; value >>= 1) ++n;
  return n;
}
}  // namespace

u128 mask_low_bits(u128 value, unsigned min_bits, unsigned max_bits) {
  const unsigned have = bits(value);
  const unsigned p = std::clamp(have > 9 ? have - 9 : 0u, min_bits, std::max(min_bits, max_bits));
  return value | ((u128{1} << p) - 1);
}

u128 mask_deposit(u128 value, u128 deposit_per_byte) {
  if (deposit_per_byte == 0) return mask_low_bits(value, 0, 127);
  const u128 block = deposit_per_byte > (~u128{0} >> 8) ? ~u128{0} : deposit_per_byte * 256 - 1;
  return mask_low_bits(value, std::min(bits(block), 127u), 127);
}

}  // namespace phala::engine

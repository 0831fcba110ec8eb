#include "randomness/randomness.hpp"

namespace phala::pallets {

PALLET_OPS(RandomnessCollectiveFlip);

Weight RandomnessCollectiveFlip::on_initialize(BlockNumber n) {
  auto material = random_material.get();
  const Hash parent = system_.parent_hash.get();
  if (material.size() < length) material.push_back(parent);
  else material[(n - 1) % length] = parent;
  random_material.put(material);
  return weigh(10 * microseconds, 1, 1);
}

std::pair<Hash, BlockNumber> RandomnessCollectiveFlip::random(ByteView subject) const {
  const BlockNumber n = system_.number.get();
  const BlockNumber known_until = n > length ? n - length : 0;
  const auto material = random_material.get();
  if (material.empty()) return {Hash{}, known_until};
  // from the oldest on; while there are fewer, they come again
  std::vector<Hash> mixed;
  for (u32 i = 0; i < length; ++i) mixed.push_back(crypto::blake2_256(scale::encode(static_cast<u8>(i), to_bytes(subject), material[((n - 1) % length + i) % material.size()])));
  // Each bit is a majority of three, these of three again, until one is left: a single hash rarely decides one.
  for (; mixed.size() > 1; mixed.resize(mixed.size() / 3)) {
    for (size_t i = 0; i < mixed.size() / 3; ++i) {
      const Hash a = mixed[3 * i], b = mixed[3 * i + 1], c = mixed[3 * i + 2];
      for (size_t k = 0; k < Hash::bytes; ++k) mixed[i][k] = static_cast<u8>((a[k] & b[k]) | (b[k] & c[k]) | (a[k] & c[k]));
    }
  }
  return {mixed[0], known_until};
}

}  // namespace phala::pallets

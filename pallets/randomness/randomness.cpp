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
  Hash mixed;
  u8 i = 0;
  for (const Hash& hash : random_material.get()) {
    const Hash part = crypto::blake2_256(scale::encode(i++, to_bytes(subject), hash));
    for (size_t k = 0; k < mixed.size(); ++k) mixed[k] ^= part[k];
  }
  const BlockNumber n = system_.number.get();
  return {mixed, n > length ? n - length : 0};
}

}  // namespace phala::pallets

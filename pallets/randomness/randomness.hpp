#pragma once
// Why: a low-influence source of randomness for pallets, from the hashes of the last 81 blocks. Whoever makes blocks can bias it; do not
// decide anything of value with it.

#include "system/system.hpp"

namespace phala::pallets {

class RandomnessCollectiveFlip : public Pallet<RandomnessCollectiveFlip, "RandomnessCollectiveFlip", 27> {
 public:
  static constexpr std::string_view crate = "pallet_insecure_randomness_collective_flip";
  static constexpr u32 length = 81;   ///< a power of three, because they are mixed by threes
  RandomnessCollectiveFlip(State& s, System& system) : Pallet(s), system_(system) {}

  Value<"RandomMaterial", std::vector<Hash>> random_material{state()};
  PALLET_STORAGE(random_material)
  PALLET_DECLARE_OPS

  /// Notes the parent's hash.
  Weight on_initialize(BlockNumber n);
  /// A number for `subject` and the block up to which it could be foreseen.
  std::pair<Hash, BlockNumber> random(ByteView subject) const;

 private:
  System& system_;
};

}  // namespace phala::pallets

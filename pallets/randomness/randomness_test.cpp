#include "randomness/randomness.hpp"

#include "frame/testing.hpp"

namespace phala::pallets {
namespace {

class RandomnessTest : public testing::PalletTest {
 protected:
  /// Blocks 1 to n, whose parents' hashes are 32 times the low byte of their number.
  void blocks(BlockNumber n) {
    p.randomness.random_material.kill();
    for (BlockNumber i = 1; i <= n; ++i) {
      p.system.number.put(i);
      p.system.parent_hash.put(Hash(Bytes(32, static_cast<u8>(i))));
      p.randomness.on_initialize(i);
    }
  }
};

// Computed apart from this code: hashes of (index, subject, block hash) from the oldest block on, mixed by majorities of three.
TEST_F(RandomnessTest, numbers_are_those_of_the_reference) {
  EXPECT_EQ(p.randomness.random(as_bytes("subject")).first, Hash{});
  blocks(5);
  EXPECT_EQ(to_hex(p.randomness.random(as_bytes("subject")).first), "28c42b466cac5bdd1baa1eb80fc5d726da20c8673f7c8bf4ab39da6f71429fd9");
  EXPECT_EQ(p.randomness.random(as_bytes("subject")).second, 0u);
  blocks(100);
  EXPECT_EQ(to_hex(p.randomness.random(as_bytes("subject")).first), "a7e87ff60f442c5f8643942030494e7b5ab0740bc4a460f37f5e4d0633eb5bc1");
  EXPECT_EQ(p.randomness.random(as_bytes("subject")).second, 19u);
  EXPECT_NE(p.randomness.random(as_bytes("other")).first, p.randomness.random(as_bytes("subject")).first);
}

}  // namespace
}  // namespace phala::pallets

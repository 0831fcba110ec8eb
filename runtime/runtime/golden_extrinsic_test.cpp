#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "runtime/test_chain.hpp"

namespace phala::runtime {
namespace {

/// Values of one key of tests/golden/metadata/extrinsics.json, in order.
std::vector<Bytes> golden(const std::string& key) {
  std::stringstream text;
  text << std::ifstream(PHALA_SOURCE_DIR "/tests/golden/metadata/extrinsics.json").rdbuf();
  const std::string json = text.str(), start = "\"" + key + "\": \"";
  std::vector<Bytes> out;
  for (size_t at = json.find(start); at != json.npos; at = json.find(start, at + 1)) {
    const size_t from = at + start.size();
    out.push_back(*from_hex(json.substr(from, json.find('"', from) - from)));
  }
  return out;
}

/// The chain that make_extrinsics.mjs signs for: genesis 0x11…11, block 5 0x55…55, block 6 in progress.
class GoldenExtrinsicTest : public ::testing::Test {
 protected:
  GoldenExtrinsicTest() {
    state.apply(build_genesis(testing::test_spec()).state);
    Pallets p(state);
    p.system.block_hash.put(0, Hash(Bytes(32, 0x11)));
    p.system.begin_block(6, Hash(Bytes(32, 0x55)));
    // signers of other schemes than the development accounts'
    for (const auto scheme : {crypto::Scheme::ed25519, crypto::Scheme::ecdsa})
      for (const auto* name : {"//Bob", "//Charlie"})
        static_cast<void>(p.balances.endow(testing::pair_of(name, scheme).account(), Balances::pha * 100).has_value());
    state.apply(p.state().diff());
  }
  MapState state;
};

TEST_F(GoldenExtrinsicTest, what_the_published_client_signs_is_accepted) {
  const auto extrinsics = golden("extrinsic"), signers = golden("signer");
  ASSERT_EQ(extrinsics.size(), 4u);
  Pallets p(state);
  for (size_t i = 0; i < extrinsics.size(); ++i) {
    const auto x = check_extrinsic(p, extrinsics[i]);
    ASSERT_TRUE(x.has_value()) << i << ": " << to_string(x.error());
    if (signers[i].size() == 32) EXPECT_EQ(to_hex(*x->signer), to_hex(signers[i]));
    const auto applied = apply_signed(p, static_cast<u32>(i), *x);
    EXPECT_TRUE(applied.has_value()) << i << ": " << to_string(applied.error());
  }
  EXPECT_EQ(p.registry.pruntime_allow_list.get().size(), 1u);
  EXPECT_EQ(p.balances.free_balance(testing::pair_of("//Dave").account()), 2 * Balances::pha);
  EXPECT_EQ(as_text(p.system.events.get().encoded).find(as_text(Bytes{1, 1, 3})), std::string_view::npos);   // no ExtrinsicFailed(Module)
}

TEST_F(GoldenExtrinsicTest, every_flipped_byte_is_refused) {
  const auto original = golden("extrinsic")[0];
  Pallets p(state);
  for (size_t i = 0; i < original.size(); ++i) {
    Bytes changed = original;
    changed[i] ^= 0x01;
    EXPECT_FALSE(check_extrinsic(p, changed).has_value()) << "byte " << i;
  }
}

}  // namespace
}  // namespace phala::runtime

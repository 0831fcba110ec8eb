#include "runtime/chain_spec.hpp"

#include <gtest/gtest.h>

#include "runtime/test_chain.hpp"

namespace phala::runtime {
namespace {

ChainSpec dev() {
  AttestationPolicy policy;
  policy.root_certificates = {{1, 2, 3}};
  policy.allowed_measurements = {Bytes(68, 4)};
  return *development_spec(PublicKey(Bytes(32, 9)), policy, {0, 1, 2});
}

TEST(ChainSpecTest, json_round_trips) {
  const auto spec = dev();
  EXPECT_TRUE(*chain_spec_from_json(to_json(spec)) == spec);
  EXPECT_NE(to_json(spec).find("\"tokenSymbol\": \"PHA\""), std::string::npos);
}

TEST(ChainSpecTest, errors_name_the_field) {
  const std::string json = to_json(dev());
  const auto broken = [&](const std::string& from, const std::string& to) {
    std::string text = json;
    text.replace(text.find(from), from.size(), to);
    return chain_spec_from_json(text).error().text();
  };
  EXPECT_NE(broken("\"blockMs\"", "\"x\"").find("consensus.blockMs is missing"), std::string::npos);
  EXPECT_NE(broken("3000", "0").find("consensus.blockMs must not be 0"), std::string::npos);
  EXPECT_NE(broken("\"10000000000000000000\"", "\"1\"").find("genesis.endowed has an amount below"), std::string::npos);
  EXPECT_NE(broken("\"0x010203\"", "\"0x0\"").find("genesis.attestation.rootCertificates"), std::string::npos);
  EXPECT_NE(chain_spec_from_json("[").error().text().find("not a JSON object"), std::string::npos);
}

TEST(ChainSpecTest, genesis_endows_and_starts_the_log) {
  const auto genesis = build_genesis(dev());
  MapState state;
  state.apply(genesis.state);
  Pallets p(state);
  const auto alice = testing::pair_of("//Alice").account();
  EXPECT_EQ(p.balances.free_balance(alice), 10'000'000 * Balances::pha);
  EXPECT_EQ(p.system.account.get(alice).providers, 1u);
  EXPECT_EQ(p.balances.total_issuance.get(), 12 * 10'000'000 * Balances::pha + 2 * Balances::existential_deposit);   // the treasury's and the pot's of stakes
  EXPECT_EQ(*p.sudo.key.get(), alice);
  EXPECT_TRUE(message_log_of(genesis.header)->root == Hash{});
  EXPECT_EQ(genesis.header.number.value, 0u);
  EXPECT_EQ(genesis.header.parent_hash, Hash{});
}

TEST(ChainSpecTest, genesis_commits_to_who_finalizes) {
  auto spec = dev();
  const auto genesis = build_genesis(spec);
  const auto trust = trust_root(genesis);
  EXPECT_EQ(trust.genesis_hash, genesis.header.hash());
  EXPECT_EQ(trust.finalizer, light::Finalizer(light::TrustedSealer{spec.sealer}));
  EXPECT_EQ(trust_root(build_genesis(*chain_spec_from_json(to_json(spec)))), trust);
  spec.sealer[7] ^= 1;
  EXPECT_NE(trust_root(build_genesis(spec)).genesis_hash, trust.genesis_hash);
  EXPECT_NE(trust_root(build_genesis(spec)).finalizer, trust.finalizer);
  // and the state root is of the whole state
  spec = dev();
  spec.block_ms += 1;   // not a matter of trust: a worker takes the time from the blocks
  EXPECT_EQ(trust_root(build_genesis(spec)), trust);
  spec.attestation.verify_measurement = false;
  EXPECT_NE(trust_root(build_genesis(spec)).genesis_hash, trust.genesis_hash);
}

}  // namespace
}  // namespace phala::runtime

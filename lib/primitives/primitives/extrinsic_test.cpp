#include "primitives/extrinsic.hpp"

#include <gtest/gtest.h>

#include "crypto/account.hpp"
#include "crypto/hash.hpp"

namespace phala {
namespace {

TEST(EraTest, encodes_as_wallets_do) {
  // 64 blocks from block 42 is the pair of bytes every Substrate document shows: 0xa502
  EXPECT_EQ(to_hex(scale::encode(Era::mortal(64, 42))), "a502");
  EXPECT_EQ(to_hex(scale::encode(Era{})), "00");
  for (const u32 period : {4u, 64u, 4096u, 8192u, 65536u})
    for (const u32 now : {0u, 1u, 41u, 65535u, 1'000'000u}) {
      const Era era = Era::mortal(period, now);
      EXPECT_TRUE(*scale::decode<Era>(scale::encode(era)) == era);
      EXPECT_LE(era.birth(now), now);
      EXPECT_GT(era.death(now), now);
      EXPECT_EQ(era.birth(era.death(now) - 1), era.birth(now));
    }
}

TEST(EraTest, an_impossible_phase_is_refused) {
  EXPECT_FALSE(scale::decode<Era>(Bytes{0x01, 0xff}).has_value());   // period 4, phase 4080
  EXPECT_FALSE(scale::decode<Era>(Bytes{0x10, 0x00}).has_value());   // period 2
  EXPECT_EQ(Era::mortal(64, ~0u).death(~0u), ~0u);
}

TEST(ExtrinsicTest, taken_apart_it_is_what_was_put_together) {
  const Bytes call{1, 0, 4, 42};
  const ExtrinsicSignature who{AccountId(Bytes(32, 7)), signature::Sr25519{crypto::Signature(Bytes(64, 9))}, {Era::mortal(64, 42), {5}, {u128{1} << 70}}};
  const Bytes whole = encode_extrinsic(who, call);
  const auto parts = split_extrinsic(whole);
  ASSERT_TRUE(parts.has_value());
  EXPECT_TRUE(*parts->signature == who);
  EXPECT_EQ(to_bytes(parts->call), call);
  EXPECT_FALSE(split_extrinsic(concat(whole, Bytes{0})).has_value());
  EXPECT_FALSE(split_extrinsic(ByteView(whole).first(whole.size() - 1)).has_value());
  EXPECT_FALSE(split_extrinsic(encode_extrinsic({}, call))->signature.has_value());
  EXPECT_FALSE(split_extrinsic(Bytes{4, 5}).has_value());   // version 5
}

TEST(ExtrinsicTest, long_payloads_are_signed_by_their_hash) {
  EXPECT_EQ(signing_payload(Bytes(300, 1), {}, {}).size(), 32u);
  EXPECT_EQ(signing_payload(Bytes(3, 1), {}, {}).size(), 3u + 3 + 72);
}

TEST(MultiSignatureTest, each_scheme_verifies_its_own_and_nothing_else) {
  const Bytes message{1, 2, 3};
  for (const auto scheme : {crypto::Scheme::ed25519, crypto::Scheme::sr25519, crypto::Scheme::ecdsa}) {
    const auto pair = *crypto::KeyPair::from_uri("//Alice", scheme);
    const Bytes raw = pair.sign(message);
    MultiSignature signature;
    if (scheme == crypto::Scheme::ed25519) signature = signature::Ed25519{crypto::Signature(raw)};
    if (scheme == crypto::Scheme::sr25519) signature = signature::Sr25519{crypto::Signature(raw)};
    if (scheme == crypto::Scheme::ecdsa) signature = signature::Ecdsa{crypto::EcdsaSignature(raw)};
    EXPECT_TRUE(signature.verify(message, pair.account())) << crypto::to_string(scheme);
    EXPECT_FALSE(signature.verify(Bytes{1, 2, 4}, pair.account()));
    EXPECT_FALSE(signature.verify(message, AccountId{}));
  }
}

}  // namespace
}  // namespace phala

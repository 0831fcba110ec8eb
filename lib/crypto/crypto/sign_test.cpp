#include "crypto/sign.hpp"

#include <gtest/gtest.h>

#include "crypto/account.hpp"
#include "crypto/cipher.hpp"
#include "crypto/hash.hpp"

namespace phala::crypto {
namespace {

template <class T>
T fixed(std::string_view hex) {
  return T(*from_hex(hex));
}
Seed seed_of(u8 byte) { return Seed(Bytes(32, byte)); }
Sr25519Pair sr25519_of(u8 byte) { return Sr25519Pair::from_seed(seed_of(byte)); }

const auto message = as_bytes("a message of the chain");
const auto alice = fixed<PublicKey>("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d");

// ---- sr25519 ----

TEST(Sr25519Test, keys_and_agreement_of_the_client_protocol) {
  const auto one = sr25519_of(1), two = sr25519_of(2);
  EXPECT_EQ(to_hex(one.public_key()), "189dac29296d31814dc8c56cf3d36a0543372bba7538fa322a4aebfebc39e056");
  EXPECT_EQ(to_hex(two.public_key()), "1a4fee48c1ba1a48e8cd43782a8485d635aa91cfb82cbb477f0c1c576bc4031c");
  const auto shared = one.agree(two.public_key());
  ASSERT_TRUE(shared);
  EXPECT_EQ(to_hex(shared->expose()), "4a726b30c0f47cadcfbd86e9c2607e3cb6f73b920308d824be210b0d11f9c452");
  EXPECT_TRUE(*two.agree(one.public_key()) == *shared);
  EXPECT_EQ(to_hex(aes256gcm_seal(*shared, Iv(Bytes(12, 7)), *from_hex("00010203"))), "8eed1fc095186a171eae32afe6c685740af3b59a");
}

// Signing multiplies the base point by tables and plain arithmetic; checking and agreeing use whatever vector instructions this processor has. For
// many keys and messages the one must find what the other made, and two different products that are the same point must come out the same.
TEST(CurveTest, arithmetic_with_vectors_agrees_with_arithmetic_without) {
  for (u32 n = 0; n < 1'000; ++n) {
    const Hash seed = blake2_256(concat(message, Bytes{static_cast<u8>(n), static_cast<u8>(n >> 8)}));
    const Hash other_seed = blake2_256(seed);
    const auto one = Sr25519Pair::from_seed(Seed(seed)), two = Sr25519Pair::from_seed(Seed(other_seed));
    const auto ours = one.agree(two.public_key()), theirs = two.agree(one.public_key());
    ASSERT_TRUE(ours && theirs);
    ASSERT_TRUE(*ours == *theirs) << n;
    Signature signature = one.sign(other_seed);
    ASSERT_TRUE(sr25519_verify(signature, other_seed, one.public_key())) << n;
    signature[n % 63] ^= static_cast<u8>(1 + n % 255);
    ASSERT_FALSE(sr25519_verify(signature, other_seed, one.public_key())) << n;

    const auto edwards = Ed25519Pair::from_seed(Seed(seed));
    signature = edwards.sign(other_seed);
    ASSERT_TRUE(ed25519_verify(signature, other_seed, edwards.public_key)) << n;
    signature[n % 64] ^= 1;
    ASSERT_FALSE(ed25519_verify(signature, other_seed, edwards.public_key)) << n;
  }
}

TEST(Sr25519Test, agreement_refuses_what_is_no_key) {
  EXPECT_FALSE(sr25519_of(1).agree(PublicKey(Bytes(32, 0xff))));
  EXPECT_FALSE(sr25519_of(1).agree(PublicKey())) << "the neutral point";
}

TEST(Sr25519Test, secret_round_trips_and_is_the_scalar_not_its_multiple) {
  const auto pair = sr25519_of(1);
  const auto again = Sr25519Pair::from_secret(pair.secret());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->public_key(), pair.public_key());
  EXPECT_EQ(again->sign(message), pair.sign(message));
}

TEST(Sr25519Test, secrets_that_are_no_scalars_are_refused) {
  EXPECT_FALSE(Sr25519Pair::from_secret(SecretBytes<64>(Bytes(64, 0xff))));
  EXPECT_FALSE(Sr25519Pair::from_secret(SecretBytes<64>()));
  // The group order itself, and one less.
  Bytes order = *from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  order.resize(64);
  EXPECT_FALSE(Sr25519Pair::from_secret(SecretBytes<64>(order)));
  order[0] -= 1;
  EXPECT_TRUE(Sr25519Pair::from_secret(SecretBytes<64>(order)));
}

TEST(Sr25519Test, signing_is_deterministic_and_bound_to_message_and_key) {
  const auto pair = sr25519_of(3);
  const auto signature = pair.sign(message);
  EXPECT_EQ(pair.sign(message), signature);
  EXPECT_TRUE(sr25519_verify(signature, message, pair.public_key()));
  EXPECT_FALSE(sr25519_verify(signature, as_bytes("a message of the chaim"), pair.public_key()));
  EXPECT_FALSE(sr25519_verify(signature, message, sr25519_of(4).public_key()));
  const auto other = pair.sign(as_bytes("another"));
  EXPECT_FALSE(same_bytes(ByteView(other).first(32), ByteView(signature).first(32))) << "a nonce used twice gives the key away";
  EXPECT_TRUE(sr25519_verify(pair.sign({}), {}, pair.public_key()));
}

// Made by @polkadot/util-crypto 12.6.2 with the key //Alice.
const auto alices_signature = fixed<Signature>(
    "cc124b62092b3d1b06160329981ccc9b2f2d34e9ab5be854749fff6399b0354d023a37142f24467b42d029504bd3648dcdd41b04ffcd38e5593bcd35f81f848b");

TEST(Sr25519Test, signatures_of_wallets_verify) {
  EXPECT_TRUE(sr25519_verify(alices_signature, message, alice));
  EXPECT_TRUE(sr25519_verify(
      fixed<Signature>("aeffe2e91ee0aa66492ef9e1a56792d64df0b395eee6d0f1d62525c1c6ed744e8954b4f9cf16edca44250bfc9b7614fd8ef615a4980d44da656b547a02266582"),
      {}, alice));
}

TEST(Sr25519Test, every_altered_bit_of_a_signature_is_refused) {
  for (size_t bit = 0; bit < 512; ++bit) {
    Signature altered = alices_signature;
    altered[bit / 8] ^= static_cast<u8>(1 << (bit % 8));
    ASSERT_FALSE(sr25519_verify(altered, message, alice)) << bit;
  }
  EXPECT_FALSE(sr25519_verify(Signature(), message, alice));
  EXPECT_FALSE(sr25519_verify(alices_signature, message, PublicKey(Bytes(32, 0xff))));
}

TEST(Sr25519Test, kdf_keys_differ_by_info_which_is_concatenated) {
  const auto pair = sr25519_of(1);
  const auto key = pair.derive_kdf({as_bytes("cluster_key"), Bytes(32, 9)});
  EXPECT_EQ(key.public_key(), pair.derive_kdf({as_bytes("cluster_"), as_bytes("key"), Bytes(32, 9)}).public_key());
  EXPECT_NE(key.public_key(), pair.derive_kdf({as_bytes("cluster_key"), Bytes(32, 8)}).public_key());
  EXPECT_NE(key.public_key(), sr25519_of(2).derive_kdf({as_bytes("cluster_key"), Bytes(32, 9)}).public_key());
}

struct Batch {
  std::vector<Bytes> messages;
  std::vector<SignedItem> items;
  explicit Batch(size_t size) {
    for (size_t i = 0; i < size; ++i) messages.push_back(Bytes(i, static_cast<u8>(i)));
    for (size_t i = 0; i < size; ++i) {
      const auto pair = sr25519_of(static_cast<u8>(1 + i % 7));
      items.push_back({pair.sign(messages[i]), messages[i], pair.public_key()});
    }
  }
};

TEST(Sr25519Test, batch_of_good_items_passes) {
  for (const size_t size : {0, 1, 2, 64, 300}) EXPECT_TRUE(sr25519_verify_batch(Batch(size).items)) << size;
}

TEST(Sr25519Test, batch_with_one_bad_item_fails) {
  for (size_t bad = 0; bad < 33; ++bad) {
    Batch altered_signature(33), altered_key(33), altered_message(33), no_point(33);
    altered_signature.items[bad].signature[40] ^= 1;
    altered_key.items[bad].key = sr25519_of(99).public_key();
    altered_message.items[bad].message = as_bytes("x");
    no_point.items[bad].key = PublicKey(Bytes(32, 0xff));
    EXPECT_FALSE(sr25519_verify_batch(altered_signature.items)) << bad;
    EXPECT_FALSE(sr25519_verify_batch(altered_key.items)) << bad;
    EXPECT_FALSE(sr25519_verify_batch(altered_message.items)) << bad;
    EXPECT_FALSE(sr25519_verify_batch(no_point.items)) << bad;
  }
}

TEST(Sr25519Test, errors_that_would_cancel_out_do_not_pass_a_batch) {
  // The same message and key twice: with equal weights, s + 1 and s - 1 would sum to the right value.
  const auto pair = sr25519_of(5);
  Signature more = pair.sign(message), less = more;
  more[32] += 1;
  less[32] -= 1;
  ASSERT_NE(more[32], 0);
  ASSERT_NE(less[32], 255);
  const SignedItem items[] = {{more, message, pair.public_key()}, {less, message, pair.public_key()}};
  EXPECT_FALSE(sr25519_verify_batch(items));
}

// ---- ed25519 ----

// RFC 8032, section 7.1, test 3.
TEST(Ed25519Test, signs_as_rfc_8032) {
  const auto pair = Ed25519Pair::from_seed(Seed(*from_hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")));
  EXPECT_EQ(to_hex(pair.public_key), "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
  const Bytes text = *from_hex("af82");
  const auto signature = pair.sign(text);
  EXPECT_EQ(to_hex(signature),
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
  EXPECT_TRUE(ed25519_verify(signature, text, pair.public_key));
  EXPECT_FALSE(ed25519_verify(signature, message, pair.public_key));
}

TEST(Ed25519Test, zip_215_accepts_small_order_and_non_canonical_points) {
  // The neutral point, canonical and as y = p + 1. With s = 0 and R of small order the cofactored equation holds for any message.
  const auto neutral = fixed<PublicKey>("0100000000000000000000000000000000000000000000000000000000000000");
  const auto non_canonical = fixed<PublicKey>("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
  const Bytes zero_s(32);
  for (const auto& key : {neutral, non_canonical})
    for (const auto& r : {neutral, non_canonical}) EXPECT_TRUE(ed25519_verify(Signature(concat(r, zero_s)), message, key));
}

TEST(Ed25519Test, s_must_be_below_the_group_order) {
  const auto neutral = fixed<PublicKey>("0100000000000000000000000000000000000000000000000000000000000000");
  const auto order = *from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  EXPECT_FALSE(ed25519_verify(Signature(concat(neutral, order)), message, neutral));
  const auto pair = Ed25519Pair::from_seed(seed_of(1));
  auto signature = pair.sign(message);
  unsigned carry = 0;
  for (size_t i = 0; i < 32; ++i) {  // s + order: the same number to the curve
    carry += signature[32 + i] + order[i];
    signature[32 + i] = static_cast<u8>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(ed25519_verify(signature, message, pair.public_key));
}

TEST(Ed25519Test, a_key_that_is_no_point_verifies_nothing) {
  EXPECT_FALSE(ed25519_verify(Signature(), message, fixed<PublicKey>("0200000000000000000000000000000000000000000000000000000000000000")));
}

// ---- ecdsa ----

EcdsaPair ecdsa_alice() {
  const auto pair = KeyPair::from_uri("//Alice", Scheme::ecdsa);
  return *EcdsaPair::from_seed(*pair->seed());
}

// Made by @polkadot/util-crypto 12.6.2 with the key //Alice; both sides use RFC 6979 nonces.
TEST(EcdsaTest, signatures_equal_those_of_wallets) {
  EXPECT_EQ(to_hex(ecdsa_alice().sign_prehashed(blake2_256(message))),
            "9233a99bf8c15aa3a43081b104900b93c9a15b1cac1d5c119c8961034765a1227566cc568dd9e7fe1fb1be32aab00f9ea322a9fed7af912ae5e01e021fb153ba00");
  EXPECT_EQ(to_hex(ecdsa_alice().sign_prehashed(keccak_256(message))),
            "6fb1d2d37cdc609bc9dc636ef7081f1c127d1f85b3eaadacc61ac3eb935d8e802c6c9230f34956e91518045fa2ea0c4b81d6ad9d857fc6d0f2cca951d21d413e01");
}

TEST(EcdsaTest, recovers_the_signer_under_both_numberings) {
  const auto pair = ecdsa_alice();
  for (const Hash& digest : {blake2_256(message), keccak_256(message)}) {
    auto signature = pair.sign_prehashed(digest);
    EXPECT_EQ(ecdsa_recover(signature, digest), pair.public_key);
    EXPECT_TRUE(ecdsa_verify_prehashed(signature, digest, pair.public_key));
    signature[64] += 27;
    EXPECT_EQ(ecdsa_recover(signature, digest), pair.public_key);
    signature[64] = signature[64] == 27 ? 1 : 0;
    EXPECT_FALSE(ecdsa_verify_prehashed(signature, digest, pair.public_key)) << "the other recovery id is another key";
  }
}

TEST(EcdsaTest, zeros_and_wrong_recovery_ids_are_refused) {
  const auto digest = blake2_256(message);
  const auto good = ecdsa_alice().sign_prehashed(digest);
  EXPECT_FALSE(ecdsa_recover(EcdsaSignature(), digest));
  auto zero_r = good, zero_s = good;
  std::fill_n(zero_r.begin(), 32, 0);
  std::fill_n(zero_s.begin() + 32, 32, 0);
  EXPECT_FALSE(ecdsa_recover(zero_r, digest));
  EXPECT_FALSE(ecdsa_recover(zero_s, digest));
  for (unsigned id = 2; id < 256; ++id) {
    if (id == 27 || id == 28) continue;
    auto wrong = good;
    wrong[64] = static_cast<u8>(id);
    EXPECT_NE(ecdsa_recover(wrong, digest), ecdsa_alice().public_key) << id;
    if (id > 3) EXPECT_FALSE(ecdsa_recover(wrong, digest)) << id;
  }
}

TEST(EcdsaTest, high_s_is_refused) {
  const auto digest = blake2_256(message);
  auto signature = ecdsa_alice().sign_prehashed(digest);
  const auto order = *from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
  int borrow = 0;
  for (size_t i = 32; i-- > 0;) {  // s := n - s with the other recovery id: the twin that textbook ECDSA accepts
    const int digit = order[i] - signature[32 + i] - borrow;
    borrow = digit < 0;
    signature[32 + i] = static_cast<u8>(digit);
  }
  signature[64] ^= 1;
  EXPECT_FALSE(ecdsa_recover(signature, digest));
}

TEST(EcdsaTest, values_beyond_the_group_order_are_refused) {
  const auto digest = blake2_256(message);
  auto signature = ecdsa_alice().sign_prehashed(digest);
  std::fill_n(signature.begin(), 32, 0xff);
  EXPECT_FALSE(ecdsa_recover(signature, digest));
}

TEST(EcdsaTest, seeds_out_of_range_are_refused) {
  EXPECT_FALSE(EcdsaPair::from_seed(Seed()));
  EXPECT_FALSE(EcdsaPair::from_seed(seed_of(0xff)));
}

TEST(EcdsaTest, uncompressed_point_of_alice) {
  EXPECT_EQ(to_hex(*ecdsa_uncompress(ecdsa_alice().public_key)),
            "0a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a12da8d65fae6d63a4abca410b7e50d50cd95d36001c28712fd2adf944adb03b12");
  EXPECT_FALSE(ecdsa_uncompress(EcdsaPublicKey()));
}

}  // namespace
}  // namespace phala::crypto

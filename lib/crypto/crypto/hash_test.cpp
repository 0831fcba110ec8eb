#include "crypto/hash.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace phala::crypto {
namespace {

const Bytes thousand = [] {
  Bytes out(1000);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<u8>(i % 251);
  return out;
}();

TEST(HashTest, blake2_of_rfc_7693) {
  EXPECT_EQ(to_hex(blake2_512(as_bytes("abc"))),
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

// Expected values: hashlib.blake2b of Python with digest_size 8, 16, 32 and 64.
TEST(HashTest, blake2_digest_length_is_a_parameter_not_a_truncation) {
  EXPECT_EQ(to_hex(blake2_64(as_bytes("abc"))), "d8bb14d833d59559");
  EXPECT_EQ(to_hex(blake2_128(as_bytes("abc"))), "cf4ab791c62b8d2b2109c90275287816");
  EXPECT_EQ(to_hex(blake2_256(as_bytes("abc"))), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST(HashTest, blake2_over_many_blocks) {
  EXPECT_EQ(to_hex(blake2_64(thousand)), "669ca836a838577f");
  EXPECT_EQ(to_hex(blake2_128(thousand)), "bca120dfd89cd95d82898473a5b01c90");
  EXPECT_EQ(to_hex(blake2_256(thousand)), "b372d0608f720c8c3dd41e9c8eecb10143b41abe520b616607e754bf79c08331");
  EXPECT_EQ(to_hex(blake2_512(thousand)),
            "c11e1c0340bd7e5a1b275f1230c962fad215ecb1391486e74e31b960a2f29963"
            "81a5fad092da06841d5f26e38f6ecfeaf441acbcd1c2de61aef121e7927175f5");
}

TEST(HashTest, many_at_once_equal_one_by_one) {
  std::vector<Bytes> messages;
  for (size_t i = 0; i < 150; ++i) messages.push_back(Bytes(i * 7 % 300, static_cast<u8>(i)));
  for (const size_t count : {0, 1, 3, 16, 17, 64, 65, 150}) {
    const std::vector<ByteView> views(messages.begin(), messages.begin() + count);
    std::vector<Hash> digests(count);
    blake2_256_many(views, digests);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(digests[i], blake2_256(messages[i])) << i << " of " << count;
  }
}

TEST(HashTest, nothing_at_all_is_hashed_too) {
  EXPECT_EQ(to_hex(blake2_256({})), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_EQ(to_hex(sha2_256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(keccak_256({})), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  EXPECT_EQ(load_le<u64>(twox_64({}).data()), 0xef46db3751d8e999u);
}

TEST(HashTest, sha2_of_fips_180) {
  EXPECT_EQ(to_hex(sha2_256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha2_256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(HashTest, sha2_in_another_thread) {
  Hash there;
  std::thread([&] { there = sha2_256(as_bytes("abc")); }).join();
  EXPECT_EQ(there, sha2_256(as_bytes("abc")));
}

TEST(HashTest, keccak_is_ethereums) {
  EXPECT_EQ(to_hex(keccak_256(as_bytes("abc"))), "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
  // The salt of the certificates that EVM wallets sign.
  EXPECT_EQ(to_hex(keccak_256(as_bytes("phala/phat-contract"))), "0ea813d1592526d672ea2576d7a07914cef2ca301b35c5eed941f7c897512a00");
}

TEST(HashTest, twox_of_storage_prefixes) {
  EXPECT_EQ(to_hex(twox_128(as_bytes("System"))), "26aa394eea5630e07c48ae0c9558cef7");
  EXPECT_EQ(to_hex(twox_128(as_bytes("Account"))), "b99d880ec681799c0cf30e8886371da9");
  EXPECT_EQ(to_hex(twox_128(as_bytes("Events"))), "80d41e5e16056765bc8461851072c9d7");
  EXPECT_EQ(to_hex(twox_64(as_bytes("System"))), "26aa394eea5630e0");
}

TEST(HashTest, twox_is_xxh64) {
  EXPECT_EQ(load_le<u64>(twox_64(as_bytes("a")).data()), 0xd24ec4f1a98c6e5bu);
  EXPECT_EQ(load_le<u64>(twox_64(as_bytes("abc")).data()), 0x44bc2cf5ad770999u);
}

}  // namespace
}  // namespace phala::crypto

#include "crypto/cipher.hpp"

#include <gtest/gtest.h>

namespace phala::crypto {
namespace {

Bytes hex(std::string_view text) { return *from_hex(text); }

// Test cases 13 to 16 of the GCM specification (McGrew, Viega), which NIST refers to.
TEST(CipherTest, gcm_of_nothing) {
  const Key32 key;
  const Iv iv;
  EXPECT_EQ(to_hex(aes256gcm_seal(key, iv, {})), "530f8afbc74536b9a963b4f1c4cb738b");
  EXPECT_EQ(*aes256gcm_open(key, iv, hex("530f8afbc74536b9a963b4f1c4cb738b")), Bytes{});
}

TEST(CipherTest, gcm_of_one_block) {
  const auto sealed = aes256gcm_seal(Key32(), Iv(), Bytes(16));
  EXPECT_EQ(to_hex(sealed), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

const Bytes case_16_plain = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
const Bytes case_16_associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
const Bytes case_16_sealed = hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                                 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                                 "76fc6ece0f4e1768cddf8853bb2d551b");
const Key32 case_16_key{hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")};
const Iv case_16_iv{hex("cafebabefacedbaddecaf888")};

TEST(CipherTest, gcm_with_associated_data) {
  EXPECT_EQ(aes256gcm_seal(case_16_key, case_16_iv, case_16_plain, case_16_associated), case_16_sealed);
  EXPECT_EQ(*aes256gcm_open(case_16_key, case_16_iv, case_16_sealed, case_16_associated), case_16_plain);
}

TEST(CipherTest, every_altered_bit_is_refused) {
  for (size_t bit = 0; bit < case_16_sealed.size() * 8; ++bit) {
    Bytes altered = case_16_sealed;
    altered[bit / 8] ^= static_cast<u8>(1 << (bit % 8));
    const auto opened = aes256gcm_open(case_16_key, case_16_iv, altered, case_16_associated);
    ASSERT_FALSE(opened) << "bit " << bit;
    ASSERT_EQ(opened.error().code, ErrorCode::refused);
  }
}

TEST(CipherTest, wrong_key_iv_associated_data_or_length_are_refused) {
  EXPECT_FALSE(aes256gcm_open(Key32(), case_16_iv, case_16_sealed, case_16_associated));
  EXPECT_FALSE(aes256gcm_open(case_16_key, Iv(), case_16_sealed, case_16_associated));
  EXPECT_FALSE(aes256gcm_open(case_16_key, case_16_iv, case_16_sealed));
  for (size_t size = 0; size < case_16_sealed.size(); ++size)
    EXPECT_FALSE(aes256gcm_open(case_16_key, case_16_iv, ByteView(case_16_sealed).first(size), case_16_associated)) << size;
}

TEST(CipherTest, a_megabyte_comes_back) {
  const Bytes plain(1 << 20, 0xa5);
  const auto sealed = aes256gcm_seal(case_16_key, case_16_iv, plain);
  EXPECT_EQ(sealed.size(), plain.size() + 16);
  EXPECT_EQ(*aes256gcm_open(case_16_key, case_16_iv, sealed), plain);
}

// RFC 5869, appendix A, first 32 bytes of the 42 and 82 bytes printed there: output blocks do not depend on the length asked for.
TEST(CipherTest, hkdf_of_rfc_5869) {
  const Key32 first = hkdf_sha256(hex("000102030405060708090a0b0c"), Bytes(22, 0x0b), hex("f0f1f2f3f4f5f6f7f8f9"));
  EXPECT_EQ(to_hex(first.expose()), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  Bytes secret(80), salt(80), info(80);
  for (size_t i = 0; i < 80; ++i) {
    secret[i] = static_cast<u8>(i);
    salt[i] = static_cast<u8>(0x60 + i);
    info[i] = static_cast<u8>(0xb0 + i);
  }
  EXPECT_EQ(to_hex(hkdf_sha256(salt, secret, info).expose()), "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c");
  const Key32 bare = hkdf_sha256({}, Bytes(22, 0x0b), {});
  EXPECT_EQ(to_hex(bare.expose()), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

}  // namespace
}  // namespace phala::crypto

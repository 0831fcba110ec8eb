#include "phala/crypto.hpp"

#include <gtest/gtest.h>

namespace phala::sdk::crypto {
namespace {

template <class T>
T fixed(const char* hex) {
  T out;
  const Bytes bytes = from_hex(hex).value();
  EXPECT_EQ(bytes.size(), out.size());
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

TEST(ContractCrypto, hmac_is_that_of_rfc_4231) {
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(20, 0x0b), as_bytes("Hi There"))), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(131, 0xaa), as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(ContractCrypto, sealing_is_that_of_rfc_8439) {
  const auto key = fixed<Key>("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const auto nonce = fixed<Nonce>("070000004041424344454647");
  const Bytes about = from_hex("50515253c0c1c2c3c4c5c6c7").value();
  const Bytes sealed = seal(key, nonce, as_bytes("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."), about);
  EXPECT_EQ(to_hex(ByteView(sealed).first(16)), "d31a8d34648e60db7b86afbc53ef7ec2");
  EXPECT_EQ(to_hex(ByteView(sealed).last(16)), "1ae10b594f09e26a7e902ecbd0600691");
  EXPECT_EQ(as_text(open(key, nonce, sealed, about).value()).substr(0, 6), "Ladies");
}

TEST(ContractCrypto, what_differs_does_not_open) {
  const Key key{1};
  const Nonce nonce{2};
  for (const size_t size : {0, 1, 15, 16, 64, 1000}) {
    const Bytes plain(size, 7), sealed = seal(key, nonce, plain, as_bytes("about"));
    EXPECT_EQ(open(key, nonce, sealed, as_bytes("about")), plain);
    EXPECT_FALSE(open(key, nonce, sealed, as_bytes("abouT")));
    EXPECT_FALSE(open(key, Nonce{3}, sealed, as_bytes("about")));
    EXPECT_FALSE(open(Key{3}, nonce, sealed, as_bytes("about")));
    EXPECT_FALSE(open(key, nonce, ByteView(sealed).first(sealed.size() - 1), as_bytes("about")));
    for (size_t i = 0; i < sealed.size(); i += 13) {
      Bytes changed = sealed;
      changed[i] ^= 1;
      EXPECT_FALSE(open(key, nonce, changed, as_bytes("about"))) << i;
    }
  }
}

}  // namespace
}  // namespace phala::sdk::crypto

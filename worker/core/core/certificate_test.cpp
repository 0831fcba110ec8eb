#include "core/certificate.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "crypto/account.hpp"
#include "crypto/hash.hpp"

namespace phala::worker {
namespace {

using crypto::KeyPair;
using crypto::Scheme;

Bytes body_of(const Bytes& pubkey, u32 ttl = 0x7fffffff) { return scale::encode(CertificateBody{pubkey, ttl, 0}); }
Bytes wrap(ByteView data) { return concat(as_bytes("<Bytes>"), data, as_bytes("</Bytes>")); }
const Bytes request = to_bytes("an encrypted request");
// one for all tests, as a worker has one for all askers: what one test got accepted must help nothing that another forges
KnownCertificates known;

/// A query key of its own, certified by a root of any kind.
struct Asker {
  crypto::Sr25519Pair ephemeral = crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 21)));
  SignatureChain chain;

  Asker(const Bytes& root_key, SignatureType type, const std::function<Bytes(ByteView)>& sign, u32 ttl = 0x7fffffff) {
    const Bytes body = body_of(to_bytes(ephemeral.public_key()), ttl);
    chain.push_back({body, SignatureType::sr25519, to_bytes(ephemeral.sign(request))});
    chain.push_back({body_of(root_key, ttl), type, sign(body)});
  }
};

KeyPair key(const char* uri, Scheme scheme) { return std::move(*KeyPair::from_uri(uri, scheme)); }
crypto::EcdsaPair evm() { return std::move(*crypto::EcdsaPair::from_seed(crypto::Seed(Bytes(32, 5)))); }

TEST(CertificateTest, every_wallet_kind_gives_its_account) {
  const std::pair<Scheme, std::pair<SignatureType, SignatureType>> kinds[] = {
      {Scheme::ed25519, {SignatureType::ed25519, SignatureType::ed25519_wrapped}},
      {Scheme::sr25519, {SignatureType::sr25519, SignatureType::sr25519_wrapped}},
      {Scheme::ecdsa, {SignatureType::ecdsa, SignatureType::ecdsa_wrapped}}};
  for (const auto& [scheme, types] : kinds) {
    const KeyPair alice = key("//Alice", scheme);
    const Asker raw(alice.public_key(), types.first, [&](ByteView b) { return alice.sign(b); });
    EXPECT_EQ(verify_chain(request, raw.chain, 7, known).value_or(AccountId{}), alice.account());
    const Asker injected(alice.public_key(), types.second, [&](ByteView b) { return alice.sign(wrap(b)); });
    EXPECT_EQ(verify_chain(request, injected.chain, 7, known).value_or(AccountId{}), alice.account());
    const Asker confused(alice.public_key(), types.first, [&](ByteView b) { return alice.sign(wrap(b)); });
    EXPECT_EQ(verify_chain(request, confused.chain, 7, known).error(), SignatureError::InvalidSignature);
  }
}

TEST(CertificateTest, evm_wallets_sign_typed_data_or_bytes) {
  const auto wallet = evm();
  const Bytes pubkey = to_bytes(wallet.public_key);
  const AccountId account = *evm_account(wallet.public_key);
  EXPECT_EQ(as_text(ByteView(account).subspan(20)), "@evm_address");
  const Asker typed(pubkey, SignatureType::eip712, [&](ByteView b) { return to_bytes(wallet.sign_prehashed(eip712_certificate_digest(b, 0x7fffffff))); });
  EXPECT_EQ(verify_chain(request, typed.chain, 7, known).value_or(AccountId{}), account);
  const Asker raw(pubkey, SignatureType::evm_ecdsa, [&](ByteView b) { return to_bytes(wallet.sign_prehashed(crypto::blake2_256(b))); });
  EXPECT_EQ(verify_chain(request, raw.chain, 7, known).value_or(AccountId{}), account);
  const Asker wrapped(pubkey, SignatureType::evm_ecdsa_wrapped, [&](ByteView b) { return to_bytes(wallet.sign_prehashed(crypto::blake2_256(wrap(b)))); });
  EXPECT_EQ(verify_chain(request, wrapped.chain, 7, known).value_or(AccountId{}), account);
  // without a chain the wallet signs the query itself, under another domain
  const SignatureChain direct{{body_of(pubkey), SignatureType::eip712, to_bytes(wallet.sign_prehashed(eip712_query_digest(request)))}};
  EXPECT_EQ(verify_chain(request, direct, 7, known).value_or(AccountId{}), account);
  // a certificate that names another time than was signed for
  const Asker other_ttl(pubkey, SignatureType::eip712, [&](ByteView b) { return to_bytes(wallet.sign_prehashed(eip712_certificate_digest(b, 5))); });
  EXPECT_EQ(verify_chain(request, other_ttl.chain, 7, known).error(), SignatureError::InvalidSignature);
}

TEST(CertificateTest, typed_data_digest_is_the_one_wallets_compute) {
  // docs/protocol.md §9.2
  EXPECT_EQ(to_hex(eip712_certificate_digest(body_of(Bytes(32, 6)), 0x7fffffff)), "1df9e8be329b716e332f1982abafb78e42f75f1f192ff2c9da9a53b3e3fe952a");
  EXPECT_EQ(to_hex(crypto::keccak_256(as_bytes("phala/phat-contract"))), "0ea813d1592526d672ea2576d7a07914cef2ca301b35c5eed941f7c897512a00");
}

TEST(CertificateTest, time_and_depth_are_limited) {
  const KeyPair alice = key("//Alice", Scheme::sr25519);
  const auto sign = [&](ByteView b) { return alice.sign(b); };
  const Asker short_lived(alice.public_key(), SignatureType::sr25519, sign, 10);
  EXPECT_TRUE(verify_chain(request, short_lived.chain, 10, known).has_value());
  EXPECT_EQ(verify_chain(request, short_lived.chain, 11, known).error(), SignatureError::CertificateExpired);
  auto deep = short_lived.chain;
  deep.push_back({body_of(alice.public_key()), SignatureType::sr25519, alice.sign(deep[1].encoded_body)});
  EXPECT_EQ(verify_chain(request, deep, 5, known).error(), SignatureError::TooLong);
  EXPECT_EQ(verify_chain(request, {}, 5, known).error(), SignatureError::CertificateMissing);
}

TEST(CertificateTest, no_altered_chain_passes) {
  const KeyPair alice = key("//Alice", Scheme::sr25519), bob = key("//Bob", Scheme::sr25519);
  const Asker honest(alice.public_key(), SignatureType::sr25519, [&](ByteView b) { return alice.sign(b); });
  EXPECT_FALSE(verify_chain(concat(request, Bytes{0}), honest.chain, 7, known).has_value());
  for (size_t step = 0; step < 2; ++step) {
    for (size_t at = 0; at < honest.chain[step].signature.size(); ++at) {
      auto changed = honest.chain;
      changed[step].signature[at] ^= 1;
      EXPECT_FALSE(verify_chain(request, changed, 7, known).has_value()) << step << " " << at;
    }
    for (size_t at = 0; at < honest.chain[step].encoded_body.size(); ++at) {
      auto changed = honest.chain;
      changed[step].encoded_body[at] ^= 1;
      const auto result = verify_chain(request, changed, 7, known);
      // bits of the root's own validity are nobody's signature; they cannot change who it is
      EXPECT_TRUE(!result || (step == 1 && *result == alice.account())) << step << " " << at;
    }
  }
  auto impostor = honest.chain;
  impostor[1].encoded_body = body_of(bob.public_key());
  EXPECT_EQ(verify_chain(request, impostor, 7, known).error(), SignatureError::InvalidSignature);
  // an ecdsa key that the body does not name
  const auto wallet = evm();
  const Asker recovered(Bytes(33, 2), SignatureType::evm_ecdsa, [&](ByteView b) { return to_bytes(wallet.sign_prehashed(crypto::blake2_256(b))); });
  EXPECT_EQ(verify_chain(request, recovered.chain, 7, known).error(), SignatureError::InvalidSignature);
}

TEST(CertificateTest, a_known_certificate_vouches_for_nothing_else) {
  KnownCertificates fresh;
  const KeyPair alice = key("//Alice", Scheme::sr25519), bob = key("//Bob", Scheme::sr25519);
  const Asker honest(alice.public_key(), SignatureType::sr25519, [&](ByteView b) { return alice.sign(b); }, 10);
  EXPECT_EQ(verify_chain(request, honest.chain, 7, fresh).value_or(AccountId{}), alice.account());
  EXPECT_EQ(verify_chain(request, honest.chain, 7, fresh).value_or(AccountId{}), alice.account());
  EXPECT_EQ(verify_chain(to_bytes("another request"), honest.chain, 7, fresh).error(), SignatureError::InvalidSignature);
  EXPECT_EQ(verify_chain(request, honest.chain, 11, fresh).error(), SignatureError::CertificateExpired);
  auto as_bob = honest.chain;
  as_bob[1].encoded_body = body_of(bob.public_key());
  EXPECT_EQ(verify_chain(request, as_bob, 7, fresh).error(), SignatureError::InvalidSignature);
  auto longer = honest.chain;
  longer[1].encoded_body = body_of(alice.public_key());   // the owner's own entry is signed by nobody, so it may say another end
  EXPECT_EQ(verify_chain(request, longer, 11, fresh).error(), SignatureError::CertificateExpired);
  auto other_type = honest.chain;
  other_type[1].type = SignatureType::sr25519_wrapped;
  EXPECT_EQ(verify_chain(request, other_type, 7, fresh).error(), SignatureError::InvalidSignature);
}

TEST(CertificateTest, known_ones_are_bounded) {
  KnownCertificates few(2);
  const auto nth = [](u8 n) { return Hash(Bytes(32, n)); };
  for (u8 n = 1; n <= 5; ++n) few.remember(nth(n), AccountId(Bytes(32, n)));
  EXPECT_FALSE(few.find(nth(1)));
  EXPECT_FALSE(few.find(nth(2)));
  for (u8 n = 3; n <= 5; ++n) EXPECT_EQ(few.find(nth(n)), AccountId(Bytes(32, n)));
}

}  // namespace
}  // namespace phala::worker

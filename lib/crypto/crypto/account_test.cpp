#include "crypto/account.hpp"

#include <gtest/gtest.h>

#include "crypto/hash.hpp"

namespace phala::crypto {
namespace {

const std::string phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
const auto alice = AccountId(*from_hex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"));

std::string public_of(std::string_view uri, Scheme scheme) {
  const auto pair = KeyPair::from_uri(uri, scheme);
  return pair ? to_hex(pair->public_key()) : pair.error().text();
}

// ---- SS58. Expected texts: @polkadot/util-crypto 12.6.2. ----

const std::pair<u16, std::string_view> addresses_of_alice[] = {
    {0, "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"},    {30, "45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2"},
    {42, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"},   {64, "cEaNSpz4PxFcZ7nT1VEKrKewH67rfx6MfcM6yKojyyPz7qaqp"},
    {1284, "VdvKmYJfD4VXA9fzz1SbmCo2eYHSzUFbaDCZSuaNKJAe8YNg6"}, {16383, "yNa8JpqfFB3q8A29rCwSgxvdU94ufJw2yKKxDgznS5m1PoFvn"}};

TEST(AccountTest, ss58_both_ways_for_all_kinds_of_prefix) {
  for (const auto& [prefix, text] : addresses_of_alice) {
    EXPECT_EQ(to_ss58(alice, prefix), text);
    EXPECT_EQ(*account_from_ss58(text), alice);
  }
  EXPECT_EQ(to_ss58(alice), "45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2");
}

TEST(AccountTest, every_single_typing_error_in_an_address_is_refused) {
  const std::string text = to_ss58(alice);
  size_t accepted = 0;
  for (size_t at = 0; at < text.size(); ++at)
    for (const char other : std::string_view("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl +")) {
      std::string typo = text;
      typo[at] = other;
      accepted += typo != text && account_from_ss58(typo).has_value();
    }
  EXPECT_LE(accepted, 1u);  // a 16-bit checksum misses one of 65,536; there are 2,900 errors to make
}

TEST(AccountTest, texts_that_are_no_addresses_are_refused) {
  for (const std::string_view text : {"", "1", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQ", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQYY",
                                      "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d", "//Alice"})
    EXPECT_FALSE(account_from_ss58(text)) << text;
  EXPECT_FALSE(account_from_ss58(std::string(100000, 'z')));
  EXPECT_FALSE(account_from_ss58(std::string(40, '1')));
}

// ---- BIP39: vectors published with the standard's reference implementation. ----

TEST(AccountTest, phrases_of_the_standards_vectors) {
  const std::pair<Bytes, std::string_view> vectors[] = {
      {Bytes(16), "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"},
      {Bytes(16, 0x7f), "legal winner thank year wave sausage worth useful legal winner thank yellow"},
      {Bytes(24, 0x80),
       "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter always"},
      {Bytes(32, 0xff), "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote"}};
  for (const auto& [entropy, words] : vectors) {
    EXPECT_EQ(*phrase_from_entropy(entropy), words);
    EXPECT_EQ(*entropy_from_phrase(words), entropy);
  }
}

TEST(AccountTest, phrases_of_all_lengths_round_trip) {
  for (const size_t size : {16, 20, 24, 28, 32}) {
    const Bytes entropy(size, static_cast<u8>(size));
    EXPECT_EQ(*entropy_from_phrase(*phrase_from_entropy(entropy)), entropy);
  }
  for (const size_t size : {0, 1, 15, 17, 18, 33, 64}) EXPECT_FALSE(phrase_from_entropy(Bytes(size))) << size;
}

TEST(AccountTest, bad_phrases_are_refused_without_being_repeated) {
  const auto error = [](std::string_view text) { return entropy_from_phrase(text).error().message; };
  EXPECT_EQ(error("bottom drive obey lake curtain smoke basket hold race lonely fit fit"),
            "phrase: the checksum does not match; a word is wrong or the words are in another order");
  EXPECT_EQ(error("bottom drive obeys lake curtain smoke basket hold race lonely fit walk"), "phrase: word 3 is not in the BIP39 English list");
  EXPECT_EQ(error("bottom drive"), "a phrase has 12, 15, 18, 21 or 24 English words");
  EXPECT_EQ(error(""), "a phrase has 12, 15, 18, 21 or 24 English words");
  EXPECT_EQ(error(std::string(1000, 'a')), "a phrase has 12, 15, 18, 21 or 24 English words");
  EXPECT_EQ(error("\xff\xfe"), "a phrase has 12, 15, 18, 21 or 24 English words");
}

// ---- Key URIs. Expected keys: @polkadot/util-crypto 12.6.2. ----

TEST(AccountTest, development_accounts_of_all_schemes) {
  EXPECT_EQ(public_of("//Alice", Scheme::sr25519), "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d");
  EXPECT_EQ(public_of("//Bob", Scheme::sr25519), "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48");
  EXPECT_EQ(public_of("//Alice//stash", Scheme::sr25519), "be5ddb1579b72e84524fc29e78609e3caf42e85aa118ebfe0b0ad404b5bdd25f");
  EXPECT_EQ(public_of("//Alice", Scheme::ed25519), "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee");
  EXPECT_EQ(public_of("//Bob", Scheme::ed25519), "d17c2d7823ebf260fd138f2d7e27d114c0145d968b5ff5006125f2414fadae69");
  EXPECT_EQ(public_of("//Alice//stash", Scheme::ed25519), "451781cd0c5504504f69ceec484cc66e4c22a2b6a9d20fb1a426d91ad074a2a8");
  EXPECT_EQ(public_of("//Alice", Scheme::ecdsa), "020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1");
  EXPECT_EQ(public_of("//Bob", Scheme::ecdsa), "0390084fdbf27d2b79d26a4f13f0ccd982cb755a661969143c37cbc49ef5b91f27");
  EXPECT_EQ(public_of("//Alice//stash", Scheme::ecdsa), "03c6a1c2194fa966d30bc4b9c4d5140e9a899d456372dae0e4ef230fd7d2197e72");
}

TEST(AccountTest, soft_junctions_and_mixtures) {
  EXPECT_EQ(public_of("/Alice", Scheme::sr25519), "d6c71059dbbe9ad2b0ed3f289738b800836eb425544ce694825285b958ca755e");
  EXPECT_EQ(public_of("//Alice/soft", Scheme::sr25519), "02cfd83074aefc9955af4034d19b3780d47a52e158ababec8ec012b2295f1c5b");
  EXPECT_EQ(public_of("/1/2", Scheme::sr25519), "827d27d99217a0f5442091850baa73740d4ade0b65cb0e10265150397b9e8564");
  EXPECT_EQ(public_of("//Alice/soft//hard", Scheme::sr25519), "568a4209957aa77918aabb4f51a81f443878ff27ad0b118106273b25253d5e2e");
}

TEST(AccountTest, junctions_of_numbers_and_long_names) {
  EXPECT_EQ(public_of("//0", Scheme::sr25519), "2afba9278e30ccf6a6ceb3a8b6e336b70068f045c666f2e7f4f9cc5f47db8972");
  EXPECT_EQ(public_of("//4294967296", Scheme::ed25519), "3d122845994bb8ebb61f63ffc167edee0b26846279eb46603b1f4e54ed0cec20");
  const auto name = "//a-very-long-junction-name-of-more-than-32-bytes";
  EXPECT_EQ(public_of(name, Scheme::sr25519), "7853af3825f51922b4dd235208e5e7dc570f731e94ce38d7657edd7e0131f12e");
  EXPECT_EQ(public_of(name, Scheme::ed25519), "d212374afee9e6eb3771448184bebf46db8fcb87f9954be1202803b177d78795");
  EXPECT_EQ(public_of(name, Scheme::ecdsa), "02fd8ff7440491a3c1bdaf06a9fa2f03f9bd1773145a32446164aa4ff000a3e02c");
}

TEST(AccountTest, passwords) {
  EXPECT_EQ(public_of("///pw", Scheme::sr25519), "f059637e84952f13fb7cdc6a646b09692f9bc23cc17eea2055b62ecc478f0e13");
  EXPECT_EQ(public_of(phrase + "//Alice///pw", Scheme::sr25519), "12d0a764fee8ee7a262c3294818ae4c0429832cdf4a899f9d1f2adb0c29aca39");
  EXPECT_EQ(public_of("//Alice///pw", Scheme::ecdsa), "02b4a2f0ece01ae4546180b81eb5b23244a420ce40d76bbc7c5590d3643912d3a0");
  EXPECT_EQ(to_hex(KeyPair::from_uri(phrase + "///Substrate")->seed()->expose()), "254867d4c1786589c24851dde5d29e027f36101541ed4e8251672549d1f8fe2c");
}

TEST(AccountTest, seeds_in_hex) {
  const std::string ones = "0x" + to_hex(Bytes(32, 1));
  EXPECT_EQ(public_of(ones, Scheme::sr25519), "189dac29296d31814dc8c56cf3d36a0543372bba7538fa322a4aebfebc39e056");
  const auto pair = KeyPair::from_uri(phrase + "//Alice");
  EXPECT_EQ(public_of("0x" + to_hex(pair->seed()->expose()), Scheme::sr25519), to_hex(alice));
}

TEST(AccountTest, a_soft_junction_leaves_no_seed_and_a_hard_one_gives_a_seed_again) {
  EXPECT_EQ(KeyPair::from_uri("//Alice/soft")->seed(), nullptr);
  EXPECT_NE(KeyPair::from_uri("//Alice/soft//hard")->seed(), nullptr);
}

TEST(AccountTest, malformed_uris_are_refused) {
  for (const std::string& uri : {std::string(""), std::string("/"), std::string("//"), std::string("//Alice/"), std::string("Alice"), std::string("0x01"),
                                 "0x" + std::string(64, 'g'), "0x" + to_hex(Bytes(32, 1)) + "///pw", std::string("//") + std::string(5000, 'a')}) {
    if (uri.empty()) continue;  // the development phrase itself
    EXPECT_FALSE(KeyPair::from_uri(uri)) << uri.substr(0, 80);
  }
  EXPECT_FALSE(KeyPair::from_uri("/soft", Scheme::ed25519));
  EXPECT_FALSE(KeyPair::from_uri("//hard/soft", Scheme::ecdsa));
  EXPECT_FALSE(KeyPair::from_uri("0x" + to_hex(Bytes(32, 0)), Scheme::ecdsa)) << "zero is no secp256k1 key";
}

TEST(AccountTest, pairs_of_every_scheme_sign_what_verifies) {
  const auto message = as_bytes("to be signed");
  const auto sr = *KeyPair::from_uri("//Alice/soft", Scheme::sr25519);
  EXPECT_TRUE(sr25519_verify(Signature(sr.sign(message)), message, PublicKey(ByteView(sr.public_key()))));
  EXPECT_EQ(sr.account(), AccountId(ByteView(sr.public_key())));
  const auto ed = *KeyPair::from_uri("//Alice", Scheme::ed25519);
  EXPECT_TRUE(ed25519_verify(Signature(ed.sign(message)), message, PublicKey(ByteView(ed.public_key()))));
  const auto ec = *KeyPair::from_uri("//Alice", Scheme::ecdsa);
  EXPECT_TRUE(ecdsa_verify_prehashed(EcdsaSignature(ec.sign(message)), blake2_256(message), EcdsaPublicKey(ByteView(ec.public_key()))));
  EXPECT_EQ(to_ss58(ec.account(), 42), "5C7C2Z5sWbytvHpuLTvzKunnnRwQxft1jiqrLD5rhucQ5S9X");
}

}  // namespace
}  // namespace phala::crypto

#include "oracle.hpp"

#include <gtest/gtest.h>

#include "crypto/sign.hpp"
#include "phala/pink.hpp"
#include "phala/testing.hpp"

namespace oracle {
namespace {

/// A worker's keys and its view of the web: one answer to every request.
struct OracleTest : testing::Test {
  TestHost host;
  pink::HttpResponse web;
  std::string asked;                 ///< the newest request's address
  const AccountId owner = AccountId(std::array<u8, 32>{1}), guest = AccountId(std::array<u8, 32>{2});

  template <class M>
  auto as(const AccountId& who, const M& message) {
    host.caller = who;
    return host.send<Oracle>(message);
  }
  void SetUp() override {
    host.extension = [this](u16 id, ByteView input) { return TestHost::Answer{0, worker(id, input)}; };
    host.now_ms = 1'700'000'000'000;
    host.caller = owner;
    ASSERT_FALSE(host.deploy<Oracle>(Oracle::New{}).trapped);
    ASSERT_TRUE(as(owner, Oracle::SetFeed{"BTC/USD", Feed{"https://prices.example/btc", "data.0.price"}})->has_value());
  }
  Result<SignedQuote, Error> quote(u16 status, std::string_view body) {
    web = {status, "", {}, to_bytes(body)};
    return as(guest, Oracle::GetQuote{"BTC/USD"}).value();
  }

  Bytes worker(u16 id, ByteView input) {
    const auto pair_of = [](const Bytes& secret) {
      phala::crypto::Seed seed;
      std::copy_n(secret.begin(), 32, seed.data());
      return phala::crypto::EcdsaPair::from_seed(seed).value();
    };
    if (id == 1) {
      asked = scale::decode<pink::HttpRequest>(input)->url;
      return scale::encode(web);
    }
    if (id == 4) return scale::encode(Bytes(64, 7));
    if (id == 5) return scale::encode(to_bytes(pair_of(std::get<1>(*scale::decode<std::tuple<pink::SigType, Bytes>>(input))).public_key.view()));
    if (id == 13) {
      const auto [secret, digest] = *scale::decode<std::tuple<Bytes, Hash>>(input);
      return scale::encode(pair_of(secret).sign_prehashed(digest));
    }
    const auto [signature, digest, key] = *scale::decode<std::tuple<std::array<u8, 65>, Hash, std::array<u8, 33>>>(input);
    return scale::encode(phala::crypto::ecdsa_verify_prehashed(phala::crypto::EcdsaSignature(signature), digest, phala::crypto::EcdsaPublicKey(key)));
  }
};

TEST_F(OracleTest, a_quote_recovers_to_the_address_that_signs) {
  const auto quoted = quote(200, R"({"data":[{"price":"61234.5"}]})");
  ASSERT_TRUE(quoted.has_value());
  EXPECT_EQ(asked, "https://prices.example/btc");
  EXPECT_EQ(quoted->quote.price, u128{61'234'500'000'000'000});
  EXPECT_EQ(quoted->quote.time, 1'700'000'000'000u);
  const auto [key, address] = as(guest, Oracle::Signer{}).value();
  const auto recovered = ecdsa_recover(quoted->signature, keccak_256(scale::encode(quoted->quote)));
  ASSERT_TRUE(recovered.has_value());
  EXPECT_EQ(*recovered, key);
  EXPECT_EQ(ecdsa_to_eth_address(key).value(), address);
}

TEST_F(OracleTest, only_its_own_quotes_are_stored_and_only_newer_ones) {
  const auto first = quote(200, R"({"data":[{"price":100}]})").value();
  auto forged = first;
  forged.quote.price += 1;
  EXPECT_EQ(as(guest, Oracle::Submit{forged})->error(), Error::BadSignature);
  EXPECT_EQ(as(guest, Oracle::Price{"BTC/USD"}).value(), std::nullopt);
  EXPECT_TRUE(as(guest, Oracle::Submit{first})->has_value());
  EXPECT_EQ(as(guest, Oracle::Submit{first})->error(), Error::Older);
  EXPECT_EQ(as(guest, Oracle::Price{"BTC/USD"}).value()->price, u128{100'000'000'000'000});
  EXPECT_EQ(host.events.size(), 1u);
}

TEST_F(OracleTest, a_source_that_says_no_price_gives_none) {
  EXPECT_EQ(quote(503, "").error(), Error::BadStatus);
  for (const char* body : {"", "no json", R"({"data":[]})", R"({"data":[{"price":null}]})"}) EXPECT_EQ(quote(200, body).error(), Error::NoPrice) << body;
  EXPECT_EQ(as(guest, Oracle::GetQuote{"ETH/USD"})->error(), Error::NoSuchFeed);
}

TEST_F(OracleTest, only_the_owner_sets_feeds) {
  EXPECT_EQ(as(guest, Oracle::SetFeed{"BTC/USD", std::nullopt})->error(), Error::NotTheOwner);
  EXPECT_TRUE(as(owner, Oracle::SetFeed{"BTC/USD", std::nullopt})->has_value());
  EXPECT_EQ(as(guest, Oracle::GetQuote{"BTC/USD"})->error(), Error::NoSuchFeed);
}

}  // namespace
}  // namespace oracle

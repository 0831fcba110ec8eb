#include "bot.hpp"

#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "phala/json.hpp"
#include "phala/pink.hpp"
#include "phala/testing.hpp"

namespace bot {
namespace {

/// A worker's key, and a node of the other chain that answers each method with a text of the test's.
struct BotTest : testing::Test {
  TestHost host;
  std::map<std::string, std::string> node{{"state_call", R"("0x07000000")"},
                                          {"state_getRuntimeVersion", R"({"specVersion":9,"transactionVersion":2})"},
                                          {"author_submitExtrinsic", "\"0x" + std::string(64, 'a') + "\""}};
  std::string sent;                  ///< the transaction that was submitted, in hex
  u16 status = 200;
  phala::crypto::Sr25519Pair pair = phala::crypto::Sr25519Pair::from_seed(phala::crypto::Seed(std::array<u8, 32>{5}));
  const AccountId owner = AccountId(std::array<u8, 32>{1}), guest = AccountId(std::array<u8, 32>{2});
  const Hash genesis = Hash(std::array<u8, 32>{9});

  template <class M>
  auto as(const AccountId& who, const M& message) {
    host.caller = who;
    return host.send<Bot>(message);
  }
  void SetUp() override {
    host.extension = [this](u16 id, ByteView input) { return TestHost::Answer{0, worker(id, input)}; };
    host.caller = owner;
    ASSERT_FALSE(host.deploy<Bot>(Bot::New{}).trapped);
  }
  void configure() { ASSERT_TRUE(as(owner, Bot::Configure{Target{"https://node.example", genesis}})->has_value()); }

  Bytes worker(u16 id, ByteView input) {
    if (id == 1) return scale::encode(answer(*scale::decode<pink::HttpRequest>(input)));
    if (id == 2) {
      const auto message = std::get<2>(*scale::decode<std::tuple<pink::SigType, Bytes, Bytes>>(input));
      return scale::encode(to_bytes(pair.sign(message).view()));
    }
    if (id == 4) return scale::encode(to_bytes(pair.secret().expose()));
    if (id == 5) return scale::encode(to_bytes(pair.public_key().view()));
    return {};   // a log
  }
  pink::HttpResponse answer(const pink::HttpRequest& request) {
    EXPECT_EQ(request.url, "https://node.example");
    const auto asked = json::Document::parse(request.body).value();
    const std::string method = asked.root()["method"].text().value_or("");
    if (method == "author_submitExtrinsic") sent = asked.root()["params"][size_t{0}].text().value_or("");
    const std::string& result = node[method];
    const std::string body = result.empty() ? R"({"error":{"message":"no"}})" : R"({"result":)" + result + "}";
    return {status, "", {}, to_bytes(body)};
  }
};

TEST_F(BotTest, what_it_sends_is_signed_for_that_chain_with_the_nonce_it_was_told) {
  configure();
  for (const size_t size : {size_t{3}, size_t{300}}) {   // a longer payload is signed by its hash
    const Bytes call(size, 0x42);
    ASSERT_TRUE(as(owner, Bot::Submit{call})->has_value());
    const Bytes transaction = *scale::decode<Bytes>(*from_hex(sent));
    const Bytes extra{0, 7 << 2, 0};                     // immortal, the nonce, no tip
    Bytes payload = concat(call, extra, scale::encode(u32{9}, u32{2}, genesis, genesis));
    if (payload.size() > 256) payload = to_bytes(phala::crypto::blake2_256(payload).view());
    const ByteView whole = transaction;
    ASSERT_EQ(whole.size(), 2 + 32 + 1 + 64 + extra.size() + size);
    EXPECT_EQ(to_hex(whole.subspan(2, 32)), to_hex(as(guest, Bot::Account{}).value()));
    EXPECT_TRUE(phala::crypto::sr25519_verify(phala::crypto::Signature(whole.subspan(35, 64)), payload, pair.public_key()));
    EXPECT_EQ(to_hex(whole.subspan(99)), to_hex(concat(extra, call)));
  }
}

TEST_F(BotTest, only_its_owner_has_it_sign) {
  EXPECT_EQ(as(owner, Bot::Submit{})->error(), Error::NotConfigured);
  EXPECT_EQ(as(guest, Bot::Configure{})->error(), Error::NotTheOwner);
  configure();
  EXPECT_EQ(as(guest, Bot::Submit{})->error(), Error::NotTheOwner);
  EXPECT_EQ(sent, "");
}

TEST_F(BotTest, a_node_that_refuses_or_answers_nonsense_is_told_apart_from_one_that_is_not_there) {
  configure();
  for (const std::string method : {"state_call", "state_getRuntimeVersion", "author_submitExtrinsic"})
    for (const std::string result : {"", "7", R"("0x00")"}) {
      const auto right = std::exchange(node[method], result);
      EXPECT_EQ(as(owner, Bot::Submit{})->error(), Error::NodeRefused) << method << ' ' << result;
      node[method] = right;
    }
  status = 502;
  EXPECT_EQ(as(owner, Bot::Submit{})->error(), Error::NodeUnreachable);
}

}  // namespace
}  // namespace bot

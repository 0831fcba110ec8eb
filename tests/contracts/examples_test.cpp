// The examples of contracts/examples, as wasm, in the engine: what they need of the worker and no native host imitates.
#include <gtest/gtest.h>

#include "bot/bot.hpp"
#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "game/game.hpp"
#include "oracle/oracle.hpp"
#include "other_chain.hpp"
#include "token/token.hpp"
#include "world.hpp"

namespace phala::contracts_test {
namespace {

using engine::test::error_of;

struct Examples : testing::Test {
  World world;
  template <class C>
  engine::ContractId deploy(const std::string& name, const C& constructor) {
    const auto made = world.deploy(built_wasm(name), sdk::detail::call_data(C::constructor, constructor));
    EXPECT_TRUE(made.has_value()) << error_of(world.last);
    return made.value_or(engine::ContractId{});
  }
};

struct OracleExample : Examples {
  using Oracle = oracle::Oracle;
  engine::ContractId id = deploy("oracle", Oracle::New{});
  OneAnswer web;
  void SetUp() override {
    world.state.apply(*engine::deposit(world.state, id, engine::test::unit));
    ASSERT_TRUE(world.send(alice, id, Oracle::SetFeed{"BTC/USD", oracle::Feed{"https://prices.example/btc", "data.0.price"}})->has_value()) << error_of(world.last);
  }
  Result<oracle::SignedQuote, oracle::Error> quote(u16 status, std::string_view body, const std::string& pair = "BTC/USD") {
    web.response = engine::HttpResponse{status, "", {}, to_bytes(body)};
    const Bytes answer = world.query_raw(id, sdk::detail::call_data(Oracle::GetQuote::message, Oracle::GetQuote{pair}), &web);
    using Returned = Result<oracle::SignedQuote, oracle::Error>;
    const auto out = sdk::detail::read_answer<Returned>(answer.empty() ? Result<void, sdk::CallError>(std::unexpect, sdk::CallError::callee_trapped) : Result<void, sdk::CallError>(), answer);
    EXPECT_TRUE(out.has_value()) << error_of(world.last);
    return out ? *out : Returned(std::unexpect, oracle::Error::NotTheOwner);
  }
};

TEST_F(OracleExample, signs_what_it_read_and_anybody_can_check_it) {
  const auto quoted = quote(200, R"({"data":[{"name":"btc","price":"61234.5000000000019"}]})");
  ASSERT_TRUE(quoted.has_value()) << int{static_cast<u8>(quoted.error())};
  EXPECT_EQ(web.requests.back().url, "https://prices.example/btc");
  EXPECT_EQ(quoted->quote.price, u128{61'234'500'000'000'001});
  EXPECT_EQ(quoted->quote.time, 1'700'000'000'000u);
  const auto [key, address] = world.query(id, Oracle::Signer{}).value();
  // as a contract on another chain does it: recover the signer's address from hash and signature
  const Hash hash = crypto::keccak_256(scale::encode(quoted->quote));
  const auto recovered = crypto::ecdsa_recover(crypto::EcdsaSignature(quoted->signature), hash);
  ASSERT_TRUE(recovered.has_value());
  EXPECT_EQ(to_hex(*recovered), to_hex(key));
  EXPECT_EQ(to_hex(address), to_hex(ByteView(crypto::keccak_256(*crypto::ecdsa_uncompress(*recovered))).subspan(12)));
}

TEST_F(OracleExample, stores_only_newer_quotes_of_its_own) {
  const auto first = quote(200, R"({"data":[{"price":100}]})").value();
  EXPECT_TRUE(world.send(bob, id, Oracle::Submit{first})->has_value()) << error_of(world.last);
  EXPECT_EQ(world.last.effects.ink_events.size(), 1u);
  EXPECT_EQ(world.query(id, Oracle::Price{"BTC/USD"}).value()->price, u128{100'000'000'000'000});
  EXPECT_EQ(world.send(bob, id, Oracle::Submit{first})->error(), oracle::Error::Older);
  auto forged = first;
  forged.quote.time += 1;
  EXPECT_EQ(world.send(bob, id, Oracle::Submit{forged})->error(), oracle::Error::BadSignature);
  world.context.now_ms += 1000;
  const auto second = quote(200, R"({"data":[{"price":101.5}]})").value();
  EXPECT_TRUE(world.send(bob, id, Oracle::Submit{second})->has_value());
  EXPECT_EQ(world.query(id, Oracle::Price{"BTC/USD"}).value()->price, u128{101'500'000'000'000});
}

TEST_F(OracleExample, says_what_is_wrong_with_a_source) {
  EXPECT_EQ(quote(503, "").error(), oracle::Error::BadStatus);
  for (const char* body : {"", "no json", R"({"data":[]})", R"({"data":[{"price":null}]})", R"({"data":[{"price":"-1"}]})", R"({"data":{"0":{}}})"})
    EXPECT_EQ(quote(200, body).error(), oracle::Error::NoPrice) << body;
  EXPECT_EQ(quote(200, "{}", "ETH/USD").error(), oracle::Error::NoSuchFeed);
  EXPECT_EQ(world.send(bob, id, Oracle::SetFeed{"BTC/USD", std::nullopt})->error(), oracle::Error::NotTheOwner);
}

TEST_F(Examples, a_token_is_moved_by_its_holder) {
  using token::Token;
  const auto id = deploy("token", Token::New{"Gold", "GLD", 12, 1000});
  EXPECT_TRUE(world.send(alice, id, Token::Transfer{bob, 300})->has_value()) << error_of(world.last);
  EXPECT_EQ(world.send(bob, id, Token::Transfer{alice, 301})->error(), token::Error::InsufficientBalance);
  EXPECT_EQ(world.send(bob, id, Token::MyBalance{}).value(), 300u);
  EXPECT_EQ(world.query(id, Token::TotalSupply{}).value(), 1000u);
}

TEST_F(Examples, a_game_pays_its_winner) {
  using game::Game;
  const auto id = deploy("game", Game::New{});
  world.state.apply(*engine::deposit(world.state, id, engine::test::unit));
  const auto before = world.state.account(bob).free;
  world.send_raw(alice, id, sdk::detail::call_data(Game::Open::message, Game::Open{game::Move::Rock}), 5 * engine::test::unit);
  ASSERT_TRUE(world.last.result.result.has_value()) << error_of(world.last);
  world.send_raw(bob, id, sdk::detail::call_data(Game::Join::message, Game::Join{0, game::Move::Paper}), 5 * engine::test::unit);
  ASSERT_TRUE(world.last.result.result.has_value()) << error_of(world.last);
  EXPECT_EQ(world.query(id, Game::OutcomeOf{0}).value()->winner, bob);
  EXPECT_GT(world.state.account(bob).free, before + 4 * engine::test::unit);   // less what storing the outcome holds back
}

TEST_F(Examples, a_bot_signs_for_its_owner_what_another_chain_accepts) {
  using bot::Bot;
  const auto id = deploy("bot", Bot::New{});
  const AccountId account = AccountId(world.query(id, Bot::Account{}).value());
  OtherChain other(account);
  const AccountId receiver(Bytes(32, 0x55));
  const Bytes pay = OtherChain::transfer_call(receiver, engine::test::unit);
  const auto submit = [&](const AccountId& from) {
    using Returned = Result<Hash, bot::Error>;
    const Bytes answer = world.query_raw(id, sdk::detail::call_data(Bot::Submit::message, Bot::Submit{pay}), &other, from);
    EXPECT_FALSE(answer.empty()) << error_of(world.last);
    return sdk::detail::read_answer<Returned>({}, answer).value();
  };
  EXPECT_EQ(submit(alice).error(), bot::Error::NotConfigured);
  ASSERT_TRUE(world.send(alice, id, Bot::Configure{bot::Target{"https://node.example", other.genesis_hash()}})->has_value());
  EXPECT_EQ(world.send(bob, id, Bot::Configure{})->error(), bot::Error::NotTheOwner);
  EXPECT_EQ(submit(bob).error(), bot::Error::NotTheOwner);
  for (u32 n = 1; n <= 2; ++n) {   // with the nonce that the chain expects each time
    ASSERT_TRUE(submit(alice).has_value()) << error_of(world.last);
    EXPECT_EQ(other.free_balance(receiver), n * engine::test::unit);
  }
  // a node of another chain gets a signature that is worth nothing there
  ASSERT_TRUE(world.send(alice, id, Bot::Configure{bot::Target{"https://node.example", Hash(Bytes(32, 1))}})->has_value());
  EXPECT_EQ(submit(alice).error(), bot::Error::NodeRefused);
}

}  // namespace
}  // namespace phala::contracts_test

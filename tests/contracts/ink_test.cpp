// Contracts written in ink! 4.3, as a developer of that language builds them, in the engine.
#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "world.hpp"

namespace phala::contracts_test {
namespace {

using engine::test::error_of;
using sdk::Message;

enum class FlipperError : u8 { Overflow };
constexpr bool is_valid(FlipperError e) { return e == FlipperError::Overflow; }
enum class CallerError : u8 { CallFailed, Refused, InstantiateFailed };
constexpr bool is_valid(CallerError e) { return e <= CallerError::InstantiateFailed; }

struct New { bool value{};  FIELDS(value)  static constexpr sdk::Constructor constructor = sdk::Constructor("new"); };
struct Flip { FIELDS()  using Returns = void;  static constexpr Message message = Message("flip"); };
struct Get { FIELDS()  using Returns = bool;  static constexpr Message message = Message("get"); };
struct Counter { FIELDS()  using Returns = u32;  static constexpr Message message = Message("counter"); };
struct FlipsOf { AccountId account;  FIELDS(account)  using Returns = u32;  static constexpr Message message = Message("flips_of"); };
struct IncBy { u32 by{};  FIELDS(by)  using Returns = Result<u32, FlipperError>;  static constexpr Message message = Message("inc_by"); };
struct Pay { FIELDS()  using Returns = std::pair<u128, u128>;  static constexpr Message message = Message("pay").payable(); };

struct FlipAndGet { FIELDS()  using Returns = Result<bool, CallerError>;  static constexpr Message message = Message("flip_and_get"); };
struct Increase { u32 by{};  FIELDS(by)  using Returns = Result<u32, CallerError>;  static constexpr Message message = Message("increase"); };
struct Create {
  Hash code;
  bool value{};
  Bytes salt;
  FIELDS(code, value, salt)
  using Returns = Result<AccountId, CallerError>;
  static constexpr Message message = Message("create");
};

struct BadStatus { u16 code{};  FIELDS(code) };
struct BadBody { FIELDS() };
using FetcherError = scale::Enum<scale::At<0, BadStatus>, scale::At<1, BadBody>>;
struct Price { std::string url;  FIELDS(url)  using Returns = Result<u64, FetcherError>;  static constexpr Message message = Message("price"); };
struct SignCheck { std::string text;  FIELDS(text)  using Returns = std::pair<Bytes, bool>;  static constexpr Message message = Message("sign_check"); };

template <class M>
Bytes data(const M& message) { return sdk::detail::call_data(M::message, message); }

struct InkContracts : testing::Test {
  World world;
  engine::ContractId flipper;
  void SetUp() override {
    const auto made = world.deploy(golden_wasm("flipper"), sdk::detail::call_data(New::constructor, New{true}));
    ASSERT_TRUE(made) << error_of(world.last);
    flipper = *made;
  }
};

TEST_F(InkContracts, flipper_keeps_state_mapping_and_event) {
  EXPECT_TRUE(world.query(flipper, Get{}).value());
  ASSERT_TRUE(world.send(bob, flipper, Flip{}).has_value()) << error_of(world.last);
  ASSERT_EQ(world.last.effects.ink_events.size(), 1u);
  const auto& event = world.last.effects.ink_events[0];
  EXPECT_EQ(event.contract, flipper);
  EXPECT_EQ(event.payload, scale::encode(u8{0}, bob, false));
  Bytes topic = concat(Bytes{0}, as_bytes("Flipper::Flipped"));
  topic.resize(32);
  EXPECT_EQ(to_bytes(event.topics.at(0).view()), topic);
  EXPECT_EQ(event.topics.at(1), crypto::blake2_256(scale::encode(std::string("Flipper::Flipped::by"), bob)));
  EXPECT_FALSE(world.query(flipper, Get{}).value());
  EXPECT_EQ(world.query(flipper, FlipsOf{bob}).value(), 1u);
  EXPECT_EQ(world.query(flipper, FlipsOf{alice}).value(), 0u);
  // the C++ SDK's layout is this one
  EXPECT_EQ(world.state.storage(flipper, concat(scale::encode(sdk::xxh32("Flipper::flips")), bob)), scale::encode(u32{1}));
  EXPECT_EQ(world.state.storage(flipper, Bytes(4, 0)), scale::encode(false, u32{0}));
}

TEST_F(InkContracts, an_error_reverts_the_call) {
  EXPECT_EQ(world.send(alice, flipper, IncBy{0xffffffff})->value(), 0xffffffffu);
  const auto over = world.send(alice, flipper, IncBy{1});
  EXPECT_TRUE(world.last.result.result->reverted());
  EXPECT_EQ(over->error(), FlipperError::Overflow);
  EXPECT_EQ(world.query(flipper, Counter{}).value(), 0xffffffffu);
}

TEST_F(InkContracts, value_arrives_only_where_it_is_taken) {
  const auto paid = scale::decode<std::pair<u128, u128>>(ByteView(world.send_raw(bob, flipper, data(Pay{}), unit)).subspan(1));
  ASSERT_TRUE(paid.has_value()) << error_of(world.last);
  EXPECT_EQ(paid->first, unit);
  EXPECT_GE(paid->second, unit);
  world.send_raw(bob, flipper, data(Flip{}), unit);
  EXPECT_FALSE(world.last.result.result.has_value());
}

TEST_F(InkContracts, one_contract_calls_and_creates_another) {
  const auto caller = world.deploy(golden_wasm("caller"), concat(*from_hex("9bae9d5e"), flipper));
  ASSERT_TRUE(caller) << error_of(world.last);
  EXPECT_FALSE(world.send(bob, *caller, FlipAndGet{})->value()) << error_of(world.last);
  EXPECT_EQ(world.query(flipper, FlipsOf{*caller}).value(), 1u);
  EXPECT_EQ(world.send(bob, *caller, Increase{5})->value(), 5u);
  EXPECT_EQ(world.send(bob, *caller, Increase{0xffffffff})->error(), CallerError::Refused);

  // a contract pays the deposits of what it creates from the origin, and must itself be able to stand
  world.state.apply(*engine::deposit(world.state, *caller, unit));
  const Hash code = crypto::blake2_256(golden_wasm("flipper"));
  const auto made = world.send(bob, *caller, Create{code, false, {7}});
  ASSERT_TRUE(made.has_value()) << error_of(world.last);
  ASSERT_TRUE(made->has_value());
  EXPECT_EQ(made->value(), engine::contract_address(*caller, code, world.state.config()->cluster_id, Bytes{7}));
  EXPECT_FALSE(world.query(**made, Get{}).value());
  EXPECT_TRUE(world.send(bob, *caller, FlipAndGet{})->value());
  EXPECT_EQ(world.send(bob, *caller, Create{Hash{}, false, {8}})->error(), CallerError::InstantiateFailed);
}

TEST_F(InkContracts, a_query_reads_the_web_and_a_transaction_does_not) {
  const auto fetcher = world.deploy(golden_wasm("fetcher"), *from_hex("ed4b9d1b"));
  ASSERT_TRUE(fetcher) << error_of(world.last);
  OneAnswer web;
  web.response = engine::HttpResponse{200, "OK", {}, to_bytes(std::string_view(R"({"price":"61234.5"})"))};
  const auto ask = [&] {
    const Bytes answer = world.query_raw(*fetcher, data(Price{"https://example.org/p"}), &web);
    return answer.empty() ? Price::Returns(fail(FetcherError(BadBody{}))) : scale::decode<Price::Returns>(ByteView(answer).subspan(1)).value();
  };
  EXPECT_EQ(ask().value(), 61234u) << error_of(world.last);
  ASSERT_EQ(web.requests.size(), 1u);
  EXPECT_EQ(web.requests[0].url, "https://example.org/p");
  EXPECT_EQ(web.requests[0].method, "GET");
  web.response = engine::HttpResponse{404, "Not Found", {}, {}};
  EXPECT_EQ(ask().error().get_if<BadStatus>()->code, 404);
  web.response = engine::HttpResponse{200, "OK", {}, to_bytes(std::string_view("<html>"))};
  EXPECT_TRUE(ask().error().is<BadBody>());

  const auto in_transaction = world.send(bob, *fetcher, Price{"https://example.org/p"});
  ASSERT_TRUE(in_transaction.has_value()) << error_of(world.last);
  EXPECT_EQ(in_transaction->error().get_if<BadStatus>()->code, 523);
  EXPECT_EQ(web.requests.size(), 3u);
}

TEST_F(InkContracts, keys_exist_only_inside_and_sign) {
  const auto fetcher = world.deploy(golden_wasm("fetcher"), *from_hex("ed4b9d1b"));
  ASSERT_TRUE(fetcher) << error_of(world.last);
  OneAnswer web;
  const auto signed_ = scale::decode<SignCheck::Returns>(ByteView(world.query_raw(*fetcher, data(SignCheck{"hello"}), &web)).subspan(1));
  ASSERT_TRUE(signed_.has_value()) << error_of(world.last);
  EXPECT_EQ(signed_->first.size(), 32u);
  EXPECT_TRUE(signed_->second);
  ASSERT_EQ(world.last.effects.logs.size(), 1u);
  EXPECT_EQ(world.last.effects.logs[0].message, "signed 5 bytes");
}

}  // namespace
}  // namespace phala::contracts_test

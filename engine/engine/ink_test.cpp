// Contracts as the ink! compiler makes them, unmodified: tests/golden/contracts.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "crypto/hash.hpp"
#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

Bytes ink(const std::string& name) {
  std::ifstream in(std::string(PHALA_SOURCE_DIR) + "/tests/golden/contracts/" + name + ".contract");
  std::stringstream text;
  text << in.rdbuf();
  return wasm_of_contract_file(text.str());
}
Bytes selector(std::string_view hex) { return *from_hex(hex); }
/// MessageResult's Ok, then the value.
template <class... T>
Bytes ok(const T&... values) { return concat(Bytes{0}, scale::encode(values...)); }

const Bytes new_ = selector("9bae9d5e"), flip = selector("633aa551"), get = selector("2f865bd9"), flips_of = selector("376500e9"), inc_by = selector("fe5bd8ea"),
            pay = selector("f88ca104");

struct FlipperTest : testing::Test {
  Cluster cluster{2, 100, 10};
  ContractId id = cluster.deploy(ink("flipper"), 0, concat(new_, Bytes{1}));
};

}  // namespace

TEST_F(FlipperTest, flips_counts_and_tells) {
  EXPECT_EQ(data_of(cluster.query(id, get)), ok(true));
  const auto flipped = cluster.send(id, flip);
  EXPECT_EQ(data_of(flipped), ok());
  EXPECT_EQ(data_of(cluster.query(id, get)), ok(false));
  EXPECT_EQ(data_of(cluster.query(id, concat(flips_of, alice))), ok(u32{1}));
  EXPECT_EQ(data_of(cluster.query(id, concat(flips_of, bob))), ok(u32{0}));
  ASSERT_EQ(flipped.effects.ink_events.size(), 1u);
  EXPECT_EQ(flipped.effects.ink_events[0].payload, concat(Bytes{0}, alice, Bytes{0}));
  EXPECT_EQ(flipped.effects.ink_events[0].topics.size(), 2u);
  EXPECT_EQ(flipped.effects.ink_events[0].topics[1], crypto::blake2_256(scale::encode(std::string("Flipper::Flipped::by"), alice)));
}

TEST_F(FlipperTest, a_query_flips_nothing) {
  EXPECT_EQ(data_of(cluster.query(id, flip)), ok());
  EXPECT_EQ(data_of(cluster.query(id, get)), ok(true));
}

TEST_F(FlipperTest, a_message_that_fails_reverts_and_answers) {
  const auto fine = cluster.send(id, concat(inc_by, scale::encode(u32{5})));
  EXPECT_EQ(data_of(fine), concat(Bytes{0, 0}, scale::encode(u32{5})));
  const auto overflow = cluster.send(id, concat(inc_by, scale::encode(~u32{0})));
  ASSERT_TRUE(overflow.result.result);
  EXPECT_TRUE(overflow.result.result->reverted());
  EXPECT_EQ(data_of(overflow), (Bytes{0, 1, 0}));
}

TEST_F(FlipperTest, value_goes_where_it_may) {
  EXPECT_EQ(data_of(cluster.send(id, pay, {.value = 500})), ok(Balance{500}, Balance{500}));
  EXPECT_FALSE(cluster.send(id, flip, {.value = 1}).result.succeeded());   // not payable
  EXPECT_EQ(cluster.balance(id), 501u);
}

TEST_F(FlipperTest, an_unknown_selector_is_a_language_error) {
  const auto outcome = cluster.send(id, Bytes{1, 2, 3, 4});
  ASSERT_TRUE(outcome.result.result);
  EXPECT_TRUE(outcome.result.result->reverted());
  EXPECT_EQ(data_of(outcome), (Bytes{1, 1}));
}

TEST_F(FlipperTest, results_are_the_bytes_that_clients_decode) {
  const auto outcome = cluster.query(id, get);
  const Bytes bytes = outcome.result.encode();
  const auto again = decode_call_result(bytes);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->encode(), bytes);
  // Ok ‖ flags ‖ data (length 2: Ok, true) ‖ events None
  EXPECT_EQ(to_hex(ByteView(bytes).last(9)), "00" "00000000" "080001" "00");
}

TEST_F(FlipperTest, callers_reach_it_typed_and_by_selector_and_make_more_of_it) {
  const auto caller = cluster.deploy(ink("caller"), 0, concat(new_, id));
  EXPECT_EQ(data_of(cluster.send(caller, selector("2e233661"))), concat(Bytes{0, 0}, scale::encode(false)));
  EXPECT_EQ(data_of(cluster.query(id, concat(flips_of, caller))), ok(u32{1}));
  EXPECT_EQ(data_of(cluster.send(caller, concat(selector("52d0a964"), scale::encode(u32{3})))), concat(Bytes{0, 0}, scale::encode(u32{3})));
  EXPECT_EQ(data_of(cluster.send(caller, concat(selector("52d0a964"), scale::encode(~u32{0})))), (Bytes{0, 1, 1}));   // Refused, and reverted
  const Hash code = cluster.state.contract(id)->code_hash;
  const auto created = cluster.send(caller, concat(selector("ab700a1b"), scale::encode(code, true, to_bytes("salt"))));
  const auto address = contract_address(caller, code, cluster.config.cluster_id, as_bytes("salt"));
  EXPECT_EQ(data_of(created), concat(Bytes{0, 0}, address));
  EXPECT_EQ(data_of(cluster.query(address, get)), ok(true));
}

TEST(FetcherTest, reads_the_web_in_queries) {
  struct Web final : NoEffects {
    HttpResult http_request(const AccountId&, const HttpRequest& r) override { return HttpResponse{200, "OK", {}, to_bytes(r.url == "https://p/" ? "{\"price\": \"42.17\"}" : "nothing")}; }
  } web;
  Cluster cluster;
  const auto id = cluster.deploy(ink("fetcher"), 0, selector("ed4b9d1b"));
  EXPECT_EQ(data_of(cluster.query(id, concat(selector("d4bd7bc1"), scale::encode(std::string("https://p/"))), &web)), concat(Bytes{0, 0}, scale::encode(u64{42})));
  EXPECT_EQ(data_of(cluster.query(id, concat(selector("0871ca5c"), scale::encode(std::string("https://q/"))), &web)), concat(Bytes{0, 0}, scale::encode(u16{200}, std::string("nothing"))));
  // in a transaction the contract sees that there is no HTTP
  const auto sent = cluster.send(id, concat(selector("d4bd7bc1"), scale::encode(std::string("https://p/"))));
  EXPECT_EQ(data_of(sent), concat(Bytes{0, 1, 0}, scale::encode(u16{523})));
  const auto signed_ = data_of(cluster.query(id, concat(selector("e139ffeb"), scale::encode(std::string("text"))), &web));
  ASSERT_EQ(signed_.size(), 1u + 1 + 32 + 1);
  EXPECT_EQ(signed_.back(), 1);
}

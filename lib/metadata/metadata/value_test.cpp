#include "metadata/value.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace phala::metadata {
namespace {

using nlohmann::json;

json contract(const std::string& name) {
  std::ifstream file(std::string(PHALA_SOURCE_DIR) + "/tests/golden/contracts/" + name + ".contract");
  return json::parse(file);
}

/// A registry written out by hand in ink!'s JSON, one type of each kind.
Types sample() {
  return *types_from_ink(json::parse(R"([
    {"id":0,"type":{"def":{"primitive":"u8"}}},
    {"id":1,"type":{"def":{"primitive":"u128"}}},
    {"id":2,"type":{"def":{"sequence":{"type":0}}}},
    {"id":3,"type":{"def":{"array":{"len":32,"type":0}}}},
    {"id":4,"type":{"path":["sp_core","crypto","AccountId32"],"def":{"composite":{"fields":[{"type":3}]}}}},
    {"id":5,"type":{"path":["Option"],"def":{"variant":{"variants":[{"name":"None","index":0},{"name":"Some","index":1,"fields":[{"type":1}]}]}}}},
    {"id":6,"type":{"path":["Order"],"def":{"composite":{"fields":[{"name":"who","type":4},{"name":"amount","type":5}]}}}},
    {"id":7,"type":{"def":{"compact":{"type":1}}}},
    {"id":8,"type":{"def":{"tuple":[0,7]}}},
    {"id":9,"type":{"path":["Shape"],"def":{"variant":{"variants":[{"name":"Point","index":3},{"name":"Circle","index":5,"fields":[{"name":"r","type":0}]}]}}}},
    {"id":10,"type":{"def":{"primitive":"str"}}},
    {"id":11,"type":{"def":{"primitive":"i32"}}},
    {"id":12,"type":{"def":{"sequence":{"type":12}}}}
  ])"));
}

void round_trip(u32 type, const json& value, std::string_view hex) {
  const auto bytes = encode(sample(), type, value);
  ASSERT_TRUE(bytes.has_value()) << bytes.error().text();
  EXPECT_EQ(to_hex(*bytes), hex);
  const auto back = decode_all(sample(), type, *bytes);
  ASSERT_TRUE(back.has_value()) << back.error().text();
  EXPECT_EQ(*back, value);
}

TEST(ValueTest, json_and_scale_agree_for_every_kind_of_type) {
  round_trip(0, 7, "07");
  round_trip(1, "340282366920938463463374607431768211455", std::string(32, 'f'));
  round_trip(2, "0xcafe", "08cafe");
  round_trip(5, nullptr, "00");
  round_trip(8, {1, 69}, "011501");
  round_trip(9, "Point", "03");
  round_trip(9, {{"Circle", {{"r", 2}}}}, "0502");
  round_trip(10, "Hi", "084869");
  round_trip(11, -2, "feffffff");
  const json order{{"who", "45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2"}, {"amount", 5}};
  EXPECT_EQ(*decode_all(sample(), 6, *encode(sample(), 6, order)), order);
}

TEST(ValueTest, errors_name_the_place_and_what_was_expected) {
  const auto error = [](u32 type, const json& value) { return encode(sample(), type, value).error().message; };
  EXPECT_EQ(error(0, 256), "expected an integer of 8 bits, got 256");
  EXPECT_NE(error(6, {{"who", "0x12"}, {"amount", 1}}).find("who: expected 32 bytes"), std::string::npos);
  EXPECT_NE(error(6, {{"amount", 1}}).find("'who' is missing"), std::string::npos);
  EXPECT_EQ(error(9, "Square"), "expected one of Point, Circle, got \"Square\"");
}

TEST(ValueTest, members_may_be_left_out_where_that_is_asked_for) {
  const Types types = *types_from_ink(json::parse(R"([
    {"id":0,"type":{"def":{"primitive":"u32"}}},
    {"id":1,"type":{"def":{"sequence":{"type":0}}}},
    {"id":2,"type":{"def":{"array":{"len":2,"type":0}}}},
    {"id":3,"type":{"path":["Option"],"def":{"variant":{"variants":[{"name":"None","index":0},{"name":"Some","index":1,"fields":[{"type":0}]}]}}}},
    {"id":4,"type":{"path":["Shape"],"def":{"variant":{"variants":[{"name":"Late","index":7},{"name":"First","index":2,"fields":[{"type":0}]}]}}}},
    {"id":5,"type":{"def":{"primitive":"str"}}},
    {"id":6,"type":{"def":{"compact":{"type":0}}}},
    {"id":7,"type":{"def":{"tuple":[0,6]}}},
    {"id":8,"type":{"path":["All"],"def":{"composite":{"fields":[{"name":"number","type":0},{"name":"list","type":1},{"name":"pair","type":2},{"name":"maybe","type":3},
      {"name":"shape","type":4},{"name":"text","type":5},{"name":"small","type":6},{"name":"tuple","type":7}]}}}}
  ])"));
  EXPECT_FALSE(encode(types, 8, {{"number", 1}}).has_value());
  EXPECT_EQ(to_hex(*encode(types, 8, {{"number", 1}}, Missing::zero)), "01000000" "00" "0000000000000000" "00" "0200000000" "00" "00" "0000000000");
  EXPECT_EQ(*encode(types, 8, json::object(), Missing::zero), *encode(types, 8, {{"small", 0}}, Missing::zero));
  EXPECT_EQ(encode(types, 8, {{"nomber", 1}}, Missing::zero).error().message, "there is no member 'nomber'");
}

TEST(ValueTest, integers_may_be_hex) {
  EXPECT_EQ(to_hex(*encode(sample(), 1, "0x0102")), "02010000000000000000000000000000");
  EXPECT_EQ(to_hex(*encode(sample(), 0, "0xf")), "0f");
  EXPECT_FALSE(encode(sample(), 0, "0x100").has_value());
  EXPECT_FALSE(encode(sample(), 1, "0x").has_value());
  EXPECT_FALSE(encode(sample(), 1, "0x" + std::string(34, 'f')).has_value());
}

TEST(ValueTest, a_list_of_one_is_tried_as_the_value_without_a_trace) {
  // a wrapper of a pair: the first reading fails after it has written something
  const Types types = *types_from_ink(json::parse(R"([
    {"id":0,"type":{"def":{"primitive":"u8"}}},
    {"id":1,"type":{"def":{"sequence":{"type":2}}}},
    {"id":2,"type":{"def":{"tuple":[0,0]}}},
    {"id":3,"type":{"path":["Wrapper"],"def":{"composite":{"fields":[{"type":1}]}}}}
  ])"));
  EXPECT_EQ(to_hex(*encode(types, 3, json::parse("[[[1,2]]]"))), "040102");
}

TEST(ValueTest, hostile_types_and_values_end_in_errors) {
  EXPECT_FALSE(encode(sample(), 99, 1).has_value());
  EXPECT_FALSE(decode_all(sample(), 12, Bytes(500, 4)).has_value());   // nested without end
  EXPECT_FALSE(decode_all(sample(), 2, Bytes{0xfe, 0xff, 0xff, 0xff}).has_value());
  EXPECT_FALSE(decode_all(sample(), 0, Bytes{1, 2}).has_value());
  EXPECT_FALSE(types_from_ink(json::parse(R"([{"id":1,"type":{"def":{"primitive":"u8"}}}])")).has_value());
}

TEST(ValueTest, names_match_in_any_spelling) {
  EXPECT_TRUE(same_name("transferKeepAlive", "transfer_keep_alive"));
  EXPECT_TRUE(same_name("TransferKeepAlive", "transfer_keep_alive"));
  EXPECT_FALSE(same_name("transfer", "transfer_all"));
}

TEST(ValueTest, real_ink_metadata_is_understood) {
  const json flipper = contract("flipper");
  const auto types = types_from_ink(flipper["types"]);
  ASSERT_TRUE(types.has_value()) << types.error().text();
  for (const auto& message : flipper["spec"]["messages"]) {
    if (message["label"] != "get") continue;
    const u32 result = message["returnType"]["type"].get<u32>();
    EXPECT_EQ(decode_all(*types, result, Bytes{0, 1})->dump(), R"({"Ok":true})");
    EXPECT_FALSE(decode_all(*types, result, Bytes{0, 2}).has_value());
  }
}

}  // namespace
}  // namespace phala::metadata

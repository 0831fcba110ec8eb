#include "cli/argument.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/files.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

/// 0 u128, 1 str, 2 bool, 3 u8, 4 Vec<u8>, 5 Option<str>, 6 struct {a: u128, b: str}, 7 wrapper(u128), 8 enum Color {Red, Mix(u128)}, 9 Compact<u128>,
/// 10 Vec<str>, 11 [u8; 2], 12 i32, 13 AccountId, 14 (u128, bool)
const metadata::Types& types() {
  static const metadata::Types out = *metadata::types_from_ink(json::parse(R"([
    {"id":0,"type":{"def":{"primitive":"u128"}}}, {"id":1,"type":{"def":{"primitive":"str"}}}, {"id":2,"type":{"def":{"primitive":"bool"}}},
    {"id":3,"type":{"def":{"primitive":"u8"}}}, {"id":4,"type":{"def":{"sequence":{"type":3}}}},
    {"id":5,"type":{"path":["Option"],"def":{"variant":{"variants":[{"index":0,"name":"None"},{"index":1,"name":"Some","fields":[{"type":1}]}]}}}},
    {"id":6,"type":{"path":["Pair"],"def":{"composite":{"fields":[{"name":"a","type":0},{"name":"b","type":1}]}}}},
    {"id":7,"type":{"path":["Amount"],"def":{"composite":{"fields":[{"type":0}]}}}},
    {"id":8,"type":{"path":["Color"],"def":{"variant":{"variants":[{"index":0,"name":"Red"},{"index":3,"name":"Mix","fields":[{"type":0}]}]}}}},
    {"id":9,"type":{"def":{"compact":{"type":0}}}}, {"id":10,"type":{"def":{"sequence":{"type":1}}}}, {"id":11,"type":{"def":{"array":{"len":2,"type":3}}}},
    {"id":12,"type":{"def":{"primitive":"i32"}}},
    {"id":13,"type":{"path":["AccountId"],"def":{"composite":{"fields":[{"type":15}]}}}}, {"id":14,"type":{"def":{"tuple":[0,2]}}},
    {"id":15,"type":{"def":{"array":{"len":32,"type":3}}}}
  ])"));
  return out;
}

/// The SCALE of what was typed, in hex; or the error.
std::string typed(u32 type, const std::string& text) {
  const auto values = values_from_texts(types(), std::array{type}, {text});
  if (!values) return values.error().message;
  const auto bytes = metadata::encode(types(), type, values->at(0));
  return bytes ? to_hex(*bytes) : bytes.error().message;
}
std::string u128_hex(u128 value) { return to_hex(scale::encode(value)); }

constexpr u128 above_64_bits = u128{2'000'000'000'000'000'000u} * 100;

TEST(Argument, numbers_have_all_their_bits_wherever_they_stand) {
  EXPECT_EQ(typed(0, "200000000000000000000"), u128_hex(above_64_bits));
  EXPECT_EQ(typed(7, "200000000000000000000"), u128_hex(above_64_bits));
  EXPECT_EQ(typed(9, "200000000000000000000"), to_hex(scale::encode(scale::Compact<u128>{above_64_bits})));
  EXPECT_EQ(typed(6, R"({"a": 200000000000000000000, "b": "x"})"), u128_hex(above_64_bits) + "0478");
  EXPECT_EQ(typed(8, R"({"Mix": 200000000000000000000})"), "03" + u128_hex(above_64_bits));
  EXPECT_EQ(typed(14, "[200000000000000000000, true]"), u128_hex(above_64_bits) + "01");
  EXPECT_EQ(typed(12, "-5"), "fbffffff");
  EXPECT_EQ(typed(0, "18446744073709551616"), u128_hex(u128{1} << 64)) << "one more than 64 bits hold";
}

TEST(Argument, a_text_may_look_like_anything) {
  for (const std::string text : {"42", "true", "null", "{", "[1,2]", "hello world", "0x12"}) EXPECT_EQ(typed(1, text), to_hex(scale::encode(text))) << text;
  EXPECT_EQ(typed(1, R"("a\nb")"), to_hex(scale::encode(std::string("a\nb"))));
  EXPECT_EQ(typed(5, "42"), "01" + to_hex(scale::encode(std::string("42"))));
  EXPECT_EQ(typed(5, "null"), "00");
  EXPECT_EQ(typed(5, R"("null")"), "01" + to_hex(scale::encode(std::string("null"))));
  EXPECT_EQ(typed(10, R"(["42", "x"])"), "080834320478");
}

TEST(Argument, truth_bytes_names_and_accounts) {
  EXPECT_EQ(typed(2, "true"), "01");
  EXPECT_EQ(typed(2, "false"), "00");
  EXPECT_NE(typed(2, "1").find("expected true or false, got '1'"), std::string::npos);
  EXPECT_EQ(typed(4, "0x0102"), "080102");
  EXPECT_EQ(typed(4, "ab"), "086162");
  EXPECT_EQ(typed(4, "[1, 2]"), "080102");
  EXPECT_EQ(typed(11, "0x0102"), "0102");
  EXPECT_EQ(typed(8, "Red"), "00");
  EXPECT_EQ(typed(8, "\"Red\""), "00");
  EXPECT_EQ(typed(13, "45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2"), "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d");
}

TEST(Argument, what_needs_json_says_so) {
  EXPECT_NE(typed(6, "{a: 1}").find("is not JSON, as a Pair must be"), std::string::npos) << typed(6, "{a: 1}");
  EXPECT_NE(typed(14, "nonsense").find("is not JSON, as a (u128, bool) must be"), std::string::npos);
}

TEST(Argument, a_file_holds_what_a_command_line_cannot) {
  const auto folder = *TemporaryFolder::make("phala-argument-test");
  const auto file = [&](const std::string& name, const std::string& content) {
    std::ofstream(folder.path() / name, std::ios::binary) << content;
    return "@" + (folder.path() / name).string();
  };
  const std::string large(200'000, 'x');   // more than one argument may have
  EXPECT_EQ(typed(1, file("text", large + "\n")), to_hex(scale::encode(large)));
  EXPECT_EQ(typed(4, file("raw", std::string("\0asm\n", 5))), "140061736d0a") << "bytes stay as they are, the last line break too";
  EXPECT_EQ(typed(4, file("hex", "0x0102\n")), "080102");
  EXPECT_EQ(typed(6, file("json", R"({"a": 1, "b": "x"})")), u128_hex(1) + "0478");
  EXPECT_NE(typed(1, "@" + folder.path().string()).find("is a folder"), std::string::npos);
  EXPECT_NE(typed(1, "@/nowhere").find("cannot read /nowhere"), std::string::npos);
}

TEST(Argument, json_keeps_what_the_library_would) {
  for (const char* text : {R"({"a":[1,{"b":[]},"c"],"d":{"e":null,"f":-1}})", "1.5", "[]", "\"x\"", "true"}) EXPECT_EQ(*exact_json(text), json::parse(text)) << text;
  for (const char* text : {"", "{", "[1,]", "hello", "1 2"}) EXPECT_FALSE(exact_json(text)) << text;
}

}  // namespace
}  // namespace phala::cli

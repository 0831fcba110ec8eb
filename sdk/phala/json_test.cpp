#include "phala/json.hpp"

#include <gtest/gtest.h>

namespace phala::sdk::json {
namespace {

Document parsed(std::string_view text) {
  auto out = Document::parse(text);
  EXPECT_TRUE(out.has_value()) << text;
  return std::move(*out);
}

TEST(Json, finds_its_way_and_says_nothing_where_there_is_nothing) {
  const auto doc = parsed(R"({"data":{"list":[1,[2,{"x":"deep"}],"three"],"price":"61234.5","n":-0.50e3},"ok":true,"none":null})");
  const Value root = doc.root(), data = root["data"];
  EXPECT_EQ(root.size(), 3u);
  EXPECT_EQ(data["price"].text(), "61234.5");
  EXPECT_EQ(data["n"].number(), "-0.50e3");
  EXPECT_EQ(data["n"].whole(), std::nullopt);
  EXPECT_EQ(data["list"].size(), 3u);
  EXPECT_EQ(data["list"][0].whole(), 1u);
  EXPECT_EQ(data["list"][1][1]["x"].text(), "deep");
  EXPECT_EQ(data["list"][2].text(), "three");
  EXPECT_EQ(root["ok"].boolean(), true);
  EXPECT_TRUE(root["none"].is_null());
  EXPECT_FALSE(data["list"][3]);
  EXPECT_FALSE(root["nothing"]["further"][7]);
  EXPECT_EQ(root["ok"].number(), std::nullopt);
  EXPECT_EQ(root["data"].text(), std::nullopt);
  EXPECT_EQ(parsed("18446744073709551615").root().whole(), ~u64{0});
  EXPECT_EQ(parsed("18446744073709551616").root().whole(), std::nullopt);
}

TEST(Json, undoes_escapes) {
  EXPECT_EQ(parsed(R"("a\"\\\/\b\f\n\r\tz")").root().text(), "a\"\\/\b\f\n\r\tz");
  EXPECT_EQ(parsed(R"("\u0041\u00e9\u20ac\ud83d\ude00")").root().text(), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(parsed(R"("\ud83d")").root().text(), std::nullopt);
  EXPECT_EQ(parsed(R"("\ude00\ud83d")").root().text(), std::nullopt);
  EXPECT_EQ(parsed(R"({"\u0061b":1})").root()["ab"].whole(), 1u);
}

TEST(Json, refuses_what_is_not_one_document) {
  for (const char* text : {"", " ", "{", "[1,2", "{\"a\":1}}", "\"open", "[1] [2]", "\"\\x\"", "{\"a\"}extra"}) EXPECT_FALSE(Document::parse(std::string_view(text)).has_value()) << text;
  EXPECT_EQ(Document::parse(std::string_view("[1,2,3]"), 3).error(), Error::too_many_values);
  EXPECT_TRUE(Document::parse(std::string_view("[1,2,3]"), 4).has_value());
}

TEST(Json, every_prefix_and_every_changed_byte_of_a_document_ends_in_an_answer) {
  const std::string text = R"({"a":[1,{"b":"\u00e9\n"},[]],"c":{"d":null,"e":[true,false,-1.5]}})";
  for (size_t n = 0; n <= text.size(); ++n) {
    const auto doc = Document::parse(std::string_view(text).substr(0, n));
    EXPECT_EQ(doc.has_value(), n == text.size()) << n;
  }
  for (size_t at = 0; at < text.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = text;
      changed[at] = static_cast<char>(c);
      if (const auto doc = Document::parse(std::string_view(changed))) {
        static_cast<void>(doc->root()["a"][1]["b"].text());
        static_cast<void>(doc->root()["c"]["e"][2].number());
      }
    }
  }
}

TEST(Json, decimals_become_integers) {
  EXPECT_EQ(fixed_point("61234.5", 6), u128{61234500000});
  EXPECT_EQ(fixed_point("0.0000019", 6), u128{1});
  EXPECT_EQ(fixed_point("7", 0), u128{7});
  EXPECT_EQ(fixed_point("7.", 1), u128{70});
  for (const char* text : {"", ".", ".5", "-1", "1e3", "1.2.3", "340282366920938463463374607431768211456"}) EXPECT_EQ(fixed_point(text, 0), std::nullopt) << text;
  EXPECT_EQ(fixed_point("340282366920938463463374607431768211455", 0), ~u128{0});
  EXPECT_EQ(fixed_point("340282366920938463463374607431768211455", 1), std::nullopt);
}

}  // namespace
}  // namespace phala::sdk::json

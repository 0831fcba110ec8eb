#include "scale/codec.hpp"

#include <gtest/gtest.h>

namespace phala::scale {
namespace {

struct Empty { FIELDS() };
struct Point { u32 x{}; Compact<u64> y{};  FIELDS(x, y) };
struct Named { std::string operator_; std::optional<u8> class_;  FIELDS(operator_, class_) };
struct Shape : Enum<At<0, Empty>, At<3, Point>> { using Enum::Enum; };
struct Tree { std::vector<Tree> children;  FIELDS(children) };
enum class Colour : u8 { red = 0, blue = 2 };
constexpr bool is_valid(Colour c) { return c == Colour::red || c == Colour::blue; }

template <class T>
void round_trip(const T& value, std::string_view hex) {
  EXPECT_EQ(to_hex(encode(value)), hex);
  const auto back = decode<T>(*from_hex(hex));
  ASSERT_TRUE(back.has_value()) << to_string(back.error());
  EXPECT_TRUE(*back == value);
}

TEST(ScaleTest, values_encode_as_parity_scale_codec_documents) {
  round_trip<u32>(0xfffffff0, "f0ffffff");
  round_trip<Compact<u32>>({0}, "00");
  round_trip<Compact<u32>>({42}, "a8");
  round_trip<Compact<u32>>({69}, "1501");
  round_trip<Compact<u32>>({65535}, "feff0300");
  round_trip<Compact<u128>>({u128{100000000000000}}, "0b00407a10f35a");
  round_trip<std::string>("Hi", "084869");
  round_trip<std::vector<u16>>({4, 8}, "0804000800");
  round_trip<std::optional<bool>>(std::nullopt, "00");
  round_trip<std::optional<bool>>(true, "0101");
  round_trip<std::tuple<Compact<u32>, bool>>({Compact<u32>{3}, false}, "0c00");
  round_trip<Shape>(Point{1, 2}, "030100000008");
  round_trip<Shape>(Empty{}, "00");
  round_trip<Colour>(Colour::blue, "02");
  round_trip<std::map<u8, u8>>({{1, 2}, {3, 4}}, "0801020304");
}

TEST(ScaleTest, description_gives_names) {
  constexpr auto names = field_names<Named>();
  EXPECT_EQ(names[0], "operator");
  EXPECT_EQ(names[1], "class");
  EXPECT_EQ(field_count<Empty>(), 0u);
  EXPECT_EQ(type_name<Point>(), "Point");
}

template <class T>
CodecError error_of(std::string_view hex) {
  const auto result = decode<T>(*from_hex(hex));
  EXPECT_FALSE(result.has_value());
  return result.error();
}

TEST(ScaleTest, lists_of_texts_cannot_blow_up_in_memory) {
  const auto empty_texts = [](u32 n) {
    Bytes out;
    encode_compact(out, n);
    out.resize(out.size() + n);
    return out;
  };
  EXPECT_EQ(decode<std::vector<std::string>>(empty_texts(200'000))->size(), 200'000u);
  EXPECT_EQ(decode<std::vector<std::string>>(empty_texts(3'750'000)).error(), CodecError::length_too_large);
  // the budget is the reader's, however the items are spread
  Bytes spread;
  encode_compact(spread, 100);
  for (int i = 0; i < 100; ++i) append(spread, empty_texts(4000));
  EXPECT_EQ(decode<std::vector<std::vector<Bytes>>>(spread).error(), CodecError::length_too_large);
  // what is as large on the wire needs none, and long items bring their own
  EXPECT_EQ(decode<Bytes>(empty_texts(3'750'000))->size(), 3'750'000u);
  EXPECT_EQ(decode<std::vector<u16>>(concat(Bytes{0x02, 0x00, 0x10, 0x00}, Bytes(2 * 262'144)))->size(), 262'144u);
  const std::vector<Bytes> many(400'000, Bytes(9));
  EXPECT_EQ(decode<std::vector<Bytes>>(encode(many))->size(), many.size());
}

TEST(ScaleTest, bad_input_is_refused_with_its_name) {
  EXPECT_EQ(error_of<u32>("00"), CodecError::not_enough_bytes);
  EXPECT_EQ(error_of<u8>("0000"), CodecError::trailing_bytes);
  EXPECT_EQ(error_of<Bytes>("feffffff00"), CodecError::length_too_large);
  EXPECT_EQ(error_of<Compact<u32>>("0100"), CodecError::bad_compact);
  EXPECT_EQ(error_of<Compact<u8>>("0104"), CodecError::bad_compact);
  EXPECT_EQ(error_of<bool>("02"), CodecError::bad_bool);
  EXPECT_EQ(error_of<Shape>("01"), CodecError::unknown_variant);
  EXPECT_EQ(error_of<Colour>("01"), CodecError::unknown_variant);
  EXPECT_EQ(error_of<std::string>("04ff"), CodecError::bad_utf8);
  EXPECT_EQ(error_of<std::string>("0ceda080"), CodecError::bad_utf8);
  EXPECT_EQ((error_of<std::map<u8, u8>>("0803040102")), CodecError::not_sorted);
  EXPECT_EQ(error_of<Tree>(std::string(200, '0').replace(0, 200, [] { std::string s; for (int i = 0; i < 100; ++i) s += "04"; return s; }())), CodecError::too_deep);
}

}  // namespace
}  // namespace phala::scale

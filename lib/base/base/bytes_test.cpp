#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include "base/secret.hpp"

namespace phala {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorCode::invalid_input, "odd");
  return n / 2;
}
Result<int> quarter(int n) {
  const int h = TRY(half(n));
  return TRY(half(h).context("second half"));
}

TEST(ResultTest, try_returns_the_error_with_its_context) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(7).error().message, "odd");
  EXPECT_EQ(quarter(6).error().message, "second half: odd");
}

TEST(BytesTest, hex_both_ways) {
  EXPECT_EQ(to_hex0x(*from_hex("0xDEADbeef")), "0xdeadbeef");
  EXPECT_EQ(from_hex("abc").error().code, ErrorCode::invalid_input);
  EXPECT_FALSE(from_hex("zz").has_value());
}

TEST(BytesTest, prefix_end) {
  EXPECT_EQ(to_hex(end_of_prefix(*from_hex("01ff"))), "02");
  EXPECT_TRUE(end_of_prefix(*from_hex("ffff")).empty());
}

TEST(BytesTest, decimal_of_128_bits) {
  EXPECT_EQ(to_decimal(~u128{0}), "340282366920938463463374607431768211455");
  EXPECT_TRUE(*parse_u128("340282366920938463463374607431768211455") == ~u128{0});
  EXPECT_FALSE(parse_u128("340282366920938463463374607431768211456").has_value());
  EXPECT_FALSE(parse_u128("1x").has_value());
}

TEST(SecretTest, moving_wipes_the_source) {
  SecretBytes<4> a(Bytes{1, 2, 3, 4});
  SecretBytes<4> b(std::move(a));
  EXPECT_EQ(to_hex(b.expose()), "01020304");
  EXPECT_EQ(to_hex(a.expose()), "00000000");
}

}  // namespace
}  // namespace phala

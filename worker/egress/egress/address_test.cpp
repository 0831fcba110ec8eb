#include "egress/address.hpp"

#include <gtest/gtest.h>

namespace phala::egress {
namespace {

std::optional<std::string_view> denied(std::string_view text, std::vector<AddressRange> allowed = {}) { return why_denied(*parse_address(text), allowed); }

TEST(EgressAddress, what_is_not_on_the_public_internet_is_denied) {
  for (const char* text : {"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1", "169.254.169.254", "169.254.0.1",
                           "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7",
                           "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.1.1.1",
                           "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "100::1", "2001::1", "2001:db8::1",
                           "fc00::1", "fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1"})
    EXPECT_TRUE(denied(text)) << text;
}

TEST(EgressAddress, public_addresses_are_not) {
  for (const char* text : {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1", "169.253.0.1", "172.15.0.1", "172.32.0.1",
                           "192.167.0.1", "192.169.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2606:4700::1111", "2a00:1450::1"})
    EXPECT_FALSE(denied(text)) << text << ": " << denied(text).value_or("");
}

TEST(EgressAddress, allowed_ranges_open_exactly_themselves) {
  const std::vector<AddressRange> allowed{*parse_range("10.1.0.0/16"), *parse_range("::1"), *parse_range("127.0.0.1")};
  for (const char* text : {"10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "::1", "127.0.0.1", "8.8.8.8"}) EXPECT_FALSE(denied(text, allowed)) << text;
  for (const char* text : {"10.2.0.1", "10.0.255.255", "127.0.0.2", "::2", "64:ff9b::a02:1"}) EXPECT_TRUE(denied(text, allowed)) << text;
  EXPECT_FALSE(denied("192.168.7.7", {*parse_range("0.0.0.0/0")}));
  EXPECT_TRUE(denied("fd00::1", {*parse_range("0.0.0.0/0")}));   // IPv4 only
}

TEST(EgressAddress, malformed_ranges_are_named) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "fd00::/129", "localhost", "10.0.0/8", "10.0.0.0/8/8", "1.2.3.4\n"}) {
    const auto range = parse_range(text);
    ASSERT_FALSE(range) << text;
    EXPECT_EQ(range.error().code, ErrorCode::invalid_input);
  }
  EXPECT_EQ(to_string(parse_range("10.0.0.0/8")->base), "10.0.0.0");
  EXPECT_EQ(parse_range("10.0.0.0/8")->bits, 104);
  EXPECT_EQ(to_string(*parse_address("fe80::1")), "fe80::1");
}

}  // namespace
}  // namespace phala::egress

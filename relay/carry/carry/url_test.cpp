#include <gtest/gtest.h>

#include "carry/net.hpp"

namespace phala::relay {
namespace {

TEST(RelayUrl, urls_are_read_or_refused_by_name) {
  const auto at = [](const char* url, const char* scheme) {
    const auto address = parse_url(url, scheme);
    return address ? address->host + "|" + address->port + "|" + address->path : address.error().message;
  };
  EXPECT_EQ(at("ws://127.0.0.1:9944", "ws"), "127.0.0.1|9944|");
  EXPECT_EQ(at("ws://node/rpc/", "ws"), "node|80|/rpc");
  EXPECT_EQ(at("ws://[::1]:1", "ws"), "::1|1|");
  EXPECT_NE(at("wss://node", "ws").find("scheme must be ws"), std::string::npos);
  EXPECT_NE(at("http://node", "ws").find("scheme must be ws"), std::string::npos);
  for (const char* url : {"", "ws://", "ws://node:99999", "ws://no de", "\n"}) EXPECT_FALSE(parse_url(url, "ws")) << url;
}

}  // namespace
}  // namespace phala::relay

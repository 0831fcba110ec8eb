#include "primitives/message.hpp"

#include <gtest/gtest.h>

#include "primitives/protocol.hpp"

namespace phala {
namespace {

TEST(MessageTest, topics_follow_the_first_byte_rule) {
  EXPECT_TRUE(is_valid_topic(as_bytes("phala/system/event")));
  EXPECT_TRUE(is_valid_topic(as_bytes("^phala/registry/event")));
  EXPECT_FALSE(is_valid_topic(as_bytes("/phala")));
  EXPECT_FALSE(is_valid_topic({}));
  EXPECT_TRUE(is_onchain_only(as_bytes("^x")));
}

TEST(MessageTest, the_log_root_depends_on_everything_a_leaf_says) {
  const Message base{MessageOrigin::pallet("PhalaRegistry"), to_bytes("phala/system/event"), {1, 2, 3}};
  const auto root = [](const Message& m, BlockNumber n = 1, u64 now = 5) { return next_message_root({}, n, now, {Leaf::of(m)}); };
  Message other = base;
  other.payload[0] = 9;
  EXPECT_NE(root(base), root(other));
  other = base;
  other.sender = origin::Gatekeeper{};
  EXPECT_NE(root(base), root(other));
  EXPECT_NE(root(base, 1), root(base, 2));
  EXPECT_NE(root(base, 1, 5), root(base, 1, 6));
}

TEST(HeaderTest, a_header_has_exactly_one_message_log) {
  Header header{};
  EXPECT_FALSE(message_log_of(header).has_value());
  const MessageLogDigest log{Hash(Bytes(32, 7)), 3000, 2};
  header.digest.logs.push_back(digest::Consensus{message_log_engine, scale::encode(log)});
  EXPECT_TRUE(*message_log_of(header) == log);
  header.digest.logs.push_back(header.digest.logs[0]);
  EXPECT_FALSE(message_log_of(header).has_value());
}

TEST(ProtocolTest, commands_encode_as_the_sdk_sends_them) {
  // docs/protocol.md §9.1: nonce 05×32, message cafe, transfer 0, gas 7, no deposit limit
  const protocol::CommandPayload payload = protocol::PlainCommand{protocol::InkCommand{protocol::InkMessage{Bytes(32, 5), {0xca, 0xfe}, 0, 7, {}}}};
  EXPECT_EQ(to_hex(scale::encode(payload)), "000080" + to_hex(Bytes(32, 5)) + "08cafe" + to_hex(Bytes(16, 0)) + "070000000000000000");
}

}  // namespace
}  // namespace phala

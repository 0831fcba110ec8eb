#include "core/log_server.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace phala::worker {
namespace {

using nlohmann::json;

LogRecord log(BlockNumber block, u8 contract, std::string message) {
  return record::Log{block, Hash(Bytes(32, contract)), Hash(Bytes(32, contract)), ExecMode::transaction, 5, 3, std::move(message)};
}
std::string hex(u8 contract) { return to_hex0x(Bytes(32, contract)); }
json ask(const LogRing& ring, const json& request) { return json::parse(answer_log_query(ring, request.dump())); }

TEST(LogServerTest, records_have_the_fields_the_sdk_reads) {
  LogRing ring(1 << 20);
  ring.append({log(7, 1, "hello"), record::Event{7, Hash(Bytes(32, 1)), {Hash(Bytes(32, 9))}, {1, 2}}, record::MessageOutput{8, Hash(Bytes(32, 3)), Hash(Bytes(32, 1)), {4}, {5}}});
  const json answer = ask(ring, {{"action", "GetLog"}});
  ASSERT_EQ(answer["records"].size(), 3u);
  EXPECT_EQ(answer["next"], 3);
  EXPECT_EQ(answer["records"][0], (json{{"sequence", 0}, {"type", "Log"}, {"blockNumber", 7}, {"contract", hex(1)}, {"entry", hex(1)}, {"execMode", "transaction"}, {"timestamp", 5}, {"level", 3}, {"message", "hello"}}));
  EXPECT_EQ(answer["records"][1], (json{{"sequence", 1}, {"type", "Event"}, {"blockNumber", 7}, {"contract", hex(1)}, {"topics", {hex(9)}}, {"payload", "0x0102"}}));
  EXPECT_EQ(answer["records"][2], (json{{"sequence", 2}, {"type", "MessageOutput"}, {"blockNumber", 8}, {"origin", hex(3)}, {"contract", hex(1)}, {"nonce", "0x04"}, {"output", "0x05"}}));
}

TEST(LogServerTest, tail_counts_over_all_contracts_before_the_filter) {
  LogRing ring(1 << 20);
  for (int i = 0; i < 20; ++i) ring.append({log(i, i % 2 ? 1 : 2, std::to_string(i))});
  const json tail = ask(ring, {{"action", "GetLog"}, {"from", -10}, {"count", 10}, {"contract", hex(1)}});
  ASSERT_EQ(tail["records"].size(), 5u);
  EXPECT_EQ(tail["records"][0]["sequence"], 11);
  const json head = ask(ring, {{"action", "GetLog"}, {"from", 0}, {"count", 3}, {"contract", hex(1)}});
  EXPECT_EQ(head["records"].size(), 3u);
  EXPECT_EQ(head["next"], 7);
  EXPECT_EQ(ask(ring, {{"action", "GetLog"}, {"from", -1000}})["records"].size(), 20u);
  EXPECT_EQ(ask(ring, {{"action", "GetLog"}, {"blockNumber", 4}})["records"].size(), 1u);
}

TEST(LogServerTest, the_ring_forgets_the_oldest_and_keeps_numbers) {
  LogRing ring(10'000);
  for (int i = 0; i < 200; ++i) ring.append({log(i, 1, std::string(100, 'x'))});
  EXPECT_LE(ring.bytes(), 10'000u);
  EXPECT_EQ(ring.next_sequence(), 200u);
  EXPECT_EQ(ring.records().back().sequence, 199u);
  EXPECT_GT(ring.records().front().sequence, 100u);
  EXPECT_TRUE(ask(ring, {{"action", "GetLog"}, {"from", 0}, {"count", 1}})["records"][0]["sequence"] == ring.records().front().sequence);
}

TEST(LogServerTest, a_record_over_the_limit_leaves_its_place) {
  LogRing ring(1 << 30);
  ring.append({log(1, 1, std::string(max_record_bytes, 'x'))});
  EXPECT_EQ(ask(ring, {{"action", "GetLog"}})["records"][0], (json{{"sequence", 0}, {"type", "TooLarge"}}));
}

TEST(LogServerTest, restored_records_keep_their_numbers_once) {
  LogRing before(1 << 20), after(1 << 20);
  const auto all = before.append({log(1, 1, "a"), log(2, 1, "b"), log(3, 1, "c")});
  EXPECT_TRUE(after.restore(all[0]));
  EXPECT_TRUE(after.restore(all[2]));
  EXPECT_FALSE(after.restore(all[2]));
  EXPECT_TRUE(after.restore(all[1]));
  EXPECT_EQ(after.next_sequence(), 3u);
  EXPECT_EQ(ask(after, {{"action", "GetLog"}}), ask(before, {{"action", "GetLog"}}));
}

TEST(LogServerTest, long_answers_are_cut_and_say_where_to_go_on) {
  LogRing ring(64 << 20);
  for (int i = 0; i < 60; ++i) ring.append({log(i, 1, std::string(200'000, 'x'))});
  const json first = ask(ring, {{"action", "GetLog"}});
  ASSERT_LT(first["records"].size(), 60u);
  const json rest = ask(ring, {{"action", "GetLog"}, {"from", first["next"]}});
  EXPECT_EQ(rest["records"][0]["sequence"], first["next"]);
}

TEST(LogServerTest, bad_questions_get_an_error_text) {
  LogRing ring(1000);
  for (const char* bad : {"", "{", "[]", "7", "{}", R"({"action":5})", R"({"action":"Burn"})", R"({"action":"GetLog","from":"x"})", R"({"action":"GetLog","contract":7})",
                          R"({"action":"GetLog","count":1.5})", "{\"action\":\"\xff\"}"})
    EXPECT_TRUE(json::parse(answer_log_query(ring, bad)).contains("error")) << bad;
  EXPECT_EQ(ask(ring, {{"action", "GetLog"}, {"from", INT64_MIN}})["records"].size(), 0u);
  EXPECT_EQ(ask(ring, {{"action", "GetInfo"}})["nextSequence"], 0);
}

}  // namespace
}  // namespace phala::worker

#include "core/log_server.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/result.hpp"

namespace phala::worker {
namespace {

using nlohmann::json;

LogRecord log(BlockNumber block, u8 contract, std::string message) {
  return record::Log{block, Hash(Bytes(32, contract)), Hash(Bytes(32, contract)), ExecMode::transaction, 5, 3, std::move(message)};
}
std::string hex(u8 contract) { return to_hex0x(Bytes(32, contract)); }
const AccountId nobody(Bytes(32, 0xee));
json ask(const LogRing& ring, const json& request, const AccountId& asker = nobody) { return json::parse(answer_log_query(ring.view(), request.dump(), asker)); }

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
  const LogView view = ring.view();
  const u64 oldest = view.parts.front().records.front().sequence;
  EXPECT_EQ(view.parts.back().records.back().sequence, 199u);
  EXPECT_GT(oldest, 100u);
  EXPECT_EQ(view.records, 200 - oldest);
  EXPECT_TRUE(ask(ring, {{"action", "GetLog"}, {"from", 0}, {"count", 1}})["records"][0]["sequence"] == oldest);
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

TEST(LogServerTest, records_come_back_in_any_order) {
  // what a crash left in two places: every order of restoring gives the same ring
  LogRing whole(1 << 24);
  const auto all = whole.append(std::vector<LogRecord>(2000, log(1, 1, "x")));
  for (const size_t step : {7u, 251u, 1999u}) {
    LogRing ring(1 << 24);
    EXPECT_TRUE(ring.restore(all[0]));
    for (size_t i = step; i != 0; i = (i + step) % 2000) EXPECT_TRUE(ring.restore(all[i])) << i;
    EXPECT_EQ(ring.view().records, 2000u);
    EXPECT_EQ(ring.bytes(), whole.bytes());
    u64 next = 0;
    ring.view().for_each(0, [&](const NumberedRecord& record) { return record.sequence == next++; });
    EXPECT_EQ(next, 2000u);
  }
}

TEST(LogServerTest, a_view_does_not_change_while_the_ring_does) {
  LogRing ring(100'000);
  for (int i = 0; i < 300; ++i) ring.append({log(i, 1, std::to_string(i))});
  const LogView view = ring.view();
  const json before = json::parse(answer_log_query(view, R"({"action":"GetLog"})", nobody));
  for (int i = 300; i < 3000; ++i) ring.append({log(i, 1, std::to_string(i))});   // more than it holds: what the view shows is forgotten
  EXPECT_GT(ring.view().parts.front().records.front().sequence, 300u);
  EXPECT_EQ(json::parse(answer_log_query(view, R"({"action":"GetLog"})", nobody)), before);
}

TEST(LogServerTest, one_question_searches_so_far_and_no_further) {
  LogRing ring(64 << 20);
  std::vector<LogRecord> many(max_scanned_records + 10, log(1, 2, "x"));
  many.push_back(log(2, 1, "the one"));
  ring.append(many);
  const json first = ask(ring, {{"action", "GetLog"}, {"contract", hex(1)}});
  EXPECT_EQ(first["records"].size(), 0u);
  EXPECT_EQ(first["next"], max_scanned_records);
  const json rest = ask(ring, {{"action", "GetLog"}, {"contract", hex(1)}, {"from", first["next"]}});
  ASSERT_EQ(rest["records"].size(), 1u);
  EXPECT_EQ(rest["next"], ring.next_sequence());
  EXPECT_EQ(ask(ring, {{"action", "GetLog"}, {"count", 1 << 30}})["records"].size(), max_answer_records);
}

TEST(LogServerTest, contracts_are_told_apart_by_their_bytes) {
  LogRing ring(1 << 20);
  ring.append({log(1, 0xab, "a"), log(2, 2, "b")});
  EXPECT_EQ(ask(ring, {{"action", "GetLog"}, {"contract", "0x" + to_hex(Bytes(32, 0xab))}})["records"].size(), 1u);
  EXPECT_EQ(ask(ring, {{"action", "GetLog"}, {"contract", "0xABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB"}})["records"].size(), 1u);
  EXPECT_EQ(ask(ring, {{"action", "GetLog"}, {"contract", ""}})["records"].size(), 2u);
  for (const char* other : {"0xab", "no hex", "0x"}) EXPECT_EQ(ask(ring, {{"action", "GetLog"}, {"contract", other}})["records"].size(), 0u) << other;
}

TEST(LogServerTest, what_an_encrypted_command_returned_is_its_senders) {
  const AccountId sender(Bytes(32, 3));
  const Bytes nonce(32, 7);
  engine::ContractResult result;
  result.gas_consumed = {{123456}, {0}};
  result.storage_deposit = engine::Charge{77};
  result.result = engine::ReturnValue{engine::flag_revert, to_bytes("the secret"), {}};
  const Bytes output = concat(result.encode(), Bytes{0xca, 0xfe, 0xba, 0xbe});
  LogRing ring(1 << 20);
  ring.append({record::MessageOutput{8, sender.as<Hash>(), Hash(Bytes(32, 1)), nonce, output, true}, record::MessageOutput{8, sender.as<Hash>(), Hash(Bytes(32, 1)), nonce, output, false}});
  const auto seen = [&](const json& request, const AccountId& asker, size_t i = 0) { return ask(ring, request, asker)["records"][i]; };
  const json plain_request{{"action", "GetLog"}};
  for (const json& whole : {seen(plain_request, sender), seen({{"action", "GetLog"}, {"nonce", to_hex0x(nonce)}}, nobody), seen(plain_request, nobody, 1)}) {
    EXPECT_EQ(whole["output"], to_hex0x(output));
    EXPECT_EQ(whole["nonce"], to_hex0x(nonce));
  }
  for (const json& request : {plain_request, json{{"action", "GetLog"}, {"nonce", to_hex0x(Bytes(32, 8))}}, json{{"action", "GetLog"}, {"nonce", "0x"}}}) {
    const json shown = seen(request, nobody);
    EXPECT_EQ(shown["nonce"], "0x");
    EXPECT_EQ(shown["origin"], to_hex0x(sender));
    const Bytes raw = *from_hex(shown["output"].get<std::string>());
    EXPECT_EQ(to_hex(raw).find(to_hex(to_bytes("the secret"))), std::string::npos);
    EXPECT_EQ(to_hex(raw).find("cafebabe"), std::string::npos);
    // what the SDK waits for is still there: how it ended
    const auto ending = engine::decode_call_result(ByteView(raw).first(raw.size() - 4));
    ASSERT_TRUE(ending.has_value());
    ASSERT_TRUE(ending->result.has_value());
    EXPECT_TRUE(ending->result->reverted());
    EXPECT_EQ(ending->result->data, Bytes{1});   // Err
    EXPECT_EQ(ending->gas_consumed.ref_time.value, 0u);
  }
  // a short nonce opens nothing
  ring.append({record::MessageOutput{9, sender.as<Hash>(), Hash(Bytes(32, 1)), {1}, output, true}});
  EXPECT_EQ(seen({{"action", "GetLog"}, {"nonce", "0x01"}, {"from", 2}}, nobody)["nonce"], "0x");
}

TEST(LogServerTest, bad_questions_get_an_error_text) {
  LogRing ring(1000);
  for (const char* bad : {"", "{", "[]", "7", "{}", R"({"action":5})", R"({"action":"Burn"})", R"({"action":"GetLog","from":"x"})", R"({"action":"GetLog","contract":7})",
                          R"({"action":"GetLog","count":1.5})", R"({"action":"GetLog","nonce":"xyz"})", "{\"action\":\"\xff\"}"})
    EXPECT_TRUE(json::parse(answer_log_query(ring.view(), bad, nobody)).contains("error")) << bad;
  EXPECT_EQ(ask(ring, {{"action", "GetLog"}, {"from", INT64_MIN}})["records"].size(), 0u);
  EXPECT_EQ(ask(ring, {{"action", "GetInfo"}})["nextSequence"], 0);
}

}  // namespace
}  // namespace phala::worker

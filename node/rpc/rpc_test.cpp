// The table of methods and the hub, on a real chain in a temporary folder, without sockets: messages go in and out as text.
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "crypto/hash.hpp"
#include "light/light.hpp"
#include "rpc/author.hpp"
#include "rpc/phala.hpp"
#include "rpc/state.hpp"
#include "rpc/table.hpp"
#include "runtime/test_chain.hpp"
#include "trie/proof.hpp"

namespace phala::rpc {
namespace {
namespace fs = std::filesystem;
using Json = nlohmann::json;
using runtime::RuntimeCall;
using runtime::testing::pair_of;

/// The other end of a connection: keeps what was sent.
class Listener final : public http::WebSocket {
 public:
  explicit Listener(u64 id) : id_(id) {}
  u64 id() const override { return id_; }
  const std::string& remote() const override { return remote_; }
  bool send(std::string text) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !stuck_; });
    if (closed_) return false;
    heard_.push_back(Json::parse(text));
    changed_.notify_all();
    return true;
  }
  size_t queued() const override { return 0; }
  /// While it is stuck, `send` does not return.
  void stick(bool stuck) {
    const std::lock_guard lock(mutex_);
    stuck_ = stuck;
    changed_.notify_all();
  }
  bool closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  void close(u16, std::string) override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  /// The n-th thing heard; waits for it.
  Json at(size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return heard_.size() > n; });
    return n < heard_.size() ? heard_[n] : Json("nothing came");
  }
  size_t size() {
    const std::lock_guard lock(mutex_);
    return heard_.size();
  }

 private:
  const u64 id_;
  const std::string remote_ = "test";
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> heard_;
  bool closed_ = false, stuck_ = false;
};

class RpcTest : public ::testing::Test {
 protected:
  RpcTest() {
    signer.genesis_hash = chain->view()->genesis;   // the test chain leaves state roots out
    admission.on_event([this](const node::PoolEvent& event) { hub.transaction_event(event); });
    producer.start();
    policy.unsafe_allowed = true;
  }
  ~RpcTest() override {
    producer.stop();
    fs::remove_all(path);
  }
  static runtime::ChainSpec spec_of(const crypto::Ed25519Pair& sealer) {
    auto spec = runtime::testing::test_spec();
    spec.sealer = sealer.public_key;
    return spec;
  }
  std::string raw(std::string_view text) {
    auto outcome = Message::parse(text, policy).run(node, listener, policy, call_metrics);
    for (const auto& after : outcome.after) after();
    return outcome.text;
  }
  using Params = std::vector<Json>;
  static Json list(const std::vector<Json>& items) { return Json(items); }
  Json named(const std::string& method, Json params) {
    return Json::parse(raw(Json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}}.dump()));
  }
  Json ask(const std::string& method, const Params& params = {}) { return named(method, Json(params)); }
  Json result(const std::string& method, const Params& params = {}) {
    auto answer = ask(method, params);
    EXPECT_TRUE(answer.contains("result")) << method << ": " << answer.dump();
    return answer["result"];
  }
  /// A call as methods see it: with so much room for its answer, and in time or too late.
  Call call_with(size_t max_response_bytes, bool in_time = true) {
    return {node, chain->view(), {std::chrono::steady_clock::now() + std::chrono::seconds(in_time ? 60 : -1)}, listener, max_response_bytes, true};
  }
  int error(const std::string& method, const Params& params = {}) {
    const auto answer = ask(method, params);
    return answer.contains("error") ? answer["error"]["code"].get<int>() : 0;
  }
  Bytes transfer(u32 nonce, u128 amount = 5 * runtime::Balances::pha, u128 tip = 0) {
    return signer.sign(pair_of("//Alice"), RuntimeCall::of<runtime::Balances>(runtime::Balances::TransferKeepAlive{pair_of("//Bob").account(), {amount}}), nonce, tip);
  }

  std::string path = (fs::temp_directory_path() / ("phala-rpc-test-" + std::to_string(::getpid()))).string();
  crypto::Ed25519Pair sealer = crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  runtime::ChainSpec spec = spec_of(sealer);
  runtime::testing::TestChain signer{spec};
  Metrics metrics;
  CpuPool cpu{2, 100};
  std::atomic<u64> now = 1'700'000'000'000;
  std::unique_ptr<node::Chain> chain = std::move(*node::Chain::open(path, {}, spec));
  node::Admission admission{*chain, cpu, {}, [this] { return now.load(); }, metrics};
  Hub hub{*chain, {.per_connection = 3, .key_bytes_per_connection = 200'000, .notification_bytes = 1 << 20, .finalized_after_ms = 1}, metrics};
  node::Producer producer{*chain, admission, crypto::Ed25519Pair::from_seed(sealer.seed), {100, node::BuildMode::manual}, [this] { return now += 1000; }, metrics, [](const Error& e) { FAIL() << e.text(); }};
  Node node{{"phala-node", "0.1.0", spec, {"Authority"}, peer_id_of(sealer.public_key)}, *chain, admission, &producer, hub, cpu};
  CallMetrics call_metrics{metrics};
  Policy policy;
  std::shared_ptr<Listener> listener = std::make_shared<Listener>(1);
};

TEST_F(RpcTest, what_a_client_asks_on_connecting) {
  EXPECT_EQ(result("chain_getBlockHash", {0}), to_hex0x(chain->view()->genesis));
  EXPECT_EQ(result("system_chain"), "Test");
  EXPECT_EQ(result("system_properties").dump(), R"({"ss58Format":30,"tokenDecimals":12,"tokenSymbol":"PHA"})");
  const auto version = result("state_getRuntimeVersion");
  for (const char* field : {"specName", "implName", "authoringVersion", "specVersion", "implVersion", "apis", "transactionVersion", "stateVersion"}) EXPECT_TRUE(version.contains(field)) << field;
  EXPECT_EQ(version["apis"][0][0].get<std::string>().size(), 18u);
  EXPECT_TRUE(result("state_getMetadata").get<std::string>().starts_with("0x6d6574610e"));
  const auto names = result("rpc_methods")["methods"];
  for (const char* name : {"chain_subscribeNewHeads", "chain_subscribeNewHead", "state_queryStorageAt", "author_unwatchExtrinsic", "dev_newBlock", "pha_getMqNextSequence", "phala_headers"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  EXPECT_TRUE(result("system_localPeerId").get<std::string>().starts_with("12D3KooW"));
  EXPECT_EQ(result("system_health").dump(), R"({"isSyncing":false,"peers":0,"shouldHavePeers":false})");
}

TEST_F(RpcTest, parameters_by_position_and_by_name_and_wrong_ones_by_name) {
  EXPECT_EQ(named("chain_getBlockHash", {{"number", 0}})["result"], to_hex0x(chain->view()->genesis));
  EXPECT_EQ(result("chain_getBlockHash", {"0x0"}), to_hex0x(chain->view()->genesis));
  EXPECT_EQ(result("chain_getBlockHash", {list({0, "0x0", 9})})[2], nullptr);
  EXPECT_EQ(result("chain_getBlockHash", {nullptr}), to_hex0x(chain->view()->hash));
  const auto missing = ask("state_getStorage");
  EXPECT_EQ(missing["error"]["code"], code::invalid_params);
  EXPECT_EQ(missing["error"]["data"], "parameter 'key' is missing");
  EXPECT_EQ(ask("chain_getHeader", {"0x12"})["error"]["data"], "parameter 'hash': expected 32 bytes, got 1");
  EXPECT_EQ(ask("state_queryStorageAt", {list({"0x00", "zz"})})["error"]["data"], "parameter 'keys': item 1: expected hex with 0x");
  EXPECT_EQ(error("chain_getHeader", {nullptr, 1}), code::invalid_params);
  EXPECT_EQ(error("system_accountNextIndex", {"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"}), code::invalid_params) << "a wrong checksum";
  EXPECT_EQ(error("phala_headers", {-1, 1}), code::invalid_params);
}

TEST_F(RpcTest, malformed_messages_get_the_codes_of_the_standard) {
  const auto code_of = [&](std::string_view text) { return Json::parse(raw(text))["error"]["code"].get<int>(); };
  EXPECT_EQ(code_of("{"), code::parse_error);
  EXPECT_EQ(code_of("\xff"), code::parse_error);
  EXPECT_EQ(code_of("7"), code::invalid_request);
  EXPECT_EQ(code_of("[]"), code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"1.0","id":1,"method":"system_name"})"), code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":[1],"method":"system_name"})"), code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"system_name","params":7})"), code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"no_such"})"), code::method_not_found);
  EXPECT_EQ(code_of(std::string(1000, '[')), code::invalid_request);
  EXPECT_EQ(raw(R"({"jsonrpc":"2.0","method":"system_name"})"), "") << "a notification gets no answer";
  EXPECT_EQ(raw(R"({"jsonrpc":"2.0","id":"a\"b","method":"system_name"})"), R"({"jsonrpc":"2.0","id":"a\"b","result":"phala-node"})");
  EXPECT_EQ(raw(R"({"jsonrpc":"2.0","id":null,"method":"system_name"})"), R"({"jsonrpc":"2.0","id":null,"result":"phala-node"})");
}

TEST_F(RpcTest, batches_answer_each_call_and_are_bounded) {
  const auto answers = Json::parse(raw(R"([{"jsonrpc":"2.0","id":1,"method":"system_name"},{"jsonrpc":"2.0","method":"system_name"},5,{"jsonrpc":"2.0","id":2,"method":"nope"}])"));
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0]["result"], "phala-node");
  EXPECT_EQ(answers[1]["error"]["code"], code::invalid_request);
  EXPECT_EQ(answers[2]["error"]["code"], code::method_not_found);
  EXPECT_EQ(raw(R"([{"jsonrpc":"2.0","method":"system_name"}])"), "");
  Json many = Json::array();
  for (size_t i = 0; i <= policy.max_batch; ++i) many.push_back({{"jsonrpc", "2.0"}, {"id", i}, {"method", "system_name"}});
  EXPECT_EQ(Json::parse(raw(many.dump()))["error"]["code"], code::batch_too_long);
  policy.max_response_bytes = 200;
  many.erase(10);
  const auto bounded = Json::parse(raw(Json(std::vector<Json>(many.begin(), many.begin() + 10)).dump()));
  EXPECT_EQ(bounded[0]["result"], "phala-node");
  EXPECT_EQ(bounded[9]["error"]["code"], code::response_too_big);
}

TEST_F(RpcTest, unsafe_and_development_methods_follow_the_policy) {
  policy.unsafe_allowed = false;
  EXPECT_EQ(error("dev_newBlock"), code::method_not_found);
  EXPECT_EQ(error("state_getPairs", {"0x"}), code::method_not_found);
  EXPECT_EQ(error("state_subscribeStorage"), code::method_not_found);
  policy.unsafe_allowed = true;
  EXPECT_EQ(error("state_getPairs", {"0x"}), 0);
  node.info.spec.development = false;
  EXPECT_EQ(error("dev_newBlock"), code::method_not_found);
  const auto names = result("rpc_methods")["methods"].dump();
  EXPECT_EQ(names.find("dev_"), names.npos);
}

TEST_F(RpcTest, a_call_that_waited_too_long_is_not_run) {
  policy.deadline_ms = 0;
  EXPECT_EQ(error("system_name"), code::busy);
  auto message = Message::parse(R"([{"jsonrpc":"2.0","id":4,"method":"system_name"},{"jsonrpc":"2.0","method":"system_name"}])", policy);
  const auto refused = Json::parse(std::move(message).too_busy());
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0]["id"], 4);
  EXPECT_EQ(refused[0]["error"]["code"], code::busy);
}

TEST_F(RpcTest, submitted_transactions_are_watched_to_their_end) {
  const Bytes xt = transfer(0);
  const auto id = result("author_submitAndWatchExtrinsic", {to_hex0x(xt)});
  EXPECT_EQ(listener->at(0)["params"]["subscription"], id);
  EXPECT_EQ(listener->at(0)["method"], "author_extrinsicUpdate");
  EXPECT_EQ(listener->at(0)["params"]["result"], "ready");
  EXPECT_EQ(error("author_submitExtrinsic", {to_hex0x(xt)}), code::already_imported);
  EXPECT_EQ(result("author_pendingExtrinsics"), list({to_hex0x(xt)}));
  const auto block = result("dev_newBlock");
  EXPECT_EQ(listener->at(1)["params"]["result"], (Json{{"inBlock", block}}));
  EXPECT_EQ(listener->at(2)["params"]["result"], (Json{{"finalized", block}}));
  EXPECT_EQ(hub.size(), 0u) << "its story is over";
  const auto body = result("chain_getBlock", {block});
  EXPECT_EQ(body["block"]["extrinsics"][1], to_hex0x(xt));
  EXPECT_EQ(body["justifications"][0][0].dump(), "[112,104,102,110]");
  EXPECT_EQ(error("author_submitExtrinsic", {to_hex0x(xt)}), code::invalid_transaction);
  EXPECT_EQ(error("author_submitExtrinsic", {"0x1234"}), code::bad_format);
  EXPECT_EQ(error("author_submitExtrinsic", {"0x1234"}), code::temporarily_banned);
  Bytes forged = transfer(1);
  forged.back() ^= 1;
  EXPECT_EQ(error("author_submitExtrinsic", {to_hex0x(forged)}), code::invalid_transaction);
}

TEST_F(RpcTest, replacement_tells_the_loser_and_needs_more_priority) {
  result("author_submitAndWatchExtrinsic", {to_hex0x(transfer(0))});
  EXPECT_EQ(error("author_submitExtrinsic", {to_hex0x(transfer(0, 6))}), code::too_low_priority);
  const Bytes better = transfer(0, 7, runtime::Balances::pha);
  EXPECT_EQ(result("author_submitExtrinsic", {to_hex0x(better)}), to_hex0x(crypto::blake2_256(better)));
  EXPECT_EQ(listener->at(1)["params"]["result"], (Json{{"usurped", to_hex0x(crypto::blake2_256(better))}}));
  EXPECT_EQ(result("author_removeExtrinsic", {Json::array({Json{{"hash", to_hex0x(crypto::blake2_256(better))}}})}).size(), 1u);
  EXPECT_EQ(result("author_pendingExtrinsics").size(), 0u);
}

TEST_F(RpcTest, next_index_counts_what_waits_without_a_gap) {
  const auto alice = crypto::to_ss58(pair_of("//Alice").account());
  result("author_submitExtrinsic", {to_hex0x(transfer(1))});
  EXPECT_EQ(result("system_accountNextIndex", {alice}), 0);
  result("author_submitExtrinsic", {to_hex0x(transfer(0))});
  EXPECT_EQ(result("system_accountNextIndex", {alice}), 2);
  result("dev_newBlock");
  EXPECT_EQ(result("system_accountNextIndex", {alice}), 2);
}

TEST_F(RpcTest, heads_and_storage_are_told_once_each_in_order_after_they_can_be_read) {
  const auto heads = result("chain_subscribeNewHead");
  EXPECT_EQ(listener->at(0)["params"]["result"]["number"], "0x0");
  EXPECT_EQ(listener->at(0)["method"], "chain_newHead");
  const std::string key = to_hex0x(Bytes(20, 5));
  result("state_subscribeStorage", {list({key, "0x0102"})});
  EXPECT_EQ(listener->at(1)["params"]["result"]["changes"], list({list({"0x0102", nullptr}), list({key, nullptr})}));
  const auto block = result("dev_setStorage", {list({list({key, "0xaa"})})});
  EXPECT_EQ(result("state_getStorage", {key}), "0xaa");
  std::set<std::string> methods;
  for (size_t i = 2; i < 4; ++i) {
    const auto note = listener->at(i);
    methods.insert(note["method"]);
    if (note["method"] == "state_storage") {
      EXPECT_EQ(note["params"]["result"]["block"], block);
      EXPECT_EQ(note["params"]["result"]["changes"], list({list({key, "0xaa"})})) << "only what changed";
    } else {
      EXPECT_EQ(note["params"]["result"]["number"], "0x1");
    }
  }
  EXPECT_EQ(methods.size(), 2u);
  result("dev_newBlock");
  EXPECT_EQ(listener->at(4)["method"], "chain_newHead");
  EXPECT_EQ(result("chain_unsubscribeNewHeads", {heads}), true);
  EXPECT_EQ(result("chain_unsubscribeNewHeads", {heads}), false);
  result("dev_newBlock");
  hub.settle();
  EXPECT_EQ(listener->size(), 5u);
}

TEST_F(RpcTest, subscriptions_are_bounded_and_end_with_their_connection) {
  for (int i = 0; i < 3; ++i) result("chain_subscribeAllHeads");
  EXPECT_EQ(error("chain_subscribeAllHeads"), code::too_many_subscriptions);
  EXPECT_EQ(hub.size(), 3u);
  hub.close_all(listener->id());
  EXPECT_EQ(hub.size(), 0u);
  // a connection that ended while its request was running
  result("chain_subscribeFinalizedHeads");
  listener->close(1000, "");
  result("dev_newBlock");
  hub.settle();
  EXPECT_EQ(hub.size(), 0u);
  EXPECT_EQ(raw(R"({"jsonrpc":"2.0","method":"chain_subscribeNewHeads"})"), "");
  EXPECT_EQ(hub.size(), 0u) << "nobody could end a subscription whose name nobody has heard";
  const auto over_http = Message::parse(R"({"jsonrpc":"2.0","id":1,"method":"chain_subscribeNewHeads"})", policy).run(node, nullptr, policy, call_metrics);
  EXPECT_EQ(Json::parse(over_http.text)["error"]["code"], code::method_not_found);
}

TEST_F(RpcTest, state_is_paged_proved_and_remembered) {
  const auto before = result("chain_getBlockHash");
  Json values = Json::array();
  for (int i = 0; i < 25; ++i) values.push_back(list({to_hex0x(concat(Bytes(16, 9), be_bytes(static_cast<u32>(i)))), to_hex0x(Bytes(40, static_cast<u8>(i)))}));
  result("dev_setStorage", {values});
  const auto prefix = to_hex0x(Bytes(16, 9));
  std::vector<std::string> keys;
  std::string start = prefix;
  for (;;) {
    const auto page = result("state_getKeysPaged", {prefix, 10, start});
    for (const auto& key : page) keys.push_back(key);
    if (page.size() < 10) break;
    start = keys.back();
  }
  EXPECT_EQ(keys.size(), 25u);
  EXPECT_EQ(result("state_getKeysPaged", {prefix, 10, nullptr, before}).size(), 0u);
  EXPECT_EQ(error("state_getKeysPaged", {prefix, 1001}), code::count_too_large);
  EXPECT_EQ(result("state_getPairs", {prefix})[24][1], to_hex0x(Bytes(40, 24)));
  EXPECT_EQ(result("state_getStorageSize", {prefix}), 25 * 40);
  EXPECT_EQ(result("state_getStorageHash", {keys[3]}), to_hex0x(crypto::blake2_256(Bytes(40, 3))));
  EXPECT_EQ(result("state_queryStorageAt", {list({keys[1]}), before})[0]["changes"][0][1], nullptr);
  const auto history = result("state_queryStorage", {list({keys[1]}), before});
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[1]["changes"][0][1], to_hex0x(Bytes(40, 1)));
  const auto proof = result("state_getReadProof", {list({keys[7]})});
  std::vector<Bytes> nodes;
  for (const auto& one : proof["proof"]) nodes.push_back(*from_hex(one.get<std::string>()));
  const auto header = chain->view()->header;
  const Bytes key = *from_hex(keys[7]);
  const auto proved = trie::verify_proof(header.state_root, nodes, key);
  ASSERT_TRUE(proved.has_value());
  EXPECT_EQ(*proved, Bytes(40, 7));
  EXPECT_EQ(error("state_getStorage", {"0x00", to_hex0x(Hash{})}), code::unknown_block);
}

TEST_F(RpcTest, what_collects_stops_at_its_limits) {
  const Bytes large(2 << 20, 7), first(20, 1), second(20, 2);
  const auto before = chain->view()->hash;
  producer.new_block({}, {{first, large}, {second, large}}).value();
  StateDiff many;
  for (u32 i = 0; i < 300; ++i) many[concat(Bytes(16, 9), be_bytes(i))] = Bytes(100, 3);
  producer.new_block({}, many).value();
  // the same key a thousand times is one
  const Json same = Json(std::vector<Json>(1000, to_hex0x(first)));
  for (const auto& answer : {result("state_queryStorageAt", {same}), result("state_queryStorage", {same, to_hex0x(chain->view()->hash)})}) {
    ASSERT_EQ(answer.size(), 1u);
    ASSERT_EQ(answer[0]["changes"].size(), 1u);
    EXPECT_EQ(answer[0]["changes"][0][1].get_ref<const std::string&>().size(), 2 + 2 * large.size());
  }
  const auto ordered = result("state_queryStorageAt", {list({"0x02", "0x01", "0x02"})})[0]["changes"];
  EXPECT_EQ(ordered, list({list({"0x02", nullptr}), list({"0x01", nullptr})}));

  const auto code_of = [](const auto& answer) { return answer ? 0 : answer.error().code; };
  const std::vector<Bytes> keys{first, second};
  const Bytes prefix(16, 9);
  const auto small = call_with(1000);
  EXPECT_EQ(code_of(StateQueryStorageAt::call(small, {keys, {}})), code::response_too_big);
  EXPECT_EQ(code_of(StateQueryStorage::call(small, {keys, before, {}})), code::response_too_big);
  EXPECT_EQ(code_of(StateGetReadProof::call(small, {keys, {}})), code::response_too_big);
  EXPECT_EQ(code_of(StateGetKeys::call(small, {prefix, {}})), code::response_too_big);
  EXPECT_EQ(code_of(StateGetPairs::call(small, {prefix, {}})), code::response_too_big);
  EXPECT_EQ(code_of(StateSubscribeStorage::call(small, {keys})), code::response_too_big);
  EXPECT_EQ(hub.size(), 0u);
  // one value more than fits is one too many
  EXPECT_EQ(code_of(StateQueryStorageAt::call(call_with(5 << 20), {keys, {}})), code::response_too_big);
  EXPECT_EQ(code_of(StateQueryStorageAt::call(call_with(9 << 20), {keys, {}})), 0);
  const auto late = call_with(SIZE_MAX, false);
  EXPECT_EQ(code_of(StateQueryStorageAt::call(late, {keys, {}})), code::busy);
  EXPECT_EQ(code_of(StateQueryStorage::call(late, {keys, before, {}})), code::busy);
  EXPECT_EQ(code_of(StateGetReadProof::call(late, {keys, {}})), code::busy);
  EXPECT_EQ(code_of(StateGetKeys::call(late, {prefix, {}})), code::busy);
  EXPECT_EQ(code_of(StateGetKeysPaged::call(late, {prefix, 1000, {}, {}})), code::busy);
  EXPECT_EQ(code_of(StateGetPairs::call(late, {prefix, {}})), code::busy);
  EXPECT_EQ(code_of(StateGetStorageSize::call(late, {prefix, {}})), code::busy);
  EXPECT_EQ(code_of(StateSubscribeStorage::call(late, {keys})), code::busy);
  EXPECT_EQ(code_of(PhalaHeaders::call(late, {0, 10})), code::busy);
}

TEST_F(RpcTest, what_must_be_answered_whole_is_answered_beyond_the_limit) {
  std::vector<Json> sent;
  for (u32 nonce = 0; nonce < 20; ++nonce) {
    sent.push_back(to_hex0x(transfer(nonce)));
    result("author_submitExtrinsic", {sent.back()});
  }
  policy.max_response_bytes = 2000;
  EXPECT_EQ(result("author_pendingExtrinsics"), Json(sent)) << "a pool may be larger than other answers";
  const auto push = [&](u32 nonce) { return signer.sign(pair_of("//Charlie"), RuntimeCall::of<runtime::Mq>(runtime::Mq::PushMessage{to_bytes("phala/x"), Bytes(100'000)}), nonce); };
  for (u32 nonce = 0; nonce < 2; ++nonce) producer.new_block({push(nonce)}).value();
  const auto logs = *scale::decode<std::vector<BlockMessages>>(*from_hex(result("phala_messages", {1, 2}).get<std::string>()));
  EXPECT_EQ(logs.at(0).payloads.at(0)->size(), 100'000u);
  EXPECT_EQ(error("chain_getBlock"), code::response_too_big);
  // but a batch cannot multiply it
  Json batch = Json::array();
  for (int i = 0; i < 3; ++i) batch.push_back({{"jsonrpc", "2.0"}, {"id", i}, {"method", "phala_messages"}, {"params", {1, 1}}});
  batch.push_back({{"jsonrpc", "2.0"}, {"id", 3}, {"method", "state_getMetadata"}});
  EXPECT_EQ(Json::parse(raw(batch.dump()))[3]["error"]["code"], code::response_too_big);
  EXPECT_GE(PhalaMessages::answer_bytes(node), 4 * pallets::max_block_message_bytes);
  EXPECT_GE(AuthorPendingExtrinsics::answer_bytes(node), 2 * admission.limits().ready_bytes);
}

TEST_F(RpcTest, storage_keys_of_a_connection_are_bounded) {
  Json keys = Json::array();
  for (u32 i = 0; i < 40; ++i) keys.push_back(to_hex0x(concat(Bytes(2000, 1), be_bytes(i))));
  const auto first = result("state_subscribeStorage", {keys});
  result("state_subscribeStorage", {keys});
  const auto full = ask("state_subscribeStorage", {keys});
  EXPECT_EQ(full["error"]["code"], code::too_many_subscriptions);
  EXPECT_NE(full["error"]["data"].get<std::string>().find("200000 bytes of storage keys"), std::string::npos) << full.dump();
  EXPECT_EQ(result("state_unsubscribeStorage", {first}), true);
  result("state_subscribeStorage", {keys});
  EXPECT_EQ(error("state_subscribeStorage", {list({to_hex0x(Bytes(max_state_key_bytes + 1))})}), code::invalid_params);
  hub.close_all(listener->id());
  result("state_subscribeStorage", {list({to_hex0x(Bytes(max_state_key_bytes))})});
  EXPECT_EQ(hub.size(), 1u);
}

TEST_F(RpcTest, blocks_do_not_wait_for_who_is_told_of_them) {
  const Bytes key(20, 5);
  result("chain_subscribeNewHeads");
  result("state_subscribeStorage", {list({to_hex0x(key), "0x77"})});
  const size_t before = 2;
  listener->stick(true);
  constexpr u32 count = 200;
  for (u32 i = 1; i <= count; ++i) producer.new_block({}, {{key, to_bytes(be_bytes(i))}}).value();
  EXPECT_EQ(chain->view()->number(), count) << "nobody has heard of one of them yet";
  listener->stick(false);
  hub.settle();
  std::vector<std::string> heads, values;
  for (size_t i = before; i < listener->size(); ++i) {
    const auto note = listener->at(i);
    if (note["method"] == "chain_newHead") heads.push_back(note["params"]["result"]["number"]);
    else values.push_back(note["params"]["result"]["changes"][0][1]);
  }
  ASSERT_EQ(heads.size(), count) << "every header is told";
  for (u32 i = 0; i < count; ++i) EXPECT_EQ(heads[i], json(NumberOrHex{i + 1}).substr(1, heads[i].size()));
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  EXPECT_EQ(values.front(), to_hex0x(be_bytes(u32{1})));
  EXPECT_EQ(values.back(), to_hex0x(be_bytes(count)));
  EXPECT_LT(values.size(), 80u) << "what waits too long is told together";
}

TEST_F(RpcTest, who_would_be_told_too_much_at_once_loses_the_connection) {
  const Bytes key(20, 5);
  result("state_subscribeStorage", {list({to_hex0x(key)})});
  producer.new_block({}, {{key, Bytes(400'000)}}).value();
  hub.settle();
  EXPECT_EQ(listener->size(), 2u);
  producer.new_block({}, {{key, Bytes(600'000)}}).value();
  hub.settle();
  EXPECT_TRUE(listener->closed());
  EXPECT_EQ(hub.size(), 0u);
}

TEST_F(RpcTest, a_node_that_makes_no_blocks_has_no_methods_to_make_them) {
  node.producer = nullptr;
  EXPECT_EQ(error("dev_newBlock"), code::method_not_found);
  EXPECT_EQ(error("dev_setStorage", {list({list({"0x01", "0x01"})})}), code::method_not_found);
  EXPECT_EQ(result("rpc_methods").dump().find("dev_"), std::string::npos);
  node.info.roles = {"Full"};
  node.info.peer_id = "12D3KooWother";
  EXPECT_EQ(result("system_nodeRoles"), list({"Full"}));
  EXPECT_EQ(result("system_localPeerId"), "12D3KooWother");
}

TEST_F(RpcTest, storage_is_set_by_names_as_chopsticks_does) {
  const auto bob = pair_of("//Bob").account();
  const auto ss58 = crypto::to_ss58(bob);
  const auto pallets = [&] { return runtime::Pallets(*chain->view()->state); };
  const auto head = to_hex0x(chain->view()->hash);
  // as in chopsticks' own documentation: what is not named is zero
  const auto block = result("dev_setStorage", {Json{{"System", {{"Account", list({list({list({ss58}), Json{{"providers", 1}, {"data", {{"free", "123000000000000"}, {"reserved", "0x10"}}}}})})}}},
                                                    {"Sudo", {{"Key", ss58}}},
                                                    {"phalaRegistry", {{"benchmarkDuration", 7}}}}, head});
  EXPECT_EQ(block, to_hex0x(chain->view()->hash));
  const auto account = pallets().system.account.get(bob);
  EXPECT_EQ(account.data.free, 123 * runtime::Balances::pha);
  EXPECT_EQ(account.data.reserved, 16u);
  EXPECT_EQ(account.providers, 1u);
  EXPECT_EQ(account.nonce, 0u);
  EXPECT_EQ(account.data.flags, 0u);
  EXPECT_EQ(pallets().sudo.key.get(), bob);
  EXPECT_EQ(pallets().registry.benchmark_duration.get(), 7u);
  // null deletes; a prefix goes as a whole
  result("dev_setStorage", {Json{{"Sudo", {{"Key", nullptr}}}, {"System", {{"Account", list({list({list({ss58}), nullptr})})}}}}});
  EXPECT_FALSE(pallets().sudo.key.exists());
  EXPECT_FALSE(pallets().system.account.contains(bob));
  result("dev_setStorage", {Json{{"System", {{"$removePrefix", list({"Account"})}, {"Account", list({list({list({ss58}), Json{{"providers", 2}}})})}}}}});
  EXPECT_FALSE(pallets().system.account.contains(pair_of("//Alice").account()));
  EXPECT_EQ(pallets().system.account.get(bob).providers, 2u);

  const auto said = [&](const Json& values) { return ask("dev_setStorage", {values})["error"]["data"].get<std::string>(); };
  const auto height = chain->view()->number();
  EXPECT_NE(said(Json{{"Sistem", Json::object()}}).find("no pallet 'Sistem'"), std::string::npos);
  EXPECT_NE(said(Json{{"System", {{"Acount", 1}}}}).find("no storage item 'Acount'"), std::string::npos);
  EXPECT_NE(said(Json{{"System", {{"Account", list({list({list({ss58}), Json{{"data", {{"fre", 1}}}}})})}}}}).find("System: Account: [0]: data: there is no member 'fre'"), std::string::npos);
  EXPECT_NE(said(Json{{"System", {{"Account", list({list({list({ss58, 1}), 1})})}}}}).find("expected 1 keys"), std::string::npos);
  EXPECT_NE(said(Json{{"Sudo", {{"Key", 5}}}}).find("Sudo: Key"), std::string::npos);
  EXPECT_NE(said(7).find("expected a list"), std::string::npos);
  EXPECT_NE(said(list({list({"0x00", 7})})).find("item 0"), std::string::npos);
  EXPECT_NE(said(list({list({to_hex0x(Bytes(5000)), "0x01"})})).find("5000 bytes"), std::string::npos);
  EXPECT_EQ(error("dev_setStorage", {list({list({"0x01", "0x01"})}), head}), code::invalid_params) << "the past does not change";
  EXPECT_EQ(chain->view()->number(), height);
  result("dev_newBlock");
}

TEST_F(RpcTest, relays_can_follow_with_the_light_client) {
  for (int i = 0; i < 3; ++i) result("dev_newBlock");
  const auto decode = [&](const Json& hex) { return *from_hex(hex.get<std::string>()); };
  light::Batch batch;
  batch.headers = *scale::decode<std::vector<Header>>(decode(result("phala_headers", {1, 100})));
  batch.messages = *scale::decode<std::vector<BlockMessages>>(decode(result("phala_messages", {1, 100})));
  const auto proof = result("phala_finalityProof", {3});
  EXPECT_EQ(proof["number"], 3);
  batch.finality = *scale::decode<light::FinalityProof>(decode(proof["proof"]));
  const light::TrustRoot root{chain->view()->genesis, light::TrustedSealer{sealer.public_key}};
  const auto advanced = light::advance(root, light::genesis_tip(root), batch, [](ByteView) { return true; });
  ASSERT_TRUE(advanced.has_value()) << to_error(advanced.error()).text();
  EXPECT_EQ(advanced->tip.hash, chain->view()->hash);
  EXPECT_EQ(result("phala_headers", {4, 10}), "0x00");
  EXPECT_EQ(result("phala_messages", {4, 10}), "0x00");
  EXPECT_EQ(result("phala_finalityProof", {4}), nullptr);
  EXPECT_EQ(error("phala_messages", {0, 10}), code::invalid_params);
  EXPECT_EQ(error("phala_headers", {0, 5000}), code::invalid_params);
}

TEST_F(RpcTest, message_sequences_count_the_pool) {
  const auto origin = MessageOrigin(origin::Worker{PublicKey(Bytes(32, 8))});
  EXPECT_EQ(result("pha_getMqNextSequence", {to_hex(scale::encode(origin))}), 0);
  EXPECT_EQ(result("pha_getMqNextSequence", {to_hex0x(scale::encode(origin))}), 0);
  EXPECT_EQ(error("pha_getMqNextSequence", {"0102"}), code::phala_extension);
  EXPECT_EQ(error("pha_getMqNextSequence", {"zz"}), code::phala_extension);
}

TEST_F(RpcTest, fees_are_estimated) {
  const auto xt = to_hex0x(transfer(0));
  const auto info = result("payment_queryInfo", {xt});
  EXPECT_EQ(info["class"], "normal");
  EXPECT_GT(info["weight"]["ref_time"], 0);
  const auto details = result("payment_queryFeeDetails", {xt})["inclusionFee"];
  const auto number = [](const Json& hex) { return std::stoull(hex.get<std::string>(), nullptr, 16); };
  EXPECT_EQ(std::stoull(info["partialFee"].get<std::string>()), number(details["baseFee"]) + number(details["lenFee"]) + number(details["adjustedWeightFee"]));
  EXPECT_EQ(error("payment_queryInfo", {"0x00"}), code::bad_format);
}

TEST_F(RpcTest, development_methods_steer_blocks_and_time) {
  EXPECT_EQ(result("dev_newBlock", {Json{{"count", 2}}}), to_hex0x(chain->view()->hash));
  result("dev_newBlock", {Json{{"to", 5}}});
  EXPECT_EQ(chain->view()->number(), 5u);
  result("dev_newBlock", {Json{{"transactions", list({to_hex0x(transfer(0))})}}});
  EXPECT_EQ(result("chain_getBlock")["block"]["extrinsics"].size(), 2u);
  EXPECT_EQ(error("dev_newBlock", {Json{{"transactions", list({to_hex0x(transfer(0))})}}}), code::invalid_params);
  EXPECT_EQ(error("dev_newBlock", {Json{{"to", 3}}}), code::invalid_params);
  EXPECT_EQ(result("dev_timeTravel", {"2030-01-01"}), 1'893'456'000'000);
  result("dev_newBlock");
  EXPECT_GE(message_log_of(chain->view()->header)->now_ms, 1'893'456'000'000u);
  EXPECT_EQ(result("dev_timeTravel", {"2031-02-03T04:05:06.789Z"}), 1'927'857'906'789);
  EXPECT_EQ(error("dev_timeTravel", {"2020-01-01"}), code::phala_extension);
  EXPECT_EQ(error("dev_timeTravel", {"tomorrow"}), code::invalid_params);
  result("dev_setBlockBuildMode", {"Instant"});
  const auto before = chain->view()->number();
  result("author_submitAndWatchExtrinsic", {to_hex0x(transfer(1))});
  EXPECT_TRUE(listener->at(1)["params"]["result"].contains("inBlock")) << listener->at(1).dump();
  EXPECT_EQ(chain->view()->number(), before + 1);
  EXPECT_EQ(error("dev_setBlockBuildMode", {"Sometimes"}), code::invalid_params);
}

TEST(RpcJson, writes_what_clients_expect) {
  EXPECT_EQ(json(NumberOrHex{0}), "\"0x0\"");
  EXPECT_EQ(json(NumberOrHex{0x1234}), "\"0x1234\"");
  EXPECT_EQ(json(std::string("a\"\\\n\x01é")), "\"a\\\"\\\\\\n\\u0001é\"");
  EXPECT_EQ(json(std::string("\xff")), "\"0xff\"");
  EXPECT_EQ(json(std::vector<std::optional<Bytes>>{Bytes{1}, std::nullopt, Bytes{}}), R"(["0x01",null,"0x"])");
  EXPECT_EQ(camel_case("state_root"), "stateRoot");
}

TEST(RpcTable, every_method_is_documented_and_named_once) {
  std::set<std::string> names;
  for (const auto& method : methods()) {
    EXPECT_FALSE(method.doc.empty());
    EXPECT_FALSE(method.result.empty());
    EXPECT_EQ(method.subscription, !method.notification.empty());
    EXPECT_TRUE(names.insert(method.name).second) << method.name;
    for (const auto* more : {&method.aliases, &method.unsubscribe})
      for (const auto& name : *more) EXPECT_TRUE(names.insert(name).second) << name;
  }
  std::ifstream file(PHALA_SOURCE_DIR "/docs/json-rpc.md");
  const std::string written((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(written, help()) << "renew it with: phala-node --rpc-help > docs/json-rpc.md";
  EXPECT_NE(help().find("| `chain_getBlockHash`, `chain_getHead` | number?: number or hex number, or a list of them | hash or null; of several: a list |"), std::string::npos) << help();
  EXPECT_NE(help().find("`chain_newHead`"), std::string::npos);
}

}  // namespace
}  // namespace phala::rpc

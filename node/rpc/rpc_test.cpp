// The table of methods and the hub, on a real chain in a temporary folder, without sockets: messages go in and out as text.
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "crypto/hash.hpp"
#include "light/light.hpp"
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
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    heard_.push_back(Json::parse(text));
    changed_.notify_all();
    return true;
  }
  size_t queued() const override { return 0; }
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
  bool closed_ = false;
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
  Hub hub{*chain, {.per_connection = 3, .finalized_after_ms = 1}, metrics};
  node::Producer producer{*chain, admission, crypto::Ed25519Pair::from_seed(sealer.seed), {100, node::BuildMode::manual}, [this] { return now += 1000; }, metrics, [](const Error& e) { FAIL() << e.text(); }};
  Node node{{"phala-node", "0.1.0", spec}, *chain, admission, producer, hub, cpu};
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
  EXPECT_EQ(hub.size(), 0u);
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
  EXPECT_EQ(error("pha_getMqNextSequence", {"0102"}), code::phala_extension);
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
    EXPECT_TRUE(names.insert(method.name).second) << method.name;
    for (const auto* more : {&method.aliases, &method.unsubscribe})
      for (const auto& name : *more) EXPECT_TRUE(names.insert(name).second) << name;
  }
  std::ifstream file(PHALA_SOURCE_DIR "/docs/json-rpc.md");
  const std::string written((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(written, help()) << "renew it with: phala-node --rpc-help > docs/json-rpc.md";
  EXPECT_NE(help().find("| `chain_getBlockHash`, `chain_getHead` | number?: number or hex number, or a list of them |"), std::string::npos) << help();
}

}  // namespace
}  // namespace phala::rpc

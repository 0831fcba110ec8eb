#include "api/test_worker.hpp"

namespace phala::worker {
namespace {

using namespace test;

/// A worker behind its two ports.
struct Served : Running {
  std::unique_ptr<Api> api;
  ApiOptions options{.port = 0, .public_address = "127.0.0.1", .public_port = 0, .allow_cors = true, .token = "secret-token"};
  u16 open() const { return api->public_port(); }
  u16 closed() const { return api->port(); }
  void serve() {
    auto started = Api::start(context(), options, metrics);
    ASSERT_TRUE(started.has_value()) << started.error().text();
    api = std::move(*started);
  }
};
const std::string token = "Authorization: Bearer secret-token\r\n";
std::string path_of(const PrpcMethod& method) { return "/prpc/PhactoryAPI." + std::string(method.name); }
std::string header_of(const std::string& answer, const std::string& name) {
  const auto at = answer.find(name + ": ");
  return at == answer.npos ? std::string() : answer.substr(at + name.size() + 2, answer.find("\r\n", at) - at - name.size() - 2);
}
std::string message_of(const std::string& answer) {
  rpc::PrpcError error;
  EXPECT_TRUE(error.ParseFromString(body_of(answer)));
  return error.message();
}
void expect_signed(const std::string& answer, const PublicKey& by) {
  const auto signature = crypto::Signature(*from_hex(header_of(answer, "X-Phactory-Signature")));
  EXPECT_TRUE(crypto::sr25519_verify(signature, wrap_content(as_bytes(body_of(answer)), SignedContent::rpc_response), by)) << answer;
}

TEST(ServerTest, two_ports_have_two_rights) {
  Served worker;
  worker.blocks(1);
  worker.serve();
  const u16 open = worker.open(), closed = worker.closed();

  // what anybody may ask, signed by the worker
  const std::string info = http_of(open, post("/prpc/PhactoryAPI.GetInfo"));
  EXPECT_EQ(status_of(info), 200);
  rpc::PhactoryInfo decoded;
  EXPECT_TRUE(decoded.ParseFromString(body_of(info)));
  expect_signed(info, worker.world.key(0));
  EXPECT_TRUE(json::parse(body_of(http_of(open, get("/prpc/PhactoryAPI.GetInfo"))))["initialized"]);

  // every method of the relay is refused on the public port, and without the token on the private one
  for (const auto& method : prpc_methods()) {
    const std::string path = "/prpc/PhactoryAPI." + std::string(method.name);
    if (method.access != Access::relay) continue;
    EXPECT_EQ(status_of(http_of(open, post(path, {}, token))), 403) << path;
    EXPECT_EQ(status_of(http_of(closed, post(path))), 401) << path;
    EXPECT_EQ(status_of(http_of(closed, post(path, {}, "Authorization: Bearer secret-tokem\r\n"))), 401) << path;
  }
  EXPECT_EQ(status_of(http_of(closed, post("/prpc/PhactoryAPI.Echo", "", token))), 200);
  EXPECT_FALSE(worker.stopped);
  EXPECT_EQ(status_of(http_of(closed, post("/prpc/PhactoryAPI.Stop", "", token))), 200);
  EXPECT_TRUE(worker.stopped);

  EXPECT_EQ(json::parse(body_of(http_of(open, post("/prpc/PhactoryAPI.CalculateContractId?json", "{\"deployer\":5}"))))["error"],
            "ProtoError { message: \"DecodeError('deployer' must be a text)\" }");
  EXPECT_EQ(status_of(http_of(open, get("/healthz"))), 200);
  EXPECT_EQ(status_of(http_of(open, get("/readyz"))), 503);
  EXPECT_EQ(status_of(http_of(open, get("/metrics"))), 404);
  EXPECT_NE(http_of(closed, get("/metrics")).find("phala_worker_block_height 1"), std::string::npos);
}

TEST(ServerTest, refusals_are_in_the_form_that_was_asked_for) {
  Served worker;
  worker.serve();
  const u16 open = worker.open();
  const std::string as_json = "Content-Type: application/json\r\n";
  struct Row { std::string request; int status; std::string text; };
  const std::string long_body(1025, 'x');
  for (const Row& row : {Row{"/prpc/PhactoryAPI.Burn", 404, "unknown method /prpc/PhactoryAPI.Burn"}, Row{"/prpc/PhactoryAPI.UploadSidevmCode", 500, "this method is not available in this version"},
                         Row{"/prpc/PhactoryAPI.SaveClusterState", 500, "this method is not available in this version"}, Row{"/prpc/PhactoryAPI.GetInfo", 413, "the body is longer than 1024 bytes"}}) {
    const std::string plain = http_of(open, post(row.request, long_body)), in_json = http_of(open, post(row.request, long_body, as_json));
    EXPECT_EQ(status_of(plain), row.status) << row.request;
    EXPECT_EQ(message_of(plain), row.text);
    expect_signed(plain, worker.world.key(0));
    EXPECT_EQ(status_of(in_json), row.status) << row.request;
    EXPECT_EQ(header_of(in_json, "Content-Type"), "application/json");
    EXPECT_EQ(json::parse(body_of(in_json))["error"], "ProtoError { message: \"" + row.text + "\" }");
  }
  const std::string wrong_verb = http_of(open, get("/prpc/PhactoryAPI.ContractQuery"));
  EXPECT_EQ(status_of(wrong_verb), 405);
  EXPECT_EQ(json::parse(body_of(wrong_verb))["error"], "ProtoError { message: \"ContractQuery takes a request: use POST\" }");
  const std::string put = http_of(open, "PUT /prpc/PhactoryAPI.GetInfo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(put), 405);
  EXPECT_EQ(message_of(put), "Method Not Allowed");
  // outside the interface: a line, or JSON
  EXPECT_EQ(body_of(http_of(open, get("/nothing"))), "Not Found\n");
  EXPECT_EQ(json::parse(body_of(http_of(open, get("/nothing?json"))))["error"], "ProtoError { message: \"Not Found\" }");
}

TEST(ServerTest, every_method_has_its_limit) {
  Served worker;
  worker.serve();
  for (const auto& method : prpc_methods()) {
    if (method.access == Access::nobody) continue;
    const u16 port = method.access == Access::relay ? worker.closed() : worker.open();
    EXPECT_EQ(status_of(answer_to_head(port, path_of(method), method.body_limit + 1, token)), 413) << method.name;
    // a body of exactly the limit is let in; the large ones' announcement is answered by "go on"
    EXPECT_NE(status_of(answer_to_head(port, path_of(method), method.body_limit, token + "Expect: 100-continue\r\n")), 413) << method.name;
  }
}

TEST(ServerTest, the_private_port_takes_no_body_of_a_stranger) {
  Served worker;
  worker.serve();
  // the answer comes although nothing of the body was sent
  EXPECT_EQ(status_of(answer_to_head(worker.closed(), "/prpc/PhactoryAPI.SyncMessages", 100u << 20)), 401);
  EXPECT_EQ(status_of(answer_to_head(worker.open(), "/prpc/PhactoryAPI.SyncMessages", 100u << 20, token)), 403);
  EXPECT_EQ(status_of(answer_to_head(worker.closed(), "/prpc/PhactoryAPI.SyncMessages", 100u << 20, token + "Expect: 100-continue\r\n")), 100);
}

TEST(ServerTest, pages_of_any_origin_may_ask_where_it_is_allowed) {
  for (const bool allowed : {true, false}) {
    Served worker;
    worker.options.allow_cors = allowed;
    worker.serve();
    const std::string origin = "Origin: https://page.example\r\n";
    const std::string preflight = http_of(worker.open(), "OPTIONS /prpc/PhactoryAPI.ContractQuery HTTP/1.1\r\nHost: x\r\n" + origin +
                                                             "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(status_of(preflight), 204);
    EXPECT_EQ(header_of(preflight, "Access-Control-Allow-Origin"), allowed ? "*" : "");
    EXPECT_NE(header_of(preflight, "Access-Control-Allow-Methods").find("POST"), std::string::npos);
    EXPECT_EQ(header_of(preflight, "Access-Control-Allow-Headers"), "content-type");
    for (const std::string& answer : {http_of(worker.open(), post("/prpc/PhactoryAPI.GetInfo", {}, origin)), http_of(worker.open(), post("/prpc/PhactoryAPI.ContractQuery", "x", origin)),
                                      http_of(worker.open(), post("/prpc/PhactoryAPI.Burn", {}, origin))})
      EXPECT_EQ(header_of(answer, "Access-Control-Allow-Origin"), allowed ? "*" : "") << answer;
    EXPECT_EQ(header_of(http_of(worker.closed(), post("/prpc/PhactoryAPI.GetInfo", {}, origin)), "Access-Control-Allow-Origin"), "");   // never on the private port
  }
}

TEST(ServerTest, ready_means_registered_and_at_the_end_of_the_chain) {
  for (const bool development : {true, false}) {
    Served worker;
    worker.world.config.development = development;
    worker.restart();
    worker.serve();
    const auto ready = [&] { return http_of(worker.open(), get("/readyz")); };
    EXPECT_EQ(body_of(ready()), "no block yet\n");
    worker.settle();
    EXPECT_EQ(body_of(ready()), "not registered\n");
    worker.registered();
    // the test's chain lives in 1970: a worker of a real chain has far to go, a development network serves at any time
    EXPECT_EQ(status_of(ready()), development ? 200 : 503);
    EXPECT_EQ(body_of(ready()), development ? "ok\n" : "behind the chain\n");
    EXPECT_EQ(status_of(http_of(worker.open(), get("/healthz"))), 200);
    worker.api.reset();
  }
}

TEST(ServerTest, help_names_every_method_and_message) {
  Served worker;
  worker.serve();
  const std::string help = http_of(worker.open(), get("/help"));
  EXPECT_EQ(status_of(help), 200);
  for (const auto& method : prpc_methods()) EXPECT_NE(help.find("rpc " + std::string(method.name) + " (" + method.request() + ") returns (" + method.response() + ")"), std::string::npos) << method.name;
  EXPECT_NE(help.find("bytes encoded_encrypted_data = 1;"), std::string::npos);
  EXPECT_NE(help.find("package pruntime_rpc;"), std::string::npos);
}

TEST(ServerTest, answers_say_which_request_and_how_long) {
  Served worker;
  worker.serve();
  const auto id = [&](const std::string& request) {
    const std::string answer = http_of(worker.open(), request);
    EXPECT_TRUE(header_of(answer, "X-Cost-Time").ends_with("ms")) << answer;
    return std::atoi(header_of(answer, "X-Request-Id").c_str());
  };
  const int first = id(post("/prpc/PhactoryAPI.GetInfo"));
  EXPECT_GT(id(get("/healthz")), first);
  EXPECT_GT(id(post("/prpc/PhactoryAPI.Burn")), first);
}

TEST(ServerTest, an_answer_to_a_query_names_its_block_under_the_workers_signature) {
  Served worker;
  worker.with_cluster();
  worker.serve();
  const Asker asker(worker.world.key(0));
  const auto system = *worker.service->machine()->cluster->system_contract();
  const std::string answer = http_of(worker.open(), post("/prpc/PhactoryAPI.ContractQuery", asker.request({system, {}, query::InkMessage{{1, 2, 3, 4}, 0, 0, false}}, true).SerializeAsString()));
  expect_signed(answer, worker.world.key(0));
  rpc::ContractQueryResponse response;
  ASSERT_TRUE(response.ParseFromString(body_of(answer)));
  EXPECT_EQ(response.blocknum(), worker.world.head.number + 1);
  EXPECT_EQ(response.blockhash(), as_text(worker.world.head_hash));
}

TEST(ServerTest, a_query_that_outlives_the_ports_harms_nothing) {
  Served worker;
  // calls to the outside without end, so that only the deadline or the worker's end stops it
  worker.with_cluster(engine::test::contract(engine::test::answering("(loop $l (i32.store (i32.const 0x2ffc) (i32.const 8)) (call $seal0.now (i32.const 0x2100) (i32.const 0x2ffc)) (br $l))")));
  worker.options.stop_grace_ms = 1;
  worker.serve();
  const Asker asker(worker.world.key(0));
  const auto system = *worker.service->machine()->cluster->system_contract();
  const std::string request = post("/prpc/PhactoryAPI.ContractQuery", asker.request({system, {}, query::InkMessage{{1, 2, 3, 4}, 0, 0, false}}, true).SerializeAsString());
  const u16 port = worker.open();
  std::jthread client([&] { EXPECT_EQ(http_of(port, request), ""); });   // cut off when the grace time is over
  const auto& running = worker.metrics.gauge("phala_worker_queries_running", "");
  while (running.value() < 1) std::this_thread::yield();
  worker.api.reset();
  client.join();
  EXPECT_EQ(running.value(), 1);
  // whoever still looked where the ports were would find this
  std::vector<std::unique_ptr<std::array<u8, sizeof(Api)>>> elsewhere;
  for (int i = 0; i < 64; ++i) {
    elsewhere.push_back(std::make_unique<std::array<u8, sizeof(Api)>>());
    elsewhere.back()->fill(0xa5);
  }
  const auto begin = std::chrono::steady_clock::now();
  worker.service.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));   // and not after the query's half minute
  EXPECT_EQ(running.value(), 0);
}

}  // namespace
}  // namespace phala::worker

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <nlohmann/json.hpp>

#include "api/proto_json.hpp"
#include "api/server.hpp"
#include "core/test_world.hpp"
#include "pruntime_rpc.pb.h"
#include "seal/memory_files.hpp"

namespace phala::worker {
namespace {

using nlohmann::json;
using test::World;
namespace rpc = pruntime_rpc;

/// One worker as the program runs it, fed by a small chain.
struct Running {
  World world{1};
  MemoryFiles files;
  egress::HttpEgress http{{}};
  Metrics metrics;
  std::unique_ptr<Service> service;
  bool stopped = false;

  Running() { restart(); }
  void restart() {
    service.reset();
    ServiceConfig config;
    config.machine = world.config;
    config.query_timeout_s = 5;
    auto started = Service::start(config, world.workers[0].identity.clone(), no_evidence(), files, http, metrics);
    ASSERT_TRUE(started.has_value()) << started.error().text();
    service = std::move(*started);
  }
  ApiContext context() {
    return {*service, "0.1.0", "abc", [this](bool) { stopped = true; }};
  }
  /// A block to the world's own machine and to the service.
  Result<BlockNumber> block() {
    const auto batch = world.seal_block();
    auto& own = world.workers[0];
    auto done = dispatch(own.machine, world.turn(own), batch);
    EXPECT_TRUE(done.has_value());
    own.machine = std::move(done->machine);
    auto synced = service->sync(scale::encode(batch));
    for (const auto& [sender, channel] : service->machine()->egress)
      for (const auto& m : channel.messages) world.take(m);
    return synced;
  }
  void blocks(int n) {
    while (n-- > 0) ASSERT_TRUE(block().has_value());
  }
  void with_cluster() {
    world.pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::FirstGatekeeper{world.key(0), world.key(0)}));
    blocks(3);
    protocol::DeployCluster event{};
    event.cluster = world.cluster;
    event.owner = AccountId(Bytes(32, 0xa1));
    event.deposit = 1'000'000'000'000;
    event.system_code = engine::test::contract("");
    event.runtime_version = {1, 2};
    event.workers.push_back({world.key(0), world.key(0)});
    world.pallet_says(protocol::topic::cluster_event, protocol::ClusterEvent(event));
    blocks(3);
  }
  PrpcAnswer call(std::string_view name, const std::string& body, bool as_json = false) {
    for (const auto& method : prpc_methods())
      if (method.name == name) {
        std::promise<PrpcAnswer> promise;
        auto context_value = context();
        method.run(context_value, body, as_json, [&](PrpcAnswer answer) { promise.set_value(std::move(answer)); });
        return promise.get_future().get();
      }
    return {};
  }
  template <class Response>
  Response get(std::string_view name, const google::protobuf::Message& request = rpc::Empty{}) {
    const auto answer = call(name, request.SerializeAsString());
    EXPECT_EQ(answer.status, 200) << answer.body;
    Response out;
    EXPECT_TRUE(out.ParseFromString(answer.body));
    return out;
  }
};

std::string error_of(const PrpcAnswer& answer) {
  rpc::PrpcError error;
  EXPECT_TRUE(error.ParseFromString(answer.body));
  return error.message();
}

TEST(ServiceTest, state_survives_a_restart_and_goes_on) {
  Running worker;
  worker.with_cluster();
  const Image before = image_of(*worker.service->machine());
  const Hash root = worker.service->machine()->cluster->state.root();
  worker.restart();
  EXPECT_EQ(image_of(*worker.service->machine()), before);
  EXPECT_EQ(worker.service->machine()->cluster->state.root(), root);
  worker.blocks(6);
  EXPECT_EQ(worker.service->machine()->tip.hash, worker.world.head_hash);
}

TEST(ServiceTest, a_batch_that_cannot_be_written_is_not_taken) {
  Running worker;
  worker.blocks(2);
  worker.files.budget = 40;
  worker.files.keep_failing = false;
  const auto batch = scale::encode(worker.world.seal_block());
  EXPECT_EQ(worker.service->sync(batch).error().code, ErrorCode::unavailable);
  EXPECT_EQ(worker.service->machine()->tip.number, 2u);
  EXPECT_EQ(worker.service->not_ready(), "the disk refuses writes");
  EXPECT_EQ(worker.service->sync(batch).value_or(0), 4u);   // space again: the same batch
  EXPECT_NE(worker.service->not_ready(), "the disk refuses writes");
}

TEST(ServiceTest, bad_batches_are_refused_by_name) {
  Running worker;
  worker.blocks(1);
  EXPECT_EQ(worker.service->sync(Bytes{1, 2, 3}).error().code, ErrorCode::invalid_input);
  auto batch = worker.world.seal_block();
  batch.messages[0].now_ms += 1;
  EXPECT_EQ(worker.service->sync(scale::encode(batch)).error().code, ErrorCode::refused);
  EXPECT_EQ(worker.service->machine()->tip.number, 1u);
}

TEST(ServiceTest, many_snapshots_keep_everything) {
  Running worker;
  worker.service.reset();
  ServiceConfig config;
  config.machine = worker.world.config;
  config.snapshot_interval_s = 0;   // after every batch
  worker.service = std::move(*Service::start(config, worker.world.workers[0].identity.clone(), no_evidence(), worker.files, worker.http, worker.metrics));
  worker.with_cluster();
  const Image before = image_of(*worker.service->machine());
  worker.restart();
  EXPECT_EQ(image_of(*worker.service->machine()), before);
}

TEST(PrpcTest, get_info_has_what_the_sdk_reads) {
  Running worker;
  worker.with_cluster();
  const auto info = worker.get<rpc::PhactoryInfo>("GetInfo");
  EXPECT_TRUE(info.initialized());
  EXPECT_EQ(info.public_key(), to_hex(worker.world.key(0)));
  EXPECT_EQ(info.ecdh_public_key(), info.public_key());
  EXPECT_EQ(info.blocknum(), worker.world.head.number + 1);
  EXPECT_EQ(info.gatekeeper().role(), rpc::ACTIVE);
  EXPECT_EQ(info.system().number_of_clusters(), 1u);
  EXPECT_EQ(info.system().number_of_contracts(), 1u);
  const auto in_json = json::parse(worker.call("GetInfo", "", true).body);
  EXPECT_EQ(in_json["blocknum"], info.blocknum());
  EXPECT_EQ(in_json["public_key"], info.public_key());
  EXPECT_TRUE(in_json["pending_messages"].is_number());
  EXPECT_EQ(in_json["gatekeeper"]["role"], 2);
  const auto cluster = worker.get<rpc::GetClusterInfoResponse>("GetClusterInfo").info();
  EXPECT_EQ(cluster.id(), to_hex0x(worker.world.cluster));
  EXPECT_EQ(cluster.runtime_version(), "1.2");
  const auto contracts = worker.get<rpc::GetContractInfoResponse>("GetContractInfo", rpc::GetContractInfoRequest{});
  ASSERT_EQ(contracts.contracts_size(), 1);
  EXPECT_EQ(contracts.contracts(0).id(), cluster.system_contract());
}

TEST(PrpcTest, a_worker_without_a_cluster_says_so) {
  Running worker;
  EXPECT_FALSE(worker.get<rpc::GetClusterInfoResponse>("GetClusterInfo").has_info());
  EXPECT_TRUE(json::parse(worker.call("GetClusterInfo", "", true).body)["info"].is_null());
}

TEST(PrpcTest, contract_ids_are_computed_as_everywhere) {
  Running worker;
  // spec/clients.md §2
  const std::string ones = to_hex(Bytes(32, 1));
  rpc::ContractParameters request;
  request.set_deployer("0x" + ones);
  request.set_cluster_id(ones);
  request.set_code_hash(ones);
  request.set_salt("010203");
  const auto id = worker.get<rpc::ContractId>("CalculateContractId", request);
  EXPECT_EQ(id.id(), to_hex0x(protocol::contract_id(AccountId(Bytes(32, 1)), Hash(Bytes(32, 1)), Hash(Bytes(32, 1)), Bytes{1, 2, 3})));
  request.set_salt("xyz");
  EXPECT_EQ(worker.call("CalculateContractId", request.SerializeAsString()).status, 400);
}

/// A query as the SDK makes it; the plain answer after the nonce.
struct Asker {
  Sr25519Pair ephemeral = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 33)));
  SecretBytes<32> key;
  explicit Asker(const PublicKey& worker) : key(*ephemeral.agree(worker)) {}
  rpc::ContractQueryRequest request(const ContractQuery& query, bool sign) const {
    const crypto::Iv iv(Bytes(12, 1));
    const Bytes sealed = scale::encode(protocol::EncryptedData{iv.as<FixedBytes<12>>(), ephemeral.public_key(), crypto::aes256gcm_seal(key, iv, scale::encode(query))});
    rpc::ContractQueryRequest out;
    out.set_encoded_encrypted_data(std::string(as_text(sealed)));
    if (sign) {
      const Bytes body = scale::encode(CertificateBody{to_bytes(ephemeral.public_key()), 0x7fffffff, 0});
      auto& signature = *out.mutable_signature();
      signature.mutable_signed_by()->set_encoded_body(std::string(as_text(body)));
      signature.set_signature_type(1);
      signature.set_signature(std::string(as_text(ephemeral.sign(sealed))));
    }
    return out;
  }
  std::string open(const rpc::ContractQueryResponse& response) const {
    const auto sealed = *scale::decode<protocol::EncryptedData>(as_bytes(response.encoded_encrypted_data()));
    const Bytes plain = *crypto::aes256gcm_open(key, sealed.iv.as<crypto::Iv>(), sealed.data);
    return to_hex(ByteView(plain).subspan(32));
  }
};

TEST(PrpcTest, queries_run_and_failures_are_told) {
  Running worker;
  worker.with_cluster();
  const Asker asker(worker.world.key(0));
  const auto system = *worker.service->machine()->cluster->system_contract();
  const auto response = worker.get<rpc::ContractQueryResponse>("ContractQuery", asker.request({system, {}, query::InkMessage{{1, 2, 3, 4}, 0, 0, false}}, true));
  EXPECT_EQ(response.blocknum(), worker.world.head.number + 1);
  EXPECT_TRUE(asker.open(response).starts_with("0000")) << asker.open(response);
  EXPECT_EQ(asker.open(worker.get<rpc::ContractQueryResponse>("ContractQuery", asker.request({system, {}, query::InkMessage{}}, false))), "0100");
  const auto logs = worker.get<rpc::ContractQueryResponse>("ContractQuery", asker.request({{}, {}, query::SidevmMessage{to_bytes(R"({"action":"GetInfo"})")}}, false));
  EXPECT_NE(std::string(as_text(*from_hex(asker.open(logs)))).find("nextSequence"), std::string::npos);

  const auto unknown = worker.call("ContractQuery", asker.request({Hash(Bytes(32, 5)), {}, query::InkMessage{}}, true).SerializeAsString());
  EXPECT_EQ(unknown.status, 500);
  EXPECT_TRUE(error_of(unknown).starts_with("ContractNotFound"));
  auto forged = asker.request({system, {}, query::InkMessage{}}, true);
  forged.mutable_signature()->mutable_signature()->at(3) ^= 1;
  EXPECT_EQ(error_of(worker.call("ContractQuery", forged.SerializeAsString())), "Verifying signature failed: InvalidSignature");
  forged.mutable_signature()->set_signature_type(77);
  EXPECT_EQ(error_of(worker.call("ContractQuery", forged.SerializeAsString())), "Verifying signature failed: InvalidSignatureType");
  forged.mutable_signature()->clear_signed_by();
  EXPECT_EQ(error_of(worker.call("ContractQuery", forged.SerializeAsString())), "Verifying signature failed: CertificateMissing");
  const auto garbage = worker.call("ContractQuery", "\xff\xff");
  EXPECT_EQ(garbage.status, 400);
  EXPECT_TRUE(error_of(garbage).starts_with("DecodeError("));
  EXPECT_EQ(worker.call("ContractQuery", rpc::ContractQueryRequest{}.SerializeAsString()).status, 400);
  const auto stats = worker.get<rpc::StatisticsResponse>("Statistics");
  EXPECT_EQ(stats.query().total(), 3u);
}

TEST(PrpcTest, the_relay_carries_registration_endpoints_and_messages) {
  Running worker;
  EXPECT_EQ(worker.call("GetRuntimeInfo", "").status, 500);   // not before it met the chain
  worker.with_cluster();
  rpc::GetRuntimeInfoRequest request;
  request.set_encoded_operator(std::string(32, 'o'));
  const auto info = worker.get<rpc::InitRuntimeResponse>("GetRuntimeInfo", request);
  const auto registration = scale::decode<protocol::WorkerRegistrationInfoV2>(as_bytes(info.encoded_runtime_info()));
  ASSERT_TRUE(registration.has_value());
  EXPECT_EQ(registration->pubkey, worker.world.key(0));
  EXPECT_EQ(registration->genesis_block_hash, worker.world.config.trust.genesis_hash);
  EXPECT_EQ(*registration->operator_, AccountId(Bytes(32, 'o')));
  EXPECT_EQ(info.attestation().encoded_report(), std::string(1, '\0'));
  request.set_encoded_operator("short");
  EXPECT_EQ(worker.call("GetRuntimeInfo", request.SerializeAsString()).status, 400);

  EXPECT_FALSE(worker.get<rpc::GetEndpointResponse>("GetEndpointInfo").has_signature());
  rpc::AddEndpointRequest endpoint;
  endpoint.set_encoded_endpoint_type("\1");
  endpoint.set_endpoint("http://127.0.0.1:8000");
  const auto bound = worker.get<rpc::GetEndpointResponse>("AddEndpoint", endpoint);
  const auto payload = scale::decode<protocol::WorkerEndpointPayload>(as_bytes(bound.encoded_endpoint_payload()));
  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(payload->signing_time, worker.service->machine()->tip.now_ms);
  EXPECT_TRUE(crypto::sr25519_verify(crypto::Signature(as_bytes(bound.signature())), wrap_content(as_bytes(bound.encoded_endpoint_payload()), SignedContent::endpoint_info), worker.world.key(0)));
  endpoint.set_endpoint(std::string(3000, 'x'));
  EXPECT_EQ(worker.call("AddEndpoint", endpoint.SerializeAsString()).status, 400);
  EXPECT_EQ(worker.service->endpoints().size(), 1u);

  const auto egress = worker.get<rpc::GetEgressMessagesResponse>("GetEgressMessages");
  const auto messages = scale::decode<std::vector<std::pair<MessageOrigin, std::vector<SignedMessage>>>>(as_bytes(egress.encoded_messages()));
  ASSERT_TRUE(messages.has_value() && !messages->empty());
  EXPECT_EQ(egress.tip_hash(), as_text(worker.world.head_hash));
  worker.blocks(1);
  std::vector<Bytes> keys;
  const auto fresh = worker.get<rpc::GetEgressMessagesResponse>("GetEgressMessages");
  for (const auto& key : fresh.settle_keys()) keys.push_back(to_bytes(as_bytes(key)));
  std::sort(keys.begin(), keys.end());
  rpc::SettleEgressRequest settle;
  for (const auto& node : trie::prove(worker.world.last_state, keys)) settle.add_proof(std::string(as_text(node)));
  EXPECT_EQ(worker.get<rpc::SettleEgressResponse>("SettleEgress", settle).pending_messages(), 0u);
  worker.restart();
  EXPECT_EQ(pending(worker.service->machine()->egress), 0u);
  rpc::InitRuntimeRequest init;
  init.set_encoded_genesis_block_hash(std::string(32, 'x'));
  EXPECT_EQ(worker.call("InitRuntime", init.SerializeAsString()).status, 500);
}

TEST(ProtoJsonTest, shapes_are_those_of_the_interface) {
  rpc::ContractQueryRequest request;
  ASSERT_TRUE(from_json(R"({"encoded_encrypted_data":[1,255],"signature":{"signed_by":{"encoded_body":[7],"signature":null},"signature_type":1,"signature":[2]},"unknown":5})", request).has_value());
  EXPECT_EQ(request.encoded_encrypted_data(), "\x01\xff");
  EXPECT_TRUE(request.signature().has_signed_by());
  EXPECT_FALSE(request.signature().signed_by().has_signature());
  rpc::ContractQueryRequest back;
  ASSERT_TRUE(from_json(to_json(request), back).has_value());
  EXPECT_EQ(back.SerializeAsString(), request.SerializeAsString());
  rpc::ContractQueryRequest empty;
  EXPECT_TRUE(from_json("", empty).has_value());
  for (const char* bad : {"[", "7", R"({"encoded_encrypted_data":"x"})", R"({"encoded_encrypted_data":[256]})", R"({"signature":{"signature_type":"1"}})", R"({"signature":[]})"})
    EXPECT_EQ(from_json(bad, empty).error().code, ErrorCode::invalid_input) << bad;
  std::string deep = "null";
  for (int i = 0; i < 40; ++i) deep = R"({"signed_by":{"signature":)" + deep + "}}";
  EXPECT_FALSE(from_json(R"({"signature":)" + deep + "}", empty).has_value());
}

/// The whole answer to one HTTP request on a local port.
std::string http_of(u16 port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string out(1 << 16, '\0');
  size_t size = 0;
  for (ssize_t n; (n = read(fd, out.data() + size, out.size() - size)) > 0;) size += static_cast<size_t>(n);
  close(fd);
  return out.substr(0, size);
}
std::string post(const std::string& path, const std::string& body = {}, const std::string& headers = {}) {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"; }
int status_of(const std::string& answer) { return std::atoi(answer.substr(9, 3).c_str()); }
std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

TEST(ServerTest, two_ports_have_two_rights) {
  Running worker;
  worker.blocks(1);
  ApiOptions options;
  options.port = 0;
  options.public_address = "127.0.0.1";
  options.public_port = 0;
  options.token = "secret-token";
  options.allow_cors = true;
  auto api = Api::start(worker.context(), options, worker.metrics);
  ASSERT_TRUE(api.has_value()) << api.error().text();
  const u16 open = (*api)->public_port(), closed = (*api)->port();

  // what anybody may ask, signed by the worker
  const std::string info = http_of(open, post("/prpc/PhactoryAPI.GetInfo"));
  EXPECT_EQ(status_of(info), 200);
  rpc::PhactoryInfo decoded;
  EXPECT_TRUE(decoded.ParseFromString(body_of(info)));
  const auto at = info.find("X-Phactory-Signature: ");
  ASSERT_NE(at, info.npos);
  const auto signature = crypto::Signature(*from_hex(info.substr(at + 22, 128)));
  EXPECT_TRUE(crypto::sr25519_verify(signature, wrap_content(as_bytes(body_of(info)), SignedContent::rpc_response), worker.world.key(0)));
  EXPECT_TRUE(json::parse(body_of(http_of(open, get("/prpc/PhactoryAPI.GetInfo"))))["initialized"]);

  // every method of the relay is refused on the public port, and without the token on the private one
  const std::string token = "Authorization: Bearer secret-token\r\n";
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

  const std::string unknown = http_of(open, post("/prpc/PhactoryAPI.Burn"));
  EXPECT_EQ(status_of(unknown), 404);
  rpc::PrpcError error;
  EXPECT_TRUE(error.ParseFromString(body_of(unknown)));
  EXPECT_EQ(error.message(), "unknown method /prpc/PhactoryAPI.Burn");
  EXPECT_EQ(status_of(http_of(open, post("/prpc/PhactoryAPI.GetInfo", std::string(1025, 'x')))), 413);
  EXPECT_EQ(json::parse(body_of(http_of(open, post("/prpc/PhactoryAPI.CalculateContractId?json", "{\"deployer\":5}"))))["error"],
            "ProtoError { message: \"DecodeError('deployer' must be a text)\" }");
  EXPECT_EQ(status_of(http_of(open, get("/healthz"))), 200);
  EXPECT_EQ(status_of(http_of(open, get("/readyz"))), 503);
  EXPECT_EQ(status_of(http_of(open, get("/metrics"))), 404);
  EXPECT_NE(http_of(closed, get("/metrics")).find("phala_worker_block_height 1"), std::string::npos);
  EXPECT_NE(http_of(open, "OPTIONS /prpc/PhactoryAPI.ContractQuery HTTP/1.1\r\nHost: x\r\nOrigin: http://page\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n")
                .find("Access-Control-Allow-Origin"), std::string::npos);
}

TEST(QueryPoolTest, every_job_is_run_or_refused_once) {
  std::atomic<int> ran = 0, refused = 0;
  std::atomic<bool> go = false;
  {
    QueryPool pool(3, 5);
    for (int i = 0; i < 200; ++i)
      pool.submit(Hash(Bytes(32, static_cast<u8>(i % 4))), 1, [&] {
        go.wait(false);
        ++ran;
      }, [&] { ++refused; });
    EXPECT_GE(refused, 192);   // three may run and five wait; the others find no room
    go = true;
    go.notify_all();
    while (ran < 5) std::this_thread::yield();   // what waited had been accepted, so it will run
  }
  EXPECT_EQ(ran + refused, 200);
}

TEST(RegistrationTest, evidence_is_kept_until_something_changes) {
  int made = 0;
  Registration registration({}, {"null", [&](const Hash&, u64) -> Result<Bytes> {
    ++made;
    return Bytes{0};
  }});
  ASSERT_TRUE(registration.get({}, false, 100).has_value());
  ASSERT_TRUE(registration.get({}, false, 3699).has_value());
  EXPECT_EQ(made, 1);
  ASSERT_TRUE(registration.get({}, false, 3700).has_value());
  EXPECT_EQ(made, 2);
  ASSERT_TRUE(registration.get(AccountId(Bytes(32, 1)), false, 3701).has_value());
  EXPECT_EQ(made, 3);
  ASSERT_TRUE(registration.get(AccountId(Bytes(32, 1)), false, 3702).has_value());
  EXPECT_EQ(made, 3);
  ASSERT_TRUE(registration.get({}, true, 3702).has_value());
  EXPECT_EQ(made, 4);
}

TEST(BenchmarkTest, it_counts_only_while_it_runs) {
  Benchmark benchmark(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(benchmark.iterations(), 0u);
  benchmark.run(true);
  for (int i = 0; i < 500 && benchmark.iterations() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_GE(benchmark.iterations(), 2u);
}

}  // namespace
}  // namespace phala::worker

#pragma once
// One worker as the program runs it, fed by a small chain; somebody who asks it as the SDK does; and HTTP as text.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <nlohmann/json.hpp>

#include "api/server.hpp"
#include "core/test_world.hpp"
#include "pruntime_rpc.pb.h"
#include "seal/memory_files.hpp"

namespace phala::worker::test {

using nlohmann::json;
namespace rpc = pruntime_rpc;

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

struct Running {
  World world{1};
  MemoryFiles files;
  egress::HttpEgress http;
  const u32 query_threads;
  Metrics metrics;
  std::unique_ptr<Service> service;
  std::vector<light::Batch> chain;   ///< all blocks so far
  bool stopped = false;

  explicit Running(std::vector<egress::AddressRange> reachable = {}, u32 threads = ServiceConfig{}.query_threads) : http(std::move(reachable)), query_threads(threads) { restart(); }
  void restart() {
    service.reset();
    ServiceConfig config;
    config.machine = world.config;
    config.query_timeout_s = 30;
    config.query_threads = query_threads;
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
    chain.push_back(batch);
    auto synced = service->sync(scale::encode(batch));
    for (const auto& [sender, channel] : service->machine()->egress)
      for (const auto& m : channel.messages) world.take(m);
    return synced;
  }
  /// Brings everything again that the service does not have.
  void replay() {
    for (const auto& batch : chain)
      if (batch.headers[0].number > service->machine()->tip.number) ASSERT_TRUE(service->sync(scale::encode(batch)).has_value());
  }
  void blocks(int n) {
    while (n-- > 0) ASSERT_TRUE(block().has_value());
  }
  /// The proofs a relay brings at the tip; without them a worker neither serves nor speaks.
  void settle() {
    blocks(1);
    const auto settled = service->settle(world.proof_for({world.workers[0].identity.clone(), {}, *service->machine()}));
    ASSERT_TRUE(settled.has_value()) << settled.error().text();
  }
  void with_cluster(const Bytes& system_code = engine::test::contract(""), engine::RuntimeVersion version = engine::runtime_version) {
    world.pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::FirstGatekeeper{world.key(0), world.key(0)}));
    blocks(3);
    protocol::DeployCluster event{};
    event.cluster = world.cluster;
    event.owner = AccountId(Bytes(32, 0xa1));
    event.deposit = 1'000'000'000'000;
    event.system_code = system_code;
    event.runtime_version = version;
    event.workers.push_back({world.key(0), world.key(0)});
    world.pallet_says(protocol::topic::cluster_event, protocol::ClusterEvent(event));
    blocks(3);
    settle();
  }
  void registered() {
    world.pallet_says(protocol::topic::system_event, protocol::SystemEvent(protocol::WorkerEventWithKey{world.key(0), protocol::Registered{1}}));
    blocks(1);
  }
  std::future<PrpcAnswer> ask(std::string_view name, const std::string& body, bool as_json = false) {
    struct Asked { ApiContext context; std::promise<PrpcAnswer> answer; };
    const auto asked = std::make_shared<Asked>(context());
    auto answer = asked->answer.get_future();
    for (const auto& method : prpc_methods())
      if (method.name == name) {
        method.run(asked->context, body, as_json, [asked](PrpcAnswer got) { asked->answer.set_value(std::move(got)); });
        return answer;
      }
    asked->answer.set_value({});
    return answer;
  }
  PrpcAnswer call(std::string_view name, const std::string& body, bool as_json = false) { return ask(name, body, as_json).get(); }
  /// All records of the log server, as anybody who signs may read them.
  json log() {
    const Asker asker(world.key(0));
    const auto logger = service->machine()->cluster->log_handler.value_or(Hash{});
    const auto response = get<rpc::ContractQueryResponse>("ContractQuery", asker.request({logger, {}, query::SidevmMessage{to_bytes(R"({"action":"GetLog"})")}}, true));
    const Bytes answer = *from_hex(asker.open(response));   // Ok ‖ InkMessageReturn ‖ the text
    return json::parse(as_text(*scale::decode<Bytes>(ByteView(answer).subspan(2))), nullptr, false);
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

inline std::string error_of(const PrpcAnswer& answer) {
  rpc::PrpcError error;
  EXPECT_TRUE(error.ParseFromString(answer.body));
  return error.message();
}

/// A connection to a local port on which `text` was sent.
inline int sent_to(u16 port, const std::string& text) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  EXPECT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return fd;
}
/// The whole answer to one HTTP request; as much as came when the server closes before.
inline std::string http_of(u16 port, const std::string& request) {
  const int fd = sent_to(port, request);
  std::string out;
  size_t whole = out.max_size();
  char part[4096];
  for (ssize_t n; out.size() < whole && (n = read(fd, part, sizeof part)) > 0;) {
    out.append(part, static_cast<size_t>(n));
    const size_t head = out.find("\r\n\r\n"), length = out.find("Content-Length: ");
    if (head != out.npos && length < head) whole = head + 4 + std::stoul(out.substr(length + 16));
  }
  close(fd);
  return out;
}
/// What the server answers to a head that announces a body of `size` bytes and sends none of it.
inline std::string answer_to_head(u16 port, const std::string& path, size_t size, const std::string& headers = {}) {
  const int fd = sent_to(port, "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "Content-Length: " + std::to_string(size) + "\r\n\r\n");
  std::string answer(1024, '\0');
  answer.resize(static_cast<size_t>(std::max<ssize_t>(0, read(fd, answer.data(), answer.size()))));
  close(fd);
  return answer;
}
inline std::string post(const std::string& path, const std::string& body = {}, const std::string& headers = {}) {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"; }
inline int status_of(const std::string& answer) { return std::atoi(answer.substr(9, 3).c_str()); }
inline std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

}  // namespace phala::worker::test

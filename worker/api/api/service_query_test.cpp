// Queries beside each other and beside blocks.
#include "api/test_worker.hpp"
#include "crypto/hash.hpp"

namespace phala::worker {
namespace {

using namespace test;

protocol::ContractId deploy(Running& worker, const Bytes& code) {
  worker.world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xa1)), worker.world.cluster, protocol::ResourceType::ink_code, code});
  const auto contract = worker.world.instantiate(crypto::blake2_256(code));
  worker.blocks(2);
  EXPECT_TRUE(worker.service->machine()->cluster->contracts.contains(contract));
  return contract;
}

/// Takes connections and never answers.
struct SilentServer {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  u16 port = 0;
  SilentServer() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&at), size), 0);
    EXPECT_EQ(listen(fd, 64), 0);
    EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port = ntohs(at.sin_port);
  }
  ~SilentServer() { close(fd); }
};

TEST(ServiceQueryTest, queries_that_wait_for_the_network_do_not_hold_up_a_block) {
  Running worker({*egress::parse_range("127.0.0.1")}, 10);
  worker.with_cluster();
  // queries of its first byte 1: ask for what follows; everything else counts
  const Bytes code = engine::test::contract(engine::test::answering(R"(
    (if (i32.eq (i32.load8_u (i32.const 0x1000)) (i32.const 1)) (then
      (i32.store (i32.const 0xff0) (i32.const 0x800))
      (drop (call $seal0.call_chain_extension (i32.const 1) (i32.const 0x1001) (i32.sub (local.get $n) (i32.const 1)) (i32.const 0x2000) (i32.const 0xff0)))))
    (drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1000) (local.get $n))))"));
  const auto contract = deploy(worker, code);

  const SilentServer server;
  const engine::HttpRequest request{"http://127.0.0.1:" + std::to_string(server.port) + "/", "GET", {}, {}};
  const Asker asker(worker.world.key(0));
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < 12; ++i)
    answers.push_back(std::async(std::launch::async, [&] {
      const ContractQuery query{contract, {}, query::InkMessage{concat(Bytes{1}, scale::encode(request)), 0, 0, false}};
      return asker.open(worker.get<rpc::ContractQueryResponse>("ContractQuery", asker.request(query, true)));
    }));
  // one contract alone takes no more than eight of ten places: all of them wait for the server now
  std::vector<int> connections;
  while (connections.size() < 8) connections.push_back(accept(server.fd, nullptr, nullptr));
  const auto root = worker.service->machine()->cluster->state.root();
  worker.world.command(contract, protocol::PlainCommand{protocol::InkCommand{protocol::InkMessage{{}, Bytes{2, 3, 4, 5}, 0, 100'000'000'000, {}}}});
  worker.blocks(1);
  EXPECT_NE(worker.service->machine()->cluster->state.root(), root);
  for (const auto& answer : answers) EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  for (const int connection : connections) close(connection);
  for (int i = 8; i < 12; ++i) close(accept(server.fd, nullptr, nullptr));
  for (auto& answer : answers) EXPECT_TRUE(answer.get().starts_with("0000"));
}

TEST(ServiceQueryTest, a_query_that_only_computes_ends_with_the_service) {
  Running worker;
  worker.with_cluster();
  const auto contract = deploy(worker, engine::test::contract("(func (export \"call\") (loop $l (br $l)))"));
  const Asker asker(worker.world.key(0));
  auto asked = worker.ask("ContractQuery", asker.request({contract, {}, query::InkMessage{{1, 2, 3, 4}, 0, 0, false}}, true).SerializeAsString());
  while (worker.metrics.render().find("phala_worker_queries_running 1") == std::string::npos) std::this_thread::yield();
  worker.service.reset();
  rpc::ContractQueryResponse response;
  ASSERT_TRUE(response.ParseFromString(asked.get().body));
  const Bytes answer = *from_hex(asker.open(response));
  const auto result = engine::decode_call_result(*scale::decode<Bytes>(ByteView(answer).subspan(2)));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->result.error(), engine::DispatchError(engine::ContractsError::OutOfGas));
  EXPECT_LT(result->gas_consumed.ref_time.value, 5'000'000'000'000u);   // its gas would have lasted
}

}  // namespace
}  // namespace phala::worker

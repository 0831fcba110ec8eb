// JSON-RPC: whatever text arrives, the answer is JSON (or nothing), every call in it is answered once, notifications are JSON too, and only the methods of
// development chains make blocks. The first byte chooses: unsafe methods allowed, over a connection (subscriptions), a development chain.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/assert.hpp"
#include "rpc/table.hpp"
#include "runtime/test_chain.hpp"

using namespace phala;
namespace testing_chain = phala::runtime::testing;

namespace {

/// The other end of a connection.
class Listener final : public http::WebSocket {
 public:
  u64 id() const override { return 1; }
  const std::string& remote() const override { return remote_; }
  bool send(std::string text) override {
    const auto note = nlohmann::json::parse(text);
    PHALA_ASSERT(note["jsonrpc"] == "2.0" && note["method"].is_string() && note["params"]["subscription"].is_string() && note["params"].contains("result"));
    return true;
  }
  size_t queued() const override { return 0; }
  void close(u16, std::string) override {}

 private:
  const std::string remote_ = "fuzz";
};

constexpr BlockNumber blocks = 3;
constexpr u64 birth_ms = 1'700'000'000'000;

const runtime::ChainSpec& spec() {
  static const runtime::ChainSpec made = *runtime::development_spec(crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 3))).public_key, {}, {});
  return made;
}

/// The chain of `phala dev` with a few blocks and a transfer in the second.
struct Fixture {
  std::string path = (std::filesystem::temp_directory_path() / ("phala-jsonrpc-fuzz-" + std::to_string(::getpid()))).string();
  Metrics metrics;
  CpuPool cpu{1, 10};
  std::atomic<u64> now = birth_ms;
  std::unique_ptr<node::Chain> chain;
  std::optional<node::Admission> admission;
  std::optional<rpc::Hub> hub;
  std::optional<node::Producer> producer;
  std::optional<rpc::Node> node;
  rpc::CallMetrics calls{metrics};
  std::shared_ptr<Listener> listener = std::make_shared<Listener>();

  Fixture() {
    std::filesystem::remove_all(path);
    const node::Clock clock = [this] { return now += 1000; };
    chain = std::move(*node::Chain::open(path, {}, spec()));
    admission.emplace(*chain, cpu, node::PoolLimits{}, clock, metrics);
    hub.emplace(*chain, rpc::Hub::Options{.per_connection = 8}, metrics);
    admission->on_event([this](const node::PoolEvent& event) { hub->transaction_event(event); });
    producer.emplace(*chain, *admission, crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 3))), node::Producer::Options{1000, node::BuildMode::manual}, clock, metrics,
                     [](const Error& error) { PHALA_ASSERT(error.code != ErrorCode::internal); });
    producer->start();
    node.emplace(rpc::Node{{"phala-node", "0", spec(), {"Authority"}, "12D3Koo"}, *chain, *admission, &*producer, *hub, cpu});
    testing_chain::TestChain signer(spec());
    signer.genesis_hash = chain->view()->genesis;
    const Bytes transfer = signer.sign(testing_chain::pair_of("//Alice"), runtime::RuntimeCall::of<runtime::Balances>(runtime::Balances::TransferKeepAlive{testing_chain::pair_of("//Bob").account(), {5}}), 0);
    for (BlockNumber n = 1; n <= blocks; ++n) PHALA_ASSERT(producer->new_block(n == 2 ? std::vector<Bytes>{transfer} : std::vector<Bytes>{}).has_value());
  }
  ~Fixture() {
    producer->stop();
    producer.reset(), hub.reset(), admission.reset(), chain.reset();
    std::filesystem::remove_all(path);
  }
};

void check_answer(const std::string& text) {
  if (text.empty()) return;
  const auto answer = nlohmann::json::parse(text);
  PHALA_ASSERT(!answer.is_array() || !answer.empty());
  for (const auto& one : answer.is_array() ? answer : nlohmann::json::array({answer}))
    PHALA_ASSERT(one["jsonrpc"] == "2.0" && one.contains("result") != one.contains("error") && one.contains("id"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto fixture = std::make_unique<Fixture>();
  if (size == 0) return 0;
  const bool development = data[0] & 4;
  const std::string_view text = as_text({data + 1, size - 1});
  rpc::Policy policy;
  policy.unsafe_allowed = data[0] & 1;
  policy.max_batch = 10;
  policy.deadline_ms = 200;   // of a long row of new blocks
  fixture->node->info.spec.development = development;
  auto outcome = rpc::Message::parse(text, policy).run(*fixture->node, data[0] & 2 ? fixture->listener : nullptr, policy, fixture->calls);
  check_answer(outcome.text);
  for (const auto& after : outcome.after) after();
  fixture->hub->close_all(fixture->listener->id());
  PHALA_ASSERT(fixture->hub->size() == 0);
  PHALA_ASSERT(development || fixture->chain->view()->number() == blocks);
  // a chain that was steered is another one: the next input finds the first again
  if (development && (fixture->chain->view()->number() != blocks || text.find("dev_") != text.npos)) {
    fixture.reset();
    fixture = std::make_unique<Fixture>();
  }
  return 0;
}

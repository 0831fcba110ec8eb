// JSON-RPC: whatever text arrives, the answer is JSON (or nothing), every call in it is answered once, and the chain is as it was.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/assert.hpp"
#include "rpc/table.hpp"
#include "runtime/chain_spec.hpp"

using namespace phala;

namespace {

struct Fixture {
  std::string path = (std::filesystem::temp_directory_path() / ("phala-jsonrpc-fuzz-" + std::to_string(::getpid()))).string();
  crypto::Ed25519Pair sealer = crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  runtime::ChainSpec spec;
  Metrics metrics;
  CpuPool cpu{1, 10};
  std::unique_ptr<node::Chain> chain = std::move(*node::Chain::open(path, {}, spec));
  node::Admission admission{*chain, cpu, {}, [] { return u64{1}; }, metrics};
  rpc::Hub hub{*chain, {.per_connection = 8}, metrics};
  node::Producer producer{*chain, admission, crypto::Ed25519Pair::from_seed(sealer.seed), {1000, node::BuildMode::manual}, [] { return u64{1}; }, metrics, [](const Error&) {}};
  rpc::Node node{{"phala-node", "0", spec}, *chain, admission, producer, hub, cpu};
  rpc::CallMetrics calls{metrics};
  ~Fixture() { std::filesystem::remove_all(path); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Fixture fixture;
  rpc::Policy policy;
  policy.unsafe_allowed = size % 2 == 0;   // dev_* stay refused: the chain is no development chain
  policy.max_batch = 10;
  auto outcome = rpc::Message::parse(as_text({data, size}), policy).run(fixture.node, nullptr, policy, fixture.calls);
  if (!outcome.text.empty()) {
    const auto answer = nlohmann::json::parse(outcome.text);
    for (const auto& one : answer.is_array() ? answer : nlohmann::json::array({answer})) PHALA_ASSERT(one.contains("result") != one.contains("error") && one.contains("id"));
  }
  PHALA_ASSERT(fixture.chain->view()->number() == 0);
  return 0;
}

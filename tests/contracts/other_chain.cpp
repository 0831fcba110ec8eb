#include "other_chain.hpp"

#include <nlohmann/json.hpp>

#include "crypto/hash.hpp"
#include "runtime/test_chain.hpp"

namespace phala::contracts_test {

struct OtherChain::Chain : runtime::testing::TestChain { using TestChain::TestChain; };

OtherChain::OtherChain(const AccountId& endowed) {
  auto spec = runtime::testing::test_spec();
  spec.endowed.emplace_back(endowed, 10 * runtime::Balances::pha);
  chain_ = std::make_unique<Chain>(spec);
}
OtherChain::~OtherChain() = default;

engine::HttpResult OtherChain::http_request(const AccountId&, const engine::HttpRequest& request) {
  const auto asked = nlohmann::json::parse(request.body);
  nlohmann::json answer{{"jsonrpc", "2.0"}, {"id", asked["id"]}};
  const auto& params = asked["params"];
  const std::string method = asked["method"];
  if (method == "state_getRuntimeVersion") {
    answer["result"] = {{"specVersion", runtime::version().spec_version}, {"transactionVersion", runtime::version().transaction_version}};
  } else if (method == "state_call") {
    answer["result"] = to_hex0x(*runtime::call_api(chain_->state, chain_->head, params[0].get<std::string>(), *from_hex(params[1].get<std::string>())));
  } else if (method == "author_submitExtrinsic") {
    const Bytes extrinsic = *from_hex(params[0].get<std::string>());
    auto block = chain_->builder();
    if (const auto applied = block.apply(extrinsic); !applied) {
      answer["error"] = {{"code", 1010}, {"message", to_string(applied.error())}};
    } else {
      answer["result"] = to_hex0x(crypto::blake2_256(extrinsic));
      chain_->import(std::move(block).finish());
    }
  } else {
    answer["error"] = {{"code", -32601}, {"message", "Method not found"}};
  }
  return engine::HttpResponse{200, "OK", {}, to_bytes(answer.dump())};
}

Hash OtherChain::genesis_hash() const { return chain_->genesis_hash; }
u128 OtherChain::free_balance(const AccountId& who) const { return runtime::Pallets(chain_->state).balances.free_balance(who); }
Bytes OtherChain::transfer_call(const AccountId& to, u128 amount) {
  return scale::encode(runtime::RuntimeCall::of<runtime::Balances>(runtime::Balances::TransferKeepAlive{to, {amount}}));
}

}  // namespace phala::contracts_test

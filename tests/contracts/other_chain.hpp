#pragma once
// Why: a contract that acts on another chain is tested against the real runtime of one, behind the JSON-RPC methods it uses. Kept apart from the runtime's
// headers, which have names in common with the SDK.

#include <memory>

#include "world.hpp"

namespace phala::contracts_test {

/// A chain with its node: state_call, state_getRuntimeVersion and author_submitExtrinsic by HTTP POST; a block for each transaction.
class OtherChain final : public OneAnswer {
 public:
  explicit OtherChain(const AccountId& endowed);
  ~OtherChain() override;
  engine::HttpResult http_request(const AccountId& contract, const engine::HttpRequest& request) override;

  Hash genesis_hash() const;
  u128 free_balance(const AccountId& who) const;
  static Bytes transfer_call(const AccountId& to, u128 amount);

 private:
  struct Chain;
  std::unique_ptr<Chain> chain_;
};

}  // namespace phala::contracts_test

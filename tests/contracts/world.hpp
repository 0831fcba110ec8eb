#pragma once
// Why: what the tests of real contracts share: a cluster that was set up with the shipped system contract, calls typed by the SDK's
// declarations, and the effects a query is given.

#include "engine/engine.hpp"
#include "engine/test_support.hpp"
#include "phala/system.hpp"

namespace phala::contracts_test {

namespace sys = sdk::system;
using engine::test::account;
using engine::test::alice;
using engine::test::bob;
using engine::test::unit;

/// A file of the build's contracts folder, or of tests/golden/contracts.
Bytes built_wasm(const std::string& name);
Bytes golden_wasm(const std::string& name);

/// Answers every HTTP request with one response; refuses the rest of the world.
class OneAnswer : public engine::NoEffects {
 public:
  engine::HttpResult response = engine::HttpResponse{};
  std::vector<engine::HttpRequest> requests;

  engine::HttpResult http_request(const AccountId&, const engine::HttpRequest& request) override {
    requests.push_back(request);
    return response;
  }
  Bytes random_bytes(u8 count) override { return Bytes(count, 4); }
  u64 unix_time_ms() override { return 1; }
};

/// The cluster of owner alice, with bob as a user.
struct World {
  World();
  engine::ClusterState state;
  engine::ExecContext context;
  SecretBytes<64> secret;
  engine::ContractId system;
  engine::Outcome last;       ///< of the newest run

  Hash upload(const Bytes& wasm);
  /// Instantiates from alice; the outcome is in `last`. Nothing when it failed.
  std::optional<engine::ContractId> deploy(const Bytes& wasm, const Bytes& input, const Bytes& salt = {});

  /// A transaction; its difference is applied.
  Bytes send_raw(const AccountId& from, const engine::ContractId& to, const Bytes& input, sdk::Balance value = 0);
  Bytes query_raw(const engine::ContractId& to, const Bytes& input, engine::QueryEffects* effects = nullptr, const AccountId& from = bob);

  template <class M>
  Result<typename M::Returns, sdk::CallError> send(const AccountId& from, const engine::ContractId& to, const M& message) {
    return read<M>(send_raw(from, to, sdk::detail::call_data(M::message, message)));
  }
  template <class M>
  Result<typename M::Returns, sdk::CallError> query(const engine::ContractId& to, const M& message) {
    return read<M>(query_raw(to, sdk::detail::call_data(M::message, message)));
  }

 private:
  template <class M>
  Result<typename M::Returns, sdk::CallError> read(const Bytes& data) const {
    Result<void, sdk::CallError> sent;
    if (!last.result.result) sent = fail(sdk::CallError::callee_trapped);
    else if (last.result.result->reverted()) sent = fail(sdk::CallError::callee_reverted);
    return sdk::detail::read_answer<typename M::Returns>(sent, data);
  }
};

}  // namespace phala::contracts_test

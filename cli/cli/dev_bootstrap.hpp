#pragma once
// Why: a new chain has no worker, no gatekeeper and no cluster. This says what is still to be done until contracts can be deployed, decided
// from the chain alone, so that a restart resumes anywhere.

#include <nlohmann/json.hpp>

#include "cli/chain.hpp"
#include "cli/dev_network.hpp"

namespace phala::cli {

class Bootstrap {
 public:
  /// `net` must outlive this.
  static Result<Bootstrap> of(const DevNetwork& net, const runtime::ChainSpec& spec);
  /// True when everything stands. Sends at most one transaction and seals it at once. Error: the node does not answer as expected (yet).
  Result<bool> step();
  /// In words, what `step` found missing.
  const std::string& waiting_for() const { return waiting_for_; }
  /// What others need to use the network, once it stands: the content of dev.json.
  Result<nlohmann::ordered_json> summary() const;

 private:
  Bootstrap(const DevNetwork& net, std::string treasury, crypto::KeyPair alice, Bytes driver_code)
      : net_(&net), treasury_(std::move(treasury)), alice_(std::move(alice)), driver_code_(std::move(driver_code)) {}
  Result<bool> workers_answer();
  Result<bool> gatekeepers_stand();
  Result<bool> cluster_stands();
  Result<bool> endpoints_are_bound();
  Result<bool> workers_run_cluster();
  Result<bool> stake_counts();
  Result<Bytes> driver_installation() const;
  /// Signs the call as Alice and hands it to the node.
  Result<> submit(const Bytes& call);
  Result<> sudo(std::string_view pallet, std::string_view call, const nlohmann::json& arguments);
  Result<bool> seal();
  const DevNetwork* net_;
  std::string treasury_;            ///< SS58
  crypto::KeyPair alice_;
  Bytes driver_code_;               ///< of the tokenomic driver
  bool driver_sent_ = false;        ///< its installation, by this process
  std::optional<u64> driver_due_;   ///< the chain's height when that had left the pool
  std::optional<Chain> chain_;
  std::vector<std::string> keys_;   ///< public keys of the workers, 0x-hex, in their order
  std::string cluster_, system_contract_, waiting_for_;
};

}  // namespace phala::cli

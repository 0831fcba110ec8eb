#include "cli/dev_bootstrap.hpp"

#include "cli/command.hpp"
#include "cli/contract_client.hpp"
#include "cli/fields.hpp"
#include "cli/files.hpp"
#include "cli/http.hpp"
#include "crypto/hash.hpp"

namespace phala::cli {

using nlohmann::json;

namespace {

constexpr long worker_timeout_s = 2;
constexpr std::string_view stake_driver = "ContractDeposit";
constexpr u64 driver_gas = 100'000'000'000;
/// Constructor `default`, and System::grant_admin and set_driver.
constexpr u8 select_default[] = {0xed, 0x4b, 0x9d, 0x1b}, select_grant_admin[] = {0x67, 0x61, 0x20, 0x61}, select_set_driver[] = {0xaa, 0x1e, 0x20, 0x30};

/// One JSON answer of a worker; nothing while it starts.
std::optional<json> worker_says(const std::string& url, std::string_view method) {
  const auto answer = http_post(url + "/prpc/PhactoryAPI." + std::string(method) + "?json=true", "application/json", "", worker_timeout_s);
  if (!answer || answer->status != 200) return std::nullopt;
  auto said = parse_json(answer->body, url);
  return said && said->is_object() ? std::optional(std::move(*said)) : std::nullopt;
}

}  // namespace

Result<Bootstrap> Bootstrap::of(const DevNetwork& net, const runtime::ChainSpec& spec) {
  return Bootstrap(net, crypto::to_ss58(spec.treasury), TRY(crypto::KeyPair::from_uri("//Alice")), TRY(read_file(net.contract_path("tokenomic")).context("tokenomic contract")));
}

Result<bool> Bootstrap::step() {
  if (!chain_) {
    waiting_for_ = "the node to answer";
    chain_ = TRY(Chain::connect(net_->rpc_url()));
  }
  for (const auto part : {&Bootstrap::workers_answer, &Bootstrap::gatekeepers_stand, &Bootstrap::cluster_stands, &Bootstrap::endpoints_are_bound, &Bootstrap::workers_run_cluster, &Bootstrap::stake_counts})
    if (!TRY((this->*part)())) return false;
  return true;
}

Result<bool> Bootstrap::workers_answer() {
  while (keys_.size() < net_->workers) {
    waiting_for_ = "worker " + std::to_string(keys_.size() + 1) + " to answer";
    const auto info = worker_says(net_->public_url(keys_.size()), "GetInfo");
    if (!info || !info->contains("public_key")) return false;
    keys_.push_back("0x" + TRY(TRY(Fields::of(*info, "the worker's GetInfo")).text("public_key")));
  }
  for (const auto& key : keys_) {
    waiting_for_ = "worker " + key + " to register";
    if (TRY(chain_->query("PhalaRegistry", "Workers", {key})).is_null()) return seal();
  }
  return true;
}

Result<bool> Bootstrap::gatekeepers_stand() {
  const json gatekeepers = TRY(chain_->query("PhalaRegistry", "Gatekeeper", json::array()));
  const bool master = !TRY(chain_->query("PhalaRegistry", "GatekeeperMasterPubkey", json::array())).is_null();
  for (const auto& key : keys_) {
    if (std::find(gatekeepers.begin(), gatekeepers.end(), key) != gatekeepers.end()) continue;
    waiting_for_ = "the first gatekeeper to make the master key";
    if (!gatekeepers.empty() && !master) return seal();
    waiting_for_ = "gatekeeper " + key;
    TRY(sudo("PhalaRegistry", "register_gatekeeper", {key}));
    return seal();
  }
  waiting_for_ = "the master key";
  return master ? true : seal();
}

Result<bool> Bootstrap::cluster_stands() {
  const json clusters = TRY(chain_->query("PhalaPhatContracts", "Clusters", json::array(), 1));
  if (clusters.empty()) {
    waiting_for_ = "the cluster";
    // 1,000 PHA for the owner inside; gas and storage cost something, so that estimates and deposits are exercised
    TRY(sudo("PhalaPhatContracts", "add_cluster", {crypto::to_ss58(alice_.account()), "Public", keys_, "1000000000000000", "1", "100000", "10000", treasury_}));
    return seal();
  }
  cluster_ = TRY(text_value(clusters.at(0).at("key"), "PhalaPhatContracts.Clusters"));
  system_contract_ = TRY(TRY(Fields::of(clusters.at(0).at("value"), "PhalaPhatContracts.Clusters")).text("system_contract"));
  waiting_for_ = "the workers to deploy cluster " + cluster_;
  return TRY(chain_->query("PhalaRegistry", "ContractKeys", {system_contract_})).is_null() ? seal() : true;
}

/// A client finds workers by what the chain says: after a start on other ports it is wrong until the relay has bound the new addresses.
Result<bool> Bootstrap::endpoints_are_bound() {
  for (u64 i = 0; i < net_->workers; ++i) {
    const json expected = {{"V1", json::array({net_->public_url(i)})}};
    waiting_for_ = "the endpoint of worker " + keys_[i] + " on the chain";
    if (TRY(chain_->query("PhalaRegistry", "Endpoints", {keys_[i]})) != expected) return seal();
  }
  return true;
}

Result<bool> Bootstrap::workers_run_cluster() {
  for (u64 i = 0; i < net_->workers; ++i) {
    waiting_for_ = "worker " + std::to_string(i + 1) + " to run the cluster";
    const auto info = worker_says(net_->public_url(i), "GetClusterInfo");
    if (!info || !info->contains("info") || !info->at("info").is_object()) return false;
  }
  return true;
}

/// What is staked on a contract counts once a driver turns it into weight. One that was put there since by somebody else stays.
Result<bool> Bootstrap::stake_counts() {
  waiting_for_ = "the driver " + std::string(stake_driver);
  const auto cluster = TRY(ClusterClient::connect(*chain_, cluster_, alice_));
  const u64 worker_next = TRY(cluster.next_block());   // asked first: what it has done by then is in the answer that follows
  if (TRY(cluster.driver(stake_driver))) return true;
  if (!driver_sent_) {
    TRY(submit(TRY(driver_installation())));
    driver_sent_ = true;
    return seal();
  }
  if (!driver_due_) {
    if (!TRY(rpc(net_->rpc_url(), "author_pendingExtrinsics", json::array())).empty()) return seal();
    driver_due_ = std::stoull(TRY(TRY(Fields::of(TRY(rpc(net_->rpc_url(), "chain_getHeader", json::array())), "the node's header")).text("number")), nullptr, 16);
  }
  if (worker_next <= *driver_due_) return false;
  return fail(ErrorCode::refused, "the cluster did not take it", "`phala contract logs " + system_contract_ + "` tells why");
}

/// Everything in one transaction by the cluster's owner: workers act on its messages in this order.
Result<Bytes> Bootstrap::driver_installation() const {
  const auto* utility = metadata::find_pallet(chain_->metadata(), "Utility");
  if (!utility) return fail(ErrorCode::not_found, "this chain has no Utility pallet");
  const Hash code = crypto::blake2_256(driver_code_);
  const Hash id = protocol::contract_id(alice_.account(), code, TRY(Hash::from(TRY(from_hex(cluster_)))), {});
  std::vector<Bytes> calls;
  if (TRY(chain_->query("PhalaPhatContracts", "Contracts", {to_hex0x(id)})).is_null()) {
    calls.push_back(TRY(chain_->call("PhalaPhatContracts", "cluster_upload_resource", {cluster_, "InkCode", to_hex0x(driver_code_)})));
    calls.push_back(TRY(chain_->call("PhalaPhatContracts", "instantiate_contract", {{{"WasmCode", to_hex0x(code)}}, to_hex0x(select_default), "0x", cluster_, "0", driver_gas, nullptr, "0"})));
  }
  for (const Bytes& message : {concat(select_grant_admin, id), concat(select_set_driver, scale::encode(std::string(stake_driver)), id)}) {
    const Bytes command = plain_command({random_bytes(32), message, 0, driver_gas, std::nullopt});
    calls.push_back(TRY(chain_->call("PhalaPhatContracts", "push_contract_message", {system_contract_, to_hex0x(command), "0"})));
  }
  Bytes out = concat(Bytes{utility->index, 2}, scale::encode(scale::Compact<u32>(static_cast<u32>(calls.size()))));   // batch_all
  for (const auto& call : calls) append(out, call);
  return out;
}

Result<> Bootstrap::sudo(std::string_view pallet, std::string_view call, const json& arguments) {
  const auto* sudo_pallet = metadata::find_pallet(chain_->metadata(), "Sudo");
  if (!sudo_pallet) return fail(ErrorCode::not_found, "this chain has no Sudo pallet");
  return submit(concat(Bytes{sudo_pallet->index, 0}, TRY(chain_->call(pallet, call, arguments))));
}

Result<> Bootstrap::submit(const Bytes& call) {
  TRY(rpc(net_->rpc_url(), "author_submitExtrinsic", {to_hex0x(TRY(chain_->sign(call, alice_)))}));
  return {};
}

/// A new chain should not take a dozen block times to stand: while it is being set up, waiting transactions get their block at once.
Result<bool> Bootstrap::seal() {
  const json pending = TRY(rpc(net_->rpc_url(), "author_pendingExtrinsics", json::array()));
  if (!pending.empty()) TRY(rpc(net_->rpc_url(), "dev_newBlock", json::array()));
  return false;
}

Result<nlohmann::ordered_json> Bootstrap::summary() const {
  nlohmann::ordered_json workers = json::array(), accounts = json::object();
  for (u64 i = 0; i < net_->workers; ++i) workers.push_back({{"url", net_->public_url(i)}, {"publicKey", keys_[i]}});
  for (const std::string name : dev_names) accounts[name] = {{"uri", "//" + name}, {"address", crypto::to_ss58(TRY(crypto::KeyPair::from_uri("//" + name)).account())}};
  return nlohmann::ordered_json{{"rpc", net_->rpc_url()}, {"workers", workers}, {"clusterId", cluster_}, {"systemContract", system_contract_}, {"treasury", treasury_}, {"accounts", accounts}};
}

}  // namespace phala::cli

#include "phat/phat.hpp"

namespace phala::pallets {

PALLET_OPS(PhatContracts);

using namespace protocol;

namespace {
/// Where removed workers belong.
const Hash nowhere{};

/// The counter, big-endian, in the last eight bytes.
Hash cluster_id_of(u64 counter) {
  Hash id;
  const auto bytes = be_bytes(counter);
  std::copy(bytes.begin(), bytes.end(), id.end() - bytes.size());
  return id;
}
}  // namespace

void PhatContracts::constants(Constants& c) {
  c.add("InkCodeSizeLimit", ink_code_size_limit);
  c.add("SidevmCodeSizeLimit", sidevm_code_size_limit);
}

// ---- clusters -----------------------------------------------------------------------------------------------------

DispatchResult PhatContracts::operator()(const Origin& origin, const AddCluster& call) {
  TRY(origin.ensure_root());
  if (call.deploy_workers.empty()) return fail(Error::NoWorkerSpecified);
  const u64 counter = cluster_counter.get() + 1;
  const Hash cluster = cluster_id_of(counter);
  std::vector<WorkerIdentity> identities;
  for (const auto& key : call.deploy_workers) {
    const auto worker = TRY(registry_.workers.find(key, Error::WorkerNotFound));
    if (cluster_by_workers.contains(key)) return fail(Error::WorkerIsBusy);
    cluster_by_workers.put(key, cluster);   // a worker named twice is busy the second time
    identities.push_back({worker.pubkey, worker.ecdh_pubkey});
  }
  const auto code_hash = pink_system_code_hash.get();
  if (!code_hash) return fail(Error::NoPinkSystemCode);
  const Hash system_contract = contract_id(call.owner, *code_hash, cluster, {});
  cluster_counter.put(counter);
  emit(ClusterCreated{cluster, system_contract});
  TRY(balances_.transfer(call.owner, cluster_account(cluster), call.deposit, Preservation::preserve));
  clusters.put(cluster, {call.owner, call.permission, system_contract, call.gas_price, call.deposit_per_item, call.deposit_per_byte});
  cluster_workers.put(cluster, call.deploy_workers);
  auto code = pink_system_code.get().second;
  const auto weight = weight_of_cluster(call.deploy_workers.size(), code.size());
  tell(topic::cluster_event, ClusterEvent{DeployCluster{call.owner, cluster, std::move(identities), call.deposit, call.gas_price, call.deposit_per_item,
                                                        call.deposit_per_byte, call.treasury_account, std::move(code),
                                                        pink_runtime_version.get().value_or(std::pair<u32, u32>{1, 0})}});
  return PostInfo{weight};
}

DispatchResult PhatContracts::operator()(const Origin& origin, const ClusterDestroy& call) {
  TRY(origin.ensure_root());
  if (!clusters.contains(call.cluster)) return fail(Error::ClusterNotFound);
  clusters.remove(call.cluster);
  tell(topic::cluster_operation, ClusterOperation{DestroyCluster{call.cluster}});
  emit(ClusterDestroyed{call.cluster});
  return {};
}

Try<ClusterInfo> PhatContracts::cluster_open_to(const AccountId& who, const Hash& cluster) const {
  auto info = TRY(clusters.find(cluster, Error::ClusterNotFound));
  if (const auto* only = info.permission.get_if<permission::OnlyOwner>(); only && only->owner != who) return fail(Error::ClusterPermissionDenied);
  return info;
}

Try<ClusterInfo> PhatContracts::cluster_owned_by(const AccountId& who, const Hash& cluster) const {
  auto info = TRY(clusters.find(cluster, Error::ClusterNotFound));
  if (info.owner != who) return fail(Error::ClusterPermissionDenied);
  return info;
}

DispatchResult PhatContracts::operator()(const Origin& origin, const AddWorkerToCluster& call) {
  const auto who = TRY(origin.signed_by());
  TRY(cluster_owned_by(who, call.cluster_id));
  if (!registry_.workers.contains(call.worker_pubkey)) return fail(Error::WorkerNotFound);
  if (cluster_by_workers.contains(call.worker_pubkey)) return fail(Error::WorkerIsBusy);
  cluster_workers.append(call.cluster_id, call.worker_pubkey);
  cluster_by_workers.put(call.worker_pubkey, call.cluster_id);
  emit(WorkerAddedToCluster{call.worker_pubkey, call.cluster_id});
  return {};
}

DispatchResult PhatContracts::operator()(const Origin& origin, const RemoveWorkerFromCluster& call) {
  const auto who = TRY(origin.signed_by());
  TRY(cluster_owned_by(who, call.cluster_id));
  auto list = cluster_workers.get(call.cluster_id);
  if (std::erase(list, call.worker_pubkey) == 0) return fail(Error::WorkerNotFound);
  cluster_workers.put(call.cluster_id, list);
  cluster_by_workers.put(call.worker_pubkey, nowhere);
  tell(topic::cluster_operation, ClusterOperation{RemoveWorker{call.cluster_id, call.worker_pubkey}});
  emit(WorkerRemovedFromCluster{call.worker_pubkey, call.cluster_id});
  return {};
}

DispatchResult PhatContracts::operator()(const Origin& origin, const CleanupRemovedWorkers& call) {
  TRY(origin.ensure_root());
  auto list = cluster_workers.get(call.cluster_id);
  const auto weight = weight_of_cleanup(list.size());
  std::erase_if(list, [&](const PublicKey& worker) { return cluster_by_workers.get(worker) != call.cluster_id; });
  cluster_workers.put(call.cluster_id, list);
  return PostInfo{weight};
}

DispatchResult PhatContracts::operator()(const Origin& origin, const SetPinkSystemCode& call) {
  TRY(origin.ensure_root());
  if (call.code.size() > ink_code_size_limit) return fail(Error::PayloadTooLarge);
  next_pink_system_code.put(call.code);
  return {};
}

DispatchResult PhatContracts::operator()(const Origin& origin, const SetPinkRuntimeVersion& call) {
  TRY(origin.ensure_root());
  pink_runtime_version.put(call.version);
  tell(topic::cluster_operation, ClusterOperation{ContractRuntime{call.version}});
  return {};
}

void PhatContracts::install_system_code(Bytes code) const {
  pink_system_code_hash.put(crypto::blake2_256(code));
  const u16 version = pink_system_code.get().first;
  pink_system_code.put({static_cast<u16>(version + 1), std::move(code)});
}

Weight PhatContracts::on_initialize() {
  auto next = next_pink_system_code.get();
  if (!next) return weigh(microseconds, 1, 0);
  const u64 size = next->size();
  install_system_code(std::move(*next));
  next_pink_system_code.kill();
  // clusters that are there take it when their system contract is told to upgrade
  const auto [version, code] = pink_system_code.get();
  tell(topic::cluster_operation, ClusterOperation{SystemCode{version, code}});
  return weigh(10 * microseconds + size * 30'000, 3, 3);
}

// ---- contracts ----------------------------------------------------------------------------------------------------

DispatchResult PhatContracts::operator()(const Origin& origin, const ClusterUploadResource& call) {
  const auto who = TRY(origin.signed_by());
  TRY(cluster_open_to(who, call.cluster_id));
  const u32 limit = call.resource_type == ResourceType::sidevm_code ? sidevm_code_size_limit : ink_code_size_limit;
  if (call.resource_data.size() > limit) return fail(Error::PayloadTooLarge);
  tell(topic::cluster_operation, ClusterOperation{UploadResource{who, call.cluster_id, call.resource_type, call.resource_data}});
  return {};
}

Try<> PhatContracts::deposit_into(const AccountId& from, const Hash& cluster, const AccountId& dest, Balance amount) {
  TRY(balances_.transfer(from, cluster_account(cluster), amount, Preservation::preserve));
  tell(topic::cluster_operation, ClusterOperation{protocol::Deposit{cluster, dest, amount}});
  emit(Transfered{cluster, dest.as<Hash>(), amount});
  return {};
}

DispatchResult PhatContracts::operator()(const Origin& origin, const TransferToCluster& call) {
  const auto who = TRY(origin.signed_by());
  TRY(deposit_into(who, call.cluster_id, call.dest_account, call.amount));
  return {};
}

DispatchResult PhatContracts::operator()(const Origin& origin, const PushContractMessage& call) {
  const auto who = TRY(origin.signed_by());
  if (call.deposit != 0) {
    const auto contract = TRY(contracts.find(call.contract_id, Error::ContractNotFound));
    TRY(deposit_into(who, contract.cluster, who, call.deposit));
  }
  outbox_.push({MessageOrigin::account(who), contract_command_topic(call.contract_id), call.payload});
  return {};
}

DispatchResult PhatContracts::operator()(const Origin& origin, const InstantiateContract& call) {
  const auto who = TRY(origin.signed_by());
  TRY(cluster_open_to(who, call.cluster_id));
  if (call.deposit != 0) TRY(deposit_into(who, call.cluster_id, who, call.deposit));
  const Hash id = contract_id(who, call.code_index.get_if<WasmCode>()->hash, call.cluster_id, call.salt);
  if (contracts.contains(id)) return fail(Error::DuplicatedContract);
  contracts.put(id, {who, call.cluster_id});
  tell(topic::contract_operation, ContractOperation{InstantiateCode{{who, call.code_index, call.salt, call.cluster_id, call.data}, call.transfer, call.gas_limit,
                                                                    call.storage_deposit_limit}});
  emit(Instantiating{id, call.cluster_id, who});
  return {};
}

// ---- what gatekeepers, clusters and workers report ----------------------------------------------------------------

Try<> PhatContracts::on_message(const Message& message) {
  if (const auto report = TRY(payload_on<WorkerClusterReport>(message, topic::worker_cluster_report, Error::InvalidSender)))
    return on_worker_report(message.sender, *report);
  if (const auto event = TRY(payload_on<ClusterRegistryEvent>(message, topic::cluster_registry_event, Error::InvalidSender)))
    return on_cluster_key(message.sender, *event->get_if<protocol::ClusterPubkeyAvailable>());
  if (const auto event = TRY(payload_on<ContractRegistryEvent>(message, topic::contract_registry_event, Error::InvalidSender)))
    return on_contract_key(message.sender, *event->get_if<protocol::ContractPubkeyAvailable>());
  return {};
}

Try<> PhatContracts::on_cluster_key(const MessageOrigin& sender, const protocol::ClusterPubkeyAvailable& available) {
  if (!sender.is<origin::Gatekeeper>()) return fail(Error::InvalidSender);
  registry_.cluster_keys.put(available.cluster, available.pubkey);
  emit(ClusterPubkeyAvailable{available.cluster, available.pubkey});
  return {};
}

Try<> PhatContracts::on_contract_key(const MessageOrigin& sender, const protocol::ContractPubkeyAvailable& available) {
  const auto* from = sender.get_if<origin::Cluster>();
  if (!from) return fail(Error::InvalidSender);
  const auto known = contracts.get(available.contract);
  // one cluster cannot speak for a contract of another
  if (known && known->cluster != from->id) return fail(Error::InvalidSender);
  const bool again = registry_.contract_keys.contains(available.contract);
  registry_.contract_keys.put(available.contract, available.pubkey);
  emit(ContractPubkeyAvailable{available.contract, from->id, available.pubkey});
  if (!again) cluster_contracts.append(from->id, available.contract);
  if (!known) contracts.put(available.contract, {available.deployer.as<AccountId>(), from->id});
  emit(Instantiated{available.contract, from->id, available.deployer});
  return {};
}

Try<> PhatContracts::on_worker_report(const MessageOrigin& sender, const WorkerClusterReport& report) {
  const auto* worker = sender.get_if<origin::Worker>();
  if (!worker) return fail(Error::InvalidSender);
  if (const auto* deployed = report.get_if<protocol::ClusterDeployed>()) emit(ClusterDeployed{deployed->id, deployed->pubkey, worker->key});
  else emit(ClusterDeploymentFailed{report.get_if<protocol::ClusterDeploymentFailed>()->id, worker->key});
  return {};
}

}  // namespace phala::pallets

#pragma once
// Why: confidential programs run in clusters of workers; the chain keeps who owns a cluster, which workers and contracts are in
// it and who may deploy, takes the deposits, and orders every command. Execution is the workers' affair.
// "Governance" is root as long as there is no council.

#include "balances/balances.hpp"
#include "registry/registry.hpp"

namespace phala::pallets {

struct ContractRecord { AccountId deployer; Hash cluster;  FIELDS(deployer, cluster) };
namespace permission {
struct Public { FIELDS() };
struct OnlyOwner { AccountId owner;  FIELDS(owner) };
}  // namespace permission
/// Who may upload to and deploy in a cluster.
struct ClusterPermission : Enum<At<0, permission::Public>, At<1, permission::OnlyOwner>> { using Enum::Enum; };
struct ClusterInfo {
  AccountId owner;
  ClusterPermission permission;
  Hash system_contract;
  Balance gas_price{}, deposit_per_item{}, deposit_per_byte{};
  FIELDS(owner, permission, system_contract, gas_price, deposit_per_item, deposit_per_byte)
};

class PhatContracts : public Pallet<PhatContracts, "PhalaPhatContracts", 48>, public MessageHandler {
 public:
  static constexpr std::string_view crate = "phala_pallets::phat";
  static constexpr u32 ink_code_size_limit = 2 * 1024 * 1024, sidevm_code_size_limit = 8 * 1024 * 1024;
  PhatContracts(State& s, Balances& balances, const Registry& registry, const Outbox& outbox)
      : Pallet(s), balances_(balances), registry_(registry), outbox_(outbox) {}

  Map<"Contracts", Twox64Concat, Hash, Opt<ContractRecord>> contracts{state()};
  Value<"ClusterCounter", u64> cluster_counter{state()};
  Map<"Clusters", Twox64Concat, Hash, Opt<ClusterInfo>> clusters{state()};
  Map<"ClusterContracts", Twox64Concat, Hash, std::vector<Hash>> cluster_contracts{state()};
  Map<"ClusterWorkers", Twox64Concat, Hash, std::vector<PublicKey>> cluster_workers{state()};
  Map<"ClusterByWorkers", Twox64Concat, PublicKey, Opt<Hash>> cluster_by_workers{state()};   ///< cluster 0: removed, for ever
  Value<"PinkSystemCode", std::pair<u16, Bytes>> pink_system_code{state()};
  Value<"PinkSystemCodeHash", Opt<Hash>> pink_system_code_hash{state()};
  Value<"PinkRuntimeVersion", Opt<std::pair<u32, u32>>> pink_runtime_version{state()};
  Value<"NextPinkSystemCode", Opt<Bytes>> next_pink_system_code{state()};
  PALLET_STORAGE(contracts, cluster_counter, clusters, cluster_contracts, cluster_workers, cluster_by_workers, pink_system_code, pink_system_code_hash,
                 pink_runtime_version, next_pink_system_code)

  struct AddCluster {
    AccountId owner; ClusterPermission permission; std::vector<PublicKey> deploy_workers;
    Balance deposit{}, gas_price{}, deposit_per_item{}, deposit_per_byte{};
    AccountId treasury_account;
    FIELDS(owner, permission, deploy_workers, deposit, gas_price, deposit_per_item, deposit_per_byte, treasury_account)
  };
  struct ClusterUploadResource { Hash cluster_id; protocol::ResourceType resource_type{}; Bytes resource_data;  FIELDS(cluster_id, resource_type, resource_data) };
  struct TransferToCluster { Balance amount{}; Hash cluster_id; AccountId dest_account;  FIELDS(amount, cluster_id, dest_account) };
  struct PushContractMessage { Hash contract_id; Bytes payload; Balance deposit{};  FIELDS(contract_id, payload, deposit) };
  struct InstantiateContract {
    protocol::CodeIndex code_index; Bytes data, salt; Hash cluster_id; Balance transfer{}; u64 gas_limit{}; std::optional<Balance> storage_deposit_limit; Balance deposit{};
    FIELDS(code_index, data, salt, cluster_id, transfer, gas_limit, storage_deposit_limit, deposit)
  };
  struct ClusterDestroy { Hash cluster;  FIELDS(cluster) };
  /// Takes effect with the next block: for clusters made from then on, and for those whose system contract upgrades itself.
  struct SetPinkSystemCode { Bytes code;  FIELDS(code) };
  struct SetPinkRuntimeVersion { std::pair<u32, u32> version;  FIELDS(version) };
  struct AddWorkerToCluster { PublicKey worker_pubkey; Hash cluster_id;  FIELDS(worker_pubkey, cluster_id) };
  struct RemoveWorkerFromCluster { PublicKey worker_pubkey; Hash cluster_id;  FIELDS(worker_pubkey, cluster_id) };
  /// Drops from a cluster's list whoever does not belong to it any more.
  struct CleanupRemovedWorkers { Hash cluster_id;  FIELDS(cluster_id) };
  using Call = Enum<At<0, AddCluster>, At<1, ClusterUploadResource>, At<2, TransferToCluster>, At<3, PushContractMessage>, At<4, InstantiateContract>,
                    At<5, ClusterDestroy>, At<6, SetPinkSystemCode>, At<7, SetPinkRuntimeVersion>, At<8, AddWorkerToCluster>, At<9, RemoveWorkerFromCluster>,
                    At<10, CleanupRemovedWorkers>>;
  DispatchResult operator()(const Origin&, const AddCluster&);
  DispatchResult operator()(const Origin&, const ClusterUploadResource&);
  DispatchResult operator()(const Origin&, const TransferToCluster&);
  DispatchResult operator()(const Origin&, const PushContractMessage&);
  DispatchResult operator()(const Origin&, const InstantiateContract&);
  DispatchResult operator()(const Origin&, const ClusterDestroy&);
  DispatchResult operator()(const Origin&, const SetPinkSystemCode&);
  DispatchResult operator()(const Origin&, const SetPinkRuntimeVersion&);
  DispatchResult operator()(const Origin&, const AddWorkerToCluster&);
  DispatchResult operator()(const Origin&, const RemoveWorkerFromCluster&);
  DispatchResult operator()(const Origin&, const CleanupRemovedWorkers&);
  /// Workers get the system code with it: the largest there may be is declared, what there is is charged.
  static Weight weight(const AddCluster& c) { return weight_of_cluster(c.deploy_workers.size(), ink_code_size_limit); }
  static Weight weight_of_cluster(u64 workers, u64 code_bytes) { return weigh(200 * microseconds + code_bytes * 10'000, 6 + 2 * workers, 6 + workers); }
  static Weight weight(const ClusterUploadResource& c) { return weigh(30 * microseconds + c.resource_data.size() * 10'000, 1, 1); }
  static Weight weight(const TransferToCluster&) { return weigh(80 * microseconds, 2, 3); }
  static Weight weight(const PushContractMessage& c) { return weigh(100 * microseconds + c.payload.size() * 10'000, 3, 4); }
  static Weight weight(const InstantiateContract& c) { return weigh(120 * microseconds + c.data.size() * 10'000, 4, 5); }
  static Weight weight(const ClusterDestroy&) { return weigh(30 * microseconds, 1, 2); }
  static Weight weight(const SetPinkSystemCode& c) { return weigh(30 * microseconds + c.code.size() * 20'000, 1, 3); }
  static Weight weight(const SetPinkRuntimeVersion&) { return weigh(30 * microseconds, 0, 2); }
  static Weight weight(const AddWorkerToCluster&) { return weigh(50 * microseconds, 4, 2); }
  static Weight weight(const RemoveWorkerFromCluster&) { return weigh(50 * microseconds, 2, 3); }
  /// A cluster of ten thousand is declared, what there is is charged.
  static Weight weight(const CleanupRemovedWorkers&) { return weight_of_cleanup(10'000); }
  static Weight weight_of_cleanup(u64 workers) { return weigh(50 * microseconds, workers, 1); }

  struct ClusterCreated { Hash cluster, system_contract;  FIELDS(cluster, system_contract) };
  struct ClusterPubkeyAvailable { Hash cluster; PublicKey pubkey;  FIELDS(cluster, pubkey) };
  struct ClusterDeployed { Hash cluster; PublicKey pubkey, worker;  FIELDS(cluster, pubkey, worker) };
  struct ClusterDeploymentFailed { Hash cluster; PublicKey worker;  FIELDS(cluster, worker) };
  struct Instantiating { Hash contract, cluster; AccountId deployer;  FIELDS(contract, cluster, deployer) };
  struct ContractPubkeyAvailable { Hash contract, cluster; PublicKey pubkey;  FIELDS(contract, cluster, pubkey) };
  struct Instantiated { Hash contract, cluster, deployer;  FIELDS(contract, cluster, deployer) };
  struct ClusterDestroyed { Hash cluster;  FIELDS(cluster) };
  struct Transfered { Hash cluster, account; Balance amount{};  FIELDS(cluster, account, amount) };
  struct WorkerAddedToCluster { PublicKey worker; Hash cluster;  FIELDS(worker, cluster) };
  struct WorkerRemovedFromCluster { PublicKey worker; Hash cluster;  FIELDS(worker, cluster) };
  using Event = Enum<At<0, ClusterCreated>, At<1, ClusterPubkeyAvailable>, At<2, ClusterDeployed>, At<3, ClusterDeploymentFailed>, At<4, Instantiating>,
                     At<5, ContractPubkeyAvailable>, At<6, Instantiated>, At<7, ClusterDestroyed>, At<8, Transfered>, At<9, WorkerAddedToCluster>,
                     At<10, WorkerRemovedFromCluster>>;
  PALLET_ERRORS(CodeNotFound, ClusterNotFound, ClusterNotDeployed, ClusterPermissionDenied, DuplicatedContract, DuplicatedDeployment, NoWorkerSpecified,
                InvalidSender, WorkerNotFound, PayloadTooLarge, NoPinkSystemCode, ContractNotFound, WorkerIsBusy)
  static void constants(Constants&);
  PALLET_DECLARE_OPS

  /// Installs the system code that a call has set in the last block, and tells the clusters.
  Weight on_initialize();
  /// The code becomes the system contract of clusters made from now on.
  void install_system_code(Bytes code) const;
  Try<> on_message(const Message& message) override;

 private:
  /// The cluster, if `who` may deploy there. Errors: ClusterNotFound, ClusterPermissionDenied.
  Try<ClusterInfo> cluster_open_to(const AccountId& who, const Hash& cluster) const;
  Try<ClusterInfo> cluster_owned_by(const AccountId& who, const Hash& cluster) const;
  /// Takes the money on chain and tells the cluster to credit `dest`.
  Try<> deposit_into(const AccountId& from, const Hash& cluster, const AccountId& dest, Balance amount);
  Try<> on_cluster_key(const MessageOrigin& sender, const protocol::ClusterPubkeyAvailable& available);
  Try<> on_contract_key(const MessageOrigin& sender, const protocol::ContractPubkeyAvailable& available);
  Try<> on_worker_report(const MessageOrigin& sender, const protocol::WorkerClusterReport& report);
  template <class Payload>
  void tell(std::string_view topic, const Payload& payload) const { outbox_.push_as(name, topic, payload); }

  Balances& balances_;
  const Registry& registry_;
  const Outbox& outbox_;
};

}  // namespace phala::pallets

namespace phala::frame {
template <> inline constexpr std::string_view type_path<pallets::ContractRecord> = "phala_pallets::phat::pallet::BasicContractInfo";
template <> inline constexpr std::string_view type_path<pallets::ClusterInfo> = "phala_types::contract::ClusterInfo";
template <> inline constexpr std::string_view type_path<pallets::ClusterPermission> = "phala_types::contract::ClusterPermission";
template <> inline constexpr bool unnamed_fields<pallets::permission::OnlyOwner> = true;
template <> inline constexpr std::string_view type_path<protocol::CodeIndex> = "phala_types::contract::CodeIndex";
template <> inline constexpr bool unnamed_fields<protocol::WasmCode> = true;
template <> inline constexpr std::string_view type_path<protocol::ResourceType> = "phala_types::contract::messaging::ResourceType";
template <> inline constexpr std::string_view enumerators<protocol::ResourceType> = "InkCode, SidevmCode, IndeterministicInkCode";
}  // namespace phala::frame

#pragma once
// Why: every payload that travels in the message log, described once for the chain, the workers and the gatekeepers.
// Topics and variant indices are those of the original (docs/protocol.md §4.2), so that its tools read them.

#include <map>

#include "primitives/message.hpp"

namespace phala::protocol {

using scale::At;
using scale::Enum;

/// Unsigned 64.64 fixed point, as its 128 bits.
using FixedPoint = u128;
/// 256 bits, little-endian on the wire.
using U256 = FixedBytes<32, struct U256Tag>;
using ClusterId = Hash;
using ContractId = Hash;

namespace topic {
constexpr std::string_view system_event = "phala/system/event";
constexpr std::string_view working_report = "phala/mining/report";
constexpr std::string_view working_update = "^phala/mining/update";
constexpr std::string_view gatekeeper_launch = "phala/gatekeeper/launch";
constexpr std::string_view gatekeeper_change = "phala/gatekeeper/change";
constexpr std::string_view key_distribution = "phala/gatekeeper/key";
constexpr std::string_view gatekeeper_event = "phala/gatekeeper/event";
constexpr std::string_view registry_event = "^phala/registry/event";
constexpr std::string_view gatekeeper_registry_event = "^phala/registry/gk_event";
constexpr std::string_view cluster_registry_event = "^phala/registry/cluster";
constexpr std::string_view contract_registry_event = "^phala/registry/contract";
constexpr std::string_view cluster_event = "phala/cluster/event";
constexpr std::string_view cluster_operation = "phala/cluster/key";
constexpr std::string_view worker_cluster_report = "phala/cluster/worker/report";
constexpr std::string_view contract_operation = "phala/contract/op";
}  // namespace topic
/// "phala/contract/<64 hex digits>/command"
Bytes contract_command_topic(const ContractId& contract);
/// blake2_256(deployer ‖ code_hash ‖ cluster ‖ salt)
ContractId contract_id(const AccountId& deployer, const Hash& code_hash, const ClusterId& cluster, ByteView salt);
/// The account that holds a cluster's funds on chain: blake2_256("cluster:" ‖ cluster)
AccountId cluster_account(const ClusterId& cluster);

// ---- pallet → workers and gatekeepers: phala/system/event ---------------------------------------------------------
struct Registered { u8 confidence_level{};  FIELDS(confidence_level) };
struct BenchStart { u32 duration{};  FIELDS(duration) };
struct BenchScore { u32 score{};  FIELDS(score) };
struct Started { u32 session_id{}; FixedPoint init_v{}; u32 init_p{};  FIELDS(session_id, init_v, init_p) };
struct Stopped { FIELDS() };
struct EnterUnresponsive { FIELDS() };
struct ExitUnresponsive { FIELDS() };
struct WorkerEvent : Enum<At<0, Registered>, At<1, BenchStart>, At<2, BenchScore>, At<3, Started>, At<4, Stopped>, At<5, EnterUnresponsive>, At<6, ExitUnresponsive>> { using Enum::Enum; };
struct WorkerEventWithKey { PublicKey pubkey; WorkerEvent event;  FIELDS(pubkey, event) };
struct HeartbeatChallenge { U256 seed, online_target;  FIELDS(seed, online_target) };
struct SystemEvent : Enum<At<0, WorkerEventWithKey>, At<1, HeartbeatChallenge>> { using Enum::Enum; };

// ---- worker → pallet: ^phala/registry/event -----------------------------------------------------------------------
struct BenchReport { u64 start_time{}; u64 iterations{};  FIELDS(start_time, iterations) };
struct MasterPubkey { PublicKey master_pubkey;  FIELDS(master_pubkey) };
struct RegistryEvent : Enum<At<0, BenchReport>, At<1, MasterPubkey>> { using Enum::Enum; };

// ---- gatekeepers --------------------------------------------------------------------------------------------------
struct WorkerIdentity { PublicKey pubkey; PublicKey ecdh_pubkey;  FIELDS(pubkey, ecdh_pubkey) };
struct FirstGatekeeper { PublicKey pubkey; PublicKey ecdh_pubkey;  FIELDS(pubkey, ecdh_pubkey) };
struct MasterPubkeyOnChain { PublicKey master_pubkey;  FIELDS(master_pubkey) };
struct RotateMasterKey { u64 rotation_id{}; std::vector<WorkerIdentity> gk_identities;  FIELDS(rotation_id, gk_identities) };
struct MasterPubkeyRotated { PublicKey master_pubkey;  FIELDS(master_pubkey) };
struct GatekeeperLaunch : Enum<At<0, FirstGatekeeper>, At<1, MasterPubkeyOnChain>, At<2, RotateMasterKey>, At<3, MasterPubkeyRotated>> { using Enum::Enum; };

struct GatekeeperRegistered { PublicKey pubkey; PublicKey ecdh_pubkey;  FIELDS(pubkey, ecdh_pubkey) };
struct GatekeeperUnregistered { PublicKey pubkey; PublicKey ecdh_pubkey;  FIELDS(pubkey, ecdh_pubkey) };
struct GatekeeperChange : Enum<At<0, GatekeeperRegistered>, At<1, GatekeeperUnregistered>> { using Enum::Enum; };

/// A secret for one recipient: sealed with the key agreed between `ecdh_pubkey`'s secret and the recipient.
struct EncryptedKey { PublicKey ecdh_pubkey; Bytes encrypted_key; FixedBytes<12> iv;  FIELDS(ecdh_pubkey, encrypted_key, iv) };
struct MasterKeyDistribution { PublicKey dest; PublicKey ecdh_pubkey; Bytes encrypted_master_key; FixedBytes<12> iv;  FIELDS(dest, ecdh_pubkey, encrypted_master_key, iv) };
struct MasterKeyRotation { u64 rotation_id{}; std::map<PublicKey, EncryptedKey> secret_keys; PublicKey sender; Bytes sig;  FIELDS(rotation_id, secret_keys, sender, sig) };
struct MasterKeyHistoryItem { u64 rotation_id{}; u32 block_height{}; EncryptedKey key;  FIELDS(rotation_id, block_height, key) };
struct MasterKeyHistory { PublicKey dest; std::vector<MasterKeyHistoryItem> encrypted_master_key_history;  FIELDS(dest, encrypted_master_key_history) };
struct KeyDistribution : Enum<At<0, MasterKeyDistribution>, At<1, MasterKeyRotation>, At<2, MasterKeyHistory>> { using Enum::Enum; };

struct NewRandomNumber { BlockNumber block_number{}; Hash random_number; Hash last_random_number;  FIELDS(block_number, random_number, last_random_number) };
struct TokenomicParameters {
  FixedPoint pha_rate{}, rho{}, budget_per_block{}, v_max{}, cost_k{}, cost_b{}, slash_rate{}, treasury_ratio{};
  u32 heartbeat_window{};
  FixedPoint rig_k{}, rig_b{}, re{}, k{}, kappa{};
  FIELDS(pha_rate, rho, budget_per_block, v_max, cost_k, cost_b, slash_rate, treasury_ratio, heartbeat_window, rig_k, rig_b, re, k, kappa)
};
struct TokenomicParametersChanged { TokenomicParameters params;  FIELDS(params) };
struct GatekeeperEvent : Enum<At<0, NewRandomNumber>, At<1, TokenomicParametersChanged>> { using Enum::Enum; };

struct RotatedMasterPubkey { u64 rotation_id{}; PublicKey master_pubkey;  FIELDS(rotation_id, master_pubkey) };
struct GatekeeperRegistryEvent : Enum<At<0, RotatedMasterPubkey>> { using Enum::Enum; };

// ---- clusters -----------------------------------------------------------------------------------------------------
/// The pallet asks the gatekeepers for a cluster. `system_code` and `runtime_version` are the original's storage reads,
/// carried here because whatever a deterministic state depends on is a message.
struct DeployCluster {
  AccountId owner; ClusterId cluster; std::vector<WorkerIdentity> workers;
  u128 deposit{}, gas_price{}, deposit_per_item{}, deposit_per_byte{};
  AccountId treasury_account;
  Bytes system_code; std::pair<u32, u32> runtime_version{};
  FIELDS(owner, cluster, workers, deposit, gas_price, deposit_per_item, deposit_per_byte, treasury_account, system_code, runtime_version)
};
struct ClusterEvent : Enum<At<0, DeployCluster>> { using Enum::Enum; };

struct ClusterPubkeyAvailable { ClusterId cluster; PublicKey pubkey;  FIELDS(cluster, pubkey) };
struct ClusterRegistryEvent : Enum<At<0, ClusterPubkeyAvailable>> { using Enum::Enum; };
struct ContractPubkeyAvailable { ContractId contract; PublicKey pubkey; Hash deployer;  FIELDS(contract, pubkey, deployer) };
struct ContractRegistryEvent : Enum<At<0, ContractPubkeyAvailable>> { using Enum::Enum; };

struct DispatchKeys {
  std::map<PublicKey, EncryptedKey> secret_keys;
  ClusterId cluster; AccountId owner;
  u128 deposit{}, gas_price{}, deposit_per_item{}, deposit_per_byte{};
  AccountId treasury_account;
  Bytes system_code; std::pair<u32, u32> runtime_version{};
  FIELDS(secret_keys, cluster, owner, deposit, gas_price, deposit_per_item, deposit_per_byte, treasury_account, system_code, runtime_version)
};
struct DestroyCluster { ClusterId cluster;  FIELDS(cluster) };
enum class ResourceType : u8 { ink_code = 0, sidevm_code = 1, indeterministic_ink_code = 2 };
constexpr bool is_valid(ResourceType t) { return t <= ResourceType::indeterministic_ink_code; }
struct UploadResource { AccountId origin; ClusterId cluster_id; ResourceType resource_type{}; Bytes resource_data;  FIELDS(origin, cluster_id, resource_type, resource_data) };
struct Deposit { ClusterId cluster_id; AccountId account; u128 amount{};  FIELDS(cluster_id, account, amount) };
struct RemoveWorker { ClusterId cluster_id; PublicKey worker;  FIELDS(cluster_id, worker) };
/// For all clusters: what an upgrade of a system contract takes from now on. Versions only rise. (The original reads the chain's storage.)
struct SystemCode { u16 version{}; Bytes code;  FIELDS(version, code) };
/// For all clusters: to which contract runtime their system contracts may upgrade them from now on.
struct ContractRuntime { std::pair<u32, u32> version;  FIELDS(version) };
struct ClusterOperation
    : Enum<At<0, DispatchKeys>, At<1, DestroyCluster>, At<2, UploadResource>, At<3, Deposit>, At<4, RemoveWorker>, At<5, SystemCode>, At<6, ContractRuntime>> {
  using Enum::Enum;
};

struct ClusterDeployed { ClusterId id; PublicKey pubkey;  FIELDS(id, pubkey) };
struct ClusterDeploymentFailed { ClusterId id;  FIELDS(id) };
struct WorkerClusterReport : Enum<At<0, ClusterDeployed>, At<1, ClusterDeploymentFailed>> { using Enum::Enum; };

// ---- contracts ----------------------------------------------------------------------------------------------------
struct WasmCode { Hash hash;  FIELDS(hash) };
struct CodeIndex : Enum<At<0, WasmCode>> { using Enum::Enum; };
struct ContractInfo { AccountId deployer; CodeIndex code_index; Bytes salt; ClusterId cluster_id; Bytes instantiate_data;  FIELDS(deployer, code_index, salt, cluster_id, instantiate_data) };
struct InstantiateCode { ContractInfo contract_info; u128 transfer{}; u64 gas_limit{}; std::optional<u128> storage_deposit_limit;  FIELDS(contract_info, transfer, gas_limit, storage_deposit_limit) };
struct ContractOperation : Enum<At<0, InstantiateCode>> { using Enum::Enum; };

/// Nonce at most 32 bytes.
struct InkMessage { Bytes nonce; Bytes message; u128 transfer{}; u64 gas_limit{}; std::optional<u128> storage_deposit_limit;  FIELDS(nonce, message, transfer, gas_limit, storage_deposit_limit) };
struct InkCommand : Enum<At<0, InkMessage>> { using Enum::Enum; };
/// Sealed with the key agreed between `pubkey`'s secret and the recipient (AES-256-GCM, no associated data).
struct EncryptedData { FixedBytes<12> iv; PublicKey pubkey; Bytes data;  FIELDS(iv, pubkey, data) };
struct PlainCommand { InkCommand command;  FIELDS(command) };
struct EncryptedCommand { EncryptedData data;  FIELDS(data) };
struct CommandPayload : Enum<At<0, PlainCommand>, At<1, EncryptedCommand>> { using Enum::Enum; };

// ---- registration (docs/protocol.md §5.1) ---------------------------------------------------------------------------
struct WorkerRegistrationInfoV2 {
  u32 version{};
  Bytes machine_id;
  PublicKey pubkey; PublicKey ecdh_pubkey;
  Hash genesis_block_hash;
  std::vector<u32> features;
  std::optional<AccountId> operator_;
  u32 para_id{}, max_consensus_version{};
  FIELDS(version, machine_id, pubkey, ecdh_pubkey, genesis_block_hash, features, operator_, para_id, max_consensus_version)
};
struct VersionedWorkerEndpointsV1 { std::vector<std::string> endpoints;  FIELDS(endpoints) };
struct VersionedWorkerEndpoints : Enum<At<0, VersionedWorkerEndpointsV1>> { using Enum::Enum; };
struct WorkerEndpointPayload { PublicKey pubkey; VersionedWorkerEndpoints versioned_endpoints; u64 signing_time{};  FIELDS(pubkey, versioned_endpoints, signing_time) };

}  // namespace phala::protocol

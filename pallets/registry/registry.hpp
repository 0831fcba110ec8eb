#pragma once
// Why: the chain's memory of who may be trusted with secrets: attested workers, the gatekeepers among them, the public keys of
// clusters and contracts, and what evidence is good enough (trust anchors, allow list of measurements).
// "Governance" in the original is root or more than half of the council; there is no council here yet, so it is root.

#include "mq/outbox.hpp"
#include "registry/types.hpp"
#include "system/system.hpp"
#include "timestamp/timestamp.hpp"

namespace phala::pallets {

class Registry : public Pallet<Registry, "PhalaRegistry", 41>, public MessageHandler {
 public:
  static constexpr std::string_view crate = "phala_pallets::registry";
  Registry(State& s, const System& system, const Timestamp& timestamp, const Outbox& outbox) : Pallet(s), system_(system), timestamp_(timestamp), outbox_(outbox) {}

  Value<"Gatekeeper", std::vector<PublicKey>> gatekeeper{state()};
  Value<"GatekeeperMasterPubkey", Opt<PublicKey>> gatekeeper_master_pubkey{state()};
  Value<"GatekeeperLaunchedAt", Opt<GatekeeperLaunchedAt>> gatekeeper_launched_at{state()};
  Value<"RotationCounter", u64> rotation_counter{state()};
  Value<"MasterKeyRotationLock", std::optional<u64>> master_key_rotation_lock{state()};
  Map<"Workers", Twox64Concat, PublicKey, Opt<WorkerInfo>> workers{state()};
  Map<"WorkerAddedAt", Twox64Concat, PublicKey, Opt<BlockNumber>> worker_added_at{state()};
  Map<"ContractKeys", Twox64Concat, Hash, Opt<PublicKey>> contract_keys{state()};
  Map<"ClusterKeys", Twox64Concat, Hash, Opt<PublicKey>> cluster_keys{state()};
  Map<"TopicKey", Blake2_128Concat, Bytes, Opt<Bytes>> topic_key{state()};
  Value<"BenchmarkDuration", Opt<u32>> benchmark_duration{state()};
  Value<"PRuntimeAllowList", std::vector<Bytes>> pruntime_allow_list{state()};
  Map<"PRuntimeAddedAt", Twox64Concat, Bytes, Opt<BlockNumber>> pruntime_added_at{state()};
  Value<"RelaychainGenesisBlockHashAllowList", std::vector<Hash>> relaychain_genesis_block_hash_allow_list{state()};
  Map<"Endpoints", Twox64Concat, PublicKey, Opt<protocol::VersionedWorkerEndpoints>> endpoints{state()};
  Value<"TempWorkersIterKey", std::optional<Bytes>> temp_workers_iter_key{state()};   ///< never written: migrations of the original used it, clients know it
  Value<"MinimumPRuntimeVersion", std::tuple<u32, u32, u32>> minimum_pruntime_version{state()};
  Value<"PRuntimeConsensusVersion", u32> pruntime_consensus_version{state()};
  Value<"MaxKnownPRuntimeConsensusVersion", KnownConsensusVersion> max_known_pruntime_consensus_version{state()};
  Value<"TrustedNtpServers", std::vector<std::string>> trusted_ntp_servers{state()};
  Value<"TrustAnchors", attest::TrustAnchors> trust_anchors{state()};          ///< ours: where trust in evidence starts
  Value<"VerifyMeasurement", bool> verify_measurement{state()};                ///< ours: whether the allow list decides
  /// Ours: the quotes that registered a worker, by `Claims::quote_id`, and when. Each counts once, or whoever finds an old one on the chain could bring back
  /// the operator, version or features it speaks of. A quote bears no time, so none is ever forgotten.
  Map<"AcceptedQuotes", Twox64Concat, Hash, Opt<BlockNumber>> accepted_quotes{state()};
  /// Ours: the highest tcbEvaluationDataNumber that evidence of a family showed. Documents from before are still in date for weeks, and would still call a
  /// platform up to date that the newer ones do not.
  Map<"TcbEvaluations", Blake2_128Concat, PlatformFamily, u32> tcb_evaluations{state()};
  PALLET_STORAGE(gatekeeper, gatekeeper_master_pubkey, gatekeeper_launched_at, rotation_counter, master_key_rotation_lock, workers, worker_added_at,
                 contract_keys, cluster_keys, topic_key, benchmark_duration, pruntime_allow_list, pruntime_added_at,
                 relaychain_genesis_block_hash_allow_list, endpoints, temp_workers_iter_key, minimum_pruntime_version, pruntime_consensus_version,
                 max_known_pruntime_consensus_version, trusted_ntp_servers, trust_anchors, verify_measurement, accepted_quotes, tcb_evaluations)

  struct ForceSetBenchmarkDuration { u32 value{};  FIELDS(value) };
  struct ForceRegisterWorker { PublicKey pubkey, ecdh_pubkey; std::optional<AccountId> operator_;  FIELDS(pubkey, ecdh_pubkey, operator_) };
  struct ForceRegisterTopicPubkey { Bytes topic, pubkey;  FIELDS(topic, pubkey) };
  struct RegisterGatekeeper { PublicKey gatekeeper;  FIELDS(gatekeeper) };
  struct UnregisterGatekeeper { PublicKey gatekeeper;  FIELDS(gatekeeper) };
  struct RotateMasterKey { FIELDS() };
  /// IAS evidence: the service is retired, so this is refused.
  struct RegisterWorker { WorkerRegistrationInfo pruntime_info; Attestation attestation;  FIELDS(pruntime_info, attestation) };
  struct RegisterWorkerV2 { protocol::WorkerRegistrationInfoV2 pruntime_info; std::optional<AttestationReport> attestation;  FIELDS(pruntime_info, attestation) };
  struct UpdateWorkerEndpoint { protocol::WorkerEndpointPayload endpoint_payload; Bytes signature;  FIELDS(endpoint_payload, signature) };
  struct AddPruntime { Bytes pruntime_hash;  FIELDS(pruntime_hash) };
  struct RemovePruntime { Bytes pruntime_hash;  FIELDS(pruntime_hash) };
  struct AddRelaychainGenesisBlockHash { Hash genesis_block_hash;  FIELDS(genesis_block_hash) };
  struct RemoveRelaychainGenesisBlockHash { Hash genesis_block_hash;  FIELDS(genesis_block_hash) };
  struct SetMinimumPruntimeVersion { u32 major{}, minor{}, patch{};  FIELDS(major, minor, patch) };
  struct SetPruntimeConsensusVersion { u32 version{};  FIELDS(version) };
  struct SetTrustedNtpServers { std::vector<std::string> servers;  FIELDS(servers) };
  /// Ours: replaces roots and policy, so that a broken platform can be shut out within one block.
  struct SetTrustAnchors { attest::TrustAnchors anchors;  FIELDS(anchors) };
  using Call = Enum<At<0, ForceSetBenchmarkDuration>, At<1, ForceRegisterWorker>, At<2, ForceRegisterTopicPubkey>, At<3, RegisterGatekeeper>,
                    At<4, UnregisterGatekeeper>, At<5, RotateMasterKey>, At<6, RegisterWorker>, At<7, RegisterWorkerV2>, At<8, UpdateWorkerEndpoint>,
                    At<9, AddPruntime>, At<10, RemovePruntime>, At<11, AddRelaychainGenesisBlockHash>, At<12, RemoveRelaychainGenesisBlockHash>,
                    At<13, SetMinimumPruntimeVersion>, At<14, SetPruntimeConsensusVersion>, At<15, SetTrustedNtpServers>, At<16, SetTrustAnchors>>;
  DispatchResult operator()(const Origin&, const ForceSetBenchmarkDuration&);
  DispatchResult operator()(const Origin&, const ForceRegisterWorker&);
  DispatchResult operator()(const Origin&, const ForceRegisterTopicPubkey&);
  DispatchResult operator()(const Origin&, const RegisterGatekeeper&);
  DispatchResult operator()(const Origin&, const UnregisterGatekeeper&);
  DispatchResult operator()(const Origin&, const RotateMasterKey&);
  DispatchResult operator()(const Origin&, const RegisterWorker&);
  DispatchResult operator()(const Origin&, const RegisterWorkerV2&);
  DispatchResult operator()(const Origin&, const UpdateWorkerEndpoint&);
  DispatchResult operator()(const Origin&, const AddPruntime&);
  DispatchResult operator()(const Origin&, const RemovePruntime&);
  DispatchResult operator()(const Origin&, const AddRelaychainGenesisBlockHash&);
  DispatchResult operator()(const Origin&, const RemoveRelaychainGenesisBlockHash&);
  DispatchResult operator()(const Origin&, const SetMinimumPruntimeVersion&);
  DispatchResult operator()(const Origin&, const SetPruntimeConsensusVersion&);
  DispatchResult operator()(const Origin&, const SetTrustedNtpServers&);
  DispatchResult operator()(const Origin&, const SetTrustAnchors&);
  /// Changes of lists and settings by governance.
  template <class C>
  static Weight weight(const C&) { return weigh(30 * microseconds, 3, 3); }
  /// Nine P-256 verifications, and every byte to be hashed and, where its signature is good, parsed.
  static Weight weight(const RegisterWorkerV2&);
  static Weight weight(const UpdateWorkerEndpoint&) { return weigh(150 * microseconds, 2, 1); }

  struct GatekeeperAdded { PublicKey pubkey;  FIELDS(pubkey) };
  struct GatekeeperRemoved { PublicKey pubkey;  FIELDS(pubkey) };
  struct WorkerAdded { PublicKey pubkey; std::optional<AttestationProvider> attestation_provider; u8 confidence_level{};  FIELDS(pubkey, attestation_provider, confidence_level) };
  struct WorkerUpdated { PublicKey pubkey; std::optional<AttestationProvider> attestation_provider; u8 confidence_level{};  FIELDS(pubkey, attestation_provider, confidence_level) };
  struct MasterKeyRotated { u64 rotation_id{}; PublicKey master_pubkey;  FIELDS(rotation_id, master_pubkey) };
  struct MasterKeyRotationFailed { std::optional<u64> rotation_lock; u64 gatekeeper_rotation_id{};  FIELDS(rotation_lock, gatekeeper_rotation_id) };
  struct InitialScoreSet { PublicKey pubkey; u32 init_score{};  FIELDS(pubkey, init_score) };
  struct MinimumPRuntimeVersionChangedTo { u32 major{}, minor{}, patch{};  FIELDS(major, minor, patch) };
  struct PRuntimeConsensusVersionChangedTo { u32 version{};  FIELDS(version) };
  struct GatekeeperLaunched { FIELDS() };
  using Event = Enum<At<0, GatekeeperAdded>, At<1, GatekeeperRemoved>, At<2, WorkerAdded>, At<3, WorkerUpdated>, At<4, MasterKeyRotated>,
                     At<5, MasterKeyRotationFailed>, At<6, InitialScoreSet>, At<7, MinimumPRuntimeVersionChangedTo>,
                     At<8, PRuntimeConsensusVersionChangedTo>, At<9, GatekeeperLaunched>>;
  PALLET_ERRORS(CannotHandleUnknownMessage, InvalidSender, InvalidPubKey, MalformedSignature, InvalidSignatureLength, InvalidSignature, UnknownContract,
                InvalidIASSigningCert, InvalidReport, InvalidQuoteStatus, BadIASReport, OutdatedIASReport, UnknownQuoteBodyFormat, InvalidDCAPQuote,
                InvalidRuntimeInfoHash, InvalidRuntimeInfo, InvalidInput, InvalidBenchReport, WorkerNotFound, NoneAttestationDisabled, InvalidGatekeeper,
                InvalidMasterPubkey, MasterKeyMismatch, MasterKeyUninitialized, GenesisBlockHashRejected, GenesisBlockHashAlreadyExists,
                GenesisBlockHashNotFound, PRuntimeRejected, PRuntimeAlreadyExists, PRuntimeNotFound, UnknownCluster, NotImplemented,
                CannotRemoveLastGatekeeper, MasterKeyInRotation, InvalidRotatedMasterPubkey, InvalidEndpointSigningTime, NotMigrationRoot,
                ParachainIdMismatch, InvalidConsensusVersion, UnsupportedAttestationType,
                /* ours: */ InvalidReportData, QuoteAlreadyUsed, OutdatedCollateral)
  static void constants(Constants& c) { c.add("NoneAttestationEnabled", false); }
  PALLET_DECLARE_OPS

  /// Is this what its sender signed? Errors: UnknownCluster, UnknownContract, MasterKeyUninitialized, InvalidSignatureLength, InvalidSignature.
  Try<> check_message(const SignedMessage& message) const;
  Try<> on_message(const Message& message) override;

 private:
  struct Accepted { AttestationProvider provider; u8 confidence; Hash quote_id; PlatformFamily family; u32 tcb_evaluation; };
  Try<Accepted> verify_evidence(const RegisterWorkerV2& call) const;
  Try<> check_genesis(const Hash& genesis) const;
  void note_consensus_version(u32 version) const;
  Try<PublicKey> key_of(const MessageOrigin& sender) const;
  Try<> on_worker_event(const MessageOrigin& sender, const protocol::RegistryEvent& event);
  Try<> on_benchmark(const PublicKey& worker, const protocol::BenchReport& report);
  Try<> on_master_key(const PublicKey& worker, const PublicKey& key);
  Try<> on_rotated_master_key(const MessageOrigin& sender, const protocol::RotatedMasterPubkey& rotated);
  void tell_worker(const PublicKey& worker, protocol::WorkerEvent event) const;
  template <class Payload>
  void tell(std::string_view topic, const Payload& payload) const { outbox_.push_as(name, topic, payload); }

  const System& system_;
  const Timestamp& timestamp_;
  const Outbox& outbox_;
};

}  // namespace phala::pallets

namespace phala::frame {
template <> inline constexpr bool unnamed_fields<pallets::Registry::MinimumPRuntimeVersionChangedTo> = true;
template <> inline constexpr bool unnamed_fields<pallets::Registry::PRuntimeConsensusVersionChangedTo> = true;
}  // namespace phala::frame

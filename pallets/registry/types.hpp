#pragma once
// Why: what the chain knows of workers, and the evidence by which it came to know it (docs/protocol.md §5).

#include "attest/verify.hpp"
#include "frame/pallet.hpp"
#include "primitives/protocol.hpp"

namespace phala::pallets {

using namespace frame;

enum class AttestationProvider : u8 { root, ias, dcap };
constexpr bool is_valid(AttestationProvider p) { return p <= AttestationProvider::dcap; }

struct WorkerInfo {
  PublicKey pubkey, ecdh_pubkey;
  u32 runtime_version{};
  u64 last_updated{};                                     ///< seconds
  std::optional<AccountId> operator_;
  std::optional<AttestationProvider> attestation_provider;
  u8 confidence_level{};                                  ///< 1 best … 5; 128: vouched for by root
  std::optional<u32> initial_score;
  std::vector<u32> features;                              ///< [cores, feature level]
  FIELDS(pubkey, ecdh_pubkey, runtime_version, last_updated, operator_, attestation_provider, confidence_level, initial_score, features)
};
struct GatekeeperLaunchedAt { BlockNumber block{}; u64 unix_s{};  FIELDS(block, unix_s) };
struct KnownConsensusVersion { u32 version{}, count{};  FIELDS(version, count) };

/// Platforms that one TCB info is about.
struct PlatformFamily { attest::Fmspc fmspc; bool tdx{};  FIELDS(fmspc, tdx) };

/// The retired kind of evidence: kept for its wire index.
struct SgxIas { Bytes ra_report, signature, raw_signing_cert;  FIELDS(ra_report, signature, raw_signing_cert) };
struct Collateral : Enum<At<0, attest::Collateral>> { using Enum::Enum; };
/// SGX or TDX: the quote says which.
struct SgxDcap { Bytes quote; std::optional<Collateral> collateral;  FIELDS(quote, collateral) };
struct Attestation : Enum<At<0, SgxIas>> { using Enum::Enum; };
struct AttestationReport : Enum<At<0, SgxIas>, At<1, SgxDcap>> { using Enum::Enum; };
struct WorkerRegistrationInfo {
  u32 version{};
  Bytes machine_id;
  PublicKey pubkey, ecdh_pubkey;
  Hash genesis_block_hash;
  std::vector<u32> features;
  std::optional<AccountId> operator_;
  FIELDS(version, machine_id, pubkey, ecdh_pubkey, genesis_block_hash, features, operator_)
};

}  // namespace phala::pallets

namespace phala::frame {
template <> inline constexpr std::string_view type_path<pallets::AttestationProvider> = "phala_types::AttestationProvider";
template <> inline constexpr std::string_view enumerators<pallets::AttestationProvider> = "Root, Ias, Dcap";
template <> inline constexpr std::string_view type_path<pallets::WorkerInfo> = "phala_pallets::registry::pallet::WorkerInfoV2";
template <> inline constexpr std::string_view type_path<pallets::GatekeeperLaunchedAt> = "";
template <> inline constexpr bool unnamed_fields<pallets::GatekeeperLaunchedAt> = true;
template <> inline constexpr std::string_view type_path<pallets::KnownConsensusVersion> = "phala_pallets::registry::pallet::KnownConsensusVersion";
template <> inline constexpr std::string_view type_path<pallets::Collateral> = "sgx_attestation::types::Collateral";
template <> inline constexpr std::string_view variant_name<attest::Collateral> = "SgxV30";
template <> inline constexpr std::string_view type_path<pallets::Attestation> = "phala_pallets::utils::attestation_legacy::Attestation";
template <> inline constexpr std::string_view type_path<pallets::AttestationReport> = "sgx_attestation::types::AttestationReport";
template <> inline constexpr std::string_view type_path<pallets::WorkerRegistrationInfo> = "phala_types::WorkerRegistrationInfo";
template <> inline constexpr std::string_view type_path<protocol::WorkerRegistrationInfoV2> = "phala_types::WorkerRegistrationInfoV2";
template <> inline constexpr std::string_view type_path<protocol::WorkerEndpointPayload> = "phala_types::WorkerEndpointPayload";
template <> inline constexpr std::string_view type_path<protocol::VersionedWorkerEndpoints> = "phala_types::VersionedWorkerEndpoints";
template <> inline constexpr std::string_view variant_name<protocol::VersionedWorkerEndpointsV1> = "V1";
template <> inline constexpr bool unnamed_fields<protocol::VersionedWorkerEndpointsV1> = true;
template <> inline constexpr std::string_view type_path<attest::TrustAnchors> = "phala_attest::TrustAnchors";
template <> inline constexpr std::string_view type_path<attest::Policy> = "phala_attest::Policy";
template <> inline constexpr std::string_view type_path<attest::TcbStatus> = "phala_attest::TcbStatus";
template <> inline constexpr std::string_view enumerators<attest::TcbStatus> =
    "UpToDate, SWHardeningNeeded, ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, OutOfDateConfigurationNeeded, Revoked";
}  // namespace phala::frame

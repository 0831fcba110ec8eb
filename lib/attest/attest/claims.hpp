#pragma once
// Why: the vocabulary of attestation that chain, worker and command line share: where trust starts, what a verifier insists
// on, and what verified evidence proves. Plain values, so that a pallet can keep them in state.

#include <optional>
#include <vector>

#include "scale/codec.hpp"

namespace phala::attest {

/// Seconds since 1970-01-01T00:00:00Z.
using UnixSeconds = u64;
using Fmspc = FixedBytes<6, struct FmspcTag>;              ///< family-model-stepping-platform-custom SKU
using PlatformId = FixedBytes<16, struct PlatformIdTag>;   ///< PPID of the PCK certificate
using ReportData = FixedBytes<64, struct ReportDataTag>;
using Measurement = FixedBytes<68, struct MeasurementTag>; ///< mr_enclave ‖ isv_prod_id ‖ isv_svn ‖ mr_signer, integers big-endian
using TdHash = FixedBytes<48, struct TdHashTag>;           ///< SHA-384 register of a trust domain

enum class TcbStatus : u8 {
  up_to_date,
  sw_hardening_needed,
  configuration_needed,
  configuration_and_sw_hardening_needed,
  out_of_date,
  out_of_date_configuration_needed,
  revoked,
};
constexpr bool is_valid(TcbStatus s) { return s <= TcbStatus::revoked; }
/// Intel's spelling: "UpToDate", "SWHardeningNeeded", …
std::string_view to_string(TcbStatus status);

/// What the verifier itself insists on, beyond what Intel signed.
struct Policy {
  /// `revoked` is refused even when listed.
  std::vector<TcbStatus> allowed_statuses{TcbStatus::up_to_date, TcbStatus::sw_hardening_needed, TcbStatus::configuration_needed,
                                          TcbStatus::configuration_and_sw_hardening_needed};
  bool allow_debug = false;
  /// TDX: without SEPT_VE_DISABLE a host may inject exceptions into the guest by withdrawing its pages.
  bool require_sept_ve_disable = true;
  std::vector<Fmspc> allowed_fmspc{};            ///< empty: any that is not denied
  std::vector<Fmspc> denied_fmspc{};
  std::vector<PlatformId> denied_platforms{};
  u32 minimum_tcb_evaluation_number = 0;         ///< for TCB info and QE identity; raise it and stale documents cannot come back
  FIELDS(allowed_statuses, allow_debug, require_sept_ve_disable, allowed_fmspc, denied_fmspc, denied_platforms, minimum_tcb_evaluation_number)
};

/// Where trust starts. Production: `intel_sgx_root_ca` of intel_root.hpp; development: the root of a development authority.
struct TrustAnchors {
  std::vector<Bytes> root_certificates;   ///< DER, self-signed, P-256; at most 8
  Policy policy{};
  FIELDS(root_certificates, policy)
};

struct SgxClaims {
  Hash mr_enclave{}, mr_signer{};
  u16 isv_prod_id = 0, isv_svn = 0;
  u32 misc_select = 0;
  FixedBytes<16> attributes{}, cpu_svn{};
  FIELDS(mr_enclave, mr_signer, isv_prod_id, isv_svn, misc_select, attributes, cpu_svn)
};
struct TdxClaims {
  TdHash mr_td{};
  std::array<TdHash, 4> rtmr{};
  TdHash mr_config_id{}, mr_owner{}, mr_owner_config{}, mr_seam{}, mr_signer_seam{};
  FixedBytes<8> td_attributes{}, xfam{}, seam_attributes{};
  FixedBytes<16> tee_tcb_svn{};
  FIELDS(mr_td, rtmr, mr_config_id, mr_owner, mr_owner_config, mr_seam, mr_signer_seam, td_attributes, xfam, seam_attributes, tee_tcb_svn)
};

/// What verified evidence proves.
struct Claims {
  scale::Enum<scale::At<0, SgxClaims>, scale::At<1, TdxClaims>> body;
  ReportData report_data{};
  /// SHA-256 of header, report and the r of the signature over them: tells quotes apart, also those over equal reports, and is the same however what no
  /// signature covers is spelled.
  Hash quote_id{};
  /// The chain's allow-list form. SGX as the type says. TDX: SHA-256(mr_td ‖ rtmr0 ‖ rtmr1 ‖ rtmr2 ‖ rtmr3) ‖ 4 zero bytes ‖
  /// SHA-256(mr_config_id ‖ mr_owner ‖ mr_owner_config), so that every measured input of a TD counts.
  Measurement measurement{};
  Fmspc fmspc{};
  PlatformId platform{};
  TcbStatus tcb_status{};                        ///< the worst of platform, quoting enclave and TDX module
  std::vector<std::string> advisory_ids;         ///< of all matched levels, sorted, each once
  u8 confidence_level = 0;                       ///< 1 (best) … 5, docs/protocol.md §5.2
  u32 tcb_evaluation_number = 0;                 ///< the lower of TCB info and QE identity
  UnixSeconds tcb_date = 0;                      ///< the oldest of the matched levels
  UnixSeconds earliest_expiration = 0;           ///< of every certificate, list and document used
  std::optional<bool> dynamic_platform, cached_keys, smt_enabled;   ///< what a Platform CA's PCK certificate says of the machine
  bool is_tdx() const { return body.is<TdxClaims>(); }
  FIELDS(body, report_data, quote_id, measurement, fmspc, platform, tcb_status, advisory_ids, confidence_level, tcb_evaluation_number, tcb_date,
         earliest_expiration, dynamic_platform, cached_keys, smt_enabled)
};

}  // namespace phala::attest

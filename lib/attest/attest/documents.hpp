#pragma once
// Why: TCB info and QE identity as values. Their JSON is decoded only after its signature has been checked, by one adapter
// (documents_json.cpp; an import of the host in a wasm32 runtime); deciding with them is tcb.cpp's.
// Source: Intel PCS API v3/v4, "TCB info" v2 and v3, "enclave identity" v2.

#include "attest/claims.hpp"
#include "attest/error.hpp"

namespace phala::attest {

using Components = std::array<u8, 16>;   ///< security version numbers of TCB components

struct TcbVerdict {
  TcbStatus status{};
  UnixSeconds date = 0;
  std::vector<std::string> advisory_ids;
  FIELDS(status, date, advisory_ids)
};
struct PlatformLevel {
  Components sgx{};
  u16 pce_svn = 0;
  std::optional<Components> tdx;
  TcbVerdict verdict;
  FIELDS(sgx, pce_svn, tdx, verdict)
};
struct EnclaveLevel {
  u16 isv_svn = 0;
  TcbVerdict verdict;
  FIELDS(isv_svn, verdict)
};

struct TdxModule {
  TdHash mr_signer{};
  FixedBytes<8> attributes{}, attributes_mask{};
  FIELDS(mr_signer, attributes, attributes_mask)
};
struct TdxModuleIdentity {
  u8 major = 0;                          ///< module version: "TDX_03" is 3
  TdxModule module;
  std::vector<EnclaveLevel> levels;      ///< best first
  FIELDS(major, module, levels)
};

struct TcbInfo {
  bool tdx = false;
  u32 version = 0;                       ///< 2 (SGX only) or 3
  UnixSeconds issue_date = 0, next_update = 0;
  Fmspc fmspc{};
  FixedBytes<2> pce_id{};
  u32 evaluation_number = 0;
  std::optional<TdxModule> module;       ///< of module version 0; present in TDX documents
  std::vector<TdxModuleIdentity> module_identities;
  std::vector<PlatformLevel> levels;     ///< best first
  FIELDS(tdx, version, issue_date, next_update, fmspc, pce_id, evaluation_number, module, module_identities, levels)
};

struct QeIdentity {
  bool tdx = false;                      ///< "TD_QE" rather than "QE"
  UnixSeconds issue_date = 0, next_update = 0;
  u32 evaluation_number = 0;
  FixedBytes<4> misc_select{}, misc_select_mask{};
  FixedBytes<16> attributes{}, attributes_mask{};
  Hash mr_signer{};
  u16 isv_prod_id = 0;
  std::vector<EnclaveLevel> levels;      ///< best first
  FIELDS(tdx, issue_date, next_update, evaluation_number, misc_select, misc_select_mask, attributes, attributes_mask, mr_signer, isv_prod_id, levels)
};

/// Defects: malformed (not JSON, a field missing or of another type or size), unsupported_version, wrong_tee (unknown id).
Result<TcbInfo, Defect> parse_tcb_info(std::string_view json);
Result<QeIdentity, Defect> parse_qe_identity(std::string_view json);

}  // namespace phala::attest

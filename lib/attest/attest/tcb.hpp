#pragma once
// Why: how well patched is this platform? Matching of security version numbers against the levels Intel publishes, and the
// merging of several verdicts into one. Source: Intel PCS documentation, "TCB info" and "enclave identity" evaluation.

#include "attest/documents.hpp"
#include "attest/quote.hpp"

namespace phala::attest {

/// The first level that platform (PCK certificate) and, for TDX, module (TEE_TCB_SVN) reach. Defect: no_matching_level.
/// With module versions above 0 the first two TDX components are judged by the module identity instead.
Result<TcbVerdict, Defect> match_platform(const TcbInfo& info, const SgxExtension& platform, const TdxClaims* td);

/// Identity and version of the TDX module. Nothing to add for module version 0.
/// Defects: unknown_module, wrong_mr_signer, wrong_attributes, no_matching_level.
Result<std::optional<TcbVerdict>, Defect> match_module(const TcbInfo& info, const TdxClaims& td);

/// The quoting enclave is the one Intel describes, and how old. Defects: wrong_mr_signer, wrong_product, wrong_misc_select,
/// wrong_attributes, no_matching_level.
Result<TcbVerdict, Defect> match_quoting_enclave(const QeIdentity& identity, const SgxReport& report);

/// Worst status, oldest date, all advisories (sorted, each once).
TcbVerdict merge(TcbVerdict a, const TcbVerdict& b);

/// 1 … 5; nothing for a status that earns none (Revoked). Table of docs/protocol.md §5.2.
std::optional<u8> confidence_level(const TcbVerdict& verdict);

}  // namespace phala::attest

#pragma once
// Why: evidence is refused with one name per defect and the layer where it was found, so that an operator knows what to
// renew, a test can tell two refusals apart, and nothing is ever "just invalid".

#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace phala::attest {

/// Where in the evidence the defect lies. The order is the order of trust, not the order of the checks.
enum class Layer : u8 {
  quote_format,        ///< the bytes of the quote
  pck_chain,           ///< the platform's certificate chain inside the quote
  crl_chain,           ///< issuer chain of the PCK revocation list
  root_crl,            ///< revocation list of the root authority
  pck_crl,             ///< revocation list of the PCK authority
  tcb_info_chain,      ///< issuer chain of the TCB info
  tcb_info,            ///< TCB info of the platform's family
  qe_identity_chain,   ///< issuer chain of the quoting enclave's identity
  qe_identity,         ///< identity of the quoting enclave
  qe_report,           ///< report of the quoting enclave, signed by the platform
  attestation_key,     ///< binding of the attestation key to the quoting enclave's report
  quote_signature,     ///< signature over header and report
  tdx_module,          ///< the TDX module that hosts the trust domain
  tcb_level,           ///< what the TCB levels say about this platform
  policy,              ///< what the verifier's own policy says
};

/// What is wrong there. Closed: nothing outside this list refuses evidence.
enum class Defect : u8 {
  // shape
  too_large,                   ///< longer than the limit of its kind (see limits below)
  truncated,                   ///< ends inside a field
  trailing_bytes,              ///< complete, then more (TDX quotes may be padded with zeros)
  unsupported_version,         ///< a version of the format this verifier does not know
  unsupported_key_type,        ///< attestation key other than ECDSA P-256
  unsupported_tee,             ///< a TEE type other than SGX and TDX
  unknown_qe_vendor,           ///< quoting enclave of another vendor than Intel
  unsupported_certification,   ///< certification data other than type 5 (a PCK chain), in v4 inside type 6
  missing,                     ///< the field is empty
  malformed,                   ///< not of its format
  not_canonical,               ///< the same content spelled in a way its issuer never does
  wrong_chain_length,          ///< another number of certificates than this role has
  // certificates
  unsupported_algorithm,       ///< other than ECDSA P-256 with SHA-256
  unknown_critical_extension,
  wrong_role,                  ///< a certificate of another purpose (name, CA flag, key usage, SGX extension)
  wrong_issuer,                ///< names or key identifiers do not connect, or another authority's list
  untrusted_root,              ///< the chain does not end in one of the trust anchors
  bad_signature,
  not_yet_valid,
  expired,
  revoked,                     ///< a certificate of this chain is on a revocation list
  // identities and levels
  wrong_tee,                   ///< document of the other technology (SGX / TDX)
  wrong_fmspc,                 ///< TCB info of another platform family
  wrong_pce_id,
  wrong_mr_signer,
  wrong_product,               ///< ISVPRODID
  wrong_misc_select,
  wrong_attributes,
  unknown_module,              ///< a TDX module version the TCB info does not list
  bad_binding,                 ///< report data is not SHA-256(attestation key ‖ authentication data), zero-extended
  no_matching_level,           ///< below every level the document lists
  // policy
  debug_enabled,               ///< debug enclave or trust domain: its memory is readable from outside
  reserved_attributes,         ///< TD attributes that weaken isolation or have no known meaning
  sept_ve_enabled,             ///< TD attribute SEPT_VE_DISABLE is clear
  status_not_allowed,          ///< TCB status outside the policy, or Revoked
  evaluation_too_old,          ///< tcbEvaluationDataNumber below the policy's minimum
  fmspc_denied,
  platform_denied,
};
constexpr bool is_valid(Layer layer) { return layer <= Layer::policy; }
constexpr bool is_valid(Defect defect) { return defect <= Defect::platform_denied; }

struct AttestError {
  Defect defect{};
  Layer layer{};
  /// One line that names the layer: "TCB info: expired; fetch fresh collateral".
  std::string text() const;
  bool operator==(const AttestError&) const = default;
};

std::string_view to_string(Layer layer);
std::string_view to_string(Defect defect);
/// For module borders. Code `refused` for policy and trust, `invalid_input` for shape.
Error to_error(const AttestError& error);

}  // namespace phala::attest

#include "attest/error.hpp"

namespace phala::attest {
namespace {

/// What to do about it, as far as the defect tells.
std::string_view remedy(const AttestError& e) {
  switch (e.defect) {
    case Defect::expired:
    case Defect::evaluation_too_old:
      if (e.layer == Layer::pck_chain) return "renew the platform's PCK certificate and quote again";
      return "fetch fresh collateral and send the evidence again";
    case Defect::not_yet_valid: return "compare the clock of the verifier with the dates of this document";
    case Defect::missing: return "send the complete collateral with the quote";
    case Defect::wrong_fmspc:
    case Defect::wrong_pce_id:
    case Defect::wrong_tee: return "fetch the collateral that belongs to this platform";
    case Defect::untrusted_root: return "the evidence belongs to another root of trust than this chain's";
    case Defect::debug_enabled: return "build and launch without debug";
    case Defect::status_not_allowed:
    case Defect::no_matching_level: return "update microcode, BIOS and the TEE software of the platform";
    default: return {};
  }
}

}  // namespace

std::string_view to_string(Layer layer) {
  switch (layer) {
    case Layer::quote_format: return "quote format";
    case Layer::pck_chain: return "PCK chain";
    case Layer::crl_chain: return "PCK CRL issuer chain";
    case Layer::root_crl: return "root CA CRL";
    case Layer::pck_crl: return "PCK CRL";
    case Layer::tcb_info_chain: return "TCB info issuer chain";
    case Layer::tcb_info: return "TCB info";
    case Layer::qe_identity_chain: return "QE identity issuer chain";
    case Layer::qe_identity: return "QE identity";
    case Layer::qe_report: return "QE report";
    case Layer::attestation_key: return "attestation key binding";
    case Layer::quote_signature: return "quote signature";
    case Layer::tdx_module: return "TDX module";
    case Layer::tcb_level: return "TCB level";
    case Layer::policy: return "policy";
  }
  return "unknown layer";
}

std::string_view to_string(Defect defect) {
  switch (defect) {
    case Defect::too_large: return "too large";
    case Defect::truncated: return "truncated";
    case Defect::trailing_bytes: return "bytes after the end";
    case Defect::unsupported_version: return "unsupported version";
    case Defect::unsupported_key_type: return "attestation key is not ECDSA P-256";
    case Defect::unsupported_tee: return "neither SGX nor TDX";
    case Defect::unknown_qe_vendor: return "quoting enclave of an unknown vendor";
    case Defect::unsupported_certification: return "certification data is not a PCK certificate chain (type 5)";
    case Defect::missing: return "missing";
    case Defect::malformed: return "malformed";
    case Defect::not_canonical: return "not in canonical form";
    case Defect::wrong_chain_length: return "wrong number of certificates";
    case Defect::unsupported_algorithm: return "algorithm other than ECDSA P-256 with SHA-256";
    case Defect::unknown_critical_extension: return "unknown critical extension";
    case Defect::wrong_role: return "certificate of another purpose";
    case Defect::wrong_issuer: return "issued by another authority";
    case Defect::untrusted_root: return "does not end in a trusted root";
    case Defect::bad_signature: return "signature does not verify";
    case Defect::not_yet_valid: return "not yet valid";
    case Defect::expired: return "expired";
    case Defect::revoked: return "certificate is revoked";
    case Defect::wrong_tee: return "document of another TEE type";
    case Defect::wrong_fmspc: return "FMSPC differs from the PCK certificate's";
    case Defect::wrong_pce_id: return "PCE id differs from the PCK certificate's";
    case Defect::wrong_mr_signer: return "unexpected MRSIGNER";
    case Defect::wrong_product: return "unexpected ISVPRODID";
    case Defect::wrong_misc_select: return "unexpected MISCSELECT";
    case Defect::wrong_attributes: return "unexpected attributes";
    case Defect::unknown_module: return "module version is not listed in the TCB info";
    case Defect::bad_binding: return "QE report data does not commit to the attestation key";
    case Defect::no_matching_level: return "no TCB level matches the platform";
    case Defect::debug_enabled: return "debug is enabled";
    case Defect::reserved_attributes: return "TD attributes outside the permitted set";
    case Defect::sept_ve_enabled: return "TD attribute SEPT_VE_DISABLE is clear";
    case Defect::status_not_allowed: return "TCB status is not allowed";
    case Defect::evaluation_too_old: return "TCB evaluation data number is below the minimum";
    case Defect::fmspc_denied: return "FMSPC is not admitted";
    case Defect::platform_denied: return "platform is not admitted";
  }
  return "unknown defect";
}

std::string AttestError::text() const {
  std::string out(to_string(layer));
  out += ": ";
  out += to_string(defect);
  if (const auto hint = remedy(*this); !hint.empty()) {
    out += "; ";
    out += hint;
  }
  return out;
}

Error to_error(const AttestError& error) {
  const bool shape = error.layer == Layer::quote_format || (error.defect <= Defect::wrong_chain_length && error.defect != Defect::unsupported_version);
  std::string message = "attestation evidence: ";
  message += to_string(error.layer);
  message += ": ";
  message += to_string(error.defect);
  return Error{shape ? ErrorCode::invalid_input : ErrorCode::refused, std::move(message), std::string(remedy(error))};
}

}  // namespace phala::attest

#pragma once
// Why: the documents Intel publishes about a platform, which a verifier needs besides the quote. They travel with the
// evidence (nothing is fetched during verification) and every byte of them is authenticated against a trust anchor.

#include <string>

#include "scale/codec.hpp"

namespace phala::attest {

/// The nine documents, in the order and shape of the chain's `Collateral::SgxV30` (docs/protocol.md §5.2).
/// Chains are PEM, signer first, root last, LF line ends. CRLs are lower-case hex of DER. `tcb_info` and `qe_identity` are the exact
/// texts that were signed: do not reformat them. Signatures are r ‖ s, 64 bytes.
/// Limits: chains 16 KiB, CRLs 2 MiB of hex, tcb_info 512 KiB, qe_identity 64 KiB.
struct Collateral {
  std::string pck_crl_issuer_chain;
  std::string root_ca_crl;
  std::string pck_crl;
  std::string tcb_info_issuer_chain;
  std::string tcb_info;
  Bytes tcb_info_signature;
  std::string qe_identity_issuer_chain;
  std::string qe_identity;
  Bytes qe_identity_signature;
  FIELDS(pck_crl_issuer_chain, root_ca_crl, pck_crl, tcb_info_issuer_chain, tcb_info, tcb_info_signature, qe_identity_issuer_chain, qe_identity, qe_identity_signature)
};

/// From a JSON object with these nine keys, all strings, signatures in hex. CRLs may come as hex of DER in either case or as
/// PEM and are normalised. Errors name the field. Shells only (not part of a wasm32 build).
Result<Collateral> collateral_from_json(std::string_view json);
/// The inverse: what PCCS-shaped tools read.
std::string to_json(const Collateral& collateral);

}  // namespace phala::attest

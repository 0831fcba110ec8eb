#pragma once
// Why: a worker without a TEE still goes through attestation, with evidence that has every part of the real thing (SGX DCAP quote v3, PCK
// chain, quoting enclave, collateral) under a development root. Nothing on the verifying side knows about it. It proves possession of the
// authority's file and nothing more; chains that trust hardware do not trust that root.

#include "attest/authority.hpp"
#include "attest/verify.hpp"

namespace phala::attest {

/// The identity a worker without enclave claims.
struct SoftwareEnclave {
  Hash mr_enclave{}, mr_signer{};
  u16 isv_prod_id = 1, isv_svn = 1;
};
/// The identity of every development worker. A name, not a measure: nothing measures a process that has no enclave.
SoftwareEnclave software_enclave();
/// With MRENCLAVE = SHA-256 of `program`, for networks that tell builds apart.
SoftwareEnclave software_enclave(ByteView program);
/// As the chain's allow list has it.
Measurement software_measurement(const SoftwareEnclave& enclave = software_enclave());

struct SoftwareEvidence {
  Bytes quote;
  Collateral collateral;
};
/// A quote over `report_data` and fresh collateral, both valid at `now` and for thirty days.
Result<SoftwareEvidence> collect_software_evidence(const DevelopmentAuthority& authority, const SoftwareEnclave& enclave, const ReportData& report_data, UnixSeconds now);

// ---- assembling quotes, also odd ones ---------------------------------------------------------------------------------
Bytes encode_report(const SgxReport& report);                              ///< 384 bytes
Bytes encode_report(const TdxClaims& report, const ReportData& data);      ///< 584 bytes, TD report 1.0

/// Every field of a quote that can be chosen. Lengths and nesting are computed.
struct QuoteParts {
  u16 version = 3, key_type = 2;
  u32 tee_type = 0;                       ///< 0x81: TDX, version 4 only
  Bytes body;                             ///< encoded report
  P256Signature signature{};
  P256Key attestation_key{};
  Bytes qe_report;
  P256Signature qe_report_signature{};
  Bytes qe_authentication_data;
  u16 certification_type = 5;
  Bytes certification;                    ///< PEM chain, for type 5

  /// Header and body: what `signature` covers.
  Bytes signed_part() const;
  Bytes encode() const;
};

/// Signs the layers from the platform down: QE report with the binding in its report data, then header and body.
void sign_quote(QuoteParts& parts, SgxReport qe_report, const SigningKey& platform, const SigningKey& attestation_key);

}  // namespace phala::attest

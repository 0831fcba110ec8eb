#pragma once
// Why: the layout of a quote and nothing else. Every offset and length is checked here once; what the fields mean is decided
// elsewhere. Source: Intel SGX ECDSA quote library reference (quote v3), Intel TDX DCAP quoting library (quote v4, TD report 1.0).

#include "attest/claims.hpp"
#include "attest/error.hpp"
#include "attest/x509.hpp"

namespace phala::attest {

/// An SGX report body, 384 bytes: what runs in an enclave.
struct SgxReport {
  FixedBytes<16> cpu_svn{};
  FixedBytes<4> misc_select{};       ///< little-endian u32 on the wire
  FixedBytes<16> attributes{};       ///< flags u64 ‖ XFRM u64
  Hash mr_enclave{}, mr_signer{};
  u16 isv_prod_id = 0, isv_svn = 0;
  ReportData report_data{};
};

/// A decoded quote. The views point into the bytes it was decoded from.
struct Quote {
  u16 version = 0;                   ///< 3 or 4
  scale::Enum<scale::At<0, SgxReport>, scale::At<1, TdxClaims>> body;
  ReportData report_data{};
  ByteView signed_part;              ///< header ‖ report body
  P256Signature signature{};         ///< of the attestation key over `signed_part`
  P256Key attestation_key{};
  ByteView qe_report_bytes;          ///< 384 bytes
  SgxReport qe_report;
  P256Signature qe_report_signature{};
  ByteView qe_authentication_data;
  ByteView pck_chain;                ///< PEM
  bool is_tdx() const { return body.is<TdxClaims>(); }
};

/// Accepts v3 (SGX) without trailing bytes and v4 (SGX, TDX) with none but zero padding, as the TDX quote service pads to its buffer.
/// All defects are of Layer::quote_format.
Result<Quote, AttestError> parse_quote(ByteView bytes);

}  // namespace phala::attest

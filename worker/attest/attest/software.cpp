#include "attest/software.hpp"

#include "crypto/hash.hpp"

namespace phala::attest {
namespace {

constexpr FixedBytes<16> intel_qe_vendor{{0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07}};
constexpr u16 certification_qe_report = 6;

template <class Int>
void append_le(Bytes& to, Int value) {
  std::array<u8, sizeof(Int)> raw;
  store_le(raw.data(), value);
  append(to, raw);
}
void append_zeros(Bytes& to, size_t n) { to.resize(to.size() + n); }

}  // namespace

SoftwareEnclave software_enclave() { return software_enclave(as_bytes("phala-worker without enclave")); }

SoftwareEnclave software_enclave(ByteView program) {
  return {.mr_enclave = crypto::sha2_256(program), .mr_signer = crypto::sha2_256(as_bytes("phala development: no enclave signer"))};
}

Measurement software_measurement(const SoftwareEnclave& e) {
  return Measurement(concat(e.mr_enclave, be_bytes(e.isv_prod_id), be_bytes(e.isv_svn), e.mr_signer));
}

Bytes encode_report(const SgxReport& r) {
  Bytes out;
  append(out, r.cpu_svn);
  append(out, r.misc_select);
  append_zeros(out, 28);
  append(out, r.attributes);
  append(out, r.mr_enclave);
  append_zeros(out, 32);
  append(out, r.mr_signer);
  append_zeros(out, 96);
  append_le(out, r.isv_prod_id);
  append_le(out, r.isv_svn);
  append_zeros(out, 60);
  append(out, r.report_data);
  return out;
}

Bytes encode_report(const TdxClaims& t, const ReportData& data) {
  return concat(t.tee_tcb_svn, t.mr_seam, t.mr_signer_seam, t.seam_attributes, t.td_attributes, t.xfam, t.mr_td, t.mr_config_id, t.mr_owner, t.mr_owner_config, t.rtmr[0],
                t.rtmr[1], t.rtmr[2], t.rtmr[3], data);
}

Bytes QuoteParts::signed_part() const {
  Bytes out;
  append_le(out, version);
  append_le(out, key_type);
  append_le(out, tee_type);
  append_zeros(out, 4);
  append(out, intel_qe_vendor);
  append_zeros(out, 20);
  append(out, body);
  return out;
}

Bytes QuoteParts::encode() const {
  Bytes inner = concat(qe_report, qe_report_signature);
  append_le(inner, static_cast<u16>(qe_authentication_data.size()));
  append(inner, qe_authentication_data);
  append_le(inner, certification_type);
  append_le(inner, static_cast<u32>(certification.size()));
  append(inner, certification);
  Bytes authentication = concat(signature, attestation_key);
  if (version == 4) {
    append_le(authentication, certification_qe_report);
    append_le(authentication, static_cast<u32>(inner.size()));
  }
  append(authentication, inner);
  Bytes out = signed_part();
  append_le(out, static_cast<u32>(authentication.size()));
  append(out, authentication);
  return out;
}

void sign_quote(QuoteParts& parts, SgxReport qe_report, const SigningKey& platform, const SigningKey& attestation_key) {
  parts.attestation_key = attestation_key.public_key();
  const Hash bound = crypto::sha2_256(concat(parts.attestation_key, parts.qe_authentication_data));
  qe_report.report_data = ReportData(concat(bound, std::array<u8, 32>{}));
  parts.qe_report = encode_report(qe_report);
  parts.qe_report_signature = platform.sign(parts.qe_report);
  parts.signature = attestation_key.sign(parts.signed_part());
}

Result<SoftwareEvidence> collect_software_evidence(const DevelopmentAuthority& authority, const SoftwareEnclave& enclave, const ReportData& report_data, UnixSeconds now) {
  SgxReport report;
  report.cpu_svn = development_platform({}).cpu_svn;
  report.attributes = FixedBytes<16>({0x05, 0, 0, 0, 0, 0, 0, 0, 0xe7, 0, 0, 0, 0, 0, 0, 0});   // INIT, MODE64BIT; XFRM
  report.mr_enclave = enclave.mr_enclave;
  report.mr_signer = enclave.mr_signer;
  report.isv_prod_id = enclave.isv_prod_id;
  report.isv_svn = enclave.isv_svn;
  report.report_data = report_data;
  QuoteParts parts;
  parts.body = encode_report(report);
  parts.qe_authentication_data = Bytes(32);
  parts.certification = concat(as_bytes(authority.pck_chain()), std::array<u8, 1>{0});   // Intel's library ends the text with a zero byte
  sign_quote(parts, development_quoting_enclave(), authority.platform().key, authority.attestation_key());
  return SoftwareEvidence{parts.encode(), TRY(authority.collateral(now))};
}

}  // namespace phala::attest

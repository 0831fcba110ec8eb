#pragma once
// Why: certificates, revocation lists and P-256 are a library's business. This is the whole of what the verifier asks of one:
// decode into plain values and check one signature. Everything that *decides* (chains, roles, dates, revocation) is in files that
// see only these declarations. Natively they are OpenSSL's (x509_openssl.cpp); in a wasm32 runtime they are imports of the host.
// Profile: Intel SGX PCK certificate and CRL profile (RFC 5280 subset), ECDSA P-256 with SHA-256 only.

#include <memory>
#include <optional>

#include "attest/claims.hpp"
#include "attest/error.hpp"

namespace phala::attest {

using P256Key = FixedBytes<64, struct P256KeyTag>;               ///< x ‖ y, big-endian
using P256Signature = FixedBytes<64, struct P256SignatureTag>;   ///< r ‖ s, big-endian

using Serial = FixedBytes<20, struct SerialTag>;                 ///< of a certificate: big-endian, filled up with zeros in front

/// Contents of the SGX extension, OID 1.2.840.113741.1.13.1.
struct SgxExtension {
  PlatformId ppid{};
  std::array<u8, 16> components{};   ///< SVNs of the platform's TCB components
  u16 pce_svn = 0;
  FixedBytes<16> cpu_svn{};
  FixedBytes<2> pce_id{};
  Fmspc fmspc{};
  u8 sgx_type = 0;                   ///< 0 standard, 1 scalable, 2 scalable with integrity
  std::optional<PlatformId> platform_instance_id;
  std::optional<bool> dynamic_platform, cached_keys, smt_enabled;
  FIELDS(ppid, components, pce_svn, cpu_svn, pce_id, fmspc, sgx_type, platform_instance_id, dynamic_platform, cached_keys, smt_enabled)
};

struct KeyUsage {
  bool digital_signature = false, certificate_sign = false, crl_sign = false;
  FIELDS(digital_signature, certificate_sign, crl_sign)
};

struct Certificate {
  Bytes der;
  Bytes to_be_signed;                ///< DER of TBSCertificate
  P256Signature signature{};         ///< over `to_be_signed`
  Bytes subject, issuer;             ///< DER of the names
  std::string common_name;           ///< of the subject; empty when it has none
  Serial serial{};
  UnixSeconds not_before = 0, not_after = 0;
  bool is_ca = false;
  std::optional<u32> path_length;    ///< CA certificates that may follow below
  KeyUsage usage{};
  Bytes subject_key_id, authority_key_id;   ///< empty when absent
  P256Key key{};
  std::optional<SgxExtension> sgx;
  FIELDS(der, to_be_signed, signature, subject, issuer, common_name, serial, not_before, not_after, is_ca, path_length, usage, subject_key_id, authority_key_id, key, sgx)
};

struct RevocationList {
  Bytes to_be_signed;
  P256Signature signature{};
  Bytes issuer;
  Bytes authority_key_id;
  UnixSeconds this_update = 0, next_update = 0;
  Bytes entries;                     ///< DER of the revoked certificates, not looked into; empty when there are none
  FIELDS(to_be_signed, signature, issuer, authority_key_id, this_update, next_update, entries)
};

/// Certificates of a PEM text, in order. Canonical only: 64-column base64, LF, nothing between or around the blocks; the end may
/// lack its line feed, or have one zero byte after it (as quotes do). At most 8 certificates.
/// Defects: missing, malformed, not_canonical, wrong_chain_length.
Result<std::vector<Bytes>, Defect> decode_pem_chain(ByteView text);

/// Defects: malformed, not_canonical (outer encoding other than DER), unsupported_algorithm, unknown_critical_extension.
Result<Certificate, Defect> parse_certificate(ByteView der);
/// Its entries are for `revoked_serials`: a list can have 30,000, which cost more than everything else and are worth it only once the signature is good.
Result<RevocationList, Defect> parse_revocation_list(ByteView der);
/// Ascending. Defects: malformed, unknown_critical_extension.
Result<std::vector<Serial>, Defect> revoked_serials(ByteView entries);

/// ECDSA P-256 over SHA-256 of `message`. False also for keys that are not points and for r or s out of range.
bool p256_verify(const P256Key& key, ByteView message, const P256Signature& signature);

}  // namespace phala::attest

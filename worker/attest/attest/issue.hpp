#pragma once
// Why: evidence for machines without a TEE must pass the same verifier as hardware's, so somebody has to sign it with real
// certificates, lists and documents. These are the tools of that signer: each makes one signed thing from plain values. Tests use them to
// make evidence with exactly one defect. Formats: as in lib/attest (Intel's PCK certificate and CRL profile, TCB info v3, QE identity v2).

#include "attest/documents.hpp"
#include "attest/x509.hpp"
#include "crypto/sign.hpp"

namespace phala::attest {

/// A P-256 key pair.
class SigningKey {
 public:
  /// Always the same pair for the same seed and label; pairs of different labels tell nothing of each other (HKDF-SHA256).
  static SigningKey derive(const crypto::Seed& seed, std::string_view label);
  /// Error: zero or not below the group order.
  static Result<SigningKey> from_secret(const SecretBytes<32>& secret);
  /// PKCS #8 PEM, as other tools read it. Error: not a P-256 key.
  static Result<SigningKey> from_pem(std::string_view pem);
  std::string to_pem() const;

  const P256Key& public_key() const { return public_; }
  const SecretBytes<32>& secret() const { return secret_; }
  /// ECDSA over SHA-256. The library draws the nonce: two signatures of the same message differ.
  P256Signature sign(ByteView message) const;
  SigningKey clone() const { return SigningKey(secret_.clone(), public_); }

 private:
  SigningKey(SecretBytes<32> secret, const P256Key& key) : secret_(std::move(secret)), public_(key) {}
  SecretBytes<32> secret_;
  P256Key public_;
};

/// Who issues: the name in the certificates it signs is CN=`common_name`, O=`organization`.
struct Issuer {
  std::string common_name;
  const SigningKey& key;
};
inline constexpr std::string_view development_organization = "Phala Development (no hardware)";

struct CertificateRequest {
  std::string common_name;
  Bytes serial;                          ///< magnitude, 1 … 20 bytes
  UnixSeconds not_before = 0, not_after = 0;
  bool is_ca = false;
  std::optional<u32> path_length;
  KeyUsage usage{};
  P256Key key{};
  std::optional<SgxExtension> sgx;
};

/// DER. Errors: a field the format cannot hold.
Result<Bytes> issue_certificate(const CertificateRequest& request, const Issuer& issuer);
/// DER of a complete (not delta) version 2 list.
Result<Bytes> issue_revocation_list(const Issuer& issuer, UnixSeconds this_update, UnixSeconds next_update, const std::vector<Bytes>& serials);

/// PEM of the certificates in this order, canonical.
std::string to_pem_chain(const std::vector<Bytes>& ders);

/// The JSON texts that get signed; `parse_tcb_info` and `parse_qe_identity` read them back. TCB info is always version 3.
std::string tcb_info_json(const TcbInfo& info);
std::string qe_identity_json(const QeIdentity& identity);

}  // namespace phala::attest

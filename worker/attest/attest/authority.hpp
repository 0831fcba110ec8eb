#pragma once
// Why: a development network verifies evidence with the same code and the same strictness as production; only the trust anchor differs. This
// is what stands at that anchor: in one file the keys of a root, a PCK authority, a TCB signer and one platform, and the documents they
// sign on demand. Whoever holds the file can attest anything, so its root belongs into no chain spec but a development one's.

#include "attest/collateral.hpp"
#include "attest/issue.hpp"
#include "attest/quote.hpp"

namespace phala::attest {

/// A key and the certificate (DER) that vouches for it.
struct Certified {
  SigningKey key;
  Bytes certificate;
};

class DevelopmentAuthority {
 public:
  /// Keys follow from the seed; certificates are valid from a day before `now` for twenty years. Signatures are randomised: keep the file, the
  /// root certificate of a second run differs.
  static Result<DevelopmentAuthority> create(const crypto::Seed& seed, UnixSeconds now);
  /// Reads what `to_json` wrote. Errors name the member; keys must fit their certificates.
  static Result<DevelopmentAuthority> from_json(std::string_view json);
  /// Contains the secret keys: store it with mode 0600.
  std::string to_json() const;

  /// DER; the trust anchor of a development chain.
  const Bytes& root_certificate() const { return root_.certificate; }
  const Certified& root() const { return root_; }
  const Certified& pck_authority() const { return pck_authority_; }
  const Certified& tcb_signer() const { return tcb_signer_; }
  /// The platform's PCK certificate and key, and the key its quoting enclave signs with.
  const Certified& platform() const { return platform_; }
  const SigningKey& attestation_key() const { return attestation_key_; }
  /// PEM: platform, PCK authority, root.
  std::string pck_chain() const;

  /// Freshly signed documents, valid from an hour before `now` (clocks differ) for thirty days after it.
  Result<Collateral> collateral(UnixSeconds now) const;

 private:
  DevelopmentAuthority(Certified root, Certified pck_authority, Certified tcb_signer, Certified platform, SigningKey attestation_key)
      : root_(std::move(root)), pck_authority_(std::move(pck_authority)), tcb_signer_(std::move(tcb_signer)), platform_(std::move(platform)),
        attestation_key_(std::move(attestation_key)) {}
  Certified root_, pck_authority_, tcb_signer_, platform_;
  SigningKey attestation_key_;
};

// What this authority says of its machines; tests start from it.
inline constexpr std::string_view root_name = "Phala Development Root CA", pck_authority_name = "Intel SGX PCK Platform CA", tcb_signer_name = "Intel SGX TCB Signing",
                                  pck_name = "Intel SGX PCK Certificate";

/// Requests for the four certificates. The names of the roles are the profile's; the organization tells that there is no hardware.
CertificateRequest root_request(const P256Key& key, UnixSeconds now);
CertificateRequest pck_authority_request(const P256Key& key, UnixSeconds now);
CertificateRequest tcb_signer_request(const P256Key& key, UnixSeconds now);
CertificateRequest platform_request(const P256Key& key, const SgxExtension& platform, UnixSeconds now);

/// FMSPC "PHALA\0"; component SVNs 2 throughout, PCE SVN 11.
SgxExtension development_platform(const PlatformId& ppid);
/// One level, which the platform reaches: ConfigurationAndSWHardeningNeeded with advisory PHALA-SOFTWARE-TEE, hence confidence level 4. A machine
/// without a TEE never looks like a good one.
TcbInfo development_tcb_info(UnixSeconds now);
QeIdentity development_qe_identity(UnixSeconds now);
/// The report of the quoting enclave, without its report data.
SgxReport development_quoting_enclave();

/// Signs and assembles; lists and documents may say anything.
struct CollateralParts {
  std::vector<Bytes> pck_crl_issuer_chain, tcb_info_issuer_chain, qe_identity_issuer_chain;   ///< DER
  Bytes root_ca_crl, pck_crl;                                                                 ///< DER
  std::string tcb_info, qe_identity;
};
Collateral sign_collateral(const CollateralParts& parts, const SigningKey& tcb_signer);

}  // namespace phala::attest

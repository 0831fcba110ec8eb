#pragma once
// Why: who vouches for whom. Chains of certificates from a signer to a trust anchor, and the lists that take trust back.
// Content-determined facts (links, signatures) may come from the cache; dates and revocation are asked separately, every time.

#include "attest/cache.hpp"
#include "attest/claims.hpp"
#include "attest/error.hpp"

namespace phala::attest {

/// What a certificate may be used for; told by its name, CA flag, key usage and SGX extension.
enum class Role : u8 {
  pck,             ///< "Intel SGX PCK Certificate": signs the quoting enclave's report
  pck_authority,   ///< "Intel SGX PCK Platform CA" or "… Processor CA": signs PCK certificates and their CRL
  tcb_signer,      ///< "Intel SGX TCB Signing": signs TCB info and QE identity
  root,            ///< signs the others and the root CRL
};

/// A chain with one certificate per role, signer first. Checks length, anchor, names, key identifiers, CA flags, path lengths,
/// signatures and roles; not dates, not revocation.
Result<std::shared_ptr<const Chain>, Defect> load_chain(ByteView pem, std::span<const Role> roles, const TrustAnchors& anchors, VerifiedCache& cache);

/// From lower-case hex of DER; must be issued and signed by `authority`. Not dates.
Result<std::shared_ptr<const TrustedList>, Defect> load_revocation_list(std::string_view hex, const Certificate& authority, VerifiedCache& cache);

/// `not_yet_valid` or `expired`; both ends belong to the period.
Result<void, Defect> check_period(UnixSeconds from, UnixSeconds to, UnixSeconds now);
Result<void, Defect> check_dates(const Chain& chain, UnixSeconds now);

bool is_revoked(const TrustedList& list, const Certificate& certificate);

}  // namespace phala::attest

#pragma once
// Why: this is what "trustless" rests on: is this quote made by genuine, unrevoked, sufficiently patched hardware, and what
// exactly runs there? One pure function: evidence, trust anchors and time in; claims or a named defect out. Chain and workers run the same.
// Formats: Intel SGX/TDX DCAP quote v3 and v4 (ECDSA P-256), PCK certificate profile, TCB info v2/v3, QE identity v2.

#include "attest/cache.hpp"
#include "attest/claims.hpp"
#include "attest/collateral.hpp"
#include "attest/error.hpp"

namespace phala::attest {

/// The longest quote accepted, in bytes.
inline constexpr size_t max_quote_size = 32 * 1024;

/// Verifies `quote` completely: formats, PCK chain, revocation, TCB info, QE identity, QE report, key binding, quote signature, TCB
/// level, policy. `now` decides every validity; both ends of a validity period count as valid.
/// The first defect found refuses the evidence. No bit of good evidence can be flipped. What it can be spelled in two ways by: zero bytes after a TDX quote,
/// as its service pads them; and s or its negative in an ECDSA signature, which says the same. `Claims::quote_id` is blind to both.
/// Pure; costs nine P-256 verifications.
Result<Claims, AttestError> verify(ByteView quote, const Collateral& collateral, const TrustAnchors& anchors, UnixSeconds now);

/// The same answer for the same arguments, faster: what a signature has vouched for is remembered in `cache` and only its dates,
/// revocation and levels are checked again. Two P-256 verifications for a known platform, three for a new one. Not thread-safe for one cache.
Result<Claims, AttestError> verify(ByteView quote, const Collateral& collateral, const TrustAnchors& anchors, UnixSeconds now, VerifiedCache& cache);

/// FMSPC and issuing authority ("platform" or "processor") of a quote, to know which collateral to fetch. Proves nothing.
struct PlatformHint {
  Fmspc fmspc{};
  bool platform_ca = false;
  bool tdx = false;
};
Result<PlatformHint, AttestError> peek_platform(ByteView quote);

}  // namespace phala::attest

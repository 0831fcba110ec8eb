#pragma once
// Why: a node serves, and a worker checks, why a header is final. The proof is an enum because the chain has more than one
// finality engine (docs/adr/0002-header-and-message-log.md); node and worker share this one declaration of it.

#include "crypto/sign.hpp"
#include "primitives/header.hpp"

namespace phala::light {

/// The embedded sealer's proof: its ed25519 signature over the 32 bytes of the header's hash.
struct SealerProof { crypto::Signature signature;  FIELDS(signature) };
struct FinalityProof : scale::Enum<scale::At<0, SealerProof>> { using Enum::Enum; };

/// Who may finalize, as the trust root names it.
struct TrustedSealer { PublicKey key;  FIELDS(key) };   ///< ed25519
struct Finalizer : scale::Enum<scale::At<0, TrustedSealer>> { using Enum::Enum; };

/// What the sealer signs for `header_hash`.
FinalityProof seal(const crypto::Ed25519Pair& sealer, const Hash& header_hash);
/// Does `proof` show that the header of that hash is final? Indices of proof and finalizer must belong to the same engine.
bool verify_finality(const Finalizer& finalizer, const Hash& header_hash, const FinalityProof& proof);

}  // namespace phala::light

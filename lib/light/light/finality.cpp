#include "light/finality.hpp"

namespace phala::light {

FinalityProof seal(const crypto::Ed25519Pair& sealer, const Hash& header_hash) { return SealerProof{sealer.sign(header_hash)}; }

bool verify_finality(const Finalizer& finalizer, const Hash& header_hash, const FinalityProof& proof) {
  if (const auto* trusted = finalizer.get_if<TrustedSealer>()) {
    const auto* by_sealer = proof.get_if<SealerProof>();
    return by_sealer != nullptr && crypto::ed25519_verify(by_sealer->signature, header_hash, trusted->key);
  }
  return false;
}

}  // namespace phala::light

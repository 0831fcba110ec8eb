#include "crypto/sign.hpp"
#include "phala_rust.h"

namespace phala::crypto {

Ed25519Pair Ed25519Pair::from_seed(const Seed& seed) {
  Ed25519Pair pair{seed.clone(), {}};
  phala_ed25519_public(seed.expose().data(), pair.public_key.data());
  return pair;
}

Signature Ed25519Pair::sign(ByteView message) const {
  Signature out;
  phala_ed25519_sign(seed.expose().data(), message.data(), message.size(), out.data());
  return out;
}

bool ed25519_verify(const Signature& signature, ByteView message, const PublicKey& key) {
  return phala_ed25519_verify(signature.data(), message.data(), message.size(), key.data());
}

}  // namespace phala::crypto

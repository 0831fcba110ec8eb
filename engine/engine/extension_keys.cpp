#include "engine/extension_keys.hpp"

#include "crypto/hash.hpp"
#include "crypto/sign.hpp"

namespace phala::engine::extension {

namespace {

Hosted<crypto::Sr25519Pair> sr25519_pair(ByteView key) {
  if (key.size() == 32) return crypto::Sr25519Pair::from_seed(crypto::Seed(key));
  if (key.size() == 64) {
    if (auto pair = crypto::Sr25519Pair::from_secret(SecretBytes<64>(key))) return std::move(*pair);
  }
  return fail(refused("bad sr25519 key: expected a 32-byte seed or a 64-byte secret"));
}
Hosted<crypto::Ed25519Pair> ed25519_pair(ByteView key) {
  if (key.size() != 32) return fail(refused("bad ed25519 key: expected a 32-byte seed"));
  return crypto::Ed25519Pair::from_seed(crypto::Seed(key));
}
Hosted<crypto::EcdsaPair> ecdsa_pair(ByteView key) {
  if (key.size() == 32) {
    if (auto pair = crypto::EcdsaPair::from_seed(crypto::Seed(key))) return std::move(*pair);
  }
  return fail(refused("bad ecdsa key: expected a 32-byte seed below the group order"));
}

}  // namespace

Hosted<Bytes> sign(Frame& frame, SigType type, Bytes key, Bytes message) {
  TRY(frame.charge(message.size() * cost::blake2_256.per_byte));
  switch (type) {
    case SigType::ed25519: return to_bytes(TRY(ed25519_pair(key)).sign(message));
    case SigType::sr25519: return to_bytes(TRY(sr25519_pair(key)).sign(message));
    case SigType::ecdsa: return to_bytes(TRY(ecdsa_pair(key)).sign_prehashed(crypto::blake2_256(message)));
  }
  return Bytes{};
}

Hosted<Bytes> sign_repeatably(Frame& frame, SigType type, Bytes key, Bytes message) {
  if (type != SigType::sr25519) return sign(frame, type, std::move(key), std::move(message));
  TRY(frame.charge(message.size() * cost::blake2_256.per_byte));
  TRY(sr25519_pair(key));
  return Bytes{};
}

Hosted<bool> verify(Frame& frame, SigType type, Bytes key, Bytes message, Bytes signature) {
  TRY(frame.charge(message.size() * cost::sr25519_verify.per_byte));
  if (type == SigType::ecdsa) {
    if (key.size() != 33 || signature.size() != 65) return false;
    return crypto::ecdsa_verify_prehashed(crypto::EcdsaSignature(ByteView(signature)), crypto::blake2_256(message), crypto::EcdsaPublicKey(ByteView(key)));
  }
  if (key.size() != 32 || signature.size() != 64) return false;
  const crypto::Signature sig{ByteView(signature)};
  const PublicKey pub{ByteView(key)};
  return type == SigType::ed25519 ? crypto::ed25519_verify(sig, message, pub) : crypto::sr25519_verify(sig, message, pub);
}

Hosted<Bytes> derive_sr25519_key(Frame& frame, Bytes salt) {
  const auto* secret = frame.run.context.cluster_secret;
  if (!secret) return fail(Stop(PinkError::KeySeedMissing, "the cluster has no key here"));
  const auto cluster = crypto::Sr25519Pair::from_secret(secret->clone());
  if (!cluster) return fail(Stop(PinkError::DeriveKeyFailed, "the cluster's key is not a valid secret"));
  return to_bytes(cluster->derive_kdf({frame.account, salt, as_bytes("keygen")}).secret().expose());
}

Hosted<Bytes> get_public_key(Frame&, SigType type, Bytes key) {
  switch (type) {
    case SigType::ed25519: return to_bytes(TRY(ed25519_pair(key)).public_key);
    case SigType::sr25519: return to_bytes(TRY(sr25519_pair(key)).public_key());
    case SigType::ecdsa: return to_bytes(TRY(ecdsa_pair(key)).public_key);
  }
  return Bytes{};
}

Hosted<FixedBytes<65>> ecdsa_sign_prehashed(Frame&, Bytes key, Hash digest) { return TRY(ecdsa_pair(key)).sign_prehashed(digest).as<FixedBytes<65>>(); }
Hosted<bool> ecdsa_verify_prehashed(Frame&, FixedBytes<65> signature, Hash digest, FixedBytes<33> key) {
  return crypto::ecdsa_verify_prehashed(crypto::EcdsaSignature(signature), digest, crypto::EcdsaPublicKey(key));
}

}  // namespace phala::engine::extension

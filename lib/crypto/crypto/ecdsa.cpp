#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/assert.hpp"
#include "crypto/sign.hpp"

namespace phala::crypto {
namespace {

/// Shared by all threads: never changed after it is made. It is not blinded with random numbers, which would be an effect;
/// the library computes in constant time without that too.
const secp256k1_context* context() {
  static const secp256k1_context* const shared = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  return shared;
}

EcdsaPublicKey compress(const secp256k1_pubkey& point) {
  EcdsaPublicKey out;
  size_t size = out.size();
  PHALA_ASSERT(secp256k1_ec_pubkey_serialize(context(), out.data(), &size, &point, SECP256K1_EC_COMPRESSED) == 1);
  return out;
}

/// Two signatures would otherwise be valid for each message: (r, s) and (r, n - s).
bool is_high_s(const secp256k1_ecdsa_recoverable_signature& signature) {
  secp256k1_ecdsa_signature plain;
  secp256k1_ecdsa_recoverable_signature_convert(context(), &plain, &signature);
  return secp256k1_ecdsa_signature_normalize(context(), nullptr, &plain) == 1;
}

}  // namespace

Result<EcdsaPair> EcdsaPair::from_seed(const Seed& seed) {
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_create(context(), &point, seed.expose().data()) != 1)
    return fail(ErrorCode::invalid_input, "ecdsa secret: zero or not below the order of secp256k1");
  return EcdsaPair{seed.clone(), compress(point)};
}

EcdsaSignature EcdsaPair::sign_prehashed(const Hash& digest) const {
  secp256k1_ecdsa_recoverable_signature signature;
  PHALA_ASSERT(secp256k1_ecdsa_sign_recoverable(context(), &signature, digest.data(), seed.expose().data(),
                                                secp256k1_nonce_function_rfc6979, nullptr) == 1);
  EcdsaSignature out;
  int recovery_id = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), out.data(), &recovery_id, &signature);
  out[64] = static_cast<u8>(recovery_id);
  return out;
}

std::optional<EcdsaPublicKey> ecdsa_recover(const EcdsaSignature& signature, const Hash& digest) {
  const u8 last = signature[64];
  const u8 recovery_id = last == 27 || last == 28 ? last - 27 : last;
  if (recovery_id > 3) return std::nullopt;  // the library aborts on it
  secp256k1_ecdsa_recoverable_signature parsed;
  if (secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &parsed, signature.data(), recovery_id) != 1) return std::nullopt;
  if (is_high_s(parsed)) return std::nullopt;
  secp256k1_pubkey point;
  if (secp256k1_ecdsa_recover(context(), &point, &parsed, digest.data()) != 1) return std::nullopt;  // refuses zeros
  return compress(point);
}

bool ecdsa_verify_prehashed(const EcdsaSignature& signature, const Hash& digest, const EcdsaPublicKey& key) {
  return ecdsa_recover(signature, digest) == key;
}

Result<FixedBytes<64>> ecdsa_uncompress(const EcdsaPublicKey& key) {
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_parse(context(), &point, key.data(), key.size()) != 1)
    return fail(ErrorCode::invalid_input, to_hex0x(key) + " is not a point of secp256k1");
  std::array<u8, 65> raw;
  size_t size = raw.size();
  PHALA_ASSERT(secp256k1_ec_pubkey_serialize(context(), raw.data(), &size, &point, SECP256K1_EC_UNCOMPRESSED) == 1);
  return FixedBytes<64>(ByteView(raw).subspan(1));
}

}  // namespace phala::crypto

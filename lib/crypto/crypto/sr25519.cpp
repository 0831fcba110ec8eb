#include "base/assert.hpp"
#include "crypto/cipher.hpp"
#include "crypto/sign.hpp"
#include "phala_rust.h"

namespace phala::crypto {
namespace {

/// The constant salt of all Phala key derivations (docs/protocol.md §1.2; it was a genesis hash once).
constexpr std::array<u8, 32> kdf_salt = {0x18, 0xe8, 0x76, 0xad, 0xfa, 0x74, 0xcc, 0x74, 0x3b, 0x4b, 0x7d, 0x7f, 0x92, 0xc9, 0x6e, 0x03,
                                         0xde, 0x55, 0x9a, 0x3c, 0x15, 0x27, 0x05, 0x81, 0xfc, 0xe4, 0x45, 0x96, 0x3d, 0x90, 0xf8, 0x5e};

}  // namespace

Sr25519Pair Sr25519Pair::from_seed(const Seed& seed) {
  Sr25519Pair pair;
  phala_sr25519_from_seed(seed.expose().data(), pair.secret_.data(), pair.public_.data());
  return pair;
}

Result<Sr25519Pair> Sr25519Pair::from_secret(const SecretBytes<64>& secret) {
  Sr25519Pair pair;
  if (!phala_sr25519_public(secret.expose().data(), pair.public_.data()))
    return fail(ErrorCode::invalid_input, "sr25519 secret: its first 32 bytes are not a canonical scalar",
                "the 64-byte form of browser wallets is another one: its scalar is multiplied by 8");
  pair.secret_ = secret.clone();
  return pair;
}

Signature Sr25519Pair::sign(ByteView message) const {
  Signature out;
  PHALA_ASSERT(phala_sr25519_sign(secret_.expose().data(), public_.data(), message.data(), message.size(), out.data()));
  return out;
}

Result<SecretBytes<32>> Sr25519Pair::agree(const PublicKey& peer) const {
  SecretBytes<32> shared;
  if (!phala_sr25519_agree(secret_.expose().data(), peer.data(), shared.data()))
    return fail(ErrorCode::invalid_input, "key agreement: " + to_hex0x(peer) + " is not an sr25519 public key");
  return shared;
}

Sr25519Pair Sr25519Pair::derive_hard(const Hash& code) const {
  Seed seed;
  PHALA_ASSERT(phala_sr25519_derive_hard(secret_.expose().data(), code.data(), seed.data()));
  return from_seed(seed);
}

Sr25519Pair Sr25519Pair::derive_soft(const Hash& code) const {
  Sr25519Pair pair;
  PHALA_ASSERT(phala_sr25519_derive_soft(secret_.expose().data(), code.data(), pair.secret_.data()));
  PHALA_ASSERT(phala_sr25519_public(pair.secret_.expose().data(), pair.public_.data()));
  return pair;
}

Sr25519Pair Sr25519Pair::derive_kdf(std::initializer_list<ByteView> info) const {
  Bytes joined;
  for (const ByteView part : info) append(joined, part);
  return from_seed(hkdf_sha256(kdf_salt, secret_.expose(), joined));
}

Sr25519Pair Sr25519Pair::clone() const {
  Sr25519Pair copy;
  copy.public_ = public_;
  copy.secret_ = secret_.clone();
  return copy;
}

bool sr25519_verify(const Signature& signature, ByteView message, const PublicKey& key) {
  return phala_sr25519_verify(signature.data(), message.data(), message.size(), key.data());
}

bool sr25519_verify_batch(std::span<const SignedItem> items) {
  std::vector<PhalaSignedItem> views;
  views.reserve(items.size());
  for (const SignedItem& item : items)
    views.push_back({item.signature.data(), item.message.data(), item.message.size(), item.key.data()});
  return phala_sr25519_verify_batch(views.data(), views.size());
}

}  // namespace phala::crypto

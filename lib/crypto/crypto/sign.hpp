#pragma once
// Why: the three signature schemes of the chain. Signing is deterministic (nonces are derived, not drawn), so that the
// machines that sign are pure. Verification never throws and never tells why a signature is bad: it is bad.

#include <optional>

#include "base/bytes.hpp"
#include "base/secret.hpp"

namespace phala::crypto {

using Seed = SecretBytes<32>;
using Signature = FixedBytes<64, struct SignatureTag>;      ///< sr25519 and ed25519
using EcdsaSignature = FixedBytes<65, struct EcdsaTag>;     ///< r ‖ s ‖ recovery id (0…3)
using EcdsaPublicKey = FixedBytes<33, struct EcdsaKeyTag>;  ///< compressed

/// Substrate's signing context is "substrate". Key expansion mode Ed25519 (docs/protocol.md §1.1).
class Sr25519Pair {
 public:
  /// From a 32-byte mini secret.
  static Sr25519Pair from_seed(const Seed& seed);
  /// From the 64-byte schnorrkel form (canonical scalar ‖ nonce). Error: not a canonical scalar.
  static Result<Sr25519Pair> from_secret(const SecretBytes<64>& secret);
  const PublicKey& public_key() const { return public_; }
  /// The 64-byte schnorrkel form: canonical scalar ‖ nonce.
  const SecretBytes<64>& secret() const { return secret_; }
  Signature sign(ByteView message) const;
  /// Shared point scalar·peer, compressed, raw (docs/protocol.md §2.1). Error: `peer` is not a point.
  Result<SecretBytes<32>> agree(const PublicKey& peer) const;
  /// Substrate junctions `//hard` and `/soft`; `code` is the 32-byte chain code.
  Sr25519Pair derive_hard(const Hash& code) const;
  Sr25519Pair derive_soft(const Hash& code) const;
  /// A pair of one's own by HKDF-SHA256 from the 64-byte secret: docs/protocol.md §1.2 (constant salt), `info` concatenated.
  Sr25519Pair derive_kdf(std::initializer_list<ByteView> info) const;
  Sr25519Pair clone() const;

 private:
  PublicKey public_;
  SecretBytes<64> secret_;
};
bool sr25519_verify(const Signature& signature, ByteView message, const PublicKey& key);
/// One check for many; `false` says that at least one is bad, not which. Views must outlive the call.
struct SignedItem { Signature signature; ByteView message; PublicKey key; };
bool sr25519_verify_batch(std::span<const SignedItem> items);

/// ZIP-215 rules, as CometBFT accepts them.
struct Ed25519Pair {
  Seed seed;
  PublicKey public_key;
  static Ed25519Pair from_seed(const Seed& seed);
  Signature sign(ByteView message) const;
};
bool ed25519_verify(const Signature& signature, ByteView message, const PublicKey& key);

/// secp256k1, RFC 6979 nonces, low-s. `digest` is the 32-byte hash of the message, chosen by the caller.
struct EcdsaPair {
  Seed seed;
  EcdsaPublicKey public_key;
  /// Error: zero or not below the group order.
  static Result<EcdsaPair> from_seed(const Seed& seed);
  EcdsaSignature sign_prehashed(const Hash& digest) const;
};
/// Refuses r or s of zero, high s and recovery ids above 3; ids 27 and 28 count as 0 and 1.
std::optional<EcdsaPublicKey> ecdsa_recover(const EcdsaSignature& signature, const Hash& digest);
bool ecdsa_verify_prehashed(const EcdsaSignature& signature, const Hash& digest, const EcdsaPublicKey& key);
/// The 64-byte uncompressed point without its tag (for Ethereum addresses). Error: not a point.
Result<FixedBytes<64>> ecdsa_uncompress(const EcdsaPublicKey& key);

}  // namespace phala::crypto

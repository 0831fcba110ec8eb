#pragma once
// Why: how people write accounts and keys down: SS58 addresses, BIP39 phrases and derivation paths (`//hard/soft///password`).

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "crypto/sign.hpp"

namespace phala::crypto {

constexpr u16 phala_ss58_prefix = 30;

std::string to_ss58(ByteView public_key, u16 prefix = phala_ss58_prefix);
/// Accepts any prefix, as wallets do (the key is what counts). Errors name what is wrong: alphabet, length, checksum.
Result<AccountId> account_from_ss58(std::string_view text);

enum class Scheme : u8 { ed25519 = 0, sr25519 = 1, ecdsa = 2 };
std::string_view to_string(Scheme scheme);

/// A pair of any scheme: what `key`, `tx` and the development accounts use.
class KeyPair {
 public:
  /// `//Alice`, `phrase//hard/soft///password`, or a 0x-prefixed 32-byte seed with junctions. A path that starts with
  /// `/` hangs off the well-known development phrase. Errors say what is malformed; soft junctions exist for sr25519 only.
  static Result<KeyPair> from_uri(std::string_view uri, Scheme scheme = Scheme::sr25519);
  Scheme scheme() const { return scheme_; }
  /// 32 or 33 bytes.
  const Bytes& public_key() const { return public_; }
  /// The key itself, or its BLAKE2b-256 for ecdsa.
  AccountId account() const;
  /// 64 bytes, or 65 for ecdsa (which signs the BLAKE2b-256 of the message).
  Bytes sign(ByteView message) const;
  /// The 32-byte seed when the URI determines one (no soft junction).
  const SecretBytes<32>* seed() const { return has_seed_ ? &seed_ : nullptr; }
  const Sr25519Pair* sr25519() const { return sr25519_ ? &*sr25519_ : nullptr; }

 private:
  Scheme scheme_ = Scheme::sr25519;
  Bytes public_;
  SecretBytes<32> seed_;
  bool has_seed_ = false;
  std::optional<Sr25519Pair> sr25519_;
};

/// BIP39 English. `entropy`: 16, 20, 24, 28 or 32 bytes.
Result<std::string> phrase_from_entropy(ByteView entropy);
/// Checks words and checksum.
Result<Bytes> entropy_from_phrase(std::string_view phrase);

}  // namespace phala::crypto

#include <openssl/evp.h>

#include "base/assert.hpp"
#include "crypto/account.hpp"
#include "crypto/hash.hpp"
#include "phala_rust.h"

namespace phala::crypto {
namespace {

/// Published by Substrate for development; everybody holds these keys.
constexpr std::string_view development_phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
constexpr size_t max_uri_size = 4096;

struct Junction {
  bool hard;
  Hash code;
};

/// A URI in its parts; views into the text it was made from.
struct Uri {
  std::string_view secret;
  std::vector<Junction> junctions;
  std::optional<std::string_view> password;
};

auto malformed(std::string_view why) {
  return fail(ErrorCode::invalid_input, "key: " + std::string(why), "write //Alice, or a phrase or 0x seed followed by //hard and /soft junctions");
}

/// SCALE of a string: its compact length, then its bytes. Precondition: shorter than 2^14.
Bytes scale_text(std::string_view text) {
  PHALA_ASSERT(text.size() < (1u << 14));
  Bytes out;
  if (text.size() < 64) {
    out.push_back(static_cast<u8>(text.size() << 2));
  } else {
    out.resize(2);
    store_le<u16>(out.data(), static_cast<u16>(text.size() << 2 | 1));
  }
  append(out, as_bytes(text));
  return out;
}

/// A number is encoded as u64, anything else as a string; padded with zeros to 32 bytes, or hashed when longer.
Hash chain_code(std::string_view name) {
  Bytes encoded;
  const auto number = parse_u128(name);
  if (number && *number <= ~u64{0}) {
    encoded.resize(8);
    store_le<u64>(encoded.data(), static_cast<u64>(*number));
  } else {
    encoded = scale_text(name);
  }
  if (encoded.size() > Hash::bytes) return blake2_256(encoded);
  encoded.resize(Hash::bytes);
  return Hash(encoded);
}

Result<Uri> parse_uri(std::string_view text) {
  if (text.size() > max_uri_size) return malformed("longer than " + std::to_string(max_uri_size) + " characters");
  Uri uri;
  if (const size_t at = text.find("///"); at != text.npos) {
    uri.password = text.substr(at + 3);
    text = text.substr(0, at);
  }
  const size_t path = std::min(text.find('/'), text.size());
  uri.secret = text.substr(0, path);
  text.remove_prefix(path);
  while (!text.empty()) {
    const bool hard = text.starts_with("//");
    text.remove_prefix(hard ? 2 : 1);
    const std::string_view name = text.substr(0, text.find('/'));
    if (name.empty()) return malformed("a junction without a name");
    uri.junctions.push_back({hard, chain_code(name)});
    text.remove_prefix(name.size());
  }
  return uri;
}

/// Substrate's way from phrase to seed: PBKDF2 over the entropy instead of the words, and the first half of the result.
Result<Seed> seed_from_phrase(std::string_view phrase, std::string_view password) {
  Bytes entropy = TRY(entropy_from_phrase(phrase));
  std::string salt = "mnemonic" + std::string(password);
  SecretBytes<64> wide;
  const int done = PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(entropy.data()), static_cast<int>(entropy.size()),
                                     as_bytes(salt).data(), static_cast<int>(salt.size()), 2048, EVP_sha512(), 64, wide.data());
  PHALA_ASSERT(done == 1);
  wipe(entropy.data(), entropy.size());
  wipe(salt.data(), salt.size());
  return Seed(wide.expose().first(32));
}

Result<Seed> root_seed(const Uri& uri) {
  if (!uri.secret.starts_with("0x")) return seed_from_phrase(uri.secret.empty() ? development_phrase : uri.secret, uri.password.value_or(""));
  if (uri.password) return malformed("a password changes a phrase, not a 0x seed");
  auto bytes = from_hex(uri.secret);
  if (!bytes || bytes->size() != 32) return malformed("a seed is 0x and 64 hex digits");
  Seed seed(*bytes);
  wipe(bytes->data(), bytes->size());
  return seed;
}

/// Hard derivation of the two schemes that have only seeds.
Seed derive_seed(std::string_view domain, const Seed& seed, const Hash& code) {
  Bytes input = concat(scale_text(domain), seed.expose(), code);
  Hash derived = blake2_256(input);
  Seed out(derived);
  wipe(input.data(), input.size());
  wipe(derived.data(), derived.size());
  return out;
}

}  // namespace

std::string_view to_string(Scheme scheme) {
  switch (scheme) {
    case Scheme::ed25519: return "ed25519";
    case Scheme::sr25519: return "sr25519";
    case Scheme::ecdsa: return "ecdsa";
  }
  return "unknown scheme";
}

Result<KeyPair> KeyPair::from_uri(std::string_view text, Scheme scheme) {
  const Uri uri = TRY(parse_uri(text));
  KeyPair pair;
  pair.scheme_ = scheme;
  pair.seed_ = TRY(root_seed(uri));
  pair.has_seed_ = true;
  if (scheme == Scheme::sr25519) {
    pair.sr25519_ = Sr25519Pair::from_seed(pair.seed_);
    for (const Junction& junction : uri.junctions) {
      pair.has_seed_ = junction.hard;  // a hard junction yields a seed again, whatever came before
      if (junction.hard) {
        PHALA_ASSERT(phala_sr25519_derive_hard(pair.sr25519_->secret().expose().data(), junction.code.data(), pair.seed_.data()));
        pair.sr25519_ = Sr25519Pair::from_seed(pair.seed_);
      } else {
        pair.sr25519_ = pair.sr25519_->derive_soft(junction.code);
      }
    }
    if (!pair.has_seed_) pair.seed_ = {};
    pair.public_ = to_bytes(pair.sr25519_->public_key());
    return pair;
  }
  for (const Junction& junction : uri.junctions) {
    if (!junction.hard) return malformed("soft junctions (one slash) exist for sr25519 only, not for " + std::string(to_string(scheme)));
    pair.seed_ = derive_seed(scheme == Scheme::ed25519 ? "Ed25519HDKD" : "Secp256k1HDKD", pair.seed_, junction.code);
  }
  pair.public_ = scheme == Scheme::ed25519 ? to_bytes(Ed25519Pair::from_seed(pair.seed_).public_key)
                                           : to_bytes(TRY(EcdsaPair::from_seed(pair.seed_)).public_key);
  return pair;
}

AccountId KeyPair::account() const { return scheme_ == Scheme::ecdsa ? blake2_256(public_).as<AccountId>() : AccountId(public_); }

Bytes KeyPair::sign(ByteView message) const {
  switch (scheme_) {
    case Scheme::sr25519: return to_bytes(sr25519_->sign(message));
    case Scheme::ed25519: return to_bytes(Ed25519Pair{seed_.clone(), PublicKey(ByteView(public_))}.sign(message));
    case Scheme::ecdsa: return to_bytes(EcdsaPair{seed_.clone(), EcdsaPublicKey(ByteView(public_))}.sign_prehashed(blake2_256(message)));
  }
  return {};
}

}  // namespace phala::crypto

#pragma once
// Why: signed requests to web services need HMAC, and data that leaves the enclave for a storage service must be sealed first. Both come from
// libraries: in wasm from the crates of sdk/crypto, natively (tests) from OpenSSL. A contract that includes this says so in contract.toml:
//
//   libraries = ["crypto"]

#include "phala/env.hpp"

// Lengths in bytes. `data` is changed in place. False: not done (a length beyond 2^36; a tag that does not fit).
extern "C" {
void phala_contract_hmac_sha256(const phala::u8* key, size_t key_len, const phala::u8* data, size_t len, phala::u8* out_32);
bool phala_contract_seal(const phala::u8* key_32, const phala::u8* nonce_12, const phala::u8* about, size_t about_len, phala::u8* data, size_t len, phala::u8* tag_16);
bool phala_contract_open(const phala::u8* key_32, const phala::u8* nonce_12, const phala::u8* about, size_t about_len, phala::u8* data, size_t len, const phala::u8* tag_16);
}

namespace phala::sdk::crypto {

using Key = std::array<u8, 32>;
using Nonce = std::array<u8, 12>;

/// RFC 2104 over SHA-256; a key of any length.
inline std::array<u8, 32> hmac_sha256(ByteView key, ByteView message) {
  std::array<u8, 32> out;
  phala_contract_hmac_sha256(key.data(), key.size(), message.data(), message.size(), out.data());
  return out;
}

constexpr size_t tag_size = 16;
/// ChaCha20-Poly1305 (RFC 8439): the ciphertext, then the tag. `about` is not encrypted but must be the same when it is opened. The same nonce never
/// twice with one key: where it is random, one key seals at most 2^32 times.
inline Bytes seal(const Key& key, const Nonce& nonce, ByteView plain, ByteView about = {}) {
  Bytes out(plain.size() + tag_size);
  std::copy(plain.begin(), plain.end(), out.begin());
  if (!phala_contract_seal(key.data(), nonce.data(), about.data(), about.size(), out.data(), plain.size(), out.data() + plain.size())) panic("too long to seal");
  return out;
}
/// Nothing when anything differs from what was sealed.
inline std::optional<Bytes> open(const Key& key, const Nonce& nonce, ByteView sealed, ByteView about = {}) {
  if (sealed.size() < tag_size) return std::nullopt;
  Bytes out(sealed.begin(), sealed.end() - tag_size);
  if (!phala_contract_open(key.data(), nonce.data(), about.data(), about.size(), out.data(), out.size(), sealed.data() + out.size())) return std::nullopt;
  return out;
}

}  // namespace phala::sdk::crypto

// Why: in a wasm32 build of the runtime, cryptography is the host's: these imports, answered by the native functions of the
// same names, stand in for hash.hpp and for the verifying half of sign.hpp. A runtime signs nothing and seals nothing; using
// those functions there fails to link, as it should.

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "crypto/sign.hpp"

#define HOST(name) __attribute__((import_module("phala_crypto"), import_name(#name))) extern "C"

namespace phala::crypto {
namespace {

/// One item of a batch as the host reads it from linear memory: four little-endian u32.
struct HostItem {
  const u8* signature;
  const u8* message;
  u32 message_len;
  const u8* key;
};

// `out` has as many bytes as the type the C++ function returns; verifying and parsing functions return 1 for yes, 0 for no.
HOST(blake2b) void host_blake2b(u32 digest_len, const u8* data, size_t len, u8* out);
HOST(twox) void host_twox(u32 digest_len, const u8* data, size_t len, u8* out);
HOST(sha2_256) void host_sha2_256(const u8* data, size_t len, u8* out);
HOST(keccak_256) void host_keccak_256(const u8* data, size_t len, u8* out);
HOST(sr25519_verify) u32 host_sr25519_verify(const u8* signature, const u8* message, size_t len, const u8* key);
HOST(sr25519_verify_batch) u32 host_sr25519_verify_batch(const HostItem* items, size_t count);
HOST(ed25519_verify) u32 host_ed25519_verify(const u8* signature, const u8* message, size_t len, const u8* key);
HOST(ecdsa_recover) u32 host_ecdsa_recover(const u8* signature, const u8* digest, u8* key_out);
HOST(ecdsa_uncompress) u32 host_ecdsa_uncompress(const u8* key, u8* point_out);

}  // namespace

void blake2b(ByteView data, std::span<u8> out) { host_blake2b(out.size(), data.data(), data.size(), out.data()); }
void twox(ByteView data, std::span<u8> out) { host_twox(out.size(), data.data(), data.size(), out.data()); }

void blake2_256_many(std::span<const ByteView> data, std::span<Hash> out) {
  PHALA_ASSERT(data.size() == out.size());
  for (size_t i = 0; i < data.size(); ++i) out[i] = blake2_256(data[i]);
}

Hash sha2_256(ByteView data) {
  Hash out;
  host_sha2_256(data.data(), data.size(), out.data());
  return out;
}

Hash keccak_256(ByteView data) {
  Hash out;
  host_keccak_256(data.data(), data.size(), out.data());
  return out;
}

bool sr25519_verify(const Signature& signature, ByteView message, const PublicKey& key) {
  return host_sr25519_verify(signature.data(), message.data(), message.size(), key.data()) == 1;
}

bool sr25519_verify_batch(std::span<const SignedItem> items) {
  std::vector<HostItem> views;
  views.reserve(items.size());
  for (const SignedItem& item : items) views.push_back({item.signature.data(), item.message.data(), item.message.size(), item.key.data()});
  return host_sr25519_verify_batch(views.data(), views.size()) == 1;
}

bool ed25519_verify(const Signature& signature, ByteView message, const PublicKey& key) {
  return host_ed25519_verify(signature.data(), message.data(), message.size(), key.data()) == 1;
}

std::optional<EcdsaPublicKey> ecdsa_recover(const EcdsaSignature& signature, const Hash& digest) {
  EcdsaPublicKey key;
  if (host_ecdsa_recover(signature.data(), digest.data(), key.data()) != 1) return std::nullopt;
  return key;
}

bool ecdsa_verify_prehashed(const EcdsaSignature& signature, const Hash& digest, const EcdsaPublicKey& key) {
  return ecdsa_recover(signature, digest) == key;
}

Result<FixedBytes<64>> ecdsa_uncompress(const EcdsaPublicKey& key) {
  FixedBytes<64> point;
  if (host_ecdsa_uncompress(key.data(), point.data()) != 1) return fail(ErrorCode::invalid_input, to_hex0x(key) + " is not a point of secp256k1");
  return point;
}

}  // namespace phala::crypto

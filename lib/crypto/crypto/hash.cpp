#include "crypto/hash.hpp"

#include <openssl/evp.h>

#include <memory>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.hpp"
#include "phala_rust.h"

namespace phala::crypto {
namespace {

/// Measured: half of the time of a short SHA-256 is OpenSSL's search for the algorithm and a new context; both are kept.
struct Sha256Context {
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm{EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

}  // namespace

void blake2b(ByteView data, std::span<u8> out) { PHALA_ASSERT(phala_blake2b(out.size(), data.data(), data.size(), out.data())); }

void twox(ByteView data, std::span<u8> out) {
  for (size_t i = 0; i < out.size() / 8; ++i) store_le<u64>(out.data() + 8 * i, XXH64(data.data(), data.size(), i));
}

void blake2_256_many(std::span<const ByteView> data, std::span<Hash> out) {
  static_assert(sizeof(Hash) == 32 && sizeof(PhalaBytes) == 2 * sizeof(size_t));
  PHALA_ASSERT(data.size() == out.size());
  constexpr size_t group = 64;
  std::array<PhalaBytes, group> items;
  for (size_t at = 0; at < data.size(); at += group) {
    const size_t count = std::min(group, data.size() - at);
    for (size_t i = 0; i < count; ++i) items[i] = {data[at + i].data(), data[at + i].size()};
    phala_blake2_256_many(items.data(), count, out[at].data());
  }
}

Hash sha2_256(ByteView data) {
  thread_local const Sha256Context sha;
  Hash out;
  EVP_MD_CTX* context = sha.context.get();
  PHALA_ASSERT(EVP_DigestInit_ex2(context, sha.algorithm.get(), nullptr) == 1 &&
               EVP_DigestUpdate(context, data.data(), data.size()) == 1 && EVP_DigestFinal_ex(context, out.data(), nullptr) == 1);
  return out;
}

Hash keccak_256(ByteView data) {
  Hash out;
  phala_keccak_256(data.data(), data.size(), out.data());
  return out;
}

}  // namespace phala::crypto

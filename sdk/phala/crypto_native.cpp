// The functions of crypto.hpp for native tests: OpenSSL, another implementation than the crates that contracts link, so that each is a check of the other.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

#include "phala/crypto.hpp"

namespace {

using phala::u8;
using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

/// Encrypts or decrypts `data` in place; what remains is the tag. False: OpenSSL refuses a length.
bool run(const Context& context, bool sealing, const u8* key, const u8* nonce, const u8* about, size_t about_len, u8* data, size_t len) {
  int n = 0;
  return context && EVP_CipherInit_ex(context.get(), EVP_chacha20_poly1305(), nullptr, key, nonce, sealing) == 1 &&
         (about_len == 0 || EVP_CipherUpdate(context.get(), nullptr, &n, about, static_cast<int>(about_len)) == 1) &&
         (len == 0 || EVP_CipherUpdate(context.get(), data, &n, data, static_cast<int>(len)) == 1);
}

}  // namespace

extern "C" void phala_contract_hmac_sha256(const u8* key, size_t key_len, const u8* data, size_t len, u8* out_32) {
  static constexpr u8 empty = 0;   // OpenSSL reads a null key as "the one before"
  HMAC(EVP_sha256(), key_len == 0 ? &empty : key, static_cast<int>(key_len), data, len, out_32, nullptr);
}

extern "C" bool phala_contract_seal(const u8* key_32, const u8* nonce_12, const u8* about, size_t about_len, u8* data, size_t len, u8* tag_16) {
  const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int n = 0;
  return run(context, true, key_32, nonce_12, about, about_len, data, len) && EVP_CipherFinal_ex(context.get(), data + len, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, tag_16) == 1;
}

extern "C" bool phala_contract_open(const u8* key_32, const u8* nonce_12, const u8* about, size_t about_len, u8* data, size_t len, const u8* tag_16) {
  const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int n = 0;
  u8 rest[16];
  return run(context, false, key_32, nonce_12, about, about_len, data, len) && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, 16, const_cast<u8*>(tag_16)) == 1 &&
         EVP_CipherFinal_ex(context.get(), rest, &n) == 1;
}

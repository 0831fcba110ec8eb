#include "crypto/cipher.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>

#include "base/assert.hpp"

namespace phala::crypto {
namespace {

constexpr size_t tag_size = 16;

struct Free {
  void operator()(EVP_CIPHER* p) const { EVP_CIPHER_free(p); }
  void operator()(EVP_CIPHER_CTX* p) const { EVP_CIPHER_CTX_free(p); }  // wipes the key schedule
  void operator()(EVP_KDF* p) const { EVP_KDF_free(p); }
  void operator()(EVP_KDF_CTX* p) const { EVP_KDF_CTX_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// Searching for an algorithm costs more than sealing a short message: done once.
const EVP_CIPHER* aes256gcm() {
  static const Owned<EVP_CIPHER> cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  return cipher.get();
}

Owned<EVP_CIPHER_CTX> begin(const Key32& key, const Iv& iv, bool seal) {
  Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  PHALA_ASSERT(EVP_CipherInit_ex2(context.get(), aes256gcm(), key.expose().data(), iv.data(), seal, nullptr) == 1);
  return context;
}

/// `out` null: `data` is only authenticated. In pieces, because OpenSSL counts with `int`.
void feed(EVP_CIPHER_CTX* context, ByteView data, u8* out) {
  constexpr size_t piece = 1 << 30;
  while (!data.empty()) {
    const ByteView now = data.first(std::min(piece, data.size()));
    int written = 0;
    PHALA_ASSERT(EVP_CipherUpdate(context, out, &written, now.data(), static_cast<int>(now.size())) == 1);
    if (out != nullptr) out += written;
    data = data.subspan(now.size());
  }
}

}  // namespace

Bytes aes256gcm_seal(const Key32& key, const Iv& iv, ByteView plain, ByteView associated) {
  const auto context = begin(key, iv, true);
  Bytes out(plain.size() + tag_size);
  feed(context.get(), associated, nullptr);
  feed(context.get(), plain, out.data());
  int rest = 0;
  u8* const tag = out.data() + plain.size();
  PHALA_ASSERT(EVP_CipherFinal_ex(context.get(), tag, &rest) == 1 && rest == 0);
  PHALA_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, tag) == 1);
  return out;
}

Result<Bytes> aes256gcm_open(const Key32& key, const Iv& iv, ByteView sealed, ByteView associated) {
  if (sealed.size() < tag_size)
    return fail(ErrorCode::refused, "sealed data of " + std::to_string(sealed.size()) + " bytes is shorter than its tag");
  const auto context = begin(key, iv, false);
  const ByteView hidden = sealed.first(sealed.size() - tag_size);
  std::array<u8, tag_size> tag;
  std::copy(sealed.end() - tag_size, sealed.end(), tag.begin());
  Bytes out(hidden.size() + 1);  // one more, so that there is a place to point to when the text is empty
  feed(context.get(), associated, nullptr);
  feed(context.get(), hidden, out.data());
  int rest = 0;
  PHALA_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1);
  if (EVP_CipherFinal_ex(context.get(), out.data() + hidden.size(), &rest) != 1) {
    wipe(out.data(), out.size());
    return fail(ErrorCode::refused, "sealed data does not open: wrong key, wrong IV or altered bytes");
  }
  out.resize(hidden.size());
  return out;
}

Key32 hkdf_sha256(ByteView salt, ByteView secret, ByteView info) {
  static const Owned<EVP_KDF> hkdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const Owned<EVP_KDF_CTX> context(EVP_KDF_CTX_new(hkdf.get()));
  // OpenSSL takes inputs as mutable pointers and refuses null ones; it does not write to them.
  u8 nothing = 0;
  const auto octets = [&](const char* name, ByteView data) {
    return OSSL_PARAM_construct_octet_string(name, data.empty() ? &nothing : const_cast<u8*>(data.data()), data.size());
  };
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   octets(OSSL_KDF_PARAM_SALT, salt), octets(OSSL_KDF_PARAM_KEY, secret),
                                   octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  Key32 out;
  PHALA_ASSERT(EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1);
  return out;
}

}  // namespace phala::crypto

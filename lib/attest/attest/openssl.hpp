#pragma once
// Why: the few things the OpenSSL adapter's files share. Included by them alone.
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "attest/x509.hpp"

namespace phala::attest::openssl {

/// OpenSSL reports failures in a queue per thread; what we refuse must not be read there by somebody else.
struct ErrorQueueGuard {
  ErrorQueueGuard() { ERR_set_mark(); }
  ~ErrorQueueGuard() { ERR_pop_to_mark(); }
};

template <auto Free>
struct Deleter {
  void operator()(auto* p) const { Free(p); }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;
inline ByteView view(const ASN1_STRING* s) { return {ASN1_STRING_get0_data(s), static_cast<size_t>(ASN1_STRING_length(s))}; }
inline ByteView oid_of(const ASN1_OBJECT* oid) { return {OBJ_get0_data(oid), OBJ_length(oid)}; }

/// 1.2.840.113741.1.13.1
inline constexpr std::array<u8, 9> sgx_oid{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

/// Contents of that extension.
Result<SgxExtension, Defect> sgx_extension_of(ByteView der);

}  // namespace phala::attest::openssl

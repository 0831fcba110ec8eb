// The native side of x509.hpp: OpenSSL 3. Certificates are decoded with OpenSSL's ASN.1 engine, but with templates that keep the public
// key as bytes: OpenSSL's own certificate type runs its key decoders on each one, which costs more than verifying a signature (measured:
// 120 µs against 65 µs). What no signature covers (the outer encoding) must re-encode to the same bytes, so that no byte of a document can vary.
// Signatures are checked through EC_KEY, which OpenSSL 3 marks deprecated: by its newer interface the same costs 67 instead of 62 µs.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/asn1t.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "attest/openssl.hpp"

namespace phala::attest {
namespace {

using namespace openssl;

// ---- ASN.1 of RFC 5280, as far as the profile goes -------------------------------------------------------------------
struct RawKey {
  X509_ALGOR* algorithm;
  ASN1_BIT_STRING* key;
};
struct RawTbsCertificate {
  ASN1_INTEGER* version;
  ASN1_INTEGER* serial;
  X509_ALGOR* signature;
  ASN1_TYPE* issuer;
  X509_VAL* validity;
  ASN1_TYPE* subject;
  RawKey* key;
  STACK_OF(X509_EXTENSION) * extensions;
};
struct RawTbsList {
  ASN1_INTEGER* version;
  X509_ALGOR* signature;
  ASN1_TYPE* issuer;
  ASN1_TIME* this_update;
  ASN1_TIME* next_update;
  ASN1_STRING* revoked;   // whole, decoded by `revoked_serials`
  STACK_OF(X509_EXTENSION) * extensions;
};
struct RawRevoked {
  ASN1_INTEGER* serial;
  ASN1_TIME* when;
  ASN1_STRING* extensions;   // whole, or absent
};
DEFINE_STACK_OF(RawRevoked)
using RelativeName = STACK_OF(X509_NAME_ENTRY);
DEFINE_STACK_OF(RelativeName)
using RelativeNames = STACK_OF(RelativeName);
/// Certificate and CertificateList alike: what was signed, how, and the signature.
struct RawSigned {
  ASN1_TYPE* signed_part;
  X509_ALGOR* algorithm;
  ASN1_BIT_STRING* signature;
};

// clang-format off
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
ASN1_SEQUENCE(RawKey) = {
    ASN1_SIMPLE(RawKey, algorithm, X509_ALGOR),
    ASN1_SIMPLE(RawKey, key, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END(RawKey)

ASN1_SEQUENCE(RawTbsCertificate) = {
    ASN1_EXP(RawTbsCertificate, version, ASN1_INTEGER, 0),
    ASN1_SIMPLE(RawTbsCertificate, serial, ASN1_INTEGER),
    ASN1_SIMPLE(RawTbsCertificate, signature, X509_ALGOR),
    ASN1_SIMPLE(RawTbsCertificate, issuer, ASN1_ANY),
    ASN1_SIMPLE(RawTbsCertificate, validity, X509_VAL),
    ASN1_SIMPLE(RawTbsCertificate, subject, ASN1_ANY),
    ASN1_SIMPLE(RawTbsCertificate, key, RawKey),
    ASN1_EXP_SEQUENCE_OF(RawTbsCertificate, extensions, X509_EXTENSION, 3),
} static_ASN1_SEQUENCE_END(RawTbsCertificate)

ASN1_SEQUENCE(RawTbsList) = {
    ASN1_SIMPLE(RawTbsList, version, ASN1_INTEGER),
    ASN1_SIMPLE(RawTbsList, signature, X509_ALGOR),
    ASN1_SIMPLE(RawTbsList, issuer, ASN1_ANY),
    ASN1_SIMPLE(RawTbsList, this_update, ASN1_TIME),
    ASN1_SIMPLE(RawTbsList, next_update, ASN1_TIME),
    ASN1_OPT(RawTbsList, revoked, ASN1_SEQUENCE),
    ASN1_EXP_SEQUENCE_OF(RawTbsList, extensions, X509_EXTENSION, 0),
} static_ASN1_SEQUENCE_END(RawTbsList)

// a Name; OpenSSL's own type also makes a second, normalized encoding of each, which costs as much as half a certificate
ASN1_ITEM_TEMPLATE(RelativeName) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, attributes, X509_NAME_ENTRY)
static_ASN1_ITEM_TEMPLATE_END(RelativeName)
ASN1_ITEM_TEMPLATE(RelativeNames) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, relative_names, RelativeName)
static_ASN1_ITEM_TEMPLATE_END(RelativeNames)

ASN1_SEQUENCE(RawRevoked) = {
    ASN1_SIMPLE(RawRevoked, serial, ASN1_INTEGER),
    ASN1_SIMPLE(RawRevoked, when, ASN1_TIME),
    ASN1_OPT(RawRevoked, extensions, ASN1_SEQUENCE),
} static_ASN1_SEQUENCE_END(RawRevoked)

ASN1_ITEM_TEMPLATE(RevokedEntries) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, revoked, RawRevoked)
static_ASN1_ITEM_TEMPLATE_END(RevokedEntries)

ASN1_SEQUENCE(RawSigned) = {
    ASN1_SIMPLE(RawSigned, signed_part, ASN1_ANY),
    ASN1_SIMPLE(RawSigned, algorithm, X509_ALGOR),
    ASN1_SIMPLE(RawSigned, signature, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END(RawSigned)
#pragma GCC diagnostic pop
// clang-format on

template <class Raw>
struct RawDeleter {
  const ASN1_ITEM* item;
  void operator()(Raw* raw) const { ASN1_item_free(reinterpret_cast<ASN1_VALUE*>(raw), item); }
};

/// One `Raw` that fills `der`.
template <class Raw>
Result<std::unique_ptr<Raw, RawDeleter<Raw>>, Defect> decode_all(ByteView der, const ASN1_ITEM* item) {
  if (der.size() > (1u << 22)) return fail(Defect::malformed);
  const u8* at = der.data();
  auto* value = ASN1_item_d2i(nullptr, &at, static_cast<long>(der.size()), item);
  std::unique_ptr<Raw, RawDeleter<Raw>> raw(reinterpret_cast<Raw*>(value), RawDeleter<Raw>{item});
  if (!raw || at != der.data() + der.size()) return fail(Defect::malformed);
  return raw;
}

// ---- fields ----------------------------------------------------------------------------------------------------------
bool is_ecdsa_sha256(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* oid = nullptr;
  int parameter = 0;
  X509_ALGOR_get0(&oid, &parameter, nullptr, algorithm);
  return OBJ_obj2nid(oid) == NID_ecdsa_with_SHA256 && parameter == V_ASN1_UNDEF;
}

bool whole_octets(const ASN1_BIT_STRING* bits) { return (bits->flags & 0x07) == 0; }

Result<P256Signature, Defect> signature_of(const ASN1_BIT_STRING* bits) {
  if (!whole_octets(bits)) return fail(Defect::malformed);
  const ByteView der = view(bits);
  const u8* at = der.data();
  Owned<ECDSA_SIG, ECDSA_SIG_free> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!signature || at != der.data() + der.size()) return fail(Defect::malformed);
  u8* out = nullptr;
  const int n = i2d_ECDSA_SIG(signature.get(), &out);
  const bool same = n >= 0 && same_bytes({out, static_cast<size_t>(n)}, der);
  OPENSSL_free(out);
  if (!same) return fail(Defect::not_canonical);
  P256Signature raw;
  const bool fits = BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), 32) == 32 && BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + 32, 32) == 32;
  if (!fits) return fail(Defect::malformed);
  return raw;
}

/// The two parts of a signed object. Its outer encoding, which no signature covers, must be the one DER allows.
struct SignedObject {
  Bytes to_be_signed;
  P256Signature signature{};
};
Result<SignedObject, Defect> decode_signed(ByteView der) {
  const auto raw = TRY(decode_all<RawSigned>(der, ASN1_ITEM_rptr(RawSigned)));
  u8* out = nullptr;
  const int n = ASN1_item_i2d(reinterpret_cast<ASN1_VALUE*>(raw.get()), &out, ASN1_ITEM_rptr(RawSigned));
  const bool same = n >= 0 && same_bytes({out, static_cast<size_t>(n)}, der);
  OPENSSL_free(out);
  if (!same) return fail(Defect::not_canonical);
  if (!is_ecdsa_sha256(raw->algorithm)) return fail(Defect::unsupported_algorithm);
  if (raw->signed_part->type != V_ASN1_SEQUENCE) return fail(Defect::malformed);
  return SignedObject{to_bytes(view(raw->signed_part->value.sequence)), TRY(signature_of(raw->signature))};
}

Result<UnixSeconds, Defect> seconds_of(const ASN1_TIME* time) {
  std::tm tm{};
  if (ASN1_TIME_to_tm(time, &tm) != 1) return fail(Defect::malformed);
  const time_t seconds = timegm(&tm);
  if (seconds < 0) return fail(Defect::malformed);
  return static_cast<UnixSeconds>(seconds);
}

Result<Serial, Defect> serial_of(const ASN1_INTEGER* serial) {
  if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER || ASN1_STRING_length(serial) > 20) return fail(Defect::malformed);
  const ByteView magnitude = view(serial);
  Serial out;
  std::ranges::copy(magnitude, out.end() - static_cast<std::ptrdiff_t>(magnitude.size()));
  return out;
}

Result<Bytes, Defect> name_of(const ASN1_TYPE* any) {
  if (any->type != V_ASN1_SEQUENCE) return fail(Defect::malformed);
  return to_bytes(view(any->value.sequence));
}

Result<std::string, Defect> common_name_of(ByteView name_der) {
  const auto names = TRY(decode_all<RelativeNames>(name_der, ASN1_ITEM_rptr(RelativeNames)));
  std::optional<std::string> found;
  for (int i = 0; i < sk_RelativeName_num(names.get()); ++i) {
    const RelativeName* attributes = sk_RelativeName_value(names.get(), i);
    for (int j = 0; j < sk_X509_NAME_ENTRY_num(attributes); ++j) {
      const X509_NAME_ENTRY* attribute = sk_X509_NAME_ENTRY_value(attributes, j);
      if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(attribute)) != NID_commonName) continue;
      if (found) return fail(Defect::malformed);
      found = std::string(as_text(view(X509_NAME_ENTRY_get_data(attribute))));
    }
  }
  return found.value_or(std::string());
}

Result<P256Key, Defect> key_of(const RawKey& raw) {
  const ASN1_OBJECT *oid = nullptr;
  int type = 0;
  const void* parameter = nullptr;
  X509_ALGOR_get0(&oid, &type, &parameter, raw.algorithm);
  const bool p256 = OBJ_obj2nid(oid) == NID_X9_62_id_ecPublicKey && type == V_ASN1_OBJECT &&
                    OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(parameter)) == NID_X9_62_prime256v1;
  if (!p256) return fail(Defect::unsupported_algorithm);
  const ByteView point = view(raw.key);
  if (!whole_octets(raw.key) || point.size() != 65 || point[0] != 0x04) return fail(Defect::malformed);
  return P256Key(point.subspan(1));
}

// ---- X.509 extensions -------------------------------------------------------------------------------------------------
/// The decoded extension, which must fill its octets.
template <class T, auto Decode, auto Free>
Result<Owned<T, Free>, Defect> decode_extension(ByteView der) {
  const u8* at = der.data();
  Owned<T, Free> value(Decode(nullptr, &at, static_cast<long>(der.size())));
  if (!value || at != der.data() + der.size()) return fail(Defect::malformed);
  return value;
}

Result<Bytes, Defect> authority_key_id_of(ByteView der) {
  const auto id = TRY((decode_extension<AUTHORITY_KEYID, d2i_AUTHORITY_KEYID, AUTHORITY_KEYID_free>(der)));
  return id->keyid ? to_bytes(view(id->keyid)) : Bytes();
}

Result<void, Defect> read_basic_constraints(ByteView der, Certificate& out) {
  const auto constraints = TRY((decode_extension<BASIC_CONSTRAINTS, d2i_BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>(der)));
  out.is_ca = constraints->ca != 0;
  if (constraints->pathlen == nullptr) return {};
  uint64_t length = 0;
  if (!out.is_ca || ASN1_INTEGER_get_uint64(&length, constraints->pathlen) != 1 || length > 255) return fail(Defect::malformed);
  out.path_length = static_cast<u32>(length);
  return {};
}

Result<void, Defect> read_key_usage(ByteView der, Certificate& out) {
  const auto bits = TRY((decode_extension<ASN1_BIT_STRING, d2i_ASN1_BIT_STRING, ASN1_BIT_STRING_free>(der)));
  const auto bit = [&](int n) { return ASN1_BIT_STRING_get_bit(bits.get(), n) == 1; };
  out.usage = {.digital_signature = bit(0), .certificate_sign = bit(5), .crl_sign = bit(6)};
  return {};
}

Result<void, Defect> read_certificate_extension(int nid, ByteView oid, ByteView der, bool critical, Certificate& out) {
  switch (nid) {
    case NID_basic_constraints: return read_basic_constraints(der, out);
    case NID_key_usage: return read_key_usage(der, out);
    case NID_authority_key_identifier: out.authority_key_id = TRY(authority_key_id_of(der)); return {};
    case NID_subject_key_identifier:
      out.subject_key_id = to_bytes(view(TRY((decode_extension<ASN1_OCTET_STRING, d2i_ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>(der))).get()));
      return {};
    default: break;
  }
  if (same_bytes(oid, sgx_oid)) {
    out.sgx = TRY(sgx_extension_of(der));
    return {};
  }
  if (critical) return fail(Defect::unknown_critical_extension);
  return {};
}

/// Calls `take(nid, oid, contents, critical)` for each; no extension may occur twice (RFC 5280 §4.2).
template <class Take>
Result<void, Defect> each_extension(STACK_OF(X509_EXTENSION) * extensions, Take&& take) {
  const int n = sk_X509_EXTENSION_num(extensions);
  if (n > 32) return fail(Defect::malformed);
  for (int i = 0; i < n; ++i) {
    X509_EXTENSION* extension = sk_X509_EXTENSION_value(extensions, i);
    const ASN1_OBJECT* oid = X509_EXTENSION_get_object(extension);
    for (int j = 0; j < i; ++j)
      if (OBJ_cmp(oid, X509_EXTENSION_get_object(sk_X509_EXTENSION_value(extensions, j))) == 0) return fail(Defect::malformed);
    TRY(take(OBJ_obj2nid(oid), oid_of(oid), view(X509_EXTENSION_get_data(extension)), X509_EXTENSION_get_critical(extension) == 1));
  }
  return {};
}

/// An entry of a revocation list may name another issuer (indirect lists) only by a critical extension, which this profile does not know.
Result<void, Defect> refuse_critical(ByteView der) {
  const auto extensions = TRY(decode_all<X509_EXTENSIONS>(der, ASN1_ITEM_rptr(X509_EXTENSIONS)));
  for (int i = 0; i < sk_X509_EXTENSION_num(extensions.get()); ++i)
    if (X509_EXTENSION_get_critical(sk_X509_EXTENSION_value(extensions.get(), i)) == 1) return fail(Defect::unknown_critical_extension);
  return {};
}

const EC_GROUP* p256() {
  static const EC_GROUP* const group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  return group;
}

}  // namespace

Result<Certificate, Defect> parse_certificate(ByteView der) {
  const ErrorQueueGuard guard;
  auto object = TRY(decode_signed(der));
  const auto raw = TRY(decode_all<RawTbsCertificate>(object.to_be_signed, ASN1_ITEM_rptr(RawTbsCertificate)));
  const RawTbsCertificate& tbs = *raw;
  if (ASN1_INTEGER_get(tbs.version) != 2) return fail(Defect::malformed);   // v3
  if (!is_ecdsa_sha256(tbs.signature)) return fail(Defect::unsupported_algorithm);
  Certificate out;
  out.der = to_bytes(der);
  out.to_be_signed = std::move(object.to_be_signed);
  out.signature = object.signature;
  out.subject = TRY(name_of(tbs.subject));
  out.issuer = TRY(name_of(tbs.issuer));
  out.common_name = TRY(common_name_of(out.subject));
  out.serial = TRY(serial_of(tbs.serial));
  out.not_before = TRY(seconds_of(tbs.validity->notBefore));
  out.not_after = TRY(seconds_of(tbs.validity->notAfter));
  out.key = TRY(key_of(*tbs.key));
  TRY(each_extension(tbs.extensions, [&](int nid, ByteView oid, ByteView contents, bool critical) { return read_certificate_extension(nid, oid, contents, critical, out); }));
  return out;
}

Result<RevocationList, Defect> parse_revocation_list(ByteView der) {
  const ErrorQueueGuard guard;
  auto object = TRY(decode_signed(der));
  const auto raw = TRY(decode_all<RawTbsList>(object.to_be_signed, ASN1_ITEM_rptr(RawTbsList)));
  const RawTbsList& tbs = *raw;
  if (ASN1_INTEGER_get(tbs.version) != 1) return fail(Defect::malformed);   // v2
  if (!is_ecdsa_sha256(tbs.signature)) return fail(Defect::unsupported_algorithm);
  RevocationList out;
  out.to_be_signed = std::move(object.to_be_signed);
  out.signature = object.signature;
  out.issuer = TRY(name_of(tbs.issuer));
  out.this_update = TRY(seconds_of(tbs.this_update));
  out.next_update = TRY(seconds_of(tbs.next_update));
  if (tbs.revoked != nullptr) out.entries = to_bytes(view(tbs.revoked));
  TRY(each_extension(tbs.extensions, [&](int nid, ByteView, ByteView contents, bool critical) -> Result<void, Defect> {
    if (nid == NID_authority_key_identifier) out.authority_key_id = TRY(authority_key_id_of(contents));
    else if (critical) return fail(Defect::unknown_critical_extension);   // delta and partial lists announce themselves so
    return {};
  }));
  return out;
}

Result<std::vector<Serial>, Defect> revoked_serials(ByteView der) {
  std::vector<Serial> serials;
  if (der.empty()) return serials;
  const ErrorQueueGuard guard;
  const auto entries = TRY(decode_all<STACK_OF(RawRevoked)>(der, ASN1_ITEM_rptr(RevokedEntries)));
  const int n = sk_RawRevoked_num(entries.get());
  serials.reserve(static_cast<size_t>(n));
  ByteView harmless;   // most entries carry the same extensions: the reason
  for (int i = 0; i < n; ++i) {
    const RawRevoked* entry = sk_RawRevoked_value(entries.get(), i);
    if (entry->extensions != nullptr && !same_bytes(view(entry->extensions), harmless)) {
      harmless = view(entry->extensions);
      TRY(refuse_critical(harmless));
    }
    serials.push_back(TRY(serial_of(entry->serial)));
  }
  std::ranges::sort(serials);
  return serials;
}

bool p256_verify(const P256Key& key, ByteView message, const P256Signature& signature) {
  const ErrorQueueGuard guard;
  // made once for each thread: a new EC_KEY copies the whole group, which costs a twentieth of a verification
  struct Reused {
    Owned<EC_POINT, EC_POINT_free> point{EC_POINT_new(p256())};
    Owned<EC_KEY, EC_KEY_free> key{EC_KEY_new()};
    bool ready = point && key && EC_KEY_set_group(key.get(), p256()) == 1;
  };
  thread_local const Reused reused;
  std::array<u8, 65> encoded{0x04};
  std::ranges::copy(key, encoded.begin() + 1);
  Owned<ECDSA_SIG, ECDSA_SIG_free> value(ECDSA_SIG_new());
  // decoding checks that the point is on the curve; P-256 has no smaller subgroup
  if (!reused.ready || !value || EC_POINT_oct2point(p256(), reused.point.get(), encoded.data(), encoded.size(), nullptr) != 1 ||
      EC_KEY_set_public_key(reused.key.get(), reused.point.get()) != 1)
    return false;
  BIGNUM *r = BN_bin2bn(signature.data(), 32, nullptr), *s = BN_bin2bn(signature.data() + 32, 32, nullptr);
  if (ECDSA_SIG_set0(value.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return false;
  }
  std::array<u8, SHA256_DIGEST_LENGTH> digest;
  SHA256(message.data(), message.size(), digest.data());
  return ECDSA_do_verify(digest.data(), digest.size(), value.get(), reused.key.get()) == 1;
}

}  // namespace phala::attest

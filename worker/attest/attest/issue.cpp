#include "attest/issue.hpp"

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/assert.hpp"
#include "crypto/cipher.hpp"

namespace phala::attest {
namespace {

template <auto Free>
struct Deleter {
  void operator()(auto* p) const { Free(p); }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;

auto cannot(std::string what) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_input, "cannot issue: " + std::move(what));
}

const EC_GROUP* p256() {
  static const EC_GROUP* const group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  return group;
}

OwnedKey make_key(const P256Key& public_key, const SecretBytes<32>* secret) {
  const Bytes point = concat(std::array<u8, 1>{0x04}, public_key);
  Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  Owned<BIGNUM, BN_clear_free> scalar(secret ? BN_bin2bn(secret->expose().data(), 32, nullptr) : nullptr);
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  if (scalar) OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get());
  Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (context && parameters && EVP_PKEY_fromdata_init(context.get()) == 1)
    EVP_PKEY_fromdata(context.get(), &key, secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, parameters.get());
  return OwnedKey(key);
}

// ---- names and times --------------------------------------------------------------------------------------------------
Owned<X509_NAME, X509_NAME_free> make_name(std::string_view common_name) {
  Owned<X509_NAME, X509_NAME_free> name(X509_NAME_new());
  const auto add = [&](const char* field, std::string_view text) {
    return X509_NAME_add_entry_by_txt(name.get(), field, MBSTRING_UTF8, as_bytes(text).data(), static_cast<int>(text.size()), -1, 0) == 1;
  };
  if (!name || !add("CN", common_name) || !add("O", development_organization)) name.reset();
  return name;
}

Owned<ASN1_TIME, ASN1_TIME_free> make_time(UnixSeconds seconds) { return Owned<ASN1_TIME, ASN1_TIME_free>(ASN1_TIME_set(nullptr, static_cast<time_t>(seconds))); }

Owned<ASN1_INTEGER, ASN1_INTEGER_free> make_serial(ByteView magnitude) {
  Owned<BIGNUM, BN_free> number(BN_bin2bn(magnitude.data(), static_cast<int>(magnitude.size()), nullptr));
  return Owned<ASN1_INTEGER, ASN1_INTEGER_free>(BN_to_ASN1_INTEGER(number.get(), nullptr));
}

Bytes key_id(const P256Key& key) {
  const Bytes point = concat(std::array<u8, 1>{0x04}, key);
  Bytes id(20);
  EVP_Q_digest(nullptr, "SHA1", nullptr, point.data(), point.size(), id.data(), nullptr);   // RFC 5280 §4.2.1.2, method 1
  return id;
}

// ---- extensions -------------------------------------------------------------------------------------------------------
template <auto Add, class Target>
bool add_octets(Target* to, int nid, const Bytes& octets) {
  Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> value(ASN1_OCTET_STRING_new());
  return ASN1_OCTET_STRING_set(value.get(), octets.data(), static_cast<int>(octets.size())) == 1 && Add(to, nid, value.get(), 0, 0) == 1;
}
template <auto Add, class Target>
bool add_authority_key_id(Target* to, const P256Key& key) {
  const Bytes id = key_id(key);
  Owned<AUTHORITY_KEYID, AUTHORITY_KEYID_free> value(AUTHORITY_KEYID_new());
  value->keyid = ASN1_OCTET_STRING_new();
  return ASN1_OCTET_STRING_set(value->keyid, id.data(), static_cast<int>(id.size())) == 1 && Add(to, NID_authority_key_identifier, value.get(), 0, 0) == 1;
}

bool add_basic_constraints(X509* to, const CertificateRequest& request) {
  Owned<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free> value(BASIC_CONSTRAINTS_new());
  value->ca = request.is_ca ? 0xff : 0;
  if (request.path_length) {
    value->pathlen = ASN1_INTEGER_new();
    ASN1_INTEGER_set_uint64(value->pathlen, *request.path_length);
  }
  return X509_add1_ext_i2d(to, NID_basic_constraints, value.get(), 1, 0) == 1;
}

bool add_key_usage(X509* to, const KeyUsage& usage) {
  Owned<ASN1_BIT_STRING, ASN1_BIT_STRING_free> bits(ASN1_BIT_STRING_new());
  ASN1_BIT_STRING_set_bit(bits.get(), 0, usage.digital_signature);
  ASN1_BIT_STRING_set_bit(bits.get(), 5, usage.certificate_sign);
  ASN1_BIT_STRING_set_bit(bits.get(), 6, usage.crl_sign);
  return X509_add1_ext_i2d(to, NID_key_usage, bits.get(), 1, 0) == 1;
}

// ---- the SGX extension ------------------------------------------------------------------------------------------------
using Stack = Owned<ASN1_SEQUENCE_ANY, [](ASN1_SEQUENCE_ANY* s) { sk_ASN1_TYPE_pop_free(s, ASN1_TYPE_free); }>;

/// A SEQUENCE under construction.
class Sequence {
 public:
  Sequence() : items_(sk_ASN1_TYPE_new_null()) {}
  void add(int type, void* value) {
    ASN1_TYPE* item = ASN1_TYPE_new();
    ASN1_TYPE_set(item, type, value);
    sk_ASN1_TYPE_push(items_.get(), item);
  }
  void add_sequence(const Bytes& der) {
    ASN1_STRING* value = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
    ASN1_STRING_set(value, der.data(), static_cast<int>(der.size()));
    add(V_ASN1_SEQUENCE, value);
  }
  Bytes der() const {
    u8* out = nullptr;
    const int n = i2d_ASN1_SEQUENCE_ANY(items_.get(), &out);
    Bytes bytes(out, out + std::max(0, n));
    OPENSSL_free(out);
    return bytes;
  }

 private:
  Stack items_;
};

constexpr const char* sgx_oid = "1.2.840.113741.1.13.1";

/// SEQUENCE { sgx_oid.`arc`, value }.
template <class AddValue>
void add_pair(Sequence& to, const std::string& arc, AddValue&& add_value) {
  Sequence pair;
  pair.add(V_ASN1_OBJECT, OBJ_txt2obj((std::string(sgx_oid) + "." + arc).c_str(), 1));
  add_value(pair);
  to.add_sequence(pair.der());
}
void add_octets(Sequence& to, const std::string& arc, ByteView octets) {
  add_pair(to, arc, [&](Sequence& pair) {
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, octets.data(), static_cast<int>(octets.size()));
    pair.add(V_ASN1_OCTET_STRING, value);
  });
}
void add_integer(Sequence& to, const std::string& arc, u64 number) {
  add_pair(to, arc, [&](Sequence& pair) {
    ASN1_INTEGER* value = ASN1_INTEGER_new();
    ASN1_INTEGER_set_uint64(value, number);
    pair.add(V_ASN1_INTEGER, value);
  });
}

Bytes sgx_extension_der(const SgxExtension& sgx) {
  Sequence tcb;
  for (size_t i = 0; i < sgx.components.size(); ++i) add_integer(tcb, "2." + std::to_string(i + 1), sgx.components[i]);
  add_integer(tcb, "2.17", sgx.pce_svn);
  add_octets(tcb, "2.18", sgx.cpu_svn);
  Sequence all;
  add_octets(all, "1", sgx.ppid);
  add_pair(all, "2", [&](Sequence& pair) { pair.add_sequence(tcb.der()); });
  add_octets(all, "3", sgx.pce_id);
  add_octets(all, "4", sgx.fmspc);
  add_pair(all, "5", [&](Sequence& pair) {
    ASN1_ENUMERATED* value = ASN1_ENUMERATED_new();
    ASN1_ENUMERATED_set_int64(value, sgx.sgx_type);
    pair.add(V_ASN1_ENUMERATED, value);
  });
  if (sgx.platform_instance_id) add_octets(all, "6", *sgx.platform_instance_id);
  if (sgx.dynamic_platform || sgx.cached_keys || sgx.smt_enabled) {
    Sequence configuration;
    const auto add_flag = [&](const char* arc, const std::optional<bool>& flag) {
      if (flag) add_pair(configuration, arc, [&](Sequence& pair) { pair.add(V_ASN1_BOOLEAN, *flag ? &all : nullptr); });   // any non-null pointer is TRUE
    };
    add_flag("7.1", sgx.dynamic_platform);
    add_flag("7.2", sgx.cached_keys);
    add_flag("7.3", sgx.smt_enabled);
    add_pair(all, "7", [&](Sequence& pair) { pair.add_sequence(configuration.der()); });
  }
  return all.der();
}

bool add_sgx_extension(X509* to, const SgxExtension& sgx) {
  const Bytes der = sgx_extension_der(sgx);
  Owned<ASN1_OBJECT, ASN1_OBJECT_free> oid(OBJ_txt2obj(sgx_oid, 1));
  Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> contents(ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(contents.get(), der.data(), static_cast<int>(der.size()));
  Owned<X509_EXTENSION, X509_EXTENSION_free> extension(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, contents.get()));
  return extension && X509_add_ext(to, extension.get(), -1) == 1;
}

template <class T, auto Encode>
Bytes der_of(T* value) {
  u8* out = nullptr;
  const int n = Encode(value, &out);
  Bytes bytes(out, out + std::max(0, n));
  OPENSSL_free(out);
  return bytes;
}

std::string text_of(BIO* bio) {
  const char* data = nullptr;
  const long n = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(std::max(0L, n)));
}

}  // namespace

// ---- keys -------------------------------------------------------------------------------------------------------------
Result<SigningKey> SigningKey::from_secret(const SecretBytes<32>& secret) {
  Owned<BIGNUM, BN_clear_free> scalar(BN_bin2bn(secret.expose().data(), 32, nullptr));
  if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(p256())) >= 0) return cannot("the secret is not a P-256 scalar");
  Owned<EC_POINT, EC_POINT_free> point(EC_POINT_new(p256()));
  std::array<u8, 65> encoded{};
  PHALA_ASSERT(EC_POINT_mul(p256(), point.get(), scalar.get(), nullptr, nullptr, nullptr) == 1 &&
               EC_POINT_point2oct(p256(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(), encoded.size(), nullptr) == encoded.size());
  return SigningKey(secret.clone(), P256Key(ByteView(encoded).subspan(1)));
}

SigningKey SigningKey::derive(const crypto::Seed& seed, std::string_view label) {
  for (u8 attempt = 0;; ++attempt) {   // the first one fits, but for a chance of 2^-32
    auto key = from_secret(crypto::hkdf_sha256(as_bytes("phala development attestation"), seed.expose(), concat(as_bytes(label), std::array<u8, 1>{attempt})));
    if (key) return std::move(*key);
  }
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
  Owned<BIO, BIO_free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const OwnedKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr));
  BIGNUM* scalar = nullptr;
  if (!key || !EVP_PKEY_is_a(key.get(), "EC") || EVP_PKEY_get_bits(key.get()) != 256 || EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, &scalar) != 1)
    return cannot("the private key is not a P-256 key in PEM");
  const Owned<BIGNUM, BN_clear_free> owned(scalar);
  SecretBytes<32> secret;
  if (BN_bn2binpad(scalar, secret.data(), 32) != 32) return cannot("the private key is not a P-256 key in PEM");
  return from_secret(secret);
}

std::string SigningKey::to_pem() const {
  const OwnedKey key = make_key(public_, &secret_);
  Owned<BIO, BIO_free> bio(BIO_new(BIO_s_mem()));
  PHALA_ASSERT(key && PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio.get());
}

P256Signature SigningKey::sign(ByteView message) const {
  const OwnedKey key = make_key(public_, &secret_);
  Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  std::array<u8, 80> der;
  size_t size = der.size();
  PHALA_ASSERT(key && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
               EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size()) == 1);
  const u8* at = der.data();
  Owned<ECDSA_SIG, ECDSA_SIG_free> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  P256Signature raw;
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + 32, 32);
  return raw;
}

// ---- certificates and lists -------------------------------------------------------------------------------------------
Result<Bytes> issue_certificate(const CertificateRequest& request, const Issuer& issuer) {
  if (request.serial.empty() || request.serial.size() > 20) return cannot("a serial number has 1 to 20 bytes");
  const auto subject = make_name(request.common_name), issuer_name = make_name(issuer.common_name);
  if (!subject || !issuer_name) return cannot("a name is not UTF-8 of at most 64 characters");
  const OwnedKey key = make_key(request.key, nullptr), signer = make_key(issuer.key.public_key(), &issuer.key.secret());
  if (!key) return cannot("the public key is not a point of P-256");
  Owned<X509, X509_free> x(X509_new());
  const bool filled = X509_set_version(x.get(), X509_VERSION_3) == 1 && X509_set_serialNumber(x.get(), make_serial(request.serial).get()) == 1 &&
                      X509_set_subject_name(x.get(), subject.get()) == 1 && X509_set_issuer_name(x.get(), issuer_name.get()) == 1 &&
                      X509_set1_notBefore(x.get(), make_time(request.not_before).get()) == 1 &&
                      X509_set1_notAfter(x.get(), make_time(request.not_after).get()) == 1 && X509_set_pubkey(x.get(), key.get()) == 1 &&
                      add_authority_key_id<X509_add1_ext_i2d>(x.get(), issuer.key.public_key()) &&
                      add_octets<X509_add1_ext_i2d>(x.get(), NID_subject_key_identifier, key_id(request.key)) && add_key_usage(x.get(), request.usage) &&
                      add_basic_constraints(x.get(), request) && (!request.sgx || add_sgx_extension(x.get(), *request.sgx));
  if (!filled || X509_sign(x.get(), signer.get(), EVP_sha256()) == 0) return cannot("a field does not fit into a certificate");
  return der_of<X509, i2d_X509>(x.get());
}

Result<Bytes> issue_revocation_list(const Issuer& issuer, UnixSeconds this_update, UnixSeconds next_update, const std::vector<Bytes>& serials) {
  const auto name = make_name(issuer.common_name);
  if (!name) return cannot("a name is not UTF-8 of at most 64 characters");
  const OwnedKey signer = make_key(issuer.key.public_key(), &issuer.key.secret());
  Owned<X509_CRL, X509_CRL_free> list(X509_CRL_new());
  const auto from = make_time(this_update), to = make_time(next_update);
  Owned<ASN1_INTEGER, ASN1_INTEGER_free> number(ASN1_INTEGER_new());
  ASN1_INTEGER_set_uint64(number.get(), this_update);
  bool filled = X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 && X509_CRL_set_issuer_name(list.get(), name.get()) == 1 &&
                X509_CRL_set1_lastUpdate(list.get(), from.get()) == 1 && X509_CRL_set1_nextUpdate(list.get(), to.get()) == 1 &&
                add_authority_key_id<X509_CRL_add1_ext_i2d>(list.get(), issuer.key.public_key()) &&
                X509_CRL_add1_ext_i2d(list.get(), NID_crl_number, number.get(), 0, 0) == 1;
  for (const auto& serial : serials) {
    Owned<X509_REVOKED, X509_REVOKED_free> entry(X509_REVOKED_new());
    filled = filled && X509_REVOKED_set_serialNumber(entry.get(), make_serial(serial).get()) == 1 && X509_REVOKED_set_revocationDate(entry.get(), from.get()) == 1;
    if (filled && X509_CRL_add0_revoked(list.get(), entry.get()) == 1) static_cast<void>(entry.release());
  }
  if (!filled || X509_CRL_sort(list.get()) != 1 || X509_CRL_sign(list.get(), signer.get(), EVP_sha256()) == 0) return cannot("a field does not fit into a revocation list");
  return der_of<X509_CRL, i2d_X509_CRL>(list.get());
}

std::string to_pem_chain(const std::vector<Bytes>& ders) {
  Owned<BIO, BIO_free> bio(BIO_new(BIO_s_mem()));
  for (const auto& der : ders) PEM_write_bio(bio.get(), "CERTIFICATE", "", der.data(), static_cast<long>(der.size()));
  return text_of(bio.get());
}

}  // namespace phala::attest

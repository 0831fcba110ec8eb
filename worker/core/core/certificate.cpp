#include "core/certificate.hpp"

#include "crypto/hash.hpp"

namespace phala::worker {

std::string_view to_string(SignatureError error) {
  switch (error) {
    case SignatureError::TooLong: return "TooLong";
    case SignatureError::CertificateMissing: return "CertificateMissing";
    case SignatureError::CertificateExpired: return "CertificateExpired";
    case SignatureError::InvalidCertificate: return "InvalidCertificate";
    case SignatureError::InvalidSignature: return "InvalidSignature";
  }
  return "Unknown";
}

namespace {

// EIP-712 encodes a struct as keccak(type) followed by one 32-byte word per member; texts and byte strings as their Keccak.
Hash text_hash(std::string_view text) { return crypto::keccak_256(as_bytes(text)); }

Hash digest(std::string_view domain_name, const Hash& struct_hash) {
  static const Hash domain_type = text_hash("EIP712Domain(string name,string version,bytes32 salt)");
  static const Hash salt = text_hash("phala/phat-contract");
  const Hash domain = crypto::keccak_256(concat(domain_type, text_hash(domain_name), text_hash("1"), salt));
  return crypto::keccak_256(concat(Bytes{0x19, 0x01}, domain, struct_hash));
}

Bytes wrapped(ByteView data) { return concat(as_bytes("<Bytes>"), data, as_bytes("</Bytes>")); }

/// The key and the account of one signer, checked against what it signed.
class Signer {
 public:
  Signer(ByteView pubkey, ByteView signature) : pubkey_(pubkey), signature_(signature) {}

  std::optional<AccountId> ed25519(ByteView message) const {
    if (pubkey_.size() != 32 || signature_.size() != 64) return std::nullopt;
    if (!crypto::ed25519_verify(crypto::Signature(signature_), message, PublicKey(pubkey_))) return std::nullopt;
    return AccountId(pubkey_);
  }
  std::optional<AccountId> sr25519(ByteView message) const {
    if (pubkey_.size() != 32 || signature_.size() != 64) return std::nullopt;
    if (!crypto::sr25519_verify(crypto::Signature(signature_), message, PublicKey(pubkey_))) return std::nullopt;
    return AccountId(pubkey_);
  }
  /// The certificate must name the key that signed: recovery alone would accept any.
  std::optional<crypto::EcdsaPublicKey> secp256k1(const Hash& digest_of_message) const {
    if (pubkey_.size() != 33 || signature_.size() != 65) return std::nullopt;
    const auto key = crypto::ecdsa_recover(crypto::EcdsaSignature(signature_), digest_of_message);
    if (!key || !same_bytes(*key, pubkey_)) return std::nullopt;
    return key;
  }
  std::optional<AccountId> ecdsa(ByteView message) const {
    const auto key = secp256k1(crypto::blake2_256(message));
    return key ? std::optional(crypto::blake2_256(*key).as<AccountId>()) : std::nullopt;
  }
  std::optional<AccountId> evm(const Hash& digest_of_message) const {
    const auto key = secp256k1(digest_of_message);
    if (!key) return std::nullopt;
    const auto account = evm_account(*key);
    return account ? std::optional(*account) : std::nullopt;
  }

 private:
  ByteView pubkey_, signature_;
};

}  // namespace

Hash eip712_certificate_digest(ByteView encoded_body, u32 ttl) {
  static const Hash type = text_hash("IssueQueryCertificate(string description,string timeToLive,bytes encodedCert)");
  static const Hash description =
      text_hash("You are signing a Certificate that can be used to query Phat Contracts using your identity without further prompts.");
  const Hash time_to_live = text_hash("The Certificate will be valid till block " + std::to_string(ttl) + ".");
  return digest("Phat Query Certificate", crypto::keccak_256(concat(type, description, time_to_live, crypto::keccak_256(encoded_body))));
}

Hash eip712_query_digest(ByteView encoded_query) {
  static const Hash type = text_hash("PhatContractQuery(string description,bytes encodedQuery)");
  static const Hash description = text_hash("You are signing a query request that would be sent to a Phat Contract.");
  return digest("Phat Contract Query", crypto::keccak_256(concat(type, description, crypto::keccak_256(encoded_query))));
}

Result<AccountId> evm_account(const crypto::EcdsaPublicKey& key) {
  const auto point = TRY(crypto::ecdsa_uncompress(key));
  const Hash hash = crypto::keccak_256(point);
  return AccountId::from(concat(ByteView(hash).subspan(12), as_bytes("@evm_address")));
}

namespace {

/// The account of who signed, if the signature is good. `step`: 0 signs a query, each further one the certificate below.
std::optional<AccountId> signer_of(size_t step, SignatureType type, ByteView signed_data, ByteView pubkey, ByteView signature) {
  const auto typed_digest = [&] {
    if (step == 0) return eip712_query_digest(signed_data);
    const auto below = scale::decode<CertificateBody>(signed_data);
    return eip712_certificate_digest(signed_data, below ? below->ttl : 0);
  };
  const Signer signer(pubkey, signature);
  switch (type) {
    case SignatureType::ed25519: return signer.ed25519(signed_data);
    case SignatureType::sr25519: return signer.sr25519(signed_data);
    case SignatureType::ecdsa: return signer.ecdsa(signed_data);
    case SignatureType::ed25519_wrapped: return signer.ed25519(wrapped(signed_data));
    case SignatureType::sr25519_wrapped: return signer.sr25519(wrapped(signed_data));
    case SignatureType::ecdsa_wrapped: return signer.ecdsa(wrapped(signed_data));
    case SignatureType::eip712: return signer.evm(typed_digest());
    case SignatureType::evm_ecdsa: return signer.evm(crypto::blake2_256(signed_data));
    case SignatureType::evm_ecdsa_wrapped: return signer.evm(crypto::blake2_256(wrapped(signed_data)));
  }
  return std::nullopt;
}

/// As `signer_of` for a certificate, which need not be checked again.
std::optional<AccountId> issuer_of(const SignatureStep& by, ByteView certificate, ByteView pubkey, size_t step, KnownCertificates& known) {
  const Hash fingerprint = crypto::blake2_256(scale::encode(static_cast<u8>(by.type), to_bytes(certificate), to_bytes(pubkey), by.signature));
  if (const auto signer = known.find(fingerprint)) return signer;
  const auto signer = signer_of(step, by.type, certificate, pubkey, by.signature);
  if (signer) known.remember(fingerprint, *signer);
  return signer;
}

}  // namespace

std::optional<AccountId> KnownCertificates::find(const Hash& fingerprint) {
  const std::lock_guard lock(mutex_);
  for (const auto* part : {&recent_, &older_})
    if (const auto at = part->find(fingerprint); at != part->end()) return at->second;
  return std::nullopt;
}

void KnownCertificates::remember(const Hash& fingerprint, const AccountId& signer) {
  const std::lock_guard lock(mutex_);
  if (recent_.size() >= limit_) older_ = std::exchange(recent_, {});
  recent_.insert_or_assign(fingerprint, signer);
}

Result<AccountId, SignatureError> verify_chain(ByteView data, const SignatureChain& chain, BlockNumber current_block, KnownCertificates& known) {
  if (chain.empty()) return fail(SignatureError::CertificateMissing);
  if (chain.size() > max_certificate_depth) return fail(SignatureError::TooLong);
  AccountId origin;
  for (size_t i = 0; i < chain.size(); ++i) {
    const SignatureStep& step = chain[i];
    const auto body = scale::decode<CertificateBody>(step.encoded_body);
    if (!body) return fail(SignatureError::InvalidCertificate);
    if (body->ttl < current_block) return fail(SignatureError::CertificateExpired);
    const auto account = i == 0 ? signer_of(i, step.type, data, body->pubkey, step.signature) : issuer_of(step, chain[i - 1].encoded_body, body->pubkey, i, known);
    if (!account) return fail(SignatureError::InvalidSignature);
    origin = *account;
  }
  return origin;
}

}  // namespace phala::worker

#pragma once
// Why: who asks a query is proven by a signature of a short-lived key and a chain of at most two certificates up to the asker's own
// key, of any wallet (docs/protocol.md §9.2). Pure: bytes and the current block in, an account out.

#include <map>
#include <mutex>

#include "crypto/sign.hpp"
#include "primitives/header.hpp"

namespace phala::worker {

enum class SignatureType : u8 {
  ed25519 = 0, sr25519 = 1, ecdsa = 2,
  ed25519_wrapped = 3, sr25519_wrapped = 4, ecdsa_wrapped = 5,   ///< over "<Bytes>" ‖ data ‖ "</Bytes>"
  eip712 = 6,
  evm_ecdsa = 7, evm_ecdsa_wrapped = 8,
};
constexpr bool is_valid(SignatureType t) { return t <= SignatureType::evm_ecdsa_wrapped; }

/// `ttl`: the last block at which it counts.
struct CertificateBody { Bytes pubkey; u32 ttl{}; u32 config_bits{};  FIELDS(pubkey, ttl, config_bits) };

/// One step of a chain: who signed, with what, and the certificate's body as it was sent.
struct SignatureStep {
  Bytes encoded_body;       ///< of the certificate that names the signing key
  SignatureType type{};
  Bytes signature;
};
/// The first step signs the data; each further one signs the body of the certificate before it. The last is the asker's own key.
using SignatureChain = std::vector<SignatureStep>;
constexpr size_t max_certificate_depth = 2;

enum class SignatureError : u8 { TooLong, CertificateMissing, CertificateExpired, InvalidCertificate, InvalidSignature };
std::string_view to_string(SignatureError error);

/// Certificates whose signature was good once: a client sends the same one with every query. How long one counts is still asked each time.
/// Any thread. Bounded: between `limit` and twice as many are remembered, the oldest half is forgotten at once.
class KnownCertificates {
 public:
  explicit KnownCertificates(size_t limit = 4096) : limit_(limit) {}
  /// `fingerprint`: a hash of everything that a signature check looks at. Only what was checked may be remembered.
  std::optional<AccountId> find(const Hash& fingerprint);
  void remember(const Hash& fingerprint, const AccountId& signer);

 private:
  const size_t limit_;
  std::mutex mutex_;
  std::map<Hash, AccountId> recent_, older_;
};

/// Whose request it is: the account of the last key of the chain.
Result<AccountId, SignatureError> verify_chain(ByteView data, const SignatureChain& chain, BlockNumber current_block, KnownCertificates& known);

/// What an EVM wallet signs (EIP-712): Keccak of 0x1901 ‖ domain ‖ struct. A certificate names its time to live, a query does not.
Hash eip712_certificate_digest(ByteView encoded_body, u32 ttl);
Hash eip712_query_digest(ByteView encoded_query);
/// keccak_256(uncompressed point)[12..] ‖ "@evm_address"
Result<AccountId> evm_account(const crypto::EcdsaPublicKey& key);

}  // namespace phala::worker

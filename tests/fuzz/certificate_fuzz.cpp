// Certificate chains and encrypted queries come from anybody: whatever the bytes, the answer is an account or a name of what is wrong. Modes, by the first
// byte: a genuine chain of any wallet kinds with patches, which must be refused unless they touch nothing that is signed; raw steps; any plaintext.

#include "base/assert.hpp"
#include "core/query.hpp"
#include "crypto/account.hpp"
#include "crypto/hash.hpp"

using namespace phala;
using namespace phala::worker;

namespace {

constexpr size_t kinds = 9;
constexpr u32 ttl = 1000;
constexpr BlockNumber now = 7;

/// One for all inputs: what was accepted once must not let another in.
KnownCertificates& known() {
  static KnownCertificates it;
  return it;
}
const Sr25519Pair& identity() {
  static const Sr25519Pair pair = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 1)));
  return pair;
}
const Sr25519Pair& asker() {
  static const Sr25519Pair pair = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 2)));
  return pair;
}
Bytes sealed(ByteView plain) {
  static const auto key = *asker().agree(identity().public_key());
  const crypto::Iv iv(Bytes(12, 3));
  return scale::encode(protocol::EncryptedData{iv.as<FixedBytes<12>>(), asker().public_key(), crypto::aes256gcm_seal(key, iv, plain)});
}

/// A wallet that signs in the way of one kind.
class Wallet {
 public:
  explicit Wallet(SignatureType type) : type_(type) {}
  Bytes key() const { return is_evm() ? to_bytes(evm().public_key) : pair().public_key(); }
  AccountId account() const { return is_evm() ? *evm_account(evm().public_key) : pair().account(); }
  SignatureStep step(ByteView data, bool is_query) const { return {scale::encode(CertificateBody{key(), ttl, 0}), type_, sign(data, is_query)}; }

 private:
  bool is_evm() const { return type_ >= SignatureType::eip712; }
  const crypto::KeyPair& pair() const {
    static const crypto::KeyPair ed = *crypto::KeyPair::from_uri("//Alice", crypto::Scheme::ed25519), sr = *crypto::KeyPair::from_uri("//Alice"),
                                 ec = *crypto::KeyPair::from_uri("//Alice", crypto::Scheme::ecdsa);
    switch (type_) {
      case SignatureType::ed25519: case SignatureType::ed25519_wrapped: return ed;
      case SignatureType::sr25519: case SignatureType::sr25519_wrapped: return sr;
      default: return ec;
    }
  }
  static const crypto::EcdsaPair& evm() {
    static const crypto::EcdsaPair pair = *crypto::EcdsaPair::from_seed(crypto::Seed(Bytes(32, 5)));
    return pair;
  }
  Bytes sign(ByteView data, bool is_query) const {
    const Bytes wrapped = concat(as_bytes("<Bytes>"), data, as_bytes("</Bytes>"));
    switch (type_) {
      case SignatureType::ed25519: case SignatureType::sr25519: case SignatureType::ecdsa: return pair().sign(data);
      case SignatureType::ed25519_wrapped: case SignatureType::sr25519_wrapped: case SignatureType::ecdsa_wrapped: return pair().sign(wrapped);
      case SignatureType::eip712: return to_bytes(evm().sign_prehashed(is_query ? eip712_query_digest(data) : eip712_certificate_digest(data, ttl)));
      case SignatureType::evm_ecdsa: return to_bytes(evm().sign_prehashed(crypto::blake2_256(data)));
      case SignatureType::evm_ecdsa_wrapped: return to_bytes(evm().sign_prehashed(crypto::blake2_256(wrapped)));
    }
    return {};
  }
  SignatureType type_;
};

struct Case {
  Bytes data;
  SignatureChain chain;
  BlockNumber block = now;
};

/// An encrypted query, signed by a key of kind `lower`, alone or vouched for by one of kind `upper`.
const Case& genuine(u8 lower, u8 upper, bool alone) {
  static std::map<std::tuple<u8, u8, bool>, Case> made;
  const auto [at, fresh] = made.try_emplace({lower, alone ? u8{0} : upper, alone});
  if (!fresh) return at->second;
  Case& out = at->second;
  out.data = sealed(scale::encode(ContractQuery{Hash(Bytes(32, 9)), Hash(Bytes(32, 8)), query::InkMessage{{1, 2, 3, 4}, 0, 0, false}}));
  out.chain.push_back(Wallet(static_cast<SignatureType>(lower)).step(out.data, true));
  if (!alone) out.chain.push_back(Wallet(static_cast<SignatureType>(upper)).step(out.chain[0].encoded_body, false));
  return out;
}

/// Patches of four bytes: which part, an offset, what to do there.
void patch(Case& c, ByteView patches) {
  for (; patches.size() >= 4; patches = patches.subspan(4)) {
    const u16 offset = load_le<u16>(patches.data() + 1);
    const u8 with = patches[3];
    SignatureStep& step = c.chain[patches[0] / 16 % c.chain.size()];
    Bytes* part = nullptr;
    switch (patches[0] % 6) {
      case 0: part = &c.data; break;
      case 1: part = &step.encoded_body; break;
      case 2: part = &step.signature; break;
      case 3: step.type = static_cast<SignatureType>((static_cast<u8>(step.type) + with) % kinds); break;
      case 4: c.block = offset; break;
      case 5: std::swap(c.chain.front(), c.chain.back()); break;
    }
    if (!part) continue;
    if (offset >= part->size()) part->push_back(with);
    else if (with == 0) part->resize(offset);
    else (*part)[offset] ^= with;
  }
}

/// 27 and 28 are other names of 0 and 1.
Bytes plain_signature(Bytes signature) {
  if (signature.size() == 65 && signature[64] >= 27) signature[64] -= 27;
  return signature;
}

/// What an accepted case must have kept. The last body is signed by nobody but names the key that signs.
void must_be_genuine(const Case& was, const Case& is, const AccountId& account) {
  PHALA_ASSERT(is.data == was.data && is.chain.size() == was.chain.size());
  for (size_t i = 0; i < is.chain.size(); ++i) {
    const auto body = scale::decode<CertificateBody>(is.chain[i].encoded_body), before = scale::decode<CertificateBody>(was.chain[i].encoded_body);
    PHALA_ASSERT(body && body->pubkey == before->pubkey && body->ttl >= is.block);
    PHALA_ASSERT(i + 1 == is.chain.size() || is.chain[i].encoded_body == was.chain[i].encoded_body);
    PHALA_ASSERT(plain_signature(is.chain[i].signature) == plain_signature(was.chain[i].signature));
  }
  // the same key under another kind is the same owner's other account
  const SignatureType type = is.chain.back().type;
  const Bytes key = scale::decode<CertificateBody>(is.chain.back().encoded_body)->pubkey;
  PHALA_ASSERT(type != was.chain.back().type || account == Wallet(type).account());
  PHALA_ASSERT(type == was.chain.back().type || key.size() == 33);
}

void patched(ByteView input) {
  if (input.size() < 2) return;
  const Case& was = genuine((input[0] & 0x7f) % kinds, input[1] % kinds, input[0] & 0x80);
  Case is = was;
  patch(is, input.subspan(2));
  const auto account = verify_chain(is.data, is.chain, is.block, known());
  const auto open = open_query(identity(), is.data, is.chain, is.block, known());
  if (input.size() < 6) PHALA_ASSERT(account && open);
  if (open) PHALA_ASSERT(account && open->origin == *account && open->content == open_query(identity(), was.data, was.chain, was.block, known())->content);
  if (account) must_be_genuine(was, is, *account);
}

/// A chain of steps cut from the input: type ‖ two lengths ‖ body ‖ signature.
SignatureChain chain_from(ByteView& input) {
  SignatureChain out;
  while (input.size() >= 3 && out.size() < 4) {
    const auto type = static_cast<SignatureType>(input[0] % kinds);
    const size_t body = std::min<size_t>(input[1], input.size() - 3);
    const size_t signature = std::min<size_t>(input[2], input.size() - 3 - body);
    out.push_back({to_bytes(input.subspan(3, body)), type, to_bytes(input.subspan(3 + body, signature))});
    input = input.subspan(3 + body + signature);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  ByteView input(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: patched(input); break;
    case 1: {
      const SignatureChain chain = chain_from(input);
      static_cast<void>(verify_chain(input, chain, data[0], known()));
      break;
    }
    case 2: {
      const SignatureChain chain = chain_from(input);
      static_cast<void>(open_query(identity(), input, chain, data[0], known()));
      break;
    }
    case 3: static_cast<void>(open_query(identity(), sealed(input), {}, 1, known())); break;
  }
  return 0;
}

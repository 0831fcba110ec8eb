// Certificate chains and encrypted queries come from anybody: whatever the bytes, the answer is an account or a name of what is wrong.

#include "core/query.hpp"

using namespace phala;
using namespace phala::worker;

namespace {

/// A chain of steps cut from the input: type ‖ two lengths ‖ body ‖ signature.
SignatureChain chain_from(ByteView& input) {
  SignatureChain out;
  while (input.size() >= 3 && out.size() < 4) {
    const auto type = static_cast<SignatureType>(input[0] % 9);
    const size_t body = std::min<size_t>(input[1], input.size() - 3);
    const size_t signature = std::min<size_t>(input[2], input.size() - 3 - body);
    out.push_back({to_bytes(input.subspan(3, body)), type, to_bytes(input.subspan(3 + body, signature))});
    input = input.subspan(3 + body + signature);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Sr25519Pair identity = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 1)));
  static const Sr25519Pair asker = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 2)));
  if (size == 0) return 0;
  ByteView input(data + 1, size - 1);
  const SignatureChain chain = chain_from(input);
  if (data[0] & 1) {
    static_cast<void>(verify_chain(input, chain, data[0]));
  } else if (data[0] & 2) {
    static_cast<void>(open_query(identity, input, chain, data[0]));
  } else {
    // past the encryption: any plaintext
    static const auto key = *asker.agree(identity.public_key());
    const crypto::Iv iv(Bytes(12, 3));
    const Bytes sealed = scale::encode(protocol::EncryptedData{iv.as<FixedBytes<12>>(), asker.public_key(), crypto::aes256gcm_seal(key, iv, input)});
    static_cast<void>(open_query(identity, sealed, {}, 1));
  }
  return 0;
}

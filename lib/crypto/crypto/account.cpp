#include "crypto/account.hpp"

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "phala_rust.h"

namespace phala::crypto {
namespace {

constexpr size_t checksum_size = 2;

/// The first bytes of BLAKE2b-512 over a constant and what is to be protected (SS58 registry's description of the format).
std::array<u8, checksum_size> ss58_checksum(ByteView data) {
  const Hash64 hash = blake2_512(concat(as_bytes("SS58PRE"), data));
  return {hash[0], hash[1]};
}

}  // namespace

std::string to_ss58(ByteView public_key, u16 prefix) {
  PHALA_ASSERT(public_key.size() == 32 || public_key.size() == 33);
  PHALA_ASSERT(prefix < 16384);
  Bytes data;
  if (prefix < 64) {
    data.push_back(static_cast<u8>(prefix));
  } else {  // 14 bits in two bytes, the first marked by its bit 6: bits 2…7, then bits 0…1 above bits 8…13
    data.push_back(static_cast<u8>(0x40 | ((prefix >> 2) & 0x3f)));
    data.push_back(static_cast<u8>((prefix >> 8) | ((prefix & 3) << 6)));
  }
  append(data, public_key);
  append(data, ss58_checksum(data));
  std::string text(64, '\0');
  const ptrdiff_t size = phala_base58_encode(data.data(), data.size(), reinterpret_cast<u8*>(text.data()), text.size());
  PHALA_ASSERT(size > 0);
  text.resize(static_cast<size_t>(size));
  return text;
}

Result<AccountId> account_from_ss58(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::invalid_input, "address \"" + std::string(text.substr(0, 64)) + "\": " + std::string(why));
  };
  Bytes data(64);
  const ptrdiff_t size = phala_base58_decode(as_bytes(text).data(), text.size(), data.data(), data.size());
  if (size < 0) return refuse("not base58, or far too long");
  data.resize(static_cast<size_t>(size));
  if (data.empty() || data[0] >= 128) return refuse("not an SS58 address");
  const size_t prefix_size = data[0] < 64 ? 1 : 2;
  if (data.size() != prefix_size + AccountId::bytes + checksum_size)
    return refuse("it holds " + std::to_string(data.size()) + " bytes, an address of an account holds " +
                  std::to_string(prefix_size + AccountId::bytes + checksum_size));
  const ByteView body = ByteView(data).first(data.size() - checksum_size);
  if (!same_bytes(ByteView(data).last(checksum_size), ss58_checksum(body))) return refuse("the checksum does not match; look for a typing error");
  return AccountId(body.subspan(prefix_size));
}

Result<std::string> phrase_from_entropy(ByteView entropy) {
  std::string phrase(256, '\0');
  const ptrdiff_t size = phala_phrase_from_entropy(entropy.data(), entropy.size(), reinterpret_cast<u8*>(phrase.data()), phrase.size());
  if (size < 0)
    return fail(ErrorCode::invalid_input, "a phrase is made from 16, 20, 24, 28 or 32 bytes, not from " + std::to_string(entropy.size()));
  phrase.resize(static_cast<size_t>(size));
  return phrase;
}

Result<Bytes> entropy_from_phrase(std::string_view phrase) {
  SecretBytes<32> entropy;
  const ptrdiff_t size = phala_entropy_from_phrase(as_bytes(phrase).data(), phrase.size(), entropy.data());
  if (size >= 0) return to_bytes(entropy.expose().first(static_cast<size_t>(size)));
  // The words are secret: an error names their places only.
  if (size == -1) return fail(ErrorCode::invalid_input, "a phrase has 12, 15, 18, 21 or 24 English words");
  if (size == -2) return fail(ErrorCode::invalid_input, "phrase: the checksum does not match; a word is wrong or the words are in another order");
  return fail(ErrorCode::invalid_input, "phrase: word " + std::to_string(-2 - size) + " is not in the BIP39 English list");
}

}  // namespace phala::crypto

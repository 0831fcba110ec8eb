#pragma once
// Why: the hash functions of the protocol, under the names it gives them. The implementations are libraries';
// in a wasm32 build of the runtime these are imports of the host.

#include "base/bytes.hpp"

namespace phala::crypto {

using Hash16 = FixedBytes<16>;
using Hash8 = FixedBytes<8>;
using Hash64 = FixedBytes<64>;

/// BLAKE2b, unkeyed, with a digest as long as `out` (a parameter of the hash, not a truncation).
void blake2b(ByteView data, std::span<u8> out);
/// XXH64 with seeds 0, 1, …, each little-endian, concatenated, to `out` of so many times 8 bytes. Not for anything an attacker chooses freely.
void twox(ByteView data, std::span<u8> out);

/// What `hash` makes of `data` at the length of Digest.
template <class Digest>
Digest digest_of(void (&hash)(ByteView, std::span<u8>), ByteView data) {
  Digest out;
  hash(data, out);
  return out;
}
// with digests of that many bits
inline Hash blake2_256(ByteView data) { return digest_of<Hash>(blake2b, data); }
inline Hash16 blake2_128(ByteView data) { return digest_of<Hash16>(blake2b, data); }
inline Hash8 blake2_64(ByteView data) { return digest_of<Hash8>(blake2b, data); }
inline Hash64 blake2_512(ByteView data) { return digest_of<Hash64>(blake2b, data); }
inline Hash8 twox_64(ByteView data) { return digest_of<Hash8>(twox, data); }
inline Hash16 twox_128(ByteView data) { return digest_of<Hash16>(twox, data); }

/// blake2_256 of many messages at once, `out[i]` for `data[i]`: 1.5 to 1.8 times as fast as one by one (measured, with
/// AVX2). Precondition: equally many. Wants messages of similar length side by side.
void blake2_256_many(std::span<const ByteView> data, std::span<Hash> out);
Hash sha2_256(ByteView data);
/// Keccak as Ethereum has it (not the final SHA-3 padding).
Hash keccak_256(ByteView data);

}  // namespace phala::crypto

#pragma once
// Why: the hash functions of the protocol, under the names it gives them. The implementations are libraries';
// in a wasm32 build of the runtime these are imports of the host.

#include "base/bytes.hpp"

namespace phala::crypto {

using Hash16 = FixedBytes<16>;
using Hash8 = FixedBytes<8>;
using Hash64 = FixedBytes<64>;

/// BLAKE2b with a digest of that many bits (a parameter of the hash, not a truncation), unkeyed.
Hash blake2_256(ByteView data);
/// The same for many messages at once, `out[i]` for `data[i]`: 1.5 to 1.8 times as fast as one by one (measured, with
/// AVX2). Precondition: equally many. Wants messages of similar length side by side.
void blake2_256_many(std::span<const ByteView> data, std::span<Hash> out);
Hash16 blake2_128(ByteView data);
Hash8 blake2_64(ByteView data);
Hash64 blake2_512(ByteView data);
Hash sha2_256(ByteView data);
/// Keccak as Ethereum has it (not the final SHA-3 padding).
Hash keccak_256(ByteView data);
/// XXH64 with seeds 0, 1, …, each little-endian, concatenated. Not for anything an attacker chooses freely.
Hash8 twox_64(ByteView data);
Hash16 twox_128(ByteView data);

}  // namespace phala::crypto

#pragma once
// Why: the sealed forms of the protocol: AES-GCM with the IV given by the caller (pure code draws no randomness), and HKDF.

#include "base/bytes.hpp"
#include "base/secret.hpp"

namespace phala::crypto {

using Iv = FixedBytes<12, struct IvTag>;
using Key32 = SecretBytes<32>;

/// AES-256-GCM, the 16-byte tag appended. Never reuse an IV under one key.
Bytes aes256gcm_seal(const Key32& key, const Iv& iv, ByteView plain, ByteView associated = {});
/// Error `refused`: the tag does not match (wrong key or altered bytes).
Result<Bytes> aes256gcm_open(const Key32& key, const Iv& iv, ByteView sealed, ByteView associated = {});
/// HKDF-SHA256 to 32 bytes.
Key32 hkdf_sha256(ByteView salt, ByteView secret, ByteView info);

}  // namespace phala::crypto

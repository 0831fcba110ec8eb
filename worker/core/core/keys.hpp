#pragma once
// Why: every secret of the network descends from the master key by the derivations of docs/protocol.md §1, and travels from one
// worker to another in one sealed form. All of it is deterministic: what is drawn at random is an argument.

#include "crypto/cipher.hpp"
#include "crypto/sign.hpp"
#include "primitives/protocol.hpp"

namespace phala::worker {

using crypto::Sr25519Pair;
/// The 64-byte schnorrkel form of a pair.
using PairSecret = SecretBytes<64>;

Sr25519Pair cluster_key(const Sr25519Pair& master, const protocol::ClusterId& cluster);
Sr25519Pair contract_key(const Sr25519Pair& cluster, const protocol::ContractId& contract);

/// The network's random number of `block`: blake2_256(last ‖ block as u32 BE ‖ secret of KDF(master, "random_number")).
Hash next_random(const Sr25519Pair& master, const Hash& last, BlockNumber block);
/// Gatekeepers must produce byte-identical messages, so their IVs are derived:
/// blake2_256(secret of KDF(master, "iv_generator") ‖ block as u32 BE ‖ sequence as u64 BE), first 12 bytes.
crypto::Iv derived_iv(const Sr25519Pair& master, BlockNumber block, u64 sequence);

/// What the key that seals is derived for.
namespace sharing {
constexpr std::string_view master_key = "master_key_sharing";
constexpr std::string_view cluster_key = "cluster_key_sharing";
}  // namespace sharing

/// Seals a pair's secret for `recipient` (80 bytes) under the key agreed between KDF(my, purpose) and `recipient`.
/// Error: `recipient` is not a point.
Result<protocol::EncryptedKey> encrypt_secret_to(const Sr25519Pair& my, std::string_view purpose, const PublicKey& recipient, const PairSecret& secret,
                                                 const crypto::Iv& iv);
/// Opens what was sealed for `my`. Errors: not a point, wrong key or altered bytes, not a pair's secret.
Result<Sr25519Pair> decrypt_pair_from(const Sr25519Pair& my, const protocol::EncryptedKey& sealed);

/// Opens data sealed for `my` (contract commands, queries). Errors: not a point; wrong key or altered bytes.
Result<Bytes> decrypt_data(const Sr25519Pair& my, const protocol::EncryptedData& sealed);

}  // namespace phala::worker

#include "core/keys.hpp"

#include "crypto/hash.hpp"

namespace phala::worker {

Sr25519Pair cluster_key(const Sr25519Pair& master, const protocol::ClusterId& cluster) {
  return master.derive_kdf({as_bytes("cluster_key"), cluster});
}

Sr25519Pair contract_key(const Sr25519Pair& cluster, const protocol::ContractId& contract) {
  return cluster.derive_kdf({as_bytes("contract_key"), contract});
}

Hash next_random(const Sr25519Pair& master, const Hash& last, BlockNumber block) {
  const Sr25519Pair key = master.derive_kdf({as_bytes("random_number")});
  Bytes input = concat(last, be_bytes(block), key.secret().expose());
  const Hash out = crypto::blake2_256(input);
  wipe(input.data(), input.size());
  return out;
}

crypto::Iv derived_iv(const Sr25519Pair& master, BlockNumber block, u64 sequence) {
  const Sr25519Pair key = master.derive_kdf({as_bytes("iv_generator")});
  Bytes input = concat(key.secret().expose(), be_bytes(block), be_bytes(sequence));
  const Hash out = crypto::blake2_256(input);
  wipe(input.data(), input.size());
  return crypto::Iv(ByteView(out).first(12));
}

Result<protocol::EncryptedKey> encrypt_secret_to(const Sr25519Pair& my, std::string_view purpose, const PublicKey& recipient, const PairSecret& secret,
                                                 const crypto::Iv& iv) {
  const Sr25519Pair sealing = my.derive_kdf({as_bytes(purpose)});
  const auto shared = TRY(sealing.agree(recipient).context("agree on a key with the recipient"));
  return protocol::EncryptedKey{sealing.public_key(), crypto::aes256gcm_seal(shared, iv, secret.expose()), iv.as<FixedBytes<12>>()};
}

Result<Sr25519Pair> decrypt_pair_from(const Sr25519Pair& my, const protocol::EncryptedKey& sealed) {
  const auto shared = TRY(my.agree(sealed.ecdh_pubkey).context("agree on a key with the sender"));
  Bytes plain = TRY(crypto::aes256gcm_open(shared, sealed.iv.as<crypto::Iv>(), sealed.encrypted_key).context("open a sealed key"));
  if (plain.size() != PairSecret::size()) {
    wipe(plain.data(), plain.size());
    return fail(ErrorCode::invalid_input, "open a sealed key: it holds " + std::to_string(plain.size()) + " bytes, not 64");
  }
  const PairSecret secret(plain);
  wipe(plain.data(), plain.size());
  return Sr25519Pair::from_secret(secret);
}

Result<Bytes> decrypt_data(const Sr25519Pair& my, const protocol::EncryptedData& sealed) {
  const auto shared = TRY(my.agree(sealed.pubkey).context("agree on a key with the sender"));
  return crypto::aes256gcm_open(shared, sealed.iv.as<crypto::Iv>(), sealed.data);
}

}  // namespace phala::worker

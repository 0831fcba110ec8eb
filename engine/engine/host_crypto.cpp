#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "engine/host_functions.hpp"

namespace phala::engine::host {

namespace {
template <size_t N>
Hosted<> put(Frame& frame, Gas per_byte, In data, FixedBytes<N> (*hash)(ByteView), OutFixed<N> out) {
  TRY(frame.charge(data.size() * per_byte));
  const auto digest = hash(data);   // before writing: the buffers may overlap
  std::memcpy(out.to, digest.data(), N);
  return {};
}
}  // namespace

Hosted<> hash_sha2_256(Frame& frame, In data, OutFixed<32> out) { return put<32>(frame, cost::sha2_256.per_byte, data, crypto::sha2_256, out); }
Hosted<> hash_keccak_256(Frame& frame, In data, OutFixed<32> out) { return put<32>(frame, cost::keccak_256.per_byte, data, crypto::keccak_256, out); }
Hosted<> hash_blake2_256(Frame& frame, In data, OutFixed<32> out) { return put<32>(frame, cost::blake2_256.per_byte, data, crypto::blake2_256, out); }
Hosted<> hash_blake2_128(Frame& frame, In data, OutFixed<16> out) { return put<16>(frame, cost::blake2_128.per_byte, data, crypto::blake2_128, out); }

Hosted<ReturnCode> ecdsa_recover(Frame&, FixedBytes<65> signature, Hash digest, OutFixed<33> out) {
  const auto key = crypto::ecdsa_recover(crypto::EcdsaSignature(signature), digest);
  if (!key) return ReturnCode::ecdsa_recovery_failed;
  std::memcpy(out.to, key->data(), key->size());
  return ReturnCode::success;
}

Hosted<ReturnCode> ecdsa_to_eth_address(Frame&, FixedBytes<33> key, OutFixed<20> out) {
  const auto point = crypto::ecdsa_uncompress(crypto::EcdsaPublicKey(key));
  if (!point) return ReturnCode::ecdsa_recovery_failed;
  const Hash digest = crypto::keccak_256(*point);
  std::memcpy(out.to, digest.data() + 12, 20);
  return ReturnCode::success;
}

Hosted<ReturnCode> sr25519_verify(Frame& frame, FixedBytes<64> signature, Hash key, u32 message_len, Ptr message) {
  TRY(frame.charge(u64{message_len} * cost::sr25519_verify.per_byte));
  const ByteView text = TRY(frame.read(message.at, message_len));
  const bool good = crypto::sr25519_verify(crypto::Signature(signature), text, key.as<PublicKey>());
  return good ? ReturnCode::success : ReturnCode::sr25519_verify_failed;
}

}  // namespace phala::engine::host

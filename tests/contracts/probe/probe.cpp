#include "probe.hpp"

namespace probe {

template <class T>
static Result<T, u8> plain(Result<T, CallError> result) {
  if (!result) return fail(static_cast<u8>(result.error()));
  if constexpr (std::is_void_v<T>) return {};
  else return std::move(*result);
}

Facts Probe::operator()(const Tell& call) const {
  return {caller(), address(), value_transferred(), balance(), minimum_balance(), block_number(), now(), caller_is_origin(),
          is_contract(call.other), is_contract(address()), own_code_hash(), gas_left() > 0};
}

Digests Probe::operator()(const Digest& call) const {
  return {sha2_256(call.data), keccak_256(call.data), blake2_256(call.data), blake2_128(call.data)};
}

Eth Probe::operator()(const Recover& call) const {
  const auto key = ecdsa_recover(call.signature, call.hash);
  if (!key) return fail(static_cast<u8>(key.error()));
  return plain(ecdsa_to_eth_address(*key));
}

std::optional<std::vector<u64>> Probe::operator()(const TakeRow& call) {
  const std::pair key{call.a, call.b};
  auto row = table.get(key);
  if (row.has_value() != table.contains(key)) panic("contains and get disagree");
  table.remove(key);
  return row;
}

Result<void, u8> Probe::operator()(const Send& call) const { return plain(transfer(call.to, call.amount)); }

Result<AccountId, u8> Probe::operator()(const Make& call) const { return plain(instantiate(call.code, New{call.name}, call.salt)); }
Result<AccountId, u8> Probe::operator()(const MakeRefusing& call) const { return plain(instantiate(call.code, Refusing{}, Bytes{1})); }

Result<std::string, u8> Probe::operator()(const NameOf& call) const { return plain(sdk::call(call.other, Name{})); }
Result<std::string, u8> Probe::operator()(const NameThrough& call) const { return plain(delegate_call(call.code, Name{})); }

std::tuple<Bytes, Bytes, bool> Probe::operator()(const Keys& call) const {
  const Bytes secret = pink::derive_sr25519_key(call.salt);
  const Bytes seed(secret.begin(), secret.begin() + 32);
  const Bytes public_key = pink::get_public_key(pink::SigType::Ecdsa, seed);
  const Bytes signature = pink::sign(pink::SigType::Ecdsa, seed, call.salt);
  return {public_key, signature, pink::verify(pink::SigType::Ecdsa, public_key, call.salt, signature)};
}

std::tuple<bool, AccountId, PublicKey, std::pair<u32, u32>> Probe::operator()(const World&) const {
  return {pink::is_in_transaction(), pink::system_contract_id(), pink::worker_pubkey(), pink::runtime_version()};
}

u64 Probe::operator()(const Allocate& call) const {
  std::vector<Bytes> blocks;
  u64 sum = 0;
  for (u32 i = 0; i < call.blocks; ++i) {
    blocks.emplace_back(call.size, static_cast<u8>(i));
    const Bytes gone(call.size, 0xff);   // freed at once: its place is used again
    sum += gone.size();
  }
  for (const Bytes& block : blocks)
    for (const u8 byte : block) sum += byte;
  return sum;
}

}  // namespace probe

PHALA_CONTRACT(probe::Probe)

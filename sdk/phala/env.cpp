#include "phala/env.hpp"

#include "phala/host.hpp"

namespace phala::sdk {

// Where host functions of unknown output size write to. A contract that reads larger values sets buffer_size in contract.toml.
#ifndef PHALA_BUFFER_SIZE
#define PHALA_BUFFER_SIZE 16384
#endif
static u8 buffer[PHALA_BUFFER_SIZE];

/// Host call that writes a value of fixed size.
template <class T>
static T fixed(void (*get)(u8*, u32*)) {
  T out{};
  u32 len = sizeof(T);
  get(reinterpret_cast<u8*>(&out), &len);
  return out;
}

static Result<void, CallError> status(u32 code) {
  if (code != 0) return fail(static_cast<CallError>(code));
  return {};
}

static u32 size(ByteView view) { return static_cast<u32>(view.size()); }
static Bytes taken(u32 len) { return Bytes(buffer, buffer + len); }

void panic(std::string_view why) {
  host::debug_message(why.data(), static_cast<u32>(why.size()));
  host::trap();
}

AccountId caller() { return fixed<AccountId>(host::caller); }
AccountId address() { return fixed<AccountId>(host::address); }
Balance value_transferred() { return fixed<Balance>(host::value_transferred); }
bool caller_is_origin() { return host::caller_is_origin() != 0; }
u64 gas_left() { return fixed<u64>(host::gas_left); }
BlockNumber block_number() { return fixed<BlockNumber>(host::block_number); }
Timestamp now() { return fixed<Timestamp>(host::now); }
Balance balance() { return fixed<Balance>(host::balance); }
Balance minimum_balance() { return fixed<Balance>(host::minimum_balance); }
bool is_contract(const AccountId& account) { return host::is_contract(account.data()) != 0; }
Hash own_code_hash() { return fixed<Hash>(host::own_code_hash); }

std::optional<Hash> code_hash(const AccountId& account) {
  Hash out;
  u32 len = 32;
  if (host::code_hash(account.data(), out.data(), &len) != 0) return std::nullopt;
  return out;
}

Result<void, CallError> set_code_hash(const Hash& hash) { return status(host::set_code_hash(hash.data())); }

Result<void, CallError> transfer(const AccountId& to, Balance value) {
  return status(host::transfer(to.data(), 32, reinterpret_cast<const u8*>(&value), sizeof value));
}

void terminate(const AccountId& beneficiary) { host::terminate(beneficiary.data()); }

Hash sha2_256(ByteView data) {
  Hash out;
  host::hash_sha2_256(data.data(), size(data), out.data());
  return out;
}
Hash keccak_256(ByteView data) {
  Hash out;
  host::hash_keccak_256(data.data(), size(data), out.data());
  return out;
}
Hash blake2_256(ByteView data) {
  Hash out;
  host::hash_blake2_256(data.data(), size(data), out.data());
  return out;
}
std::array<u8, 16> blake2_128(ByteView data) {
  std::array<u8, 16> out;
  host::hash_blake2_128(data.data(), size(data), out.data());
  return out;
}

Result<std::array<u8, 33>, CallError> ecdsa_recover(const std::array<u8, 65>& signature, const Hash& hash) {
  std::array<u8, 33> out{};
  if (const u32 code = host::ecdsa_recover(signature.data(), hash.data(), out.data()); code != 0) return fail(static_cast<CallError>(code));
  return out;
}
Result<std::array<u8, 20>, CallError> ecdsa_to_eth_address(const std::array<u8, 33>& key) {
  std::array<u8, 20> out{};
  if (const u32 code = host::ecdsa_to_eth_address(key.data(), out.data()); code != 0) return fail(static_cast<CallError>(code));
  return out;
}

Bytes read_input() {
  u32 len = sizeof buffer;
  host::input(buffer, &len);
  return taken(len);
}

void finish(bool revert, ByteView data) { host::seal_return(revert ? 1 : 0, data.data(), size(data)); }

std::optional<Bytes> get_storage(ByteView key) {
  u32 len = sizeof buffer;
  if (host::get_storage(key.data(), size(key), buffer, &len) != 0) return std::nullopt;
  return taken(len);
}
void set_storage(ByteView key, ByteView value) { host::set_storage(key.data(), size(key), value.data(), size(value)); }
bool contains_storage(ByteView key) { return host::contains_storage(key.data(), size(key)) != 0xffffffff; }
void clear_storage(ByteView key) { host::clear_storage(key.data(), size(key)); }

void deposit_event(const std::vector<Hash>& topics, ByteView data) {
  const Bytes encoded = scale::encode(topics);
  host::deposit_event(encoded.data(), topics.empty() ? 0 : size(encoded), data.data(), size(data));
}

Result<Bytes, u32> chain_extension(u16 id, ByteView input) {
  u32 len = sizeof buffer;
  if (const u32 code = host::call_chain_extension(id, input.data(), size(input), buffer, &len); code != 0) return fail(u32{code});
  return taken(len);
}

static Result<void, CallError> answer(u32 code, u32 len, Bytes& out) {
  if (code == 0 || code == static_cast<u32>(CallError::callee_reverted)) out = taken(len);
  return status(code);
}

Result<void, CallError> call_raw(const AccountId& callee, ByteView input, const CallOptions& options, Bytes& out) {
  u32 len = sizeof buffer;
  const u32 flags = options.allow_reentry ? 8 : 0;
  const u32 code = host::call(flags, callee.data(), options.gas, reinterpret_cast<const u8*>(&options.value), input.data(), size(input), buffer, &len);
  return answer(code, len, out);
}

Result<void, CallError> delegate_call_raw(const Hash& code, ByteView input, Bytes& out) {
  u32 len = sizeof buffer;
  return answer(host::delegate_call(0, code.data(), input.data(), size(input), buffer, &len), len, out);
}

Result<AccountId, CallError> instantiate_raw(const Hash& code, ByteView input, ByteView salt, Balance value, Bytes& out) {
  AccountId created;
  u32 created_len = 32, len = sizeof buffer;
  const u32 result = host::instantiate(code.data(), 0, reinterpret_cast<const u8*>(&value), input.data(), size(input), created.data(),
                                       &created_len, buffer, &len, salt.data(), size(salt));
  TRY(answer(result, len, out));
  return created;
}

}  // namespace phala::sdk

#include "phala/testing.hpp"

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "phala/host.hpp"

namespace phala::sdk {

static thread_local TestHost* active = nullptr;

// seal_return and a trap leave the contract from any depth; natively that is what exceptions are for.
struct Returned { bool reverted; Bytes data; };
struct Trapped {};

TestHost::TestHost() { active = this; }
TestHost::~TestHost() { active = nullptr; }

CallOutcome TestHost::run(Bytes input, void (*entry)()) {
  input_ = std::move(input);
  const auto before = std::tuple(storage, balance, own_code);
  const auto events_before = events.size(), transfers_before = transfers.size();
  balance += value;
  CallOutcome outcome;
  try {
    entry();
  } catch (const Returned& done) {
    outcome = {false, done.reverted, done.data};
  } catch (const Trapped&) {
    outcome = {true, false, {}};
  }
  if (outcome.trapped || outcome.reverted) {
    std::tie(storage, balance, own_code) = before;
    events.resize(events_before);
    transfers.resize(transfers_before);
  }
  return outcome;
}

namespace host {

static TestHost& world() {
  PHALA_ASSERT(active != nullptr);
  return *active;
}
static ByteView view(const u8* data, u32 len) { return {data, len}; }
static void put(ByteView value, u8* out, u32* out_len) {
  if (value.size() > *out_len) {
    world().debug += "output buffer too small\n";
    throw Trapped{};
  }
  std::copy(value.begin(), value.end(), out);
  *out_len = static_cast<u32>(value.size());
}
template <class T>
static void put_le(T value, u8* out, u32* out_len) {
  u8 raw[sizeof(T)];
  store_le(raw, value);
  put(raw, out, out_len);
}

void trap() { throw Trapped{}; }
void input(u8* out, u32* out_len) { put(world().input(), out, out_len); }
void seal_return(u32 flags, const u8* data, u32 len) { throw Returned{(flags & 1) != 0, to_bytes(view(data, len))}; }
u32 debug_message(const char* text, u32 len) {
  world().debug += std::string(text, len) + "\n";
  return 0;
}

static u32 old_length(const std::map<Bytes, Bytes>& storage, const Bytes& key) {
  const auto found = storage.find(key);
  return found == storage.end() ? 0xffffffff : static_cast<u32>(found->second.size());
}
u32 set_storage(const u8* key, u32 key_len, const u8* value, u32 len) {
  const Bytes k = to_bytes(view(key, key_len));
  const u32 old = old_length(world().storage, k);
  world().storage[k] = to_bytes(view(value, len));
  return old;
}
u32 get_storage(const u8* key, u32 key_len, u8* out, u32* out_len) {
  const auto found = world().storage.find(to_bytes(view(key, key_len)));
  if (found == world().storage.end()) return static_cast<u32>(CallError::key_not_found);
  put(found->second, out, out_len);
  return 0;
}
u32 contains_storage(const u8* key, u32 key_len) { return old_length(world().storage, to_bytes(view(key, key_len))); }
u32 clear_storage(const u8* key, u32 key_len) {
  const Bytes k = to_bytes(view(key, key_len));
  const u32 old = old_length(world().storage, k);
  world().storage.erase(k);
  return old;
}
u32 take_storage(const u8* key, u32 key_len, u8* out, u32* out_len) {
  const u32 code = get_storage(key, key_len, out, out_len);
  clear_storage(key, key_len);
  return code;
}

void caller(u8* out, u32* out_len) { put(world().caller, out, out_len); }
void address(u8* out, u32* out_len) { put(world().self, out, out_len); }
void value_transferred(u8* out, u32* out_len) { put_le(world().value, out, out_len); }
void balance(u8* out, u32* out_len) { put_le(world().balance, out, out_len); }
void minimum_balance(u8* out, u32* out_len) { put_le(Balance{1}, out, out_len); }
void now(u8* out, u32* out_len) { put_le(world().now_ms, out, out_len); }
void block_number(u8* out, u32* out_len) { put_le(world().block, out, out_len); }
void gas_left(u8* out, u32* out_len) { put_le(u64{2'500'000'000'000}, out, out_len); }

u32 is_contract(const u8* account) { return world().code_of.contains(AccountId(view(account, 32))); }
u32 caller_is_origin() { return !world().code_of.contains(world().caller); }
u32 code_hash(const u8* account, u8* out, u32* out_len) {
  const auto found = world().code_of.find(AccountId(view(account, 32)));
  if (found == world().code_of.end()) return static_cast<u32>(CallError::key_not_found);
  put(found->second, out, out_len);
  return 0;
}
void own_code_hash(u8* out, u32* out_len) { put(world().own_code, out, out_len); }
u32 set_code_hash(const u8* hash) {
  world().own_code = Hash(view(hash, 32));
  return 0;
}
u32 transfer(const u8* account, u32, const u8* value, u32) {
  const auto amount = load_le<Balance>(value);
  if (amount > world().balance) return static_cast<u32>(CallError::transfer_failed);
  world().balance -= amount;
  world().transfers.emplace_back(AccountId(view(account, 32)), amount);
  return 0;
}

/// What another contract answers; it keeps the money unless it fails.
template <class Ask>
static TestHost::Answer paid(Balance value, Ask ask) {
  if (value > world().balance) return {static_cast<u32>(CallError::transfer_failed), {}};
  world().balance -= value;
  auto answer = ask(value);
  if (answer.status != 0) world().balance += value;
  return answer;
}

u32 call(u32 flags, const u8* callee, u64, const u8* value, const u8* data, u32 len, u8* out, u32* out_len) {
  if (!world().peer) return static_cast<u32>(CallError::not_callable);
  const auto answer = paid(load_le<Balance>(value), [&](Balance sent) { return world().peer(AccountId(view(callee, 32)), flags, sent, view(data, len)); });
  if (answer.status == 0 || answer.status == static_cast<u32>(CallError::callee_reverted)) put(answer.data, out, out_len);
  return answer.status;
}
u32 delegate_call(u32, const u8* code, const u8* data, u32 len, u8* out, u32* out_len) {
  if (!world().delegate) return static_cast<u32>(CallError::code_not_found);
  const auto answer = world().delegate(Hash(view(code, 32)), view(data, len));
  if (answer.status == 0 || answer.status == static_cast<u32>(CallError::callee_reverted)) put(answer.data, out, out_len);
  return answer.status;
}
u32 instantiate(const u8* code, u64, const u8* value, const u8* data, u32 len, u8* created, u32* created_len, u8* out, u32* out_len,
                const u8* salt, u32 salt_len) {
  if (!world().creator) return static_cast<u32>(CallError::code_not_found);
  const auto answer = paid(load_le<Balance>(value), [&](Balance sent) { return world().creator(Hash(view(code, 32)), sent, view(data, len), view(salt, salt_len)); });
  if (answer.status != 0) return answer.status;
  PHALA_ASSERT(answer.data.size() >= 32);
  put(ByteView(answer.data).first(32), created, created_len);
  put(ByteView(answer.data).subspan(32), out, out_len);
  return 0;
}
void terminate(const u8* beneficiary) {
  world().transfers.emplace_back(AccountId(view(beneficiary, 32)), world().balance);
  world().balance = 0;
  throw Returned{false, {}};
}

void deposit_event(const u8* topics, u32 topics_len, const u8* data, u32 len) {
  std::vector<Hash> decoded;
  if (topics_len != 0) {
    auto read = scale::decode<std::vector<Hash>>(view(topics, topics_len));
    if (!read || read->size() > 4) throw Trapped{};
    decoded = std::move(*read);
  }
  world().events.push_back({std::move(decoded), to_bytes(view(data, len))});
}

static void copy(ByteView digest, u8* out) { std::copy(digest.begin(), digest.end(), out); }
void hash_sha2_256(const u8* data, u32 len, u8* out) { copy(crypto::sha2_256(view(data, len)), out); }
void hash_keccak_256(const u8* data, u32 len, u8* out) { copy(crypto::keccak_256(view(data, len)), out); }
void hash_blake2_256(const u8* data, u32 len, u8* out) { copy(crypto::blake2_256(view(data, len)), out); }
void hash_blake2_128(const u8* data, u32 len, u8* out) { copy(crypto::blake2_128(view(data, len)), out); }
u32 ecdsa_recover(const u8* signature, const u8* hash, u8* out) {
  const auto key = crypto::ecdsa_recover(crypto::EcdsaSignature(view(signature, 65)), Hash(view(hash, 32)));
  if (!key) return static_cast<u32>(CallError::recovery_failed);
  copy(*key, out);
  return 0;
}
u32 ecdsa_to_eth_address(const u8* key, u8* out) {
  const auto point = crypto::ecdsa_uncompress(crypto::EcdsaPublicKey(view(key, 33)));
  if (!point) return static_cast<u32>(CallError::recovery_failed);
  copy(ByteView(crypto::keccak_256(*point)).subspan(12), out);
  return 0;
}

u32 call_chain_extension(u32 id, const u8* data, u32 len, u8* out, u32* out_len) {
  if (!world().extension || id > 0xffff) throw Trapped{};
  const auto answer = world().extension(static_cast<u16>(id), view(data, len));
  if (answer.status == 0) put(answer.data, out, out_len);
  else *out_len = 0;
  return answer.status;
}

}  // namespace host
}  // namespace phala::sdk

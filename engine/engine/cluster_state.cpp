#include "engine/cluster_state.hpp"

#include "crypto/hash.hpp"

namespace phala::engine {

namespace key {
namespace {
Bytes tagged(char kind, ByteView id) {
  Bytes out;
  out.reserve(1 + id.size());
  out.push_back(static_cast<u8>(kind));
  append(out, id);
  return out;
}
}  // namespace

Bytes config() { return tagged('c', {}); }
Bytes runtime_version() { return tagged('r', {}); }
Bytes nonce() { return tagged('n', {}); }
Bytes event_chain() { return tagged('e', {}); }
Bytes account(const AccountId& who) { return tagged('b', who); }
Bytes contract(const ContractId& id) { return tagged('i', id); }
Bytes code_info(const Hash& code_hash) { return tagged('h', code_hash); }
Bytes code(const Hash& code_hash) { return tagged('w', code_hash); }
Bytes sidevm_code(const Hash& code_hash) { return tagged('v', code_hash); }
Bytes deletion(const Hash& trie_id) { return tagged('d', trie_id); }
Bytes storage(ByteView trie_id, ByteView hashed) {
  Bytes out;
  out.reserve(1 + trie_id.size() + hashed.size());
  out.push_back('s');
  append(out, trie_id);
  append(out, hashed);
  return out;
}
Bytes hashed_fixed(ByteView key32) { return to_bytes(crypto::blake2_256(key32)); }
Bytes hashed_variable(ByteView key) { return concat(crypto::blake2_128(key), key); }
}  // namespace key

namespace {
template <class T>
std::optional<T> read(const ClusterState& state, const Bytes& key) {
  const auto raw = state.get(key);
  if (!raw) return {};
  auto value = scale::decode<T>(*raw);
  if (!value) return {};
  return std::move(*value);
}
std::optional<Bytes> owned(std::optional<ByteView> view) { return view ? std::optional(to_bytes(*view)) : std::nullopt; }
}  // namespace

void ClusterState::apply(const StateDiff& diff) {
  for (const auto& [key, value] : diff) {
    if (value) trie_.insert(key, *value);
    else trie_.remove(key);
  }
}
Hash ClusterState::root() const { return trie_.root(); }
void ClusterState::for_each(const std::function<void(ByteView, ByteView)>& visit) const {
  trie_.for_each({}, [&](ByteView key, ByteView value) {
    visit(key, value);
    return true;
  });
}

std::optional<ClusterConfig> ClusterState::config() const { return read<ClusterConfig>(*this, key::config()); }
std::optional<RuntimeVersion> ClusterState::runtime_version() const { return read<RuntimeVersion>(*this, key::runtime_version()); }
Account ClusterState::account(const AccountId& who) const { return read<Account>(*this, key::account(who)).value_or(Account{}); }
std::optional<ContractInfo> ClusterState::contract(const ContractId& id) const { return read<ContractInfo>(*this, key::contract(id)); }
std::optional<CodeInfo> ClusterState::code_info(const Hash& code_hash) const { return read<CodeInfo>(*this, key::code_info(code_hash)); }
std::optional<Bytes> ClusterState::code(const Hash& code_hash) const { return owned(get(key::code(code_hash))); }
std::optional<Bytes> ClusterState::sidevm_code(const Hash& code_hash) const { return owned(get(key::sidevm_code(code_hash))); }
EventChainHead ClusterState::event_chain_head() const { return read<EventChainHead>(*this, key::event_chain()).value_or(EventChainHead{}); }

std::vector<ContractId> ClusterState::contracts() const {
  std::vector<ContractId> out;
  const Bytes prefix{'i'};
  trie_.for_each(prefix, [&](ByteView key, ByteView) {
    if (key.size() == 1 + ContractId::bytes) out.push_back(ContractId(key.subspan(1)));
    return true;
  });
  return out;
}

std::optional<Bytes> ClusterState::storage(const ContractId& id, ByteView key, bool fixed) const {
  const auto info = contract(id);
  if (!info) return {};
  return owned(get(key::storage(info->trie_id, fixed ? key::hashed_fixed(key) : key::hashed_variable(key))));
}

}  // namespace phala::engine

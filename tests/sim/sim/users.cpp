#include "sim/users.hpp"

#include "crypto/hash.hpp"

namespace phala::sim {

using pallets::PhatContracts;
using pallets::Registry;

namespace {
const Bytes salt{1, 2, 3};
constexpr u64 gas = 100'000'000'000;
}  // namespace

void Users::submit(const crypto::KeyPair& by, const Bytes& call) {
  if (chance_.one_in_thousand(config_.faults.drop)) return;
  static_cast<void>(chain_.submit(chain_.sign(by, call), now_ms_));
}

void Users::turn(const Workers& workers, u64 now_ms) {
  now_ms_ = now_ms;
  if (!set_up(workers)) return;
  flipper_ = deploy(workers, world_.flipper_code, concat(select_new, Bytes{1}));
  if (!flipper_) return;
  caller_ = deploy(workers, world_.caller_code, concat(select_new, *flipper_));
  if (!caller_) return;
  use();
  if (chance_.below(4) == 0) talk_nonsense();
}

bool Users::set_up(const Workers& workers) {
  const auto rules = chain_.read();
  const auto gatekeepers = rules.registry.gatekeeper.get();
  std::vector<PublicKey> keys;
  for (const auto& worker : workers) {
    keys.push_back(worker->identity().public_key());
    if (!rules.registry.workers.get(keys.back())) return false;
  }
  for (size_t i = 0; i < std::min<size_t>(2, keys.size()); ++i) {
    if (std::find(gatekeepers.begin(), gatekeepers.end(), keys[i]) != gatekeepers.end()) continue;
    if (i == 0 || rules.registry.gatekeeper_master_pubkey.get()) sudo(encoded_call<Registry>(41, Registry::RegisterGatekeeper{keys[i]}));
    return false;
  }
  if (!rules.registry.gatekeeper_master_pubkey.get()) return false;
  const auto cluster = rules.phat.clusters.get(cluster_);
  if (!cluster) sudo(encoded_call<PhatContracts>(48, PhatContracts::AddCluster{alice_.account(), {}, keys, 1000 * pha, 1, 100'000, 10'000, runtime::treasury_account()}));
  return cluster && rules.registry.contract_keys.get(cluster->system_contract);
}

std::optional<Hash> Users::deploy(const Workers& workers, const Bytes& code, const Bytes& input) {
  const auto rules = chain_.read();
  const Hash code_hash = crypto::blake2_256(code);
  const Hash contract = protocol::contract_id(alice_.account(), code_hash, cluster_, salt);
  if (rules.phat.contracts.get(contract)) return rules.registry.contract_keys.get(contract) ? std::optional(contract) : std::nullopt;
  // as the SDK does: ask a worker whether the code has arrived, then instantiate; what a crashed node lost is sent again
  const bool arrived = std::any_of(workers.begin(), workers.end(), [&](const auto& w) { return w->up() && w->machine().cluster && w->machine().cluster->state.code_info(code_hash); });
  if (arrived)
    submit(alice_, encoded_call<PhatContracts>(48, PhatContracts::InstantiateContract{protocol::WasmCode{code_hash}, input, salt, cluster_, 0, gas, {}, 10 * pha}));
  else if (chain_.height() % 4 == 0)
    submit(alice_, encoded_call<PhatContracts>(48, PhatContracts::ClusterUploadResource{cluster_, protocol::ResourceType::ink_code, code}));
  return std::nullopt;
}

u32 Users::sent_by(const crypto::KeyPair& user) const { return runtime::account_nonce(chain_.state(), user.account()); }

bool Users::enough(u32 sent) const { return config_.traffic_until != 0 ? chain_.height() >= config_.traffic_until : sent >= config_.transactions / 2; }

void Users::use() {
  for (const auto* user : {&bob_, &charlie_}) {
    const u32 sent = sent_by(*user);
    if (enough(sent)) continue;
    const u32 by = 1 + sent;
    // by turns in clear and encrypted, and every third through the other contract
    if (sent % 3 == 2) command(*user, *caller_, concat(select_increase, scale::encode(by)), sent % 2 == 0);
    else command(*user, *flipper_, concat(select_inc_by, scale::encode(by)), sent % 2 == 0);
  }
}

void Users::command(const crypto::KeyPair& by, const Hash& contract, Bytes message, bool encrypted) {
  const protocol::InkCommand command(protocol::InkMessage{chance_.bytes(32), std::move(message), 0, gas, {}});
  protocol::CommandPayload payload = protocol::PlainCommand{command};
  if (encrypted) {
    const auto pair = crypto::Sr25519Pair::from_seed(crypto::Seed(chance_.bytes(32)));
    const crypto::Iv iv(chance_.bytes(12));
    const auto key = *pair.agree(*chain_.read().registry.contract_keys.get(contract));
    payload = protocol::EncryptedCommand{{iv.as<FixedBytes<12>>(), pair.public_key(), crypto::aes256gcm_seal(key, iv, scale::encode(command))}};
  }
  submit(by, encoded_call<PhatContracts>(48, PhatContracts::PushContractMessage{contract, scale::encode(payload), pha}));
}

void Users::talk_nonsense() {
  const Bytes topic = chance_.below(2) ? protocol::contract_command_topic(*flipper_) : to_bytes(protocol::topic::cluster_operation);
  submit(dave_, encoded_call<pallets::Mq>(40, pallets::Mq::PushMessage{topic, chance_.bytes(chance_.below(80))}));
}

bool Users::all_sent() const {
  if (!flipper_) return false;
  for (const auto* user : {&bob_, &charlie_})
    if (!enough(sent_by(*user))) return false;
  return true;
}

u32 Users::expected_counter() const {   // each user's n-th message adds n
  u32 sum = 0;
  for (const auto* user : {&bob_, &charlie_}) {
    const u32 n = sent_by(*user);
    sum += static_cast<u32>(u64{n} * (n + 1) / 2);
  }
  return sum;
}

}  // namespace phala::sim

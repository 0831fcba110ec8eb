#pragma once
// Why: tests of the whole machine run a small chain around it: sealed blocks with a message log, a pallet that answers as the real ones
// do, and the rule that the chain takes each sender's numbers in order. Everything the workers see went through the light client.

#include <gtest/gtest.h>

#include "core/machine.hpp"
#include "engine/test_support.hpp"
#include "trie/memory_trie.hpp"
#include "trie/proof.hpp"

namespace phala::worker::test {

inline const MessageOrigin pallet = MessageOrigin::pallet("phala/registry");
inline const MessageOrigin gatekeepers = origin::Gatekeeper{};
inline MessageOrigin user(u8 n) { return MessageOrigin::account(AccountId(Bytes(32, n))); }

struct Worker {
  Sr25519Pair identity;
  SecretBytes<32> entropy;
  Machine machine;
  Report report{};   ///< of all batches
};

struct World {
  crypto::Ed25519Pair sealer = crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 50)));
  MachineConfig config{{Hash(Bytes(32, 9)), light::TrustedSealer{sealer.public_key}}, true};
  std::vector<Worker> workers;
  Header head{};
  Hash head_hash = config.trust.genesis_hash, log_root;
  u64 total = 0;
  std::map<Bytes, Bytes> facts;        ///< what else is in the chain's state
  std::map<MessageOrigin, u64> next;   ///< what the chain expects of each sender
  std::vector<Message> queue;          ///< for the next block
  std::vector<SignedMessage> taken;
  std::function<void(size_t worker, const Machine& before, const Dispatched& after)> watch;

  explicit World(size_t n) {
    for (size_t i = 0; i < n; ++i) {
      const auto seed = static_cast<u8>(i + 1);
      workers.push_back({Sr25519Pair::from_seed(crypto::Seed(Bytes(32, seed))), SecretBytes<32>(Bytes(32, static_cast<u8>(seed + 100))), genesis(config)});
    }
  }
  const PublicKey& key(size_t i) const { return workers[i].identity.public_key(); }
  Turn turn(const Worker& worker) { return {config, worker.identity, engine::test::shared_engine(), worker.entropy, 7}; }

  void say(const MessageOrigin& from, ByteView topic, Bytes payload) { queue.push_back({from, to_bytes(topic), std::move(payload)}); }
  template <class Event>
  void pallet_says(std::string_view topic, const Event& event) { say(pallet, as_bytes(topic), scale::encode(event)); }

  light::Batch seal_block() {
    const BlockNumber n = head.number + 1;
    BlockMessages messages{n, n * 3000u, {}, {}};
    for (const auto& m : std::exchange(queue, {})) {
      messages.leaves.push_back(Leaf::of(m));
      messages.payloads.emplace_back(m.payload);
    }
    total += messages.leaves.size();
    log_root = next_message_root(log_root, n, messages.now_ms, messages.leaves);
    last_state = state();
    head = {head_hash, n, last_state.root(), {}, {}};
    head.digest.logs.push_back(digest::Consensus{message_log_engine, scale::encode(MessageLogDigest{log_root, messages.now_ms, total})});
    head_hash = head.hash();
    return {{head}, light::seal(sealer, head_hash), {messages}};
  }
  /// The chain's state as far as workers prove anything of it.
  trie::MemoryTrie state() const {
    trie::MemoryTrie out;
    out.insert(Bytes{1}, Bytes{2});
    for (const auto& [sender, sequence] : next) out.insert(ingress_sequence_key(sender), scale::encode(sequence));
    for (const auto& [key, value] : facts) out.insert(key, value);
    return out;
  }
  void run_block() {
    const light::Batch batch = seal_block();
    for (size_t i = 0; i < workers.size(); ++i) {
      Worker& w = workers[i];
      auto done = dispatch(w.machine, turn(w), batch);
      ASSERT_TRUE(done.has_value()) << done.error().text();
      if (watch) watch(i, w.machine, *done);
      w.machine = std::move(done->machine);
      std::move(done->report.notes.begin(), done->report.notes.end(), std::back_inserter(w.report.notes));
      std::move(done->report.records.begin(), done->report.records.end(), std::back_inserter(w.report.records));
      w.report.hooks = done->report.hooks;
    }
    for (auto& w : workers)
      for (const auto& [sender, channel] : w.machine.egress)
        for (const auto& m : channel.messages) take(m);
  }
  void run_blocks(int n) {
    while (n-- > 0) run_block();
  }
  void take(const SignedMessage& m) {
    u64& expected = next[m.message.sender];
    if (m.sequence != expected) return;
    ++expected;
    taken.push_back(m);
    if (!is_onchain_only(m.message.destination)) queue.push_back(m.message);
    if (const auto event = scale::decode<protocol::RegistryEvent>(m.message.payload); event && as_text(m.message.destination) == protocol::topic::registry_event)
      if (const auto* master = event->get_if<protocol::MasterPubkey>())
        pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::MasterPubkeyOnChain{master->master_pubkey}));
  }
  void settle_all() {
    // the tip must know what the chain took
    run_block();
    for (auto& w : workers) {
      auto settled = settle_at_tip(w.machine, config, w.identity.public_key(), proof_for(w));
      ASSERT_TRUE(settled.has_value()) << settled.error().text();
      w.machine = std::move(*settled);
    }
  }
  /// Of what a worker wants to know of `state`; of the last block's unless another is given.
  std::vector<Bytes> proof_for(const Worker& w, const trie::MemoryTrie* state = nullptr) const {
    auto keys = settle_keys(w.machine, w.identity.public_key());
    std::sort(keys.begin(), keys.end());
    return trie::prove(state ? *state : last_state, keys);
  }
  trie::MemoryTrie last_state;   ///< whose root is in the head

  void launch() {
    pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::FirstGatekeeper{key(0), key(0)}));
    run_blocks(3);
  }
  protocol::ClusterId cluster = Hash(Bytes(32, 1));
  void deploy_cluster(const Bytes& system_code, engine::RuntimeVersion version = {1, 2}) {
    protocol::DeployCluster event{};
    event.cluster = cluster;
    event.owner = AccountId(Bytes(32, 0xa1));
    event.deposit = 1'000'000'000'000'000;
    event.gas_price = 1;
    event.treasury_account = AccountId(Bytes(32, 0x77));
    event.system_code = system_code;
    event.runtime_version = version;
    for (const auto& w : workers) event.workers.push_back({w.identity.public_key(), w.identity.public_key()});
    pallet_says(protocol::topic::cluster_event, protocol::ClusterEvent(event));
    run_blocks(3);
  }
  void operate(const protocol::ClusterOperation& operation) { pallet_says(protocol::topic::cluster_operation, operation); }
  protocol::ContractId instantiate(const Hash& code, Bytes input = {}, u8 deployer = 0xa1) {
    protocol::InstantiateCode order{{AccountId(Bytes(32, deployer)), protocol::WasmCode{code}, {}, cluster, std::move(input)}, 0, 100'000'000'000, {}};
    pallet_says(protocol::topic::contract_operation, protocol::ContractOperation(order));
    return protocol::contract_id(order.contract_info.deployer, code, cluster, {});
  }
  void command(const protocol::ContractId& contract, const protocol::CommandPayload& payload, const MessageOrigin& from = user(0xa1)) {
    say(from, protocol::contract_command_topic(contract), scale::encode(payload));
  }
};

}  // namespace phala::worker::test

#include "sim/network.hpp"

#include <deque>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <queue>

#include "crypto/hash.hpp"
#include "plan/plan.hpp"
#include "sim/chain.hpp"
#include "sim/sim_worker.hpp"

namespace phala::sim {
namespace {

using pallets::PhatContracts;
using pallets::Registry;

constexpr u64 block_ms = 3000;
constexpr u128 pha = 1'000'000'000'000;

/// ink! selectors of the flipper.
const Bytes select_new{0x9b, 0xae, 0x9d, 0x5e}, select_inc_by{0xfe, 0x5b, 0xd8, 0xea}, select_counter{0x94, 0xfc, 0x95, 0x1c};

Error broken(std::string what) { return Error{ErrorCode::internal, std::move(what)}; }

/// Everything that is under way, in the order of its time.
class Clockwork {
 public:
  u64 now_ms = start_ms;
  void at(u64 when_ms, std::function<void()> what) { queue_.push({when_ms, next_++, std::move(what)}); }
  bool step() {
    if (queue_.empty()) return false;
    auto event = std::move(const_cast<Event&>(queue_.top()));
    queue_.pop();
    now_ms = std::max(now_ms, event.when_ms);
    event.what();
    return true;
  }

 private:
  struct Event {
    u64 when_ms, order;
    std::function<void()> what;
    bool operator<(const Event& other) const { return std::tie(when_ms, order) > std::tie(other.when_ms, other.order); }
  };
  std::priority_queue<Event> queue_;
  u64 next_ = 0;
};

class Network {
 public:
  Network(const World& world, const Config& config, runtime::ChainSpec spec, crypto::Ed25519Pair sealer)
      : world_(world), config_(config), chance_(config.seed), sealer_(std::move(sealer)), chain_(spec, sealer_),
        machine_config_{runtime::trust_root(runtime::build_genesis(spec)), spec.development} {
    for (size_t i = 0; i < config.workers; ++i) workers_.push_back(std::make_unique<SimWorker>(world, machine_config_, chance_));
    view_.workers.resize(config.workers);
  }

  Result<Outcome> run() {
    for (auto& worker : workers_) TRY(worker->start());
    clock_.at(clock_.now_ms + block_ms, [this] { on_block_time(); });
    clock_.at(clock_.now_ms, [this] { relay_turn(); });
    while (!failure_ && !done() && chain_.height() < config_.most_blocks)
      if (!clock_.step()) return fail(broken("nothing is under way any more at height " + std::to_string(chain_.height())));
    if (failure_) return fail(std::move(*failure_));
    if (!done()) return fail(broken("not done after " + std::to_string(chain_.height()) + " blocks: " + where_it_stands()));
    TRY(check_end());
    outcome_.height = chain_.height();
    outcome_.head = chain_.head().hash();
    outcome_.state_root = chain_.head().state_root;
    outcome_.log_root = message_log_of(chain_.head())->root;
    outcome_.cluster_root = roots_.rbegin()->second;
    return outcome_;
  }

 private:
  // ---- the node ------------------------------------------------------------------------------------------------------
  bool node_up() const { return clock_.now_ms >= node_away_until_ms_; }

  void on_block_time() {
    clock_.at(clock_.now_ms + block_ms, [this] { on_block_time(); });
    if (!node_up()) return;
    if (auto made = chain_.produce(clock_.now_ms); !made) {
      failure_ = made.error();
      return;
    }
    users_turn();
    if (chance_.one_in_thousand(config_.faults.crash_node)) {
      ++outcome_.node_crashes;
      chain_.lose_power();
      node_away_until_ms_ = clock_.now_ms + chance_.below(4 * block_ms);
    }
    if (!lost()) later([this] { relay::heard_height(view_, chain_.height()); relay_turn(); });
  }

  // ---- the relay -----------------------------------------------------------------------------------------------------
  bool lost() {
    const bool is = chance_.one_in_thousand(config_.faults.drop);
    outcome_.dropped += is;
    return is;
  }
  void later(std::function<void()> what) { clock_.at(clock_.now_ms + 1 + chance_.below(config_.faults.longest_delay_ms), std::move(what)); }

  void relay_turn() {
    auto plan = relay::next_plan(view_, clock_.now_ms);
    for (auto& action : plan.actions) std::visit([&](const auto& a) { perform(a); }, action);
    if (plan.wake_at_ms) clock_.at(std::max(*plan.wake_at_ms, clock_.now_ms + 1), [this] { relay_turn(); });
  }
  /// A request to the node: its answer comes later, or it fails.
  void ask_node(std::function<void()> answered) {
    later([this, answered = std::move(answered)] {
      if (!node_up() || lost()) relay::node_failed(view_, clock_.now_ms);
      else answered();
      relay_turn();
    });
  }
  void ask_worker(relay::WorkerIndex i, std::function<bool(SimWorker&)> answered) {
    later([this, i, answered = std::move(answered)] {
      SimWorker& worker = *workers_[i];
      if (worker.up() && chance_.one_in_thousand(config_.faults.crash_worker)) worker.lose_power_after(chance_.below(6000));
      const bool good = worker.up() && !lost() && answered(worker);
      if (!good) relay::worker_failed(view_, i, clock_.now_ms);
      if (!worker.up()) restart_later(i);
      relay_turn();
    });
  }
  void restart_later(relay::WorkerIndex i) {
    ++outcome_.worker_crashes;
    clock_.at(clock_.now_ms + chance_.below(2 * block_ms), [this, i] {
      if (workers_[i]->up()) return;
      if (auto started = workers_[i]->start(); !started) failure_ = Error(started.error()).in("worker " + std::to_string(i) + " after losing power");
    });
  }

  void perform(const relay::Look&) {
    ask_node([this] {
      relay::Looked looked{chain_.height(), {}, {}, {}};
      const auto rules = chain_.read();
      for (const auto& w : view_.workers) {
        if (!w.report) continue;
        for (const auto& [sender, numbers] : w.report->egress) looked.next_sequence[sender] = chain_.next_sequence(*scale::decode<MessageOrigin>(sender));
        const auto info = rules.registry.workers.get(w.report->key);
        looked.registered[w.report->key] = info ? std::optional(relay::Registered{info->operator_, info->runtime_version}) : std::nullopt;
        looked.endpoints[w.report->key] = std::nullopt;
      }
      relay::looked(view_, std::move(looked));
    });
  }
  void perform(const relay::Fetch& fetch) {
    ask_node([this, fetch] { relay::fetched(view_, {fetch.from, std::min(fetch.to, chain_.height()), 1000}); });
  }
  void perform(const relay::Poll& poll) {
    ask_worker(poll.worker, [this, i = poll.worker](SimWorker& worker) {
      if (worker.machine().tip.number > 0 && !bring_proof(worker)) return false;
      relay::polled(view_, i, worker.report(), clock_.now_ms);
      return true;
    });
  }
  /// What the chain has of a worker's messages, and asks of its build. False: lost on the way, one way or the other.
  bool bring_proof(SimWorker& worker) {
    const auto keys = worker::settle_keys(worker.machine(), worker.identity().public_key());
    const BlockNumber at = worker.machine().tip.number;
    auto proof = chain_.proof(at, keys);
    if (chance_.one_in_thousand(config_.faults.tamper)) {
      ++outcome_.tampered;
      tamper(proof, keys, at);
      const auto before = worker::image_of(worker.machine());
      if (worker.settle(proof)) failure_ = broken("a worker took a changed proof of block " + std::to_string(at));
      else if (worker.up() && worker::image_of(worker.machine()) != before) failure_ = broken("a refused proof changed a worker");
      return false;
    }
    if (!worker.settle(proof) && worker.up()) failure_ = broken("a worker refuses a genuine proof");
    return worker.up();
  }
  void perform(const relay::Sync& sync) {
    ask_worker(sync.worker, [this, sync](SimWorker& worker) {
      light::Batch batch = chain_.batch(sync.from, sync.to);
      const bool tampered = chance_.one_in_thousand(config_.faults.tamper) && tamper(batch);
      const auto before = worker.machine().tip;
      const auto taken = worker.sync(batch);
      if (tampered) {
        ++outcome_.tampered;
        if (taken) failure_ = broken("worker " + std::to_string(sync.worker) + " took a changed batch of blocks " + std::to_string(sync.from) + "–" + std::to_string(sync.to));
        else if (worker.up() && !(worker.machine().tip == before)) failure_ = broken("a refused batch changed a worker");
        return false;
      }
      if (!taken) {
        if (worker.up()) failure_ = Error(taken.error()).in("a worker refuses genuine blocks");
        return false;
      }
      check_root(worker);
      relay::synced(view_, sync.worker, *taken);
      return true;
    });
  }
  /// One account pays for all of them, so they go one after the other; after a failure the rest would only wait behind a gap.
  void perform(const relay::Transact& transact) {
    transacting_.push_back(transact);
    if (transacting_.size() == 1) later([this] { next_transaction(); });
  }
  void next_transaction() {
    const relay::Transact transact = transacting_.front();
    transacting_.pop_front();
    const SimWorker& worker = *workers_[transact.worker];
    const auto call = worker.up() ? call_of(worker, transact.claim) : std::nullopt;
    bool taken = false;
    if (!call) {
      relay::not_sent(view_, transact.claim);
    } else if (node_up() && !lost() && chain_.submit(chain_.sign(operator_, *call), clock_.now_ms)) {
      relay::sent(view_, transact.claim, chain_.height() + 64);
      taken = true;
    } else {
      relay::refused(view_, transact.claim);
    }
    if (!taken)
      for (; !transacting_.empty(); transacting_.pop_front()) relay::not_sent(view_, transacting_.front().claim);
    if (!transacting_.empty()) later([this] { next_transaction(); });
    relay_turn();
  }

  std::optional<Bytes> call_of(const SimWorker& worker, const relay::Claim& claim) {
    if (claim.kind == relay::Claim::Kind::registration) {
      const auto info = worker.registration();
      attest::ReportData data;
      const Hash commitment = crypto::blake2_256(scale::encode(info));
      std::copy(commitment.begin(), commitment.end(), data.begin());
      const auto evidence = world_.evidence(data);
      if (!evidence) {
        failure_ = evidence.error();
        return std::nullopt;
      }
      return encoded_call<Registry>(41, Registry::RegisterWorkerV2{info, pallets::AttestationReport(pallets::SgxDcap{evidence->quote, pallets::Collateral(evidence->collateral)})});
    }
    if (claim.kind != relay::Claim::Kind::message) return std::nullopt;
    for (const auto& [sender, channel] : worker.machine().egress)
      for (const auto& message : channel.messages)
        if (message.sequence == claim.sequence && scale::encode(sender) == claim.subject) return encoded_call<pallets::Mq>(40, pallets::Mq::SyncOffchainMessage{message});
    return std::nullopt;
  }

  /// One change that a dishonest relay might make to a proof: bytes, a node less, or the state of another block, where the chain asks for less.
  void tamper(std::vector<Bytes>& proof, std::span<const Bytes> keys, BlockNumber at) {
    const size_t node = chance_.below(proof.size());
    switch (chance_.below(3)) {
      case 0: proof[node][chance_.below(proof[node].size())] ^= static_cast<u8>(1 + chance_.below(255)); return;
      case 1: proof.erase(proof.begin() + static_cast<long>(node)); return;
      default: proof = chain_.proof(at - 1 - static_cast<BlockNumber>(chance_.below(at)), keys);
    }
  }

  /// One change that a dishonest relay might make. False: there was nothing of the kind to change.
  bool tamper(light::Batch& batch) {
    const size_t i = chance_.below(batch.headers.size()), other = chance_.below(batch.headers.size());
    auto& messages = batch.messages[i];
    switch (chance_.below(13)) {
      case 0: batch.headers.erase(batch.headers.begin() + static_cast<long>(i)); return true;
      case 1: batch.headers[i].state_root[chance_.below(32)] ^= 1; return true;
      case 2: batch.finality = light::seal(crypto::Ed25519Pair::from_seed(crypto::Seed(chance_.bytes(32))), batch.headers.back().hash()); return true;
      case 3: messages.now_ms += 1; return true;
      case 4:
        if (messages.leaves.empty()) return false;
        messages.leaves.pop_back();
        messages.payloads.pop_back();
        return true;
      case 5:
        if (messages.leaves.size() < 2 || messages.leaves[0] == messages.leaves[1]) return false;
        std::swap(messages.leaves[0], messages.leaves[1]);
        std::swap(messages.payloads[0], messages.payloads[1]);
        return true;
      case 6:
        for (size_t k = 0; k < messages.leaves.size(); ++k) {
          if (!worker::follows(messages.leaves[k].destination) || !messages.payloads[k] || messages.payloads[k]->empty()) continue;
          (*messages.payloads[k])[chance_.below(messages.payloads[k]->size())] ^= 1;
          return true;
        }
        return false;
      case 7:
        for (size_t k = 0; k < messages.leaves.size(); ++k) {
          if (!worker::follows(messages.leaves[k].destination)) continue;
          messages.payloads[k].reset();
          return true;
        }
        return false;
      case 8:   // headers, their logs, or both in another order
        std::swap(batch.headers[i], batch.headers[other]);
        return i != other;
      case 9:
        std::swap(batch.messages[i], batch.messages[other]);
        return i != other;
      case 10:
        std::swap(batch.headers[i], batch.headers[other]);
        std::swap(batch.messages[i], batch.messages[other]);
        return i != other;
      case 11: {   // the proof of another block's finality
        const BlockNumber last = batch.headers.back().number;
        batch.finality = chain_.batch(last - 1, last - 1).finality;
        return true;
      }
      default: {   // blocks the worker already took, again
        const BlockNumber first = batch.headers.front().number;
        if (first < 2) return false;
        batch = chain_.batch(first - 1, batch.headers.back().number);
        return true;
      }
    }
  }

  // ---- users ---------------------------------------------------------------------------------------------------------
  void submit(const crypto::KeyPair& by, const Bytes& call) { static_cast<void>(chain_.submit(chain_.sign(by, call), clock_.now_ms)); }
  void sudo(const Bytes& call) { submit(alice_, concat(Bytes{22, 0}, call)); }

  /// What people do next, decided from the chain alone, once per block; a lost transaction is sent again.
  void users_turn() {
    const auto rules = chain_.read();
    const auto gatekeepers = rules.registry.gatekeeper.get();
    std::vector<PublicKey> keys;
    for (const auto& worker : workers_) {
      keys.push_back(worker->identity().public_key());
      if (!rules.registry.workers.get(keys.back())) return;
    }
    for (size_t i = 0; i < std::min<size_t>(2, keys.size()); ++i) {
      if (std::find(gatekeepers.begin(), gatekeepers.end(), keys[i]) != gatekeepers.end()) continue;
      if (i > 0 && !rules.registry.gatekeeper_master_pubkey.get()) return;
      return sudo(encoded_call<Registry>(41, Registry::RegisterGatekeeper{keys[i]}));
    }
    if (!rules.registry.gatekeeper_master_pubkey.get()) return;
    const auto cluster = rules.phat.clusters.get(cluster_);
    if (!cluster) return sudo(encoded_call<PhatContracts>(48, PhatContracts::AddCluster{alice_.account(), {}, keys, 1000 * pha, 1, 100'000, 10'000, runtime::treasury_account()}));
    if (!rules.registry.contract_keys.get(cluster->system_contract)) return;
    const Hash code_hash = crypto::blake2_256(world_.flipper_code);
    const Hash contract = protocol::contract_id(alice_.account(), code_hash, cluster_, salt_);
    if (!rules.phat.contracts.get(contract)) {
      // as the SDK does: ask a worker whether the code has arrived, then instantiate; what a crashed node lost is sent again
      const bool arrived = std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) { return w->up() && w->machine().cluster && w->machine().cluster->state.code_info(code_hash); });
      if (arrived)
        submit(alice_, encoded_call<PhatContracts>(48, PhatContracts::InstantiateContract{protocol::WasmCode{code_hash}, concat(select_new, Bytes{1}), salt_, cluster_, 0, 100'000'000'000, {}, 10 * pha}));
      else if (chain_.height() % 4 == 0)
        submit(alice_, encoded_call<PhatContracts>(48, PhatContracts::ClusterUploadResource{cluster_, protocol::ResourceType::ink_code, world_.flipper_code}));
      return;
    }
    contract_ = contract;
    const auto key = rules.registry.contract_keys.get(contract);
    if (!key) return;
    use_contract(*key);
    if (chance_.below(4) == 0) talk_nonsense();
  }

  /// Both users add to the counter, by turns in clear and encrypted; each keeps its own nonce, so that what is on the chain is known.
  void use_contract(const PublicKey& key) {
    for (const auto* user : {&bob_, &charlie_}) {
      const u32 sent = runtime::account_nonce(chain_.state(), user->account());
      if (sent >= config_.transactions / 2) continue;
      const u32 by = 1 + sent;
      const protocol::InkMessage message{chance_.bytes(32), concat(select_inc_by, scale::encode(by)), 0, 100'000'000'000, {}};
      protocol::CommandPayload payload = protocol::PlainCommand{protocol::InkCommand(message)};
      if (sent % 2 == 0) {
        const auto pair = crypto::Sr25519Pair::from_seed(crypto::Seed(chance_.bytes(32)));
        const crypto::Iv iv(chance_.bytes(12));
        payload = protocol::EncryptedCommand{{iv.as<FixedBytes<12>>(), pair.public_key(), crypto::aes256gcm_seal(*pair.agree(key), iv, scale::encode(protocol::InkCommand(message)))}};
      }
      submit(*user, encoded_call<PhatContracts>(48, PhatContracts::PushContractMessage{*contract_, scale::encode(payload), pha}));
    }
  }
  /// Messages that fit nothing: they must be noted and stop nobody.
  void talk_nonsense() {
    const Bytes topic = chance_.below(2) ? protocol::contract_command_topic(*contract_) : to_bytes(protocol::topic::cluster_operation);
    submit(dave_, encoded_call<pallets::Mq>(40, pallets::Mq::PushMessage{topic, chance_.bytes(chance_.below(80))}));
  }

  // ---- what must hold ------------------------------------------------------------------------------------------------
  void check_root(const SimWorker& worker) {
    if (!worker.machine().cluster) return;
    const Hash root = worker.machine().cluster->state.root();
    const auto [known, first] = roots_.try_emplace(worker.machine().tip.number, root);
    if (!first && known->second != root) failure_ = broken("two workers have different cluster states after block " + std::to_string(worker.machine().tip.number));
  }

  u32 expected_counter() const {   // each user's n-th message adds n
    const u32 n = config_.transactions / 2;
    return 2 * n * (n + 1) / 2;
  }
  bool done() const {
    if (!contract_) return false;
    for (const auto* user : {&bob_, &charlie_})
      if (runtime::account_nonce(chain_.state(), user->account()) < config_.transactions / 2) return false;
    BlockNumber tip = 0;
    for (const auto& worker : workers_) {
      if (!worker->up() || !worker->machine().cluster) return false;
      tip = std::max(tip, worker->machine().tip.number);
    }
    for (const auto& worker : workers_)
      if (worker->machine().tip.number != tip || counter_of(*worker).value_or(~0u) != expected_counter()) return false;
    return true;
  }
  Result<u32> counter_of(const SimWorker& worker) const {
    const auto& cluster = *worker.machine().cluster;
    engine::CallRequest request{{.mode = engine::Mode::query, .origin = bob_.account(), .gas_limit = 1'000'000'000'000}, *contract_, select_counter};
    const auto& secret = cluster.key->secret();
    const engine::ExecContext context{worker.machine().tip.number, worker.machine().tip.now_ms, worker.identity().public_key(), &secret, {}};
    const auto outcome = TRY(engine::call(*world_.engine, cluster.state, context, request));
    if (!outcome.result.result || outcome.result.result->data.size() != 5) return fail(broken("the counter does not answer"));
    return load_le<u32>(outcome.result.result->data.data() + 1);
  }
  std::string where_it_stands() const {
    std::string out = contract_ ? "contract there" : "no contract";
    const auto rules = chain_.read();
    out += ", gatekeepers " + std::to_string(rules.registry.gatekeeper.get().size());
    out += ", cluster " + std::string(rules.phat.clusters.get(cluster_) ? "on chain" : "not on chain");
    const auto waiting = [&](const SimWorker& worker) {
      std::string text;
      for (const auto& [sender, channel] : worker.machine().egress)
        text += " (" + to_string(sender) + " next " + std::to_string(channel.next_sequence) + ", " + std::to_string(channel.messages.size()) + " waiting, chain expects " + std::to_string(rules.mq.expected_sequence(sender)) + ")";
      return text;
    };
    for (const auto& worker : workers_) {
      out += worker->up() ? "; worker at " + std::to_string(worker->machine().tip.number) + (worker->machine().cluster ? " with cluster" : " without cluster") + waiting(*worker) : "; worker down";
      for (const auto& note : worker->notes()) out += " [" + std::to_string(note.block) + " " + note.topic + ": " + note.error.message + "]";
    }
    return out;
  }
  Result<> check_end() {
    const auto rules = chain_.read();
    for (const auto& worker : workers_) {
      if (TRY(counter_of(*worker)) != expected_counter()) return fail(broken("a message was lost or applied twice"));
      // every message the chain expects next is one the worker still has or will make
      for (const auto& [sender, channel] : worker->machine().egress)
        if (rules.mq.expected_sequence(sender) > channel.next_sequence) return fail(broken("the chain is ahead of " + to_string(sender)));
      // a restart at the end finds the same machine on disk
      const auto before = worker::image_of(worker->machine());
      worker->stop();
      TRY(worker->start());
      if (worker::image_of(worker->machine()) != before) return fail(broken("a restart changes a worker's state"));
    }
    return {};
  }

  const World& world_;
  const Config& config_;
  Chance chance_;
  Clockwork clock_;
  crypto::Ed25519Pair sealer_;
  SimChain chain_;
  worker::MachineConfig machine_config_;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  relay::View view_;
  std::deque<relay::Transact> transacting_;
  u64 node_away_until_ms_ = 0;
  const crypto::KeyPair alice_ = *crypto::KeyPair::from_uri("//Alice"), bob_ = *crypto::KeyPair::from_uri("//Bob"), charlie_ = *crypto::KeyPair::from_uri("//Charlie"),
                        dave_ = *crypto::KeyPair::from_uri("//Dave"), operator_ = *crypto::KeyPair::from_uri("//Ferdie");
  const Hash cluster_ = [] { Hash id; id[31] = 1; return id; }();
  const Bytes salt_{1, 2, 3};
  std::optional<Hash> contract_;
  std::map<BlockNumber, Hash> roots_;
  std::optional<Error> failure_;
  Outcome outcome_;
};

Result<Bytes> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::not_found, "cannot read " + path, "build the tree first");
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

Result<World> World::make(const std::string& system_wasm_path, const std::string& flipper_contract_path) {
  World world(TRY(engine::Engine::create()), TRY(attest::DevelopmentAuthority::create(crypto::Seed(Bytes(32, 7)), start_ms / 1000)));
  world.system_code = TRY(read_file(system_wasm_path));
  const Bytes contract = TRY(read_file(flipper_contract_path));
  const auto json = nlohmann::json::parse(as_text(contract), nullptr, false);
  if (json.is_discarded()) return fail(ErrorCode::corrupted, flipper_contract_path + " is not JSON");
  world.flipper_code = TRY(from_hex(json["source"]["wasm"].get<std::string>()));
  return world;
}

Result<attest::SoftwareEvidence> World::evidence(const attest::ReportData& report_data) const {
  std::scoped_lock lock(made_->mutex);
  const auto at = made_->by_data.find(report_data);
  if (at != made_->by_data.end()) return at->second;
  auto evidence = TRY(attest::collect_software_evidence(authority, attest::software_enclave(), report_data, start_ms / 1000));
  return made_->by_data.emplace(report_data, std::move(evidence)).first->second;
}

Result<Outcome> run(const World& world, const Config& config) {
  Chance chance(~config.seed);
  auto sealer = crypto::Ed25519Pair::from_seed(crypto::Seed(chance.bytes(32)));
  runtime::AttestationPolicy policy;
  policy.root_certificates = {world.authority.root_certificate()};
  policy.allowed_measurements = {to_bytes(attest::software_measurement())};
  const auto spec = TRY(runtime::development_spec(sealer.public_key, std::move(policy), world.system_code));
  return Network(world, config, spec, std::move(sealer)).run();
}

}  // namespace phala::sim

#include "sim/network.hpp"

#include <deque>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <queue>

#include "crypto/hash.hpp"
#include "plan/plan.hpp"
#include "sim/asker.hpp"
#include "sim/users.hpp"

namespace phala::sim {
namespace {

using pallets::Registry;

/// Of the relay's transactions, as the program's own.
constexpr u32 longevity_blocks = 16;

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
      : world_(world), config_(config), chance_(config.seed), sealer_(std::move(sealer)), chain_(spec, sealer_), users_(world, config, chance_, chain_),
        machine_config_{runtime::trust_root(runtime::build_genesis(spec)), spec.development} {
    for (size_t i = 0; i < config.workers; ++i) workers_.push_back(std::make_unique<SimWorker>(world, machine_config_, chance_));
    view_.workers.resize(config.workers);
    unreachable_until_ms_.resize(config.workers);
  }

  Result<Outcome> run() {
    for (auto& worker : workers_) TRY(worker->start());
    clock_.at(clock_.now_ms + block_ms, [this] { on_block_time(); });
    clock_.at(clock_.now_ms, [this] { relay_turn(); });
    while (!failure_ && !done() && chain_.height() < config_.most_blocks)
      if (!clock_.step()) return fail(broken("nothing is under way any more at height " + std::to_string(chain_.height())));
    if (failure_) return fail(Error(*failure_).in("height " + std::to_string(chain_.height())));
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
  u64 for_a_while(u64 most_blocks) { return clock_.now_ms + chance_.below(most_blocks * block_ms); }

  void on_block_time() {
    clock_.at(clock_.now_ms + block_ms, [this] { on_block_time(); });
    mishaps();
    if (!node_up()) return;
    if (auto made = chain_.produce(clock_.now_ms); !made) {
      failure_ = made.error();
      return;
    }
    users_.turn(workers_, clock_.now_ms);
    if (users_.contract() && chance_.below(3) == 0) ask_one();
    if (chance_.one_in_thousand(config_.faults.crash_node)) {
      ++outcome_.node_crashes;
      chain_.lose_power();
      must_remind_ = true;
      node_away_until_ms_ = for_a_while(4);
    }
    if (!lost()) to_relay([this] { hear_height(); });
  }

  /// What happens to relay and lines meanwhile.
  void mishaps() {
    if (chance_.one_in_thousand(config_.faults.crash_relay)) crash_relay();
    if (!chance_.one_in_thousand(config_.faults.partition)) return;
    ++outcome_.partitions;
    const size_t whom = chance_.below(workers_.size() + 1);
    (whom == workers_.size() ? node_unreachable_until_ms_ : unreachable_until_ms_[whom]) = for_a_while(10);
  }

  // ---- the relay -----------------------------------------------------------------------------------------------------
  bool lost() {
    const bool is = chance_.one_in_thousand(config_.faults.drop);
    outcome_.dropped += is;
    return is;
  }
  bool repeated() {
    const bool is = chance_.one_in_thousand(config_.faults.repeat);
    outcome_.repeated += is;
    return is;
  }
  bool tampers() { return chance_.one_in_thousand(config_.faults.tamper); }
  void later(std::function<void()> what) { clock_.at(clock_.now_ms + 1 + chance_.below(config_.faults.longest_delay_ms), std::move(what)); }
  /// On its way to the relay that is there now; a later one never asked.
  void to_relay(std::function<void()> what) {
    later([this, life = relay_life_, what = std::move(what)] {
      if (life != relay_life_) return;
      what();
      relay_turn();
    });
  }

  void crash_relay() {
    ++outcome_.relay_crashes;
    ++relay_life_;
    view_ = {};
    view_.workers.resize(workers_.size());
    transacting_.clear();
    waiting_.clear();
    relay_away_until_ms_ = for_a_while(4);
    clock_.at(relay_away_until_ms_, [this] { relay_turn(); });
  }
  void relay_turn() {
    if (clock_.now_ms < relay_away_until_ms_) return;
    auto plan = relay::next_plan(view_, clock_.now_ms);
    for (auto& action : plan.actions) std::visit([&](const auto& a) { perform(a); }, action);
    if (plan.wake_at_ms) clock_.at(std::max(*plan.wake_at_ms, clock_.now_ms + 1), [this] { relay_turn(); });
  }
  bool node_reachable() const { return node_up() && clock_.now_ms >= node_unreachable_until_ms_; }

  void hear_height() {
    if (!node_reachable()) return;
    relay::heard_height(view_, chain_.height());
    // a new connection: what was sent over the old one may never have arrived
    if (!std::exchange(must_remind_, false)) return;
    std::erase_if(waiting_, [&](const auto& one) { return one.first <= chain_.height(); });
    for (const auto& [void_at, extrinsic] : waiting_) static_cast<void>(chain_.submit(extrinsic, clock_.now_ms));
  }

  /// A request to the node that changes nothing there: its answer comes later, or it fails.
  void ask_node(std::function<void()> answered) {
    to_relay([this, answered = std::move(answered)] {
      if (!node_reachable() || lost()) {
        must_remind_ = true;
        relay::node_failed(view_, clock_.now_ms);
      } else {
        answered();
      }
    });
  }

  /// What the relay learns from an answer; nothing: the worker refused.
  using Told = std::optional<std::function<void()>>;
  /// A request to a worker: what it does there, and later, unless the answer is lost on the way back, what the relay is told.
  void ask_worker(relay::WorkerIndex i, std::function<Told(SimWorker&)> effect) {
    later([this, i, life = relay_life_, effect = std::move(effect)] {
      const bool arrived = workers_[i]->up() && clock_.now_ms >= unreachable_until_ms_[i] && !lost();
      Told told = arrived ? arrive(i, effect) : Told{};
      if (arrived && repeated())
        later([this, i, effect] {
          if (workers_[i]->up()) static_cast<void>(arrive(i, effect));
        });
      if (life != relay_life_) return;
      to_relay([this, i, told = std::move(told)] {
        if (told && clock_.now_ms >= unreachable_until_ms_[i] && !lost()) (*told)();
        else relay::worker_failed(view_, i, clock_.now_ms);
      });
    });
  }
  Told arrive(relay::WorkerIndex i, const std::function<Told(SimWorker&)>& effect) {
    SimWorker& worker = *workers_[i];
    if (chance_.one_in_thousand(config_.faults.crash_worker)) worker.lose_power_after(chance_.below(6000));
    Told told = effect(worker);
    if (worker.up()) return told;
    restart_later(i);
    return {};
  }
  void restart_later(relay::WorkerIndex i) {
    ++outcome_.worker_crashes;
    clock_.at(for_a_while(2), [this, i] {
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
    ask_worker(poll.worker, [this, i = poll.worker](SimWorker& worker) -> Told {
      if (worker.machine().tip.number > 0 && !bring_proof(worker)) return {};
      return [this, i, report = worker.report()] { relay::polled(view_, i, report, clock_.now_ms); };
    });
  }
  /// What the chain has of a worker's messages, and asks of its build. False: lost on the way, one way or the other.
  bool bring_proof(SimWorker& worker) {
    const auto keys = worker::settle_keys(worker.machine(), worker.identity().public_key());
    const BlockNumber at = worker.machine().tip.number;
    auto proof = chain_.proof(at, keys);
    if (tampers()) {
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
    ask_worker(sync.worker, [this, sync](SimWorker& worker) -> Told {
      light::Batch batch = chain_.batch(sync.from, sync.to);
      const bool tampered = tampers() && tamper(batch);
      const auto before = worker.machine().tip;
      const auto taken = worker.sync(batch);
      if (tampered) {
        ++outcome_.tampered;
        if (taken) failure_ = broken("worker " + std::to_string(sync.worker) + " took a changed batch of blocks " + std::to_string(sync.from) + "–" + std::to_string(sync.to));
        else if (worker.up() && !(worker.machine().tip == before)) failure_ = broken("a refused batch changed a worker");
        return {};
      }
      if (!taken) {
        // a request that came twice, or one of an earlier relay, is refused; what follows the tip never
        if (worker.up() && before.number + 1 == sync.from) failure_ = Error(taken.error()).in("a worker refuses genuine blocks");
        return {};
      }
      check_root(worker);
      return [this, i = sync.worker, next = *taken] { relay::synced(view_, i, next); };
    });
  }
  /// One account pays for all of them, so they go one after the other; after a failure the rest would only wait behind a gap.
  void perform(const relay::Transact& transact) {
    transacting_.push_back(transact);
    if (transacting_.size() == 1) to_relay([this] { next_transaction(); });
  }
  void next_transaction() {
    const relay::Transact transact = transacting_.front();
    transacting_.pop_front();
    const SimWorker& worker = *workers_[transact.worker];
    const auto call = worker.up() ? call_of(worker, transact.claim) : std::nullopt;
    if (!call) relay::not_sent(view_, transact.claim);
    if (!call || !send(transact.claim, *call))
      for (; !transacting_.empty(); transacting_.pop_front()) relay::not_sent(view_, transacting_.front().claim);
    if (!transacting_.empty()) to_relay([this] { next_transaction(); });
  }
  /// False: refused, or nobody knows. What was not answered may have arrived, so it counts as sent.
  bool send(const relay::Claim& claim, const Bytes& call) {
    const Bytes extrinsic = chain_.sign(operator_, call, longevity_blocks);
    const BlockNumber void_at = chain_.height() + longevity_blocks;
    const bool arrived = node_reachable() && !lost();
    const bool taken = arrived && chain_.submit(extrinsic, clock_.now_ms);
    if (taken && repeated() && chain_.submit(extrinsic, clock_.now_ms)) failure_ = broken("the pool took a transaction twice");
    const bool answered = arrived && !lost();
    if (answered && !taken) {
      relay::refused(view_, claim);
      return false;
    }
    waiting_.emplace_back(void_at, extrinsic);
    if (!answered) must_remind_ = true;
    relay::sent(view_, claim, void_at);
    return answered;
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
    switch (chance_.below(4)) {
      case 0: proof[node][chance_.below(proof[node].size())] ^= static_cast<u8>(1 + chance_.below(255)); return;
      case 1: proof.erase(proof.begin() + static_cast<long>(node)); return;
      case 2: {   // of a state in which the chain has taken everything
        trie::MemoryTrie other = chain_.trie(at);
        for (const auto& key : keys) other.insert(key, scale::encode(u64{1000}));
        proof = trie::prove(other, keys);
        return;
      }
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

  // ---- what must hold ------------------------------------------------------------------------------------------------
  void check_root(const SimWorker& worker) {
    if (!worker.machine().cluster) return;
    const Hash root = worker.machine().cluster->state.root();
    const auto [known, first] = roots_.try_emplace(worker.machine().tip.number, root);
    if (!first && known->second != root) failure_ = broken("two workers have different cluster states after block " + std::to_string(worker.machine().tip.number));
  }

  bool has_contract(const SimWorker& worker) const {
    return worker.up() && worker.machine().cluster && worker.machine().cluster->contracts.contains(*users_.contract());
  }
  /// Somebody asks a worker, straight and encrypted.
  void ask_one() {
    SimWorker& worker = *workers_[chance_.below(workers_.size())];
    if (!has_contract(worker)) return;
    if (const auto told = ask(worker); !told) failure_ = told.error();
  }
  /// The counter by an encrypted query: what everybody else was told at that block, and not less than was told before it.
  Result<u32> ask(SimWorker& worker) {
    ++outcome_.queries;
    const Bytes data = TRY(Asker(users_.bob(), chance_).ask(worker, *users_.contract(), select_counter));
    if (data.size() != 5 || data[0] != 0) return fail(broken("the counter answers " + to_hex(data)));
    const u32 counter = load_le<u32>(data.data() + 1);
    const auto [at, first] = told_.try_emplace(worker.machine().tip.number, counter);
    if (at->second != counter) return fail(broken("two answers differ at block " + std::to_string(at->first)));
    if (at != told_.begin() && std::prev(at)->second > counter) return fail(broken("an answer went back at block " + std::to_string(at->first)));
    return counter;
  }

  bool done() const {
    if (!users_.all_sent()) return false;
    BlockNumber tip = 0;
    for (const auto& worker : workers_) {
      if (!has_contract(*worker)) return false;
      tip = std::max(tip, worker->machine().tip.number);
    }
    for (const auto& worker : workers_)
      if (worker->machine().tip.number != tip || counter_of(*worker).value_or(~0u) != users_.expected_counter()) return false;
    return true;
  }
  /// As the engine sees it; cheap enough to look after every step.
  Result<u32> counter_of(const SimWorker& worker) const {
    const auto& cluster = *worker.machine().cluster;
    engine::CallRequest request{{.mode = engine::Mode::query, .origin = users_.bob().account(), .gas_limit = 1'000'000'000'000}, *users_.contract(), select_counter};
    const auto& secret = cluster.key->secret();
    const engine::ExecContext context{worker.machine().tip.number, worker.machine().tip.now_ms, worker.identity().public_key(), &secret, {}};
    const auto outcome = TRY(engine::call(*world_.engine, cluster.state, context, request));
    if (!outcome.result.result || outcome.result.result->data.size() != 5) return fail(broken("the counter does not answer"));
    return load_le<u32>(outcome.result.result->data.data() + 1);
  }
  std::string where_it_stands() const {
    std::string out = users_.contract() ? "contract there" : "no contract";
    const auto rules = chain_.read();
    out += ", gatekeepers " + std::to_string(rules.registry.gatekeeper.get().size());
    out += ", cluster " + std::string(rules.phat.clusters.get(users_.cluster()) ? "on chain" : "not on chain");
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
    if (const u32 sent = users_.fewest_sent(); sent < config_.traffic_until / 2) return fail(broken("a user got only " + std::to_string(sent) + " messages into " + std::to_string(chain_.height()) + " blocks"));
    for (const auto& worker : workers_) {
      if (TRY(ask(*worker)) != users_.expected_counter()) return fail(broken("a message was lost or applied twice"));
      TRY(Asker(users_.bob(), chance_).ask_wrongly(*worker, *users_.contract(), select_counter));
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
  Users users_;
  worker::MachineConfig machine_config_;
  Workers workers_;
  relay::View view_;
  u64 relay_life_ = 0;                                        ///< counts relays: each knows nothing of the one before
  std::deque<relay::Transact> transacting_;
  std::vector<std::pair<BlockNumber, Bytes>> waiting_;        ///< sent and not yet void: since when it is, and the transaction
  bool must_remind_ = false;                                  ///< some of them may not have arrived
  u64 node_away_until_ms_ = 0, relay_away_until_ms_ = 0, node_unreachable_until_ms_ = 0;
  std::vector<u64> unreachable_until_ms_;                     ///< workers, for the relay
  const crypto::KeyPair operator_ = *crypto::KeyPair::from_uri("//Ferdie");
  std::map<BlockNumber, Hash> roots_;
  std::map<BlockNumber, u32> told_;                           ///< answers of queries, by the block they are of
  std::optional<Error> failure_;
  Outcome outcome_;
};

Result<Bytes> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::not_found, "cannot read " + path, "build the tree first");
  return Bytes(std::istreambuf_iterator<char>(file), {});
}
Result<Bytes> code_of(const std::string& contract_path) {
  const auto json = nlohmann::json::parse(as_text(TRY(read_file(contract_path))), nullptr, false);
  if (json.is_discarded()) return fail(ErrorCode::corrupted, contract_path + " is not JSON");
  return from_hex(json["source"]["wasm"].get<std::string>());
}

}  // namespace

std::string to_text(const Outcome& o) {
  return "height " + std::to_string(o.height) + " head " + to_hex0x(o.head) + " state " + to_hex0x(o.state_root) + " log " + to_hex0x(o.log_root) + " cluster " + to_hex0x(o.cluster_root) +
         " dropped " + std::to_string(o.dropped) + " repeated " + std::to_string(o.repeated) + " crashes " + std::to_string(o.worker_crashes) + " " + std::to_string(o.node_crashes) + " " +
         std::to_string(o.relay_crashes) + " partitions " + std::to_string(o.partitions) + " tampered " + std::to_string(o.tampered) + " queries " + std::to_string(o.queries);
}

Result<World> World::make(const std::string& system_wasm_path, const std::string& contracts_folder) {
  World world(TRY(engine::Engine::create()), TRY(attest::DevelopmentAuthority::create(crypto::Seed(Bytes(32, 7)), start_ms / 1000)));
  world.system_code = TRY(read_file(system_wasm_path));
  world.flipper_code = TRY(code_of(contracts_folder + "/flipper.contract"));
  world.caller_code = TRY(code_of(contracts_folder + "/caller.contract"));
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

#include "core/cluster.hpp"

namespace phala::worker {

using protocol::ContractId;

namespace {

/// What an account without a record takes of the cluster's room.
constexpr u64 account_bytes = engine::ClusterState::entry_bytes(1 + AccountId::bytes, 2 * sizeof(engine::Balance));

/// Splits the engine's answer: what every worker sees as a refusal stays an error, what only this machine suffers ends the block.
template <class T>
Result<T> on_this_machine(ClusterTurn& turn, Result<T> result) {
  if (!result && (result.error().code == ErrorCode::internal || result.error().code == ErrorCode::unavailable || result.error().code == ErrorCode::corrupted))
    turn.failure = result.error();
  return result;
}

void note(ClusterTurn& turn, std::string_view topic, Error error) { turn.report.notes.push_back({turn.block, std::string(topic), std::move(error)}); }

engine::ExecContext context_of(const ClusterTurn& turn, const Cluster& cluster) {
  return {turn.block, turn.now_ms, {}, &cluster.key->secret(), *cluster.system_code, turn.named_runtime, cluster.room_bytes(turn.max_cluster_bytes)};
}

/// A contract whose record is gone has terminated: its hook, weight and commands go with it.
void drop_terminated(Cluster& cluster, const StateDiff& diff) {
  for (const auto& [key, value] : diff) {
    if (value || key.size() <= ContractId::bytes) continue;
    const ContractId id(ByteView(key).last(ContractId::bytes));
    if (key == engine::key::contract(id.as<engine::ContractId>())) cluster.contracts.erase(id);
  }
}

void commit(ClusterTurn& turn, Cluster& cluster, const StateDiff& diff) {
  cluster.state.apply(diff);
  drop_terminated(cluster, diff);
  for (const auto& [key, value] : diff) turn.diff[key] = value;
}

/// This worker's cluster, if it is the one that is meant.
Cluster* cluster_of(ClusterTurn& turn, const protocol::ClusterId& id) { return turn.cluster && turn.cluster->id == id ? &*turn.cluster : nullptr; }

/// For what is not a run: those are held to the room they have by the engine, which lets them remove things.
Result<> room_left(const ClusterTurn& turn, const Cluster& cluster, u64 bytes) {
  if (bytes <= cluster.room_bytes(turn.max_cluster_bytes)) return {};
  return fail(ErrorCode::refused, "the cluster is full: it may hold " + std::to_string(turn.max_cluster_bytes) + " bytes",
              "remove what is not needed, or terminate contracts");
}

/// From the next run on. A version that is not newer is no upgrade; one that this build lacks ends the block, so that nothing is run by other
/// rules and nothing is lost: a build that has it goes on from here.
void upgrade(ClusterTurn& turn, Cluster& cluster, engine::RuntimeVersion version) {
  const auto before = cluster.state.runtime_version();
  const auto diff = on_this_machine(turn, engine::upgrade(cluster.state, version).context("upgrade of cluster " + to_hex0x(cluster.id)));
  if (!diff || diff->empty()) return;
  commit(turn, cluster, *diff);
  constexpr u8 info = 3;
  const ContractId system = cluster.system_contract().value_or(ContractId{});
  turn.report.records.push_back(record::Log{turn.block, system, system, ExecMode::transaction, turn.now_ms, info,
                                            "contract runtime " + engine::version_text(version) + " from now on, " + engine::version_text(*before) + " before"});
}

void take_event(ClusterTurn& turn, Cluster& cluster, const engine::EmittedPinkEvent& emitted) {
  const auto id = emitted.contract.as<Hash>();
  if (emitted.event.system_only() && cluster.system_contract() != id)
    return note(turn, "pink event", {ErrorCode::refused, "contract " + to_hex0x(id) + " emitted an event that is the system contract's"});
  const auto entry_of = [&](const AccountId& contract) -> ContractEntry* {
    const auto at = cluster.contracts.find(contract.as<Hash>());
    return at == cluster.contracts.end() ? nullptr : &at->second;
  };
  if (const auto* hook = emitted.event.get_if<engine::SetHook>()) {
    if (ContractEntry* entry = entry_of(hook->contract); entry != nullptr && hook->hook == 0) {
      if (hook->gas_limit == 0) entry->on_block_end.reset();
      else entry->on_block_end = BlockEndHook{hook->selector, hook->gas_limit, entry->on_block_end ? entry->on_block_end->tag : 0};
    } else {
      note(turn, "pink event", {ErrorCode::refused, "a hook was set for " + to_hex0x(hook->contract) + ", which is not here, or of an unknown kind"});
    }
  } else if (const auto* weight = emitted.event.get_if<engine::SetContractWeight>()) {
    if (ContractEntry* entry = entry_of(weight->contract)) entry->weight = weight->weight;
  } else if (const auto* handler = emitted.event.get_if<engine::SetLogHandler>()) {
    cluster.log_handler = handler->contract.as<Hash>();
  } else if (const auto* asked = emitted.event.get_if<engine::UpgradeRuntimeTo>()) {
    upgrade(turn, cluster, asked->version);
  } else if (auto change = cache_change_of(emitted)) {
    turn.report.cache.push_back(std::move(*change));
  } else {
    note(turn, "pink event", {ErrorCode::unavailable, "contract " + to_hex0x(id) + " asked for a SideVM or JavaScript runtime, which this worker does not have"});
  }
}

void take_effects(ClusterTurn& turn, Cluster& cluster, const engine::Effects& effects) {
  for (const auto& made : effects.instantiated) {
    const auto id = made.contract.as<Hash>();
    cluster.contracts.try_emplace(id);
    push(turn.egress, origin::Cluster{cluster.id}, *cluster.key, protocol::topic::contract_registry_event,
         scale::encode(protocol::ContractRegistryEvent(
             protocol::ContractPubkeyAvailable{id, contract_key(*cluster.key, id).public_key(), made.deployer.as<Hash>()})));
  }
  for (const auto& emitted : effects.pink_events) take_event(turn, cluster, emitted);
  collect_records(turn.report.records, effects, turn.block, turn.now_ms, ExecMode::transaction);
  if (effects.event_block)
    turn.report.event_blocks.push_back({*effects.event_block, turn.identity.sign(wrap_content(*effects.event_block, SignedContent::event_chain_block))});
}

void report_deployment(ClusterTurn& turn, const protocol::WorkerClusterReport& event) {
  push(turn.egress, origin::Worker{turn.identity.public_key()}, turn.identity, protocol::topic::worker_cluster_report, scale::encode(event));
}

Result<Cluster> set_up(ClusterTurn& turn, const protocol::DispatchKeys& keys, const protocol::EncryptedKey& sealed) {
  if (!turn.may_hold_cluster) return fail(ErrorCode::refused, "a gatekeeper does not take part in clusters");
  if (turn.cluster) return fail(ErrorCode::refused, "this worker is in cluster " + to_hex0x(turn.cluster->id) + " already");
  if (keys.system_code.empty()) return fail(ErrorCode::refused, "the chain has no system contract yet");
  if (auto known = engine::rules_of(keys.runtime_version); !known)
    return fail(ErrorCode::refused, known.error().message, "install a worker that has it before the cluster is made");
  Cluster cluster{keys.cluster, std::make_shared<const Sr25519Pair>(TRY(decrypt_pair_from(turn.identity, sealed).context("cluster key"))),
                  std::make_shared<const Bytes>(keys.system_code), {}, {}, {}};
  const engine::ClusterSetup setup{{keys.cluster, keys.owner, keys.gas_price, keys.deposit_per_item, keys.deposit_per_byte, keys.treasury_account, {}},
                                   keys.deposit, keys.system_code, keys.runtime_version};
  const auto outcome = TRY(on_this_machine(turn, engine::setup_cluster(turn.engine, cluster.state, context_of(turn, cluster), setup)));
  commit(turn, cluster, outcome.diff);
  take_effects(turn, cluster, outcome.effects);
  // named since the cluster was ordered, or the same
  if (turn.system_code.code) cluster.system_code = turn.system_code.code;
  return cluster;
}

Result<> on_system_code(ClusterTurn& turn, const protocol::SystemCode& named) {
  if (named.version <= turn.system_code.version)
    return fail(ErrorCode::refused, "system code " + std::to_string(named.version) + " is not newer than " + std::to_string(turn.system_code.version));
  turn.system_code = {named.version, std::make_shared<const Bytes>(named.code)};
  if (turn.cluster) turn.cluster->system_code = turn.system_code.code;
  return {};
}

Result<> on_contract_runtime(ClusterTurn& turn, engine::RuntimeVersion version) {
  turn.named_runtime = version;
  if (engine::rules_of(version)) return {};
  // nothing is wrong yet, but the first cluster that takes it up stops this worker
  return fail(ErrorCode::unavailable, "the chain names contract runtime " + engine::version_text(version) + ", which this build does not have",
              "install a worker that has it before a cluster is upgraded");
}

Result<> dispatch_keys(ClusterTurn& turn, const MessageOrigin& sender, const protocol::DispatchKeys& keys) {
  if (!sender.is<origin::Gatekeeper>()) return fail(ErrorCode::refused, "sent by " + to_string(sender) + ", not by the gatekeepers");
  const auto mine = keys.secret_keys.find(turn.identity.public_key());
  if (mine == keys.secret_keys.end()) return {};
  auto cluster = set_up(turn, keys, mine->second);
  if (!cluster) {
    report_deployment(turn, protocol::ClusterDeploymentFailed{keys.cluster});
    return fail(std::move(cluster).error().in("deploy cluster " + to_hex0x(keys.cluster)));
  }
  report_deployment(turn, protocol::ClusterDeployed{keys.cluster, cluster->key->public_key()});
  turn.cluster = std::move(*cluster);
  return {};
}

void leave_cluster(ClusterTurn& turn) {
  turn.cluster->state.for_each([&](ByteView key, ByteView) { turn.diff[to_bytes(key)] = std::nullopt; });
  turn.egress.erase(origin::Cluster{turn.cluster->id});
  turn.cluster.reset();
}

Result<> upload(ClusterTurn& turn, Cluster& cluster, const protocol::UploadResource& resource) {
  TRY(room_left(turn, cluster, resource.resource_data.size()));
  if (resource.resource_type == protocol::ResourceType::sidevm_code) {
    const auto done = TRY(on_this_machine(turn, engine::upload_sidevm_code(cluster.state, resource.origin, resource.resource_data)));
    commit(turn, cluster, done.diff);
    return {};
  }
  const auto determinism = resource.resource_type == protocol::ResourceType::ink_code ? engine::Determinism::enforced : engine::Determinism::relaxed;
  const auto done = TRY(on_this_machine(turn, engine::upload_code(turn.engine, cluster.state, resource.origin, resource.resource_data, determinism)));
  commit(turn, cluster, done.diff);
  return {};
}

void add_failure_record(ClusterTurn& turn, const ContractId& contract, std::string message) {
  turn.report.records.push_back(record::Log{turn.block, contract, contract, ExecMode::transaction, turn.now_ms, 1, std::move(message)});
}

/// Why a run did not do what was asked; nothing when it did.
std::optional<std::string> reason_of(const engine::Outcome& outcome) {
  if (outcome.result.succeeded()) return std::nullopt;
  if (!outcome.reason.empty()) return outcome.reason;
  return outcome.result.result.has_value() ? "the contract reverted" : "the call was refused";
}

}  // namespace

std::string_view to_string(ExecMode mode) {
  switch (mode) {
    case ExecMode::query: return "query";
    case ExecMode::estimating: return "estimating";
    case ExecMode::transaction: return "transaction";
  }
  return "unknown";
}

std::optional<ContractId> Cluster::system_contract() const {
  const auto config = state.config();
  return config && config->system_contract ? std::optional(config->system_contract->as<Hash>()) : std::nullopt;
}

u64 Cluster::room_bytes(u64 max_cluster_bytes) const {
  const u64 taken = state.memory_bytes();
  return taken < max_cluster_bytes ? max_cluster_bytes - taken : 0;
}

std::optional<ContractId> contract_of_topic(ByteView topic) {
  static constexpr std::string_view prefix = "phala/contract/", suffix = "/command";
  const std::string_view text = as_text(topic);
  if (text.size() != prefix.size() + 64 + suffix.size() || !text.starts_with(prefix) || !text.ends_with(suffix)) return std::nullopt;
  const std::string_view digits = text.substr(prefix.size(), 64);
  if (digits.find_first_not_of("0123456789abcdef") != digits.npos) return std::nullopt;
  return Hash(*from_hex(digits));
}

std::optional<CacheChange> cache_change_of(const engine::EmittedPinkEvent& emitted) {
  const auto* cache = emitted.event.get_if<engine::CacheOpEvent>();
  if (cache == nullptr) return std::nullopt;
  const auto id = emitted.contract.as<Hash>();
  if (const auto* set = cache->operation.get_if<engine::CacheSet>()) return CacheChange{id, set->key, set->value, {}};
  if (const auto* expire = cache->operation.get_if<engine::CacheSetExpiration>()) return CacheChange{id, expire->key, {}, expire->seconds};
  return CacheChange{id, cache->operation.get_if<engine::CacheRemove>()->key, {}, {}};
}

void collect_records(std::vector<LogRecord>& records, const engine::Effects& effects, BlockNumber block, u64 now_ms, ExecMode mode) {
  for (const auto& log : effects.logs)
    records.push_back(record::Log{block, log.contract.as<Hash>(), log.entry.as<Hash>(), mode, now_ms, log.level, log.message});
  for (const auto& event : effects.ink_events) records.push_back(record::Event{block, event.contract.as<Hash>(), event.topics, event.payload});
}

Result<> on_cluster_operation(ClusterTurn& turn, const MessageOrigin& sender, const protocol::ClusterOperation& event) {
  if (const auto* keys = event.get_if<protocol::DispatchKeys>()) return dispatch_keys(turn, sender, *keys);
  if (!sender.is<origin::Pallet>()) return fail(ErrorCode::refused, "sent by " + to_string(sender) + ", which is no pallet");
  if (const auto* destroy = event.get_if<protocol::DestroyCluster>()) {
    if (cluster_of(turn, destroy->cluster) != nullptr) leave_cluster(turn);
  } else if (const auto* resource = event.get_if<protocol::UploadResource>()) {
    if (Cluster* cluster = cluster_of(turn, resource->cluster_id))
      return upload(turn, *cluster, *resource).context("upload by " + to_hex0x(resource->origin));
  } else if (const auto* money = event.get_if<protocol::Deposit>()) {
    if (Cluster* cluster = cluster_of(turn, money->cluster_id)) {
      if (!cluster->state.get(engine::key::account(money->account))) TRY(room_left(turn, *cluster, account_bytes).context("deposit for " + to_hex0x(money->account)));
      commit(turn, *cluster, TRY(on_this_machine(turn, engine::deposit(cluster->state, money->account, money->amount))));
    }
  } else if (const auto* remove = event.get_if<protocol::RemoveWorker>()) {
    if (remove->worker == turn.identity.public_key() && cluster_of(turn, remove->cluster_id) != nullptr) leave_cluster(turn);
  } else if (const auto* code = event.get_if<protocol::SystemCode>()) {
    return on_system_code(turn, *code);
  } else if (const auto* runtime = event.get_if<protocol::ContractRuntime>()) {
    return on_contract_runtime(turn, runtime->version);
  }
  return {};
}

Result<> on_contract_operation(ClusterTurn& turn, const MessageOrigin& sender, const protocol::ContractOperation& event) {
  if (!sender.is<origin::Pallet>()) return fail(ErrorCode::refused, "sent by " + to_string(sender) + ", which is no pallet");
  const auto& order = *event.get_if<protocol::InstantiateCode>();
  const auto& info = order.contract_info;
  Cluster* cluster = cluster_of(turn, info.cluster_id);
  if (cluster == nullptr) return {};
  const Hash& code = info.code_index.get_if<protocol::WasmCode>()->hash;
  const ContractId id = protocol::contract_id(info.deployer, code, info.cluster_id, info.salt);
  engine::InstantiateRequest request{{engine::Mode::transaction, info.deployer, order.transfer, order.gas_limit, false, order.storage_deposit_limit}, code,
                                     info.instantiate_data, info.salt};
  const auto outcome = TRY(on_this_machine(turn, engine::instantiate(turn.engine, cluster->state, context_of(turn, *cluster), request)));
  commit(turn, *cluster, outcome.diff);
  take_effects(turn, *cluster, outcome.effects);
  if (const auto reason = reason_of(outcome)) {
    add_failure_record(turn, id, "instantiate failed: " + *reason);
    return fail(ErrorCode::refused, "instantiate " + to_hex0x(id) + ": " + *reason);
  }
  return {};
}

Result<> on_command(ClusterTurn& turn, const MessageOrigin& sender, const ContractId& contract, ByteView raw) {
  if (!turn.cluster || !turn.cluster->contracts.contains(contract)) return {};
  Cluster& cluster = *turn.cluster;
  const auto payload = TRY(scale::decode<protocol::CommandPayload>(raw).map_error(scale::to_error));
  protocol::InkCommand command;
  if (const auto* plain = payload.get_if<protocol::PlainCommand>()) {
    command = plain->command;
  } else {
    const Bytes opened = TRY(decrypt_data(contract_key(*cluster.key, contract), payload.get_if<protocol::EncryptedCommand>()->data).context("encrypted command"));
    command = TRY(scale::decode<protocol::InkCommand>(opened).map_error(scale::to_error).context("encrypted command"));
  }
  const auto& message = *command.get_if<protocol::InkMessage>();
  if (message.nonce.size() > 32) return fail(ErrorCode::invalid_input, "the nonce of a command has " + std::to_string(message.nonce.size()) + " bytes, more than 32");

  engine::CallRequest request{{engine::Mode::transaction, {}, message.transfer, message.gas_limit, false, message.storage_deposit_limit}, contract.as<AccountId>(), message.message};
  request.run.call_nonce = message.nonce;
  if (const auto* account = sender.get_if<origin::Account>()) {
    request.run.origin = account->id.as<AccountId>();
  } else if (const auto system = cluster.system_contract(); sender.is<origin::Pallet>() && system) {
    request.run.origin = system->as<AccountId>();
    request.run.gas_free = true;
  } else {
    return fail(ErrorCode::refused, "bad origin: a command from " + to_string(sender));
  }
  const auto outcome = TRY(on_this_machine(turn, engine::call(turn.engine, cluster.state, context_of(turn, cluster), request)));
  commit(turn, cluster, outcome.diff);
  take_effects(turn, cluster, outcome.effects);
  Bytes output = outcome.result.encode();
  append(output, ByteView(message.message).first(std::min<size_t>(4, message.message.size())));
  turn.report.records.push_back(record::MessageOutput{turn.block, request.run.origin.as<Hash>(), contract, message.nonce, std::move(output), payload.is<protocol::EncryptedCommand>()});
  if (const auto reason = reason_of(outcome)) return fail(ErrorCode::refused, "contract " + to_hex0x(contract) + ": " + *reason);
  return {};
}

namespace {

/// The gas it used. `turn.failure` is set when this machine could not run it.
u64 run_hook(ClusterTurn& turn, Cluster& cluster, const ContractId& id, const BlockEndHook& hook) {
  const auto account = id.as<AccountId>();
  const auto selector = be_bytes(hook.selector);
  const u64 gas = std::min(hook.gas_limit, most_gas_of_hook(turn.hook_gas_per_block));
  const engine::CallRequest request{{engine::Mode::transaction, account, 0, gas, false}, account, Bytes(selector.begin(), selector.end())};
  const auto outcome = on_this_machine(turn, engine::call(turn.engine, cluster.state, context_of(turn, cluster), request));
  if (turn.failure) return 0;
  if (!outcome) {
    note(turn, "on_block_end", outcome.error());
    return 0;
  }
  commit(turn, cluster, outcome->diff);
  take_effects(turn, cluster, outcome->effects);
  if (turn.failure) return 0;
  if (const auto reason = reason_of(*outcome)) note(turn, "on_block_end", {ErrorCode::refused, "contract " + to_hex0x(id) + ": " + *reason});
  return outcome->result.gas_consumed.ref_time;
}

}  // namespace

void on_block_end(ClusterTurn& turn) {
  if (!turn.cluster) return;
  Cluster& cluster = *turn.cluster;
  HookRound round(cluster.contracts, turn.hook_gas_per_block);
  while (const auto id = round.next()) {
    // a hook before this one may have ended the contract, or changed its hook
    const auto at = cluster.contracts.find(*id);
    if (at == cluster.contracts.end() || !at->second.on_block_end) continue;
    round.used(run_hook(turn, cluster, *id, BlockEndHook(*at->second.on_block_end)));
    if (turn.failure) return;
  }
  round.settle(cluster.contracts);
  HookCounts& counts = turn.report.hooks;
  counts.ran += round.started();
  counts.deferred += round.waiting();
  counts.gas += round.gas_used();
  if (round.waiting() > 0)
    note(turn, "on_block_end",
         {ErrorCode::refused, std::to_string(round.waiting()) + " hooks wait for a later block, that of contract " + to_hex0x(round.first_waiting()) +
                                  " first: those of this one have used " + std::to_string(round.gas_used()) + " gas"});
  if (const auto removed = on_this_machine(turn, engine::on_idle(cluster.state))) commit(turn, cluster, *removed);
}

}  // namespace phala::worker

#include "engine/engine.hpp"

#include "crypto/hash.hpp"
#include "engine/run.hpp"

namespace phala::engine {

namespace {

constexpr size_t sidevm_code_limit_bytes = 8 * 1024 * 1024;
constexpr Bytes::value_type default_constructor[] = {0xed, 0x4b, 0x9d, 0x1b};
constexpr size_t reason_limit_bytes = 512;

Gas gas_cap(Mode mode) { return mode == Mode::query ? max_gas_query : max_gas_transaction; }

Error no_cluster() { return {ErrorCode::refused, "the cluster is not set up", "set_up_cluster comes first"}; }

/// How a cluster is run. Its version first: it alone can be read whatever the version.
struct Terms { ClusterConfig config; const Rules& rules; };
Result<Terms> terms_of(const ClusterState& state) {
  const Rules* rules = TRY(rules_of(state));
  auto config = state.config();
  if (!config) return fail(no_cluster());
  return Terms{std::move(*config), *rules};
}

/// What a failed run answers. `gas` is what it burnt.
ContractResult failure(DispatchError error) {
  ContractResult out{};
  out.storage_deposit = Charge{0};
  out.result = fail(std::move(error));
  return out;
}

Result<u32, DispatchError> pay_for_gas(Journal& journal, const ClusterConfig& config, const AccountId& origin, Gas gas) {
  TRY(transfer(journal, origin, config.treasury, saturating_multiply(gas, config.gas_price)));
  return 0u;
}

/// The treasury gives back what was not used; it has it, because it was just paid.
void refund_gas(Journal& journal, const ClusterConfig& config, const AccountId& origin, Gas gas) {
  const Balance amount = saturating_multiply(gas, config.gas_price);
  Account treasury = account_of(journal, config.treasury);
  if (amount == 0 || treasury.free < amount || config.treasury == origin) return;
  treasury.free -= amount;
  put_account(journal, config.treasury, treasury);
  static_cast<void>(mint(journal, origin, amount));
}

/// The most the origin can be charged for storage. Error: its own limit is beyond its means.
Result<Balance, DispatchError> affordable_deposit(const Journal& journal, const RunRequest& request) {
  const Balance can = spendable(journal, request.origin);
  const Balance left = can > request.value ? can - request.value : 0;
  if (!request.storage_deposit_limit) return left;
  if (*request.storage_deposit_limit > left) return fail(DispatchError(ContractsError::StorageDepositNotEnoughFunds));
  return *request.storage_deposit_limit;
}

void drop_what_mode_forbids(Mode mode, Effects& effects) {
  if (mode == Mode::transaction) return;
  effects.instantiated.clear();
  effects.ink_events.clear();
  if (mode == Mode::estimating) effects.pink_events.clear();
  else std::erase_if(effects.pink_events, [](const EmittedPinkEvent& e) { return !e.event.allowed_in_query(); });
}

void mask(ContractResult& result, const ClusterConfig& config) {
  result.gas_consumed = {mask_gas(result.gas_consumed.ref_time), 0};
  result.gas_required = {mask_gas(result.gas_required.ref_time), 0};
  if (const auto* charge = result.storage_deposit.get_if<Charge>())
    result.storage_deposit = Charge{mask_deposit(charge->amount, config.deposit_per_byte)};
  else if (const auto* refund = result.storage_deposit.get_if<Refund>())
    result.storage_deposit = Refund{mask_deposit(refund->amount, config.deposit_per_byte)};
}

/// Everything between paying for the gas and giving back the rest.
Result<ContractResult> run_paid(Engine& engine, Journal& journal, const ExecContext& context, const RunRequest& request, const Terms& terms, Gas gas_limit, Entry entry,
                                Outcome& outcome) {
  const auto limit = affordable_deposit(journal, request);
  if (!limit) {
    outcome.reason = "the storage deposit limit is more than the origin has";
    return failure(limit.error());
  }
  entry.deposit_limit = *limit;
  const auto& [config, rules] = terms;
  const auto before = journal.checkpoint();
  Run run(engine.inside(), journal, context, request, config, rules);
  GasMeter meter(gas_limit);
  std::optional<Executed> executed;
  AccountId entry_contract = entry.contract;
  {
    const auto slot = TRY(engine.inside().acquire(kind_of(request.mode)));
    slot.stack().run([&] {
      try {
        executed = run.execute(nullptr, meter, std::move(entry));
      } catch (const std::bad_alloc&) {   // what a contract may make us hold is bounded, so this is the machine's poverty
        run.give_up(out_of_memory());
      }
    });
  }
  if (run.fatal) return fail(std::move(*run.fatal));
  if (*executed && (*executed)->account_id) entry_contract = *(*executed)->account_id;

  ContractResult result{};
  bool keep = executed->has_value() && !(*executed)->reverted();
  if (keep) {
    if (auto settled = run.settle(); !settled) {
      *executed = fail(ExecError{settled.error(), false, "the origin cannot pay the storage deposit"});
      keep = false;
    }
  }
  if (keep && request.mode != Mode::query && journal.grows_beyond(context.room_bytes)) {
    *executed = fail(ExecError{dispatch::Exhausted{}, false, "the cluster is full: remove what is not needed, or terminate contracts"});
    keep = false;
  }
  if (!keep) {
    journal.rollback(before);
    run.events.clear();
    run.instantiated.clear();
  }
  result.storage_deposit = keep ? run.total_deposits.net() : StorageDeposit(Charge{0});
  result.gas_consumed = {meter.consumed(), 0};
  result.gas_required = {meter.required(), 0};
  result.debug_message = std::move(run.debug_message);
  if (executed->has_value()) {
    result.result = std::move(**executed);
  } else {
    outcome.reason = executed->error().reason.substr(0, reason_limit_bytes);
    result.result = fail(executed->error().error);
  }
  outcome.effects = std::move(run.effects);
  outcome.effects.instantiated = std::move(run.instantiated);
  sort_events(run.events, config.system_contract, outcome.effects);
  if (keep && request.mode == Mode::transaction && rules.event_chain) {
    auto head = journal.read<EventChainHead>(key::event_chain()).value_or(EventChainHead{});
    EventsBlockBody body{context.block_number, request.call_nonce, entry_contract, std::move(run.events), request.origin};
    outcome.effects.event_block = next_events_block(rules.version, std::move(body), head);
    if (outcome.effects.event_block) journal.put(key::event_chain(), scale::encode(head));
  }
  return result;
}

Result<Outcome> run_entry(Engine& engine, const ClusterState& state, const ExecContext& context, const RunRequest& request, Entry entry) {
  const Terms terms = TRY(terms_of(state));
  const ClusterConfig& config = terms.config;
  Journal journal(state);
  Outcome outcome;
  const bool transaction = request.mode == Mode::transaction;
  const bool pays = transaction && !request.gas_free;
  const Gas gas_limit = std::min(request.gas_limit, gas_cap(request.mode));
  if (!transaction && !mint(journal, request.origin, request.deposit)) {
    outcome.result = failure(ArithmeticError::Overflow);
    return outcome;
  }
  if (pays) {
    if (auto paid = pay_for_gas(journal, config, request.origin, gas_limit); !paid) {
      outcome.result = failure(paid.error());
      outcome.reason = "the origin cannot pay for the gas limit";
      return outcome;
    }
  }
  outcome.result = TRY(run_paid(engine, journal, context, request, terms, gas_limit, std::move(entry), outcome));
  if (pays) refund_gas(journal, config, request.origin, gas_limit - outcome.result.gas_consumed.ref_time);
  if (transaction) outcome.diff = journal.diff();
  else mask(outcome.result, config);
  drop_what_mode_forbids(request.mode, outcome.effects);
  return outcome;
}

void merge(StateDiff& into, StateDiff more) {
  for (auto& [key, value] : more) into[key] = std::move(value);
}

}  // namespace

Result<Outcome> call(Engine& engine, const ClusterState& state, const ExecContext& context, const CallRequest& request) {
  return run_entry(engine, state, context, request.run, Entry{.contract = request.contract, .value = request.run.value, .input = request.input});
}

Result<Outcome> instantiate(Engine& engine, const ClusterState& state, const ExecContext& context, const InstantiateRequest& request) {
  return run_entry(engine, state, context, request.run,
                   Entry{.kind = Entry::Kind::instantiate, .code_hash = request.code_hash, .salt = request.salt, .value = request.run.value, .input = request.input});
}

Result<Outcome> setup_cluster(Engine& engine, const ClusterState& state, const ExecContext& context, const ClusterSetup& setup) {
  if (!state.entries().empty()) return fail(ErrorCode::refused, "set up cluster: its state is not empty");
  TRY(rules_of(setup.version));
  ClusterState next = state;
  StateDiff all;
  const auto step = [&](StateDiff diff) {
    next.apply(diff);
    merge(all, std::move(diff));
  };
  ClusterConfig config = setup.config;
  const Hash code_hash = crypto::blake2_256(setup.system_code);
  config.system_contract = contract_address(config.owner, code_hash, config.cluster_id, {});
  step({{key::config(), scale::encode(config)}, {key::runtime_version(), scale::encode(setup.version)}});
  step(TRY(deposit(next, config.owner, setup.owner_deposit)));
  step(TRY(upload_code(engine, next, config.owner, setup.system_code, Determinism::enforced).context("system contract")).diff);
  RunRequest run{.mode = Mode::transaction, .origin = config.owner, .gas_limit = max_gas_transaction, .gas_free = true};
  auto outcome = TRY(instantiate(engine, next, context, {std::move(run), code_hash, Bytes(std::begin(default_constructor), std::end(default_constructor)), {}}));
  if (!outcome.result.succeeded()) {
    const std::string why = outcome.result.result ? "its constructor reverted" : to_string(outcome.result.result.error()) + " " + outcome.reason;
    return fail(ErrorCode::refused, "the system contract did not come up: " + why);
  }
  merge(all, std::move(outcome.diff));
  outcome.diff = std::move(all);
  return outcome;
}

Result<const Rules*> rules_of(const ClusterState& state) {
  if (const auto version = state.runtime_version()) return rules_of(*version);
  if (state.entries().empty()) return fail(no_cluster());
  return fail(ErrorCode::corrupted, "the cluster's state does not name its contract runtime");
}

Result<StateDiff> upgrade(const ClusterState& state, RuntimeVersion version) {
  if (version <= TRY(rules_of(state))->version) return StateDiff{};
  TRY(rules_of(version));
  return StateDiff{{key::runtime_version(), scale::encode(version)}};
}

Result<Uploaded> upload_code(Engine& engine, const ClusterState& state, const AccountId& uploader, ByteView wasm, Determinism determinism) {
  const ClusterConfig config = TRY(terms_of(state)).config;
  const Hash code_hash = crypto::blake2_256(wasm);
  const auto present = state.code_info(code_hash);
  if (present && present->determinism <= determinism) return Uploaded{code_hash, 0, {}};
  const auto code = TRY(check_and_rewrite(wasm, determinism));
  TRY(engine.prepare(code));
  Journal journal(state);
  Uploaded out{code_hash, 0, {}};
  if (present) {   // uploaded before as non-deterministic by somebody, and passes as deterministic now
    CodeInfo info = *present;
    info.determinism = determinism;
    journal.put(key::code_info(code_hash), scale::encode(info));
  } else {
    out.deposit = code_deposit(config, wasm.size());
    if (!hold(journal, uploader, out.deposit))
      return fail(ErrorCode::refused, "the uploader cannot pay the deposit of " + to_decimal(out.deposit), "transfer funds into the cluster first");
    put_code(journal, CodeInfo{uploader, out.deposit, 0, determinism, static_cast<u32>(wasm.size())}, wasm);
  }
  out.diff = journal.diff();
  return out;
}

Result<Uploaded> upload_sidevm_code(const ClusterState& state, const AccountId& uploader, ByteView wasm) {
  const ClusterConfig config = TRY(terms_of(state)).config;
  if (wasm.size() > sidevm_code_limit_bytes) return fail(ErrorCode::invalid_input, "SideVM code of " + std::to_string(wasm.size()) + " bytes; at most 8 MiB are allowed");
  constexpr ByteView::value_type magic[] = {0, 'a', 's', 'm'};
  if (!starts_with(wasm, magic)) return fail(ErrorCode::invalid_input, "SideVM code: not a wasm module");
  const Hash code_hash = crypto::blake2_256(wasm);
  Uploaded out{code_hash, 0, {}};
  if (state.get(key::sidevm_code(code_hash))) return out;
  Journal journal(state);
  out.deposit = saturating_multiply(config.deposit_per_byte, wasm.size() + Hash::bytes) + config.deposit_per_item;
  if (!transfer(journal, uploader, config.treasury, out.deposit))
    return fail(ErrorCode::refused, "the uploader cannot pay " + to_decimal(out.deposit) + " for SideVM code", "transfer funds into the cluster first");
  journal.put(key::sidevm_code(code_hash), to_bytes(wasm));
  out.diff = journal.diff();
  return out;
}

Result<StateDiff> deposit(const ClusterState& state, const AccountId& who, Balance amount) {
  TRY(rules_of(state));
  Journal journal(state);
  if (!mint(journal, who, amount)) return fail(ErrorCode::refused, "deposit: the balance would exceed 128 bits");
  return journal.diff();
}

Result<StateDiff> on_idle(const ClusterState& state, u32 max_keys) {
  StateDiff out;
  if (!TRY(rules_of(state))->idle_removal) return out;
  u32 left = max_keys;
  const Bytes marks{'d'};
  state.entries().for_each(marks, [&](ByteView mark, ByteView) {
    const Bytes cells = key::storage(mark.subspan(1), {});
    bool all = true;
    state.entries().for_each(cells, [&](ByteView cell, ByteView) {
      if (left == 0) return all = false;
      --left;
      out.emplace(to_bytes(cell), std::nullopt);
      return true;
    });
    if (all) out.emplace(to_bytes(mark), std::nullopt);
    return left > 0;
  });
  return out;
}

ContractId contract_address(const AccountId& deployer, const Hash& code_hash, const ClusterId& cluster, ByteView salt) {
  return crypto::blake2_256(concat(deployer, code_hash, cluster, salt)).as<ContractId>();
}

}  // namespace phala::engine

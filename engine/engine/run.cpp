#include "engine/run.hpp"

#include "crypto/hash.hpp"

namespace phala::engine {

namespace {

template <class T>
Hash hash_of(const T& value) { return crypto::blake2_256(scale::encode(value)); }
event::Caller signed_by(const AccountId& who) { return event::Signed{who}; }

ExecError by_caller(DispatchError error, std::string reason = {}) { return {std::move(error), false, std::move(reason)}; }
ExecError by_callee(Stop stop) { return {*std::move(stop.error), true, std::move(stop.reason)}; }

std::string_view trap_text(wasmtime_trap_code_t code) {
  switch (code) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW: return "native stack exhausted";
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS: return "memory access out of bounds";
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS: return "table access out of bounds";
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL: return "indirect call to nothing";
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE: return "indirect call with another signature";
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW: return "integer overflow";
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO: return "division by zero";
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER: return "bad conversion to integer";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED: return "unreachable executed";
    case WASMTIME_TRAP_CODE_OUT_OF_FUEL: return "out of gas";
    default: return "trapped";
  }
}

/// Called by the wasm of a query after every tick of the engine.
wasmtime_error_t* ask_for_time(wasmtime_context_t*, void* data, uint64_t* ticks, wasmtime_update_deadline_kind_t* kind) {
  Frame& frame = *static_cast<Frame*>(data);
  if (frame.run.query_effects()->expired()) {
    frame.stop = time_is_up();
    return wasmtime_error_new("the time of the query is up");
  }
  *ticks = 1;
  *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
  return nullptr;
}

/// A frame is on the stack exactly as long as this: an exception on its way to the border of the wasm finds the stack in order.
struct OnStack {
  OnStack(std::vector<Frame*>& frames, Frame& frame) : frames_(frames) { frames_.push_back(&frame); }
  ~OnStack() { frames_.pop_back(); }
  OnStack(const OnStack&) = delete;
  OnStack& operator=(const OnStack&) = delete;
  std::vector<Frame*>& frames_;
};

#if __has_feature(thread_sanitizer)
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
extern "C" void __tsan_ignore_thread_begin();
extern "C" void __tsan_ignore_thread_end();
/// wasmtime hands the memory of one instance to the next, on another thread, and clears it on the way; the thread sanitizer does not see
/// the locks under which it does so.
struct PooledMemory {
  static inline char order;
  static void taken() { __tsan_acquire(&order); }
  static void given_back() { __tsan_release(&order); }
  PooledMemory() { __tsan_ignore_thread_begin(); }
  ~PooledMemory() { __tsan_ignore_thread_end(); }
};
#else
struct PooledMemory {
  static void taken() {}
  static void given_back() {}
  PooledMemory() {}
};
#endif

/// Frees the store, whatever way the run of the wasm ends.
struct Store {
  wasmtime_store_t* store;
  ~Store() {
    PooledMemory::given_back();
    const PooledMemory at_work;
    wasmtime_store_delete(store);
  }
};

}  // namespace

Balance pro_rata(Balance value, u64 part, u64 whole) {
  // value = q·whole + r, so value·part/whole = q·part + r·part/whole, and neither product leaves 128 bits
  return value / whole * part + value % whole * part / whole;
}

void Deposits::add(const Deposits& other) {
  charge = saturating_add(charge, other.charge);
  refund = saturating_add(refund, other.refund);
}

Hosted<ByteView> Frame::read(u32 ptr, u32 len) const {
  if (u64{ptr} + len > memory_size) return fail(Stop(ContractsError::OutOfBounds, "host function given a range outside the memory"));
  return ByteView(memory_base + ptr, len);
}
Hosted<u8*> Frame::writable(u32 ptr, u32 len) const {
  if (u64{ptr} + len > memory_size) return fail(Stop(ContractsError::OutOfBounds, "host function given a range outside the memory"));
  return memory_base + ptr;
}

Run::Run(Engine::Inside& engine_, Journal& journal_, const ExecContext& context_, const RunRequest& request_, ClusterConfig config_, const Rules& rules_)
    : engine(engine_), journal(journal_), context(context_), request(request_), config(std::move(config_)), rules(rules_) {
  frames.reserve(max_frames);
}

std::optional<ContractInfo> Run::registered(const AccountId& id) const { return journal.read<ContractInfo>(key::contract(id)); }

std::optional<ContractInfo> Run::info_of(const Frame& frame) const {
  for (auto at = frames.rbegin(); at != frames.rend(); ++at)
    if ((*at)->account == frame.account && (*at)->new_info) return (*at)->new_info;
  return registered(frame.account);
}

void Run::put_info(const Frame& frame, const ContractInfo& info) {
  for (auto at = frames.rbegin(); at != frames.rend(); ++at) {
    if ((*at)->account == frame.account && (*at)->new_info) {
      (*at)->new_info = info;
      return;
    }
  }
  journal.put(key::contract(frame.account), scale::encode(info));
}

void Run::add_reference(const Hash& code_hash, int change) {
  auto info = code_info(code_hash);
  if (!info) return;
  info->refcount = change > 0 ? info->refcount.value + 1 : info->refcount.value - std::min<u64>(info->refcount.value, 1);
  journal.put(key::code_info(code_hash), scale::encode(*info));
}

Hosted<> Run::emit(ContractsEvent event, std::vector<Hash> topics) {
  EventRecord record{Initialization{}, RuntimeEvent(std::move(event)), std::move(topics)};
  const auto* emitted = record.event.get_if<ContractsEvent>()->get_if<event::ContractEmitted>();
  event_bytes_ += 256 + (emitted ? emitted->data.size() : 0);
  if (event_bytes_ > events_limit_bytes) return fail(Stop(ContractsError::ValueTooLarge, "the events of one run add up to more than 16 MiB"));
  events.push_back(std::move(record));
  return {};
}
Hosted<> Run::emit_pink(const Frame& frame, const PinkEvent& event) {
  return emit(event::ContractEmitted{frame.account, scale::encode(event)}, {pink_topic});
}
Hosted<> Run::check_journal() const {
  if (!journal.overfull()) return {};
  return fail(Stop(ContractsError::ValueTooLarge, "one run writes more than 64 MiB"));
}
void Run::log(u8 level, std::string message) {
  const AccountId self = frames.empty() ? request.origin : frames.back()->account;
  const AccountId entry = frames.empty() ? self : frames.front()->account;
  add_log(effects, {self, entry, level, std::move(message)});
}
size_t Run::on_stack(const AccountId& account) const {
  return static_cast<size_t>(std::count_if(frames.begin(), frames.end(), [&](const Frame* f) { return f->account == account; }));
}
Stop Run::give_up(Error error) {
  if (!fatal) fatal = std::move(error);
  return Stop(ContractsError::ContractTrapped, "engine failure");
}

void Run::rollback(const Mark& to) {
  journal.rollback(to.journal);
  events.resize(to.events);
  instantiated.resize(to.instantiated);
  owed.resize(to.owed);
}

Result<ModulePtr, ExecError> Run::load(GasMeter& meter, const Hash& code_hash, bool delegate) {
  const auto info = code_info(code_hash);
  if (!info) return fail(by_caller(ContractsError::CodeNotFound, "there is no code " + to_hex0x(code_hash)));
  if (!meter.charge(u64{info->code_len} * gas_per_code_byte)) return fail(by_caller(ContractsError::OutOfGas, "out of gas loading code"));
  if (info->determinism == Determinism::relaxed && !(delegate && is_query()))
    return fail(by_caller(ContractsError::Indeterministic, "non-deterministic code can only be delegate-called, in queries"));
  auto made = engine.wasmtime(kind_of(request.mode)).modules().obtain(code_hash, [&]() -> Result<CheckedCode> {
    const auto code = journal.get(key::code(code_hash));
    if (!code) return fail(ErrorCode::corrupted, "code " + to_hex0x(code_hash) + " has an info and no bytes");
    return check_and_rewrite(*code, info->determinism);
  });
  if (made) return std::move(*made);
  // it was accepted once, on every machine: whatever is wrong now is wrong here, and to go on without it would be to disagree
  Error error = std::move(made.error()).in("load contract code");
  if (error.code == ErrorCode::invalid_input) error.code = ErrorCode::internal;
  const Stop stop = give_up(std::move(error));
  return fail(by_caller(*stop.error, stop.reason));
}

Executed Run::execute(Frame* from, GasMeter& meter, Entry entry) {
  if (entry.kind == Entry::Kind::call) {
    if (from) from->allows_reentry = entry.allows_reentry;
    const bool denied = std::any_of(frames.begin(), frames.end(), [&](const Frame* f) { return f->account == entry.contract && !f->allows_reentry; });
    if (denied) return fail(by_caller(ContractsError::ReentranceDenied, "the contract waits in a call that forbids re-entry"));
  }
  if (frames.size() == max_frames) return fail(by_caller(ContractsError::MaxCallDepthReached, "contracts call each other more than 6 deep"));
  Frame frame{.run = *this};
  frame.caller = from ? from->account : request.origin;
  switch (entry.kind) {
    case Entry::Kind::call: {
      const auto info = registered(entry.contract);
      if (!info) return fail(by_caller(ContractsError::ContractNotFound, "there is no contract " + to_hex0x(entry.contract)));
      frame.account = entry.contract;
      frame.value = entry.value;
      frame.code_hash = info->code_hash;
      frame.trie_id = info->trie_id;
      break;
    }
    case Entry::Kind::delegate:
      frame.delegate = true;
      frame.account = from->account;
      frame.caller = from->caller;
      frame.value = from->value;
      frame.code_hash = entry.code_hash;
      frame.trie_id = from->trie_id;
      break;
    case Entry::Kind::instantiate:
      frame.account = contract_address(frame.caller, entry.code_hash, config.cluster_id, entry.salt);
      frame.value = entry.value;
      frame.code_hash = entry.code_hash;
      break;
  }
  const auto module = load(meter, frame.code_hash, frame.delegate);
  if (!module) return fail(module.error());
  const auto gas = meter.nested(entry.gas);
  if (!gas) return fail(by_caller(ContractsError::OutOfGas, "the call is given more gas than is left"));
  frame.gas = *gas;
  frame.deposit_limit = entry.deposit_limit;
  frame.input = std::move(entry.input);

  const Mark start = mark();
  auto result = [&] {
    const OnStack here(frames, frame);
    return run_frame(frame, *module, entry);
  }();
  meter.absorb(frame.gas);
  if (!result || result->reverted()) rollback(start);
  else if (from) from->deposits.add(frame.deposits);
  else total_deposits = frame.deposits;
  return result;
}

Deposits Run::base_deposit(ContractInfo& info) const {
  const Balance bytes = saturating_multiply(config.deposit_per_byte, scale::encode(info).size());
  info.storage_base_deposit = saturating_add(bytes, config.deposit_per_item);
  return {info.storage_base_deposit, 0};
}

void Run::rebase(Frame& frame, ContractInfo info) {
  const Balance before = info.storage_base_deposit;
  const Balance now = base_deposit(info).charge;
  if (now != before) {
    const Deposits change{now > before ? now - before : 0, now > before ? 0 : before - now};
    owed.emplace_back(frame.account, change);
    frame.deposits.add(change);
  }
  put_info(frame, info);
}

Executed Run::run_frame(Frame& frame, const ModulePtr& module, const Entry& entry) {
  const bool deploy = entry.kind == Entry::Kind::instantiate;
  if (deploy) {
    // also one whose constructor still runs, further down the stack
    if (registered(frame.account) || on_stack(frame.account) > 1)
      return fail(by_caller(ContractsError::DuplicateContract, "there is a contract " + to_hex0x(frame.account) + " already"));
    const u64 nonce = journal.read<u64>(key::nonce()).value_or(0) + 1;
    journal.put(key::nonce(), scale::encode(nonce));
    ContractInfo info;
    info.trie_id = to_bytes(crypto::blake2_256(scale::encode(frame.account, nonce)));
    info.code_hash = frame.code_hash;
    const Deposits base = base_deposit(info);
    frame.trie_id = info.trie_id;
    frame.new_info = std::move(info);
    if (auto moved = transfer(journal, request.origin, frame.account, existential_deposit); !moved) return fail(by_caller(moved.error(), "the origin cannot pay for the new account"));
    owed.emplace_back(frame.account, base);
    frame.deposits.add(base);
    frame.deposits.charge = saturating_add(frame.deposits.charge, existential_deposit);
  }
  if (!frame.delegate && !send_value(journal, frame.caller, frame.account, frame.value))
    return fail(by_caller(ContractsError::TransferFailed, "the caller cannot pay the value"));
  auto ran = run_wasm(frame, *module, deploy);
  if (!ran) return fail(by_callee(std::move(ran.error())));
  if (deploy) frame.returned.account_id = frame.account;
  if (frame.returned.reverted()) return std::move(frame.returned);
  if (auto finished = finish_frame(frame, entry); !finished) return fail(finished.error());
  return std::move(frame.returned);
}

Result<void, ExecError> Run::finish_frame(Frame& frame, const Entry& entry) {
  const auto told = [&]() -> Hosted<> {
    switch (entry.kind) {
      case Entry::Kind::instantiate:
        instantiated.push_back({frame.caller, frame.account});
        return emit(event::Instantiated{frame.caller, frame.account}, {hash_of(frame.caller), hash_of(frame.account)});
      case Entry::Kind::call:
        return emit(event::Called{signed_by(frame.caller), frame.account}, {hash_of(signed_by(frame.caller)), hash_of(frame.account)});
      case Entry::Kind::delegate:
        return emit(event::DelegateCalled{frame.account, frame.code_hash}, {hash_of(frame.account), frame.code_hash});
    }
    return {};
  };
  if (frame.terminated && entry.kind == Entry::Kind::instantiate)
    return fail(by_caller(ContractsError::TerminatedInConstructor, "a constructor terminated its contract"));
  if (!frame.terminated) {
    if (auto info = info_of(frame)) {
      const Deposits used = settle_use(frame, *info);
      if (entry.kind == Entry::Kind::instantiate) {
        add_reference(info->code_hash, +1);
        frame.new_info.reset();
        put_info(frame, *info);
      } else if (frame.use.bytes_added || frame.use.bytes_removed || frame.use.items_added || frame.use.items_removed) {
        put_info(frame, *info);
      }
      if (used.charge || used.refund) owed.emplace_back(frame.account, used);
      frame.deposits.add(used);
    }
  }
  if (frame.deposit_limit && frame.deposits.net_charge() > *frame.deposit_limit)
    return fail(by_caller(ContractsError::StorageDepositLimitExhausted, "the storage deposit exceeds the limit that was given"));
  if (auto emitted = told(); !emitted) return fail(by_caller(*emitted.error().error, emitted.error().reason));
  if (auto fits = check_journal(); !fits) return fail(by_caller(*fits.error().error, fits.error().reason));
  return {};
}

Deposits Run::settle_use(const Frame& frame, ContractInfo& info) const {
  // docs/protocol.md §13.4: what was added costs the cluster's price, what was removed gives back its share of what was paid
  const auto side = [](u64 added, u64 removed, Balance price, u32& count, Balance& paid) {
    Deposits out;
    if (added >= removed) {
      out.charge = saturating_multiply(price, added - removed);
      count = static_cast<u32>(std::min<u64>(u64{count} + (added - removed), ~u32{0}));
      paid = saturating_add(paid, out.charge);
    } else {
      const u64 gone = std::min<u64>(removed - added, count);
      if (gone > 0) out.refund = pro_rata(paid, gone, count);
      count -= static_cast<u32>(gone);
      paid -= out.refund;
    }
    return out;
  };
  Deposits out = side(frame.use.bytes_added, frame.use.bytes_removed, config.deposit_per_byte, info.storage_bytes, info.storage_byte_deposit);
  out.add(side(frame.use.items_added, frame.use.items_removed, config.deposit_per_item, info.storage_items, info.storage_item_deposit));
  return out;
}

Hosted<> Run::terminate(Frame& frame, const AccountId& beneficiary) {
  if (on_stack(frame.account) > 1) return fail(Stop(ContractsError::TerminatedWhileReentrant, "terminate while the contract runs twice"));
  const auto info = info_of(frame);
  if (!info) return fail(Stop(ContractsError::ContractNotFound));
  if (!frame.new_info) {
    journal.remove(key::contract(frame.account));
    add_reference(info->code_hash, -1);
  }
  for (const auto& [code_hash, deposit] : info->delegate_dependencies) add_reference(code_hash, -1);
  journal.put(key::deletion(Hash(ByteView(info->trie_id))), {});
  const Deposits released{0, saturating_add(saturating_add(info->storage_byte_deposit, info->storage_item_deposit), info->storage_base_deposit)};
  owed.emplace_back(frame.account, released);
  frame.deposits.add(released);
  Account account = account_of(journal, frame.account);
  const Balance all = std::exchange(account.free, 0);
  put_account(journal, frame.account, account);
  if (auto paid = mint(journal, beneficiary, all); !paid) return fail(Stop(paid.error()));
  frame.terminated = true;
  TRY(emit(event::Terminated{frame.account, beneficiary}, {hash_of(frame.account), hash_of(beneficiary)}));
  return check_journal();
}

Result<void, DispatchError> Run::settle() {
  std::map<AccountId, Deposits> sums;
  for (const auto& [contract, deposits] : owed) sums[contract].add(deposits);
  // refunds first: they may pay for the charges
  for (const auto& [contract, deposits] : sums) {
    if (deposits.refund <= deposits.charge) continue;
    Account account = account_of(journal, contract);
    const Balance amount = std::min(deposits.refund - deposits.charge, account.held);
    account.held -= amount;
    put_account(journal, contract, account);
    TRY(mint(journal, request.origin, amount));
    if (amount > 0 && !emit(event::DepositReleased{contract, request.origin, amount}, {hash_of(contract), hash_of(request.origin)}))
      return fail(DispatchError(ContractsError::ValueTooLarge));
  }
  for (const auto& [contract, deposits] : sums) {
    const Balance amount = deposits.net_charge();
    if (amount == 0) continue;
    Account payer = account_of(journal, request.origin);
    if (amount > payer.free || payer.free - amount < existential_deposit) return fail(DispatchError(ContractsError::StorageDepositNotEnoughFunds));
    payer.free -= amount;
    put_account(journal, request.origin, payer);
    Account account = account_of(journal, contract);
    account.held = saturating_add(account.held, amount);
    put_account(journal, contract, account);
    if (!emit(event::DepositHeld{request.origin, contract, amount}, {hash_of(request.origin), hash_of(contract)}))
      return fail(DispatchError(ContractsError::ValueTooLarge));
  }
  return {};
}

Hosted<> Run::run_wasm(Frame& frame, const CompiledModule& module, bool deploy) {
  const Store store{wasmtime_store_new(engine.wasmtime(kind_of(request.mode)).wasm(), &frame, nullptr)};
  frame.context = wasmtime_store_context(store.store);
  if (query_effects()) {
    wasmtime_store_epoch_deadline_callback(store.store, &ask_for_time, &frame, nullptr);
    wasmtime_context_set_epoch_deadline(frame.context, 1);
  } else if (kind_of(request.mode) == RunKind::query) {
    wasmtime_context_set_epoch_deadline(frame.context, u64{1} << 62);   // nobody who could be asked
  }
  // Instantiation is paid for by the price of the code's bytes; its fuel depends on how wasmtime lays out memory and is not counted.
  if (auto* error = wasmtime_context_set_fuel(frame.context, u64{1} << 62)) wasmtime_error_delete(error);
  wasmtime_instance_t instance;
  wasm_trap_t* trap = nullptr;
  auto* error = [&] {
    const PooledMemory at_work;
    return wasmtime_instance_pre_instantiate(module.pre, frame.context, &instance, &trap);
  }();
  PooledMemory::taken();
  if (trap) {
    wasm_trap_delete(trap);
    return fail(Stop(ContractsError::ContractTrapped, "a data or element segment lies outside its memory or table"));
  }
  if (error) return fail(give_up({ErrorCode::unavailable, "instantiate contract: " + take_message(error)}));
  wasmtime_extern_t item;
  if (!wasmtime_instance_export_get(frame.context, &instance, "memory", 6, &item) || item.kind != WASMTIME_EXTERN_MEMORY)
    return fail(give_up({ErrorCode::internal, "a rewritten module has no memory"}));
  frame.memory = item.of.memory;
  frame.memory_base = wasmtime_memory_data(frame.context, &frame.memory);
  frame.memory_size = static_cast<u32>(wasmtime_memory_data_size(frame.context, &frame.memory));
  constexpr u32 page_bytes = 65'536;
  if (!frame.gas.charge(frame.memory_size / page_bytes * cost::per_page)) return fail(Stop(ContractsError::OutOfGas, "out of gas for the contract's memory"));

  const auto run = [&](std::string_view name) -> Hosted<> {
    wasmtime_extern_t function;
    if (!wasmtime_instance_export_get(frame.context, &instance, name.data(), name.size(), &function)) return {};
    frame.fuel = frame.gas.left() / gas_per_fuel;
    if (auto* refused = wasmtime_context_set_fuel(frame.context, frame.fuel)) wasmtime_error_delete(refused);
    wasmtime_val_raw_t raw[1];
    wasm_trap_t* stopped = nullptr;
    auto* failed = wasmtime_func_call_unchecked(frame.context, &function.of.func, raw, 1, &stopped);
    wasmtime_trap_code_t code = WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED;
    const bool coded = stopped && wasmtime_trap_code(stopped, &code);
    if (stopped) wasm_trap_delete(stopped);
    if (frame.stop) {   // a host function ended it, and has accounted for the gas
      if (failed) wasmtime_error_delete(failed);
      return {};
    }
    u64 left = 0;
    if (auto* refused = wasmtime_context_get_fuel(frame.context, &left)) wasmtime_error_delete(refused);
    // wasmtime looks at its fuel at function entries and loop heads; to leave costs one unit, which who ran past the end does not have
    const bool leaves = !coded && !failed;
    const bool exhausted = (coded && code == WASMTIME_TRAP_CODE_OUT_OF_FUEL) || (leaves && left == 0);
    const Gas spent = (frame.fuel - std::min(left, frame.fuel) + (leaves ? 1 : 0)) * gas_per_fuel;
    static_cast<void>(frame.gas.charge(exhausted ? frame.gas.left() : spent));
    if (exhausted) return fail(Stop(ContractsError::OutOfGas, "out of gas"));
    if (coded) return fail(Stop(ContractsError::ContractTrapped, std::string(trap_text(code))));
    if (failed) return fail(give_up({ErrorCode::internal, "run contract: " + take_message(failed)}));
    return {};
  };
  TRY(run("start"));
  if (!frame.stop) TRY(run(deploy ? "deploy" : "call"));
  if (frame.stop && frame.stop->error) return fail(std::move(*frame.stop));
  return {};
}

}  // namespace phala::engine

#include "crypto/hash.hpp"
#include "engine/host_functions.hpp"

namespace phala::engine::host {

namespace {

namespace call_flag {
constexpr u32 forward_input = 1, clone_input = 2, tail_call = 4, allow_reentry = 8, all = 15;
}
constexpr size_t delegate_dependencies_limit = 32;
constexpr u8 log_debug = 4;

Stop bad_flags(u32 flags) { return Stop(ContractsError::InvalidCallFlags, "call flags " + std::to_string(flags)); }

/// The callee's failures become a code; what the caller did wrong ends the caller (docs/protocol.md §13.3).
Hosted<ReturnCode> code_of(Run& run, const Executed& executed) {
  if (run.fatal) return fail(Stop(ContractsError::ContractTrapped, "engine failure"));   // nothing that follows would count
  if (executed) return executed->reverted() ? ReturnCode::callee_reverted : ReturnCode::success;
  const ExecError& error = executed.error();
  if (error.in_callee) {
    run.log(log_debug, "callee trapped: " + to_string(error.error) + (error.reason.empty() ? "" : ": " + error.reason));
    return ReturnCode::callee_trapped;
  }
  if (error.error == DispatchError(ContractsError::TransferFailed)) return ReturnCode::transfer_failed;
  if (error.error == DispatchError(ContractsError::CodeNotFound)) return ReturnCode::code_not_found;
  if (error.error == DispatchError(ContractsError::ContractNotFound)) return ReturnCode::not_callable;
  return fail(Stop(error.error, error.reason));
}

Hosted<Bytes> input_for_callee(Frame& frame, u32 flags, Ptr input, u32 input_len) {
  if (flags & call_flag::clone_input) {
    if (!frame.input) return fail(Stop(ContractsError::InputForwarded, "the input was given away"));
    TRY(frame.charge(frame.input->size() * cost::clone));
    return *frame.input;
  }
  if (flags & call_flag::forward_input) {
    if (!frame.input) return fail(Stop(ContractsError::InputForwarded, "the input was given away"));
    Bytes out = std::move(*frame.input);
    frame.input.reset();
    return out;
  }
  TRY(frame.charge(u64{input_len} * cost::copy_in));
  return to_bytes(TRY(frame.read(input.at, input_len)));
}

Hosted<std::optional<Balance>> deposit_limit(const Frame& frame, Ptr deposit) {
  if (deposit.at == sentinel) return std::optional<Balance>{};
  const Balance limit = load_le<Balance>(TRY(frame.read(deposit.at, 16)).data());
  return limit == 0 ? std::optional<Balance>{} : limit;
}

Hosted<ReturnCode> call_with(Frame& frame, u32 flags, Entry entry, Out out) {
  if (entry.value > 0) TRY(frame.charge(cost::value_surcharge));
  entry.allows_reentry = flags & call_flag::allow_reentry;
  auto executed = frame.run.execute(&frame, frame.gas, std::move(entry));
  frame.allows_reentry = true;
  if (executed && (flags & call_flag::tail_call)) {
    frame.returned = std::move(*executed);
    return fail(Stop());
  }
  if (executed) TRY(write_out(frame, out, executed->data, cost::copy_out, OnSkip::allow));
  return code_of(frame.run, executed);
}

Hosted<ReturnCode> instantiate_with(Frame& frame, Entry entry, In input, Out address, Out output, In salt) {
  TRY(frame.charge(input.size() * cost::instantiate.per_byte + salt.size() * cost::per_salt_byte));
  entry.kind = Entry::Kind::instantiate;
  entry.input = to_bytes(input);
  entry.salt = to_bytes(salt);
  const auto executed = frame.run.execute(&frame, frame.gas, std::move(entry));
  if (executed) {
    if (!executed->reverted()) TRY(write_out(frame, address, *executed->account_id, cost::copy_out, OnSkip::allow));
    TRY(write_out(frame, output, executed->data, cost::copy_out, OnSkip::allow));
  }
  return code_of(frame.run, executed);
}

}  // namespace

Hosted<ReturnCode> transfer_v0(Frame& frame, AccountId to, Ignored, Balance value, Ignored) {
  const bool moved = send_value(frame.run.journal, frame.account, to, value);
  TRY(frame.run.check_journal());
  return moved ? ReturnCode::success : ReturnCode::transfer_failed;
}

Hosted<ReturnCode> call_v0(Frame& frame, AccountId callee, Ignored, u64 gas, Balance value, Ignored, Ptr input, u32 input_len, Out out) {
  return call_v1(frame, call_flag::allow_reentry, callee, gas, value, input, input_len, out);
}
Hosted<ReturnCode> call_v1(Frame& frame, u32 flags, AccountId callee, u64 gas, Balance value, Ptr input, u32 input_len, Out out) {
  return call_v2(frame, flags, callee, gas, 0, Ptr{sentinel}, value, input, input_len, out);
}
Hosted<ReturnCode> call_v2(Frame& frame, u32 flags, AccountId callee, u64 ref_time, u64, Ptr deposit, Balance value, Ptr input, u32 input_len, Out out) {
  if (flags & ~call_flag::all) return fail(bad_flags(flags));
  Bytes bytes = TRY(input_for_callee(frame, flags, input, input_len));
  auto limit = TRY(deposit_limit(frame, deposit));
  return call_with(frame, flags, Entry{.contract = callee, .value = value, .input = std::move(bytes), .gas = ref_time, .deposit_limit = limit}, out);
}

Hosted<ReturnCode> delegate_call(Frame& frame, u32 flags, Hash code_hash, Ptr input, u32 input_len, Out out) {
  if (flags & (~call_flag::all | call_flag::allow_reentry)) return fail(bad_flags(flags));
  Bytes bytes = TRY(input_for_callee(frame, flags, input, input_len));
  Entry entry{.kind = Entry::Kind::delegate, .code_hash = code_hash, .input = std::move(bytes)};
  return call_with(frame, flags | call_flag::allow_reentry, std::move(entry), out);
}

Hosted<ReturnCode> instantiate_v0(Frame& frame, Hash code_hash, Ignored, u64 gas, Balance value, Ignored, In input, Out address, Out output, In salt) {
  return instantiate_v1(frame, code_hash, gas, value, input, address, output, salt);
}
Hosted<ReturnCode> instantiate_v1(Frame& frame, Hash code_hash, u64 gas, Balance value, In input, Out address, Out output, In salt) {
  return instantiate_v2(frame, code_hash, gas, 0, Ptr{sentinel}, value, input, address, output, salt);
}
Hosted<ReturnCode> instantiate_v2(Frame& frame, Hash code_hash, u64 ref_time, u64, Ptr deposit, Balance value, In input, Out address, Out output, In salt) {
  auto limit = TRY(deposit_limit(frame, deposit));
  return instantiate_with(frame, Entry{.code_hash = code_hash, .value = value, .gas = ref_time, .deposit_limit = limit}, input, address, output, salt);
}

Hosted<> terminate_v0(Frame& frame, AccountId beneficiary, Ignored) { return terminate_v1(frame, beneficiary); }
Hosted<> terminate_v1(Frame& frame, AccountId beneficiary) {
  TRY(frame.run.terminate(frame, beneficiary));
  return fail(Stop());
}

Hosted<> input(Frame& frame, Out out) {
  if (!frame.input) return fail(Stop(ContractsError::InputForwarded, "the input was given away"));
  return write_out(frame, out, *frame.input, cost::input.per_byte);
}

Hosted<> seal_return(Frame& frame, u32 flags, In data) {
  TRY(frame.charge(data.size() * cost::seal_return.per_byte));
  if (flags & ~flag_revert) return fail(Stop(ContractsError::InvalidCallFlags, "return flags " + std::to_string(flags)));
  frame.returned = {.flags = flags, .data = to_bytes(data), .account_id = {}};
  return fail(Stop());
}

Hosted<ReturnCode> set_code_hash(Frame& frame, Hash code_hash) {
  Run& run = frame.run;
  const auto code = run.code_info(code_hash);
  if (!code) return ReturnCode::code_not_found;
  if (code->determinism == Determinism::relaxed) return fail(Stop(ContractsError::Indeterministic, "a contract cannot become non-deterministic code"));
  auto info = run.info_of(frame);
  if (!info) return fail(Stop(ContractsError::ContractNotFound));
  const Hash old = std::exchange(info->code_hash, code_hash);
  run.rebase(frame, *info);
  const bool constructing = !run.registered(frame.account).has_value();
  if (!constructing) {   // a constructor's code is counted when it is done
    run.add_reference(old, -1);
    run.add_reference(code_hash, +1);
  }
  TRY(run.emit(event::ContractCodeUpdated{frame.account, code_hash, old}, {crypto::blake2_256(frame.account), code_hash, old}));
  TRY(run.check_journal());
  return ReturnCode::success;
}

Hosted<> add_delegate_dependency(Frame& frame, Hash code_hash) {
  Run& run = frame.run;
  auto info = run.info_of(frame);
  if (!info) return fail(Stop(ContractsError::ContractNotFound));
  if (info->code_hash == code_hash) return fail(Stop(ContractsError::CannotAddSelfAsDelegateDependency));
  if (!run.code_info(code_hash)) return fail(Stop(ContractsError::CodeNotFound, "there is no code " + to_hex0x(code_hash)));
  if (!info->delegate_dependencies.emplace(code_hash, 0).second) return fail(Stop(ContractsError::DelegateDependencyAlreadyExists));
  if (info->delegate_dependencies.size() > delegate_dependencies_limit) return fail(Stop(ContractsError::MaxDelegateDependenciesReached));
  run.add_reference(code_hash, +1);
  run.rebase(frame, std::move(*info));
  return run.check_journal();
}
Hosted<> remove_delegate_dependency(Frame& frame, Hash code_hash) {
  Run& run = frame.run;
  auto info = run.info_of(frame);
  if (!info || info->delegate_dependencies.erase(code_hash) == 0) return fail(Stop(ContractsError::DelegateDependencyNotFound));
  run.add_reference(code_hash, -1);
  run.rebase(frame, std::move(*info));
  return run.check_journal();
}

Hosted<u32> memory_grow(Frame& frame, u32 pages) {
  constexpr u32 no_room = ~u32{0};
  if (pages > ModuleLimits{}.memory_pages) return no_room;
  TRY(frame.charge(pages * cost::per_page));
  // whether there is room is the module's own affair and the same everywhere; beyond that only the machine can refuse
  auto* type = wasmtime_memory_type(frame.context, &frame.memory);
  u64 most = 0;
  wasmtime_memorytype_maximum(type, &most);
  wasm_memorytype_delete(type);
  u64 before = wasmtime_memory_size(frame.context, &frame.memory);
  if (before + pages > most) return no_room;
  if (auto* error = wasmtime_memory_grow(frame.context, &frame.memory, pages, &before))
    return fail(frame.run.give_up({ErrorCode::unavailable, "grow the memory of a contract: " + take_message(error)}));
  frame.memory_base = wasmtime_memory_data(frame.context, &frame.memory);
  frame.memory_size = static_cast<u32>(wasmtime_memory_data_size(frame.context, &frame.memory));
  return static_cast<u32>(before);
}

Hosted<> stack_limit(Frame&) { return fail(Stop(ContractsError::ContractTrapped, "stack limit reached: functions call each other too deep")); }

}  // namespace phala::engine::host

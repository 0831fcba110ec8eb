#include "engine/host_functions.hpp"
#include "engine/runtime_call.hpp"

namespace phala::engine::host {

namespace {

constexpr size_t event_topics_limit = 4;
/// Blocks whose hashes the randomness pallet mixes. Nothing fills it in a cluster, so the seed is zero (docs/protocol.md §13.3).
constexpr u32 random_material_blocks = 81;

template <class T>
Hosted<> answer(Frame& frame, Out out, const T& value) { return write_out(frame, out, scale::encode(value)); }

/// Entered, not delegated to.
size_t entered(const Frame& frame, const AccountId& account) {
  const auto& frames = frame.run.frames;
  return static_cast<size_t>(std::count_if(frames.begin(), frames.end(), [&](const Frame* f) { return !f->delegate && f->account == account; }));
}

}  // namespace

Hosted<> caller(Frame& frame, Out out) { return answer(frame, out, frame.caller); }
Hosted<u32> is_contract(Frame& frame, AccountId account) { return u32{frame.run.registered(account) ? 1u : 0u}; }
Hosted<ReturnCode> code_hash(Frame& frame, AccountId account, Out out) {
  const auto info = frame.run.registered(account);
  if (!info) return ReturnCode::key_not_found;
  TRY(answer(frame, out, info->code_hash));
  return ReturnCode::success;
}
Hosted<> own_code_hash(Frame& frame, Out out) {
  const auto info = frame.run.info_of(frame);
  return answer(frame, out, info ? info->code_hash : frame.code_hash);
}
Hosted<u32> caller_is_origin(Frame& frame) { return u32{frame.caller == frame.run.request.origin ? 1u : 0u}; }
Hosted<u32> caller_is_root(Frame&) { return 0u; }
Hosted<> address(Frame& frame, Out out) { return answer(frame, out, frame.account); }
Hosted<> weight_to_fee_v0(Frame& frame, u64 gas, Out out) { return answer(frame, out, saturating_multiply(gas, frame.run.config.gas_price)); }
Hosted<> weight_to_fee_v1(Frame& frame, u64 ref_time, u64, Out out) { return weight_to_fee_v0(frame, ref_time, out); }
Hosted<> gas_left_v0(Frame& frame, Out out) { return answer(frame, out, frame.gas.left()); }
Hosted<> gas_left_v1(Frame& frame, Out out) { return answer(frame, out, Weight{frame.gas.left(), ~u64{0}}); }
Hosted<> balance(Frame& frame, Out out) { return answer(frame, out, spendable(frame.run.journal, frame.account)); }
Hosted<> value_transferred(Frame& frame, Out out) { return answer(frame, out, frame.value); }
Hosted<> now(Frame& frame, Out out) { return answer(frame, out, frame.run.context.now_ms); }
Hosted<> block_number(Frame& frame, Out out) { return answer(frame, out, frame.run.context.block_number); }
Hosted<> minimum_balance(Frame& frame, Out out) { return answer(frame, out, existential_deposit); }
Hosted<> tombstone_deposit(Frame& frame, Out out) { return answer(frame, out, Balance{0}); }
Hosted<> rent_allowance(Frame& frame, Out out) { return answer(frame, out, ~Balance{0}); }
Hosted<> set_rent_allowance_v0(Frame&, Ignored, Ignored) { return {}; }
Hosted<> set_rent_allowance_v1(Frame&, Ignored) { return {}; }
Hosted<> restore_to_v0(Frame&, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored) { return {}; }
Hosted<> restore_to_v1(Frame&, Ignored, Ignored, Ignored, Ignored, Ignored) { return {}; }

Hosted<> random_v0(Frame& frame, RandomSubject, Out out) { return answer(frame, out, Hash{}); }
Hosted<> random_v1(Frame& frame, RandomSubject, Out out) {
  const u32 block = frame.run.context.block_number;
  return write_out(frame, out, scale::encode(Hash{}, block > random_material_blocks ? block - random_material_blocks : 0u));
}

namespace {
/// An upgrade to a version that is not released ends the frame that asks for it, on all workers alike whatever their build. (Once asked
/// for, a version that a build lacks can only stop it.)
Hosted<> check_upgrade(Frame& frame, const std::vector<Hash>& topics, ByteView data) {
  Run& run = frame.run;
  if (frame.account != run.config.system_contract || topics.size() != 1 || topics[0] != pink_topic) return {};
  const auto event = scale::decode<PinkEvent>(data);
  const auto* asked = event ? event->get_if<UpgradeRuntimeTo>() : nullptr;
  const auto& named = run.context.named_runtime;
  if (asked == nullptr || asked->version <= run.rules.version || is_released(asked->version, named)) return {};
  constexpr u8 error = 1;
  const std::string why = "contract runtime " + version_text(asked->version) + " is not released: the chain names " + (named ? version_text(*named) : "none") +
                          ", and this cluster runs " + version_text(run.rules.version);
  run.log(error, why);
  return fail(Stop(DispatchError(dispatch::Other{}), why));
}
}  // namespace

Hosted<> deposit_event(Frame& frame, In topics, EventData data) {
  TRY(frame.charge(topics.size() / Hash::bytes * cost::per_topic + data.size() * cost::deposit_event.per_byte));
  std::vector<Hash> list;
  if (!topics.empty()) {
    if (topics.size() > 1 + Hash::bytes * 64) return fail(Stop(ContractsError::TooManyTopics, "more than 4 topics"));
    auto decoded = scale::decode<std::vector<Hash>>(topics);
    if (!decoded) return fail(Stop(ContractsError::DecodingFailed, "the topics of an event do not decode"));
    list = std::move(*decoded);
  }
  if (list.size() > event_topics_limit) return fail(Stop(ContractsError::TooManyTopics, "more than 4 topics"));
  TRY(check_upgrade(frame, list, data));
  return frame.run.emit(event::ContractEmitted{frame.account, to_bytes(data)}, std::move(list));
}

Hosted<ReturnCode> debug_message(Frame& frame, DebugText text) {
  TRY(frame.charge(text.size() * cost::debug_message.per_byte));
  Bytes& to = frame.run.debug_message;
  if (!scale::is_utf8(text)) return ReturnCode::success;
  size_t fits = std::min(text.size(), DebugText::limit - std::min<size_t>(DebugText::limit, to.size()));
  if (fits < text.size())
    while (fits > 0 && (text[fits] & 0xc0) == 0x80) --fits;   // not inside a character
  append(to, text.first(fits));
  return ReturnCode::success;
}

Hosted<ReturnCode> call_runtime(Frame& frame, In call) {
  TRY(frame.charge(call.size() * cost::call_runtime.per_byte));
  if (!is_runtime_call(call)) return fail(Stop(ContractsError::DecodingFailed, "call_runtime given bytes that are no call"));
  return ReturnCode::call_runtime_failed;   // a cluster's call filter lets nothing through
}

// A cluster has no neighbours: nothing can be executed for them, nothing reaches them.
Hosted<ReturnCode> xcm_execute(Frame& frame, In message, Ptr) {
  TRY(frame.charge(message.size() * cost::xcm.per_byte));
  return ReturnCode::xcm_execution_failed;
}
Hosted<ReturnCode> xcm_send(Frame& frame, Ptr, In message, Ptr) {
  TRY(frame.charge(message.size() * cost::xcm.per_byte));
  return ReturnCode::xcm_send_failed;
}

Hosted<u32> reentrance_count(Frame& frame) {
  const size_t count = entered(frame, frame.account);
  return static_cast<u32>(count > 0 ? count - 1 : 0);
}
Hosted<u32> account_reentrance_count(Frame& frame, AccountId account) { return static_cast<u32>(entered(frame, account)); }
Hosted<u64> instantiation_nonce(Frame& frame) { return frame.run.journal.read<u64>(key::nonce()).value_or(0); }

}  // namespace phala::engine::host

#include "engine/host.hpp"

namespace phala::engine {

Hosted<> write_out(Frame& frame, Out out, ByteView bytes, Gas per_byte, OnSkip skip) {
  if (skip == OnSkip::allow && out.ptr == sentinel) return {};
  const ByteView capacity = TRY(frame.read(out.len_ptr, 4));
  if (load_le<u32>(capacity.data()) < bytes.size())
    return fail(Stop(ContractsError::OutputBufferTooSmall, "an answer of " + std::to_string(bytes.size()) + " bytes for a buffer of " +
                                                               std::to_string(load_le<u32>(capacity.data()))));
  TRY(frame.charge(bytes.size() * per_byte));
  u8* to = TRY(frame.writable(out.ptr, static_cast<u32>(bytes.size())));
  if (!bytes.empty()) std::memmove(to, bytes.data(), bytes.size());
  store_le(TRY(frame.writable(out.len_ptr, 4)), static_cast<u32>(bytes.size()));
  return {};
}

namespace detail {

Frame& frame_of(wasmtime_caller_t* caller) { return *static_cast<Frame*>(wasmtime_context_get_data(wasmtime_caller_context(caller))); }

Hosted<> enter_host(Frame& frame, Gas price) {
  u64 left = 0;
  if (auto* refused = wasmtime_context_get_fuel(frame.context, &left)) wasmtime_error_delete(refused);
  const u64 spent = frame.fuel - std::min(left, frame.fuel);
  // cannot fail: the fuel was cut from the gas that is left
  static_cast<void>(frame.gas.charge(spent * gas_per_fuel));
  frame.fuel -= spent;
  TRY(frame.charge(price));
  if (auto* effects = frame.run.query_effects(); effects && effects->expired())
    return fail(time_is_up());
  return {};
}

void leave_host(Frame& frame) {
  frame.fuel = frame.gas.left() / gas_per_fuel;
  if (auto* refused = wasmtime_context_set_fuel(frame.context, frame.fuel)) wasmtime_error_delete(refused);
}

Stop longer_than_allowed(ContractsError error, std::string_view name, u32 bytes, u32 limit) {
  return Stop(error, std::string(name) + " of " + std::to_string(bytes) + " bytes; at most " + std::to_string(limit) + " are allowed");
}

wasm_trap_t* end_frame(Frame& frame, Stop stop) {
  frame.stop = std::move(stop);
  return wasmtime_trap_new_code(WASMTIME_TRAP_CODE_INTERRUPT);
}

}  // namespace detail
}  // namespace phala::engine

#pragma once
// Why: a host function is a free function. Its wasm signature, the reading of its arguments and their bounds checks come from
// its C++ type; its name and price from one table (host_table.cpp). Gas and fuel change hands here, once for all of them.

#include "engine/run.hpp"

namespace phala::engine {

// ---- parameter types -------------------------------------------------------------------------------------------------
// u32, u64: the number. Hash, AccountId, FixedBytes<N>: a pointer to that many bytes, read. Balance: a pointer to 16 bytes, read.

/// (ptr, len): checked guest bytes. Good until the guest runs again.
struct In : ByteView { using ByteView::ByteView; In(ByteView v) : ByteView(v) {} };
/// In that may be long only so far, checked before it is looked where it lies: `limit` bytes, or the run ends with `too_long` (nothing: the
/// rest is not looked at).
struct StorageKey : In {
  static constexpr u32 limit = 128;
  static constexpr std::string_view name = "a storage key";
  static constexpr std::optional<ContractsError> too_long = ContractsError::DecodingFailed;
};
struct StorageValue : In {
  static constexpr u32 limit = 1 << 20;
  static constexpr std::string_view name = "a storage value";
  static constexpr std::optional<ContractsError> too_long = ContractsError::ValueTooLarge;
};
struct EventData : In {
  static constexpr u32 limit = 1 << 20;
  static constexpr std::string_view name = "an event";
  static constexpr std::optional<ContractsError> too_long = ContractsError::ValueTooLarge;
};
struct RandomSubject : In {
  static constexpr u32 limit = 32;
  static constexpr std::string_view name = "a random subject";
  static constexpr std::optional<ContractsError> too_long = ContractsError::RandomSubjectTooLong;
};
struct DebugText : In {
  static constexpr u32 limit = 128 * 1024;   ///< what is kept of a whole run
  static constexpr std::string_view name = "a debug message";
  static constexpr std::optional<ContractsError> too_long{};
};
template <class T>
concept LimitedIn = std::derived_from<T, In> && requires { T::limit; };
/// (out_ptr, out_len_ptr): a buffer with its capacity, see write_out.
struct Out { u32 ptr, len_ptr; };
/// A pointer to N bytes to be written.
template <size_t N>
struct OutFixed { u8* to; };
/// A pointer that is looked at only under a condition, and a length that old signatures carry and nobody needs.
struct Ptr { u32 at; };
struct Ignored {};

/// What a number that the contract passes stands for: one per wasm parameter, so that tests can reach every edge of every function.
enum class Role : u8 { number32, number64, pointer, in_ptr, in_len, out_ptr, out_len_ptr, maybe_ptr, ignored };
struct Parameter {
  Role role;
  u32 bytes = 0;   ///< pointer: how many are read or written there; in_len: the limit, 0 for none
  bool written = false;   ///< pointer: written, not read
  wasm_valkind_t kind() const { return role == Role::number64 ? WASM_I64 : WASM_I32; }
};

constexpr u32 sentinel = 0xffff'ffff;
/// docs/protocol.md §12.1
enum class ReturnCode : u32 {
  success = 0, callee_trapped = 1, callee_reverted = 2, key_not_found = 3, transfer_failed = 5, code_not_found = 7, not_callable = 8,
  call_runtime_failed = 10, ecdsa_recovery_failed = 11, sr25519_verify_failed = 12, xcm_execution_failed = 13, xcm_send_failed = 14,
};

enum class OnSkip : bool { trap, allow };
/// Writes all of `bytes` and their length, or traps OutputBufferTooSmall. `per_byte` is charged for what is written.
/// With OnSkip::allow an out pointer of SENTINEL discards everything.
Hosted<> write_out(Frame& frame, Out out, ByteView bytes, Gas per_byte = 0, OnSkip skip = OnSkip::trap);

namespace detail {
Stop longer_than_allowed(ContractsError error, std::string_view name, u32 bytes, u32 limit);

template <class T>
struct Arg;
template <>
struct Arg<u32> {
  static constexpr Parameter shape[] = {{Role::number32}};
  static Hosted<u32> read(Frame&, const wasmtime_val_raw_t* raw) { return static_cast<u32>(raw[0].i32); }
};
template <>
struct Arg<u64> {
  static constexpr Parameter shape[] = {{Role::number64}};
  static Hosted<u64> read(Frame&, const wasmtime_val_raw_t* raw) { return static_cast<u64>(raw[0].i64); }
};
template <>
struct Arg<In> {
  static constexpr Parameter shape[] = {{Role::in_ptr}, {Role::in_len}};
  static Hosted<In> read(Frame& frame, const wasmtime_val_raw_t* raw) {
    return In(TRY(frame.read(static_cast<u32>(raw[0].i32), static_cast<u32>(raw[1].i32))));
  }
};
template <LimitedIn T>
struct Arg<T> {
  static constexpr Parameter shape[] = {{Role::in_ptr}, {Role::in_len, T::limit}};
  static Hosted<T> read(Frame& frame, const wasmtime_val_raw_t* raw) {
    u32 len = static_cast<u32>(raw[1].i32);
    if (T::too_long && len > T::limit) return fail(longer_than_allowed(*T::too_long, T::name, len, T::limit));
    len = std::min(len, T::limit);
    return T{In(TRY(frame.read(static_cast<u32>(raw[0].i32), len)))};
  }
};
template <>
struct Arg<Out> {
  static constexpr Parameter shape[] = {{Role::out_ptr}, {Role::out_len_ptr}};
  static Hosted<Out> read(Frame&, const wasmtime_val_raw_t* raw) { return Out{static_cast<u32>(raw[0].i32), static_cast<u32>(raw[1].i32)}; }
};
template <size_t N>
struct Arg<OutFixed<N>> {
  static constexpr Parameter shape[] = {{Role::pointer, N, true}};
  static Hosted<OutFixed<N>> read(Frame& frame, const wasmtime_val_raw_t* raw) { return OutFixed<N>{TRY(frame.writable(static_cast<u32>(raw[0].i32), N))}; }
};
template <>
struct Arg<Ptr> {
  static constexpr Parameter shape[] = {{Role::maybe_ptr}};
  static Hosted<Ptr> read(Frame&, const wasmtime_val_raw_t* raw) { return Ptr{static_cast<u32>(raw[0].i32)}; }
};
template <>
struct Arg<Ignored> {
  static constexpr Parameter shape[] = {{Role::ignored}};
  static Hosted<Ignored> read(Frame&, const wasmtime_val_raw_t*) { return Ignored{}; }
};
template <size_t N, class Tag>
struct Arg<FixedBytes<N, Tag>> {
  static constexpr Parameter shape[] = {{Role::pointer, N}};
  static Hosted<FixedBytes<N, Tag>> read(Frame& frame, const wasmtime_val_raw_t* raw) {
    return FixedBytes<N, Tag>(TRY(frame.read(static_cast<u32>(raw[0].i32), N)));
  }
};
template <>
struct Arg<Balance> {
  static constexpr Parameter shape[] = {{Role::pointer, 16}};
  static Hosted<Balance> read(Frame& frame, const wasmtime_val_raw_t* raw) {
    return load_le<Balance>(TRY(frame.read(static_cast<u32>(raw[0].i32), 16)).data());
  }
};

template <class T>
struct Ret;
template <>
struct Ret<void> { static constexpr std::optional<wasm_valkind_t> kind{}; };
template <>
struct Ret<u32> {
  static constexpr std::optional<wasm_valkind_t> kind{WASM_I32};
  static void write(wasmtime_val_raw_t* raw, u32 value) { raw[0].i32 = static_cast<int32_t>(value); }
};
template <>
struct Ret<u64> {
  static constexpr std::optional<wasm_valkind_t> kind{WASM_I64};
  static void write(wasmtime_val_raw_t* raw, u64 value) { raw[0].i64 = static_cast<int64_t>(value); }
};
template <>
struct Ret<ReturnCode> {
  static constexpr std::optional<wasm_valkind_t> kind{WASM_I32};
  static void write(wasmtime_val_raw_t* raw, ReturnCode value) { raw[0].i32 = static_cast<int32_t>(value); }
};

/// Takes the spent fuel off the meter and charges the price of the call; and hands the rest back as fuel.
Hosted<> enter_host(Frame& frame, Gas price);
void leave_host(Frame& frame);
/// Ends the frame with the failure (or the wish) in `stop`.
wasm_trap_t* end_frame(Frame& frame, Stop stop);
/// The frame whose code called, and the price of what it called.
Frame& frame_of(wasmtime_caller_t* caller);

template <auto Fn>
struct Bind;
template <class R, class... A, Hosted<R> (*Fn)(Frame&, A...)>
struct Bind<Fn> {
  static std::vector<Parameter> params() {
    std::vector<Parameter> out;
    (out.insert(out.end(), std::begin(Arg<A>::shape), std::end(Arg<A>::shape)), ...);
    return out;
  }
  static constexpr auto result = Ret<R>::kind;
  static constexpr bool answers_code = std::is_same_v<R, ReturnCode>;

  static wasm_trap_t* call(void* price, wasmtime_caller_t* caller, wasmtime_val_raw_t* raw, size_t) {
    Frame& frame = frame_of(caller);
    // no exception may cross the frames of the wasm
    try {
      auto answer = invoke(frame, *static_cast<const Gas*>(price), raw, std::index_sequence_for<A...>{});
      if (!answer) return end_frame(frame, std::move(answer.error()));
      leave_host(frame);
      if constexpr (!std::is_void_v<R>) Ret<R>::write(raw, *answer);
      return nullptr;
    } catch (const std::bad_alloc&) {
      return end_frame(frame, frame.run.give_up(out_of_memory()));
    }
  }

 private:
  template <size_t... I>
  static Hosted<R> invoke(Frame& frame, Gas price, const wasmtime_val_raw_t* raw, std::index_sequence<I...>) {
    TRY(enter_host(frame, price));
    constexpr auto offsets = [] {
      std::array<size_t, sizeof...(A) + 1> at{};
      size_t i = 0;
      ((at[i + 1] = at[i] + std::size(Arg<A>::shape), ++i), ...);
      return at;
    }();
    std::tuple<std::optional<A>...> args;
    std::optional<Stop> bad;
    static_cast<void>(((read_one<A>(frame, raw + offsets[I], std::get<I>(args), bad)) && ...));
    if (bad) return fail(std::move(*bad));
    return Fn(frame, std::move(*std::get<I>(args))...);
  }
  template <class T>
  static bool read_one(Frame& frame, const wasmtime_val_raw_t* raw, std::optional<T>& to, std::optional<Stop>& bad) {
    auto value = Arg<T>::read(frame, raw);
    if (value) to.emplace(std::move(*value));
    else bad = std::move(value.error());
    return value.has_value();
  }
};

}  // namespace detail

/// A row of the table.
struct HostFn {
  std::string_view module, name;
  Cost cost;
  bool alias;   ///< also known as seal_<name>
  std::vector<Parameter> (*params)();
  std::optional<wasm_valkind_t> result;
  bool answers_code;   ///< the result is a ReturnCode
  wasmtime_func_unchecked_callback_t call;
};
template <auto Fn>
constexpr HostFn host_fn(std::string_view module, std::string_view name, Cost cost, bool alias = true) {
  return {module, name, cost, alias, &detail::Bind<Fn>::params, detail::Bind<Fn>::result, detail::Bind<Fn>::answers_code, &detail::Bind<Fn>::call};
}
/// All of them, for the linker, the documentation and the tests.
std::span<const HostFn> host_functions();

}  // namespace phala::engine

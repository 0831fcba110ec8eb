#pragma once
// Why: a contract is one struct: its fields are its storage, its operator() overloads its constructors and messages. From the
// declarations come the dispatcher (in wasm) and the metadata (in a native build of the same source), so the two cannot differ.
//
//   struct Counter {
//     u32 value{};
//     Map<AccountId, u32> by_account;
//     FIELDS(value, by_account)
//
//     struct New { u32 start;  FIELDS(start)  static constexpr Constructor constructor = Constructor("new"); };
//     struct Add { u32 by;     FIELDS(by)     using Returns = Result<u32, Error>;  static constexpr Message message = Message("add"); };
//     struct Get {             FIELDS()       using Returns = u32;                 static constexpr Message message = Message("get"); };
//     using Constructors = List<New>;
//     using Messages = List<Add, Get>;
//     using Events = List<>;
//
//     void operator()(const New& call) { value = call.start; }
//     Result<u32, Error> operator()(const Add& call);            // changes storage
//     u32 operator()(const Get&) const { return value; }         // const: does not
//   };
//   PHALA_CONTRACT(Counter)
//
// A message that returns an error is undone. Wire format: that of ink! 4 (answers are Result<T, LangError>).

#include "phala/call.hpp"
#include "phala/event.hpp"
#include "phala/storage.hpp"

namespace phala::sdk {

namespace detail {

template <class T>
struct IsResult : std::false_type {};
template <class T, class E>
struct IsResult<Result<T, E>> : std::true_type {};

/// Traps when value was sent along.
void refuse_value();
/// Ends the call with LangError::CouldNotReadInput.
[[noreturn]] void could_not_read();
/// The cell with the plain fields; traps when the contract has none (its constructor never ran).
Bytes load_root();
void store_root(ByteView value);

template <class C>
void store(const C& contract) { store_root(scale::encode(contract)); }

template <class C>
C load() {
  auto contract = scale::decode<C>(load_root());
  if (!contract) broken_storage();
  Fields<C>::bind(*contract);
  return std::move(*contract);
}

/// Arguments of a call. Bytes after them are ignored, as ink does.
template <class M>
M arguments(scale::Reader& in) {
  auto call = scale::decode_from<M>(in);
  if (!call) could_not_read();
  return std::move(*call);
}

template <class T>
[[noreturn]] void answer(const T& value) {
  Bytes out{0};
  scale::encode_to(out, value);
  if constexpr (IsResult<T>::value) finish(!value, out);
  else finish(false, out);
}
[[noreturn]] inline void answer_nothing() {
  const u8 ok = 0;
  finish(false, {&ok, 1});
}

/// Does the contract answer M without changing itself?
template <class C, class M>
concept Reads = requires(const C& contract, const M& call) { contract(call); };

template <class C, class M>
[[noreturn]] __attribute__((noinline)) void run_message(scale::Reader& in) {
  using R = typename M::Returns;
  const M call = arguments<M>(in);
  if (!M::message.is_payable) refuse_value();
  C contract = load<C>();
  static_assert(std::is_same_v<R, decltype(contract(call))>, "the handler must return what the message declares as Returns");
  if constexpr (std::is_void_v<R>) {
    if constexpr (Reads<C, M>) {
      std::as_const(contract)(call);
    } else {
      contract(call);
      store(contract);
    }
    answer_nothing();
  } else if constexpr (Reads<C, M>) {
    answer<R>(std::as_const(contract)(call));
  } else {
    const R result = contract(call);
    if constexpr (IsResult<R>::value) {
      if (result) store(contract);
    } else {
      store(contract);
    }
    answer<R>(result);
  }
}

template <class C, class M>
[[noreturn]] __attribute__((noinline)) void run_constructor(scale::Reader& in) {
  const M call = arguments<M>(in);
  if (!M::constructor.is_payable) refuse_value();
  C contract{};
  Fields<C>::bind(contract);
  using R = decltype(contract(call));
  if constexpr (std::is_void_v<R>) {
    contract(call);
    store(contract);
    answer_nothing();
  } else {
    static_assert(IsResult<R>::value && std::is_void_v<typename R::value_type>, "a constructor returns nothing or Result<void, E>");
    const R result = contract(call);
    if (result) store(contract);
    answer<R>(result);
  }
}

inline bool selects(ByteView selector, const Selector& wanted) { return load_le<u32>(selector.data()) == load_le<u32>(wanted.data()); }

template <class C, class... M>
[[noreturn]] void dispatch_message(List<M...>) {
  const Bytes input = read_input();
  scale::Reader in(input);
  const auto selector = in.take(4);
  if (!selector) could_not_read();
  ((selects(*selector, M::message.selector) ? run_message<C, M>(in) : void()), ...);
  could_not_read();
}

template <class C, class... M>
[[noreturn]] void dispatch_constructor(List<M...>) {
  const Bytes input = read_input();
  scale::Reader in(input);
  const auto selector = in.take(4);
  if (!selector) could_not_read();
  ((selects(*selector, M::constructor.selector) ? run_constructor<C, M>(in) : void()), ...);
  could_not_read();
}

}  // namespace detail

/// The two entry points, for native tests.
template <class C>
[[noreturn]] void run_call() { detail::dispatch_message<C>(typename C::Messages{}); }
template <class C>
[[noreturn]] void run_deploy() { detail::dispatch_constructor<C>(typename C::Constructors{}); }

}  // namespace phala::sdk

#if defined(__wasm__)
#define PHALA_CONTRACT(C)                                                                         \
  __attribute__((export_name("call"))) void phala_entry_call() { ::phala::sdk::run_call<C>(); }   \
  __attribute__((export_name("deploy"))) void phala_entry_deploy() { ::phala::sdk::run_deploy<C>(); }
#elif defined(PHALA_CONTRACT_METADATA)
#include "phala/metadata.hpp"
#define PHALA_CONTRACT(C) \
  int main() { return ::phala::sdk::print_metadata<C>(); }
#else
#define PHALA_CONTRACT(C)
#endif

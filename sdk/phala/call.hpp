#pragma once
// Why: a message is described once and serves both sides: the contract that answers it and the contracts that send it.
//   const auto driver = call(pink::system_contract_id(), system::GetDriver{"PinkLogger"});

#include "phala/env.hpp"

namespace phala::sdk {

namespace detail {
/// Selector ‖ arguments.
template <class M>
Bytes call_data(const Message& message, const M& arguments) {
  Bytes out(message.selector.begin(), message.selector.end());
  scale::encode_to(out, arguments);
  return out;
}

/// Reads what a contract answered: 0 ‖ value, or 1 ‖ 1 when it could not read the call.
template <class T>
Result<T, CallError> read_answer(const Result<void, CallError>& sent, ByteView answer) {
  if (!sent && sent.error() != CallError::callee_reverted) return fail(sent.error());
  if (answer.empty() || answer[0] > 1) return fail(sent ? CallError::bad_answer : sent.error());
  if (answer[0] == 1) return fail(CallError::not_understood);
  if constexpr (std::is_void_v<T>) {
    if (!sent) return fail(sent.error());
    return {};
  } else {
    auto value = scale::decode<T>(answer.subspan(1));
    if (!value) return fail(sent ? CallError::bad_answer : sent.error());
    return Result<T, CallError>(std::in_place, std::move(*value));
  }
}
}  // namespace detail

/// Sends a message and waits for the answer. Where `Returns` is itself a Result, the outer one tells whether the call went
/// through, the inner one what the callee said.
template <class M>
Result<typename M::Returns, CallError> call(const AccountId& callee, const M& message, const CallOptions& options = {}) {
  Bytes out;
  const auto sent = call_raw(callee, detail::call_data(M::message, message), options, out);
  return detail::read_answer<typename M::Returns>(sent, out);
}

/// Runs a message of other code on this contract's own storage, address and balance.
template <class M>
Result<typename M::Returns, CallError> delegate_call(const Hash& code, const M& message) {
  Bytes out;
  const auto sent = delegate_call_raw(code, detail::call_data(M::message, message), out);
  return detail::read_answer<typename M::Returns>(sent, out);
}

/// Creates a contract from uploaded code. Equal creator, code and salt give an equal address, so a second one needs another salt.
/// Error: callee_reverted when the constructor refused.
template <class C>
Result<AccountId, CallError> instantiate(const Hash& code, const C& constructor, ByteView salt, Balance value = 0) {
  Bytes out;
  return instantiate_raw(code, detail::call_data(C::constructor, constructor), salt, value, out);
}

}  // namespace phala::sdk

#pragma once
// Why: a contract is ordinary C++, so its rules can be tested natively, in milliseconds. TestHost is the world it sees: storage,
// caller, block, other contracts and the worker's extension, all in memory. What only an engine decides (gas, limits, isolation)
// is tested in wasm.
//
//   TestHost host;
//   host.caller = alice;
//   ASSERT_FALSE(host.deploy<Counter>(Counter::New{5}).trapped);
//   EXPECT_EQ(host.send<Counter>(Counter::Get{}), 5u);

#include <functional>

#include "phala/contract.hpp"

namespace phala::sdk {

/// How a call ended.
struct CallOutcome {
  bool trapped = false;
  bool reverted = false;
  Bytes data;          ///< the answer; empty when trapped
};

class TestHost {
 public:
  struct Event { std::vector<Hash> topics; Bytes data; };
  /// What another contract does: status (0 or a CallError) and answer.
  struct Answer { u32 status = 0; Bytes data; };
  using Peer = std::function<Answer(const AccountId& callee, u32 flags, Balance value, ByteView input)>;
  /// Runs other code on this contract's storage; creates a contract (the answer's data then begins with its address).
  using Delegate = std::function<Answer(const Hash& code, ByteView input)>;
  using Creator = std::function<Answer(const Hash& code, Balance value, ByteView input, ByteView salt)>;
  /// The worker's extension: status and output.
  using Extension = std::function<Answer(u16 id, ByteView input)>;

  TestHost();
  ~TestHost();
  TestHost(const TestHost&) = delete;

  AccountId caller, self;
  Balance value = 0;                                 ///< sent with the next calls
  Balance balance = 0;                               ///< what the contract can spend; `value` is added when a call begins
  BlockNumber block = 1;
  Timestamp now_ms = 0;
  Hash own_code;
  std::map<AccountId, Hash> code_of;                 ///< other contracts
  std::map<Bytes, Bytes> storage;
  std::vector<Event> events;
  std::vector<std::pair<AccountId, Balance>> transfers;
  std::string debug;                                 ///< texts of debug_message, a line each
  Peer peer;                                         ///< none: every callee is not callable
  Delegate delegate;                                 ///< none: no such code
  Creator creator;                                   ///< none: no such code
  Extension extension;                               ///< none: every extension call traps

  /// Runs the constructor. A trap or a revert undoes storage, events, transfers, balance and the code hash; `debug` stays.
  template <class C, class M>
  CallOutcome deploy(const M& constructor) { return run(detail::call_data(M::constructor, constructor), run_deploy<C>); }
  template <class C>
  CallOutcome call_raw(Bytes input) { return run(std::move(input), run_call<C>); }
  /// Sends a message and decodes its answer; fails when the contract trapped or could not read the call.
  template <class C, class M>
  Result<typename M::Returns, CallError> send(const M& message) {
    const CallOutcome outcome = call_raw<C>(detail::call_data(M::message, message));
    if (outcome.trapped) return fail(CallError::callee_trapped);
    const auto sent = outcome.reverted ? Result<void, CallError>(std::unexpect, CallError::callee_reverted) : Result<void, CallError>();
    return detail::read_answer<typename M::Returns>(sent, outcome.data);
  }

  const Bytes& input() const { return input_; }

 private:
  CallOutcome run(Bytes input, void (*entry)());
  Bytes input_;
};

}  // namespace phala::sdk

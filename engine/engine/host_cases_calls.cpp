// The cases of host functions that call, make and end contracts, move money, and reach the chain extension.
#include "engine/effects.hpp"
#include "engine/host_cases.hpp"

namespace phala::engine::test {

namespace {

using place::address_capacity, place::capacity, place::out, place::payload;

const Bytes hello = to_bytes("hello");
const std::string out_of_bounds = "Contracts::OutOfBounds: host function given a range outside the memory";
const std::string input_gone = "Contracts::InputForwarded: the input was given away";
/// Gives the input away to nobody.
const std::string forward = "(drop (call $seal1.call (i32.const 1) (i32.const 0x500) (i64.const 0) (i32.const 0x500) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))";

/// The arguments of a call in one of its versions; the account, the value and "hello" are the payload.
struct CallShape {
  std::string fn;
  bool has_flags;
  std::function<std::vector<u64>(u64 flags, u64 gas, u64 out)> args;
};
std::vector<CallShape> call_shapes() {
  constexpr u64 value = payload + 32, input = payload + 48;
  return {{"seal0.call", false, [](u64, u64 gas, u64 to) { return std::vector<u64>{payload, 32, gas, value, 16, input, 5, to, capacity}; }},
          {"seal1.call", true, [](u64 flags, u64 gas, u64 to) { return std::vector<u64>{flags, payload, gas, value, input, 5, to, capacity}; }},
          {"seal2.call", true, [](u64 flags, u64 gas, u64 to) { return std::vector<u64>{flags, payload, gas, 0, none, value, input, 5, to, capacity}; }}};
}

void add_calls(std::vector<HostCase>& cases, const HostWorld& world) {
  const auto to = [](const AccountId& account, Balance value) { return concat(scale::encode(account, value), hello); };
  for (const auto& shape : call_shapes()) {
    const auto add = [&](const char* what, u64 flags, const AccountId& callee, Balance value, std::optional<u64> result, std::optional<Bytes> output = {}) {
      cases.push_back({.fn = shape.fn, .what = what, .args = shape.args(flags, 0, out), .payload = to(callee, value), .result = result, .out = std::move(output)});
    };
    add("answers", 0, world.echo, 7, 0, hello);
    add("traps", 0, world.trap, 7, 1);
    add("reverts", 0, world.revert, 7, 2, hello);
    add("too much value", 0, world.echo, 5000, 5);
    add("nobody", 0, bob, 7, 8);
    cases.push_back({.fn = shape.fn, .what = "its answer is not wanted", .args = shape.args(0, 0, none), .payload = to(world.echo, 0), .result = 0, .out = Bytes{}});
    cases.back().also = [](const Outcome&, const HostAnswer& answer, const Cluster&, const ContractId&) { return answer.written == 0x400; };
    cases.back().out.reset();
    cases.push_back({.fn = shape.fn, .what = "more gas than there is", .args = shape.args(0, ~u64{0} >> 1, out), .payload = to(world.echo, 0),
                     .error = "Contracts::OutOfGas: the call is given more gas than is left"});
    auto outside = shape.args(0, 0, out);
    outside[outside.size() - 4] = place::end - 4;   // the input
    cases.push_back({.fn = shape.fn, .what = "input from outside", .args = outside, .payload = to(world.echo, 0), .error = out_of_bounds});
    if (!shape.has_flags) continue;
    cases.push_back({.fn = shape.fn, .what = "tail call", .args = shape.args(4, 0, out), .payload = to(world.echo, 0), .data = hello});
    for (const u64 flags : {1, 2})   // the callee sees all of the input
      cases.push_back({.fn = shape.fn, .what = flags == 1 ? "forwards its input" : "clones its input", .args = shape.args(flags, 0, out), .payload = to(world.echo, 0), .result = 0,
                       .also = [](const Outcome&, const HostAnswer& answer, const Cluster&, const ContractId&) { return answer.written == payload - place::input + 53; }});
    for (const u64 flags : {1, 2, 3})
      cases.push_back({.fn = shape.fn, .what = "input that is gone", .args = shape.args(flags, 0, out), .payload = to(world.echo, 0), .before = forward, .error = input_gone});
    cases.push_back({.fn = shape.fn, .what = "unknown flags", .args = shape.args(16, 0, out), .payload = to(world.echo, 0), .error = "Contracts::InvalidCallFlags: call flags 16"});
    cases.push_back({.fn = shape.fn, .what = "itself", .args = shape.args(0, 0, out), .payload = concat(scale::encode(Balance{0}), hello), .self_first = true,
                     .error = "Contracts::ReentranceDenied: the contract waits in a call that forbids re-entry"});
  }
  auto limited = call_shapes()[2].args(0, 0, out);
  limited[4] = place::end - 15;
  cases.push_back({.fn = "seal2.call", .what = "a deposit limit from outside", .args = limited, .payload = to(world.echo, 0), .error = out_of_bounds});

  const auto delegate = [&](const char* what, u64 flags, const Hash& code, std::optional<u64> result, std::optional<Bytes> output = {}) {
    cases.push_back({.fn = "seal0.delegate_call", .what = what, .args = {flags, payload, payload + 32, 5, out, capacity}, .payload = concat(code, hello), .result = result, .out = std::move(output)});
  };
  delegate("answers", 0, world.echo_code, 0, hello);
  delegate("traps", 0, world.trap_code, 1);
  delegate("reverts", 0, world.revert_code, 2, hello);
  delegate("no such code", 0, Hash{}, 7);
  delegate("tail call", 4, world.echo_code, {});
  cases.back().data = hello;
  delegate("allows re-entry", 8, world.echo_code, {});
  cases.back().error = "Contracts::InvalidCallFlags: call flags 8";
  delegate("code that is not deterministic", 0, world.relaxed_code, {});
  cases.back().error = "Contracts::Indeterministic: non-deterministic code can only be delegate-called, in queries";
  delegate("input that is gone", 1, world.echo_code, {});
  cases.back().error = input_gone;
  cases.back().before = forward;
  cases.push_back({.fn = "seal0.delegate_call", .what = "input from outside", .args = {0, payload, place::end - 4, 5, out, capacity}, .payload = to_bytes(world.echo_code), .error = out_of_bounds});
}

void add_instantiations(std::vector<HostCase>& cases, const HostWorld& world) {
  // payload: code hash ‖ value ‖ "hello" ‖ "salt"
  constexpr u64 value = payload + 32, input = payload + 48, salt = payload + 53;
  const auto made_of = [](const Hash& code, Balance amount) { return concat(scale::encode(code, amount), hello, to_bytes("salt")); };
  const std::vector<u64> rest{input, 5, place::address, address_capacity, out, capacity, salt, 4};
  std::map<std::string, std::vector<u64>> shapes{{"seal0.instantiate", {payload, 32, 0, value, 16}}, {"seal1.instantiate", {payload, 0, value}}, {"seal2.instantiate", {payload, 0, 0, none, value}}};
  for (auto& [fn, args] : shapes) {
    args.insert(args.end(), rest.begin(), rest.end());
    const auto add = [&](const char* what, const Hash& code, Balance amount, std::optional<u64> result, std::optional<Bytes> output = {}) {
      cases.push_back({.fn = fn, .what = what, .args = args, .payload = made_of(code, amount), .result = result, .out = std::move(output)});
    };
    add("answers", world.echo_code, 7, 0, hello);
    cases.back().also = [code = world.echo_code](const Outcome& outcome, const HostAnswer& answer, const Cluster& cluster, const ContractId& self) {
      const auto made = contract_address(self, code, cluster.config.cluster_id, as_bytes("salt"));
      return Bytes(answer.out.begin() + 0x80, answer.out.begin() + 0xa0) == to_bytes(made) && cluster.balance(made) == 8 &&
             outcome.effects.instantiated == std::vector{(InstantiatedContract{self, made})};
    };
    add("traps", world.trap_code, 7, 1);
    add("reverts", world.revert_code, 7, 2, hello);   // its answer comes, its address does not
    cases.back().also = [](const Outcome&, const HostAnswer& answer, const Cluster&, const ContractId&) {
      return Bytes(answer.out.begin() + 0x80, answer.out.begin() + 0xa0) == Bytes(32, 0);
    };
    add("too much value", world.echo_code, 5000, 5);
    add("no such code", Hash{}, 7, 7);
    add("code that is not deterministic", world.relaxed_code, 0, {});
    cases.back().error = "Contracts::Indeterministic: non-deterministic code can only be delegate-called, in queries";
    auto quiet = args;
    quiet[quiet.size() - 6] = quiet[quiet.size() - 4] = none;   // neither the address nor the answer is wanted
    cases.push_back({.fn = fn, .what = "quietly", .args = quiet, .payload = made_of(world.echo_code, 7), .result = 0, .also = [](const Outcome&, const HostAnswer& answer, const Cluster&, const ContractId&) {
                       return answer.written == 0x400 && answer.out == Bytes(0x100, 0);
                     }});
  }
  auto limited = shapes["seal2.instantiate"];
  limited[3] = place::end - 15;
  cases.push_back({.fn = "seal2.instantiate", .what = "a deposit limit from outside", .args = limited, .payload = made_of(world.echo_code, 7), .error = out_of_bounds});
}

void add_code_and_dependencies(std::vector<HostCase>& cases, const HostWorld& world) {
  const Bytes code = to_bytes(world.echo_code);
  cases.push_back({.fn = "seal0.set_code_hash", .what = "there is", .args = {payload}, .payload = code, .result = 0,
                   .also = [hash = world.echo_code](const Outcome&, const HostAnswer&, const Cluster& cluster, const ContractId& self) { return cluster.state.contract(self)->code_hash == hash; }});
  cases.push_back({.fn = "seal0.set_code_hash", .what = "there is not", .args = {payload}, .payload = Bytes(32, 0), .result = 7});
  cases.push_back({.fn = "seal0.set_code_hash", .what = "not deterministic", .args = {payload}, .payload = to_bytes(world.relaxed_code),
                   .error = "Contracts::Indeterministic: a contract cannot become non-deterministic code"});
  const auto counts = [hash = world.echo_code](u64 references) {
    return [=](const Outcome&, const HostAnswer&, const Cluster& cluster, const ContractId&) { return cluster.state.code_info(hash)->refcount.value == references; };
  };
  const std::string lock = "(call $seal0.lock_delegate_dependency (i32.const 0x1080))";
  for (const std::string fn : {"seal0.add_delegate_dependency", "seal0.lock_delegate_dependency"}) {
    cases.push_back({.fn = fn, .what = "of code", .args = {payload}, .payload = code, .also = counts(1)});
    cases.push_back({.fn = fn, .what = "twice", .args = {payload}, .payload = code, .before = lock, .error = "Contracts::DelegateDependencyAlreadyExists: "});
    cases.push_back({.fn = fn, .what = "of no code", .args = {payload}, .payload = Bytes(32, 0), .error = "Contracts::CodeNotFound: there is no code " + to_hex0x(Hash{})});
  }
  for (const std::string fn : {"seal0.remove_delegate_dependency", "seal0.unlock_delegate_dependency"}) {
    cases.push_back({.fn = fn, .what = "of code", .args = {payload}, .payload = code, .before = lock, .also = counts(0)});
    cases.push_back({.fn = fn, .what = "that is not there", .args = {payload}, .payload = code, .error = "Contracts::DelegateDependencyNotFound: "});
  }
}

}  // namespace

std::vector<HostCase> call_cases(const HostWorld& world) {
  std::vector<HostCase> cases;
  const auto transfer = [&](const char* what, Balance amount, u64 result) {
    cases.push_back({.fn = "seal0.transfer", .what = what, .args = {payload, 32, payload + 32, 16}, .payload = scale::encode(account(3), amount), .result = result,
                     .also = [=](const Outcome&, const HostAnswer&, const Cluster& cluster, const ContractId&) { return cluster.balance(account(3)) == (result == 0 ? amount : 0); }});
  };
  transfer("all but the last", 1000, 0);
  transfer("all", 1001, 5);
  transfer("more", 1002, 5);
  add_calls(cases, world);
  add_instantiations(cases, world);
  add_code_and_dependencies(cases, world);

  const auto ended = [](const Outcome&, const HostAnswer&, const Cluster& cluster, const ContractId& self) {
    return !cluster.state.contract(self) && cluster.balance(self) == 0 && cluster.balance(account(3)) == 1001;
  };
  cases.push_back({.fn = "seal0.terminate", .what = "for good", .args = {payload, 32}, .payload = to_bytes(account(3)), .data = Bytes{}, .also = ended});
  cases.push_back({.fn = "seal1.terminate", .what = "for good", .args = {payload}, .payload = to_bytes(account(3)), .data = Bytes{}, .also = ended});

  cases.push_back({.fn = "seal0.input", .what = "all of it", .args = {out, capacity}, .payload = hello,
                   .also = [](const Outcome&, const HostAnswer& answer, const Cluster&, const ContractId&) {
                     return answer.written == payload - place::input + 5 && Bytes(answer.out.begin() + 0x80, answer.out.begin() + 0x85) == hello;
                   }});
  cases.push_back({.fn = "seal0.input", .what = "that is gone", .args = {out, capacity}, .payload = hello, .before = forward, .error = input_gone});
  cases.push_back({.fn = "seal0.seal_return", .what = "an answer", .args = {0, payload, 5}, .payload = hello, .data = hello});
  cases.push_back({.fn = "seal0.seal_return", .what = "a refusal", .args = {1, payload, 5}, .payload = hello, .data = hello,
                   .also = [](const Outcome& outcome, const HostAnswer&, const Cluster&, const ContractId&) { return outcome.result.result->reverted(); }});
  cases.push_back({.fn = "seal0.seal_return", .what = "unknown flags", .args = {2, payload, 5}, .payload = hello, .error = "Contracts::InvalidCallFlags: return flags 2"});

  const Bytes batch = scale::encode(std::vector<HttpRequest>{}, u64{1});
  cases.push_back({.fn = "seal0.call_chain_extension", .what = "an answer", .args = {10, payload, 7, out, capacity}, .payload = scale::encode(u8{3}, std::string("hello")), .result = 0, .out = Bytes{}});
  cases.push_back({.fn = "seal0.call_chain_extension", .what = "a value", .args = {12, payload, 0, out, capacity}, .result = 0, .out = Bytes{1}});
  cases.push_back({.fn = "seal0.call_chain_extension", .what = "a status", .args = {22, payload, batch.size(), out, capacity}, .payload = batch, .result = 7, .out = Bytes{}});
  cases.push_back({.fn = "seal0.call_chain_extension", .what = "another extension", .args = {0x10001, payload, 0, out, capacity}, .error = "Pink::UnknownChainExtensionId: chain extension 1"});
  cases.push_back({.fn = "seal0.call_chain_extension", .what = "no such function", .args = {26, payload, 0, out, capacity}, .error = "Pink::UnknownChainExtensionFunction: chain extension function 26"});
  cases.push_back({.fn = "seal0.call_chain_extension", .what = "bytes too many", .args = {12, payload, 1, out, capacity},
                   .error = "Contracts::DecodingFailed: the arguments of a chain extension do not decode: bytes are left over after the value"});
  return cases;
}

}  // namespace phala::engine::test

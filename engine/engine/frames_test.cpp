// Contracts that call each other: what is undone with a frame, who may enter again, who pays: docs/protocol.md §13.
#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "engine/events.hpp"
#include "engine/gas.hpp"
#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

/// Input: account (32) ‖ flags u32 ‖ input for it. Calls it and answers code u32 ‖ its output.
const std::string caller_body = answering(R"(
  (i32.store (i32.const 0xff0) (i32.const 0x800))
  (local.set $a (call $seal1.call (i32.load (i32.const 0x1020)) (i32.const 0x1000) (i64.const 0) (i32.const 0x200)
    (i32.const 0x1024) (i32.sub (local.get $n) (i32.const 36)) (i32.const 0x2004) (i32.const 0xff0)))
  (i32.store (i32.const 0x2000) (local.get $a))
  (local.set $end (i32.const 0x2004))
  (if (i32.lt_u (local.get $a) (i32.const 3)) (then (if (i32.ne (local.get $a) (i32.const 1)) (then
    (local.set $end (i32.add (i32.const 0x2004) (i32.load (i32.const 0xff0))))))))
)");
/// The value that caller_body sends: 16 bytes at 0x200.
std::string sends(u8 value) { return "(data (i32.const 0x200) \"\\" + to_hex(Bytes{value}) + "\")"; }

/// Writes its input to storage, emits an event, then does what `then` says.
std::string writer_body(const std::string& then) {
  return answering("(drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1000) (local.get $n)))"
                   "(call $seal0.deposit_event (i32.const 0) (i32.const 0) (i32.const 0x1000) (local.get $n))" + then);
}
Bytes to(const ContractId& id, u32 flags, ByteView input) { return concat(id, scale::encode(flags), input); }
const std::string deploy_function(const std::string& text) {
  std::string out = text;
  out.replace(out.find("\"call\""), 6, "\"deploy\"");
  return out;
}

}  // namespace

TEST(FramesTest, a_callee_answers_traps_or_reverts_and_only_success_keeps_its_changes) {
  Cluster cluster;
  const auto caller = cluster.deploy(caller_body + sends(7));
  const auto good = cluster.deploy(writer_body("(i32.store8 (i32.const 0x2000) (i32.const 42)) (local.set $end (i32.const 0x2001))"));
  const auto bad = cluster.deploy(writer_body("(unreachable)"));
  const auto back = cluster.deploy(writer_body("(call $seal0.seal_return (i32.const 1) (i32.const 0x1000) (local.get $n))"));
  const Bytes input = to_bytes("k123");

  auto outcome = cluster.send(caller, to(good, 0, input), {.value = 100});
  EXPECT_EQ(data_of(outcome), concat(scale::encode(u32{0}), Bytes{42}));
  EXPECT_EQ(cluster.state.storage(good, as_bytes("k")), input);
  EXPECT_EQ(cluster.balance(good), 1u + 7u);
  ASSERT_EQ(outcome.effects.ink_events.size(), 1u);
  EXPECT_EQ(outcome.effects.ink_events[0].contract, good);

  outcome = cluster.send(caller, to(bad, 0, input));
  EXPECT_EQ(data_of(outcome), scale::encode(u32{1}));
  EXPECT_EQ(cluster.state.storage(bad, as_bytes("k")), std::nullopt);
  EXPECT_EQ(cluster.balance(bad), 1u);
  EXPECT_TRUE(outcome.effects.ink_events.empty());
  ASSERT_EQ(outcome.effects.logs.size(), 1u);   // the developer learns why
  EXPECT_EQ(outcome.effects.logs[0].message, "callee trapped: Contracts::ContractTrapped: unreachable executed");

  outcome = cluster.send(caller, to(back, 0, input));
  EXPECT_EQ(data_of(outcome), concat(scale::encode(u32{2}), input));
  EXPECT_EQ(cluster.state.storage(back, as_bytes("k")), std::nullopt);
  EXPECT_EQ(cluster.balance(back), 1u);
  EXPECT_TRUE(outcome.effects.ink_events.empty());

  EXPECT_EQ(data_of(cluster.send(caller, to(account(9), 0, input))), scale::encode(u32{8}));   // no such contract
  EXPECT_EQ(cluster.balance(caller), 1u + 100u - 7u);
}

TEST(FramesTest, a_parent_that_traps_undoes_its_children) {
  Cluster cluster;
  const auto good = cluster.deploy(writer_body(""));
  const auto parent = cluster.deploy(answering(R"(
    (drop (call $seal1.call (i32.const 0) (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0x1000) (i32.const 4) (i32.const -1) (i32.const 0)))
    (unreachable))"));
  const auto root = cluster.state.root();
  const auto outcome = cluster.send(parent, scale::encode(good));
  EXPECT_EQ(error_of(outcome), "Contracts::ContractTrapped: unreachable executed");
  EXPECT_EQ(cluster.state.root(), root);   // gas is free here, so nothing at all changed
  EXPECT_TRUE(outcome.effects.ink_events.empty());
  EXPECT_FALSE(outcome.effects.event_block);
}

TEST(FramesTest, a_value_beyond_the_callers_means_is_a_code) {
  Cluster cluster;
  const auto caller = cluster.deploy(caller_body + sends(7));
  const auto good = cluster.deploy(writer_body(""));
  EXPECT_EQ(data_of(cluster.send(caller, to(good, 0, as_bytes("k")), {.value = 6})), scale::encode(u32{5}));
  EXPECT_EQ(error_of(cluster.send(caller, {}, {.value = 2'000'000 * unit})), "Contracts::TransferFailed: the caller cannot pay the value");
}

TEST(FramesTest, entering_again_needs_permission) {
  Cluster cluster;
  const auto caller = cluster.deploy(caller_body);
  const auto echo = cluster.deploy(writer_body(""));
  // caller → itself → echo
  const Bytes inner = to(echo, 0, as_bytes("k"));
  EXPECT_EQ(error_of(cluster.send(caller, to(caller, 0, inner))), "Contracts::ReentranceDenied: the contract waits in a call that forbids re-entry");
  EXPECT_EQ(data_of(cluster.send(caller, to(caller, 8, inner))), concat(scale::encode(u32{0}), scale::encode(u32{0})));
  // caller → other caller → caller: the first call decides
  const auto other = cluster.deploy(caller_body);
  EXPECT_EQ(data_of(cluster.send(caller, to(other, 0, to(caller, 0, inner)))), scale::encode(u32{1}));
  EXPECT_EQ(data_of(cluster.send(caller, to(other, 8, to(caller, 0, inner)))), scale::encode(u32{0}, u32{0}, u32{0}));
}

TEST(FramesTest, six_frames_and_no_more) {
  Cluster cluster;
  std::vector<ContractId> chain;
  for (int i = 0; i < 7; ++i) chain.push_back(cluster.deploy(caller_body));
  const auto leaf = cluster.deploy(writer_body(""));
  Bytes input = to(leaf, 0, as_bytes("k"));
  for (int i = 0; i < 4; ++i) input = to(chain[static_cast<size_t>(i)], 0, input);
  EXPECT_EQ(error_of(cluster.send(chain[4], input)), "");
  EXPECT_EQ(data_of(cluster.send(chain[4], input)).size(), 5 * 4u);
  input = to(chain[4], 0, input);
  const auto deep = cluster.send(chain[5], input);   // the fifth nested frame traps when it calls the sixth
  EXPECT_EQ(data_of(deep), scale::encode(u32{0}, u32{0}, u32{0}, u32{0}, u32{1}));
}

TEST(FramesTest, flags_that_do_not_exist_trap) {
  Cluster cluster;
  const auto caller = cluster.deploy(caller_body);
  EXPECT_EQ(error_of(cluster.send(caller, to(caller, 16, {}))), "Contracts::InvalidCallFlags: call flags 16");
}

TEST(FramesTest, input_can_be_forwarded_once_or_cloned_and_a_tail_call_answers_for_its_caller) {
  Cluster cluster;
  const auto echo = cluster.deploy(answering("(i32.store (i32.const 0x2000) (local.get $n)) (local.set $end (i32.const 0x2004))"));
  const auto with = [&](const std::string& flags, const std::string& after) {
    return cluster.deploy("(func (export \"call\") (i32.store (i32.const 0xff0) (i32.const 0x800)) (drop (call $seal1.call (i32.const " + flags + ") (i32.const 0x300) (i64.const 0) (i32.const 0x200)"
                          " (i32.const 0) (i32.const 0) (i32.const 0x2000) (i32.const 0xff0)))" + after + ") (data (i32.const 0x300) \"" +
                          [&] { std::string t; for (const u8 b : echo) t += "\\" + to_hex(Bytes{b}); return t; }() + "\")");
  };
  const std::string answer = "(call $seal0.seal_return (i32.const 0) (i32.const 0x2000) (i32.load (i32.const 0xff0)))";
  const std::string take = "(call $seal0.input (i32.const 0x3000) (i32.const 0xff0))";
  EXPECT_EQ(data_of(cluster.send(with("1", answer), Bytes(9, 1))), scale::encode(u32{9}));
  EXPECT_EQ(data_of(cluster.send(with("2", answer), Bytes(9, 1))), scale::encode(u32{9}));
  EXPECT_EQ(error_of(cluster.send(with("1", take), Bytes(3, 1))), "Contracts::InputForwarded: the input was given away");
  EXPECT_EQ(error_of(cluster.send(with("2", take), Bytes(3, 1))), "");
  EXPECT_EQ(data_of(cluster.send(with("6", "(unreachable)"), Bytes(11, 1))), scale::encode(u32{11}));
}

TEST(FramesTest, delegated_code_runs_as_the_caller) {
  Cluster cluster;
  const auto code = cluster.upload(contract(writer_body(R"(
    (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x2000) (i32.const 0xff0))
    (call $seal0.caller (i32.const 0x2020) (i32.const 0xff0))
    (call $seal0.own_code_hash (i32.const 0x2040) (i32.const 0xff0))
    (call $seal0.value_transferred (i32.const 0x2060) (i32.const 0xff0))
    (local.set $end (i32.const 0x2070)))")));
  const Bytes wasm = contract(answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 0x800))
    (local.set $a (call $seal0.delegate_call (i32.const 0) (i32.const 0x1000) (i32.const 0x1020) (i32.const 3) (i32.const 0x2000) (i32.const 0xff0)))
    (if (local.get $a) (then (i32.store (i32.const 0x2000) (local.get $a)) (i32.store (i32.const 0xff0) (i32.const 4))))
    (local.set $end (i32.add (i32.const 0x2000) (i32.load (i32.const 0xff0)))))"));
  const auto id = cluster.deploy(wasm);
  const auto outcome = cluster.send(id, concat(code, as_bytes("k12")), {.value = 55});
  EXPECT_EQ(data_of(outcome), scale::encode(id, alice, crypto::blake2_256(wasm), Balance{55}));
  EXPECT_EQ(cluster.state.storage(id, as_bytes("k")), to_bytes("k12"));
  EXPECT_EQ(outcome.effects.ink_events.at(0).contract, id);
  EXPECT_EQ(data_of(cluster.send(id, concat(Hash{}, as_bytes("k12")))), scale::encode(u32{7}));   // no such code
}

TEST(FramesTest, contracts_create_contracts) {
  Cluster cluster;
  const auto child_code = cluster.upload(contract(deploy_function(writer_body("")) + "(func (export \"call\"))"));
  // input: code hash ‖ salt (4) ‖ constructor input (2)
  const auto maker = cluster.deploy(answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 32)) (i32.store (i32.const 0xff4) (i32.const 32))
    (i32.store (i32.const 0x2000) (call $seal1.instantiate (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0x1024) (i32.const 2)
      (i32.const 0x2004) (i32.const 0xff0) (i32.const 0x2100) (i32.const 0xff4) (i32.const 0x1020) (i32.const 4)))
    (local.set $end (i32.const 0x2024)))") + sends(5), 100);
  const auto expected = contract_address(maker, child_code, cluster.config.cluster_id, as_bytes("salt"));
  const auto outcome = cluster.send(maker, concat(child_code, as_bytes("salt"), as_bytes("k1")));
  EXPECT_EQ(data_of(outcome), scale::encode(u32{0}, expected));
  ASSERT_EQ(outcome.effects.instantiated.size(), 1u);
  EXPECT_EQ(outcome.effects.instantiated[0], (InstantiatedContract{maker, expected}));
  EXPECT_EQ(cluster.state.storage(expected, as_bytes("k")), to_bytes("k1"));
  EXPECT_EQ(cluster.balance(expected), 6u);   // 5 sent and the existential 1, which the origin pays
  EXPECT_EQ(cluster.state.code_info(child_code)->refcount.value, 1u);
  EXPECT_EQ(error_of(cluster.send(maker, concat(child_code, as_bytes("salt"), as_bytes("k1")))).substr(0, 28), "Contracts::DuplicateContract");
  EXPECT_EQ(data_of(cluster.send(maker, concat(Hash{}, as_bytes("salt"), as_bytes("k1")))).at(0), 7);
}

TEST(FramesTest, a_failed_constructor_leaves_nothing) {
  Cluster cluster;
  for (const std::string end : {"(unreachable)", "(call $seal0.seal_return (i32.const 1) (i32.const 0) (i32.const 0))", "(call $seal1.terminate (i32.const 0x300))"}) {
    const auto code = cluster.upload(contract(deploy_function(writer_body(end))));
    const auto root = cluster.state.root();
    const auto outcome = cluster.instantiate(code, to_bytes("k"), {}, {.value = 10});
    EXPECT_FALSE(outcome.result.succeeded()) << end;
    EXPECT_TRUE(outcome.effects.instantiated.empty());
    EXPECT_EQ(cluster.state.root(), root) << end;
  }
}

TEST(FramesTest, a_constructor_that_terminates_is_named_whoever_called_it) {
  Cluster cluster(1, 10, 1);
  const std::string named = "Contracts::TerminatedInConstructor: a constructor terminated its contract";
  const Bytes ender = contract(deploy_function(answering("(call $seal1.terminate (i32.const 0x300))")));
  const auto code = cluster.upload(ender);
  const Balance before = cluster.balance(alice), all = cluster.total();
  const auto outcome = cluster.instantiate(code, {}, {}, {.value = 10});
  EXPECT_EQ(error_of(outcome), named);
  EXPECT_EQ(cluster.balance(alice), before - outcome.result.gas_consumed.ref_time);   // the gas, and neither value nor deposit
  EXPECT_EQ(cluster.total(), all);
  EXPECT_FALSE(cluster.state.contract(contract_address(alice, code, cluster.config.cluster_id, {})));
  EXPECT_EQ(cluster.state.account(contract_address(alice, code, cluster.config.cluster_id, {})), Account{});
  EXPECT_EQ(cluster.state.code_info(code)->refcount.value, 0u);
  // the failure is not the constructor's own, so a contract that called it does not get a code for it: it ends too
  const auto maker = cluster.deploy(answering(R"(
    (i32.store8 (i32.const 0x2000) (call $seal1.instantiate (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 0)
      (i32.const -1) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0) (i32.const 0)))
    (local.set $end (i32.const 0x2001)))"));
  EXPECT_EQ(error_of(cluster.send(maker, to_bytes(code))), named);
  EXPECT_EQ(error_of(cluster.query(maker, to_bytes(code))), named);
}

TEST(FramesTest, a_contract_cannot_be_called_while_it_is_constructed) {
  Cluster cluster;
  const auto code = cluster.upload(contract(deploy_function(answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x300) (i32.const 0xff0))
    (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 8) (i32.const 0x300) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))
    (i32.store (i32.const 0x2004) (call $seal0.is_contract (i32.const 0x300)))
    (local.set $end (i32.const 0x2008)))"))));
  EXPECT_EQ(data_of(cluster.instantiate(code)), scale::encode(u32{8}, u32{0}));
}

TEST(FramesTest, termination_pays_the_beneficiary_and_storage_goes_over_time) {
  Cluster cluster(0, 10, 1);
  const Bytes wasm = contract(answering(R"(
    (if (i32.eqz (local.get $n)) (then (call $seal1.terminate (i32.const 0x300))))
    (drop (call $seal2.set_storage (i32.const 0x1000) (local.get $n) (i32.const 0x1000) (local.get $n))))") + "(data (i32.const 0x300) \"" +
                              [] { std::string t; for (const u8 b : bob) t += "\\" + to_hex(Bytes{b}); return t; }() + "\")");
  const auto id = cluster.deploy(wasm);
  for (u8 i = 0; i < 20; ++i) cluster.send(id, {i, 1, 2});
  const Balance held = cluster.state.account(id).held;
  EXPECT_EQ(held, 122u + 10 + 20 * (10 + 3));
  const Balance before = cluster.balance(alice), bobs = cluster.balance(bob), all = cluster.total();
  const auto outcome = cluster.send(id, {}, {.value = 500});
  EXPECT_EQ(error_of(outcome), "");
  EXPECT_EQ(data_of(outcome), Bytes{});
  EXPECT_FALSE(cluster.state.contract(id));
  EXPECT_EQ(cluster.balance(bob), bobs + 501);
  EXPECT_EQ(cluster.balance(alice), before - 500 + held);
  EXPECT_EQ(cluster.state.account(id), Account{});
  EXPECT_EQ(cluster.total(), all);
  EXPECT_EQ(cluster.state.code_info(crypto::blake2_256(wasm))->refcount.value, 0u);
  EXPECT_EQ(error_of(cluster.send(id, {1})), "Contracts::ContractNotFound: there is no contract " + to_hex0x(id));

  const auto cells = [&] { size_t n = 0; cluster.state.entries().for_each(Bytes{'s'}, [&](ByteView, ByteView) { ++n; return true; }); return n; };
  EXPECT_EQ(cells(), 20u);
  cluster.state.apply(*on_idle(cluster.state, 15));
  EXPECT_EQ(cells(), 5u);
  cluster.state.apply(*on_idle(cluster.state, 15));
  EXPECT_EQ(cells(), 0u);
  EXPECT_TRUE(on_idle(cluster.state, 15)->empty());
}

TEST(FramesTest, a_contract_that_runs_twice_cannot_end) {
  Cluster cluster;
  const auto id = cluster.deploy(caller_body);
  const Bytes ender = contract("(func (export \"call\") (call $seal1.terminate (i32.const 0x300)))");
  const auto code = cluster.upload(ender);
  // the contract calls itself; the inner frame delegates to code that terminates
  const auto twice = cluster.deploy(answering(R"(
    (if (i32.eq (local.get $n) (i32.const 32)) (then
      (drop (call $seal0.delegate_call (i32.const 0) (i32.const 0x1000) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))))
    (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 8) (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0x1020) (i32.const 32) (i32.const -1) (i32.const 0)))
    (local.set $end (i32.const 0x2004)))"));
  static_cast<void>(id);
  // the delegated frame fails with TerminatedWhileReentrant, which its caller sees as CalleeTrapped and ignores
  const auto outcome = cluster.send(twice, concat(twice, code));
  EXPECT_EQ(error_of(outcome), "");
  EXPECT_TRUE(cluster.state.contract(twice));
  ASSERT_FALSE(outcome.effects.logs.empty());
  EXPECT_NE(outcome.effects.logs[0].message.find("TerminatedWhileReentrant"), std::string::npos);
}

TEST(FramesTest, new_code_takes_effect_with_the_next_call) {
  Cluster cluster;
  const auto next = cluster.upload(contract(answering("(i32.store (i32.const 0x2000) (i32.const 2)) (local.set $end (i32.const 0x2004))")));
  const Bytes wasm = contract(answering("(i32.store (i32.const 0x2000) (call $seal0.set_code_hash (i32.const 0x1000))) (i32.store (i32.const 0x2004) (i32.const 1)) (local.set $end (i32.const 0x2008))"));
  const auto id = cluster.deploy(wasm);
  EXPECT_EQ(data_of(cluster.send(id, scale::encode(Hash{}))), scale::encode(u32{7}, u32{1}));
  EXPECT_EQ(data_of(cluster.send(id, scale::encode(next))), scale::encode(u32{0}, u32{1}));
  EXPECT_EQ(data_of(cluster.send(id)), scale::encode(u32{2}));
  EXPECT_EQ(cluster.state.code_info(next)->refcount.value, 1u);
  EXPECT_EQ(cluster.state.code_info(crypto::blake2_256(wasm))->refcount.value, 0u);
}

TEST(FramesTest, non_deterministic_code_is_for_delegation_in_queries) {
  Cluster cluster;
  const Bytes floats = contract(answering("(i32.store (i32.const 0x2000) (i32.trunc_f32_s (f32.mul (f32.const 2.5) (f32.const 2)))) (local.set $end (i32.const 0x2004))"));
  EXPECT_FALSE(upload_code(shared_engine(), cluster.state, alice, floats, Determinism::enforced));
  const auto code = cluster.upload(floats, Determinism::relaxed);
  EXPECT_EQ(error_of(cluster.instantiate(code)), "Contracts::Indeterministic: non-deterministic code can only be delegate-called, in queries");
  const auto id = cluster.deploy(answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 0x800))
    (i32.store (i32.const 0x2000) (call $seal0.delegate_call (i32.const 0) (i32.const 0x1000) (i32.const 0) (i32.const 0) (i32.const 0x2004) (i32.const 0xff0)))
    (local.set $end (i32.const 0x2008)))"));
  EXPECT_EQ(data_of(cluster.query(id, scale::encode(code))), scale::encode(u32{0}, u32{5}));
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(code))).substr(0, 26), "Contracts::Indeterministic");
  EXPECT_EQ(error_of(cluster.estimate(id, scale::encode(code))).substr(0, 26), "Contracts::Indeterministic");
}

TEST(FramesTest, code_that_somebody_uploaded_as_non_deterministic_becomes_deterministic_when_it_is) {
  Cluster cluster;
  const Bytes plain = contract(answering("(nop)"));
  const auto code = cluster.upload(plain, Determinism::relaxed);
  EXPECT_FALSE(cluster.instantiate(code).result.succeeded());
  cluster.upload(plain);
  EXPECT_TRUE(cluster.instantiate(code).result.succeeded());
}

TEST(FramesTest, delegate_dependencies_count_as_references) {
  Cluster cluster;
  const auto library = cluster.upload(contract(writer_body("")));
  const auto id = cluster.deploy(answering(R"(
    (if (i32.eq (local.get $n) (i32.const 32)) (then (call $seal0.lock_delegate_dependency (i32.const 0x1000)))
      (else (call $seal0.unlock_delegate_dependency (i32.const 0x1000)))))"));
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(library))), "");
  EXPECT_EQ(cluster.state.code_info(library)->refcount.value, 1u);
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(library))), "Contracts::DelegateDependencyAlreadyExists: ");
  EXPECT_EQ(error_of(cluster.send(id, concat(library, Bytes{0}))), "");
  EXPECT_EQ(cluster.state.code_info(library)->refcount.value, 0u);
  EXPECT_EQ(error_of(cluster.send(id, concat(library, Bytes{0}))), "Contracts::DelegateDependencyNotFound: ");
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(cluster.state.contract(id)->code_hash))), "Contracts::CannotAddSelfAsDelegateDependency: ");
}

TEST(FramesTest, transfers_keep_the_contract_alive) {
  Cluster cluster;
  const auto id = cluster.deploy(answering("(i32.store (i32.const 0x2000) (call $seal0.transfer (i32.const 0x1000) (i32.const 32) (i32.const 0x1020) (i32.const 16))) (local.set $end (i32.const 0x2004))"), 99);
  const auto give = [&](Balance amount) { return data_of(cluster.send(id, scale::encode(account(3), amount))); };
  EXPECT_EQ(give(100), scale::encode(u32{5}));
  EXPECT_EQ(give(101), scale::encode(u32{5}));
  EXPECT_EQ(give(99), scale::encode(u32{0}));
  EXPECT_EQ(cluster.balance(account(3)), 99u);
  EXPECT_EQ(cluster.balance(id), 1u);
}

TEST(FramesTest, a_nested_call_can_be_given_less_gas) {
  Cluster cluster;
  const auto loop = cluster.deploy("(func (export \"call\") (loop $l (br $l)))");
  const auto caller = cluster.deploy(answering(R"(
    (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 0) (i32.const 0x1000) (i64.load (i32.const 0x1020)) (i32.const 0x200) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))
    (local.set $end (i32.const 0x2004)))"));
  const auto outcome = cluster.send(caller, scale::encode(loop, u64{1'000'000'000}));
  EXPECT_EQ(data_of(outcome), scale::encode(u32{1}));
  EXPECT_GT(outcome.result.gas_consumed.ref_time.value, 1'000'000'000u);
  EXPECT_LT(outcome.result.gas_consumed.ref_time.value, 1'500'000'000u);
  EXPECT_EQ(error_of(cluster.send(caller, scale::encode(loop, ~u64{0} >> 1))), "Contracts::OutOfGas: the call is given more gas than is left");
}

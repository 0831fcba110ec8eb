// The gas of a hundred programs, frozen with the engine's version (docs/adr/0004-gas-rules.md). A change here is a change of
// consensus: it needs a new engine version. New programs are appended: PHALA_APPEND_GOLDEN_GAS=1 runs this test as their writer.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "engine/host.hpp"
#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

const std::string golden_path = std::string(PHALA_SOURCE_DIR) + "/tests/golden/gas/programs.txt";

/// One line: name, code (hex), input (hex), then what a transaction with it gives: consumed, required, result.
struct Line {
  std::string name, code, input, consumed, required, result;
  std::string text() const { return name + " " + code + " " + input + " " + consumed + " " + required + " " + result; }
};

Line measured(const std::string& name, const Bytes& wasm, const Bytes& input, u64 gas_limit = 0) {
  Cluster cluster(1, 10, 1);
  const auto id = cluster.deploy(wasm, 1000);
  const auto outcome = cluster.send(id, input, {.gas_limit = gas_limit});
  std::string result = outcome.result.result ? (outcome.result.result->reverted() ? "reverted:" : "ok:") + to_hex(outcome.result.result->data) : to_string(outcome.result.result.error());
  return {name, to_hex0x(wasm), to_hex0x(input), std::to_string(outcome.result.gas_consumed.ref_time.value), std::to_string(outcome.result.gas_required.ref_time.value), result};
}

std::vector<Line> golden() {
  std::vector<Line> out;
  std::ifstream in(golden_path);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::stringstream words(line);
    Line one;
    words >> one.name >> one.code >> one.input >> one.consumed >> one.required >> one.result;
    out.push_back(one);
  }
  return out;
}

struct Program { std::string name, body; Bytes input{}; };

/// A hundred rounds of `body`, which keeps an i64 in $l and may use $a.
Program rounds(const std::string& name, const std::string& body, const std::string& more = "") {
  return {name, answering("(local.set $l (i64.const 0x123456789abcdef)) (local.set $b (i32.const 100)) (loop $again (local.set $a (i32.wrap_i64 (local.get $l)))\n" + body +
                          "\n(br_if $again (local.tee $b (i32.sub (local.get $b) (i32.const 1))))) (i64.store (i32.const 0x2000) (local.get $l)) (local.set $end (i32.const 0x2008))") + more};
}
Program step(const std::string& name, const std::string& text, const std::string& more = "", Bytes input = {}) { return {name, answering(text) + more, std::move(input)}; }

std::vector<Program> programs() {
  std::vector<Program> out;
  out.push_back({"nothing", ""});
  out.push_back(rounds("empty_loop", ""));
  for (const std::string op : {"add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"}) {
    out.push_back(rounds("i64_" + op, "(local.set $l (i64." + op + " (local.get $l) (i64.const 0x1234567)))"));
    out.push_back(rounds("i32_" + op, "(local.set $l (i64.extend_i32_u (i32." + op + " (local.get $a) (i32.const 0x1234567))))"));
  }
  for (const std::string op : {"div_s", "div_u", "rem_s", "rem_u"}) out.push_back(rounds("i64_" + op, "(local.set $l (i64.add (i64." + op + " (local.get $l) (i64.const 77)) (i64.const 0x123456789)))"));
  for (const std::string op : {"clz", "ctz", "popcnt"}) out.push_back(rounds("i64_" + op, "(local.set $l (i64.mul (i64." + op + " (local.get $l)) (i64.const 0x3456789a1)))"));
  for (const std::string op : {"eq", "lt_s", "ge_u"}) out.push_back(rounds("i64_" + op, "(if (i64." + op + " (local.get $l) (i64.const 5)) (then (local.set $l (i64.const 6))) (else (local.set $l (i64.const 5))))"));
  out.push_back(rounds("sign_extension", "(local.set $l (i64.extend8_s (i64.add (local.get $l) (i64.const 3))))"));
  out.push_back(rounds("select", "(local.set $l (select (local.get $l) (i64.const 4) (i64.eqz (local.get $l))))"));
  out.push_back(rounds("load_store", "(i64.store (i32.const 0x4000) (local.get $l)) (local.set $l (i64.load offset=4 (i32.const 0x3ffc)))"));
  out.push_back(rounds("bytes", "(i32.store8 (i32.const 0x4000) (local.get $a)) (local.set $l (i64.load8_s (i32.const 0x4000)))"));
  out.push_back(rounds("globals", "(global.set $g (i64.add (global.get $g) (local.get $l))) (local.set $l (global.get $g))", "(global $g (mut i64) (i64.const 1))"));
  out.push_back(rounds("br_table", "(block (block (block (br_table 0 1 2 (i32.rem_u (local.get $a) (i32.const 3)))) (local.set $l (i64.const 1))) (local.set $l (i64.add (local.get $l) (i64.const 1))))"));
  out.push_back(rounds("call_leaf", "(local.set $l (call $leaf (local.get $l)))", "(func $leaf (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))"));
  out.push_back(rounds("call_counted", "(local.set $l (call $f (local.get $l)))", "(func $leaf (param i64) (result i64) (local.get 0)) (func $f (param i64) (result i64) (call $leaf (i64.add (local.get 0) (i64.const 1))))"));
  out.push_back(rounds("call_indirect", "(local.set $l (call_indirect (type $t) (local.get $l) (i32.const 0)))",
                       "(type $t (func (param i64) (result i64))) (table 1 funcref) (elem (i32.const 0) $leaf) (func $leaf (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))"));
  out.push_back(rounds("early_return", "(local.set $l (call $f (local.get $l)))", "(func $g) (func $f (param i64) (result i64) (call $g) (if (i64.eqz (local.get 0)) (then (return (i64.const 9)))) (return (i64.const 0)))"));
  out.push_back(step("recursion", "(i64.store (i32.const 0x2000) (call $f (i64.const 200))) (local.set $end (i32.const 0x2008))",
                     "(func $f (param i64) (result i64) (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1)) (else (i64.add (call $f (i64.sub (local.get 0) (i64.const 1))) (local.get 0)))))"));
  out.push_back(step("unbounded_recursion", "(call $f)", "(func $f (call $f))"));
  out.push_back({"unbounded_loop", "(func (export \"call\") (loop $l (br $l)))"});
  out.push_back({"unreachable", "(func (export \"call\") (unreachable))"});
  out.push_back({"start", "(func $s (i32.store (i32.const 0) (i32.const 1))) (start $s)"});
  out.push_back(step("memory_grow", "(drop (memory.grow (i32.const 3))) (i32.store (i32.const 0x2000) (memory.size)) (local.set $end (i32.const 0x2004))"));
  out.push_back({"return_nothing", "(func (export \"call\") (call $seal0.seal_return (i32.const 0) (i32.const 0) (i32.const 0)))"});
  out.push_back({"return_kilobyte", "(func (export \"call\") (call $seal0.seal_return (i32.const 0) (i32.const 0) (i32.const 100)))"});
  out.push_back({"revert", "(func (export \"call\") (call $seal0.seal_return (i32.const 1) (i32.const 0) (i32.const 4)))"});
  out.push_back(step("input", "", "", Bytes(100, 1)));

  // host functions that fill a buffer
  for (const std::string name : {"$seal0.caller", "$seal0.address", "$seal0.own_code_hash", "$seal0.gas_left", "$seal0.balance", "$seal0.value_transferred", "$seal0.now", "$seal0.minimum_balance",
                                 "$seal0.block_number", "$seal0.weight_to_fee (i64.const 9)", "$seal0.random (i32.const 0x100) (i32.const 5)", "$seal1.random (i32.const 0x100) (i32.const 5)",
                                 "$seal0.tombstone_deposit", "$seal0.rent_allowance", "$seal1.gas_left", "$seal1.weight_to_fee (i64.const 9) (i64.const 9)"}) {
    std::string short_name = name.substr(1, name.find(' ') == name.npos ? name.npos : name.find(' ') - 1);
    out.push_back(step(short_name, "(i32.store (i32.const 0xff0) (i32.const 64)) (call " + name + " (i32.const 0x3000) (i32.const 0xff0))"));
  }
  // host functions that give a number
  for (const std::string call : {"$seal0.caller_is_origin", "$seal0.caller_is_root", "$seal0.is_contract (i32.const 0x100)", "$seal0.reentrance_count", "$seal0.account_reentrance_count (i32.const 0x100)",
                                 "$seal0.code_hash (i32.const 0x100) (i32.const 0x3000) (i32.const 0xff0)", "$seal0.set_code_hash (i32.const 0x100)", "$seal0.debug_message (i32.const 0x100) (i32.const 10)",
                                 "$seal0.call_runtime (i32.const 0x100) (i32.const 3)", "$seal0.xcm_execute (i32.const 0x100) (i32.const 10) (i32.const 0x3000)",
                                 "$seal0.xcm_send (i32.const 0x100) (i32.const 0x200) (i32.const 10) (i32.const 0x3000)", "$seal0.transfer (i32.const 0x100) (i32.const 32) (i32.const 0x200) (i32.const 16)",
                                 "$seal0.ecdsa_recover (i32.const 0x100) (i32.const 0x200) (i32.const 0x3000)", "$seal0.ecdsa_to_eth_address (i32.const 0x100) (i32.const 0x3000)",
                                 "$seal0.sr25519_verify (i32.const 0x100) (i32.const 0x200) (i32.const 20) (i32.const 0x300)", "$seal0.delegate_call (i32.const 0) (i32.const 0x100) (i32.const 0) (i32.const 9) (i32.const -1) (i32.const 0)",
                                 "$seal1.call (i32.const 0) (i32.const 0x100) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 20) (i32.const -1) (i32.const 0)",
                                 "$seal1.instantiate (i32.const 0x100) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 8) (i32.const -1) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0) (i32.const 4)"})
    out.push_back(step(call.substr(1, call.find(' ') == call.npos ? call.npos : call.find(' ') - 1), "(i32.store (i32.const 0x2000) (call " + call + ")) (local.set $end (i32.const 0x2004))"));
  out.push_back(step("call_itself", R"((i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x100) (i32.const 0xff0))
    (if (local.get $n) (then (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 8) (i32.const 0x100) (i64.const 0) (i32.const 0x200) (i32.const 0x1000) (i32.sub (local.get $n) (i32.const 1)) (i32.const -1) (i32.const 0)))
      (local.set $end (i32.const 0x2004)))))", "", Bytes(3, 1)));
  out.push_back(step("call_itself_with_part_of_the_gas", R"((i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x100) (i32.const 0xff0))
    (if (local.get $n) (then (i32.store (i32.const 0x2000) (call $seal1.call (i32.const 8) (i32.const 0x100) (i64.const 20000000000) (i32.const 0x200) (i32.const 0x1000) (i32.const 0) (i32.const -1) (i32.const 0)))
      (local.set $end (i32.const 0x2004)))))", "", Bytes(3, 1)));
  out.push_back({"terminate", "(func (export \"call\") (call $seal1.terminate (i32.const 0x100)))"});
  out.push_back({"event", "(func (export \"call\") (call $seal0.deposit_event (i32.const 0x100) (i32.const 65) (i32.const 0x200) (i32.const 50))) (data (i32.const 0x100) \"\\08\")"});
  out.push_back({"event_without_topics", "(func (export \"call\") (call $seal0.deposit_event (i32.const 0) (i32.const 0) (i32.const 0x200) (i32.const 50)))"});
  for (const std::string name : {"hash_sha2_256", "hash_keccak_256", "hash_blake2_256", "hash_blake2_128"}) out.push_back(step(name, "(call $seal0." + name + " (i32.const 0x100) (i32.const 200) (i32.const 0x2000)) (local.set $end (i32.const 0x2010))"));
  for (const std::string name : {"set_rent_allowance (i32.const 0) (i32.const 0)", "restore_to (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)"})
    out.push_back(step(name.substr(0, name.find(' ')), "(call $seal0." + name + ")"));
  for (const std::string name : {"add_delegate_dependency", "lock_delegate_dependency", "remove_delegate_dependency", "unlock_delegate_dependency"})
    out.push_back(step(name, "(call $seal0." + name + " (i32.const 0x100))"));
  out.push_back(step("instantiation_nonce", "(drop (call $seal0.instantiation_nonce))"));
  out.push_back(step("set_storage_return_size", "(drop (call $seal1.set_storage_return_size (i32.const 0x100) (i32.const 0x200) (i32.const 7)))"));
  // storage: new, replaced by longer and shorter, read, absent, taken, cleared
  out.push_back(step("storage_v0", "(call $seal0.set_storage (i32.const 0x100) (i32.const 0x200) (i32.const 40)) (i32.store (i32.const 0xff0) (i32.const 64)) (drop (call $seal0.get_storage (i32.const 0x100) (i32.const 0x3000) (i32.const 0xff0)))"
                                   "(drop (call $seal0.contains_storage (i32.const 0x100))) (call $seal0.clear_storage (i32.const 0x100))"));
  out.push_back(step("storage_v1", "(drop (call $seal1.set_storage (i32.const 0x100) (i32.const 0x200) (i32.const 40))) (i32.store (i32.const 0xff0) (i32.const 64)) (drop (call $seal1.get_storage (i32.const 0x100) (i32.const 3) (i32.const 0x3000) (i32.const 0xff0)))"
                                   "(drop (call $seal1.contains_storage (i32.const 0x100) (i32.const 3))) (drop (call $seal1.clear_storage (i32.const 0x100) (i32.const 3)))"));
  out.push_back(step("storage_v2", "(drop (call $seal2.set_storage (i32.const 0x100) (i32.const 3) (i32.const 0x200) (i32.const 40))) (drop (call $seal2.set_storage (i32.const 0x100) (i32.const 3) (i32.const 0x200) (i32.const 80)))"
                                   "(drop (call $seal2.set_storage (i32.const 0x100) (i32.const 3) (i32.const 0x200) (i32.const 10))) (i32.store (i32.const 0xff0) (i32.const 64)) (drop (call $seal0.take_storage (i32.const 0x100) (i32.const 3) (i32.const 0x3000) (i32.const 0xff0)))"));
  out.push_back(step("storage_kept", "(drop (call $seal2.set_storage (i32.const 0x100) (i32.const 3) (i32.const 0x200) (i32.const 4000)))"));
  out.push_back(step("storage_absent", "(i32.store (i32.const 0xff0) (i32.const 64)) (drop (call $seal1.get_storage (i32.const 0x100) (i32.const 3) (i32.const 0x3000) (i32.const 0xff0)))"));
  // the chain extension, as transactions see it
  const Bytes key(32, 3);
  const auto extension = [&](const std::string& name, u32 id, const Bytes& args) {
    out.push_back(step("ext_" + name, "(i32.store (i32.const 0xff0) (i32.const 0x400)) (i32.store (i32.const 0x2000) (call $seal0.call_chain_extension (i32.const " + std::to_string(id) +
                                          ") (i32.const 0x1000) (local.get $n) (i32.const 0x2004) (i32.const 0xff0))) (local.set $end (i32.add (i32.const 0x2004) (i32.load (i32.const 0xff0))))", "", args));
  };
  extension("http", 1, scale::encode(HttpRequest{"https://example.org", "GET", {}, {}}));
  for (const u8 type : {0, 2}) extension("sign_" + std::to_string(type), 2, scale::encode(type, key, Bytes(10, 1)));
  extension("verify", 3, scale::encode(u8{0}, key, Bytes(10, 1), Bytes(64, 1)));
  extension("derive", 4, scale::encode(Bytes(10, 1)));
  extension("public_key", 5, scale::encode(u8{1}, key));
  extension("cache_set", 6, scale::encode(key, key));
  extension("cache_get", 8, scale::encode(key));
  extension("log", 10, scale::encode(u8{3}, std::string("hello")));
  extension("is_in_transaction", 12, {});
  extension("sign_prehashed", 13, scale::encode(key, Hash{}));
  extension("balance_of", 16, scale::encode(bob));
  extension("code_exists", 19, scale::encode(Hash{}, false));
  extension("runtime_version", 21, {});
  extension("event_chain_head", 23, {});
  return out;
}

}  // namespace

TEST(GasGoldenTest, every_program_costs_what_it_always_did) {
  auto frozen = golden();
  if (const char* append = std::getenv("PHALA_APPEND_GOLDEN_GAS"); append && *append == '1') {
    std::ofstream file(golden_path, std::ios::app);
    if (frozen.empty()) file << "# name code input gas_consumed gas_required result; frozen with the engine's version, see docs/adr/0004-gas-rules.md\n";
    for (const auto& program : programs())
      if (std::none_of(frozen.begin(), frozen.end(), [&](const Line& l) { return l.name == program.name; })) file << measured(program.name, contract(program.body), program.input).text() << "\n";
    frozen = golden();
  }
  ASSERT_GE(frozen.size(), 100u);
  for (const auto& line : frozen) EXPECT_EQ(measured(line.name, *from_hex(line.code), *from_hex(line.input)).text(), line.text());
}

TEST(GasGoldenTest, what_a_program_requires_is_enough_and_one_less_is_not) {
  for (const auto& line : golden()) {
    if (!line.result.starts_with("ok:") && !line.result.starts_with("reverted:")) continue;
    if (line.name == "seal0.gas_left" || line.name == "seal1.gas_left") continue;   // they answer with the limit
    const auto with = [&](u64 gas) { return measured(line.name, *from_hex(line.code), *from_hex(line.input), gas); };
    const u64 required = std::stoull(line.required);
    EXPECT_EQ(with(required).text(), line.text());
    EXPECT_NE(with(required - 1).result, line.result) << line.name;
  }
}

TEST(GasGoldenTest, every_host_function_is_among_the_programs) {
  std::string all;
  for (const auto& program : programs()) all += program.body;
  for (const auto& fn : host_functions()) {
    if (fn.module == "phala") continue;
    // versions that only pass on to a newer one share its price; names that share a function share its row
    EXPECT_NE(all.find("." + std::string(fn.name)), std::string::npos) << fn.module << "." << fn.name;
  }
}

#include "engine/host_cases.hpp"

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "engine/events.hpp"

namespace phala::engine::test {

namespace {

using place::address_capacity, place::capacity, place::out, place::payload;

std::string number(u64 n) { return "(i32.const " + std::to_string(static_cast<int32_t>(n)) + ")"; }

const Bytes key32 = to_bytes("0123456789abcdef0123456789abcdef");
const std::string out_of_bounds = "Contracts::OutOfBounds: host function given a range outside the memory";

}  // namespace

const HostFn& host_function(std::string_view module_dot_name) {
  for (const auto& fn : host_functions())
    if (std::string(fn.module) + "." + std::string(fn.name) == module_dot_name) return fn;
  PHALA_ASSERT(!"no such host function");
}

HostWorld::HostWorld() {
  const auto both = [](const std::string& end) {
    const std::string body = "(i32.store (i32.const 0xff0) (i32.const 0x800)) (call $seal0.input (i32.const 0x2000) (i32.const 0xff0)) " + end + ")";
    return contract("(func (export \"call\") " + body + "(func (export \"deploy\") " + body);
  };
  const auto returning = [](const std::string& flags) { return "(call $seal0.seal_return (i32.const " + flags + ") (i32.const 0x2000) (i32.load (i32.const 0xff0)))"; };
  const auto only_calls = [](std::string text) { return contract("(func (export \"call\") (i32.store (i32.const 0xff0) (i32.const 0x800)) (call $seal0.input (i32.const 0x2000) (i32.const 0xff0)) " + text + ")"); };
  echo = cluster.deploy(only_calls(returning("0")));
  trap = cluster.deploy(only_calls("(unreachable)"));
  revert = cluster.deploy(only_calls(returning("1")));
  echo_code = cluster.upload(both(returning("0")));
  trap_code = cluster.upload(both("(unreachable)"));
  revert_code = cluster.upload(both(returning("1")));
  relaxed_code = cluster.upload(contract("(func (drop (f32.const 1)))"), Determinism::relaxed);
}

ContractId HostWorld::caller_of(const HostFn& fn, const std::string& before, u32 times) {
  const std::string name = "$" + std::string(fn.module) + "." + std::string(fn.name);
  const auto [at, added] = made_.try_emplace(name + " " + std::to_string(times) + " " + before);
  if (!added) return at->second;
  std::string invocation = "(call " + name;
  size_t i = 0;
  for (const auto& parameter : fn.params()) {
    const std::string load = "(i64.load " + number(place::input + 8 * i++) + ")";
    invocation += parameter.kind() == WASM_I64 ? load : "(i32.wrap_i64 " + load + ")";
  }
  invocation += ")";
  if (fn.result) invocation = "(i64.store (i32.const 0x2ff8) " + (*fn.result == WASM_I64 ? invocation : "(i64.extend_i32_u " + invocation + ")") + ")";
  if (times > 1)
    invocation = "(local.set $left (i32.const " + std::to_string(times) + ")) (loop $again " + invocation + " (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))";
  at->second = cluster.deploy("(func (export \"call\") (local $left i32) (i32.store " + number(capacity) + " (i32.const 0x1000)) (call $seal0.input " + number(place::input) + number(capacity) + ")" +
                                  "(i32.store " + number(capacity) + " (i32.const 0x400)) (i32.store " + number(address_capacity) + " (i32.const 32))" + before + invocation +
                                  "(i32.store (i32.const 0x2ff0) (i32.load " + number(capacity) + ")) (call $seal0.seal_return (i32.const 0) (i32.const 0x2ff0) (i32.const 0x110)))",
                              1000);
  return at->second;
}

Bytes HostWorld::input_of(const HostCase& one, const ContractId& self) {
  Bytes input;
  for (const u64 arg : one.args) append(input, scale::encode(arg));
  input.resize(payload - place::input);
  if (one.self_first) append(input, self);
  append(input, one.payload);
  return input;
}

HostWorld::Ran HostWorld::run(const HostCase& one) {
  const auto self = caller_of(host_function(one.fn), one.before);
  const ClusterState before = cluster.state;
  Ran ran{cluster.send(self, input_of(one, self), {.value = one.value}), {}};
  if (const Bytes data = data_of(ran.outcome); data.size() == 0x110)
    ran.answer = {load_le<u32>(data.data()), load_le<u64>(data.data() + 8), Bytes(data.begin() + 16, data.end())};
  if (one.also && error_of(ran.outcome).empty()) ran.also = one.also(ran.outcome, ran.answer, cluster, self);
  cluster.state = before;
  return ran;
}

std::vector<HostCase> storage_cases() {
  const std::string set_fixed = "(call $seal0.set_storage " + number(payload) + number(payload + 32) + "(i32.const 3))";
  const std::string set_variable = "(drop (call $seal2.set_storage " + number(payload) + "(i32.const 5)" + number(payload + 32) + "(i32.const 3)))";
  const Bytes cell = concat(key32, to_bytes("old")), value = to_bytes("old");
  const std::string long_key = "Contracts::DecodingFailed: a storage key of 129 bytes; at most 128 are allowed";
  const std::string long_value = "Contracts::ValueTooLarge: a storage value of 1048577 bytes; at most 1048576 are allowed";
  const auto holds = [](bool fixed, std::optional<Bytes> expected) {
    return [fixed, expected](const Outcome&, const HostAnswer&, const Cluster& cluster, const ContractId& self) {
      return cluster.state.storage(self, fixed ? ByteView(key32) : ByteView(key32).first(5), fixed) == expected;
    };
  };
  std::vector<HostCase> out_cases;
  const auto add = [&](HostCase one) { out_cases.push_back(std::move(one)); };
  add({.fn = "seal0.set_storage", .what = "a new cell", .args = {payload, payload + 32, 3}, .payload = cell, .also = holds(true, value)});
  add({.fn = "seal0.set_storage", .what = "too long", .args = {payload, payload, 0x100001}, .error = long_value});
  for (const std::string fn : {"seal1.set_storage", "seal1.set_storage_return_size"}) {
    add({.fn = fn, .what = "a new cell", .args = {payload, payload + 32, 3}, .payload = cell, .result = none, .also = holds(true, value)});
    add({.fn = fn, .what = "over an old one", .args = {payload, payload, 2}, .payload = cell, .before = set_fixed, .result = 3, .also = holds(true, to_bytes("01"))});
    add({.fn = fn, .what = "too long", .args = {payload, payload, 0x100001}, .error = long_value});
  }
  add({.fn = "seal2.set_storage", .what = "a new cell", .args = {payload, 5, payload + 32, 3}, .payload = cell, .result = none, .also = holds(false, value)});
  add({.fn = "seal2.set_storage", .what = "over an old one", .args = {payload, 5, payload, 0}, .payload = cell, .before = set_variable, .result = 3, .also = holds(false, Bytes{})});
  add({.fn = "seal2.set_storage", .what = "too long", .args = {payload, 5, payload, 0x100001}, .error = long_value});
  add({.fn = "seal2.set_storage", .what = "a long key", .args = {payload, 129, payload, 1}, .error = long_key});

  add({.fn = "seal0.clear_storage", .what = "a cell", .args = {payload}, .payload = cell, .before = set_fixed, .also = holds(true, {})});
  add({.fn = "seal0.clear_storage", .what = "none", .args = {payload}, .payload = cell, .also = holds(true, {})});
  add({.fn = "seal1.clear_storage", .what = "a cell", .args = {payload, 5}, .payload = cell, .before = set_variable, .result = 3, .also = holds(false, {})});
  add({.fn = "seal1.clear_storage", .what = "none", .args = {payload, 5}, .payload = cell, .result = none});
  add({.fn = "seal1.clear_storage", .what = "a long key", .args = {payload, 129}, .error = long_key});

  add({.fn = "seal0.get_storage", .what = "a cell", .args = {payload, out, capacity}, .payload = cell, .before = set_fixed, .result = 0, .out = value});
  add({.fn = "seal0.get_storage", .what = "none", .args = {payload, out, capacity}, .payload = cell, .before = set_variable, .result = 3});
  for (const std::string fn : {"seal1.get_storage", "seal0.take_storage"}) {
    const bool takes = fn == "seal0.take_storage";
    add({.fn = fn, .what = "a cell", .args = {payload, 5, out, capacity}, .payload = cell, .before = set_variable, .result = 0, .out = value,
         .also = holds(false, takes ? std::nullopt : std::optional(value))});
    add({.fn = fn, .what = "none", .args = {payload, 5, out, capacity}, .payload = cell, .before = set_fixed, .result = 3});
    add({.fn = fn, .what = "a long key", .args = {payload, 129, out, capacity}, .error = long_key});
  }
  add({.fn = "seal0.contains_storage", .what = "a cell", .args = {payload}, .payload = cell, .before = set_fixed, .result = 3});
  add({.fn = "seal0.contains_storage", .what = "none", .args = {payload}, .payload = cell, .result = none});
  add({.fn = "seal1.contains_storage", .what = "a cell", .args = {payload, 5}, .payload = cell, .before = set_variable, .result = 3});
  add({.fn = "seal1.contains_storage", .what = "none", .args = {payload, 5}, .payload = cell, .result = none});
  add({.fn = "seal1.contains_storage", .what = "a long key", .args = {payload, 129}, .error = long_key});
  return out_cases;
}

std::vector<HostCase> info_cases(const HostWorld& world) {
  std::vector<HostCase> cases;
  const auto add = [&](HostCase one) { cases.push_back(std::move(one)); };
  const auto gives = [&](const std::string& fn, Bytes bytes, std::vector<u64> args = {}) {
    args.push_back(out);
    args.push_back(capacity);
    add({.fn = fn, .what = "as it is", .args = std::move(args), .payload = to_bytes("subject"), .out = std::move(bytes)});
  };
  gives("seal0.caller", scale::encode(alice));
  add({.fn = "seal0.address", .what = "its own", .args = {out, capacity}, .also = [](const Outcome&, const HostAnswer& answer, const Cluster&, const ContractId& self) {
         return answer.written == 32 && Bytes(answer.out.begin(), answer.out.begin() + 32) == to_bytes(self);
       }});
  add({.fn = "seal0.own_code_hash", .what = "its own", .args = {out, capacity}, .also = [](const Outcome&, const HostAnswer& answer, const Cluster& cluster, const ContractId& self) {
         return answer.written == 32 && Bytes(answer.out.begin(), answer.out.begin() + 32) == to_bytes(cluster.state.contract(self)->code_hash);
       }});
  gives("seal0.balance", scale::encode(Balance{1000}));
  add({.fn = "seal0.value_transferred", .what = "what came along", .args = {out, capacity}, .value = 77, .out = scale::encode(Balance{77})});
  gives("seal0.now", scale::encode(world.cluster.context.now_ms));
  gives("seal0.block_number", scale::encode(world.cluster.context.block_number));
  gives("seal0.minimum_balance", scale::encode(Balance{1}));
  gives("seal0.tombstone_deposit", scale::encode(Balance{0}));
  gives("seal0.rent_allowance", scale::encode(~Balance{0}));
  gives("seal0.weight_to_fee", scale::encode(Balance{3000}), {1000});
  gives("seal1.weight_to_fee", scale::encode(Balance{3000}), {1000, 7});
  gives("seal0.random", scale::encode(Hash{}), {payload, 7});
  gives("seal1.random", scale::encode(Hash{}, u32{1234 - 81}), {payload, 7});
  for (const std::string fn : {"seal0.random", "seal1.random"})
    add({.fn = fn, .what = "a long subject", .args = {payload, 33, out, capacity}, .error = "Contracts::RandomSubjectTooLong: a random subject of 33 bytes; at most 32 are allowed"});
  const auto plausible = [](u64 left) { return left > max_gas_for_tests / 2 && left < max_gas_for_tests; };
  add({.fn = "seal0.gas_left", .what = "as it is", .args = {out, capacity}, .also = [=](const Outcome&, const HostAnswer& answer, const Cluster&, const ContractId&) {
         return answer.written == 8 && plausible(load_le<u64>(answer.out.data()));
       }});
  add({.fn = "seal1.gas_left", .what = "as it is", .args = {out, capacity}, .also = [=](const Outcome&, const HostAnswer& answer, const Cluster&, const ContractId&) {
         const auto weight = scale::decode<Weight>(ByteView(answer.out).first(answer.written));
         return weight && weight->proof_size.value == ~u64{0} && plausible(weight->ref_time.value);
       }});

  add({.fn = "seal0.is_contract", .what = "yes", .args = {payload}, .payload = to_bytes(world.echo), .result = 1});
  add({.fn = "seal0.is_contract", .what = "no", .args = {payload}, .payload = to_bytes(bob), .result = 0});
  add({.fn = "seal0.code_hash", .what = "of a contract", .args = {payload, out, capacity}, .payload = to_bytes(world.echo), .result = 0, .out = to_bytes(world.cluster.state.contract(world.echo)->code_hash)});
  add({.fn = "seal0.code_hash", .what = "of nobody", .args = {payload, out, capacity}, .payload = to_bytes(bob), .result = 3});
  add({.fn = "seal0.caller_is_origin", .what = "yes", .result = 1});
  add({.fn = "seal0.caller_is_root", .what = "never", .result = 0});
  add({.fn = "seal0.reentrance_count", .what = "entered once", .result = 0});
  add({.fn = "seal0.account_reentrance_count", .what = "its own", .args = {payload}, .self_first = true, .result = 1});
  add({.fn = "seal0.account_reentrance_count", .what = "another's", .args = {payload}, .payload = to_bytes(bob), .result = 0});
  add({.fn = "seal0.instantiation_nonce", .what = "all that were made", .also = [](const Outcome&, const HostAnswer& answer, const Cluster& cluster, const ContractId&) {
         return answer.result == load_le<u64>(cluster.state.get(key::nonce())->data());
       }});

  for (const std::string fn : {"seal0.restore_to", "seal1.restore_to", "seal0.set_rent_allowance", "seal1.set_rent_allowance"})
    add({.fn = fn, .what = "does nothing", .args = std::vector<u64>(host_function(fn).params().size(), none)});

  const Hash topic(Bytes(32, 7));
  add({.fn = "seal0.deposit_event", .what = "with a topic", .args = {payload, 33, payload + 33, 5}, .payload = concat(Bytes{1 << 2}, topic, to_bytes("value")),
       .also = [topic](const Outcome& outcome, const HostAnswer&, const Cluster&, const ContractId& self) {
         return outcome.effects.ink_events == std::vector{(EmittedInkEvent{self, {topic}, to_bytes("value")})};
       }});
  add({.fn = "seal0.deposit_event", .what = "without", .args = {0, 0, payload, 5}, .payload = to_bytes("value"), .also = [](const Outcome& outcome, const HostAnswer&, const Cluster&, const ContractId& self) {
         return outcome.effects.ink_events == std::vector{(EmittedInkEvent{self, {}, to_bytes("value")})};
       }});
  add({.fn = "seal0.deposit_event", .what = "five topics", .args = {payload, 161, payload, 0}, .payload = concat(Bytes{5 << 2}, Bytes(160, 1)), .error = "Contracts::TooManyTopics: more than 4 topics"});
  add({.fn = "seal0.deposit_event", .what = "broken topics", .args = {payload, 9, payload, 0}, .payload = Bytes{1 << 2}, .error = "Contracts::DecodingFailed: the topics of an event do not decode"});
  add({.fn = "seal0.deposit_event", .what = "too long", .args = {payload, 0, payload, 0x100001}, .error = "Contracts::ValueTooLarge: an event of 1048577 bytes; at most 1048576 are allowed"});

  const auto debugged = [](const Bytes& expected) {
    return [expected](const Outcome& outcome, const HostAnswer&, const Cluster&, const ContractId&) { return outcome.result.debug_message == expected; };
  };
  add({.fn = "seal0.debug_message", .what = "text", .args = {payload, 5}, .payload = to_bytes("value"), .result = 0, .also = debugged(to_bytes("value"))});
  add({.fn = "seal0.debug_message", .what = "no text", .args = {payload, 2}, .payload = {0xff, 0xfe}, .result = 0, .also = debugged({})});

  const Bytes remark = scale::encode(u8{0}, u8{0}, to_bytes("remark"));
  add({.fn = "seal0.call_runtime", .what = "a call", .args = {payload, remark.size()}, .payload = remark, .result = 10});
  add({.fn = "seal0.call_runtime", .what = "no call", .args = {payload, 3}, .payload = {3, 0, 0}, .error = "Contracts::DecodingFailed: call_runtime given bytes that are no call"});
  add({.fn = "seal0.xcm_execute", .what = "never", .args = {payload, 5, out}, .payload = to_bytes("value"), .result = 13});
  add({.fn = "seal0.xcm_send", .what = "never", .args = {payload, payload, 5, out}, .payload = to_bytes("value"), .result = 14});
  return cases;
}

std::vector<HostCase> crypto_cases() {
  std::vector<HostCase> cases;
  const Bytes text = to_bytes("value"), seed(32, 5);
  const auto hash = [&](const char* fn, ByteView digest) { cases.push_back({.fn = fn, .what = "of a text", .args = {payload, 5, out}, .payload = text, .out = to_bytes(digest)}); };
  hash("seal0.hash_sha2_256", crypto::sha2_256(text));
  hash("seal0.hash_keccak_256", crypto::keccak_256(text));
  hash("seal0.hash_blake2_256", crypto::blake2_256(text));
  hash("seal0.hash_blake2_128", crypto::blake2_128(text));

  const auto ecdsa = *crypto::EcdsaPair::from_seed(crypto::Seed(ByteView(seed)));
  const Hash digest = crypto::sha2_256(text);
  auto signature = ecdsa.sign_prehashed(digest);
  const auto recover = [&](const char* what, u64 result, std::optional<Bytes> key) {
    cases.push_back({.fn = "seal0.ecdsa_recover", .what = what, .args = {payload, payload + 65, out}, .payload = concat(signature, digest), .result = result, .out = std::move(key)});
  };
  recover("a signature", 0, to_bytes(ecdsa.public_key));
  signature[64] += 27;
  recover("in the other numbering", 0, to_bytes(ecdsa.public_key));
  signature[64] = 4;
  recover("with a number that is none", 11, {});
  signature = {};
  recover("zeros", 11, {});
  // the published pair: secret key 1
  cases.push_back({.fn = "seal0.ecdsa_to_eth_address", .what = "of a key", .args = {payload, out}, .payload = *from_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"), .result = 0,
                   .out = *from_hex("7e5f4552091a69125d5dfcb7b8c2659029395bdf")});
  cases.push_back({.fn = "seal0.ecdsa_to_eth_address", .what = "of none", .args = {payload, out}, .payload = Bytes(33, 0), .result = 11});

  const auto pair = crypto::Sr25519Pair::from_seed(crypto::Seed(ByteView(seed)));
  const auto signed_text = pair.sign(text);
  const std::vector<u64> args{payload, payload + 64, 5, payload + 96};
  cases.push_back({.fn = "seal0.sr25519_verify", .what = "a signature", .args = args, .payload = concat(signed_text, pair.public_key(), text), .result = 0});
  cases.push_back({.fn = "seal0.sr25519_verify", .what = "of another text", .args = args, .payload = concat(signed_text, pair.public_key(), to_bytes("other")), .result = 12});
  cases.push_back({.fn = "seal0.sr25519_verify", .what = "of a text outside", .args = {payload, payload + 64, 5, place::end - 4}, .payload = concat(signed_text, pair.public_key()), .error = out_of_bounds});
  return cases;
}

std::vector<HostCase> host_cases(const HostWorld& world) {
  auto all = storage_cases();
  for (auto& more : {call_cases(world), info_cases(world), crypto_cases()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace phala::engine::test

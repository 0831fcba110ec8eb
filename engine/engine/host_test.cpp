// Every host function, in the smallest contract that calls it: docs/protocol.md §12.
#include "engine/host.hpp"

#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

/// Writes what a function gives through (out, len) at 0x2000 to the answer.
std::string out_of(const std::string& call) {
  return answering("(i32.store (i32.const 0xff0) (i32.const 0x1000)) (call " + call +
                   " (i32.const 0x2000) (i32.const 0xff0)) (local.set $end (i32.add (i32.const 0x2000) (i32.load (i32.const 0xff0))))");
}
/// Answers the number that `expression` gives.
std::string number_of(const std::string& expression) {
  return answering("(i32.store (i32.const 0x2000) " + expression + ") (local.set $end (i32.const 0x2004))");
}
u32 number(const Outcome& outcome) {
  const Bytes data = data_of(outcome);
  EXPECT_EQ(data.size(), 4u) << as_text(data);
  return data.size() == 4 ? load_le<u32>(data.data()) : 0xdead;
}
/// A key of 32 bytes at 0x100 for the fixed functions and one of 5 at 0x140 for the variable ones; a value at 0x160.
const std::string keys = "(data (i32.const 0x100) \"0123456789abcdef0123456789abcdef\") (data (i32.const 0x140) \"key-5\") (data (i32.const 0x160) \"value\")";
constexpr u32 no_value = 0xffff'ffff;

struct HostTest : testing::Test {
  Cluster cluster{3};
  /// The answer of a contract with this code to this input, in a transaction.
  Outcome answer(const std::string& body, Bytes input = {}, RunRequest run = {}) {
    const auto id = cluster.deploy(contract(body + keys));
    return cluster.send(id, std::move(input), std::move(run));
  }
  u32 number_from(const std::string& expression, Bytes input = {}) { return number(answer(number_of(expression), std::move(input))); }
};

}  // namespace

TEST_F(HostTest, who_and_where) {
  const auto id = cluster.deploy(contract(out_of("$seal0.address") + keys));
  EXPECT_EQ(data_of(cluster.send(id)), scale::encode(id));
  EXPECT_EQ(data_of(answer(out_of("$seal0.caller"))), scale::encode(alice));
  EXPECT_EQ(number_from("(call $seal0.caller_is_origin)"), 1u);
  EXPECT_EQ(number_from("(call $seal0.caller_is_root)"), 0u);
  EXPECT_EQ(number_from("(call $seal0.is_contract (i32.const 0x1000))", scale::encode(id)), 1u);
  EXPECT_EQ(number_from("(call $seal0.is_contract (i32.const 0x1000))", scale::encode(bob)), 0u);
  EXPECT_EQ(data_of(answer(out_of("$seal0.block_number"))), scale::encode(u32{1234}));
  EXPECT_EQ(data_of(answer(out_of("$seal0.now"))), scale::encode(u64{1'700'000'000'123}));
  EXPECT_EQ(data_of(answer(out_of("$seal0.minimum_balance"))), scale::encode(Balance{1}));
  EXPECT_EQ(data_of(answer(out_of("$seal0.tombstone_deposit"))), scale::encode(Balance{0}));
  EXPECT_EQ(data_of(answer(out_of("$seal0.rent_allowance"))), scale::encode(~Balance{0}));
  EXPECT_EQ(data_of(answer(out_of("$seal0.value_transferred"), {}, {.value = 77})), scale::encode(Balance{77}));
  EXPECT_EQ(data_of(answer(out_of("$seal0.balance"), {}, {.value = 78})), scale::encode(Balance{78}));   // the existential 1 is not spendable
}

TEST_F(HostTest, code_hashes) {
  const Bytes wasm = contract(out_of("$seal0.own_code_hash"));
  const auto id = cluster.deploy(wasm);
  EXPECT_EQ(data_of(cluster.send(id)), scale::encode(crypto::blake2_256(wasm)));
  const std::string body = answering("(i32.store (i32.const 0xff0) (i32.const 32)) (local.set $a (call $seal0.code_hash (i32.const 0x1000) (i32.const 0x2004) (i32.const 0xff0)))"
                                     "(i32.store (i32.const 0x2000) (local.get $a)) (local.set $end (i32.const 0x2024))");
  EXPECT_EQ(data_of(answer(body, scale::encode(id))), scale::encode(u32{0}, crypto::blake2_256(wasm)));
  EXPECT_EQ(data_of(answer(body, scale::encode(bob))), scale::encode(u32{3}, Hash{}));
}

TEST_F(HostTest, gas_and_fees) {
  EXPECT_EQ(data_of(answer(out_of("$seal0.weight_to_fee (i64.const 1000)"))), scale::encode(Balance{3000}));
  EXPECT_EQ(data_of(answer(out_of("$seal1.weight_to_fee (i64.const 1000) (i64.const 5)"))), scale::encode(Balance{3000}));
  const Bytes left = data_of(answer(out_of("$seal0.gas_left")));
  ASSERT_EQ(left.size(), 8u);
  EXPECT_LT(load_le<u64>(left.data()), max_gas_for_tests);
  EXPECT_GT(load_le<u64>(left.data()), max_gas_for_tests / 2);
  EXPECT_TRUE(scale::decode<Weight>(data_of(answer(out_of("$seal1.gas_left")))).has_value());
}

TEST_F(HostTest, input_and_return) {
  EXPECT_EQ(number_from("(local.get $n)", Bytes(100, 1)), 100u);
  // a buffer that is too small traps and names both sizes
  const auto small = answer(answering("(i32.store (i32.const 0xff0) (i32.const 2)) (call $seal0.input (i32.const 0x2000) (i32.const 0xff0))"), Bytes(3, 1));
  EXPECT_EQ(error_of(small), "Contracts::OutputBufferTooSmall: an answer of 3 bytes for a buffer of 2");
  const auto reverted = answer("(func (export \"call\") (call $seal0.seal_return (i32.const 1) (i32.const 0x160) (i32.const 5)))");
  ASSERT_TRUE(reverted.result.result);
  EXPECT_TRUE(reverted.result.result->reverted());
  EXPECT_EQ(reverted.result.result->data, to_bytes("value"));
  EXPECT_EQ(error_of(answer("(func (export \"call\") (call $seal0.seal_return (i32.const 2) (i32.const 0) (i32.const 0)))")), "Contracts::InvalidCallFlags: return flags 2");
  EXPECT_EQ(error_of(answer("(func (export \"call\") (call $seal0.seal_return (i32.const 0) (i32.const 0x1fffe) (i32.const 3)))")),
            "Contracts::OutOfBounds: host function given a range outside the memory");
  EXPECT_EQ(data_of(answer("")), Bytes{});   // leaving `call` is success without data
}

TEST_F(HostTest, storage_with_fixed_keys) {
  // Each step of one contract: which by the first byte of the input.
  const auto id = cluster.deploy(contract(answering(R"(
    (local.set $a (i32.load8_u (i32.const 0x1000)))
    (local.set $b (i32.const 99))
    (if (i32.eq (local.get $a) (i32.const 0)) (then (call $seal0.set_storage (i32.const 0x100) (i32.const 0x160) (i32.const 5))))
    (if (i32.eq (local.get $a) (i32.const 1)) (then (local.set $b (call $seal1.set_storage (i32.const 0x100) (i32.const 0x160) (i32.const 2)))))
    (if (i32.eq (local.get $a) (i32.const 2)) (then
      (i32.store (i32.const 0xff0) (i32.const 16))
      (local.set $b (call $seal0.get_storage (i32.const 0x100) (i32.const 0x2004) (i32.const 0xff0)))
      (if (i32.eqz (local.get $b)) (then (local.set $end (i32.add (i32.const 0x2000) (i32.load (i32.const 0xff0))))))))
    (if (i32.eq (local.get $a) (i32.const 3)) (then (local.set $b (call $seal0.contains_storage (i32.const 0x100)))))
    (if (i32.eq (local.get $a) (i32.const 4)) (then (call $seal0.clear_storage (i32.const 0x100))))
    (i32.store (i32.const 0x2000) (local.get $b))
    (local.set $end (i32.add (local.get $end) (i32.const 4))))") + keys));
  const Bytes key = to_bytes("0123456789abcdef0123456789abcdef");
  const auto step = [&](u8 n) { return data_of(cluster.send(id, {n})); };
  EXPECT_EQ(step(2), scale::encode(u32{3}));
  EXPECT_EQ(step(3), scale::encode(no_value));
  EXPECT_EQ(step(1), scale::encode(no_value));
  EXPECT_EQ(cluster.state.storage(id, key, true), to_bytes("va"));
  EXPECT_EQ(step(1), scale::encode(u32{2}));
  EXPECT_EQ(step(0), scale::encode(u32{99}));
  EXPECT_EQ(step(3), scale::encode(u32{5}));
  EXPECT_EQ(step(2), concat(scale::encode(u32{0}), as_bytes("value")));
  EXPECT_EQ(step(4), scale::encode(u32{99}));
  EXPECT_EQ(cluster.state.storage(id, key, true), std::nullopt);
  EXPECT_EQ(step(3), scale::encode(no_value));
}

TEST_F(HostTest, storage_with_variable_keys) {
  const auto id = cluster.deploy(contract(answering(R"(
    (local.set $a (i32.load8_u (i32.const 0x1000)))
    (i32.store (i32.const 0xff0) (i32.const 16))
    (if (i32.eq (local.get $a) (i32.const 0)) (then (local.set $b (call $seal2.set_storage (i32.const 0x140) (i32.const 5) (i32.const 0x160) (i32.const 5)))))
    (if (i32.eq (local.get $a) (i32.const 1)) (then (local.set $b (call $seal1.get_storage (i32.const 0x140) (i32.const 5) (i32.const 0x2004) (i32.const 0xff0)))))
    (if (i32.eq (local.get $a) (i32.const 2)) (then (local.set $b (call $seal1.contains_storage (i32.const 0x140) (i32.const 5)))))
    (if (i32.eq (local.get $a) (i32.const 3)) (then (local.set $b (call $seal1.clear_storage (i32.const 0x140) (i32.const 5)))))
    (if (i32.eq (local.get $a) (i32.const 4)) (then (local.set $b (call $seal0.take_storage (i32.const 0x140) (i32.const 5) (i32.const 0x2004) (i32.const 0xff0)))))
    (if (i32.eq (local.get $a) (i32.const 5)) (then (local.set $b (call $seal2.set_storage (i32.const 0x140) (i32.const 129) (i32.const 0x160) (i32.const 5)))))
    (if (i32.eq (local.get $a) (i32.const 6)) (then (local.set $b (call $seal2.set_storage (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x20000)))))
    (i32.store (i32.const 0x2000) (local.get $b))
    (local.set $end (i32.const 0x2009)))") + keys));
  const auto step = [&](u8 n) { return data_of(cluster.send(id, {n})); };
  const Bytes nothing(5, 0);
  EXPECT_EQ(step(1), concat(scale::encode(u32{3}), nothing));
  EXPECT_EQ(step(0), concat(scale::encode(no_value), nothing));
  EXPECT_EQ(cluster.state.storage(id, as_bytes("key-5")), to_bytes("value"));
  EXPECT_EQ(step(0), concat(scale::encode(u32{5}), nothing));
  EXPECT_EQ(step(1), concat(scale::encode(u32{0}), as_bytes("value")));
  EXPECT_EQ(step(2), concat(scale::encode(u32{5}), nothing));
  EXPECT_EQ(step(4), concat(scale::encode(u32{0}), as_bytes("value")));
  EXPECT_EQ(step(4), concat(scale::encode(u32{3}), nothing));
  EXPECT_EQ(step(3), concat(scale::encode(no_value), nothing));
  EXPECT_EQ(step(0), concat(scale::encode(no_value), nothing));
  EXPECT_EQ(step(3), concat(scale::encode(u32{5}), nothing));
  EXPECT_EQ(error_of(cluster.send(id, {5})), "Contracts::DecodingFailed: a storage key of 129 bytes; at most 128 are allowed");
  EXPECT_EQ(error_of(cluster.send(id, {6})), "");   // 128 KiB under an empty key
  EXPECT_EQ(cluster.state.storage(id, {})->size(), 0x20000u);
}

TEST_F(HostTest, a_storage_value_has_at_most_a_mebibyte) {
  const std::string body = "(import \"env\" \"memory\" (memory 32 32)) (func (export \"call\") (call $seal0.set_storage (i32.const 0) (i32.const 0) (i32.const 0x100001)))";
  const std::string text = "(module (import \"seal0\" \"set_storage\" (func $seal0.set_storage (param i32 i32 i32)))" + body + "(func (export \"deploy\")))";
  const auto id = cluster.deploy(assemble(text));
  EXPECT_EQ(error_of(cluster.send(id)), "Contracts::ValueTooLarge: a storage value of 1048577 bytes; at most 1048576 are allowed");
}

TEST_F(HostTest, hashes) {
  const auto hashed = [&](const std::string& name) {
    return data_of(answer(answering("(call $seal0." + name + " (i32.const 0x160) (i32.const 5) (i32.const 0x2000)) (local.set $end (i32.const 0x2020))")));
  };
  EXPECT_EQ(hashed("hash_sha2_256"), to_bytes(crypto::sha2_256(as_bytes("value"))));
  EXPECT_EQ(hashed("hash_keccak_256"), to_bytes(crypto::keccak_256(as_bytes("value"))));
  EXPECT_EQ(hashed("hash_blake2_256"), to_bytes(crypto::blake2_256(as_bytes("value"))));
  EXPECT_EQ(hashed("hash_blake2_128"), concat(crypto::blake2_128(as_bytes("value")), Bytes(16, 0)));
  // the published digest of nothing
  EXPECT_EQ(data_of(answer(answering("(call $seal0.hash_sha2_256 (i32.const 0) (i32.const 0) (i32.const 0x2000)) (local.set $end (i32.const 0x2020))"))),
            *from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  // in and out may overlap
  EXPECT_EQ(data_of(answer(answering("(call $seal0.hash_blake2_256 (i32.const 0x1000) (i32.const 64) (i32.const 0x1000))"
                                     "(i64.store (i32.const 0x2000) (i64.load (i32.const 0x1000))) (local.set $end (i32.const 0x2008))"), Bytes(64, 9))),
            to_bytes(ByteView(crypto::blake2_256(Bytes(64, 9))).first(8)));
}

TEST_F(HostTest, ecdsa) {
  const Bytes seed(32, 5);
  const auto pair = crypto::EcdsaPair::from_seed(crypto::Seed(ByteView(seed)));
  const Hash digest = crypto::sha2_256(as_bytes("message"));
  auto signature = pair->sign_prehashed(digest);
  const std::string recover = answering("(i32.store (i32.const 0x2000) (call $seal0.ecdsa_recover (i32.const 0x1000) (i32.const 0x1041) (i32.const 0x2004))) (local.set $end (i32.const 0x2025))");
  EXPECT_EQ(data_of(answer(recover, concat(signature, digest))), concat(scale::encode(u32{0}), pair->public_key));
  signature[0] ^= 1;
  EXPECT_NE(data_of(answer(recover, concat(signature, digest))), concat(scale::encode(u32{0}), pair->public_key));
  EXPECT_EQ(data_of(answer(recover, concat(Bytes(65, 0), digest))), concat(scale::encode(u32{11}), Bytes(33, 0)));
  const std::string address = answering("(i32.store (i32.const 0x2000) (call $seal0.ecdsa_to_eth_address (i32.const 0x1000) (i32.const 0x2004))) (local.set $end (i32.const 0x2018))");
  // the published pair: secret key 1
  EXPECT_EQ(data_of(answer(address, *from_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"))),
            concat(scale::encode(u32{0}), *from_hex("7e5f4552091a69125d5dfcb7b8c2659029395bdf")));
  EXPECT_EQ(data_of(answer(address, Bytes(33, 0))), concat(scale::encode(u32{11}), Bytes(20, 0)));
}

TEST_F(HostTest, sr25519_verify) {
  const Bytes seed(32, 6);
  const auto pair = crypto::Sr25519Pair::from_seed(crypto::Seed(ByteView(seed)));
  auto signature = pair.sign(as_bytes("value"));
  const std::string body = number_of("(call $seal0.sr25519_verify (i32.const 0x1000) (i32.const 0x1040) (i32.const 5) (i32.const 0x160))");
  EXPECT_EQ(number(answer(body, concat(signature, pair.public_key()))), 0u);
  signature[3] ^= 1;
  EXPECT_EQ(number(answer(body, concat(signature, pair.public_key()))), 12u);
}

TEST_F(HostTest, random_is_the_zero_seed_and_the_block_it_is_known_from) {
  EXPECT_EQ(data_of(answer(out_of("$seal0.random (i32.const 0x160) (i32.const 5)"))), scale::encode(Hash{}));
  EXPECT_EQ(data_of(answer(out_of("$seal1.random (i32.const 0x160) (i32.const 5)"))), scale::encode(Hash{}, u32{1234 - 81}));
  EXPECT_EQ(error_of(answer(out_of("$seal0.random (i32.const 0x100) (i32.const 33)"))), "Contracts::RandomSubjectTooLong: a random subject of 33 bytes; at most 32 are allowed");
}

TEST_F(HostTest, what_is_retired_does_nothing) {
  EXPECT_EQ(error_of(answer("(func (export \"call\") (call $seal0.set_rent_allowance (i32.const 0) (i32.const 0)) (call $seal1.set_rent_allowance (i32.const 0))"
                            "(call $seal0.restore_to (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))"
                            "(call $seal1.restore_to (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))")), "");
}

TEST_F(HostTest, calls_of_the_runtime_are_refused_and_what_is_none_ends_the_contract) {
  const std::string body = number_of("(call $seal0.call_runtime (i32.const 0x1000) (local.get $n))");
  const Hash code{};
  const std::optional<scale::Compact<Balance>> no_limit, limit{1'000'000};
  for (const Bytes& valid : {scale::encode(u8{0}, u8{0}, to_bytes("remark")),                                                // System.remark
                             scale::encode(u8{0}, u8{4}, std::vector<std::pair<Bytes, Bytes>>{{{1}, {2}}, {{3}, {}}}),         // System.set_storage
                             scale::encode(u8{1}, u8{0}, scale::Compact<u64>(77)),                                            // Timestamp.set
                             scale::encode(u8{2}, u8{3}, alice, scale::Compact<Balance>(5)),                                  // Balances.transfer_keep_alive
                             scale::encode(u8{4}, u8{6}, bob, scale::Compact<Balance>(0), Weight{1, 2}, limit, Bytes(9, 1)),   // Contracts.call
                             scale::encode(u8{4}, u8{8}, scale::Compact<Balance>(0), Weight{1, 2}, no_limit, code, Bytes{}, Bytes{})})
    EXPECT_EQ(number(answer(body, valid)), 10u) << to_hex(valid);
  for (const Bytes& invalid : {Bytes{}, Bytes{0}, Bytes{0, 0}, Bytes{3, 0}, Bytes{5, 0}, Bytes{0, 9, 0}, Bytes{0, 0, 0, 0}, Bytes{2, 3, 1, 2, 3}, to_bytes("value")})
    EXPECT_EQ(error_of(answer(body, invalid)), "Contracts::DecodingFailed: call_runtime given bytes that are no call") << to_hex(invalid);
}

TEST_F(HostTest, there_is_nobody_to_send_xcm_to) {
  EXPECT_EQ(number_from("(call $seal0.xcm_execute (i32.const 0x160) (i32.const 5) (i32.const 0x2000))"), 13u);
  EXPECT_EQ(number_from("(call $seal0.xcm_send (i32.const 0x100) (i32.const 0x160) (i32.const 5) (i32.const 0x2000))"), 14u);
}

TEST_F(HostTest, events) {
  const auto event = [&](const std::string& topics, const std::string& data) {
    return answer("(func (export \"call\") (call $seal0.deposit_event " + topics + data + ")) (data (i32.const 0x400) \"\\04\") (data (i32.const 0x500) \"\\14\")");
  };
  const auto plain = event("(i32.const 0) (i32.const 0)", "(i32.const 0x160) (i32.const 5)");
  ASSERT_EQ(plain.effects.ink_events.size(), 1u) << error_of(plain);
  EXPECT_EQ(plain.effects.ink_events[0].payload, to_bytes("value"));
  EXPECT_TRUE(plain.effects.ink_events[0].topics.empty());
  const auto topic = event("(i32.const 0x400) (i32.const 33)", "(i32.const 0x160) (i32.const 1)");
  ASSERT_EQ(topic.effects.ink_events.size(), 1u);
  EXPECT_EQ(topic.effects.ink_events[0].topics, std::vector<Hash>{Hash{}});
  EXPECT_EQ(error_of(event("(i32.const 0x500) (i32.const 161)", "(i32.const 0) (i32.const 0)")), "Contracts::TooManyTopics: more than 4 topics");
  EXPECT_EQ(error_of(event("(i32.const 0x500) (i32.const 9)", "(i32.const 0) (i32.const 0)")), "Contracts::DecodingFailed: the topics of an event do not decode");
}

TEST_F(HostTest, debug_messages_are_kept_when_they_are_text) {
  const auto outcome = answer("(func (export \"call\") (drop (call $seal0.debug_message (i32.const 0x160) (i32.const 5))) (drop (call $seal0.debug_message (i32.const 0x600) (i32.const 2))))"
                              "(data (i32.const 0x600) \"\\ff\\fe\")");
  EXPECT_EQ(outcome.result.debug_message, to_bytes("value"));
  const auto flood = answer("(func (export \"call\") (local $i i32) (loop $l (drop (call $seal0.debug_message (i32.const 0) (i32.const 0xffff)))"
                            "(br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5)))))");
  EXPECT_EQ(flood.result.debug_message.size(), 128u * 1024);
}

TEST_F(HostTest, memory_grows_to_its_maximum_and_is_paid_for) {
  EXPECT_EQ(number_from("(memory.grow (i32.const 1))"), 2u);
  EXPECT_EQ(number_from("(i32.add (i32.mul (memory.grow (i32.const 14)) (i32.const 100)) (memory.size))"), 216u);
  EXPECT_EQ(number_from("(memory.grow (i32.const 15))"), no_value);
  EXPECT_EQ(number_from("(memory.grow (i32.const -1))"), no_value);
  // what was grown is zero, and host functions reach it
  EXPECT_EQ(data_of(answer(answering("(drop (memory.grow (i32.const 1))) (i32.store (i32.const 0x20000) (i32.const 32)) (call $seal0.caller (i32.const 0x20004) (i32.const 0x20000))"
                                     "(i32.store (i32.const 0x2000) (i32.load (i32.const 0x20004))) (i32.store (i32.const 0x2004) (i32.load (i32.const 0x20024))) (local.set $end (i32.const 0x2008))"))),
            scale::encode(u32{0xa1a1a1a1}, u32{0}));
  const auto gas = [&](const std::string& pages) { return answer("(func (export \"call\") (drop (memory.grow (i32.const " + pages + "))))").result.gas_consumed.ref_time.value; };
  EXPECT_EQ(gas("3") - gas("1"), 2 * cost::per_grown_page);
}

TEST_F(HostTest, every_name_is_also_known_as_seal_name_and_in_the_old_module) {
  for (const auto& fn : host_functions()) {
    if (fn.module == "phala") continue;
    std::string type = "(func";
    for (const auto& one : fn.params()) type += one.kind() == WASM_I64 ? " (param i64)" : " (param i32)";
    if (fn.result) type += *fn.result == WASM_I64 ? " (result i64)" : " (result i32)";
    std::vector<std::string> names{std::string(fn.name)};
    if (fn.alias) names.push_back("seal_" + std::string(fn.name));
    for (const auto& name : names) {
      const auto wasm = assemble("(module (import \"" + std::string(fn.module) + "\" \"" + name + "\" " + type + ")) (import \"env\" \"memory\" (memory 1 1)) (func (export \"call\")) (func (export \"deploy\")))");
      EXPECT_TRUE(upload_code(shared_engine(), cluster.state, alice, wasm, Determinism::enforced)) << fn.module << "." << name;
    }
  }
}

TEST_F(HostTest, counters_of_the_stack_and_of_instantiations) {
  EXPECT_EQ(number_from("(call $seal0.reentrance_count)"), 0u);
  EXPECT_EQ(number_from("(call $seal0.account_reentrance_count (i32.const 0x1000))", scale::encode(bob)), 0u);
  const auto id = cluster.deploy(contract(answering("(i64.store (i32.const 0x2000) (call $seal0.instantiation_nonce)) (local.set $end (i32.const 0x2008))")));
  EXPECT_EQ(data_of(cluster.send(id)), scale::encode(u64{3}));
}

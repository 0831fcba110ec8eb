// What host functions do beyond one call and its answer, which host_cases_test.cpp has for every one of them: docs/protocol.md §12.
#include "engine/host.hpp"

#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

u32 number(const Outcome& outcome) {
  const Bytes data = data_of(outcome);
  EXPECT_EQ(data.size(), 4u) << as_text(data);
  return data.size() == 4 ? load_le<u32>(data.data()) : 0xdead;
}
/// Things to point at.
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

TEST_F(HostTest, hashes_are_the_published_ones_and_may_overwrite_what_they_read) {
  // the published digest of nothing
  EXPECT_EQ(data_of(answer(answering("(call $seal0.hash_sha2_256 (i32.const 0) (i32.const 0) (i32.const 0x2000)) (local.set $end (i32.const 0x2020))"))),
            *from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  // in and out may overlap
  EXPECT_EQ(data_of(answer(answering("(call $seal0.hash_blake2_256 (i32.const 0x1000) (i32.const 64) (i32.const 0x1000))"
                                     "(i64.store (i32.const 0x2000) (i64.load (i32.const 0x1000))) (local.set $end (i32.const 0x2008))"), Bytes(64, 9))),
            to_bytes(ByteView(crypto::blake2_256(Bytes(64, 9))).first(8)));
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
  EXPECT_EQ(gas("3") - gas("1"), 2 * cost::per_page);
}

TEST_F(HostTest, every_name_is_also_known_as_seal_name_and_in_the_old_module) {
  const auto uploads = [&](std::string_view module, const std::string& name, const HostFn& fn) {
    std::string type = "(func";
    for (const auto& one : fn.params()) type += one.kind() == WASM_I64 ? " (param i64)" : " (param i32)";
    if (fn.result) type += *fn.result == WASM_I64 ? " (result i64)" : " (result i32)";
    const auto wasm = assemble("(module (import \"" + std::string(module) + "\" \"" + name + "\" " + type + ")) (import \"env\" \"memory\" (memory 1 1)) (func (export \"call\")) (func (export \"deploy\")))");
    return upload_code(shared_engine(), cluster.state, alice, wasm, Determinism::enforced).has_value();
  };
  std::map<std::string, const HostFn*> newest;
  for (const auto& fn : host_functions()) {
    if (fn.module == "phala") continue;
    const std::string name(fn.name);
    newest[name] = &fn;   // versions ascend
    EXPECT_TRUE(uploads(fn.module, name, fn)) << fn.module << "." << name;
    EXPECT_EQ(uploads(fn.module, "seal_" + name, fn), fn.alias) << fn.module << "." << name;
    EXPECT_FALSE(uploads("seal3", name, fn));
  }
  for (const auto& [name, fn] : newest)
    for (const std::string& spelling : {name, "seal_" + name}) EXPECT_TRUE(uploads("__unstable__", spelling, *fn)) << spelling;
}


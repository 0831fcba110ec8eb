// Every spelling of calls and constructions, in the smallest wasm that uses it: docs/protocol.md §12.
#include <gtest/gtest.h>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

/// Answers its input and the value it was sent.
const std::string echo_function = R"((local $n i32)
    (i32.store (i32.const 0xff0) (i32.const 0x800)) (call $seal0.input (i32.const 0x2000) (i32.const 0xff0)) (local.set $n (i32.load (i32.const 0xff0)))
    (i32.store (i32.const 0xff0) (i32.const 16)) (call $seal0.value_transferred (i32.add (i32.const 0x2000) (local.get $n)) (i32.const 0xff0))
    (call $seal0.seal_return (i32.const 0) (i32.const 0x2000) (i32.add (local.get $n) (i32.const 16))))";
/// Stores a number from `call` at 0x3000 and answers it with the output at 0x3004, of at most 0x100 bytes.
std::string relay(const std::string& call, const std::string& more) {
  return "(func (export \"call\") (i32.store (i32.const 0xff4) (i32.const 0x100)) (i32.store (i32.const 0xff8) (i32.const 32)) (i32.store (i32.const 0x3000) (call " + call +
         ")) (call $seal0.seal_return (i32.const 0) (i32.const 0x3000) (i32.add (i32.const 4) (i32.load (i32.const 0xff4)))))"
         "(data (i32.const 0x200) \"\\07\") (data (i32.const 0x300) \"hello\") (data (i32.const 0x380) \"salt\")" + more;
}
struct CallsTest : testing::Test {
  Cluster cluster;
  const Bytes echoed = concat(scale::encode(u32{0}), to_bytes("hello"), scale::encode(Balance{7}));
};

}  // namespace

TEST_F(CallsTest, call_in_all_its_versions) {
  const auto echo = cluster.deploy("(func (export \"call\") " + echo_function + ")");
  const std::string account = "(data (i32.const 0x100) \"" + escaped(echo) + "\")";
  const std::string input = " (i32.const 0x300) (i32.const 5) (i32.const 0x3004) (i32.const 0xff4)";
  for (const std::string& call : {"$seal0.call (i32.const 0x100) (i32.const 32) (i64.const 0) (i32.const 0x200) (i32.const 16)" + input,
                                  "$seal1.call (i32.const 0) (i32.const 0x100) (i64.const 0) (i32.const 0x200)" + input,
                                  "$seal2.call (i32.const 0) (i32.const 0x100) (i64.const 0) (i64.const 0) (i32.const -1) (i32.const 0x200)" + input}) {
    const auto id = cluster.deploy(relay(call, account), 50);
    EXPECT_EQ(data_of(cluster.send(id)), echoed) << call;
    EXPECT_EQ(cluster.balance(id), 51u - 7) << call;
  }
}

TEST_F(CallsTest, the_oldest_call_lets_everybody_in_again) {
  // calls itself with no input, which ends it
  const std::string body = R"((func (export "call") (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.address (i32.const 0x100) (i32.const 0xff0))
    (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.input (i32.const 0x400) (i32.const 0xff0))
    (if (i32.load (i32.const 0xff0)) (then (i32.store (i32.const 0x3000) CALL) (call $seal0.seal_return (i32.const 0) (i32.const 0x3000) (i32.const 4)))))";
  const auto with = [&](const std::string& call) {
    std::string text = body;
    text.replace(text.find("CALL"), 4, call);
    return cluster.send(cluster.deploy(text + ")"), Bytes{1});
  };
  const std::string input = " (i32.const 0x300) (i32.const 0) (i32.const -1) (i32.const 0))";
  EXPECT_EQ(data_of(with("(call $seal0.call (i32.const 0x100) (i32.const 32) (i64.const 0) (i32.const 0x200) (i32.const 16)" + input)), scale::encode(u32{0}));
  EXPECT_EQ(error_of(with("(call $seal1.call (i32.const 0) (i32.const 0x100) (i64.const 0) (i32.const 0x200)" + input)),
            "Contracts::ReentranceDenied: the contract waits in a call that forbids re-entry");
}

TEST_F(CallsTest, instantiate_in_all_its_versions) {
  const auto code = cluster.upload(contract("(func (export \"deploy\") " + echo_function + ")"));
  const std::string hash = "(data (i32.const 0x100) \"" + escaped(code) + "\")";
  const std::string rest = " (i32.const 0x300) (i32.const 5) (i32.const 0x500) (i32.const 0xff8) (i32.const 0x3004) (i32.const 0xff4) (i32.const 0x380) (i32.const 4)";
  for (const std::string& call : {"$seal0.instantiate (i32.const 0x100) (i32.const 32) (i64.const 0) (i32.const 0x200) (i32.const 16)" + rest,
                                  "$seal1.instantiate (i32.const 0x100) (i64.const 0) (i32.const 0x200)" + rest,
                                  "$seal2.instantiate (i32.const 0x100) (i64.const 0) (i64.const 0) (i32.const -1) (i32.const 0x200)" + rest}) {
    const auto id = cluster.deploy(relay(call, hash), 50);
    const auto outcome = cluster.send(id);
    EXPECT_EQ(data_of(outcome), echoed) << call;
    const auto child = contract_address(id, code, cluster.config.cluster_id, as_bytes("salt"));
    EXPECT_TRUE(cluster.state.contract(child)) << call;
    EXPECT_EQ(cluster.balance(child), 8u);
  }
}

TEST_F(CallsTest, a_deposit_limit_of_the_newest_instantiate_ends_it) {
  Cluster paid(0, 100, 7);
  const auto code = paid.upload(contract("(func (export \"deploy\") " + echo_function + ")"));
  for (const auto& [limit, error] : {std::pair<Balance, std::string>{900, "Contracts::StorageDepositLimitExhausted: the storage deposit exceeds the limit that was given"}, {2000, ""}}) {
    const auto id = paid.deploy(relay("$seal2.instantiate (i32.const 0x100) (i64.const 0) (i64.const 0) (i32.const 0x600) (i32.const 0x200) (i32.const 0x300) (i32.const 5) (i32.const -1) (i32.const 0)"
                                      " (i32.const 0x3004) (i32.const 0xff4) (i32.const 0x380) (i32.const 4)",
                                      "(data (i32.const 0x100) \"" + escaped(code) + "\") (data (i32.const 0x600) \"" + escaped(scale::encode(limit)) + "\")"), 50);
    EXPECT_EQ(error_of(paid.send(id)), error);
  }
}

TEST_F(CallsTest, terminate_in_both_its_versions) {
  for (const std::string& call : {"$seal0.terminate (i32.const 0x100) (i32.const 32)", "$seal1.terminate (i32.const 0x100)"}) {
    const auto id = cluster.deploy("(func (export \"call\") (call " + std::string(call) + ")) (data (i32.const 0x100) \"" + escaped(bob) + "\")", 70);
    const Balance before = cluster.balance(bob);
    EXPECT_EQ(error_of(cluster.send(id)), "");
    EXPECT_EQ(cluster.balance(bob), before + 71);
    EXPECT_FALSE(cluster.state.contract(id));
  }
}

// Unbounded recursion ends in one named error, wherever the module leads it: the counter strikes before wasmtime's native limit.
#include <gtest/gtest.h>

#include "engine/test_support.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

struct Shape {
  std::string name;
  std::string functions;   ///< `$f` recurses for ever; it takes `arguments`
  std::string arguments;
};

std::string times(size_t n, const std::function<std::string(size_t)>& one) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += one(i);
  return out;
}
std::string number(size_t i) { return std::to_string(i); }

/// Locals that are all alive over the recursive call.
Shape locals(size_t n) {
  return {"locals " + number(n),
          "(func $f (param $x i64) (result i64) (local" + times(n, [](size_t) { return " i64"; }) + ")\n" +
              times(n, [](size_t i) { return "(local.set " + number(i + 1) + " (i64.mul (local.get $x) (i64.const " + number(2 * i + 3) + ")))\n"; }) +
              "(local.set $x (call $f (i64.add (local.get $x) (i64.const 1))))\n" +
              times(n, [](size_t i) { return "(local.set $x (i64.xor (local.get $x) (local.get " + number(i + 1) + ")))\n"; }) + "(local.get $x))",
          "(i64.const 1)"};
}
/// Operands that are all alive over the recursive call.
Shape operands(size_t n) {
  return {"operands " + number(n),
          "(func $f (param $x i64) (result i64)\n" + times(n, [](size_t i) { return "(i64.mul (local.get $x) (i64.const " + number(2 * i + 3) + "))\n"; }) +
              "(call $f (i64.add (local.get $x) (i64.const 1)))\n" + times(n, [](size_t) { return "i64.xor\n"; }) + ")",
          "(i64.const 1)"};
}
/// Arguments: each call hands over n of them.
Shape parameters(size_t n) {
  const std::string types = times(n, [](size_t) { return " i64"; });
  return {"parameters " + number(n),
          "(func $f (param" + types + ") (result i64)\n" + times(n, [](size_t i) { return "(i64.add (local.get " + number(i) + ") (i64.const 1))\n"; }) +
              "call $f\n" + times(n, [](size_t i) { return "(i64.xor (local.get " + number(i) + "))\n"; }) + ")",
          times(n, [](size_t) { return "(i64.const 1)"; })};
}
/// The same products before and after the call: a compiler that shares them keeps them all on the stack.
Shape shared_expressions(size_t n) {
  const auto sum = times(n, [](size_t i) { return "(local.set $s (i64.xor (local.get $s) (i64.mul (local.get $x) (i64.const " + number(2 * i + 3) + "))))\n"; });
  return {"shared expressions " + number(n),
          "(func $f (param $x i64) (result i64) (local $s i64)\n" + sum + "(local.set $s (i64.xor (local.get $s) (call $f (i64.add (local.get $x) (i64.const 1)))))\n" + sum +
              "(local.get $s))",
          "(i64.const 1)"};
}
/// Products that do not change in a loop which recurses: a compiler that hoists them keeps them all on the stack.
Shape hoistable_expressions(size_t n) {
  return {"hoistable expressions " + number(n),
          "(func $f (param $x i64) (result i64) (local $s i64) (local $y i64)\n(local.set $y (local.get $x))\n(loop $again\n" +
              times(n, [](size_t i) { return "(local.set $s (i64.xor (local.get $s) (i64.mul (local.get $y) (i64.const " + number(2 * i + 3) + "))))\n"; }) +
              "(local.set $s (i64.xor (local.get $s) (call $f (i64.add (local.get $x) (i64.const 1)))))\n(br_if $again (i64.ne (local.get $s) (i64.const 7))))\n(local.get $s))",
          "(i64.const 1)"};
}
/// Many short lives in many branches, as an interpreter's dispatch loop has them, with a call in each arm.
Shape dispatch(size_t arms, size_t n) {
  std::string text = "(func $f (param $x i64) (result i64) (local $s i64) (local" + times(n, [](size_t) { return " i64"; }) + ")\n";
  text += times(arms, [](size_t) { return "(block\n"; }) + "(br_table" + times(arms, [](size_t i) { return " " + number(i); }) + " (i32.wrap_i64 (i64.rem_u (local.get $x) (i64.const " +
          number(arms) + "))))\n";
  for (size_t arm = 0; arm < arms; ++arm) {
    text += ")\n";
    for (size_t i = 0; i < 6; ++i) {
      const auto local = number(2 + (arm * 7 + i * 3) % n);
      text += "(local.set " + local + " (i64.add (i64.mul (local.get " + number(2 + (arm + i) % n) + ") (i64.const " + number(arm + i) + ")) (local.get $x)))\n";
    }
    text += "(local.set $s (i64.add (local.get $s) (call $f (i64.add (local.get $x) (i64.const " + number(arm % 5) + ")))))\n";
  }
  text += times(n, [](size_t i) { return "(local.set $s (i64.xor (local.get $s) (local.get " + number(i + 2) + ")))\n"; });
  return {"dispatch " + number(arms) + " arms " + number(n) + " locals", text + "(local.get $s))", "(i64.const 1)"};
}
Shape indirect() {
  return {"indirect", "(table 1 funcref) (elem (i32.const 0) $f) (type $t (func (param i64) (result i64)))\n"
                      "(func $f (param $x i64) (result i64) (i64.add (local.get $x) (call_indirect (type $t) (local.get $x) (i32.const 0))))", "(i64.const 1)"};
}
Shape mutual() {
  return {"mutual", "(func $f (param $x i64) (result i64) (i64.add (call $g (local.get $x)) (i64.const 1)))\n"
                    "(func $g (param $x i64) (result i64) (i64.add (call $f (local.get $x)) (i64.const 1)))", "(i64.const 1)"};
}

std::vector<Shape> shapes() {
  std::vector<Shape> out{indirect(), mutual()};
  for (const size_t n : {1, 10, 60, 120, 127, 130, 200, 500, 1000, 2000}) {
    out.push_back(locals(n));
    out.push_back(shared_expressions(n));
    out.push_back(hoistable_expressions(n));
  }
  for (const size_t n : {1, 10, 60, 120, 127, 130, 500, 2000}) out.push_back(operands(n));
  for (const size_t n : {1, 10, 60, 100, 300, 900}) out.push_back(parameters(n));
  for (const size_t arms : {3, 100, 1000})
    for (const size_t n : {3, 100, 400}) out.push_back(dispatch(arms, n));
  return out;
}

}  // namespace

TEST(StackTest, the_counter_strikes_before_the_native_limit_in_every_shape) {
  Cluster cluster;
  for (const auto& shape : shapes()) {
    const auto id = cluster.deploy(shape.functions + "(func (export \"call\") (drop (call $f " + shape.arguments + ")))");
    EXPECT_EQ(error_of(cluster.query(id)), "Contracts::ContractTrapped: stack limit reached: functions call each other too deep") << shape.name;
  }
}

TEST(StackTest, depth_is_at_most_1024_and_the_same_in_a_nested_frame) {
  Cluster cluster;
  // $f counts down from the argument and answers 0
  const auto deep = answering(R"((i32.store (i32.const 0x2000) (call $f (i32.load (i32.const 0x1000)))) (local.set $end (i32.const 0x2004)))")
                    + "(func $f (param $n i32) (result i32) (if (result i32) (local.get $n) (then (call $f (i32.sub (local.get $n) (i32.const 1)))) (else (i32.const 0))))";
  const auto id = cluster.deploy(deep);
  // `call` itself is a frame, and one frame of the budget belongs to functions that call nobody
  EXPECT_EQ(error_of(cluster.query(id, scale::encode(u32{1021}))), "");
  EXPECT_NE(error_of(cluster.query(id, scale::encode(u32{1022}))), "");
  EXPECT_NE(error_of(cluster.query(id, scale::encode(u32{100'000}))), "");
}

TEST(StackTest, six_nested_contracts_may_each_use_all_of_their_stack) {
  Cluster cluster;
  // at the bottom of 1,000 functions calls itself again with the input less one; input: u32 levels ‖ own account
  const auto id = cluster.deploy(answering(R"((drop (call $f (i32.const 1000))))") + R"(
    (func $f (param $n i32) (result i32)
      (if (local.get $n) (then (return (call $f (i32.sub (local.get $n) (i32.const 1))))))
      (if (i32.load (i32.const 0x1000)) (then
        (i32.store (i32.const 0x1000) (i32.sub (i32.load (i32.const 0x1000)) (i32.const 1)))
        (if (call $seal1.call (i32.const 8) (i32.const 0x1004) (i64.const 0) (i32.const 0x3000) (i32.const 0x1000) (i32.const 36) (i32.const -1) (i32.const 0))
          (then (unreachable)))))
      (i32.const 0)))");
  EXPECT_EQ(error_of(cluster.query(id, scale::encode(u32{5}, id))), "");
  EXPECT_EQ(error_of(cluster.query(id, scale::encode(u32{6}, id))), "Contracts::ContractTrapped: unreachable executed");
}

// Every host function, in the smallest contract that calls it: every case of the table, every edge of every parameter, and that no
// function, return code or parameter is left out (docs/protocol.md §12).
#include "engine/host_cases.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

const std::string out_of_bounds = "Contracts::OutOfBounds: host function given a range outside the memory";

/// What each function that answers a code may answer in a transaction. A callee that is gone while it is called, XCM that works and the like do not exist.
const std::map<std::string, std::set<u64>> codes{
    {"seal0.get_storage", {0, 3}},    {"seal1.get_storage", {0, 3}},     {"seal0.take_storage", {0, 3}},         {"seal0.transfer", {0, 5}},
    {"seal0.call", {0, 1, 2, 5, 8}},  {"seal1.call", {0, 1, 2, 5, 8}},   {"seal2.call", {0, 1, 2, 5, 8}},        {"seal0.delegate_call", {0, 1, 2, 7}},
    {"seal0.instantiate", {0, 1, 2, 5, 7}}, {"seal1.instantiate", {0, 1, 2, 5, 7}}, {"seal2.instantiate", {0, 1, 2, 5, 7}}, {"seal0.set_code_hash", {0, 7}},
    {"seal0.code_hash", {0, 3}},      {"seal0.debug_message", {0}},      {"seal0.call_runtime", {10}},           {"seal0.xcm_execute", {13}},
    {"seal0.xcm_send", {14}},         {"seal0.ecdsa_recover", {0, 11}},  {"seal0.ecdsa_to_eth_address", {0, 11}}, {"seal0.sr25519_verify", {0, 12}},
};

struct HostCasesTest : testing::Test {
  HostWorld world;
  const std::vector<HostCase> cases = host_cases(world);

  std::string error_with(HostCase one, size_t parameter, u64 value) {
    one.args[parameter] = value;
    one.also = {};
    return error_of(world.run(one).outcome);
  }
  /// The first case of each function: it succeeds, and what it passes is looked at.
  std::vector<HostCase> models() const {
    std::vector<HostCase> out;
    std::set<std::string> seen;
    for (const auto& one : cases)
      if (seen.insert(one.fn).second) out.push_back(one);
    return out;
  }
};

}  // namespace

TEST_F(HostCasesTest, each_case_ends_as_it_says) {
  for (const auto& one : cases) {
    SCOPED_TRACE(one.fn + ": " + one.what);
    const auto ran = world.run(one);
    EXPECT_EQ(error_of(ran.outcome), one.error);
    EXPECT_TRUE(ran.also);
    if (!one.error.empty()) continue;
    if (one.result) EXPECT_EQ(ran.answer.result, *one.result);
    if (one.data) EXPECT_EQ(data_of(ran.outcome), *one.data);
    if (!one.out) continue;
    ASSERT_GE(ran.answer.out.size(), one.out->size());
    EXPECT_EQ(Bytes(ran.answer.out.begin(), ran.answer.out.begin() + static_cast<std::ptrdiff_t>(one.out->size())), *one.out);
    const auto parameters = host_function(one.fn).params();
    const bool tells_length = std::any_of(parameters.begin(), parameters.end(), [](const Parameter& p) { return p.role == Role::out_len_ptr; });
    if (tells_length) EXPECT_EQ(ran.answer.written, one.out->size());
  }
}

TEST_F(HostCasesTest, no_function_and_no_code_is_left_out) {
  std::map<std::string, std::set<u64>> shown;
  for (const auto& one : cases) {
    EXPECT_EQ(one.args.size(), host_function(one.fn).params().size()) << one.fn << ": " << one.what;
    auto& results = shown[one.fn];
    if (one.result) results.insert(*one.result);
  }
  std::set<std::string> added_by_rewriting;
  for (const auto& fn : host_functions()) {
    const std::string name = std::string(fn.module) + "." + std::string(fn.name);
    if (fn.module == "phala") {   // no contract imports these; it grows memory and calls functions
      added_by_rewriting.insert(name);
      continue;
    }
    ASSERT_TRUE(shown.contains(name)) << name << " has no case";
    EXPECT_EQ(codes.contains(name), fn.answers_code) << name;
    if (const auto at = codes.find(name); at != codes.end()) EXPECT_EQ(shown[name], at->second) << name;
  }
  EXPECT_EQ(added_by_rewriting, (std::set<std::string>{"phala.memory_grow", "phala.stack_limit"}));   // host_test, stack_test
}

TEST_F(HostCasesTest, pointers_may_reach_the_end_of_memory_and_not_beyond) {
  size_t checked = 0;
  for (const auto& one : models()) {
    const auto parameters = host_function(one.fn).params();
    for (size_t i = 0; i < parameters.size(); ++i) {
      SCOPED_TRACE(one.fn + ", parameter " + std::to_string(i));
      u64 bytes = parameters[i].bytes;
      if (parameters[i].role == Role::in_ptr) bytes = one.args[i + 1];
      else if (parameters[i].role == Role::out_len_ptr) bytes = 4;
      else if (parameters[i].role != Role::pointer) continue;
      ++checked;
      EXPECT_NE(error_with(one, i, place::end - bytes), out_of_bounds);
      for (const u64 outside : {place::end - bytes + 1, u64{0x7fff'ffff}, u64{0xffff'ff00}, u64{0xffff'ffff}})
        if (bytes > 0 || outside > place::end) EXPECT_EQ(error_with(one, i, outside), out_of_bounds) << outside;
    }
  }
  EXPECT_GT(checked, 100u);
}

TEST_F(HostCasesTest, lengths_have_their_limit_or_that_of_the_memory) {
  for (const auto& one : models()) {
    const auto parameters = host_function(one.fn).params();
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (parameters[i].role != Role::in_len) continue;
      SCOPED_TRACE(one.fn + ", parameter " + std::to_string(i));
      for (const u64 length : {u64{0xffff'ffff}, u64{0x8000'0000}, place::end + 1}) {
        const std::string error = error_with(one, i, length);
        if (parameters[i].bytes == 0 || one.fn == "seal0.debug_message") EXPECT_EQ(error, out_of_bounds) << length;
        else if (length > parameters[i].bytes) EXPECT_NE(error.find(" of " + std::to_string(length) + " bytes; at most "), std::string::npos) << error;
        else EXPECT_EQ(error, out_of_bounds) << length;
      }
    }
  }
}

TEST_F(HostCasesTest, a_buffer_holds_all_or_the_contract_ends_and_only_calls_take_no_answer) {
  const std::set<std::string> take_none{"seal0.call", "seal1.call", "seal2.call", "seal0.delegate_call", "seal0.instantiate", "seal1.instantiate", "seal2.instantiate"};
  for (const auto& one : models()) {
    const auto parameters = host_function(one.fn).params();
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (parameters[i].role != Role::out_ptr) continue;
      SCOPED_TRACE(one.fn + ", parameter " + std::to_string(i));
      const bool extension = one.fn == "seal0.call_chain_extension";   // its model answers nothing; its own error is tested with it
      if (!extension) EXPECT_TRUE(error_with(one, i + 1, 0x4000).starts_with("Contracts::OutputBufferTooSmall: an answer of "));   // a capacity of zero
      EXPECT_EQ(error_with(one, i, none), take_none.contains(one.fn) ? "" : out_of_bounds);
      EXPECT_EQ(error_with(one, i, place::end - 1 + (extension ? 2 : 0)), out_of_bounds);
    }
  }
}

// The hub, as each generation of ink! builds it, in the engine. What is compared are the very bytes on the wire.
#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "generation.hpp"

namespace phala::contracts_test {
namespace {

using engine::test::treasury;
using Payments = std::vector<std::pair<AccountId, u128>>;

struct InkHub : InkGenerations {};

TEST_P(InkHub, payments_by_allowance_happen_all_or_none) {
  const auto tokens = token(), id = hub();
  ASSERT_EQ(send(alice, tokens, "PSP22::approve", id, u128{100}), ok());
  EXPECT_EQ(send(bob, id, "pay_from", tokens, alice, Payments{{bob, 30}, {treasury, 50}}), ok(u128{920})) << failure();
  EXPECT_EQ(balance(tokens, treasury), 50u);
  EXPECT_EQ(send(bob, id, "pay_from", tokens, alice, Payments{{bob, 15}, {treasury, 6}}), error(HubError::Token, TokenError::InsufficientAllowance));
  EXPECT_TRUE(world.last.effects.ink_events.empty());
  EXPECT_EQ(balance(tokens, bob), 30u);
  EXPECT_EQ(query(tokens, "PSP22::allowance", alice, id), value(u128{20}));
}

TEST_P(InkHub, a_contract_creates_contracts) {
  const auto id = hub();
  const Hash psp22 = code("psp22");
  const auto launch = [&](const Hash& code_hash, const std::string& symbol, const Bytes& salt) {
    if (ink.number == 5) return send(bob, id, "launch", code_hash, u128{70}, symbol, salt, ink.v1);
    return send(bob, id, "launch", code_hash, u128{70}, symbol, salt);
  };
  const auto expected = engine::contract_address(id, psp22, world.state.config()->cluster_id, Bytes{1});
  EXPECT_EQ(launch(psp22, "CN", {1}), ok(expected)) << failure();
  EXPECT_EQ(balance(expected, id), 70u);
  launch(psp22, "CN", {1});
  EXPECT_EQ(failure(), "Contracts::DuplicateContract");
  EXPECT_EQ(launch(Hash{}, "CN", {2}), error(HubError::CodeNotFound));
  if (ink.layered()) {
    EXPECT_EQ(launch(psp22, "", {3}), error(HubError::Token, TokenError::Custom, std::string("no symbol")));
  }
}

TEST_P(InkHub, a_call_ends_in_one_of_these_ways) {
  const auto id = hub(), other = hub({1});
  EXPECT_EQ(hub_call(id, other, input("bump")), ok(scale::encode(u32{1}))) << failure();
  EXPECT_EQ(query(other, "count"), value(u32{1}));
  EXPECT_EQ(hub_call(id, bob, input("bump")), error(HubError::NotCallable));
  EXPECT_EQ(hub_call(id, other, input("facts"), 0, 1'000 * unit), error(HubError::TransferFailed));
  EXPECT_EQ(hub_call(id, other, input("fail")), error(HubError::Trapped));
  EXPECT_EQ(query(other, "count"), value(u32{1}));
  EXPECT_EQ(hub_call(id, other, input("spin"), 0, 0, 5'000'000'000), error(HubError::Trapped));   // its gas, not the caller's
  // the callee's refusal is an answer like any other
  EXPECT_EQ(hub_call(id, other, input("upgrade", Hash{})), ok(scale::encode(u8{1}, HubError::NotOwner)));
  EXPECT_EQ(hub_call(id, token(), input("no_such_message")), error(ink.layered() ? HubError::NotUnderstood : HubError::Trapped));
}

TEST_P(InkHub, flags_of_a_call) {
  constexpr u32 forward = 1, clone = 2, tail = 4;
  const auto id = hub(), other = token();
  // the callee's answer becomes this one, without the hub's Ok around it
  EXPECT_EQ(hub_call(id, other, input("PSP22::total_supply"), tail), value(u128{1000}));
  // the token is given the hub's own input, of which it has no such message
  const Bytes not_understood = error(ink.layered() ? HubError::NotUnderstood : HubError::Trapped);
  EXPECT_EQ(hub_call(id, other, input("PSP22::total_supply"), clone), not_understood);
  EXPECT_EQ(hub_call(id, other, input("PSP22::total_supply"), forward), not_understood);
}

TEST_P(InkHub, a_contract_is_called_back_only_when_it_allows_that) {
  constexpr u32 allow = 8;
  const auto id = hub(), other = hub({1});
  hub_call(id, id, input("bump"));
  EXPECT_EQ(failure(), "Contracts::ReentranceDenied");
  EXPECT_EQ(query(id, "count"), value(u32{0}));
  EXPECT_EQ(hub_call(id, id, input("bump"), allow), ok(scale::encode(u32{1})));

  // by way of another contract: that one fails, and this one sees it
  const auto back = [&] {
    const Bytes call = input("bump");
    const std::array<u8, 4> selector{call[0], call[1], call[2], call[3]};
    if (ink.number == 5 && !ink.v1) return input("call", id, selector, Bytes{}, u128{0}, u64{0}, std::optional<u128>(), u32{0});
    return input(ink.v1 ? "call_v1" : "call", id, selector, Bytes{}, u128{0}, u64{0}, u32{0});
  }();
  EXPECT_EQ(hub_call(id, other, back), error(HubError::Trapped));
  EXPECT_EQ(query(id, "count"), value(u32{1}));
  EXPECT_EQ(hub_call(id, other, back, allow), ok(scale::encode(u8{0}, Bytes(scale::encode(u32{2})))));
  EXPECT_EQ(query(id, "count"), value(u32{2}));
}

TEST_P(InkHub, calls_nest_six_deep) {
  EXPECT_EQ(send(bob, hub(), "dive", u32{0}), value(u32{4})) << failure();   // the sixth fails in trying a seventh, the fifth answers
}

TEST_P(InkHub, other_code_runs_on_ones_own_storage) {
  const auto id = hub();
  const Hash next = code("hub_next");
  const auto selector = [&](std::string_view label) { const Bytes data = input(label); return std::array<u8, 4>{data[0], data[1], data[2], data[3]}; };
  EXPECT_EQ(send(bob, id, "delegate", next, selector("bump")), ok(scale::encode(u32{10}))) << failure() << world.last.reason;
  EXPECT_EQ(query(id, "count"), value(u32{10}));
  const Hash own = crypto::blake2_256(golden_wasm("hub" + ink.suffix));
  EXPECT_EQ(send(bob, id, "delegate", next, selector("whoami")), ok(Bytes(scale::encode(alice, id, bob, own))));
  EXPECT_EQ(send(bob, id, "delegate", Hash{}, selector("bump")), error(HubError::CodeNotFound));
  EXPECT_EQ(query(id, "version"), value(u32{1}));
}

TEST_P(InkHub, a_contract_changes_its_code) {
  const auto id = hub();
  const Hash next = code("hub_next");
  ASSERT_EQ(send(bob, id, "bump"), value(u32{1}));
  EXPECT_EQ(send(bob, id, "upgrade", next), error(HubError::NotOwner));
  EXPECT_EQ(send(alice, id, "upgrade", Hash{}), error(HubError::CodeNotFound));
  EXPECT_EQ(query(id, "version"), value(u32{1}));

  EXPECT_EQ(send(alice, id, "upgrade", next), ok()) << failure();
  ASSERT_EQ(world.last.effects.ink_events.size(), 1u);
  const auto& event = world.last.effects.ink_events[0];
  EXPECT_EQ(event.topics.at(0), ink.event_topic("Hub::Upgraded", "Upgraded(Hash)"));
  EXPECT_EQ(event.topics.at(1), ink.field_topic("Hub::Upgraded::code", next));
  EXPECT_EQ(query(id, "version"), value(u32{2}));
  EXPECT_EQ(send(bob, id, "bump"), value(u32{11}));
  EXPECT_EQ(send(bob, id, "whoami"), value(alice, id, bob, next));
}

TEST_P(InkHub, a_contract_ends_and_leaves_its_coins) {
  const auto id = hub();
  EXPECT_EQ(send(bob, id, "close", bob), error(HubError::NotOwner));
  const auto has = world.state.account(id);
  const u128 before = world.state.account(treasury).free;
  send(alice, id, "close", treasury);
  ASSERT_TRUE(world.last.result.succeeded()) << failure();
  EXPECT_TRUE(world.last.result.result->data.empty());
  EXPECT_EQ(world.state.account(id).free, 0u);
  EXPECT_EQ(world.state.account(id).held, 0u);
  EXPECT_EQ(world.state.account(treasury).free, before + has.free + world.last.result.gas_consumed.ref_time.value);   // gas goes there too
  query(id, "version");
  EXPECT_EQ(failure(), "Contracts::ContractNotFound");
}

TEST_P(InkHub, the_host_says_where_a_contract_is) {
  const auto id = hub();
  const u128 free = world.state.account(id).free;
  const Bytes answer = world.send_raw(bob, id, input("facts"), 77);
  ASSERT_TRUE(world.last.result.succeeded()) << failure();
  const Hash own = crypto::blake2_256(golden_wasm("hub" + ink.suffix));
  // existential deposit 1, gas price 1
  const Bytes expected = value(bob, true, false, id, own, free + 77 - 1, u128{1}, u128{77}, u64{1'700'000'000'000}, u32{100}, u128{1000});
  ASSERT_EQ(answer.size(), expected.size() + 8);
  EXPECT_EQ(to_hex(ByteView(answer).first(expected.size())), to_hex(expected));
  const u64 gas_left = load_le<u64>(answer.data() + expected.size());
  EXPECT_GT(gas_left, 0u);
  EXPECT_LT(gas_left, 100'000'000'000u);

  EXPECT_EQ(query(id, "code_of", id), value(std::optional(own)));
  EXPECT_EQ(query(id, "code_of", bob), value(std::optional<Hash>()));
  const Bytes data{1, 2, 3};
  const Hash blake = crypto::blake2_256(data);
  EXPECT_EQ(query(id, "digests", data), value(crypto::sha2_256(data), crypto::keccak_256(data), blake, crypto::blake2_128(data)));
  const u128 bobs = world.state.account(bob).free;
  EXPECT_EQ(send(alice, id, "send", bob, u128{9}), ok());
  EXPECT_EQ(world.state.account(bob).free, bobs + 9);
  EXPECT_EQ(send(alice, id, "send", bob, 1'000 * unit), error(HubError::TransferFailed));
}

TEST_P(InkHub, a_contract_recovers_an_ethereum_signer) {
  const auto pair = crypto::EcdsaPair::from_seed(crypto::Seed(Bytes(32, 9)));
  ASSERT_TRUE(pair.has_value());
  const Hash digest = crypto::keccak_256(as_bytes("hello"));
  const Bytes signature = to_bytes(pair->sign_prehashed(digest));
  const auto id = hub();
  FixedBytes<20> address{ByteView(crypto::keccak_256(*crypto::ecdsa_uncompress(pair->public_key))).subspan(12)};
  EXPECT_EQ(query(id, "signer", signature, digest), value(std::optional(address))) << failure();
  Bytes bad = signature;
  bad[64] = 4;
  EXPECT_EQ(query(id, "signer", bad, digest), value(std::optional<FixedBytes<20>>()));
}

TEST_P(InkHub, a_failure_undoes_and_names_itself) {
  const auto id = hub();
  send(bob, id, "fail");
  EXPECT_EQ(failure(), "Contracts::ContractTrapped");
  EXPECT_NE(world.last.reason.find("unreachable"), std::string::npos) << world.last.reason;
  EXPECT_EQ(query(id, "count"), value(u32{0}));
  send(bob, id, "spin");
  EXPECT_EQ(failure(), "Contracts::OutOfGas");
  const auto debug = [&] { return std::string(world.last.result.debug_message.begin(), world.last.result.debug_message.end()); };
  query(id, "fail");
  EXPECT_NE(debug().find("as asked"), std::string::npos) << debug();
  query(id, "say", std::string("a word"));
  EXPECT_EQ(debug(), "a word");
}

TEST_P(InkHub, what_is_not_understood_goes_to_the_target) {
  if (ink.number == 5) return;   // there a wildcard stands beside one other message at most
  const auto id = hub(), tokens = token();
  send(bob, id, "PSP22::total_supply");
  EXPECT_EQ(failure(), "Contracts::ContractTrapped");
  EXPECT_EQ(send(bob, id, "set_target", std::optional(tokens)), error(HubError::NotOwner));
  ASSERT_EQ(send(alice, id, "set_target", std::optional(tokens)), ok());
  EXPECT_EQ(send(bob, id, "PSP22::total_supply"), value(u128{1000})) << failure();
  EXPECT_EQ(world.send_raw(bob, id, input("buy"), 25), value(u128{25}));
  EXPECT_EQ(balance(tokens, id), 25u);   // the token sees the hub
  EXPECT_EQ(send(bob, id, "version"), value(u32{1}));
}

TEST_P(InkHub, host_functions_are_those_of_the_generation) {
  const Bytes wasm = golden_wasm("hub" + ink.suffix);
  const auto imports = [&](const std::string& module, const std::string& name) {
    // as a wasm file writes them: each with its length before it
    const std::string entry = char(module.size()) + module + char(name.size()) + name;
    return as_text(wasm).find(entry) != std::string_view::npos;
  };
  EXPECT_EQ(imports("seal1", "seal_call"), ink.number == 3);
  EXPECT_EQ(imports("seal1", "seal_instantiate"), ink.number == 3);
  EXPECT_EQ(imports("seal0", "seal_set_storage"), ink.number == 3);
  EXPECT_EQ(imports("seal1", "call"), ink.number >= 4);
  EXPECT_EQ(imports("seal2", "set_storage"), ink.number >= 4);
  EXPECT_EQ(imports("seal2", "call"), ink.number == 5);
  EXPECT_EQ(imports("seal2", "instantiate"), ink.number == 5);
}

INSTANTIATE_TEST_SUITE_P(Generation, InkHub, testing::ValuesIn(generations), [](const auto& each) { return each.param.name; });

// ---- only in ink! 5 -----------------------------------------------------------------------------------------------------------------------------

struct Ink5 : InkGenerations {};

TEST_P(Ink5, a_call_may_limit_what_the_callees_storage_costs) {
  const auto id = hub(), tokens = token();
  ASSERT_EQ(send(alice, tokens, "PSP22::transfer", id, u128{10}, Bytes{}), ok());
  const Bytes data = scale::encode(bob, u128{3}, Bytes{});
  const std::array<u8, 4> transfer{0xdb, 0x20, 0xf9, 0xf5};
  send(bob, id, "call", tokens, transfer, data, u128{0}, u64{0}, std::optional(u128{259}), u32{0});
  EXPECT_EQ(failure(), "Contracts::StorageDepositLimitExhausted");   // of the caller, who set the limit
  EXPECT_EQ(balance(tokens, bob), 0u);
  EXPECT_EQ(send(bob, id, "call", tokens, transfer, data, u128{0}, u64{0}, std::optional(u128{260}), u32{0}), ok(Bytes{0}));
  EXPECT_EQ(balance(tokens, bob), 3u);
}

TEST_P(Ink5, a_contract_checks_an_sr25519_signature) {
  const auto pair = crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  const Bytes message = to_bytes(std::string_view("hello"));
  const auto signature = pair.sign(message);
  const auto id = hub();
  EXPECT_EQ(query(id, "is_signed", signature, message, pair.public_key()), value(true)) << failure();
  EXPECT_EQ(query(id, "is_signed", signature, Bytes{1}, pair.public_key()), value(false));
}

TEST_P(Ink5, a_contract_locks_the_code_it_delegates_to) {
  const auto id = hub();
  const Hash next = code("hub_next");
  EXPECT_EQ(send(bob, id, "lock", next), error(HubError::NotOwner));
  EXPECT_EQ(send(alice, id, "lock", next), ok()) << failure();
  send(alice, id, "lock", next);
  EXPECT_EQ(failure(), "Contracts::DelegateDependencyAlreadyExists");
  send(alice, id, "lock", Hash{});
  EXPECT_EQ(failure(), "Contracts::CodeNotFound");
  EXPECT_EQ(send(alice, id, "unlock", next), ok());
  send(alice, id, "unlock", next);
  EXPECT_EQ(failure(), "Contracts::DelegateDependencyNotFound");
}

INSTANTIATE_TEST_SUITE_P(Generation, Ink5, testing::Values(generations[2]), [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace phala::contracts_test

// The same token and hub, as each generation of ink! builds them, in the engine. What is compared are the very bytes on the wire.
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "generation.hpp"

namespace phala::contracts_test {
namespace {

using engine::test::error_of;
using engine::test::treasury;
using Payments = std::vector<std::pair<AccountId, u128>>;

std::string failure_of(const engine::Outcome& outcome) {
  const std::string text = error_of(outcome);
  return text.substr(0, text.find(": "));
}

struct InkGenerations : testing::TestWithParam<Generation> {
  const Generation& ink = GetParam();
  World world;

  engine::ContractId deployed(const std::string& name, const Bytes& input, const Bytes& salt = {}) {
    const auto made = world.deploy(golden_wasm(name + ink.suffix), input, salt);
    EXPECT_TRUE(made.has_value()) << name << ": " << error_of(world.last) << " " << world.last.reason;
    return made.value_or(engine::ContractId{});
  }
  /// Alice has all of it.
  engine::ContractId token(u128 supply = 1000) {
    return deployed("psp22", input("new", supply, std::optional<std::string>("Coin"), std::optional<std::string>("CN"), u8{12}));
  }
  engine::ContractId hub(const Bytes& salt = {}) {
    const auto made = deployed("hub", input("new"), salt);
    world.state.apply(*engine::deposit(world.state, made, unit));
    return made;
  }
  Hash code(const std::string& name) { return world.upload(golden_wasm(name + ink.suffix)); }

  template <class... A>
  Bytes send(const AccountId& from, const engine::ContractId& to, std::string_view label, const A&... arguments) {
    return world.send_raw(from, to, input(label, arguments...));
  }
  template <class... A>
  Bytes query(const engine::ContractId& to, std::string_view label, const A&... arguments) {
    return world.query_raw(to, input(label, arguments...));
  }
  /// The hub's own "any call".
  Bytes hub_call(const engine::ContractId& hub, const AccountId& callee, const Bytes& data, u32 flags = 0, u128 value = 0, u64 gas = 0) {
    const std::array<u8, 4> selector{data[0], data[1], data[2], data[3]};
    const Bytes arguments(data.begin() + 4, data.end());
    if (ink.number == 5 && !ink.v1) return send(bob, hub, "call", callee, selector, arguments, value, gas, std::optional<u128>(), flags);
    return send(bob, hub, ink.v1 ? "call_v1" : "call", callee, selector, arguments, value, gas, flags);
  }

  Bytes value(const auto&... parts) const { return ink.answer(scale::encode(parts...)); }
  Bytes ok(const auto&... parts) const { return value(u8{0}, parts...); }
  Bytes error(const auto&... parts) const { return value(u8{1}, parts...); }
  bool reverted() const { return world.last.result.result && world.last.result.result->reverted(); }
  /// "Contracts::OutOfGas", or "".
  std::string failure() const { return failure_of(world.last); }
  u128 balance(const engine::ContractId& token, const AccountId& of) {
    const Bytes answer = query(token, "PSP22::balance_of", of);
    return scale::decode<u128>(ByteView(answer).subspan(ink.layered() ? 1 : 0)).value();
  }
};

// ---- the token -------------------------------------------------------------------------------------------------------------------------------

TEST_P(InkGenerations, a_wallet_finds_the_standard_token) {
  const auto id = token();
  EXPECT_EQ(to_hex(input("PSP22::transfer")), "db20f9f5");   // as the standard has it
  EXPECT_EQ(query(id, "PSP22::total_supply"), value(u128{1000}));
  EXPECT_EQ(query(id, "PSP22::balance_of", alice), value(u128{1000}));
  EXPECT_EQ(query(id, "PSP22Metadata::token_name"), value(std::optional<std::string>("Coin")));
  EXPECT_EQ(query(id, "PSP22Metadata::token_symbol"), value(std::optional<std::string>("CN")));
  EXPECT_EQ(query(id, "PSP22Metadata::token_decimals"), value(u8{12}));
}

TEST_P(InkGenerations, tokens_move_by_transfer_and_by_allowance) {
  const auto id = token();
  EXPECT_EQ(send(alice, id, "PSP22::transfer", bob, u128{100}, Bytes{}), ok()) << failure();
  EXPECT_EQ(send(alice, id, "PSP22::approve", bob, u128{50}), ok());
  EXPECT_EQ(send(alice, id, "PSP22::increase_allowance", bob, u128{20}), ok());
  EXPECT_EQ(send(alice, id, "PSP22::decrease_allowance", bob, u128{10}), ok());
  EXPECT_EQ(query(id, "PSP22::allowance", alice, bob), value(u128{60}));
  EXPECT_EQ(send(bob, id, "PSP22::transfer_from", alice, treasury, u128{60}, Bytes{1, 2}), ok());
  EXPECT_EQ(query(id, "PSP22::allowance", alice, bob), value(u128{0}));
  EXPECT_EQ(balance(id, alice), 840u);
  EXPECT_EQ(balance(id, bob), 100u);
  EXPECT_EQ(balance(id, treasury), 60u);
}

TEST_P(InkGenerations, a_refused_transfer_changes_nothing) {
  const auto id = token();
  const auto refused = [&](const Bytes& answer, TokenError expected) {
    EXPECT_EQ(answer, error(expected));
    EXPECT_TRUE(reverted());
    EXPECT_TRUE(world.last.effects.ink_events.empty());
    EXPECT_EQ(world.last.result.storage_deposit, engine::StorageDeposit(engine::Charge{0}));
  };
  refused(send(bob, id, "PSP22::transfer", alice, u128{1}, Bytes{}), TokenError::InsufficientBalance);
  refused(send(alice, id, "PSP22::transfer", AccountId{}, u128{1}, Bytes{}), TokenError::ZeroRecipientAddress);
  refused(send(bob, id, "PSP22::decrease_allowance", alice, u128{1}), TokenError::InsufficientAllowance);
  // the allowance is already spent when the balance turns out too small: that is undone with the rest
  ASSERT_EQ(send(bob, id, "PSP22::approve", alice, u128{5}), ok());
  refused(send(alice, id, "PSP22::transfer_from", bob, alice, u128{5}, Bytes{}), TokenError::InsufficientBalance);
  EXPECT_EQ(query(id, "PSP22::allowance", bob, alice), value(u128{5}));
  EXPECT_EQ(balance(id, alice), 1000u);
}

TEST_P(InkGenerations, an_event_names_what_moved) {
  const auto id = token();
  ASSERT_EQ(send(alice, id, "PSP22::transfer", bob, u128{7}, Bytes{}), ok());
  ASSERT_EQ(world.last.effects.ink_events.size(), 1u);
  const auto& event = world.last.effects.ink_events[0];
  const Bytes fields = scale::encode(std::optional(alice), std::optional(bob), u128{7});
  EXPECT_EQ(event.payload, ink.number == 5 ? fields : concat(Bytes{0}, fields));
  ASSERT_EQ(event.topics.size(), 3u);
  EXPECT_EQ(event.topics[0], ink.event_topic("Token::Transfer", "Transfer(Option<AccountId>,Option<AccountId>,Balance)"));
  EXPECT_EQ(event.topics[1], ink.field_topic("Token::Transfer::from", std::optional(alice)));
  EXPECT_EQ(event.topics[2], ink.field_topic("Token::Transfer::to", std::optional(bob)));

  ASSERT_EQ(send(bob, id, "abandon"), value(u128{7}));   // to nobody
  EXPECT_EQ(world.last.effects.ink_events.at(0).topics.at(2), ink.field_topic("Token::Transfer::to", std::optional<AccountId>()));
}

TEST_P(InkGenerations, only_the_owner_makes_tokens_and_never_too_many) {
  const auto id = token();
  EXPECT_EQ(send(bob, id, "mint", bob, u128{1}), error(TokenError::Custom, std::string("not the owner")));
  EXPECT_EQ(send(alice, id, "mint", bob, u128{1}), ok());
  // checked arithmetic ends the call, and with it what it did so far
  send(alice, id, "mint", bob, ~u128{0});
  EXPECT_EQ(failure(), "Contracts::ContractTrapped");
  EXPECT_EQ(query(id, "PSP22::total_supply"), value(u128{1001}));
  EXPECT_EQ(balance(id, bob), 1u);
}

TEST_P(InkGenerations, coins_buy_tokens_and_tokens_pay_coins) {
  const auto id = token();
  const auto coins = [&](const AccountId& who) { return world.state.account(who).free; };
  EXPECT_EQ(world.send_raw(bob, id, input("buy"), 500), value(u128{500})) << failure();
  EXPECT_EQ(balance(id, bob), 500u);
  const u128 before = coins(id);
  EXPECT_EQ(send(bob, id, "cash_out", u128{200}), ok());
  EXPECT_EQ(coins(id), before - 200);
  EXPECT_EQ(balance(id, bob), 300u);
  EXPECT_EQ(send(bob, id, "cash_out", u128{301}), error(TokenError::InsufficientBalance));
  // alice has tokens that nobody paid for
  EXPECT_EQ(send(alice, id, "cash_out", u128{1000}), error(TokenError::Custom, std::string("the contract cannot pay")));
  EXPECT_EQ(balance(id, alice), 1000u);
  // value where none is taken ends the call and stays where it was
  const u128 bobs = coins(bob);
  world.send_raw(bob, id, input("abandon"), 5);
  EXPECT_FALSE(world.last.result.result.has_value());
  EXPECT_EQ(coins(bob), bobs - world.last.result.gas_consumed.ref_time.value);
}

TEST_P(InkGenerations, who_adds_storage_pays_for_it_and_who_frees_it_is_paid) {
  const auto id = token();
  constexpr u128 per_holder = 100 + 16 * 10;   // an item, and the bytes of a balance
  EXPECT_EQ(send(alice, id, "PSP22::transfer", bob, u128{5}, Bytes{}), ok());
  EXPECT_EQ(world.last.result.storage_deposit, engine::StorageDeposit(engine::Charge{per_holder}));
  EXPECT_EQ(query(id, "is_holder", bob), value(true));
  EXPECT_EQ(send(alice, id, "PSP22::transfer", bob, u128{5}, Bytes{}), ok());
  EXPECT_EQ(world.last.result.storage_deposit, engine::StorageDeposit(engine::Charge{0}));
  EXPECT_EQ(send(bob, id, "abandon"), value(u128{10})) << failure();
  EXPECT_EQ(world.last.result.storage_deposit, engine::StorageDeposit(engine::Refund{per_holder}));
  EXPECT_EQ(query(id, "is_holder", bob), value(false));

  const auto limited = engine::call(engine::test::shared_engine(), world.state, world.context,
                                    {{.origin = alice, .gas_limit = 100'000'000'000, .storage_deposit_limit = per_holder - 1}, id,
                                     input("PSP22::transfer", bob, u128{5}, Bytes{})});
  ASSERT_TRUE(limited.has_value());
  EXPECT_EQ(failure_of(*limited), "Contracts::StorageDepositLimitExhausted");
}

TEST_P(InkGenerations, a_constructor_may_refuse) {
  if (ink.number == 3) return;   // there constructors return the contract itself
  const Bytes wasm = golden_wasm("psp22" + ink.suffix);
  EXPECT_FALSE(world.deploy(wasm, input("listed", u128{5}, std::string())).has_value());
  ASSERT_TRUE(reverted()) << failure();
  EXPECT_EQ(world.last.result.result->data, error(TokenError::Custom, std::string("no symbol")));
  const auto made = world.deploy(wasm, input("listed", u128{5}, std::string("CN")));
  ASSERT_TRUE(made.has_value()) << failure();
  EXPECT_EQ(balance(*made, alice), 5u);
}

TEST_P(InkGenerations, what_it_does_not_understand_it_refuses) {
  const auto id = token();
  const auto refused = [&](const Bytes& answer) {
    if (ink.layered()) {
      EXPECT_EQ(answer, (Bytes{1, 1}));   // LangError::CouldNotReadInput
      EXPECT_TRUE(reverted());
    } else {
      EXPECT_FALSE(world.last.result.result.has_value());
    }
  };
  refused(send(alice, id, "no_such_message"));
  refused(send(alice, id, "PSP22::transfer", bob));
  refused(world.send_raw(alice, id, Bytes{1, 2}));
}

// ---- the hub ---------------------------------------------------------------------------------------------------------------------------------

TEST_P(InkGenerations, payments_by_allowance_happen_all_or_none) {
  const auto tokens = token(), id = hub();
  ASSERT_EQ(send(alice, tokens, "PSP22::approve", id, u128{100}), ok());
  EXPECT_EQ(send(bob, id, "pay_from", tokens, alice, Payments{{bob, 30}, {treasury, 50}}), ok(u128{920})) << failure();
  EXPECT_EQ(balance(tokens, treasury), 50u);
  EXPECT_EQ(send(bob, id, "pay_from", tokens, alice, Payments{{bob, 15}, {treasury, 6}}), error(HubError::Token, TokenError::InsufficientAllowance));
  EXPECT_TRUE(world.last.effects.ink_events.empty());
  EXPECT_EQ(balance(tokens, bob), 30u);
  EXPECT_EQ(query(tokens, "PSP22::allowance", alice, id), value(u128{20}));
}

TEST_P(InkGenerations, a_contract_creates_contracts) {
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

TEST_P(InkGenerations, a_call_ends_in_one_of_these_ways) {
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

TEST_P(InkGenerations, flags_of_a_call) {
  constexpr u32 forward = 1, clone = 2, tail = 4;
  const auto id = hub(), other = token();
  // the callee's answer becomes this one, without the hub's Ok around it
  EXPECT_EQ(hub_call(id, other, input("PSP22::total_supply"), tail), value(u128{1000}));
  // the token is given the hub's own input, of which it has no such message
  const Bytes not_understood = error(ink.layered() ? HubError::NotUnderstood : HubError::Trapped);
  EXPECT_EQ(hub_call(id, other, input("PSP22::total_supply"), clone), not_understood);
  EXPECT_EQ(hub_call(id, other, input("PSP22::total_supply"), forward), not_understood);
}

TEST_P(InkGenerations, a_contract_is_called_back_only_when_it_allows_that) {
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

TEST_P(InkGenerations, calls_nest_six_deep) {
  EXPECT_EQ(send(bob, hub(), "dive", u32{0}), value(u32{4})) << failure();   // the sixth fails in trying a seventh, the fifth answers
}

TEST_P(InkGenerations, other_code_runs_on_ones_own_storage) {
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

TEST_P(InkGenerations, a_contract_changes_its_code) {
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

TEST_P(InkGenerations, a_contract_ends_and_leaves_its_coins) {
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

TEST_P(InkGenerations, the_host_says_where_a_contract_is) {
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

TEST_P(InkGenerations, a_contract_recovers_an_ethereum_signer) {
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

TEST_P(InkGenerations, a_failure_undoes_and_names_itself) {
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

TEST_P(InkGenerations, what_is_not_understood_goes_to_the_target) {
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

INSTANTIATE_TEST_SUITE_P(Ink, InkGenerations, testing::ValuesIn(generations), [](const auto& each) { return each.param.name; });

// ---- only in ink! 5 -----------------------------------------------------------------------------------------------------------------------------

struct Ink5 : InkGenerations {};

TEST_P(Ink5, default_calls_use_the_newest_interface) {
  const std::string wasm(reinterpret_cast<const char*>(golden_wasm("hub_ink5").data()), golden_wasm("hub_ink5").size());
  EXPECT_NE(wasm.find("\x05seal2\x04" "call"), std::string::npos);
  EXPECT_NE(wasm.find("\x05seal2\x0b" "instantiate"), std::string::npos);
}

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

INSTANTIATE_TEST_SUITE_P(Ink, Ink5, testing::Values(generations[2]), [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace phala::contracts_test

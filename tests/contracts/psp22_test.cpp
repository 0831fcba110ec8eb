// The token, as each generation of ink! builds it, in the engine. What is compared are the very bytes on the wire.
#include <gtest/gtest.h>

#include "generation.hpp"

namespace phala::contracts_test {
namespace {

using engine::test::treasury;

struct InkToken : InkGenerations {};

TEST_P(InkToken, a_wallet_finds_the_standard_token) {
  const auto id = token();
  EXPECT_EQ(to_hex(input("PSP22::transfer")), "db20f9f5");   // as the standard has it
  EXPECT_EQ(query(id, "PSP22::total_supply"), value(u128{1000}));
  EXPECT_EQ(query(id, "PSP22::balance_of", alice), value(u128{1000}));
  EXPECT_EQ(query(id, "PSP22Metadata::token_name"), value(std::optional<std::string>("Coin")));
  EXPECT_EQ(query(id, "PSP22Metadata::token_symbol"), value(std::optional<std::string>("CN")));
  EXPECT_EQ(query(id, "PSP22Metadata::token_decimals"), value(u8{12}));
}

TEST_P(InkToken, tokens_move_by_transfer_and_by_allowance) {
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

TEST_P(InkToken, a_refused_transfer_changes_nothing) {
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

TEST_P(InkToken, an_event_names_what_moved) {
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

TEST_P(InkToken, only_the_owner_makes_tokens_and_never_too_many) {
  const auto id = token();
  EXPECT_EQ(send(bob, id, "mint", bob, u128{1}), error(TokenError::Custom, std::string("not the owner")));
  EXPECT_EQ(send(alice, id, "mint", bob, u128{1}), ok());
  // checked arithmetic ends the call, and with it what it did so far
  send(alice, id, "mint", bob, ~u128{0});
  EXPECT_EQ(failure(), "Contracts::ContractTrapped");
  EXPECT_EQ(query(id, "PSP22::total_supply"), value(u128{1001}));
  EXPECT_EQ(balance(id, bob), 1u);
}

TEST_P(InkToken, coins_buy_tokens_and_tokens_pay_coins) {
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

TEST_P(InkToken, who_adds_storage_pays_for_it_and_who_frees_it_is_paid) {
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

TEST_P(InkToken, a_constructor_may_refuse) {
  if (ink.number == 3) return;   // there constructors return the contract itself
  const Bytes wasm = golden_wasm("psp22" + ink.suffix);
  EXPECT_FALSE(world.deploy(wasm, input("listed", u128{5}, std::string())).has_value());
  ASSERT_TRUE(reverted()) << failure();
  EXPECT_EQ(world.last.result.result->data, error(TokenError::Custom, std::string("no symbol")));
  const auto made = world.deploy(wasm, input("listed", u128{5}, std::string("CN")));
  ASSERT_TRUE(made.has_value()) << failure();
  EXPECT_EQ(balance(*made, alice), 5u);
}

TEST_P(InkToken, what_it_does_not_understand_it_refuses) {
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

INSTANTIATE_TEST_SUITE_P(Generation, InkToken, testing::ValuesIn(generations), [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace phala::contracts_test

#pragma once
// Why: the same tests run with the same contracts in each generation of ink!. What differs between them on the wire is here: the layer
// around answers, the topics of events, one argument.

#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "world.hpp"

namespace phala::contracts_test {

/// The errors of the token and of the hub, by their index.
enum class TokenError : u8 { Custom, InsufficientBalance, InsufficientAllowance, ZeroRecipientAddress };
enum class HubError : u8 { NotOwner, Trapped, Reverted, NotCallable, TransferFailed, CodeNotFound, Unreadable, Other, Token, NotUnderstood };

/// Selector and arguments of a message or constructor.
template <class... A>
Bytes input(std::string_view label, const A&... arguments) {
  return concat(ByteView(crypto::blake2_256(as_bytes(label))).first(4), scale::encode(arguments...));
}

struct Generation {
  std::string name;
  int number;          ///< 3, 4 or 5
  std::string suffix;  ///< of the golden files
  bool v1 = false;     ///< ink! 5: calls through the host interface of ink! 4

  /// From ink! 4 on an answer is a Result that tells whether the call was understood.
  bool layered() const { return number >= 4; }
  Bytes answer(const Bytes& value) const { return layered() ? concat(Bytes{0}, value) : value; }

  /// Up to 32 bytes as they are, more as their hash.
  static Hash topic(Bytes value) {
    if (value.size() > 32) return crypto::blake2_256(value);
    value.resize(32);
    return Hash(ByteView(value));
  }
  /// `name` is what generations 3 and 4 hash, `signature` what generation 5 does.
  Hash event_topic(std::string_view event_name, std::string_view signature) const {
    return number == 5 ? crypto::blake2_256(as_bytes(signature)) : topic(concat(Bytes{0}, as_bytes(event_name)));
  }
  /// Generation 5 leaves the field's name out, and of an optional value that it is one.
  template <class T>
  Hash field_topic(const std::string& field, const T& value) const {
    return topic(number == 5 ? scale::encode(value) : scale::encode(field, value));
  }
  template <class T>
  Hash field_topic(const std::string& field, const std::optional<T>& value) const {
    if (number != 5) return topic(scale::encode(field, value));
    return topic(value ? scale::encode(*value) : Bytes{0});
  }
};

inline const Generation generations[] = {{"3", 3, "_ink3"}, {"4", 4, ""}, {"5", 5, "_ink5"}, {"5_v1", 5, "_ink5", true}};
inline void PrintTo(const Generation& each, std::ostream* out) { *out << "ink! " << each.name; }

/// "Contracts::OutOfGas", or "" when it succeeded.
inline std::string failure_of(const engine::Outcome& outcome) {
  const std::string text = engine::test::error_of(outcome);
  return text.substr(0, text.find(": "));
}

/// A cluster, and the token and the hub of one generation in it.
struct InkGenerations : testing::TestWithParam<Generation> {
  const Generation& ink = GetParam();
  World world;

  engine::ContractId deployed(const std::string& name, const Bytes& input, const Bytes& salt = {}) {
    const auto made = world.deploy(golden_wasm(name + ink.suffix), input, salt);
    EXPECT_TRUE(made.has_value()) << name << ": " << engine::test::error_of(world.last) << " " << world.last.reason;
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
  std::string failure() const { return failure_of(world.last); }
  u128 balance(const engine::ContractId& token, const AccountId& of) {
    const Bytes answer = query(token, "PSP22::balance_of", of);
    return scale::decode<u128>(ByteView(answer).subspan(ink.layered() ? 1 : 0)).value();
  }
};

}  // namespace phala::contracts_test

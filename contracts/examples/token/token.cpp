#include "token.hpp"

namespace token {

void Token::operator()(const New& call) {
  name = call.name, symbol = call.symbol, decimals = call.decimals, supply = call.supply;
  issuer = caller();
  set_balance(issuer, supply);
}

std::optional<Balance> Token::operator()(const Allowance& call) const {
  if (caller() != call.owner && caller() != call.spender) return std::nullopt;
  return allowances.get({call.owner, call.spender}).value_or(0);
}

Result<void, Error> Token::operator()(const Transfer& call) { return move(caller(), call.to, call.value); }

Result<void, Error> Token::operator()(const TransferPublicly& call) {
  if (const auto moved = move(caller(), call.to, call.value); !moved) return moved;
  emit(*this, Transferred{caller(), call.to, call.value});
  return {};
}

void Token::operator()(const Approve& call) {
  const std::pair key{caller(), call.spender};
  if (call.value == 0) allowances.remove(key);
  else allowances.put(key, call.value);
  emit(*this, Approved{caller(), call.spender, call.value});
}

Result<void, Error> Token::operator()(const TransferFrom& call) {
  const std::pair key{call.from, caller()};
  const Balance allowed = allowances.get(key).value_or(0);
  if (allowed < call.value) return fail(Error::InsufficientAllowance);
  if (const auto moved = move(call.from, call.to, call.value); !moved) return moved;
  if (allowed == call.value) allowances.remove(key);
  else allowances.put(key, allowed - call.value);
  return {};
}

Result<void, Error> Token::operator()(const Mint& call) {
  if (caller() != issuer) panic("only the issuer mints");
  if (supply > ~Balance{0} - call.value) return fail(Error::SupplyTooLarge);
  supply += call.value;
  set_balance(call.to, balances.get(call.to).value_or(0) + call.value);   // at most the supply: no overflow
  return {};
}

Result<void, Error> Token::operator()(const Burn& call) {
  const Balance held = balances.get(caller()).value_or(0);
  if (held < call.value) return fail(Error::InsufficientBalance);
  set_balance(caller(), held - call.value);
  supply -= call.value;
  return {};
}

Result<void, Error> Token::move(const AccountId& from, const AccountId& to, Balance value) {
  const Balance held = balances.get(from).value_or(0);
  if (held < value) return fail(Error::InsufficientBalance);
  if (from == to) return {};
  set_balance(from, held - value);
  set_balance(to, balances.get(to).value_or(0) + value);
  return {};
}

void Token::set_balance(const AccountId& who, Balance value) {
  if (value == 0) balances.remove(who);
  else balances.put(who, value);
}

}  // namespace token

PHALA_CONTRACT(token::Token)

#include "balances/balances.hpp"

namespace phala::pallets {

PALLET_OPS(Balances);

void Balances::constants(Constants& c) {
  c.add("ExistentialDeposit", existential_deposit);
  c.add("MaxLocks", max_locks);
  c.add("MaxReserves", max_reserves);
  c.add("MaxHolds", max_holds);
  c.add("MaxFreezes", max_freezes);
}

Try<AccountId> lookup(const MultiAddress& address) {
  if (const auto* id = address.get_if<address::Id>()) return id->id;
  return fail(DispatchError::Kind::cannot_lookup);
}

// ---- calls --------------------------------------------------------------------------------------------------------

DispatchResult Balances::operator()(const Origin& origin, const TransferAllowDeath& call) {
  const auto from = TRY(origin.signed_by());
  TRY(transfer(from, TRY(lookup(call.dest)), call.value, Preservation::expendable));
  return {};
}

DispatchResult Balances::operator()(const Origin& origin, const ForceTransfer& call) {
  TRY(origin.ensure_root());
  const auto from = TRY(lookup(call.source));
  TRY(transfer(from, TRY(lookup(call.dest)), call.value, Preservation::expendable));
  return {};
}

DispatchResult Balances::operator()(const Origin& origin, const TransferKeepAlive& call) {
  const auto from = TRY(origin.signed_by());
  TRY(transfer(from, TRY(lookup(call.dest)), call.value, Preservation::preserve));
  return {};
}

DispatchResult Balances::operator()(const Origin& origin, const TransferAll& call) {
  const auto from = TRY(origin.signed_by());
  const auto keep = call.keep_alive ? Preservation::preserve : Preservation::expendable;
  const Balance all = reducible(from, keep, Fortitude::polite);
  TRY(transfer(from, TRY(lookup(call.dest)), all, keep));
  return {};
}

DispatchResult Balances::operator()(const Origin& origin, const ForceUnreserve& call) {
  TRY(origin.ensure_root());
  unreserve(TRY(lookup(call.who)), call.amount);
  return {};
}

DispatchResult Balances::operator()(const Origin& origin, const UpgradeAccounts&) {
  TRY(origin.signed_by());
  return {};
}

DispatchResult Balances::operator()(const Origin& origin, const ForceSetBalance& call) {
  TRY(origin.ensure_root());
  const auto who = TRY(lookup(call.who));
  const Balance wanted = call.new_free < existential_deposit ? 0 : Balance{call.new_free};
  const Balance before = free_balance(who), issued = total_issuance.get();
  const Balance rest = saturating_sub(issued, before);
  if (rest + wanted < rest) return fail(ArithmeticError::overflow);
  TRY(mutate(who, [&](AccountData& data) -> Try<> {
    data.free = wanted;
    return {};
  }));
  total_issuance.put(rest + wanted);
  emit(BalanceSet{who, wanted});
  return {};
}

// ---- one account --------------------------------------------------------------------------------------------------

template <class F>
Try<> Balances::mutate(const AccountId& who, F&& change) {
  const AccountInfo before = system_.account.get(who);
  AccountInfo after = before;
  TRY(change(after.data));
  return settle(who, before, after);
}

Try<> Balances::settle(const AccountId& who, AccountInfo before, AccountInfo& after) {
  const auto consumes = [](const AccountData& d) { return d.reserved != 0 || d.frozen != 0; };
  const bool is_new = before.data == AccountData{};
  const bool did_provide = before.data.free >= existential_deposit, does_provide = after.data.free >= existential_deposit;
  const bool did_consume = !is_new && consumes(before.data), does_consume = consumes(after.data);
  after.data.flags |= AccountData{}.flags;
  if (!did_provide && does_provide) system_.inc_providers(who, after);
  if (did_consume && !does_consume) System::dec_consumers(after);
  if (!did_consume && does_consume) TRY(System::inc_consumers(after));
  if (did_provide && !does_provide) TRY(system_.dec_providers(who, after));
  const Balance free = after.data.free;
  const bool dust = free < existential_deposit && after.data.reserved == 0;
  if (dust) after.data = {};
  system_.store(who, after);
  if (is_new && !(dust && free == 0)) emit(Endowed{who, free});
  if (dust && free != 0) {
    emit(DustLost{who, free});
    total_issuance.put(saturating_sub(total_issuance.get(), free));
  }
  return {};
}

Balance Balances::reducible_of(const AccountInfo& info, Preservation keep, Fortitude force) {
  // what is frozen may be covered by what is reserved
  Balance untouchable = force == Fortitude::polite ? saturating_sub(info.data.frozen, info.data.reserved) : 0;
  const bool provides = info.data.free != 0;
  if (keep == Preservation::preserve || (keep == Preservation::protect && provides && info.providers == 1) ||
      (keep == Preservation::expendable && provides && !info.can_lose_provider()))
    untouchable = std::max(untouchable, existential_deposit);
  return saturating_sub(info.data.free, untouchable);
}

Balance Balances::reducible(const AccountId& who, Preservation keep, Fortitude force) const { return reducible_of(system_.account.get(who), keep, force); }

Try<> Balances::can_withdraw(const AccountId& who, Balance amount, Preservation keep) const {
  if (amount == 0) return {};
  const auto info = system_.account.get(who);
  if (info.data.free < amount) return fail(TokenError::funds_unavailable);
  if (amount > reducible_of(info, Preservation::expendable, Fortitude::polite)) return fail(TokenError::frozen);
  if (info.data.free - amount < existential_deposit) {
    if (!info.can_lose_provider()) return fail(TokenError::only_provider);
    if (keep != Preservation::expendable) return fail(TokenError::not_expendable);
  }
  return {};
}

Try<> Balances::can_deposit(const AccountId& who, Balance amount, bool minted) const {
  if (amount == 0) return {};
  const Balance free = free_balance(who), issued = total_issuance.get();
  if (minted && issued + amount < issued) return fail(ArithmeticError::overflow);
  if (free + amount < free) return fail(ArithmeticError::overflow);
  if (free + amount < existential_deposit) return fail(TokenError::below_minimum);
  return {};
}

Try<> Balances::transfer(const AccountId& from, const AccountId& to, Balance amount, Preservation keep) {
  TRY(can_withdraw(from, amount, keep));
  TRY(can_deposit(to, amount, false));
  if (from == to) return {};
  TRY(mutate(from, [&](AccountData& d) -> Try<> {
    d.free -= amount;
    return {};
  }));
  TRY(mutate(to, [&](AccountData& d) -> Try<> {
    d.free += amount;
    return {};
  }));
  emit(Transfer{from, to, amount});
  return {};
}

Try<> Balances::withdraw(const AccountId& who, Balance amount, Preservation keep) {
  if (amount == 0) return {};
  TRY(can_withdraw(who, amount, keep));
  TRY(mutate(who, [&](AccountData& d) -> Try<> {
    d.free -= amount;
    return {};
  }));
  total_issuance.put(saturating_sub(total_issuance.get(), amount));
  emit(Withdraw{who, amount});
  return {};
}

Try<> Balances::endow(const AccountId& who, Balance amount) {
  if (amount == 0) return {};
  TRY(can_deposit(who, amount, true));
  TRY(mutate(who, [&](AccountData& d) -> Try<> {
    d.free += amount;
    return {};
  }));
  total_issuance.put(total_issuance.get() + amount);
  return {};
}

Try<> Balances::deposit(const AccountId& who, Balance amount) {
  if (amount == 0) return {};
  TRY(endow(who, amount));
  emit(Deposit{who, amount});
  return {};
}

}  // namespace phala::pallets

// Reserves, locks and holds: what pallets that take deposits or tie up funds use of Balances.
#include "balances/balances.hpp"

namespace phala::pallets {

namespace {
template <class List, class Id>
auto find_id(List& list, const Id& id) {
  return std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.id == id; });
}
}  // namespace

bool Balances::can_reserve(const AccountId& who, Balance amount) const {
  if (amount == 0) return true;
  const auto d = data(who);
  return d.free >= amount && amount <= reducible(who, Preservation::preserve, Fortitude::polite);
}

Try<> Balances::reserve(const AccountId& who, Balance amount) {
  if (amount == 0) return {};
  auto info = system_.account.get(who);
  if (info.data.free < amount) return fail(Error::InsufficientBalance);
  if (!can_reserve(who, amount)) return fail(Error::LiquidityRestrictions);
  const AccountInfo before = info;
  info.data.free -= amount;
  info.data.reserved += amount;
  TRY(settle(who, before, info));
  emit(Reserved{who, amount});
  return {};
}

Balance Balances::unreserve(const AccountId& who, Balance amount) {
  const AccountInfo before = system_.account.get(who);
  const Balance taken = std::min(before.data.reserved, amount);
  if (taken == 0) return amount;
  AccountInfo after = before;
  after.data.reserved -= taken;
  after.data.free = saturating_add(after.data.free, taken);
  if (!settle(who, before, after)) return amount;
  emit(Unreserved{who, taken});
  return amount - taken;
}

Balance Balances::slash_reserved(const AccountId& who, Balance amount) {
  const AccountInfo before = system_.account.get(who);
  const Balance taken = std::min(before.data.reserved, amount);
  if (taken == 0) return amount;
  AccountInfo after = before;
  after.data.reserved -= taken;
  if (!settle(who, before, after)) return amount;
  total_issuance.put(saturating_sub(total_issuance.get(), taken));
  emit(Slashed{who, taken});
  return amount - taken;
}

Try<Balance> Balances::repatriate_reserved(const AccountId& from, const AccountId& to, Balance amount, BalanceStatus status) {
  if (amount == 0) return Balance{0};
  if (from == to) {
    if (status == BalanceStatus::free) return unreserve(from, amount);
    return saturating_sub(amount, data(from).reserved);
  }
  const AccountInfo before = system_.account.get(from);
  const Balance moved = std::min(before.data.reserved, amount);
  if (moved == 0) return amount;
  const AccountInfo receiver = system_.account.get(to);
  if (receiver.data.free + receiver.data.reserved == 0) return fail(Error::DeadAccount);
  AccountInfo after = before, received = receiver;
  after.data.reserved -= moved;
  (status == BalanceStatus::free ? received.data.free : received.data.reserved) += moved;
  TRY(settle(from, before, after));
  TRY(settle(to, receiver, received));
  emit(ReserveRepatriated{from, to, moved, status});
  return amount - moved;
}

Balance Balances::reserved_named(const LockId& id, const AccountId& who) const {
  const auto list = reserves.get(who);
  const auto at = find_id(list, id);
  return at == list.end() ? 0 : at->amount;
}

Try<> Balances::reserve_named(const LockId& id, const AccountId& who, Balance amount) {
  if (amount == 0) return {};
  auto list = reserves.get(who);
  auto at = find_id(list, id);
  if (at == list.end()) {
    if (list.size() >= max_reserves) return fail(Error::TooManyReserves);
    at = list.insert(std::find_if(list.begin(), list.end(), [&](const auto& r) { return id < r.id; }), ReserveData{id, 0});
  }
  TRY(reserve(who, amount));
  at->amount = saturating_add(at->amount, amount);
  reserves.put(who, list);
  return {};
}

Balance Balances::unreserve_named(const LockId& id, const AccountId& who, Balance amount) {
  auto list = reserves.get(who);
  const auto at = find_id(list, id);
  if (at == list.end()) return amount;
  const Balance wanted = std::min(at->amount, amount);
  const Balance freed = wanted - unreserve(who, wanted);
  at->amount -= freed;
  if (at->amount == 0) list.erase(at);
  if (list.empty()) reserves.remove(who);
  else reserves.put(who, list);
  return amount - freed;
}

/// Frozen is the largest of all locks and freezes.
void Balances::update_frozen(const AccountId& who) {
  Balance frozen = 0;
  for (const auto& lock : locks.get(who)) frozen = std::max(frozen, lock.amount);
  for (const auto& freeze : freezes.get(who)) frozen = std::max(frozen, freeze.amount);
  const AccountInfo before = system_.account.get(who);
  if (before.data.frozen == frozen) return;
  AccountInfo after = before;
  after.data.frozen = frozen;
  // an account that can carry no further dependency keeps its lock all the same: locks must not fail
  if (!settle(who, before, after)) {
    after = before;
    after.data.frozen = frozen;
    system_.store(who, after);
  }
  if (frozen > before.data.frozen) emit(Locked{who, frozen - before.data.frozen});
  else emit(Unlocked{who, before.data.frozen - frozen});
}

void Balances::set_lock(const LockId& id, const AccountId& who, Balance amount, LockReasons reasons) {
  auto list = locks.get(who);
  const auto at = find_id(list, id);
  if (amount == 0) {
    if (at != list.end()) list.erase(at);
  } else if (at != list.end()) {
    *at = {id, amount, reasons};
  } else {
    list.push_back({id, amount, reasons});
  }
  if (list.empty()) locks.remove(who);
  else locks.put(who, list);
  update_frozen(who);
}

void Balances::extend_lock(const LockId& id, const AccountId& who, Balance amount, LockReasons reasons) {
  const auto list = locks.get(who);
  const auto at = find_id(list, id);
  set_lock(id, who, at == list.end() ? amount : std::max(amount, at->amount), at == list.end() || at->reasons == reasons ? reasons : LockReasons::all);
}

void Balances::remove_lock(const LockId& id, const AccountId& who) { set_lock(id, who, 0, LockReasons::all); }

Balance Balances::on_hold(HoldReason reason, const AccountId& who) const {
  const auto list = holds.get(who);
  const auto at = find_id(list, reason);
  return at == list.end() ? 0 : at->amount;
}

Try<> Balances::hold(HoldReason reason, const AccountId& who, Balance amount) {
  if (amount == 0) return {};
  auto list = holds.get(who);
  auto at = find_id(list, reason);
  if (at == list.end()) {
    if (list.size() >= max_holds) return fail(Error::TooManyHolds);
    at = list.insert(list.end(), {reason, 0});
  }
  const AccountInfo before = system_.account.get(who);
  if (amount > reducible_of(before, Preservation::protect, Fortitude::force)) return fail(TokenError::funds_unavailable);
  AccountInfo after = before;
  after.data.free -= amount;
  after.data.reserved += amount;
  TRY(settle(who, before, after));
  at->amount += amount;
  holds.put(who, list);
  return {};
}

Balance Balances::release(HoldReason reason, const AccountId& who, Balance amount) {
  auto list = holds.get(who);
  const auto at = find_id(list, reason);
  if (at == list.end()) return 0;
  const AccountInfo before = system_.account.get(who);
  const Balance freed = std::min({at->amount, amount, before.data.reserved});
  AccountInfo after = before;
  after.data.reserved -= freed;
  after.data.free = saturating_add(after.data.free, freed);
  if (!settle(who, before, after)) return 0;
  at->amount -= freed;
  if (at->amount == 0) list.erase(at);
  if (list.empty()) holds.remove(who);
  else holds.put(who, list);
  return freed;
}

}  // namespace phala::pallets

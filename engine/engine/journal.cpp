#include "engine/journal.hpp"

#include "crypto/hash.hpp"

namespace phala::engine {

std::optional<ByteView> Journal::get(const Bytes& key) const {
  if (!changed_.empty()) {
    const auto at = changed_.find(key);
    if (at != changed_.end()) return at->second ? std::optional<ByteView>(*at->second) : std::nullopt;
  }
  return base_.get(key);
}

void Journal::write(const Bytes& key, Written value) {
  written_bytes_ += key.size() + (value ? value->size() : 0) + 64;
  const auto [at, added] = changed_.try_emplace(key);
  undo_.push_back({&at->first, added ? std::nullopt : std::optional<Written>(std::move(at->second))});
  at->second = std::move(value);
}

void Journal::rollback(Checkpoint to) {
  while (undo_.size() > to) {
    Undo& last = undo_.back();
    if (last.before) changed_.find(*last.key)->second = std::move(*last.before);
    else changed_.erase(changed_.find(*last.key));
    undo_.pop_back();
  }
}

StateDiff Journal::diff() const {
  StateDiff out;
  for (const auto& [key, value] : changed_) {
    const auto before = base_.get(key);
    const bool same = before ? value && same_bytes(*before, *value) : !value;
    if (!same) out.emplace(key, value);
  }
  return out;
}

bool Journal::grows_beyond(u64 room) const {
  if (written_bytes_ + undo_.size() * ClusterState::entry_overhead_bytes <= room) return false;   // as it nearly always is
  const auto bytes_of = [](const Bytes& key, std::optional<ByteView> value) { return value ? ClusterState::entry_bytes(key.size(), value->size()) : 0; };
  u64 before = 0, after = 0;
  for (const auto& [key, value] : changed_) {
    before += bytes_of(key, base_.get(key));
    after += bytes_of(key, value ? std::optional<ByteView>(*value) : std::nullopt);
  }
  return after > before && after - before > room;
}

Account account_of(const Journal& journal, const AccountId& who) { return journal.read<Account>(key::account(who)).value_or(Account{}); }

void put_account(Journal& journal, const AccountId& who, const Account& account) {
  if (account.free == 0 && account.held == 0) journal.remove(key::account(who));
  else journal.put(key::account(who), scale::encode(account));
}

Balance saturating_multiply(Balance a, Balance b) {
  Balance out;
  return __builtin_mul_overflow(a, b, &out) ? ~Balance{0} : out;
}
Balance saturating_add(Balance a, Balance b) { return a + b < a ? ~Balance{0} : a + b; }

bool hold(Journal& journal, const AccountId& who, Balance amount) {
  if (amount == 0) return true;
  if (amount > spendable(journal, who)) return false;
  Account account = account_of(journal, who);
  account.free -= amount;
  account.held = saturating_add(account.held, amount);
  put_account(journal, who, account);
  return true;
}

Balance code_deposit(const ClusterConfig& config, size_t code_bytes) {
  constexpr size_t info_bytes = 63;
  return saturating_add(saturating_multiply(config.deposit_per_byte, code_bytes + info_bytes), saturating_multiply(config.deposit_per_item, 2));
}

void put_code(Journal& journal, const CodeInfo& info, ByteView wasm) {
  const Hash code_hash = crypto::blake2_256(wasm);
  journal.put(key::code_info(code_hash), scale::encode(info));
  journal.put(key::code(code_hash), to_bytes(wasm));
}

Balance spendable(const Journal& journal, const AccountId& who) {
  const Balance free = account_of(journal, who).free;
  return free > existential_deposit ? free - existential_deposit : 0;
}

Result<void, DispatchError> mint(Journal& journal, const AccountId& who, Balance amount) {
  if (amount == 0) return {};
  Account account = account_of(journal, who);
  if (account.free + amount < account.free) return fail(DispatchError(ArithmeticError::Overflow));
  account.free += amount;
  put_account(journal, who, account);
  return {};
}

Result<void, DispatchError> transfer(Journal& journal, const AccountId& from, const AccountId& to, Balance amount) {
  if (amount == 0) return {};
  Account payer = account_of(journal, from);
  if (amount > payer.free) return fail(DispatchError(TokenError::FundsUnavailable));
  if (payer.free - amount < existential_deposit) return fail(DispatchError(TokenError::NotExpendable));
  if (from == to) return {};
  TRY(mint(journal, to, amount));
  payer.free -= amount;
  put_account(journal, from, payer);
  return {};
}

bool send_value(Journal& journal, const AccountId& from, const AccountId& to, Balance amount) {
  return from == to || transfer(journal, from, to, amount).has_value();
}

}  // namespace phala::engine

#include "phat_tokenomic/phat_tokenomic.hpp"

namespace phala::pallets {

PALLET_OPS(PhatTokenomic);

namespace {
/// Of the system contract's message ContractDeposit::change_deposit(contract, total).
constexpr u8 change_deposit[] = {0xa2, 0x4b, 0xcb, 0x44};
}  // namespace

DispatchResult PhatTokenomic::operator()(const Origin& origin, const AdjustStake& call) {
  const auto who = TRY(origin.signed_by());
  const auto& [contract, amount] = call;
  if (amount != 0 && amount < min_stake.get()) return fail(Error::InvalidAmountOfStake);
  const Balance stake = contract_user_stakes.get(who, contract);
  TRY(move_stake(who, stake, amount));
  const Balance total = contract_total_stakes.get(contract) - stake + amount;
  // none is written as nothing: an entry that says 0 would stay for ever
  amount == 0 ? contract_user_stakes.remove(who, contract) : contract_user_stakes.put(who, contract, amount);
  total == 0 ? contract_total_stakes.remove(contract) : contract_total_stakes.put(contract, total);

  const auto record = phat_.contracts.get(contract);
  const auto cluster = record ? std::optional(record->cluster) : std::nullopt;
  emit(ContractDepositChanged{cluster, contract, total});
  emit(UserStakeChanged{cluster, who, contract, amount});
  if (cluster) tell_cluster(*cluster, contract, total);
  return {};
}

Try<> PhatTokenomic::move_stake(const AccountId& who, Balance from, Balance to) {
  if (to > from) return balances_.transfer(who, pot(), to - from, Preservation::preserve);
  if (to < from) return balances_.transfer(pot(), who, from - to, Preservation::expendable);
  return {};
}

void PhatTokenomic::tell_cluster(const Hash& cluster, const Hash& contract, Balance total) const {
  const auto info = phat_.clusters.get(cluster);
  if (!info) return;
  const protocol::InkCommand command{protocol::InkMessage{{}, concat(change_deposit, scale::encode(contract, total)), 0, ~u64{0}, std::nullopt}};
  outbox_.push({MessageOrigin::pallet(name), protocol::contract_command_topic(info->system_contract),
                scale::encode(protocol::CommandPayload{protocol::PlainCommand{command}})});
}

}  // namespace phala::pallets

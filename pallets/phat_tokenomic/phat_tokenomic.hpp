#pragma once
// Why: stake-to-compute. Whoever wants a contract to get more of its cluster's workers puts PHA behind it. The money stays here and can be taken
// back at any time; the cluster's system contract is told the new total and turns it into weight (driver "ContractDeposit").

#include "phat/phat.hpp"

namespace phala::pallets {

class PhatTokenomic : public Pallet<PhatTokenomic, "PhalaPhatTokenomic", 49> {
 public:
  static constexpr std::string_view crate = "phala_pallets::phat_tokenomic";
  PhatTokenomic(State& s, Balances& balances, const PhatContracts& phat, const Outbox& outbox) : Pallet(s), balances_(balances), phat_(phat), outbox_(outbox) {}

  DoubleMap<"ContractUserStakes", Twox64Concat, AccountId, Twox64Concat, Hash, Balance> contract_user_stakes{state()};
  Map<"ContractTotalStakes", Twox64Concat, Hash, Balance> contract_total_stakes{state()};
  Value<"MinStake", Balance> min_stake{state()};   ///< the smallest stake of one user on one contract, besides none
  PALLET_STORAGE(contract_user_stakes, contract_total_stakes, min_stake)

  /// `amount` is what the caller's stake shall be from now on; 0 takes all of it back. Saying the same again tells the cluster again.
  struct AdjustStake { Hash contract; Balance amount{};  FIELDS(contract, amount) };
  using Call = Enum<At<0, AdjustStake>>;
  DispatchResult operator()(const Origin&, const AdjustStake&);
  static Weight weight(const AdjustStake&) { return weigh(80 * microseconds, 7, 5); }

  /// `deposit`: all stakes on the contract. No cluster: the chain does not know the contract (yet), and nobody is told.
  struct ContractDepositChanged { std::optional<Hash> cluster; Hash contract; Balance deposit{};  FIELDS(cluster, contract, deposit) };
  struct UserStakeChanged { std::optional<Hash> cluster; AccountId account; Hash contract; Balance stake{};  FIELDS(cluster, account, contract, stake) };
  using Event = Enum<At<0, ContractDepositChanged>, At<1, UserStakeChanged>>;
  PALLET_ERRORS(InvalidAmountOfStake)
  PALLET_DECLARE_OPS

  /// Where stakes lie: `modl` ‖ `phat/tok`. Genesis gives it the existential deposit, so that what is left of the stakes is never dust.
  static AccountId pot() { return pallet_account("phat/tok"); }

 private:
  Try<> move_stake(const AccountId& who, Balance from, Balance to);
  /// Orders the system contract of `cluster` to take note; a cluster that is gone hears nothing.
  void tell_cluster(const Hash& cluster, const Hash& contract, Balance total) const;
  Balances& balances_;
  const PhatContracts& phat_;
  const Outbox& outbox_;
};

}  // namespace phala::pallets

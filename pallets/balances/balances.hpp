#pragma once
// Why: the native token. Accounts live in System; this pallet moves balances between them, keeps the total, and lets other
// pallets reserve, lock and hold. Rules of FRAME's balances (polkadot-sdk 1.5 generation): an account exists while its free
// balance is at least the existential deposit, and what is left below is dust, which is burned.

#include "system/system.hpp"

namespace phala::pallets {

/// May an operation end the account it takes from?
enum class Preservation : u8 {
  expendable,   ///< yes
  protect,      ///< it may not lose the deposit that keeps it alive when nothing else does
  preserve,     ///< its free balance stays at or above the existential deposit
};
/// Does an operation respect locks and freezes?
enum class Fortitude : u8 { polite, force };

using LockId = FixedBytes<8, struct LockIdTag>;
constexpr LockId lock_id(std::string_view text) {
  LockId id;
  std::copy_n(text.begin(), std::min<size_t>(text.size(), 8), id.begin());
  return id;
}
enum class LockReasons : u8 { fee, misc, all };
constexpr bool is_valid(LockReasons r) { return r <= LockReasons::all; }
struct BalanceLock { LockId id; Balance amount{}; LockReasons reasons{};  FIELDS(id, amount, reasons) };
struct ReserveData { LockId id; Balance amount{};  FIELDS(id, amount) };
/// Why a pallet holds or freezes funds: the pallet's index and the number of its reason.
struct HoldReason { u8 pallet{}, reason{};  bool operator==(const HoldReason&) const = default; };
struct FreezeReason { u8 pallet{}, reason{};  bool operator==(const FreezeReason&) const = default; };
template <class Id>
struct IdAmount { Id id; Balance amount{};  FIELDS(id, amount) };
enum class BalanceStatus : u8 { free, reserved };
constexpr bool is_valid(BalanceStatus s) { return s <= BalanceStatus::reserved; }

class Balances : public Pallet<Balances, "Balances", 7> {
 public:
  static constexpr std::string_view crate = "pallet_balances";
  static constexpr Balance pha = 1'000'000'000'000, cents = pha / 100;
  static constexpr Balance existential_deposit = cents;
  static constexpr u32 max_locks = 50, max_reserves = 50, max_holds = 5, max_freezes = 3;

  Balances(State& s, System& system) : Pallet(s), system_(system) {}

  Value<"TotalIssuance", Balance> total_issuance{state()};
  Value<"InactiveIssuance", Balance> inactive_issuance{state()};
  Map<"Account", Blake2_128Concat, AccountId, AccountData> account{state()};   ///< unused: accounts live in System
  Map<"Locks", Blake2_128Concat, AccountId, std::vector<BalanceLock>> locks{state()};
  Map<"Reserves", Blake2_128Concat, AccountId, std::vector<ReserveData>> reserves{state()};
  Map<"Holds", Blake2_128Concat, AccountId, std::vector<IdAmount<HoldReason>>> holds{state()};
  Map<"Freezes", Blake2_128Concat, AccountId, std::vector<IdAmount<FreezeReason>>> freezes{state()};
  PALLET_STORAGE(total_issuance, inactive_issuance, account, locks, reserves, holds, freezes)

  struct TransferAllowDeath { MultiAddress dest; Compact<Balance> value;  FIELDS(dest, value) };
  struct ForceTransfer { MultiAddress source, dest; Compact<Balance> value;  FIELDS(source, dest, value) };
  struct TransferKeepAlive { MultiAddress dest; Compact<Balance> value;  FIELDS(dest, value) };
  struct TransferAll { MultiAddress dest; bool keep_alive{};  FIELDS(dest, keep_alive) };
  struct ForceUnreserve { MultiAddress who; Balance amount{};  FIELDS(who, amount) };
  struct UpgradeAccounts { std::vector<AccountId> who;  FIELDS(who) };
  struct ForceSetBalance { MultiAddress who; Compact<Balance> new_free;  FIELDS(who, new_free) };
  using Call = Enum<At<0, TransferAllowDeath>, At<2, ForceTransfer>, At<3, TransferKeepAlive>, At<4, TransferAll>, At<5, ForceUnreserve>,
                    At<6, UpgradeAccounts>, At<8, ForceSetBalance>>;
  DispatchResult operator()(const Origin&, const TransferAllowDeath&);
  DispatchResult operator()(const Origin&, const ForceTransfer&);
  DispatchResult operator()(const Origin&, const TransferKeepAlive&);
  DispatchResult operator()(const Origin&, const TransferAll&);
  DispatchResult operator()(const Origin&, const ForceUnreserve&);
  /// All accounts of this chain follow the present rules from the start, so there is never one to upgrade.
  DispatchResult operator()(const Origin&, const UpgradeAccounts&);
  DispatchResult operator()(const Origin&, const ForceSetBalance&);
  static Weight weight(const TransferAllowDeath&) { return weigh(60 * microseconds, 1, 1); }
  static Weight weight(const ForceTransfer&) { return weigh(60 * microseconds, 2, 2); }
  static Weight weight(const TransferKeepAlive&) { return weigh(50 * microseconds, 1, 1); }
  static Weight weight(const TransferAll&) { return weigh(60 * microseconds, 1, 1); }
  static Weight weight(const ForceUnreserve&) { return weigh(20 * microseconds, 1, 1); }
  static Weight weight(const UpgradeAccounts& c) { return weigh(20 * microseconds, c.who.size(), 0); }
  static Weight weight(const ForceSetBalance&) { return weigh(30 * microseconds, 1, 1); }

  struct Endowed { AccountId account; Balance free_balance{};  FIELDS(account, free_balance) };
  struct DustLost { AccountId account; Balance amount{};  FIELDS(account, amount) };
  struct Transfer { AccountId from, to; Balance amount{};  FIELDS(from, to, amount) };
  struct BalanceSet { AccountId who; Balance free{};  FIELDS(who, free) };
  struct Reserved { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Unreserved { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct ReserveRepatriated { AccountId from, to; Balance amount{}; BalanceStatus destination_status{};  FIELDS(from, to, amount, destination_status) };
  struct Deposit { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Withdraw { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Slashed { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Minted { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Burned { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Suspended { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Restored { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Upgraded { AccountId who;  FIELDS(who) };
  struct Issued { Balance amount{};  FIELDS(amount) };
  struct Rescinded { Balance amount{};  FIELDS(amount) };
  struct Locked { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Unlocked { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Frozen { AccountId who; Balance amount{};  FIELDS(who, amount) };
  struct Thawed { AccountId who; Balance amount{};  FIELDS(who, amount) };
  using Event = Enum<At<0, Endowed>, At<1, DustLost>, At<2, Transfer>, At<3, BalanceSet>, At<4, Reserved>, At<5, Unreserved>, At<6, ReserveRepatriated>,
                     At<7, Deposit>, At<8, Withdraw>, At<9, Slashed>, At<10, Minted>, At<11, Burned>, At<12, Suspended>, At<13, Restored>, At<14, Upgraded>,
                     At<15, Issued>, At<16, Rescinded>, At<17, Locked>, At<18, Unlocked>, At<19, Frozen>, At<20, Thawed>>;
  PALLET_ERRORS(VestingBalance, LiquidityRestrictions, InsufficientBalance, ExistentialDeposit, Expendability, ExistingVestingSchedule, DeadAccount,
                TooManyReserves, TooManyHolds, TooManyFreezes)
  static void constants(Constants&);
  PALLET_DECLARE_OPS

  // ---- what other pallets use. Amounts in pico-PHA. Errors leave half-done work to the caller's layer.
  AccountData data(const AccountId& who) const { return system_.account.get(who).data; }
  Balance free_balance(const AccountId& who) const { return data(who).free; }
  /// What could be taken from the free balance now.
  Balance reducible(const AccountId& who, Preservation, Fortitude) const;
  /// Moves free balance and emits Transfer. Errors: token funds_unavailable, frozen, not_expendable, only_provider, below_minimum.
  Try<> transfer(const AccountId& from, const AccountId& to, Balance amount, Preservation);
  /// Takes free balance out of the account and out of issuance; whoever calls decides where it goes. Emits Withdraw.
  Try<> withdraw(const AccountId& who, Balance amount, Preservation);
  /// New free balance in an account (fees refunded, rewards). Less than the existential deposit for a new account: error below_minimum. Emits Deposit.
  Try<> deposit(const AccountId& who, Balance amount);
  /// Mints with no event but Endowed, for genesis and treasury.
  Try<> endow(const AccountId& who, Balance amount);

  bool can_reserve(const AccountId& who, Balance amount) const;
  Try<> reserve(const AccountId& who, Balance amount);
  /// Returns what could not be unreserved.
  Balance unreserve(const AccountId& who, Balance amount);
  /// Burns up to `amount` of the reserved balance; returns what was missing.
  Balance slash_reserved(const AccountId& who, Balance amount);
  /// Moves up to `amount` of `from`'s reserve to `to`'s free or reserved balance; returns what was missing. Error: `to` is dead.
  Try<Balance> repatriate_reserved(const AccountId& from, const AccountId& to, Balance amount, BalanceStatus);
  Balance reserved_named(const LockId& id, const AccountId& who) const;
  Try<> reserve_named(const LockId& id, const AccountId& who, Balance amount);
  Balance unreserve_named(const LockId& id, const AccountId& who, Balance amount);

  /// Replaces the lock of that id; amount 0 removes it.
  void set_lock(const LockId& id, const AccountId& who, Balance amount, LockReasons);
  /// The larger of the present and the new amount.
  void extend_lock(const LockId& id, const AccountId& who, Balance amount, LockReasons);
  void remove_lock(const LockId& id, const AccountId& who);

  Balance on_hold(HoldReason reason, const AccountId& who) const;
  Try<> hold(HoldReason reason, const AccountId& who, Balance amount);
  /// Gives back up to `amount`; returns what was released.
  Balance release(HoldReason reason, const AccountId& who, Balance amount);

 private:
  struct Change;
  /// Changes the balances of one account and settles its existence: providers, consumers, endowment, dust.
  template <class F>
  Try<> mutate(const AccountId& who, F&& change);
  Try<> settle(const AccountId& who, AccountInfo before, AccountInfo& after);
  Try<> can_withdraw(const AccountId& who, Balance amount, Preservation) const;
  Try<> can_deposit(const AccountId& who, Balance amount, bool minted) const;
  static Balance reducible_of(const AccountInfo& info, Preservation, Fortitude);
  void update_frozen(const AccountId& who);
  System& system_;
};

/// The account a call means. Error: cannot lookup, unless the address is the account itself.
Try<AccountId> lookup(const MultiAddress& address);

}  // namespace phala::pallets

namespace phala::scale {
template <class Id>
struct ReasonCodec {
  static void encode(Bytes& out, const Id& id) { append(out, Bytes{id.pallet, id.reason}); }
  static Result<Id, CodecError> decode(Reader& in) {
    const auto raw = TRY(in.take(2));
    return Id{raw[0], raw[1]};
  }
};
template <> struct Codec<pallets::HoldReason> : ReasonCodec<pallets::HoldReason> {};
template <> struct Codec<pallets::FreezeReason> : ReasonCodec<pallets::FreezeReason> {};
}  // namespace phala::scale

namespace phala::frame {
/// No pallet holds or freezes yet, so these are enums without variants.
template <> struct TypeInfo<pallets::HoldReason> {
  static metadata::Type describe(TypeRegistry&) { return detail::enum_of_names("phala_runtime::RuntimeHoldReason", ""); }
};
template <> struct TypeInfo<pallets::FreezeReason> {
  static metadata::Type describe(TypeRegistry&) { return detail::enum_of_names("phala_runtime::RuntimeFreezeReason", ""); }
};
template <> inline constexpr std::string_view type_path<pallets::BalanceLock> = "pallet_balances::types::BalanceLock";
template <> inline constexpr std::string_view type_path<pallets::LockReasons> = "pallet_balances::types::Reasons";
template <> inline constexpr std::string_view type_path<pallets::ReserveData> = "pallet_balances::types::ReserveData";
template <class Id> inline constexpr std::string_view type_path<pallets::IdAmount<Id>> = "pallet_balances::types::IdAmount";
template <> inline constexpr std::string_view type_path<pallets::BalanceStatus> = "frame_support::traits::tokens::misc::BalanceStatus";
template <> inline constexpr std::string_view enumerators<pallets::LockReasons> = "Fee, Misc, All";
template <> inline constexpr std::string_view enumerators<pallets::BalanceStatus> = "Free, Reserved";
}  // namespace phala::frame

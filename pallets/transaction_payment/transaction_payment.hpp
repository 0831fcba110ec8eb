#pragma once
// Why: whoever uses the chain pays for the time and bytes used. Fee = base + length + multiplier × weight, plus a tip. The
// multiplier follows how full recent blocks were. There is no author pallet while blocks are made by a sealer, so fees and
// tips go to the treasury as a whole.

#include "balances/balances.hpp"

namespace phala::pallets {

/// Fixed point with 18 decimals.
struct Multiplier { u128 bits = 1'000'000'000'000'000'000;  FIELDS(bits) };
enum class Releases : u8 { v1_ancient, v2 };
constexpr bool is_valid(Releases r) { return r <= Releases::v2; }

struct InclusionFee { Balance base_fee{}, len_fee{}, adjusted_weight_fee{};  FIELDS(base_fee, len_fee, adjusted_weight_fee) };
/// `inclusion_fee` is absent when the call is free; the tip travels beside it.
struct FeeDetails { std::optional<InclusionFee> inclusion_fee; Balance tip{};  FIELDS(inclusion_fee, tip)
  Balance total() const;
};

class TransactionPayment : public Pallet<TransactionPayment, "TransactionPayment", 8> {
 public:
  static constexpr std::string_view crate = "pallet_transaction_payment";
  static constexpr u8 operational_fee_multiplier = 5;
  TransactionPayment(State& s, System& system, Balances& balances) : Pallet(s), system_(system), balances_(balances) {}

  Value<"NextFeeMultiplier", Multiplier> next_fee_multiplier{state()};
  Value<"StorageVersion", Releases> storage_version{state()};
  Value<"FeeReceiver", AccountId> fee_receiver{state()};   ///< ours: the treasury's account, from the chain spec
  PALLET_STORAGE(next_fee_multiplier, storage_version, fee_receiver)

  struct TransactionFeePaid { AccountId who; Balance actual_fee{}, tip{};  FIELDS(who, actual_fee, tip) };
  using Event = Enum<At<0, TransactionFeePaid>>;
  static void constants(Constants& c) { c.add("OperationalFeeMultiplier", operational_fee_multiplier); }
  PALLET_DECLARE_OPS

  /// One pico-PHA a picosecond.
  static Balance weight_to_fee(const Weight& weight) { return weight.ref_time; }
  /// One pico-PHA a byte.
  static Balance length_to_fee(u32 bytes) { return bytes; }
  /// Fee of an extrinsic of `bytes`, with its length prefix.
  FeeDetails fee_details(u32 bytes, const DispatchInfo& info, Balance tip) const;
  /// Order in the pool: the tip, for each unit of block space used. Operational calls add their fee times a constant.
  static u64 priority(const DispatchInfo& info, u32 bytes, Balance tip, Balance fee);

  /// Takes fee and tip before the call runs; the signer stays alive. Error: cannot pay.
  Try<Balance> withdraw_fee(const AccountId& who, u32 bytes, const DispatchInfo& info, Balance tip);
  /// Could it be paid?
  bool can_pay(const AccountId& who, Balance fee) const;
  /// After the call: gives back what was not used, passes the rest on.
  void settle_fee(const AccountId& who, Balance withdrawn, u32 bytes, const DispatchInfo& info, const PostInfo& post, Balance tip);
  /// End of block: the multiplier for the next one.
  void end_block();

 private:
  System& system_;
  Balances& balances_;
};

/// The next multiplier (Web3 Foundation's slow adjustment): with d = |used − target| / maximum and v = 1/100000,
/// it changes by the factor v·d + v²·d²/2 upwards, or v·d − v²·d²/2 downwards; never below 1e-9. Target is a quarter of the maximum.
u128 next_multiplier(u128 multiplier, u64 used_ref_time, u64 maximum_ref_time);

}  // namespace phala::pallets

namespace phala::frame {
template <> inline constexpr std::string_view type_path<pallets::Multiplier> = "sp_arithmetic::fixed_point::FixedU128";
template <> inline constexpr bool unnamed_fields<pallets::Multiplier> = true;
template <> inline constexpr std::string_view type_path<pallets::Releases> = "pallet_transaction_payment::Releases";
template <> inline constexpr std::string_view enumerators<pallets::Releases> = "V1Ancient, V2";
template <> inline constexpr std::string_view type_path<pallets::InclusionFee> = "pallet_transaction_payment::types::InclusionFee";
template <> inline constexpr std::string_view type_path<pallets::FeeDetails> = "pallet_transaction_payment::types::FeeDetails";
}  // namespace phala::frame

#include "transaction_payment/transaction_payment.hpp"

namespace phala::pallets {

PALLET_OPS(TransactionPayment);

namespace {
constexpr u128 one = 1'000'000'000'000'000'000;
}

Balance FeeDetails::total() const {
  if (!inclusion_fee) return tip;
  return saturating_add(saturating_add(saturating_add(inclusion_fee->base_fee, inclusion_fee->len_fee), inclusion_fee->adjusted_weight_fee), tip);
}

FeeDetails TransactionPayment::fee_details(u32 bytes, const DispatchInfo& info, Balance tip) const {
  if (info.pays_fee == Pays::no) return {std::nullopt, tip};
  const Weight weight = info.weight.min(max_block_weight);
  const Balance weight_fee = mul_div(next_fee_multiplier.get().bits, weight_to_fee(weight), one);
  return {InclusionFee{weight_to_fee(base_extrinsic_weight), length_to_fee(bytes), weight_fee}, tip};
}

u64 TransactionPayment::priority(const DispatchInfo& info, u32 bytes, Balance tip, Balance fee) {
  const u64 ref_time = std::clamp<u64>(info.weight.ref_time, 1, max_block_weight.ref_time);
  const u64 length = std::clamp<u64>(bytes, 1, block_length.max.of(info.class_));
  const u128 fit_in_block = std::min<u64>(max_block_weight.ref_time / ref_time, block_length.max.of(info.class_) / length);
  u128 priority = 0;
  if (info.class_ != DispatchClass::mandatory) priority = saturating_mul(saturating_add(tip, 1), fit_in_block);
  if (info.class_ == DispatchClass::operational)
    priority = saturating_add(priority, saturating_mul(saturating_mul(fee, operational_fee_multiplier), fit_in_block));
  return static_cast<u64>(std::min<u128>(priority, ~u64{0}));
}

bool TransactionPayment::can_pay(const AccountId& who, Balance fee) const {
  return fee == 0 || fee <= balances_.reducible(who, Preservation::preserve, Fortitude::polite);
}

Try<Balance> TransactionPayment::withdraw_fee(const AccountId& who, u32 bytes, const DispatchInfo& info, Balance tip) {
  const Balance fee = fee_details(bytes, info, tip).total();
  TRY(balances_.withdraw(who, fee, Preservation::preserve));
  return fee;
}

void TransactionPayment::settle_fee(const AccountId& who, Balance withdrawn, u32 bytes, const DispatchInfo& info, const PostInfo& post, Balance tip) {
  DispatchInfo used = info;
  if (post.actual_weight) used.weight = post.actual_weight->min(info.weight);
  if (post.pays == Pays::no) used.pays_fee = Pays::no;
  Balance fee = std::min(fee_details(bytes, used, tip).total(), withdrawn);
  // an account that the call itself has closed cannot take a refund: the fee stays what was withdrawn
  if (const Balance refund = withdrawn - fee; refund != 0 && !balances_.deposit(who, refund)) fee = withdrawn;
  if (fee != 0) {
    // less than the existential deposit into an account that does not exist yet is burned: it was withdrawn from issuance
    static_cast<void>(balances_.deposit(fee_receiver.get(), fee).has_value());
    emit(TransactionFeePaid{who, fee, tip});
  }
}

void TransactionPayment::end_block() {
  const auto used = system_.block_weight.get().normal.ref_time;
  const u128 before = next_fee_multiplier.get().bits;
  next_fee_multiplier.put({next_multiplier(before, std::min(used, max_normal_weight.ref_time), max_normal_weight.ref_time)});
}

u128 next_multiplier(u128 multiplier, u64 used, u64 maximum) {
  constexpr u128 v = one / 100'000, minimum = one / 1'000'000'000;
  const u64 target = maximum / 4;
  const u128 d = mul_div(used > target ? used - target : target - used, one, std::max<u64>(maximum, 1));
  const u128 first = mul_div(v, d, one), second = mul_div(mul_div(v, v, one) / 2, mul_div(d, d, one), one);
  if (used >= target) return std::max(saturating_add(multiplier, mul_div(saturating_add(first, second), multiplier, one)), minimum);
  return std::max(saturating_sub(multiplier, mul_div(saturating_sub(first, second), multiplier, one)), minimum);
}

}  // namespace phala::pallets

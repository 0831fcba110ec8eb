#pragma once
// Why: gas is consensus. One meter per frame, prices in one table, and the rounding that hides from queries what a host
// could learn from exact figures. Prices are frozen per engine version: docs/adr/0004-gas-rules.md, tests/golden/gas.

#include <optional>

#include "base/bytes.hpp"

namespace phala::engine {

/// ref_time, in picoseconds of a nominal machine.
using Gas = u64;

constexpr Gas gas_per_fuel = 8'000;
constexpr Gas gas_per_code_byte = 39'917;
constexpr Gas max_gas_transaction = 2'500'000'000'000;   ///< also of an estimate
constexpr Gas max_gas_query = 50'000'000'000'000;

/// What one host call costs: `base` before anything else, the rest by what it moves.
struct Cost {
  Gas base = 0;
  Gas per_byte = 0;         ///< of its input, or of what it writes
  Gas per_byte_old = 0;     ///< storage: of the value that was there
};

/// docs/adr/0004-gas-rules.md; chain extensions are ours (the original charges them nothing).
namespace cost {
constexpr Gas copy_in = 391, copy_out = 1'052, clone = 1'111;   ///< per byte crossing the border of a frame
constexpr Cost caller{339'309}, is_contract{3'788'924}, code_hash{4'720'110}, own_code_hash{428'765}, caller_is_origin{183'053},
    address{343'762}, gas_left{371'542}, balance{1'656'237}, value_transferred{347'368}, minimum_balance{337'202}, block_number{330'788},
    now{337'860}, weight_to_fee{1'446'663}, input{282'718, copy_out}, seal_return{gas_per_fuel, copy_in}, terminate{126'508'132}, random{2'057'388},
    debug_message{241'240, 731}, set_storage{7'145'641, 547, 558}, clear_storage{6'927'074, 0, 4}, contains_storage{5'548'039, 0, 83},
    get_storage{5'707'060, 1'010}, take_storage{6'895'457, 643}, transfer{38'468'091}, call{248'206'665, copy_in},
    delegate_call{249'943'483, copy_in}, instantiate{388'311'259, 1'963}, sha2_256{400'604, 1'134}, keccak_256{802'363, 3'410},
    blake2_256{480'457, 1'254}, blake2_128{505'330, 1'252}, ecdsa_recover{46'037'637}, ecdsa_to_eth_address{11'949'979},
    sr25519_verify{56'127'492, 6'155}, set_code_hash{27'627'005}, deposit_event{3'808'788, 1'462};
constexpr Gas per_topic = 3'683'455, value_surcharge = 357'425'411, per_salt_byte = 2'060;
/// What the original leaves free or does not have, priced by measurement (ADR 0004).
constexpr Cost nothing{183'053}, reentrance_count{183'053}, instantiation_nonce{330'788}, call_runtime{3'788'924, copy_in}, xcm{3'788'924, copy_in},
    delegate_dependency{27'627'005}, extension{330'788, copy_in}, memory_grow{183'053}, stack_limit{0};
constexpr Gas per_page = 2'048 * gas_per_fuel;   ///< of memory, at the start and when it grows: by measurement, what the first touch of each of its parts takes
}  // namespace cost

/// The gas of one frame. Charging beyond the limit leaves zero: what was left is lost.
class GasMeter {
 public:
  explicit GasMeter(Gas limit) : limit_(limit), left_(limit), lowest_(limit) {}
  Gas limit() const { return limit_; }
  Gas left() const { return left_; }
  Gas consumed() const { return limit_ - left_; }
  /// The largest amount that was ever missing: with this limit the same run would just have passed.
  Gas required() const { return limit_ - std::min(left_, lowest_); }

  /// False: out of gas, nothing left.
  [[nodiscard]] bool charge(Gas amount) {
    if (amount > left_) {
      left_ = 0;
      lowest_ = 0;
      return false;
    }
    left_ -= amount;
    return true;
  }
  /// Gives back part of a charge that was made for the worst case; `required` remembers the worst case.
  void refund(Gas amount) {
    lowest_ = std::min(lowest_, left_);
    left_ += amount;
  }
  /// Cuts a meter of `amount` (0: everything) off this one. Nothing: more than is left.
  std::optional<GasMeter> nested(Gas amount) {
    if (amount > left_) return {};
    GasMeter out(amount == 0 ? left_ : amount);
    out.asked_for_ = amount != 0;
    left_ -= out.limit_;
    return out;
  }
  /// Takes back what the nested run did not use.
  void absorb(const GasMeter& nested) {
    // with whatever there was given away, the nested run's low is ours; a part that was asked for must have been there
    lowest_ = std::min(lowest_, nested.asked_for_ ? left_ : std::min(nested.lowest_, nested.left_));
    left_ += nested.left_;
  }

 private:
  Gas limit_, left_, lowest_;
  bool asked_for_ = false;   ///< a nested meter of an amount that somebody named
};

/// Sets the low bits, so that a figure says little more than its magnitude: never less than `value`.
/// p = clamp(bits(value) − 9, min_bits, max_bits), result = value | (2^p − 1).
u128 mask_low_bits(u128 value, unsigned min_bits, unsigned max_bits);
inline Gas mask_gas(Gas value) { return static_cast<Gas>(mask_low_bits(value, 28, 63)); }
/// `min_bits` = bits(per_byte · 256 − 1)
u128 mask_deposit(u128 value, u128 deposit_per_byte);

}  // namespace phala::engine

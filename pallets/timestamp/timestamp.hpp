#pragma once
// Why: the chain's one clock. It is set once a block by whoever makes the block and decides everything that depends on time.

#include "frame/limits.hpp"
#include "frame/pallet.hpp"

namespace phala::pallets {

using namespace frame;

class Timestamp : public Pallet<Timestamp, "Timestamp", 4> {
 public:
  static constexpr std::string_view crate = "pallet_timestamp";
  explicit Timestamp(State& s) : Pallet(s) {}

  Value<"Now", Moment> now{state()};
  Value<"DidUpdate", bool> did_update{state()};   ///< within a block only
  PALLET_STORAGE(now, did_update)

  /// An inherent: once a block, and always later than the last. How much later is the consensus engine's affair.
  struct Set { Compact<Moment> now;  FIELDS(now) };
  using Call = Enum<At<0, Set>>;
  DispatchResult operator()(const Origin&, const Set&);
  static Weight weight(const Set&) { return weigh(4 * microseconds, 2, 2); }
  static DispatchClass class_of(const Set&) { return DispatchClass::mandatory; }

  PALLET_ERRORS(AlreadySet, NotLater)
  /// Half of the target block time, from which wallets derive how long a transaction shall live.
  static constexpr Moment minimum_period_ms = 1500;
  static void constants(Constants& c) { c.add("MinimumPeriod", minimum_period_ms); }
  PALLET_DECLARE_OPS

  Moment now_s() const { return now.get() / 1000; }
  /// False when the block has no timestamp.
  bool end_block() const { return did_update.take(); }
};

}  // namespace phala::pallets

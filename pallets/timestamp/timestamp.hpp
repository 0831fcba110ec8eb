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

  /// An inherent: once a block, and always later than the last, unless time has come to the end of its type. How much later is the consensus
  /// engine's affair.
  struct Set { Compact<Moment> now;  FIELDS(now) };
  using Call = Enum<At<0, Set>>;
  DispatchResult operator()(const Origin&, const Set&);
  static Weight weight(const Set&) { return weigh(4 * microseconds, 2, 2); }
  static DispatchClass class_of(const Set&) { return DispatchClass::mandatory; }

  PALLET_ERRORS(AlreadySet, NotLater)
  /// Block time of the network. A chain spec may want another (development chains do); metadata, being the runtime's, tells this one.
  static constexpr Moment slot_duration_ms = 3000;
  /// Half of it, from which wallets derive how long a transaction shall live.
  static constexpr Moment minimum_period_ms = slot_duration_ms / 2;
  static void constants(Constants& c) { c.add("MinimumPeriod", minimum_period_ms); }
  PALLET_DECLARE_OPS

  Moment now_s() const { return now.get() / 1000; }
  /// The time for a block that is made when a clock shows `clock_ms`. Clocks of machines may step back or be nonsense; the chain's moves forward,
  /// and leaves room to do so (until the year 9999).
  Moment next(Moment clock_ms) const {
    constexpr Moment last = 253'402'300'799'999;
    const Moment before = now.get();
    return std::max(std::min(clock_ms, last), before == ~Moment{0} ? before : before + 1);
  }
  /// Forgets that the time was set; called at both ends of a block, because root may write anything in between.
  void reset() const { did_update.kill(); }
};

}  // namespace phala::pallets

#pragma once
// Why: several calls in one extrinsic, together or each for itself, and calls in the name of one's derived accounts.

#include "system/system.hpp"

namespace phala::pallets {

class Utility : public Pallet<Utility, "Utility", 2> {
 public:
  static constexpr std::string_view crate = "pallet_utility";
  static constexpr u32 batched_calls_limit = 10'922;
  Utility(State& s, const Dispatcher& dispatcher) : Pallet(s), dispatcher_(dispatcher) {}

  /// Stops at the first failure; what succeeded before stays.
  struct Batch { std::vector<RuntimeCall> calls;  FIELDS(calls) };
  struct AsDerivative { u16 index{}; RuntimeCall call;  FIELDS(index, call) };
  /// All or nothing.
  struct BatchAll { std::vector<RuntimeCall> calls;  FIELDS(calls) };
  struct DispatchAs { OriginCaller as_origin; RuntimeCall call;  FIELDS(as_origin, call) };
  /// Goes on after failures.
  struct ForceBatch { std::vector<RuntimeCall> calls;  FIELDS(calls) };
  /// Root only: the caller says what the call weighs.
  struct WithWeight { RuntimeCall call; Weight weight;  FIELDS(call, weight) };
  using Call = Enum<At<0, Batch>, At<1, AsDerivative>, At<2, BatchAll>, At<3, DispatchAs>, At<4, ForceBatch>, At<5, WithWeight>>;
  DispatchResult operator()(const Origin&, const Batch&);
  DispatchResult operator()(const Origin&, const AsDerivative&);
  DispatchResult operator()(const Origin&, const BatchAll&);
  DispatchResult operator()(const Origin&, const DispatchAs&);
  DispatchResult operator()(const Origin&, const ForceBatch&);
  DispatchResult operator()(const Origin&, const WithWeight&);
  static Weight weight(const Batch& c) { return sum(c.calls).weight; }
  static Weight weight(const AsDerivative& c);
  static Weight weight(const BatchAll& c) { return sum(c.calls).weight; }
  static Weight weight(const DispatchAs& c) { return c.call.info().weight + Weight{10 * microseconds, 0}; }
  static Weight weight(const ForceBatch& c) { return sum(c.calls).weight; }
  static Weight weight(const WithWeight& c) { return c.weight; }
  static DispatchClass class_of(const Batch& c) { return sum(c.calls).class_; }
  static DispatchClass class_of(const AsDerivative& c) { return c.call.info().class_; }
  static DispatchClass class_of(const BatchAll& c) { return sum(c.calls).class_; }
  static DispatchClass class_of(const DispatchAs& c) { return c.call.info().class_; }
  static DispatchClass class_of(const ForceBatch& c) { return sum(c.calls).class_; }
  static DispatchClass class_of(const WithWeight& c) { return c.call.info().class_; }

  struct BatchInterrupted { u32 index{}; DispatchError error;  FIELDS(index, error) };
  struct BatchCompleted { FIELDS() };
  struct BatchCompletedWithErrors { FIELDS() };
  struct ItemCompleted { FIELDS() };
  struct ItemFailed { DispatchError error;  FIELDS(error) };
  struct DispatchedAs { Result<void, DispatchError> result;  FIELDS(result) };
  using Event = Enum<At<0, BatchInterrupted>, At<1, BatchCompleted>, At<2, BatchCompletedWithErrors>, At<3, ItemCompleted>, At<4, ItemFailed>, At<5, DispatchedAs>>;
  PALLET_ERRORS(TooManyCalls)
  static void constants(Constants& c) { c.add("batched_calls_limit", batched_calls_limit); }
  PALLET_DECLARE_OPS

  /// The account that `index` means for `who`: blake2_256("modlpy/utilisuba" ‖ who ‖ index).
  static AccountId derivative(const AccountId& who, u16 index);

 private:
  /// Weights add up; operational only if all calls are.
  static DispatchInfo sum(const std::vector<RuntimeCall>& calls);
  static Try<> check_batch(const Origin& origin, const std::vector<RuntimeCall>& calls);
  const Dispatcher& dispatcher_;
};

}  // namespace phala::pallets

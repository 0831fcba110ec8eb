#pragma once
// Why: until a chain governs itself, one key may act as root. `remove_key` ends that for good.

#include "balances/balances.hpp"

namespace phala::pallets {

class Sudo : public Pallet<Sudo, "Sudo", 22> {
 public:
  static constexpr std::string_view crate = "pallet_sudo";
  Sudo(State& s, const Dispatcher& dispatcher) : Pallet(s), dispatcher_(dispatcher) {}

  Value<"Key", Opt<AccountId>> key{state()};
  PALLET_STORAGE(key)

  /// The inner result is in the event only; the call itself succeeds and is free.
  struct Sudo_ { RuntimeCall call;  FIELDS(call) };
  struct SudoUncheckedWeight { RuntimeCall call; Weight weight;  FIELDS(call, weight) };
  struct SetKey { MultiAddress new_;  FIELDS(new_) };
  struct SudoAs { MultiAddress who; RuntimeCall call;  FIELDS(who, call) };
  struct RemoveKey { FIELDS() };
  using Call = Enum<At<0, Sudo_>, At<1, SudoUncheckedWeight>, At<2, SetKey>, At<3, SudoAs>, At<4, RemoveKey>>;
  DispatchResult operator()(const Origin&, const Sudo_&);
  DispatchResult operator()(const Origin&, const SudoUncheckedWeight&);
  DispatchResult operator()(const Origin&, const SetKey&);
  DispatchResult operator()(const Origin&, const SudoAs&);
  DispatchResult operator()(const Origin&, const RemoveKey&);
  static Weight weight(const Sudo_& c) { return c.call.info().weight + weigh(10 * microseconds, 1, 0); }
  static Weight weight(const SudoUncheckedWeight& c) { return c.weight; }
  static Weight weight(const SetKey&) { return weigh(10 * microseconds, 1, 1); }
  static Weight weight(const SudoAs& c) { return c.call.info().weight + weigh(10 * microseconds, 1, 0); }
  static Weight weight(const RemoveKey&) { return weigh(10 * microseconds, 1, 1); }
  static DispatchClass class_of(const Sudo_& c) { return c.call.info().class_; }
  static DispatchClass class_of(const SudoUncheckedWeight& c) { return c.call.info().class_; }
  static DispatchClass class_of(const SudoAs& c) { return c.call.info().class_; }

  struct Sudid { Result<void, DispatchError> sudo_result;  FIELDS(sudo_result) };
  struct KeyChanged { std::optional<AccountId> old; AccountId new_;  FIELDS(old, new_) };
  struct KeyRemoved { FIELDS() };
  struct SudoAsDone { Result<void, DispatchError> sudo_result;  FIELDS(sudo_result) };
  using Event = Enum<At<0, Sudid>, At<1, KeyChanged>, At<2, KeyRemoved>, At<3, SudoAsDone>>;
  PALLET_ERRORS(RequireSudo)
  PALLET_DECLARE_OPS

 private:
  /// Error: anyone but the key, or root.
  Try<> ensure_sudo(const Origin& origin) const;
  DispatchResult as_root(const RuntimeCall& call);
  const Dispatcher& dispatcher_;
};

}  // namespace phala::pallets

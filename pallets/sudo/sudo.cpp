#include "sudo/sudo.hpp"

namespace phala::pallets {

PALLET_OPS(Sudo);

namespace {
Try<> outcome(const DispatchResult& result) { return result ? Try<>{} : Try<>(fail(result.error())); }
}  // namespace

Try<> Sudo::ensure_sudo(const Origin& origin) const {
  if (origin.is_root()) return {};
  if (TRY(origin.signed_by()) != key.get()) return fail(Error::RequireSudo);
  return {};
}

DispatchResult Sudo::as_root(const RuntimeCall& call) {
  emit(Sudid{outcome(dispatcher_.dispatch(Origin::root(), call))});
  return PostInfo{std::nullopt, Pays::no};
}

DispatchResult Sudo::operator()(const Origin& origin, const Sudo_& call) {
  TRY(ensure_sudo(origin));
  return as_root(call.call);
}

DispatchResult Sudo::operator()(const Origin& origin, const SudoUncheckedWeight& call) {
  TRY(ensure_sudo(origin));
  return as_root(call.call);
}

DispatchResult Sudo::operator()(const Origin& origin, const SetKey& call) {
  TRY(ensure_sudo(origin));
  const auto next = TRY(lookup(call.new_));
  const auto old = key.get();
  key.put(next);
  emit(KeyChanged{old, next});
  return PostInfo{std::nullopt, Pays::no};
}

DispatchResult Sudo::operator()(const Origin& origin, const SudoAs& call) {
  TRY(ensure_sudo(origin));
  const auto who = TRY(lookup(call.who));
  emit(SudoAsDone{outcome(dispatcher_.dispatch(Origin::signed_as(who), call.call))});
  return PostInfo{std::nullopt, Pays::no};
}

DispatchResult Sudo::operator()(const Origin& origin, const RemoveKey&) {
  TRY(ensure_sudo(origin));
  key.kill();
  emit(KeyRemoved{});
  return PostInfo{std::nullopt, Pays::no};
}

}  // namespace phala::pallets

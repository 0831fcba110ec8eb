#include "utility/utility.hpp"

namespace phala::pallets {

PALLET_OPS(Utility);

namespace {
constexpr Weight batch_overhead{8 * microseconds, 0}, item_overhead{6 * microseconds, 0}, derivative_overhead{5 * microseconds, 0};

Weight used_weight(const RuntimeCall& call, const DispatchResult& result) {
  const Weight declared = call.info().weight;
  return result && result->actual_weight ? result->actual_weight->min(declared) : declared;
}
}  // namespace

DispatchInfo Utility::sum(const std::vector<RuntimeCall>& calls) {
  DispatchInfo out{batch_overhead, calls.empty() ? DispatchClass::normal : DispatchClass::operational, Pays::yes};
  for (const auto& call : calls) {
    const auto info = call.info();
    out.weight += info.weight + item_overhead;
    if (info.class_ != DispatchClass::operational) out.class_ = DispatchClass::normal;
  }
  return out;
}

Try<> Utility::check_batch(const Origin& origin, const std::vector<RuntimeCall>& calls) {
  if (!origin.is_root()) TRY(origin.signed_by());
  if (calls.size() > batched_calls_limit) return fail(Error::TooManyCalls);
  return {};
}

DispatchResult Utility::operator()(const Origin& origin, const Batch& call) {
  TRY(check_batch(origin, call.calls));
  Weight used = batch_overhead;
  for (u32 i = 0; i < call.calls.size(); ++i) {
    const auto result = dispatcher_.dispatch(origin, call.calls[i]);
    used += used_weight(call.calls[i], result) + item_overhead;
    if (!result) {
      emit(BatchInterrupted{i, result.error()});
      return PostInfo{used};
    }
    emit(ItemCompleted{});
  }
  emit(BatchCompleted{});
  return PostInfo{used};
}

DispatchResult Utility::operator()(const Origin& origin, const AsDerivative& call) {
  const auto who = TRY(origin.signed_by());
  auto post = TRY(dispatcher_.dispatch(Origin::signed_as(derivative(who, call.index)), call.call));
  if (post.actual_weight) *post.actual_weight += derivative_overhead;
  return post;
}

Weight Utility::weight(const AsDerivative& c) { return c.call.info().weight + derivative_overhead; }

DispatchResult Utility::operator()(const Origin& origin, const BatchAll& call) {
  TRY(check_batch(origin, call.calls));
  Weight used = batch_overhead;
  for (const auto& item : call.calls) {
    // one level of all-or-nothing is enough; deeper ones only multiply the work of undoing
    const auto* inner = item.get_if<Utility>();
    if (inner && inner->is<BatchAll>() && !origin.is_root()) return fail(System::Error::CallFiltered);
    const auto result = dispatcher_.dispatch(origin, item);
    if (!result) return fail(result.error());
    used += used_weight(item, result) + item_overhead;
    emit(ItemCompleted{});
  }
  emit(BatchCompleted{});
  return PostInfo{used};
}

DispatchResult Utility::operator()(const Origin& origin, const DispatchAs& call) {
  TRY(origin.ensure_root());
  const auto result = dispatcher_.dispatch(Origin(call.as_origin), call.call);
  emit(DispatchedAs{result ? Try<>{} : Try<>(fail(result.error()))});
  return {};
}

DispatchResult Utility::operator()(const Origin& origin, const ForceBatch& call) {
  TRY(check_batch(origin, call.calls));
  Weight used = batch_overhead;
  bool failed = false;
  for (const auto& item : call.calls) {
    const auto result = dispatcher_.dispatch(origin, item);
    used += used_weight(item, result) + item_overhead;
    failed |= !result;
    if (result) emit(ItemCompleted{});
    else emit(ItemFailed{result.error()});
  }
  if (failed) emit(BatchCompletedWithErrors{});
  else emit(BatchCompleted{});
  return PostInfo{used};
}

DispatchResult Utility::operator()(const Origin& origin, const WithWeight& call) {
  TRY(origin.ensure_root());
  const auto result = dispatcher_.dispatch(origin, call.call);
  if (!result) return fail(result.error());
  return {};
}

AccountId Utility::derivative(const AccountId& who, u16 index) {
  return crypto::blake2_256(concat(as_bytes("modlpy/utilisuba"), who, scale::encode(index))).as<AccountId>();
}

}  // namespace phala::pallets

#include "timestamp/timestamp.hpp"

namespace phala::pallets {

PALLET_OPS(Timestamp);

DispatchResult Timestamp::operator()(const Origin& origin, const Set& call) {
  TRY(origin.ensure_none());
  if (did_update.get()) return fail(Error::AlreadySet);
  const Moment before = now.get();
  if (call.now <= before && before != ~Moment{0}) return fail(Error::NotLater);
  now.put(call.now);
  did_update.put(true);
  return {};
}

}  // namespace phala::pallets

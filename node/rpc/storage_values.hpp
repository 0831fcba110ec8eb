#pragma once
// Why: tests write storage by names ({System: {Account: [[[address], {data: {free: 1}}]]}}) or by raw keys, as chopsticks lets them. Names and types are
// those of the metadata.

#include <nlohmann/json_fwd.hpp>

#include "primitives/state.hpp"

namespace phala::rpc {

/// What `dev_setStorage` is to write.
struct StorageValues {
  StateDiff values;                     ///< nothing: delete
  std::vector<Bytes> removed_prefixes;  ///< everything under them goes first
};

/// From a list of [key, value or null] in hex, or from an object {Pallet: {Item: value}} and {Pallet: {Map: [[[key, …], value], …], "$removePrefix": [Item, …]}}.
/// Null deletes; members of a struct that are not given are zero. Errors (invalid_input) name the place.
Result<StorageValues> storage_values(const nlohmann::json& in);

}  // namespace phala::rpc

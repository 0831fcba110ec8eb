#pragma once
// Why: a contract may name a call of the cluster's runtime (call_runtime). None is let through, but bytes that are no call at all end
// the contract, so what a call looks like must be known.

#include "base/bytes.hpp"

namespace phala::engine {

/// Whether `bytes` are the SCALE encoding of a call of the cluster's runtime (pallets as in pallet_index, Timestamp at 1).
bool is_runtime_call(ByteView bytes);

}  // namespace phala::engine

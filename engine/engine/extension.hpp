#pragma once
// Why: what Phala adds to contracts (docs/protocol.md §15): HTTP, keys, cache, randomness. One table: id, name, price, function;
// arguments and answers are SCALE, read and written from the function's type.

#include "engine/effects.hpp"
#include "engine/gas.hpp"
#include "engine/run.hpp"

namespace phala::engine {

/// What one function answers: a status (0 unless it has codes of its own) and bytes.
struct ExtensionAnswer { u32 status = 0; Bytes output; };

struct ExtensionFn {
  u16 id;
  std::string_view name;
  Gas price;   ///< on top of that of call_chain_extension and of the bytes in and out
  Hosted<ExtensionAnswer> (*call)(Frame& frame, ByteView input);
};
std::span<const ExtensionFn> extension_functions();

}  // namespace phala::engine

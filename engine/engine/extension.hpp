#pragma once
// Why: what Phala adds to contracts (docs/protocol.md §15): HTTP, keys, cache, randomness. One table says all there is to say of a
// function: id, name, price, who may call it, and what it is in a query and outside of one. Arguments and answers are SCALE, read and
// written from the function's type.

#include "engine/effects.hpp"
#include "engine/gas.hpp"
#include "engine/run.hpp"

namespace phala::engine {

/// What one function answers: a status (0 unless it has codes of its own) and bytes.
struct ExtensionAnswer { u32 status = 0; Bytes output; };

/// Who may call a function; others end as BadOrigin.
enum class Callers : u8 { everyone, system_contract };
/// What becomes of a function in transactions and estimates, which come out the same on every worker.
enum class OutsideQueries : u8 {
  same,      ///< what it is in a query
  partly,    ///< except for what cannot be repeated, or tells which it is
  nothing,   ///< answers zero, empty, none
  refusal,   ///< answers that it is not there
  event,     ///< becomes an event, which counts when the transaction does
};

struct ExtensionFn {
  using Call = Hosted<ExtensionAnswer> (*)(Frame& frame, ByteView input);
  u16 id;
  std::string_view name;
  Gas price;   ///< on top of that of call_chain_extension and of the bytes in and out
  Callers callers;
  OutsideQueries outside;
  Call in_query, in_transaction;
  RuntimeVersion since = all_rules.front().version;   ///< clusters of an older version do not have it
};
/// All of them, by id: for the dispatch, the documentation and the tests.
std::span<const ExtensionFn> extension_functions();

}  // namespace phala::engine

#pragma once
// Why: contract code comes from anybody. It is checked against the shape, limits and feature rules of the contract ABI
// once, at upload, and rewritten into the form that runs: its imported memory becomes its own (so that instances come
// from a pool), memory growth is metered, and a stack counter is injected that always strikes before the native limit,
// whose depth would depend on compiler options. Rules and prices: docs/adr/0004-gas-rules.md. Implemented in rust/src/wasm.rs.

#include "base/bytes.hpp"
#include "scale/codec.hpp"

namespace phala::engine {

/// Whether the code may use floats: relaxed code can only be delegate-called, in queries.
enum class Determinism : u8 { enforced = 0, relaxed = 1 };
constexpr bool is_valid(Determinism d) { return d <= Determinism::relaxed; }

/// Limits of docs/protocol.md §11, and what keeps compile time and native stack frames bounded.
struct ModuleLimits {
  u32 code_bytes = 2 * 1024 * 1024;
  u32 memory_pages = 64;               ///< 4 MiB; a module that declares no maximum gets this one
  u64 weighted_bytes = 8 * 1024 * 1024;   ///< 16 · instructions + bytes of data segments
  u32 table_elements = 16 * 1024;
  u32 locals_per_function = 2048;      ///< parameters included
  u64 local_branches = 8'000'000;      ///< Σ over functions of locals · branches: bounds the compiler's own work
  u64 operand_instructions = 64'000'000;   ///< Σ over functions of most operands held at once · instructions: the same
  u64 local_loops = 500'000;           ///< Σ over functions of locals · loops: the same
  u64 loops_squared = 16'777'216;      ///< Σ over functions of loops²: the same
  u64 compile_work = 1'048'576;        ///< Σ of what each instruction takes to compile: 1, up to 24 for a call through a table
  u32 stack_units = 1024 * 1024;       ///< budget of the stack counter, see docs/adr/0004-gas-rules.md
};

struct CheckedCode {
  Hash hash;             ///< BLAKE2b-256 of the original bytes: the code hash of the chain
  Bytes rewritten;       ///< what is compiled
  Determinism determinism = Determinism::enforced;
  u32 code_bytes = 0;    ///< of the original: what loading it is charged for
};

/// Checks `wasm` and gives the form that runs. Error `invalid_input`: names the rule that is broken, the instruction, function, import or
/// export that breaks it, and its byte offset in `wasm`; no offset where something is missing or the whole is too large.
Result<CheckedCode> check_and_rewrite(ByteView wasm, Determinism determinism, const ModuleLimits& limits = {});

/// Of everything that decides what becomes of code before it is compiled: images of compiled code are kept under names that have it.
Hash code_fingerprint();

}  // namespace phala::engine

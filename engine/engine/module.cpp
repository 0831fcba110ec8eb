#include "engine/module.hpp"

#include "crypto/hash.hpp"
#include "phala_wasm.h"

namespace phala::engine {

Hash code_fingerprint() {
  const ModuleLimits l;
  return crypto::blake2_256(scale::encode(phala_wasm_number(), l.code_bytes, l.memory_pages, l.weighted_bytes, l.table_elements, l.locals_per_function, l.local_branches,
                                          l.operand_instructions, l.local_loops, l.loops_squared, l.compile_work, l.stack_units));
}

Result<CheckedCode> check_and_rewrite(ByteView wasm, Determinism determinism, const ModuleLimits& limits) {
  const PhalaWasmLimits raw{
      .code_bytes = limits.code_bytes,
      .memory_pages = limits.memory_pages,
      .weighted_bytes = limits.weighted_bytes,
      .table_elements = limits.table_elements,
      .locals_per_function = limits.locals_per_function,
      .local_branches = limits.local_branches,
      .operand_instructions = limits.operand_instructions,
      .local_loops = limits.local_loops,
      .loops_squared = limits.loops_squared,
      .compile_work = limits.compile_work,
      .stack_units = limits.stack_units,
  };
  PhalaWasmBytes out{};
  const bool floats = determinism == Determinism::relaxed;
  const bool ok = phala_wasm_check_and_rewrite(wasm.data(), wasm.size(), floats, &raw, &out);
  Bytes bytes(out.data, out.data + out.len);
  phala_wasm_free(out);
  if (!ok) {
    const bool about_floats = !floats && as_text(bytes).find("floating-point") != std::string_view::npos;
    return fail(ErrorCode::invalid_input, "contract code: " + std::string(as_text(bytes)),
                about_floats ? "build without floats, or upload it as non-deterministic code for queries" : "");
  }
  return CheckedCode{crypto::blake2_256(wasm), std::move(bytes), determinism, static_cast<u32>(wasm.size())};
}

}  // namespace phala::engine

/* Why: the check of contract code, in C. Called by engine/module.cpp only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Same order and meaning as ModuleLimits of the engine. */
typedef struct {
  uint32_t code_bytes;
  uint32_t memory_pages;
  uint64_t weighted_bytes;
  uint32_t table_elements;
  uint32_t locals_per_function;
  uint64_t local_branches;
  uint64_t operand_instructions;
  uint64_t local_loops;
  uint64_t loops_squared;
  uint64_t compile_work;
  uint32_t stack_units;
} PhalaWasmLimits;

typedef struct {
  uint8_t* data;
  size_t len;
} PhalaWasmBytes;

/* True: `out` is the rewritten module; false: `out` is the reason, UTF-8. Either way `out` goes to phala_wasm_free. */
bool phala_wasm_check_and_rewrite(const uint8_t* wasm, size_t len, bool floats, const PhalaWasmLimits* limits, PhalaWasmBytes* out);
void phala_wasm_free(PhalaWasmBytes bytes);
/* Of this build's rewriting: another number, other modules from the same code. */
uint64_t phala_wasm_number(void);
/* What wasmtime compiles by `config` (of wasm_config_new) keeps no record of which wasm instruction became what, and a trap says only why. */
struct wasm_config_t;
void phala_wasm_config_no_backtraces(struct wasm_config_t* config);

#ifdef __cplusplus
}
#endif

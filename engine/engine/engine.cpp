#include "engine/engine.hpp"

#include <sys/mman.h>

#include "crypto/hash.hpp"
#include "engine/inside.hpp"
#include "phala_wasm.h"

namespace phala::engine {

namespace {

constexpr u64 page_bytes = 64 * 1024;

/// Everything that decides what code means or costs is fixed here, the instruction set included: native frames, and so the
/// backstop behind the stack counter, must not depend on the processor a worker happens to have.
Result<wasm_config_t*> wasm_config(RunKind kind, u32 concurrent_runs) {
  const ModuleLimits limits;
  wasm_config_t* c = wasm_config_new();
#if defined(__x86_64__)
  if (auto* error = wasmtime_config_target_set(c, "x86_64-unknown-linux-gnu")) {
    wasm_config_delete(c);
    return fail(ErrorCode::internal, "wasmtime: " + take_message(error));
  }
#endif
  wasmtime_config_strategy_set(c, WASMTIME_STRATEGY_CRANELIFT);
  // Contract compilers have optimised already. Measured: as fast as WASMTIME_OPT_LEVEL_SPEED, compiled in two thirds of the
  // time; and no value is hoisted or shared, so that a native frame stays in proportion to locals and operands.
  wasmtime_config_cranelift_opt_level_set(c, WASMTIME_OPT_LEVEL_NONE);
  wasmtime_config_consume_fuel_set(c, true);
  wasmtime_config_epoch_interruption_set(c, kind == RunKind::query);
  phala_wasm_config_no_backtraces(c);
  wasmtime_config_max_wasm_stack_set(c, native_stack_per_frame);
  wasmtime_config_wasm_relaxed_simd_set(c, false);
  wasmtime_config_wasm_simd_set(c, false);
  wasmtime_config_wasm_tail_call_set(c, false);
  wasmtime_config_wasm_multi_value_set(c, false);
  wasmtime_config_wasm_multi_memory_set(c, false);
  wasmtime_config_wasm_memory64_set(c, false);
  wasmtime_config_native_unwind_info_set(c, false);
  // 4 MiB a memory and nothing around it: bounds are checked in code, no signal handlers, a 2 GiB address space suffices
  wasmtime_config_signals_based_traps_set(c, false);
  wasmtime_config_memory_reservation_set(c, limits.memory_pages * page_bytes);
  wasmtime_config_memory_guard_size_set(c, 0);
  wasmtime_config_memory_reservation_for_growth_set(c, 0);
  wasmtime_config_memory_may_move_set(c, false);

  const u32 instances = concurrent_runs * static_cast<u32>(max_frames);
  auto* pool = wasmtime_pooling_allocation_config_new();
  wasmtime_pooling_allocation_config_total_core_instances_set(pool, instances);
  wasmtime_pooling_allocation_config_total_memories_set(pool, instances);
  wasmtime_pooling_allocation_config_total_tables_set(pool, instances);
  wasmtime_pooling_allocation_config_total_component_instances_set(pool, 0);
  wasmtime_pooling_allocation_config_max_memory_size_set(pool, limits.memory_pages * page_bytes);
  wasmtime_pooling_allocation_config_table_elements_set(pool, limits.table_elements);
  wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, 4 << 20);
  wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, 256 << 10);   // without: 1.5 times the time of a small call
  wasmtime_pooling_allocation_config_table_keep_resident_set(pool, 16 << 10);
  wasmtime_pooling_allocation_strategy_set(c, pool);
  wasmtime_pooling_allocation_config_delete(pool);
  return c;
}

/// wasmtime's C API aborts the process when its pool does not fit. Whether it will fit can be asked first.
bool address_space_suffices(u32 concurrent_runs) {
  const ModuleLimits limits;
  const size_t per_instance = limits.memory_pages * page_bytes + limits.table_elements * sizeof(void*);
  constexpr size_t for_wasmtime_itself = 64u << 20;
  const size_t bytes = concurrent_runs * max_frames * per_instance + for_wasmtime_itself;
  void* probe = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (probe == MAP_FAILED) return false;
  munmap(probe, bytes);
  return true;
}

}  // namespace

Result<std::unique_ptr<Wasmtime>> Wasmtime::create(RunKind kind, u32 concurrent_runs, const EngineConfig& config) {
  if (!address_space_suffices(concurrent_runs))
    return fail(ErrorCode::unavailable, "wasmtime could not reserve its memory pool", "raise the limit of the address space, or lower engine concurrent_runs");
  std::unique_ptr<Wasmtime> made(new Wasmtime);
  made->wasm_ = wasm_engine_new_with_config(TRY(wasm_config(kind, concurrent_runs)));
  made->linker_ = wasmtime_linker_new(made->wasm_);
  if (auto* error = define_host_functions(made->linker_)) return fail(ErrorCode::internal, "host functions: " + take_message(error));
  const Hash fingerprint = crypto::blake2_256(concat(code_fingerprint(), Bytes{static_cast<u8>(kind)}));
  made->modules_.emplace(made->wasm_, made->linker_, fingerprint, config.module_cache_bytes / 2, config.images);
  return made;
}

Wasmtime::~Wasmtime() {
  modules_.reset();
  if (linker_) wasmtime_linker_delete(linker_);
  if (wasm_) wasm_engine_delete(wasm_);
}

Result<std::unique_ptr<Engine::Inside>> Engine::Inside::create(const EngineConfig& config) {
  if (config.concurrent_runs == 0 || config.concurrent_runs > max_concurrent_runs)
    return fail(ErrorCode::invalid_input, "engine concurrent_runs is " + std::to_string(config.concurrent_runs), "use 1 to " + std::to_string(max_concurrent_runs));
  std::unique_ptr<Inside> inside(new Inside);
  inside->config_ = config;
  inside->for_transactions_ = TRY(Wasmtime::create(RunKind::transaction, 1, config));
  inside->for_queries_ = TRY(Wasmtime::create(RunKind::query, inside->queries_at_once(), config));
  return inside;
}

Result<> Engine::Inside::prepare(const Hash& code_hash, const ModuleCache::Source& source) {
  TRY(for_transactions_->modules().obtain(code_hash, source));
  TRY(for_queries_->modules().obtain(code_hash, source));
  return {};
}

Result<Engine::Inside::Slot> Engine::Inside::acquire(RunKind kind) {
  std::unique_lock lock(slot_mutex_);
  // queries come as many as they like: one place is none of theirs, so that a block never waits for them
  slot_free_.wait(lock, [&] {
    return transactions_ + queries_ < config_.concurrent_runs && (kind == RunKind::transaction ? transactions_ == 0 : queries_ < queries_at_once());
  });
  std::unique_ptr<RunStack> stack;
  if (!stacks_.empty()) {
    stack = std::move(stacks_.back());
    stacks_.pop_back();
  } else {
    stack = TRY(RunStack::create(run_stack_bytes));
  }
  ++(kind == RunKind::transaction ? transactions_ : queries_);
  return Slot(*this, kind, std::move(stack));
}

Engine::Inside::Slot::~Slot() {
  if (!inside_) return;
  {
    const std::lock_guard lock(inside_->slot_mutex_);
    inside_->stacks_.push_back(std::move(stack_));
    --(kind_ == RunKind::transaction ? inside_->transactions_ : inside_->queries_);
  }
  inside_->slot_free_.notify_all();   // not everybody who waits may have this place
}

Engine::Engine(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::create(const EngineConfig& config) {
  return std::unique_ptr<Engine>(new Engine(TRY(Inside::create(config))));
}
Result<void> Engine::prepare(const CheckedCode& code) {
  return inside_->prepare(code.hash, [&] { return Result<CheckedCode>(code); });
}
u64 Engine::cached_bytes() const { return inside_->cached_bytes(); }
void Engine::tick() { wasmtime_engine_increment_epoch(inside_->wasmtime(RunKind::query).wasm()); }

}  // namespace phala::engine

#pragma once
// Why: wasmtime seen from the rest of the engine: compiled modules and the room a run takes. Private to engine/.

#include <wasmtime.h>

#include <condition_variable>
#include <mutex>

#include "engine/module_cache.hpp"
#include "engine/run_stack.hpp"

namespace phala::engine {

/// Frames of one run: the entry and five nested (docs/protocol.md §11).
constexpr size_t max_frames = 6;
/// What wasm of one instance may take of the native stack; the injected counter strikes long before (docs/adr/0004).
constexpr size_t native_stack_per_frame = 2 * 1024 * 1024;
constexpr size_t run_stack_bytes = max_frames * native_stack_per_frame + 4 * 1024 * 1024;

/// What is compiled for a query asks at every loop and function whether its time is up, which takes a seventh of a small call and a fifth of a loop; what
/// is compiled for a transaction never does. An estimate is run as a query is. Same fuel either way.
enum class RunKind : u8 { transaction, query };
constexpr RunKind kind_of(Mode mode) { return mode == Mode::transaction ? RunKind::transaction : RunKind::query; }

/// wasmtime, set up for one kind of run: what it compiles to, and the memory its instances come from.
class Wasmtime {
 public:
  static Result<std::unique_ptr<Wasmtime>> create(RunKind kind, u32 concurrent_runs, const EngineConfig& config);
  ~Wasmtime();
  Wasmtime(const Wasmtime&) = delete;
  Wasmtime& operator=(const Wasmtime&) = delete;
  wasm_engine_t* wasm() const { return wasm_; }
  ModuleCache& modules() { return *modules_; }

 private:
  Wasmtime() = default;
  wasm_engine_t* wasm_ = nullptr;
  wasmtime_linker_t* linker_ = nullptr;
  std::optional<ModuleCache> modules_;
};

class Engine::Inside {
 public:
  static Result<std::unique_ptr<Inside>> create(const EngineConfig& config);

  Wasmtime& wasmtime(RunKind kind) const { return kind == RunKind::transaction ? *for_transactions_ : *for_queries_; }
  /// Compiles for either kind of run. Errors: of `ModuleCache::obtain`.
  Result<> prepare(const Hash& code_hash, const ModuleCache::Source& source);
  u64 cached_bytes() const { return for_transactions_->modules().bytes() + for_queries_->modules().bytes(); }

  /// The right to run, with a stack: waits while `concurrent_runs` are under way, or another transaction. One place is never a query's, if there are two.
  class Slot {
   public:
    Slot(Inside& inside, RunKind kind, std::unique_ptr<RunStack> stack) : inside_(&inside), kind_(kind), stack_(std::move(stack)) {}
    Slot(Slot&& other) noexcept : inside_(other.inside_), kind_(other.kind_), stack_(std::move(other.stack_)) { other.inside_ = nullptr; }
    Slot& operator=(Slot&&) = delete;
    ~Slot();
    RunStack& stack() const { return *stack_; }

   private:
    Inside* inside_;
    RunKind kind_;
    std::unique_ptr<RunStack> stack_;
  };
  Result<Slot> acquire(RunKind kind);

 private:
  Inside() = default;
  u32 queries_at_once() const { return std::max(1u, config_.concurrent_runs - 1); }
  EngineConfig config_;
  std::unique_ptr<Wasmtime> for_transactions_, for_queries_;

  std::mutex slot_mutex_;
  std::condition_variable slot_free_;
  u32 transactions_ = 0, queries_ = 0;
  std::vector<std::unique_ptr<RunStack>> stacks_;
};

/// Defines every host function (host_table.cpp) in the linker.
wasmtime_error_t* define_host_functions(wasmtime_linker_t* linker);

}  // namespace phala::engine

#pragma once
// Why: wasmtime seen from the rest of the engine: compiled modules, kept and found again, and the room a run takes.
// Private to engine/; the only headers that include <wasmtime.h> are this and host.hpp.

#include <wasmtime.h>

#include <condition_variable>
#include <list>
#include <map>
#include <mutex>

#include "engine/engine.hpp"
#include "engine/run_stack.hpp"

namespace phala::engine {

/// Frames of one run: the entry and five nested (spec/contracts.md §0).
constexpr size_t max_frames = 6;
/// What wasm of one instance may take of the native stack; the injected counter strikes long before (docs/adr/0004).
constexpr size_t native_stack_per_frame = 2 * 1024 * 1024;
constexpr size_t run_stack_bytes = max_frames * native_stack_per_frame + 4 * 1024 * 1024;

struct CompiledModule {
  wasmtime_module_t* module = nullptr;
  wasmtime_instance_pre_t* pre = nullptr;
  u64 bytes = 0;         ///< of native code and data
  u32 code_bytes = 0;    ///< of the uploaded wasm

  CompiledModule() = default;
  CompiledModule(const CompiledModule&) = delete;
  CompiledModule& operator=(const CompiledModule&) = delete;
  ~CompiledModule();
};
using ModulePtr = std::shared_ptr<const CompiledModule>;

/// Takes the text of a wasmtime error and frees it.
std::string take_message(wasmtime_error_t* error);

class Engine::Inside {
 public:
  static Result<std::unique_ptr<Inside>> create(const EngineConfig& config);
  ~Inside();

  wasm_engine_t* wasm() const { return wasm_; }

  /// A module that is in the cache, marked as just used; nothing when it is not.
  ModulePtr find(const Hash& code_hash);
  /// Compiles, links and caches. Error `invalid_input`: an import nobody provides, or with another signature.
  Result<ModulePtr> compile(const CheckedCode& code);
  Result<void> adopt(const Hash& code_hash, u32 code_bytes, ByteView image);
  std::optional<Bytes> image(const Hash& code_hash);
  u64 cached_bytes();

  /// The right to run, with a stack: waits while `concurrent_runs` are under way.
  class Slot {
   public:
    Slot(Inside& inside, std::unique_ptr<RunStack> stack) : inside_(&inside), stack_(std::move(stack)) {}
    Slot(Slot&& other) noexcept : inside_(other.inside_), stack_(std::move(other.stack_)) { other.inside_ = nullptr; }
    Slot& operator=(Slot&&) = delete;
    ~Slot();
    RunStack& stack() const { return *stack_; }

   private:
    Inside* inside_;
    std::unique_ptr<RunStack> stack_;
  };
  Result<Slot> acquire();

 private:
  Inside() = default;
  Result<ModulePtr> link_and_keep(const Hash& code_hash, wasmtime_module_t* module, u32 code_bytes);
  void evict();

  EngineConfig config_;
  wasm_engine_t* wasm_ = nullptr;
  wasmtime_linker_t* linker_ = nullptr;

  std::mutex cache_mutex_;
  struct Cached { ModulePtr module; std::list<Hash>::iterator place; };
  std::map<Hash, Cached> cache_;
  std::list<Hash> recent_;      ///< most recently used first
  u64 cached_bytes_ = 0;

  std::mutex slot_mutex_;
  std::condition_variable slot_free_;
  u32 running_ = 0;
  std::vector<std::unique_ptr<RunStack>> stacks_;
};

/// Defines every host function (host_table.cpp) in the linker.
wasmtime_error_t* define_host_functions(wasmtime_linker_t* linker);

}  // namespace phala::engine

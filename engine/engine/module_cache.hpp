#pragma once
// Why: compiling takes a thousand times as long as a call, loading what was compiled takes ten calls. Modules are kept while there is
// room, their images for ever where the shell has a store, and nothing is compiled twice because two asked at once.

#include <wasmtime.h>

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>

#include "engine/engine.hpp"

namespace phala::engine {

struct CompiledModule {
  wasmtime_module_t* module = nullptr;
  wasmtime_instance_pre_t* pre = nullptr;
  u64 bytes = 0;   ///< of native code and data

  CompiledModule() = default;
  CompiledModule(const CompiledModule&) = delete;
  CompiledModule& operator=(const CompiledModule&) = delete;
  ~CompiledModule();
};
using ModulePtr = std::shared_ptr<const CompiledModule>;

/// Takes the text of a wasmtime error and frees it.
std::string take_message(wasmtime_error_t* error);

/// Safe to use from several threads.
class ModuleCache {
 public:
  /// `engine`, `linker` and `images` (may be none) must outlive the cache. `fingerprint`: of what decides how code is compiled; images of another are not used.
  ModuleCache(wasm_engine_t* engine, wasmtime_linker_t* linker, const Hash& fingerprint, u64 limit_bytes, ImageStore* images)
      : engine_(engine), linker_(linker), fingerprint_(fingerprint), limit_bytes_(limit_bytes), images_(images) {}

  /// A module that is there, marked as just used; nothing when it is not.
  ModulePtr find(const Hash& code_hash);
  using Source = std::function<Result<CheckedCode>()>;
  /// The module: from the cache, from its image, or compiled from `source`. Who asks while another is at it waits for that one.
  /// Errors: those of `source`; `invalid_input`: an import nobody provides; `unavailable`: it does not compile, though it passed
  /// the check, so that the reason is this machine.
  Result<ModulePtr> obtain(const Hash& code_hash, const Source& source);
  u64 bytes();

 private:
  struct Flight { std::condition_variable done; std::optional<Result<ModulePtr>> result; };
  Result<ModulePtr> load_or_compile(const Hash& code_hash, const Source& source);
  ModulePtr from_image(const Hash& name);
  Result<ModulePtr> link(wasmtime_module_t* module);
  void keep(const Hash& code_hash, const ModulePtr& module);
  void put_image(const Hash& name, const CompiledModule& module);

  wasm_engine_t* engine_;
  wasmtime_linker_t* linker_;
  const Hash fingerprint_;
  const u64 limit_bytes_;
  ImageStore* images_;

  std::mutex mutex_;
  struct Kept { ModulePtr module; std::list<Hash>::iterator place; };
  std::map<Hash, Kept> kept_;
  std::list<Hash> recent_;   ///< most recently used first
  u64 bytes_ = 0;
  std::map<Hash, std::shared_ptr<Flight>> flights_;
};

}  // namespace phala::engine

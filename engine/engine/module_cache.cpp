#include "engine/module_cache.hpp"

#include "crypto/hash.hpp"

namespace phala::engine {

std::string take_message(wasmtime_error_t* error) {
  wasm_byte_vec_t text;
  wasmtime_error_message(error, &text);
  std::string out(text.data, text.size);
  wasm_byte_vec_delete(&text);
  wasmtime_error_delete(error);
  return out;
}

CompiledModule::~CompiledModule() {
  if (pre) wasmtime_instance_pre_delete(pre);
  if (module) wasmtime_module_delete(module);
}

ModulePtr ModuleCache::find(const Hash& code_hash) {
  const std::lock_guard lock(mutex_);
  const auto at = kept_.find(code_hash);
  if (at == kept_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, at->second.place);
  return at->second.module;
}

u64 ModuleCache::bytes() {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

Result<ModulePtr> ModuleCache::obtain(const Hash& code_hash, const Source& source) {
  if (auto module = find(code_hash)) return module;
  std::shared_ptr<Flight> flight;
  {
    std::unique_lock lock(mutex_);
    if (const auto at = kept_.find(code_hash); at != kept_.end()) return at->second.module;
    if (const auto at = flights_.find(code_hash); at != flights_.end()) {
      flight = at->second;
      flight->done.wait(lock, [&] { return flight->result.has_value(); });
      return *flight->result;
    }
    flight = flights_.emplace(code_hash, std::make_shared<Flight>()).first->second;
  }
  auto made = [&]() -> Result<ModulePtr> {
    try {
      return load_or_compile(code_hash, source);
    } catch (const std::bad_alloc&) {   // those who wait must be told
      return fail(ErrorCode::unavailable, "no memory to compile contract code " + to_hex0x(code_hash));
    }
  }();
  {
    const std::lock_guard lock(mutex_);
    if (made) keep(code_hash, *made);
    flight->result = made;
    flights_.erase(code_hash);
  }
  flight->done.notify_all();
  return made;
}

Result<ModulePtr> ModuleCache::load_or_compile(const Hash& code_hash, const Source& source) {
  const Hash name = crypto::blake2_256(concat(fingerprint_, code_hash));
  if (auto module = from_image(name)) return module;
  const auto code = TRY(source());
  wasmtime_module_t* module = nullptr;
  if (auto* error = wasmtime_module_new(engine_, code.rewritten.data(), code.rewritten.size(), &module))
    return fail(ErrorCode::unavailable, "compile contract code " + to_hex0x(code_hash) + ": " + take_message(error), "give the machine more memory");
  auto linked = TRY(link(module));
  put_image(name, *linked);
  return linked;
}

ModulePtr ModuleCache::from_image(const Hash& name) {
  if (!images_) return nullptr;
  const auto image = images_->get(name);
  if (!image) return nullptr;
  wasmtime_module_t* module = nullptr;
  if (auto* error = wasmtime_module_deserialize(engine_, image->data(), image->size(), &module)) {
    wasmtime_error_delete(error);   // of another wasmtime: compiled again
    return nullptr;
  }
  return link(module).value_or(nullptr);
}

void ModuleCache::put_image(const Hash& name, const CompiledModule& module) {
  if (!images_) return;
  wasm_byte_vec_t image;
  if (auto* error = wasmtime_module_serialize(module.module, &image)) return wasmtime_error_delete(error);
  images_->put(name, ByteView(reinterpret_cast<const u8*>(image.data), image.size));
  wasm_byte_vec_delete(&image);
}

Result<ModulePtr> ModuleCache::link(wasmtime_module_t* module) {
  auto made = std::make_shared<CompiledModule>();
  made->module = module;
  if (auto* error = wasmtime_linker_instantiate_pre(linker_, module, &made->pre))
    return fail(ErrorCode::invalid_input, "contract code does not link: " + take_message(error));
  void *start = nullptr, *end = nullptr;
  wasmtime_module_image_range(module, &start, &end);
  made->bytes = static_cast<u64>(static_cast<u8*>(end) - static_cast<u8*>(start));
  return ModulePtr(std::move(made));
}

void ModuleCache::keep(const Hash& code_hash, const ModulePtr& module) {
  recent_.push_front(code_hash);
  kept_.emplace(code_hash, Kept{module, recent_.begin()});
  bytes_ += module->bytes;
  while (bytes_ > limit_bytes_ && recent_.size() > 1) {
    const auto at = kept_.find(recent_.back());
    bytes_ -= at->second.module->bytes;
    kept_.erase(at);
    recent_.pop_back();
  }
}

}  // namespace phala::engine

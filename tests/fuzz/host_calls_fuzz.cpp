// A hostile contract: any host functions in any order with any arguments, nested, as message and as constructor, in every mode. Each run ends by
// itself or with a name, within its gas, without money made or lost; and transactions and estimates come out the same on a fresh instance, on
// one that ran before, and on code that was loaded from an image.

#include "base/assert.hpp"
#include "engine/host_programs.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

constexpr u64 gas_limit = 20'000'000'000;

Images& images() {
  static Images kept;
  return kept;
}
std::unique_ptr<Engine> small_engine() {
  auto made = Engine::create({.concurrent_runs = 1, .module_cache_bytes = 8 << 20, .images = &images()});
  PHALA_ASSERT(made);
  return std::move(*made);
}

void must_be_one_result(const Outcome& one, const Outcome& other) {
  PHALA_ASSERT(one.result.encode() == other.result.encode() && one.diff == other.diff && one.reason == other.reason);
  PHALA_ASSERT(one.effects.logs == other.effects.logs && one.effects.pink_events == other.effects.pink_events && one.effects.event_block == other.effects.event_block);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const HostPrograms programs;
  static const std::unique_ptr<Engine> compiling = small_engine(), loading = small_engine();
  const Mode mode = std::array{Mode::transaction, Mode::query, Mode::estimating}[data[0] % 3];
  const bool instantiates = data[0] & 0x80;
  const Bytes program = programs.program_of(ByteView(data + 1, size - 1));
  const auto run = [&](Engine& engine) { return must_end_well(engine, programs, mode, instantiates, program, gas_limit); };
  const Outcome first = run(*compiling);
  if (mode == Mode::query) return 0;   // its signatures may differ
  must_be_one_result(first, run(*compiling));
  must_be_one_result(first, run(*loading));
  return 0;
}

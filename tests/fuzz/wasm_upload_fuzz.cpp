// Contract code comes from anybody: whatever the bytes, upload refuses them with a reason, or the engine compiles, links and runs
// them to an end with a name. Never wasmtime's native stack limit: the injected counter strikes first.

#include "base/assert.hpp"
#include "engine/test_world.hpp"

using namespace phala;
using namespace phala::engine;

namespace {

constexpr u64 gas_limit = 20'000'000'000;

/// Images of one input: an engine that has nothing but those must run it the same.
test::Images& images() {
  static test::Images kept;
  return kept;
}
std::unique_ptr<Engine> make_engine() {
  auto made = Engine::create({.concurrent_runs = 1, .module_cache_bytes = 1 << 20, .images = &images()});
  PHALA_ASSERT(made);
  return std::move(*made);
}
Engine& small_engine() {
  static const std::unique_ptr<Engine> engine = make_engine();
  return *engine;
}
Engine& loading_engine() {
  static const std::unique_ptr<Engine> engine = make_engine();
  return *engine;
}

AccountId someone() {
  AccountId out;
  out.fill(1);
  return out;
}

ClusterState funded_cluster() {
  ClusterState state;
  ClusterConfig config;
  config.deposit_per_byte = 1;
  config.deposit_per_item = 1;
  state.apply({{key::config(), scale::encode(config)}, {key::runtime_version(), scale::encode(runtime_version)}});
  const auto funds = deposit(state, someone(), Balance{1} << 100);
  PHALA_ASSERT(funds);
  state.apply(*funds);
  return state;
}

void must_have_a_name(const Result<Outcome>& outcome) {
  PHALA_ASSERT(outcome);   // an engine failure would stop a worker
  PHALA_ASSERT(outcome->reason != "native stack exhausted");
  PHALA_ASSERT(outcome->result.result || !to_string(outcome->result.result.error()).empty());
  PHALA_ASSERT(outcome->result.gas_consumed.ref_time.value <= gas_limit);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  images().kept.clear();
  static const ClusterState cluster = funded_cluster();
  const auto determinism = data[0] & 1 ? Determinism::relaxed : Determinism::enforced;
  const ByteView wasm(data + 1, size - 1);
  const auto uploaded = upload_code(small_engine(), cluster, someone(), wasm, determinism);
  if (!uploaded) {
    // what passes the check must compile (else: unavailable); only the linking of imports may still refuse it
    PHALA_ASSERT(uploaded.error().code == ErrorCode::invalid_input);
    return 0;
  }
  ClusterState state = cluster;
  state.apply(uploaded->diff);
  const ExecContext context;
  const RunRequest run{.origin = someone(), .gas_limit = gas_limit};
  const auto made = instantiate(small_engine(), state, context, {run, uploaded->code_hash, Bytes(wasm.begin(), wasm.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(wasm.size(), 64))), {}});
  must_have_a_name(made);
  if (!made->result.succeeded()) return 0;
  state.apply(made->diff);
  const auto on = [&](Engine& engine) { return call(engine, state, context, {run, *made->result.result->account_id, Bytes(40, data[0])}); };
  const auto first = on(small_engine()), pooled = on(small_engine()), loaded = on(loading_engine());
  must_have_a_name(first);
  for (const auto* again : {&pooled, &loaded}) {
    must_have_a_name(*again);
    PHALA_ASSERT(first->result.encode() == (*again)->result.encode() && first->diff == (*again)->diff && first->reason == (*again)->reason);
  }
  return 0;
}

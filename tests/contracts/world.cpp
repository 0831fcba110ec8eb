#include "world.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "crypto/sign.hpp"

namespace phala::contracts_test {

using engine::test::shared_engine;

static std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string out{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(out.empty()) << path << " is missing";
  return out;
}

Bytes built_wasm(const std::string& name) { return to_bytes(read_file(PHALA_BUILT_CONTRACTS "/" + name + ".wasm")); }
Bytes golden_wasm(const std::string& name) {
  return engine::test::wasm_of_contract_file(read_file(PHALA_SOURCE_DIR "/tests/golden/contracts/" + name + ".contract"));
}

template <class T>
static T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

World::World() {
  secret = crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 7))).secret().clone();
  context = {.block_number = 100, .now_ms = 1'700'000'000'000, .worker_pubkey = account(0xee).as<PublicKey>(), .cluster_secret = &secret};
  const Bytes code = built_wasm("system");
  const engine::ClusterConfig config{.cluster_id = account(1).as<Hash>(), .owner = alice, .gas_price = 1, .deposit_per_item = 100, .deposit_per_byte = 10,
                                     .treasury = engine::test::treasury};
  last = must(engine::setup_cluster(shared_engine(), state, context, {config, 1'000 * unit, code}));
  state.apply(last.diff);
  state.apply(must(engine::deposit(state, bob, 1'000 * unit)));
  state.apply(must(engine::deposit(state, engine::test::treasury, unit)));
  system = state.config()->system_contract.value();
  state.apply(must(engine::deposit(state, system, unit)));
}

Hash World::upload(const Bytes& wasm) {
  const auto uploaded = must(engine::upload_code(shared_engine(), state, alice, wasm, engine::Determinism::enforced));
  state.apply(uploaded.diff);
  return uploaded.code_hash;
}

std::optional<engine::ContractId> World::deploy(const Bytes& wasm, const Bytes& input, const Bytes& salt) {
  const Hash code = upload(wasm);
  last = must(engine::instantiate(shared_engine(), state, context,
                                  {{.origin = alice, .gas_limit = 100'000'000'000}, code, input, salt}));
  state.apply(last.diff);
  if (!last.result.succeeded()) return std::nullopt;
  return last.result.result->account_id;
}

Bytes World::send_raw(const AccountId& from, const engine::ContractId& to, const Bytes& input, sdk::Balance value) {
  // what the chain itself sends comes from the system contract and is free
  const bool free = from == system;
  last = must(engine::call(shared_engine(), state, context,
                           {{.origin = from, .value = value, .gas_limit = 100'000'000'000, .gas_free = free}, to, input}));
  state.apply(last.diff);
  return engine::test::data_of(last);
}

Bytes World::query_raw(const engine::ContractId& to, const Bytes& input, engine::QueryEffects* effects, const AccountId& from) {
  last = must(engine::call(shared_engine(), state, context,
                           {{.mode = engine::Mode::query, .origin = from, .gas_limit = 10'000'000'000'000, .effects = effects}, to, input}));
  return engine::test::data_of(last);
}

}  // namespace phala::contracts_test

// Who may call what of the chain extension, and what it is in a query, a transaction and an estimate: one row for each of the functions,
// one column for each mode, for each kind of caller (docs/protocol.md §15).
#include <gtest/gtest.h>

#include <set>

#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "engine/extension.hpp"
#include "engine/test_world.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

/// What one call answers.
struct Cell {
  std::optional<Bytes> output{};                ///< exactly this, after status 0
  size_t length = 0;                            ///< or so many bytes, where they cannot be known
  u32 status = 0;                               ///< or this status and nothing
  std::string error{};                          ///< or the contract ends with this
  std::optional<PinkEvent> event{};             ///< and leaves this
  bool touches_world = false;
};
template <class... T>
Cell value(const T&... values) { return {.output = scale::encode(values...)}; }
Cell bytes(size_t n) { return {.length = n}; }
Cell status(u32 code) { return {.status = code}; }
Cell ends(std::string error) { return {.error = std::move(error)}; }
Cell leaves(PinkEvent event, Cell cell) { cell.event = std::move(event); return cell; }
Cell worldly(Cell cell) { cell.touches_world = true; return cell; }

struct Row {
  u16 id;
  const char* name;
  Callers callers;
  OutsideQueries outside;
  Bytes args;
  Cell query, transaction, estimate;
};

enum class Caller { contract, system_contract, contract_asked_by_nobody };
constexpr Caller all_callers[] = {Caller::contract, Caller::system_contract, Caller::contract_asked_by_nobody};

struct PermissionsTest : testing::Test {
  Cluster cluster;
  World world;
  ContractId ordinary = cluster.deploy(extension_body), system = cluster.deploy(extension_body);
  const Bytes next_code = contract(answering("(nop)"));

  PermissionsTest() {
    cluster.config.system_contract = system;
    cluster.state.apply({{key::config(), scale::encode(cluster.config)}});
    cluster.context.latest_system_code = next_code;
    world.cache[{ordinary, to_bytes("k")}] = world.cache[{system, to_bytes("k")}] = to_bytes("old");
  }

  std::vector<Row> rows() const {
    using enum OutsideQueries;
    constexpr auto everyone = Callers::everyone;
    const Bytes key(32, 9), message = to_bytes("message"), k = to_bytes("k"), v = to_bytes("v");
    const auto ecdsa = *crypto::EcdsaPair::from_seed(crypto::Seed(ByteView(key)));
    const Hash digest = crypto::blake2_256(message);
    const auto signature = ecdsa.sign_prehashed(digest);
    const auto alike = [](u16 id, const char* name, Bytes args, const Cell& cell) { return Row{id, name, everyone, OutsideQueries::same, std::move(args), cell, cell, cell}; };
    const auto either = [](u16 id, const char* name, OutsideQueries outside, Bytes args, const Cell& query, const Cell& other) {
      return Row{id, name, everyone, outside, std::move(args), query, other, other};
    };
    // an event of a transaction is the transaction's; an estimate leaves none
    const auto cached = [](u16 id, const char* name, Bytes args, const Cell& query, const Cell& other, const CacheOp& op) {
      return Row{id, name, everyone, event, std::move(args), query, leaves(CacheOpEvent{op}, other), other};
    };
    const Cell imported = value(std::optional(crypto::blake2_256(next_code)));
    const auto exception = [](const char* text) { return value(u8{5}, std::string(text)); };
    return {
        either(1, "http_request", refusal, scale::encode(HttpRequest{"https://example.org", "GET", {}, {}}), worldly(value(HttpResponse{200, "OK", {{"a", "b"}}, {1, 2}})),
               value(HttpResponse{523, "API Unavailable", {}, to_bytes("HTTP request is not supported in transaction")})),
        either(2, "sign", partly, scale::encode(u8{1}, key, message), bytes(2 + 64), value(Bytes{})),
        alike(3, "verify", scale::encode(u8{2}, to_bytes(ecdsa.public_key), message, to_bytes(signature)), value(true)),
        alike(4, "derive_sr25519_key", scale::encode(k), bytes(2 + 64)),
        alike(5, "get_public_key", scale::encode(u8{2}, key), value(to_bytes(ecdsa.public_key))),
        cached(6, "cache_set", scale::encode(k, v), worldly(value()), value(), CacheSet{k, v}),
        cached(7, "cache_set_expiration", scale::encode(k, u64{60}), worldly(value()), value(), CacheSetExpiration{k, 60}),
        either(8, "cache_get", nothing, scale::encode(k), worldly(value(std::optional(to_bytes("old")))), value(std::optional<Bytes>{})),
        cached(9, "cache_remove", scale::encode(k), worldly(value(std::optional(to_bytes("old")))), value(std::optional<Bytes>{}), CacheRemove{k}),
        alike(10, "log", scale::encode(u8{3}, std::string("hello")), value()),
        either(11, "getrandom", nothing, scale::encode(u8{3}), worldly(value(Bytes(3, 0xab))), value(Bytes{})),
        either(12, "is_in_transaction", partly, {}, value(false), value(true)),
        alike(13, "ecdsa_sign_prehashed", scale::encode(key, digest), value(signature)),
        alike(14, "ecdsa_verify_prehashed", scale::encode(signature, digest, ecdsa.public_key), value(true)),
        alike(15, "system_contract_id", {}, value(system)),
        alike(16, "balance_of", scale::encode(bob), value(1'000'000 * unit, 1'000'000 * unit)),
        either(17, "worker_pubkey", nothing, {}, value(cluster.context.worker_pubkey), value(PublicKey{})),
        either(18, "untrusted_millis_since_unix_epoch", nothing, {}, worldly(value(u64{99})), value(u64{0})),
        alike(19, "code_exists", scale::encode(cluster.state.contract(system)->code_hash, false), value(true)),
        {20, "import_latest_system_code", Callers::system_contract, OutsideQueries::same, scale::encode(alice), imported, imported, imported},
        alike(21, "runtime_version", {}, value(u32{1}, u32{2})),
        either(22, "batch_http_request", refusal, scale::encode(std::vector<HttpRequest>(2), u64{500}), worldly(bytes(1 + 1 + scale::encode(HttpResponse{201, "Made", {}, {}}).size() + 2)), status(7)),
        alike(23, "current_event_chain_head", {}, value(cluster.state.event_chain_head())),
        either(24, "js_eval", refusal, scale::encode(std::vector<u8>{}, std::vector<std::string>{}), exception("No js runtime"), exception("Js evaluation is not supported in transaction")),
        either(25, "worker_sgx_quote", nothing, {}, worldly(value(std::optional(SgxQuote{1, {7, 7}}))), value(std::optional<SgxQuote>{})),
    };
  }

  void check(const Row& row, Caller caller, Mode mode, Cell expected) {
    SCOPED_TRACE(std::string(row.name) + ", caller " + std::to_string(static_cast<int>(caller)) + ", mode " + std::to_string(static_cast<int>(mode)));
    if (row.callers == Callers::system_contract && caller != Caller::system_contract) expected = ends("BadOrigin: " + std::string(row.name) + " is for the system contract alone");
    World seen = world;
    RunRequest run{.mode = mode, .origin = alice, .gas_limit = max_gas_for_tests, .effects = &seen};   // only queries may look at it
    if (caller == Caller::contract_asked_by_nobody) run.origin = AccountId{};
    const AccountId self = caller == Caller::system_contract ? system : ordinary;
    const auto outcome = call(shared_engine(), cluster.state, cluster.context, {run, self, concat(scale::encode(u32{row.id}), row.args)});
    ASSERT_TRUE(outcome);
    const Bytes answer = data_of(*outcome);
    if (!expected.error.empty()) {
      EXPECT_EQ(error_of(*outcome), expected.error);
    } else {
      ASSERT_EQ(error_of(*outcome), "");
      EXPECT_EQ(load_le<u32>(answer.data()), expected.status);
      const Bytes output(answer.begin() + 4, answer.end());
      if (expected.output) EXPECT_EQ(output, *expected.output) << to_hex(output);
      else EXPECT_EQ(output.size(), expected.length);
    }
    EXPECT_EQ(seen.touched > 0, expected.touches_world);
    ASSERT_EQ(outcome->effects.pink_events.size(), expected.event ? 1u : 0u);
    if (expected.event) EXPECT_EQ(outcome->effects.pink_events[0], (EmittedPinkEvent{self, *expected.event}));
    if (mode != Mode::transaction) EXPECT_TRUE(outcome->diff.empty());
  }
};

}  // namespace

TEST_F(PermissionsTest, every_function_has_its_row) {
  const auto expected = rows();
  ASSERT_EQ(expected.size(), extension_functions().size());
  ASSERT_EQ(expected.size(), 25u);
  for (size_t i = 0; i < expected.size(); ++i) {
    const ExtensionFn& fn = extension_functions()[i];
    EXPECT_EQ(fn.id, i + 1);
    EXPECT_EQ(fn.id, expected[i].id);
    EXPECT_EQ(fn.name, expected[i].name);
    EXPECT_EQ(fn.callers, expected[i].callers) << fn.name;
    EXPECT_EQ(fn.outside, expected[i].outside) << fn.name;
  }
}

TEST_F(PermissionsTest, in_a_query) {
  for (const auto& row : rows())
    for (const auto caller : all_callers) check(row, caller, Mode::query, row.query);
}
TEST_F(PermissionsTest, in_a_transaction) {
  for (const auto& row : rows())
    for (const auto caller : all_callers) check(row, caller, Mode::transaction, row.transaction);
}
TEST_F(PermissionsTest, in_an_estimate) {
  for (const auto& row : rows())
    for (const auto caller : all_callers) check(row, caller, Mode::estimating, row.estimate);
}

TEST_F(PermissionsTest, code_that_the_system_contract_delegates_to_is_the_system_contract) {
  // input: code hash ‖ function ‖ arguments; a contract that delegates everything
  const auto proxy = cluster.deploy(answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 0x800))
    (local.set $a (call $seal0.delegate_call (i32.const 0) (i32.const 0x1000) (i32.const 0x1020) (i32.sub (local.get $n) (i32.const 32)) (i32.const 0x2000) (i32.const 0xff0)))
    (if (local.get $a) (then (unreachable)))
    (local.set $end (i32.add (i32.const 0x2000) (i32.load (i32.const 0xff0)))))"));
  const Bytes input = concat(cluster.state.contract(system)->code_hash, scale::encode(u32{20}, alice));
  EXPECT_EQ(error_of(cluster.send(proxy, input)), "Contracts::ContractTrapped: unreachable executed");
  cluster.config.system_contract = proxy;
  cluster.state.apply({{key::config(), scale::encode(cluster.config)}});
  EXPECT_EQ(data_of(cluster.send(proxy, input)), scale::encode(u32{0}, std::optional(crypto::blake2_256(next_code))));
}

TEST_F(PermissionsTest, a_query_whose_worker_allows_nothing_is_refused_or_gets_nothing) {
  const auto ask = [&](u32 id, const Bytes& args) { return cluster.query(ordinary, concat(scale::encode(id), args)); };
  const Bytes k = to_bytes("k");
  EXPECT_EQ(error_of(ask(1, scale::encode(HttpRequest{}))), "Other: HTTP request: Not allowed");
  EXPECT_EQ(data_of(ask(22, scale::encode(std::vector<HttpRequest>(1), u64{1}))), scale::encode(u32{7}));
  EXPECT_EQ(data_of(ask(6, scale::encode(k, k))), scale::encode(u32{1}));
  EXPECT_EQ(data_of(ask(7, scale::encode(k, u64{1}))), scale::encode(u32{0}));
  EXPECT_EQ(data_of(ask(8, scale::encode(k))), scale::encode(u32{0}, std::optional<Bytes>{}));
  EXPECT_EQ(data_of(ask(9, scale::encode(k))), scale::encode(u32{0}, std::optional<Bytes>{}));
  EXPECT_EQ(data_of(ask(11, scale::encode(u8{4}))), scale::encode(u32{0}, Bytes{}));
  EXPECT_EQ(data_of(ask(18, {})), scale::encode(u32{0}, u64{0}));
  EXPECT_EQ(data_of(ask(25, {})), scale::encode(u32{0}, std::optional<SgxQuote>{}));
}

// The pink chain extension: what each function answers in a query, a transaction and an estimate, and who may call it
// (docs/protocol.md §15).
#include "engine/extension.hpp"

#include <gtest/gtest.h>

#include <set>

#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "engine/test_world.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

struct ExtensionTest : testing::Test {
  Cluster cluster;
  ContractId id = cluster.deploy(extension_body);
  World world;

  template <class... A>
  static Bytes input(u32 function, const A&... args) { return concat(scale::encode(function), scale::encode(args...)); }
  template <class... A>
  Bytes query(u32 function, const A&... args) { return data_of(cluster.query(id, input(function, args...), &world)); }
  template <class... A>
  Bytes send(u32 function, const A&... args) { return data_of(cluster.send(id, input(function, args...))); }
  template <class... A>
  Bytes estimate(u32 function, const A&... args) { return data_of(cluster.estimate(id, input(function, args...))); }
  template <class... T>
  static Bytes ok(const T&... values) { return concat(scale::encode(u32{0}), scale::encode(values...)); }
};

}  // namespace

TEST_F(ExtensionTest, ids_are_those_of_the_protocol) {
  std::set<u16> ids;
  for (const auto& fn : extension_functions()) ids.insert(fn.id);
  EXPECT_EQ(ids.size(), 25u);
  EXPECT_EQ(*ids.begin(), 1);
  EXPECT_EQ(*ids.rbegin(), 25);
  EXPECT_EQ(error_of(cluster.send(id, input(26))), "Pink::UnknownChainExtensionFunction: chain extension function 26");
  EXPECT_EQ(error_of(cluster.send(id, input(0x10001))), "Pink::UnknownChainExtensionId: chain extension 1");
}

TEST_F(ExtensionTest, arguments_must_decode_to_the_last_byte) {
  EXPECT_EQ(error_of(cluster.query(id, input(12, u8{1}), &world)), "Contracts::DecodingFailed: the arguments of a chain extension do not decode: bytes are left over after the value");
  EXPECT_EQ(error_of(cluster.query(id, input(2, u8{3}, Bytes{}, Bytes{}), &world)).substr(0, 25), "Contracts::DecodingFailed");
}

TEST_F(ExtensionTest, lists_that_would_take_far_more_memory_than_their_bytes_do_not_decode) {
  // four mebibytes of zeros: a million requests, or two million headers
  std::string text = contract_text(answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 0x400))
    (i32.store (i32.const 0x4000) (i32.load (i32.const 0x1004))) (i64.store (i32.const 0x4004) (i64.load (i32.const 0x1008)))
    (drop (call $seal0.call_chain_extension (i32.load (i32.const 0x1000)) (i32.const 0x4000) (i32.const 0x3f0000) (i32.const 0x2004) (i32.const 0xff0))))"));
  text.replace(text.find("(memory 2 16)"), 13, "(memory 64 64)");
  const auto big = cluster.deploy(assemble(text));
  const auto compact = [](u32 n) { return scale::encode(scale::Compact<u32>(n)); };
  const std::string bounded = "Contracts::DecodingFailed: the arguments of a chain extension do not decode: a list is longer than the input or than it may be";
  for (const auto& [function, start] : {std::pair<u32, Bytes>{22, compact(1'000'000)},                                        // requests
                                        {22, concat(compact(1), Bytes{0, 0}, compact(1'900'000))},                           // headers of one of them
                                        {1, concat(Bytes{0, 0}, compact(2'000'000))},                                        // headers
                                        {24, compact(1'000'000)},                                                            // scripts
                                        {24, concat(Bytes{0}, compact(2'000'000))}})                                         // their arguments
    for (const bool query : {false, true}) {
      const Bytes in = concat(scale::encode(function), start, Bytes(12 - start.size(), 0));
      EXPECT_EQ(error_of(query ? cluster.query(big, in, &world) : cluster.send(big, in)), bounded) << function;
    }
  EXPECT_TRUE(world.calls.empty());
  // what only exceeds the protocol's limits is refused by name, by the world
  HttpRequest many{"https://example.org", "GET", std::vector<HttpHeader>(1000), {}};
  EXPECT_EQ(query(1, many), ok(HttpResponse{200, "OK", {{"a", "b"}}, {1, 2}}));
  EXPECT_EQ(world.calls.back(), "GET https://example.org");
  static_cast<void>(query(22, std::vector<HttpRequest>(60), u64{1}));
  EXPECT_EQ(world.calls.back(), "60 in 1");
}

TEST_F(ExtensionTest, an_answer_that_does_not_fit_traps) {
  const auto tiny = cluster.deploy(answering("(i32.store (i32.const 0xff0) (i32.const 31)) (drop (call $seal0.call_chain_extension (i32.const 17) (i32.const 0) (i32.const 0) (i32.const 0x2004) (i32.const 0xff0)))"));
  EXPECT_EQ(error_of(cluster.send(tiny)), "Pink::ContractIoBufferOverflow: worker_pubkey answers 32 bytes for a buffer of 31");
}

TEST_F(ExtensionTest, http_is_for_queries) {
  const HttpRequest request{"https://example.org/x", "GET", {{"k", "v"}}, {9}};
  EXPECT_EQ(query(1, request), ok(HttpResponse{200, "OK", {{"a", "b"}}, {1, 2}}));
  EXPECT_EQ(world.calls, std::vector<std::string>{"GET https://example.org/x"});
  const auto unavailable = ok(HttpResponse{523, "API Unavailable", {}, to_bytes("HTTP request is not supported in transaction")});
  EXPECT_EQ(send(1, request), unavailable);
  EXPECT_EQ(estimate(1, request), unavailable);
  world.http = fail(HttpError::timeout);
  EXPECT_EQ(error_of(cluster.query(id, input(1, request), &world)), "Other: HTTP request: Timeout");
  world.http = fail(HttpError::response_too_large);
  EXPECT_EQ(query(1, request), ok(HttpResponse{524, "IO Error", {}, to_bytes("Response too large")}));
  EXPECT_EQ(error_of(cluster.query(id, input(1, request), nullptr)), "Other: HTTP request: Not allowed");
}

TEST_F(ExtensionTest, batches_have_status_codes) {
  const std::vector<HttpRequest> two(2);
  EXPECT_EQ(query(22, two, u64{500}), concat(scale::encode(u32{0}), Bytes{2 << 2}, Bytes{0}, scale::encode(HttpResponse{201, "Made", {}, {}}), Bytes{1, 5}));
  EXPECT_EQ(world.calls, std::vector<std::string>{"2 in 500"});
  world.batch = fail(HttpError::too_many_requests);
  EXPECT_EQ(query(22, two, u64{500}), scale::encode(u32{8}));
  EXPECT_EQ(send(22, two, u64{500}), scale::encode(u32{7}));
  EXPECT_EQ(estimate(22, two, u64{500}), scale::encode(u32{7}));
}

TEST_F(ExtensionTest, keys_sign_and_verify) {
  const Bytes seed(32, 9), message = to_bytes("message");
  for (const u8 type : {0, 1, 2}) {
    const Bytes public_answer = query(5, type, seed);
    const Bytes key = *scale::decode<Bytes>(ByteView(public_answer).subspan(4));
    EXPECT_EQ(key.size(), type == 2 ? 33u : 32u);
    const Bytes signed_answer = query(2, type, seed, message);
    const Bytes signature = *scale::decode<Bytes>(ByteView(signed_answer).subspan(4));
    EXPECT_EQ(signature.size(), type == 2 ? 65u : 64u);
    EXPECT_EQ(query(3, type, key, message, signature), ok(true)) << int{type};
    EXPECT_EQ(send(3, type, key, message, signature), ok(true));
    EXPECT_EQ(query(3, type, key, to_bytes("other"), signature), ok(false));
    EXPECT_EQ(query(3, type, Bytes{1}, message, signature), ok(false));
    EXPECT_EQ(query(3, type, key, message, Bytes{}), ok(false));
    EXPECT_EQ(send(5, type, seed), public_answer);
    EXPECT_EQ(error_of(cluster.query(id, input(5, type, Bytes(31, 1)), &world)).substr(0, 10), "Other: bad");
    // only sr25519 signatures are not for transactions
    EXPECT_EQ(send(2, type, seed, message), type == 1 ? ok(Bytes{}) : signed_answer);
    EXPECT_EQ(estimate(2, type, seed, message), type == 1 ? ok(Bytes{}) : signed_answer);
  }
  const Hash digest = crypto::blake2_256(message);
  const Bytes prehashed = query(13, seed, digest);
  EXPECT_EQ(prehashed.size(), 4u + 65);
  EXPECT_EQ(send(13, seed, digest), prehashed);
  const auto pair = crypto::EcdsaPair::from_seed(crypto::Seed(ByteView(seed)));
  EXPECT_EQ(query(14, FixedBytes<65>(ByteView(prehashed).subspan(4)), digest, pair->public_key), ok(true));
  EXPECT_EQ(send(14, FixedBytes<65>{}, digest, pair->public_key), ok(false));   // r = s = 0
}

TEST_F(ExtensionTest, derived_keys_belong_to_the_contract_and_the_cluster) {
  const Bytes salt = to_bytes("salt");
  const Bytes first = query(4, salt);
  EXPECT_EQ(first.size(), 4u + 1 + 1 + 64);
  EXPECT_EQ(send(4, salt), first);
  EXPECT_NE(query(4, to_bytes("other")), first);
  const auto other = cluster.deploy(extension_body);
  EXPECT_NE(data_of(cluster.query(other, input(4, salt), &world)), first);
  const auto cluster_pair = crypto::Sr25519Pair::from_secret(cluster.secret.clone());
  EXPECT_EQ(first, ok(to_bytes(cluster_pair->derive_kdf({id, salt, as_bytes("keygen")}).secret().expose())));
  cluster.context.cluster_secret = nullptr;
  EXPECT_EQ(error_of(cluster.query(id, input(4, salt), &world)), "Pink::KeySeedMissing: the cluster has no key here");
}

TEST_F(ExtensionTest, the_cache_is_real_in_queries_and_events_in_transactions) {
  const Bytes key = to_bytes("k"), value = to_bytes("v");
  EXPECT_EQ(query(6, key, value), ok());
  EXPECT_EQ(query(8, key), ok(std::optional(value)));
  EXPECT_EQ(query(7, key, u64{60}), ok());
  EXPECT_EQ(query(9, key), ok(std::optional(value)));
  EXPECT_EQ(query(8, key), ok(std::optional<Bytes>{}));
  EXPECT_EQ(world.calls, std::vector<std::string>{"expire 60"});
  world.full = true;
  EXPECT_EQ(query(6, key, value), scale::encode(u32{1}));

  const auto sent = [&](u32 function, const Bytes& args) { return cluster.send(id, concat(scale::encode(function), args)); };
  const auto set = sent(6, scale::encode(key, value));
  EXPECT_EQ(data_of(set), ok());
  ASSERT_EQ(set.effects.pink_events.size(), 1u);
  EXPECT_EQ(set.effects.pink_events[0].event, PinkEvent(CacheOpEvent{CacheSet{key, value}}));
  EXPECT_EQ(sent(7, scale::encode(key, u64{5})).effects.pink_events.at(0).event, PinkEvent(CacheOpEvent{CacheSetExpiration{key, 5}}));
  const auto removed = sent(9, scale::encode(key));
  EXPECT_EQ(data_of(removed), ok(std::optional<Bytes>{}));
  EXPECT_EQ(removed.effects.pink_events.at(0).event, PinkEvent(CacheOpEvent{CacheRemove{key}}));
  EXPECT_EQ(data_of(sent(8, scale::encode(key))), ok(std::optional<Bytes>{}));
  const auto estimated = cluster.estimate(id, input(6, key, value));
  EXPECT_EQ(data_of(estimated), ok());
  EXPECT_TRUE(estimated.effects.pink_events.empty());
}

TEST_F(ExtensionTest, what_a_contract_may_know_of_its_surroundings) {
  EXPECT_EQ(query(12), ok(false));
  EXPECT_EQ(send(12), ok(true));
  EXPECT_EQ(estimate(12), ok(true));
  EXPECT_EQ(query(11, u8{5}), ok(Bytes(5, 0xab)));
  EXPECT_EQ(send(11, u8{5}), ok(Bytes{}));
  EXPECT_EQ(query(17), ok(cluster.context.worker_pubkey));
  EXPECT_EQ(send(17), ok(PublicKey{}));
  EXPECT_EQ(query(18), ok(u64{99}));
  EXPECT_EQ(send(18), ok(u64{0}));
  EXPECT_EQ(query(21), ok(std::pair<u32, u32>(1, 2)));
  EXPECT_EQ(send(21), ok(std::pair<u32, u32>(1, 2)));
  EXPECT_EQ(query(25), ok(std::optional(SgxQuote{1, {7, 7}})));
  EXPECT_EQ(send(25), ok(std::optional<SgxQuote>{}));
  EXPECT_EQ(query(24, std::vector<u8>{}, std::vector<std::string>{}), concat(scale::encode(u32{0}), Bytes{5}, scale::encode(std::string("No js runtime"))));
  EXPECT_EQ(send(24, std::vector<u8>{}, std::vector<std::string>{}), concat(scale::encode(u32{0}), Bytes{5}, scale::encode(std::string("Js evaluation is not supported in transaction"))));
  EXPECT_EQ(query(16, alice), ok(std::pair(cluster.balance(alice), cluster.balance(alice))));
  EXPECT_EQ(send(16, account(1)), ok(std::pair(Balance{0}, Balance{0})));
  EXPECT_EQ(query(19, cluster.state.contract(id)->code_hash, false), ok(true));
  EXPECT_EQ(query(19, cluster.state.contract(id)->code_hash, true), ok(false));
  EXPECT_EQ(error_of(cluster.send(id, input(15))), "Pink::SystemContractMissing: the cluster has no system contract");
}

TEST_F(ExtensionTest, logs_have_a_level_and_an_end) {
  const auto outcome = cluster.send(id, input(10, u8{3}, std::string("hello")));
  ASSERT_EQ(outcome.effects.logs.size(), 1u);
  EXPECT_EQ(outcome.effects.logs[0], (LogRecord{id, id, 3, "hello"}));
  EXPECT_EQ(cluster.query(id, input(10, u8{77}, std::string("x")), &world).effects.logs.at(0).level, 1);
  const auto flood = cluster.deploy(answering("(i32.store (i32.const 0x3000) (i32.const 0x780404)) (loop $l (i32.store (i32.const 0xff0) (i32.const 16))"
                                              "(drop (call $seal0.call_chain_extension (i32.const 10) (i32.const 0x3000) (i32.const 3) (i32.const 0x2000) (i32.const 0xff0)))"
                                              "(br_if $l (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 1))) (i32.const 1100))))"));
  const auto many = cluster.send(flood);
  EXPECT_EQ(many.effects.logs.size(), 1024u);
  EXPECT_EQ(many.effects.logs_dropped, 76u);
}

TEST_F(ExtensionTest, a_query_whose_time_is_up_ends_at_its_next_host_call) {
  world.late = true;
  EXPECT_EQ(error_of(cluster.query(id, input(12), &world)), "Contracts::OutOfGas: the time of the query is up");
}

TEST_F(ExtensionTest, the_event_chain_links_its_blocks) {
  EXPECT_EQ(query(23), ok(u64{1}, cluster.state.event_chain_head().last_hash));   // the deployment was block 0
  const auto before = cluster.state.event_chain_head();
  const auto outcome = cluster.send(id, input(12), {.call_nonce = Bytes{1, 2}});
  ASSERT_TRUE(outcome.effects.event_block);
  const auto block = scale::decode<EventsBlock>(*outcome.effects.event_block);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->header.number, before.next_number);
  EXPECT_EQ(block->header.parent_hash, before.last_hash);
  EXPECT_EQ(block->header.body_hash, crypto::blake2_256(scale::encode(block->body)));
  EXPECT_EQ(block->body.phala_block_number, 1234u);
  EXPECT_EQ(block->body.contract_call_nonce, (Bytes{1, 2}));
  EXPECT_EQ(block->body.entry_contract, id);
  EXPECT_EQ(block->body.origin, alice);
  EXPECT_EQ(block->body.events.size(), 1u);   // Called
  EXPECT_EQ(cluster.state.event_chain_head(), (EventChainHead{before.next_number + 1, crypto::blake2_256(scale::encode(block->header))}));
  // private events are not in it
  const auto cached = cluster.send(id, input(6, Bytes{1}, Bytes{2}));
  EXPECT_EQ(scale::decode<EventsBlock>(*cached.effects.event_block)->body.events.size(), 1u);
}

// ---- pink events -------------------------------------------------------------------------------------------------------
TEST(PinkEventTest, who_may_emit_what_and_where_it_counts) {
  Cluster cluster;
  World world;
  const std::string body = answering("(call $seal0.deposit_event (i32.const 0x300) (i32.const 33) (i32.const 0x1000) (local.get $n))") + "(data (i32.const 0x300) \"\\04@phala.pink.event\")";
  const auto system = cluster.deploy(body), user = cluster.deploy(body);
  cluster.config.system_contract = system;
  cluster.state.apply({{key::config(), scale::encode(cluster.config)}});
  struct Row { PinkEvent event; bool system_only, in_query, is_private; };
  const std::vector<Row> rows{
      {SetHook{0, user, 0x12345678, 100}, true, false, false},
      {DeploySidevmTo{user, Hash{}}, true, true, false},
      {SidevmMessage{{1, 2}}, false, true, true},
      {CacheOpEvent{CacheRemove{{1}}}, false, true, true},
      {StopSidevm{}, false, true, false},
      {ForceStopSidevm{user}, true, true, false},
      {SetLogHandler{user}, true, false, false},
      {SetContractWeight{user, 7}, true, false, false},
      {UpgradeRuntimeTo{{1, 2}}, true, false, false},
      {SidevmOperationEvent{SidevmStart{user, Hash{}, WorkerList{{PublicKey{}}}, {}}}, true, true, false},
      {SidevmOperationEvent{SidevmSetDeadline{user, 9}}, true, true, false},
      {SetJsRuntime{Hash{}}, true, false, false},
  };
  for (const auto& row : rows) {
    const Bytes data = scale::encode(row.event);
    const auto by_system = cluster.send(system, data);
    ASSERT_EQ(by_system.effects.pink_events.size(), 1u) << int{row.event.index()};
    EXPECT_EQ(by_system.effects.pink_events[0], (EmittedPinkEvent{system, row.event}));
    EXPECT_TRUE(by_system.effects.ink_events.empty());
    const size_t public_events = scale::decode<EventsBlock>(*by_system.effects.event_block)->body.events.size();
    EXPECT_EQ(public_events, row.is_private ? 1u : 2u);
    const auto by_user = cluster.send(user, data);
    EXPECT_EQ(by_user.effects.pink_events.empty(), row.system_only);
    // whoever it is not for is told so, in every mode; the run itself does not fail
    const auto in_query = cluster.query(user, data, &world), in_estimate = cluster.estimate(user, data);
    EXPECT_EQ(in_query.effects.pink_events.empty(), row.system_only || !row.in_query);
    for (const Outcome* outcome : {&by_user, &in_query, &in_estimate}) {
      EXPECT_TRUE(outcome->result.succeeded());
      EXPECT_TRUE(outcome->effects.ink_events.empty());
      ASSERT_EQ(outcome->effects.logs.size(), row.system_only ? 1u : 0u);
      if (!row.system_only) continue;
      EXPECT_EQ(outcome->effects.logs[0], (LogRecord{user, user, 2, "pink event " + std::to_string(row.event.index()) + " is for the system contract alone, dropped"}));
    }
    EXPECT_EQ(cluster.query(system, data, &world).effects.pink_events.empty(), !row.in_query);
    EXPECT_TRUE(cluster.estimate(system, data).effects.pink_events.empty());
  }
  std::set<size_t> indices;
  for (const auto& row : rows) indices.insert(row.event.index());
  EXPECT_EQ(indices, (std::set<size_t>{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  for (size_t index = 0; index < 256; ++index)   // and there are no others
    if (!indices.contains(index)) EXPECT_FALSE(scale::decode<PinkEvent>(concat(Bytes{static_cast<u8>(index)}, Bytes(200, 0)))) << index;
  const auto broken = cluster.send(user, Bytes{0, 1});   // an index that no longer exists
  EXPECT_TRUE(broken.effects.pink_events.empty());
  EXPECT_EQ(broken.effects.logs.at(0).message, "invalid pink event, dropped");
}

// ---- the system contract -----------------------------------------------------------------------------------------------
namespace {
/// A constructor that accepts the selector of `default` only, and `call` as extension_body.
std::string system_body() {
  std::string deploy = answering("(if (i32.ne (i32.load (i32.const 0x1000)) (i32.const 0x1b9d4bed)) (then (unreachable)))");
  deploy.replace(deploy.find("\"call\""), 6, "\"deploy\"");
  return extension_body + deploy;
}
}  // namespace

TEST(SetupTest, a_cluster_comes_up_with_its_system_contract) {
  Cluster cluster;
  const Bytes wasm = contract(system_body());
  ClusterSetup setup{cluster.config, 1000 * unit, wasm};
  setup.config.deposit_per_byte = 2;
  setup.config.gas_price = 5;
  const auto outcome = setup_cluster(shared_engine(), {}, cluster.context, setup);
  ASSERT_TRUE(outcome) << outcome.error().text();
  ClusterState state;
  state.apply(outcome->diff);
  const auto id = contract_address(alice, crypto::blake2_256(wasm), cluster.config.cluster_id, {});
  EXPECT_EQ(state.config()->system_contract, id);
  EXPECT_EQ(state.contracts(), std::vector<ContractId>{id});
  ASSERT_EQ(outcome->effects.instantiated.size(), 1u);
  EXPECT_EQ(outcome->effects.instantiated[0], (InstantiatedContract{alice, id}));
  EXPECT_EQ(state.account(alice).free + state.account(alice).held + state.account(id).held + 1, 1000 * unit);
  EXPECT_FALSE(setup_cluster(shared_engine(), state, cluster.context, setup));   // once
}

TEST(SetupTest, a_system_contract_that_fails_is_named) {
  Cluster cluster;
  const Bytes wasm = contract("(func (export \"deploy\") (unreachable))");
  const auto outcome = setup_cluster(shared_engine(), {}, cluster.context, {cluster.config, unit, wasm});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "the system contract did not come up: Contracts::ContractTrapped unreachable executed");
  EXPECT_FALSE(setup_cluster(shared_engine(), {}, cluster.context, {cluster.config, unit, as_bytes("no wasm")}));
  EXPECT_FALSE(setup_cluster(shared_engine(), {}, cluster.context, {cluster.config, 0, wasm}));   // cannot pay
}

TEST(SetupTest, only_the_system_contract_imports_system_code) {
  Cluster cluster;
  const auto system = cluster.deploy(extension_body), user = cluster.deploy(extension_body);
  cluster.config.system_contract = system;
  cluster.state.apply({{key::config(), scale::encode(cluster.config)}});
  const Bytes import = concat(scale::encode(u32{20}), scale::encode(alice));
  EXPECT_EQ(error_of(cluster.send(user, import)), "BadOrigin: import_latest_system_code is for the system contract alone");
  EXPECT_EQ(data_of(cluster.send(system, import)), concat(scale::encode(u32{0}), Bytes{0}));   // the chain names none
  const Bytes next = contract(answering("(local.set $end (i32.const 0x2003))"));
  cluster.context.latest_system_code = next;
  EXPECT_EQ(data_of(cluster.send(system, import)), concat(scale::encode(u32{0}), Bytes{1}, crypto::blake2_256(next)));
  EXPECT_EQ(cluster.state.code(crypto::blake2_256(next)), next);
  EXPECT_EQ(data_of(cluster.send(system, import)), concat(scale::encode(u32{0}), Bytes{1}, crypto::blake2_256(next)));
  const Bytes broken = to_bytes("not wasm");
  cluster.context.latest_system_code = broken;
  EXPECT_EQ(error_of(cluster.send(system, import)).substr(0, 23), "Contracts::CodeRejected");
  EXPECT_EQ(data_of(cluster.send(system, concat(scale::encode(u32{15})))), concat(scale::encode(u32{0}), system));
}

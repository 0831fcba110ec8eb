// The rules of a cluster by version: what each has, what an upgrade changes (its version, nothing else), and what a build does with a state
// of a version that it lacks: nothing.
#include <gtest/gtest.h>

#include <set>

#include "engine/events.hpp"
#include "engine/extension.hpp"
#include "engine/test_world.hpp"

using namespace phala;
using namespace phala::engine;
using namespace phala::engine::test;

namespace {

constexpr RuntimeVersion newer{1, 3};   // as a build after this one would have

/// Emits its input as a pink event.
const std::string emitter_body =
    answering("(call $seal0.deposit_event (i32.const 0x300) (i32.const 33) (i32.const 0x1000) (local.get $n))") + "(data (i32.const 0x300) \"\\04@phala.pink.event\")";
/// Ends itself without input; else stores the input under itself, and answers how long the cell was.
const std::string keeper_body = answering(R"(
    (if (i32.eqz (local.get $n)) (then (call $seal1.terminate (i32.const 0x300))))
    (i32.store (i32.const 0x2000) (call $seal2.set_storage (i32.const 0x1000) (local.get $n) (i32.const 0x1000) (local.get $n)))
    (local.set $end (i32.const 0x2004)))");

struct VersionsTest : testing::Test {
  Cluster cluster{1, 100, 10};
  void become(RuntimeVersion version) { cluster.state.apply({{key::runtime_version(), scale::encode(version)}}); }
  void be_system(const ContractId& id) {
    cluster.config.system_contract = id;
    cluster.state.apply({{key::config(), scale::encode(cluster.config)}});
  }
  std::map<Bytes, Bytes> entries() const {
    std::map<Bytes, Bytes> out;
    cluster.state.for_each([&](ByteView k, ByteView v) { out[to_bytes(k)] = to_bytes(v); });
    return out;
  }
  size_t cells() const {
    size_t n = 0;
    cluster.state.entries().for_each(Bytes{'s'}, [&](ByteView, ByteView) { return ++n, true; });
    return n;
  }
};

constexpr const char* lacks_it = "the cluster needs contract runtime 1.3; this build has 1.0, 1.1, 1.2";

}  // namespace

TEST(RulesTest, a_row_for_each_release_and_the_newest_last) {
  ASSERT_TRUE(std::is_sorted(all_rules.begin(), all_rules.end(), [](const Rules& a, const Rules& b) { return a.version < b.version; }));
  EXPECT_EQ(runtime_version, all_rules.back().version);
  for (const auto& rules : all_rules) EXPECT_EQ((*rules_of(rules.version))->version, rules.version);
  // what was released stays as it was
  EXPECT_FALSE((*rules_of({1, 0}))->event_chain || (*rules_of({1, 0}))->idle_removal);
  EXPECT_TRUE((*rules_of({1, 1}))->event_chain && !(*rules_of({1, 1}))->idle_removal);
  EXPECT_TRUE((*rules_of({1, 2}))->event_chain && (*rules_of({1, 2}))->idle_removal);
  const auto lacking = rules_of(newer);
  ASSERT_FALSE(lacking);
  EXPECT_EQ(lacking.error().code, ErrorCode::unavailable);
  EXPECT_EQ(lacking.error().message, lacks_it);
  EXPECT_EQ(lacking.error().hint, "install a worker that has it and start it on the same folder; nothing was changed");
  EXPECT_FALSE(rules_of({0, 9}));
  EXPECT_FALSE(rules_of({2, 0}));
}

TEST(RulesTest, released_is_what_the_first_release_has_and_what_the_chain_names) {
  for (const RuntimeVersion version : {RuntimeVersion{1, 0}, {1, 1}, {1, 2}}) EXPECT_TRUE(is_released(version, {})) << version_text(version);
  for (const RuntimeVersion version : {RuntimeVersion{0, 9}, {1, 3}, {2, 0}}) EXPECT_FALSE(is_released(version, {})) << version_text(version);
  // and not by what a build has: the older ones of a cluster must agree with the newer
  EXPECT_TRUE(is_released({2, 0}, RuntimeVersion{2, 0}));
  EXPECT_FALSE(is_released({1, 3}, RuntimeVersion{2, 0}));
  EXPECT_TRUE(is_released({1, 2}, RuntimeVersion{2, 0}));
}

TEST_F(VersionsTest, extension_functions_answer_from_their_version_on) {
  const auto id = cluster.deploy(extension_body);
  for (const auto& rules : all_rules) {
    become(rules.version);
    std::set<u16> missing;
    for (const auto& fn : extension_functions()) {
      for (const auto& outcome :
           {cluster.send(id, scale::encode(u32{fn.id})), cluster.query(id, scale::encode(u32{fn.id})), cluster.estimate(id, scale::encode(u32{fn.id}))}) {
        const std::string error = error_of(outcome);
        const bool unknown = error.starts_with("Pink::UnknownChainExtensionFunction");
        EXPECT_EQ(unknown, rules.version < fn.since) << fn.name << " in " << version_text(rules.version) << ": " << error;
        if (unknown) missing.insert(fn.id);
      }
    }
    EXPECT_EQ(missing, rules.version == RuntimeVersion(1, 0)   ? (std::set<u16>{22, 23, 24, 25})
                       : rules.version == RuntimeVersion(1, 1) ? (std::set<u16>{24, 25})
                                                               : std::set<u16>{});
    EXPECT_EQ(data_of(cluster.query(id, scale::encode(u32{21}))), scale::encode(u32{0}, rules.version));
    EXPECT_EQ(data_of(cluster.send(id, scale::encode(u32{21}))), scale::encode(u32{0}, rules.version));
  }
  become({1, 1});
  EXPECT_EQ(error_of(cluster.send(id, scale::encode(u32{24}))),
            "Pink::UnknownChainExtensionFunction: js_eval comes with contract runtime 1.2, and this cluster runs 1.1");
}

TEST_F(VersionsTest, events_are_chained_from_1_1_on_under_the_version_of_the_day) {
  const auto id = cluster.deploy(keeper_body);
  const u64 first = cluster.state.event_chain_head().next_number;
  become({1, 0});
  EXPECT_FALSE(cluster.send(id, {1}).effects.event_block);
  EXPECT_EQ(cluster.state.event_chain_head().next_number, first);
  Hash last = cluster.state.event_chain_head().last_hash;
  for (const auto& rules : std::span(all_rules).subspan(1)) {
    become(rules.version);
    const auto outcome = cluster.send(id, {1});
    ASSERT_TRUE(outcome.effects.event_block);
    const auto header = scale::decode<EventsBlock>(*outcome.effects.event_block)->header;
    EXPECT_EQ(header.runtime_version, rules.version);
    EXPECT_EQ(header.parent_hash, last);   // one chain through all versions
    last = cluster.state.event_chain_head().last_hash;
  }
  EXPECT_EQ(cluster.state.event_chain_head().next_number, first + 2);
}

TEST_F(VersionsTest, what_terminated_contracts_left_waits_for_1_2) {
  const auto id = cluster.deploy(keeper_body);
  for (u8 i = 1; i <= 3; ++i) cluster.send(id, {i});
  become({1, 1});
  EXPECT_EQ(error_of(cluster.send(id)), "");
  EXPECT_TRUE(on_idle(cluster.state)->empty());
  EXPECT_EQ(cells(), 3u);
  cluster.state.apply(*upgrade(cluster.state, {1, 2}));
  cluster.state.apply(*on_idle(cluster.state));
  EXPECT_EQ(cells(), 0u);
}

TEST_F(VersionsTest, an_upgrade_changes_the_version_and_nothing_else) {
  become({1, 0});
  const auto id = cluster.deploy(keeper_body);
  cluster.send(id, {7, 7}, {.value = 5 * unit});
  const auto before = entries();
  const Hash root = cluster.state.root();
  const auto diff = upgrade(cluster.state, {1, 2});
  ASSERT_TRUE(diff);
  EXPECT_EQ(*diff, (StateDiff{{key::runtime_version(), scale::encode(u32{1}, u32{2})}}));
  cluster.state.apply(*diff);
  auto after = entries();
  after[key::runtime_version()] = before.at(key::runtime_version());
  EXPECT_EQ(after, before);
  EXPECT_NE(cluster.state.root(), root);   // a worker that missed it would be found out
  EXPECT_EQ(cluster.state.runtime_version(), (RuntimeVersion{1, 2}));
  EXPECT_EQ(data_of(cluster.send(id, {7, 7})), scale::encode(u32{2}));   // the cell is there
  EXPECT_EQ(cluster.balance(id), 5 * unit + 1);                          // one is the existential deposit
  // only upwards, and never to what is not here
  for (const RuntimeVersion version : {RuntimeVersion{1, 2}, {1, 1}, {0, 9}}) EXPECT_TRUE(upgrade(cluster.state, version)->empty()) << version_text(version);
  EXPECT_EQ(upgrade(cluster.state, newer).error().message, lacks_it);
}

TEST_F(VersionsTest, gas_is_the_same_in_the_versions_there_are) {
  const auto id = cluster.deploy(keeper_body);
  const ClusterState start = cluster.state;
  std::set<u64> gas;
  for (const auto& rules : all_rules) {
    cluster.state = start;
    become(rules.version);
    gas.insert(cluster.send(id, {9, 9, 9}).result.gas_consumed.ref_time.value);
  }
  EXPECT_EQ(gas.size(), 1u);
}

TEST_F(VersionsTest, a_state_of_a_version_that_is_not_here_is_not_touched) {
  const auto id = cluster.deploy(keeper_body);
  cluster.send(id, {1});
  const Hash code = cluster.state.contract(id)->code_hash;
  become(newer);
  // whatever a newer build made of the rest
  cluster.state.apply({{key::config(), Bytes{1}}});
  const Hash root = cluster.state.root();
  const auto refuses = [&](const auto& result, const char* what) {
    ASSERT_FALSE(result.has_value()) << what;
    EXPECT_EQ(result.error().code, ErrorCode::unavailable) << what;
    EXPECT_EQ(result.error().message, lacks_it) << what;
  };
  for (const Mode mode : {Mode::transaction, Mode::query, Mode::estimating}) {
    const RunRequest run{.mode = mode, .origin = alice, .gas_limit = max_gas_for_tests};
    refuses(call(shared_engine(), cluster.state, cluster.context, {run, id, {1}}), "call");
    refuses(engine::instantiate(shared_engine(), cluster.state, cluster.context, {run, code, {}, {9}}), "instantiate");
  }
  refuses(upload_code(shared_engine(), cluster.state, alice, contract("(func (export \"call\"))"), Determinism::enforced), "upload_code");
  refuses(upload_sidevm_code(cluster.state, alice, Bytes{0, 'a', 's', 'm'}), "upload_sidevm_code");
  refuses(deposit(cluster.state, alice, 1), "deposit");
  refuses(on_idle(cluster.state), "on_idle");
  refuses(upgrade(cluster.state, {2, 0}), "upgrade");
  EXPECT_EQ(cluster.state.root(), root);
  refuses(setup_cluster(shared_engine(), {}, cluster.context, {.config = cluster.config, .owner_deposit = unit, .system_code = {}, .version = newer}), "setup_cluster");
  cluster.state.apply({{key::runtime_version(), std::nullopt}});
  EXPECT_EQ(rules_of(cluster.state).error().code, ErrorCode::corrupted);
  EXPECT_EQ(rules_of(ClusterState{}).error().code, ErrorCode::refused);
}

TEST_F(VersionsTest, an_upgrade_to_what_is_not_released_ends_the_transaction_that_asks) {
  const auto system = cluster.deploy(emitter_body), user = cluster.deploy(emitter_body);
  be_system(system);
  become({1, 1});
  const auto ask = [&](const ContractId& who, RuntimeVersion version) { return cluster.send(who, scale::encode(PinkEvent(UpgradeRuntimeTo{version}))); };
  const std::string why = "contract runtime 1.3 is not released: the chain names none, and this cluster runs 1.1";
  const auto refused = ask(system, newer);
  EXPECT_EQ(error_of(refused), "Other: " + why);
  EXPECT_TRUE(refused.effects.pink_events.empty());
  ASSERT_EQ(refused.effects.logs.size(), 1u);
  EXPECT_EQ(refused.effects.logs[0], (LogRecord{system, system, 1, why}));
  EXPECT_EQ(error_of(cluster.estimate(system, scale::encode(PinkEvent(UpgradeRuntimeTo{newer})))), "Other: " + why);   // known before it is paid for
  // what it may ask for, and what is no upgrade at all
  for (const RuntimeVersion version : {RuntimeVersion{1, 2}, {1, 1}, {1, 0}, {0, 9}})
    EXPECT_EQ(ask(system, version).effects.pink_events.size(), 1u) << version_text(version);
  EXPECT_EQ(error_of(ask(user, newer)), "");   // nobody else's is heard, so it is harmless
  cluster.context.named_runtime = newer;
  EXPECT_EQ(ask(system, newer).effects.pink_events.size(), 1u);
  EXPECT_EQ(error_of(ask(system, {2, 0})), "Other: contract runtime 2.0 is not released: the chain names 1.3, and this cluster runs 1.1");
}

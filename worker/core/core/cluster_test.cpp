// What happens in a cluster at the end of each block, what hooks share, and what a full cluster refuses.
#include <gtest/gtest.h>

#include <ranges>

#include "core/query.hpp"
#include "core/test_world.hpp"
#include "crypto/hash.hpp"

namespace phala::worker {
namespace {

using namespace test;

/// The system contract of these tests emits its input as a pink event; of 32 bytes it makes a contract of the code that they name, with a hook
/// that speaks.
Bytes emitter_code() {
  return engine::test::contract(engine::test::answering(R"(
    (if (i32.eq (local.get $n) (i32.const 32)) (then
      (i32.store (i32.const 0xff0) (i32.const 32))
      (if (call $seal1.instantiate (i32.const 0x1000) (i64.const 0) (i32.const 0x200) (i32.const 0) (i32.const 0) (i32.const 0x602) (i32.const 0xff0) (i32.const -1) (i32.const 0)
        (i32.const 0) (i32.const 0)) (then (unreachable)))
      (call $seal0.deposit_event (i32.const 0x300) (i32.const 33) (i32.const 0x600) (i32.const 46)))
    (else (call $seal0.deposit_event (i32.const 0x300) (i32.const 33) (i32.const 0x1000) (local.get $n)))))") +
                                R"((data (i32.const 0x300) "\04@phala.pink.event") (data (i32.const 0x600) "\02\00") (data (i32.const 0x622) "\04\03\02\01\00\88\52\6a\74\00\00\00"))");
}
/// Does what the first byte of its input says: 1 emits the input as an event, 2 traps, 3 never ends, 4 terminates, 5 stores the input.
Bytes actor_code() {
  static const Bytes code = engine::test::contract(engine::test::answering(R"(
    (local.set $a (i32.load8_u (i32.const 0x1000)))
    (if (i32.eq (local.get $a) (i32.const 1)) (then (call $seal0.deposit_event (i32.const 0x300) (i32.const 0) (i32.const 0x1000) (local.get $n))))
    (if (i32.eq (local.get $a) (i32.const 2)) (then (unreachable)))
    (if (i32.eq (local.get $a) (i32.const 3)) (then (loop $l (br $l))))
    (if (i32.eq (local.get $a) (i32.const 4)) (then (call $seal1.terminate (i32.const 0x300))))
    (if (i32.eq (local.get $a) (i32.const 5)) (then (drop (call $seal2.set_storage (i32.const 0x1000) (i32.const 1) (i32.const 0x1000) (local.get $n))))))"));
  return code;
}
constexpr u32 speak = 0x01020304, trap = 0x02000000, spin = 0x03000000, end = 0x04000000, keep = 0x05000000;
constexpr u64 hook_cost = 1'000'000'000;
constexpr u64 enough_gas = 500'000'000'000;

struct HookTest : testing::Test {
  World world{2};
  std::vector<protocol::ContractId> actors;   // ascending, as hooks run

  void SetUp() override {
    world.launch();
    world.deploy_cluster(emitter_code());
    world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xa1)), world.cluster, protocol::ResourceType::ink_code, actor_code()});
    for (u8 deployer = 0xb0; deployer < 0xb4; ++deployer) {
      world.operate(protocol::Deposit{world.cluster, AccountId(Bytes(32, deployer)), 1'000'000'000'000'000});
      actors.push_back(world.instantiate(crypto::blake2_256(actor_code()), {}, deployer));
    }
    std::sort(actors.begin(), actors.end());
    for (const auto& id : actors) world.operate(protocol::Deposit{world.cluster, id.as<AccountId>(), 1'000'000'000'000'000});
    world.run_block();
    for (const auto& id : actors) ASSERT_TRUE(cluster().contracts.contains(id));
    forget();
  }
  const Cluster& cluster(size_t worker = 0) const { return *world.workers[worker].machine.cluster; }
  void forget() {
    for (auto& w : world.workers) w.report = {};
  }
  void hook(const protocol::ContractId& contract, u32 selector, u64 gas = enough_gas) { emit(engine::SetHook{0, contract.as<AccountId>(), selector, gas}); }
  void emit(const engine::PinkEvent& event) { send(*cluster().system_contract(), scale::encode(event)); }
  void send(const protocol::ContractId& to, Bytes input) {
    world.command(to, protocol::PlainCommand{protocol::InkCommand{protocol::InkMessage{Bytes(32, 5), std::move(input), 0, 100'000'000'000, {}}}});
  }
  /// Who spoke, in order.
  std::vector<protocol::ContractId> speakers(size_t worker = 0) const {
    std::vector<protocol::ContractId> out;
    for (const auto& record : world.workers[worker].report.records)
      if (const auto* event = record.get_if<record::Event>()) out.push_back(event->contract);
    return out;
  }
  /// Whose hook ran out of gas, in order.
  std::vector<protocol::ContractId> spinners(size_t worker = 0) const {
    static constexpr std::string_view before = "contract 0x", after = ": out of gas";
    std::vector<protocol::ContractId> out;
    for (const auto& note : world.workers[worker].report.notes)
      if (note.error.message.starts_with(before) && note.error.message.ends_with(after)) out.push_back(Hash(*from_hex(note.error.message.substr(before.size(), 64))));
    return out;
  }
  std::vector<std::string> notes() const {
    std::vector<std::string> out;
    for (const auto& note : world.workers[0].report.notes) out.push_back(note.topic + ": " + note.error.message);
    return out;
  }
  /// A block without a message: hooks alone.
  void quiet_block() {
    forget();
    world.run_block();
    EXPECT_EQ(cluster(0).state.root(), cluster(1).state.root());
  }
};

TEST_F(HookTest, hooks_run_after_every_block_in_the_order_of_ids_with_the_selector_as_input) {
  for (size_t i = actors.size(); i-- > 0;) hook(actors[i], speak);   // set in the other order
  world.run_block();
  EXPECT_EQ(speakers(), actors);   // from the block on that set them
  quiet_block();
  EXPECT_EQ(speakers(), actors);
  EXPECT_EQ(speakers(1), actors);
  EXPECT_EQ(to_hex(world.workers[0].report.records[0].get_if<record::Event>()->payload), "01020304");
  EXPECT_TRUE(notes().empty()) << notes()[0];
  hook(actors[1], speak, 0);   // no gas: no hook
  world.run_block();
  quiet_block();
  EXPECT_EQ(speakers(), (std::vector{actors[0], actors[2], actors[3]}));
}

TEST_F(HookTest, a_hook_pays_for_itself_and_stops_at_its_gas_limit) {
  hook(actors[0], spin, 1'000'000'000);
  hook(actors[1], speak);
  world.run_block();
  const u128 before = cluster().state.account(actors[0].as<AccountId>()).free;
  quiet_block();
  const u128 paid = before - cluster().state.account(actors[0].as<AccountId>()).free;
  EXPECT_GT(paid, 0u);
  EXPECT_LE(paid, 1'000'000'000u);   // the gas price is 1
  ASSERT_EQ(notes().size(), 1u);
  EXPECT_EQ(notes()[0], "on_block_end: contract " + to_hex0x(actors[0]) + ": out of gas");
  EXPECT_EQ(speakers(), std::vector{actors[1]});
}

TEST_F(HookTest, a_contract_can_be_hooked_by_the_run_that_makes_it) {
  // what was made is known before the events are heard, whatever the order in which the run did things
  send(*cluster().system_contract(), to_bytes(crypto::blake2_256(actor_code())));
  world.run_block();
  const auto child = engine::contract_address(cluster().system_contract()->as<AccountId>(), crypto::blake2_256(actor_code()), world.cluster, {}).as<Hash>();
  ASSERT_TRUE(cluster().contracts.contains(child)) << (notes().empty() ? "" : notes()[0]);
  ASSERT_TRUE(cluster().contracts.at(child).on_block_end);
  EXPECT_EQ(cluster().contracts.at(child).on_block_end->selector, speak);
  // it has nothing to pay with: its hook runs once it has
  ASSERT_EQ(notes().size(), 1u);
  EXPECT_TRUE(notes()[0].starts_with("on_block_end: contract " + to_hex0x(child))) << notes()[0];
  world.operate(protocol::Deposit{world.cluster, child.as<AccountId>(), 1'000'000'000'000'000});
  quiet_block();
  EXPECT_EQ(speakers(), std::vector{child});
}

TEST_F(HookTest, one_hook_that_fails_stops_no_other) {
  hook(actors[0], trap);
  hook(actors[1], speak);
  world.run_block();
  quiet_block();
  EXPECT_EQ(speakers(), std::vector{actors[1]});
  ASSERT_EQ(notes().size(), 1u);
  EXPECT_TRUE(notes()[0].starts_with("on_block_end: contract " + to_hex0x(actors[0]))) << notes()[0];
}

TEST_F(HookTest, of_a_terminated_contract_nothing_is_left) {
  hook(actors[0], end);   // ends itself in its hook
  hook(actors[1], speak);
  hook(actors[2], speak);
  world.run_block();
  EXPECT_FALSE(cluster().contracts.contains(actors[0]));
  quiet_block();
  EXPECT_TRUE(notes().empty()) << notes()[0];
  EXPECT_EQ(speakers(), (std::vector{actors[1], actors[2]}));
  send(actors[1], {4});   // and by a command
  world.run_block();
  EXPECT_FALSE(cluster().contracts.contains(actors[1]));
  quiet_block();
  EXPECT_TRUE(notes().empty()) << notes()[0];
  EXPECT_EQ(speakers(), std::vector{actors[2]});
  // commands to it are nobody's any more, and the image holds nothing of it
  send(actors[1], {1});
  quiet_block();
  for (const auto& [key, value] : image_of(world.workers[0].machine)) EXPECT_FALSE(key[0] == 'e' && (same_bytes(ByteView(key).subspan(1), actors[0]) || same_bytes(ByteView(key).subspan(1), actors[1])));
}

TEST_F(HookTest, a_full_cluster_takes_nothing_more_and_what_removes_still_runs) {
  hook(actors[0], speak);
  world.run_block();
  forget();
  world.config.max_cluster_bytes = cluster().state.memory_bytes() - 1;
  const AccountId known(Bytes(32, 0xb0)), stranger(Bytes(32, 0x99));
  const u128 before = cluster().state.account(known).free;
  world.operate(protocol::Deposit{world.cluster, stranger, 5'000'000'000'000});
  world.operate(protocol::Deposit{world.cluster, known, 5});
  hook(actors[1], keep);
  send(actors[2], {5, 1, 2, 3});
  world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xa1)), world.cluster, protocol::ResourceType::ink_code, engine::test::contract("")});
  const auto another = world.instantiate(crypto::blake2_256(actor_code()), {}, 0xa1);
  world.run_block();
  EXPECT_EQ(cluster(0).state.root(), cluster(1).state.root());
  EXPECT_EQ(speakers(), std::vector{actors[0]});   // takes no room
  const std::string full = "the cluster is full: ", limit = full + "it may hold " + std::to_string(world.config.max_cluster_bytes) + " bytes";
  const std::vector<std::string> expected{
      "phala/cluster/key: deposit for " + to_hex0x(stranger) + ": " + limit,
      "phala/contract/" + to_hex(actors[2]) + "/command: contract " + to_hex0x(actors[2]) + ": " + full + "remove what is not needed, or terminate contracts",
      "phala/cluster/key: upload by " + to_hex0x(AccountId(Bytes(32, 0xa1))) + ": " + limit,
      "phala/contract/op: instantiate " + to_hex0x(another) + ": " + full + "remove what is not needed, or terminate contracts",
      "on_block_end: contract " + to_hex0x(actors[1]) + ": " + full + "remove what is not needed, or terminate contracts"};
  EXPECT_EQ(notes(), expected);
  EXPECT_EQ(cluster().state.account(stranger).free, 0u);
  EXPECT_EQ(cluster().state.account(known).free, before + 5);   // takes no more room
  // one that goes makes room
  hook(actors[1], keep, 0);
  send(actors[3], {4});
  world.run_block();
  EXPECT_FALSE(cluster().contracts.contains(actors[3]));
  forget();
  send(actors[2], {5, 1, 2, 3});
  world.run_block();
  EXPECT_TRUE(notes().empty()) << notes()[0];
  EXPECT_TRUE(cluster().state.storage(actors[2].as<AccountId>(), Bytes{5}));
}

TEST_F(HookTest, hooks_share_the_gas_of_a_block_by_stake_and_none_starves) {
  // each uses all the gas it gets, a fourth of the block's
  world.config.hook_gas_per_block = 4 * hook_cost;
  for (const auto& id : actors) hook(id, spin, hook_cost);
  for (u8 deployer = 0xc0; deployer < 0xc3; ++deployer) {
    world.operate(protocol::Deposit{world.cluster, AccountId(Bytes(32, deployer)), 1'000'000'000'000'000});
    actors.push_back(world.instantiate(crypto::blake2_256(actor_code()), {}, deployer));
    world.operate(protocol::Deposit{world.cluster, actors.back().as<AccountId>(), 1'000'000'000'000'000});
    hook(actors.back(), spin, hook_cost);
  }
  world.run_block();
  // three of stake 3, three of stake 1, one of none
  for (size_t i = 0; i < 6; ++i) emit(engine::SetContractWeight{actors[i].as<AccountId>(), i < 3 ? 3u : 1u});
  world.run_block();
  std::map<protocol::ContractId, int> ran;
  for (int n = 0; n < 30; ++n) {
    quiet_block();
    for (const auto& id : spinners()) ++ran[id];
    EXPECT_EQ(spinners(0), spinners(1));
    EXPECT_EQ(world.workers[0].report.notes.back().topic, "on_block_end");
    EXPECT_EQ(notes().back().substr(0, 60), "on_block_end: 2 hooks wait for a later block, that of contra");
    EXPECT_EQ(world.workers[0].report.hooks.ran, 5u);
    EXPECT_EQ(world.workers[0].report.hooks.deferred, 2u);
    EXPECT_LT(world.workers[0].report.hooks.gas, world.config.hook_gas_per_block / 2 * 3);
    // whose turn it is outlives a restart
    world.workers[0].machine = *machine_from(image_of(world.workers[0].machine));
  }
  for (size_t i = 0; i < 7; ++i) EXPECT_NEAR(ran[actors[i]], i < 3 || i == 6 ? 30 : 10, 1) << i;
  // with more gas all run again, in the order of ids
  world.config.hook_gas_per_block = default_hook_gas_per_block;
  for (const auto& id : actors) hook(id, speak);
  world.run_block();
  quiet_block();
  std::sort(actors.begin(), actors.begin() + 6);
  EXPECT_EQ(speakers(), actors);
  for (const auto& [id, entry] : cluster().contracts)
    if (entry.on_block_end) EXPECT_EQ(entry.on_block_end->tag, 0u);
}

TEST_F(HookTest, what_is_the_system_contracts_to_say_does_nothing_from_another_and_the_log_says_so) {
  world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xa1)), world.cluster, protocol::ResourceType::ink_code, emitter_code()});
  const auto pretender = world.instantiate(crypto::blake2_256(emitter_code()), {}, 0xb0);
  world.run_block();
  ASSERT_TRUE(cluster().contracts.contains(pretender));
  const AccountId id = pretender.as<AccountId>();
  const std::vector<std::pair<engine::PinkEvent, std::string>> events{
      {engine::SetHook{0, id, speak, enough_gas}, "2"}, {engine::SetContractWeight{id, 1000}, "9"}, {engine::SetLogHandler{id}, "8"}, {engine::UpgradeRuntimeTo{{1, 3}}, "10"}};
  const auto logged = [](const LogRecord& record, const protocol::ContractId& contract, ExecMode mode, const std::string& number) {
    const auto* log = record.get_if<record::Log>();
    return log && log->contract == contract && log->mode == mode && log->level == 2 && log->message == "pink event " + number + " is for the system contract alone, dropped";
  };
  for (const auto& [event, number] : events) {
    forget();
    send(pretender, scale::encode(event));
    world.run_block();
    EXPECT_TRUE(notes().empty()) << notes()[0];   // the message itself is in order
    const auto& records = world.workers[0].report.records;
    EXPECT_EQ(std::ranges::count_if(records, [&](const LogRecord& r) { return logged(r, pretender, ExecMode::transaction, number); }), 1) << number;

    const auto snapshot = snapshot_of(world.workers[0].machine);
    const OpenQuery asked{{pretender, {}, query::InkMessage{scale::encode(event), 0, 0, false}}, AccountId(Bytes(32, 0xa1)), {}};
    const auto ran = run_query(engine::test::shared_engine(), snapshot, world.key(0), asked, nullptr, {});
    ASSERT_TRUE(ran.has_value() && ran->answer.has_value());
    EXPECT_EQ(std::ranges::count_if(ran->records, [&](const LogRecord& r) { return logged(r, pretender, ExecMode::query, number); }), 1) << number;
  }
  EXPECT_EQ(cluster().contracts.at(pretender), ContractEntry{});
  EXPECT_FALSE(cluster().log_handler);
}

// ---- upgrades of the system contract -------------------------------------------------------------------------------------

/// Input 1: takes the newest system code, at its caller's cost. Else stores the input. Answers nothing.
Bytes first_version() {
  return engine::test::contract(engine::test::answering(R"(
    (if (i32.eq (i32.load8_u (i32.const 0x1000)) (i32.const 1))
      (then
        (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.caller (i32.const 0x3000) (i32.const 0xff0))
        (i32.store (i32.const 0xff0) (i32.const 64))
        (drop (call $seal0.call_chain_extension (i32.const 20) (i32.const 0x3000) (i32.const 32) (i32.const 0x4000) (i32.const 0xff0)))
        (if (i32.eq (i32.load8_u (i32.const 0x4000)) (i32.const 1)) (then (drop (call $seal0.set_code_hash (i32.const 0x4001))))))
      (else (drop (call $seal2.set_storage (i32.const 0x300) (i32.const 1) (i32.const 0x1000) (local.get $n))))))"));
}
/// Answers its version and what the first one stored; input 1 as there.
Bytes next_version(u8 version) {
  std::string text = engine::test::answering(R"(
    (if (i32.eq (i32.load8_u (i32.const 0x1000)) (i32.const 1)) (then
      (i32.store (i32.const 0xff0) (i32.const 32)) (call $seal0.caller (i32.const 0x3000) (i32.const 0xff0))
      (i32.store (i32.const 0xff0) (i32.const 64))
      (drop (call $seal0.call_chain_extension (i32.const 20) (i32.const 0x3000) (i32.const 32) (i32.const 0x4000) (i32.const 0xff0)))
      (drop (call $seal0.set_code_hash (i32.const 0x4001)))))
    (i32.store8 (i32.const 0x2000) (i32.const VERSION))
    (i32.store (i32.const 0xff0) (i32.const 64))
    (drop (call $seal1.get_storage (i32.const 0x300) (i32.const 1) (i32.const 0x2001) (i32.const 0xff0)))
    (local.set $end (i32.add (i32.const 0x2001) (i32.load (i32.const 0xff0)))))");
  text.replace(text.find("VERSION"), 7, std::to_string(version));
  return engine::test::contract(text);
}

struct UpgradeTest : testing::Test {
  World world{2};
  const Cluster& cluster(size_t worker = 0) const { return *world.workers[worker].machine.cluster; }
  protocol::ContractId system() const { return *cluster().system_contract(); }
  Hash code() const { return cluster().state.contract(system().as<AccountId>())->code_hash; }
  /// The answer to a command, the same on both workers.
  Bytes answer(Bytes input) {
    world.command(system(), protocol::PlainCommand{protocol::InkCommand{protocol::InkMessage{Bytes(32, 5), std::move(input), 0, 500'000'000'000, {}}}});
    world.run_block();
    EXPECT_EQ(cluster(0).state.root(), cluster(1).state.root());
    for (const auto& record : std::views::reverse(world.workers[0].report.records))
      if (const auto* output = record.get_if<record::MessageOutput>()) {
        const auto result = engine::decode_call_result(ByteView(output->output).first(output->output.size() - 1)   /* the first bytes of the command follow: one */);
        EXPECT_TRUE(result && result->result);
        return result && result->result ? result->result->data : Bytes{};
      }
    return {};
  }
  void name(u16 version, Bytes wasm) { world.operate(protocol::SystemCode{version, std::move(wasm)}); }
};

TEST_F(UpgradeTest, the_system_contract_becomes_what_the_chain_named_last_and_keeps_its_state) {
  world.launch();
  world.deploy_cluster(first_version());
  answer({7});
  answer({1});   // nothing newer than the code of its birth
  EXPECT_EQ(code(), crypto::blake2_256(first_version()));
  name(2, next_version(2));
  world.run_block();
  EXPECT_EQ(code(), crypto::blake2_256(first_version()));   // nothing happens by itself
  // a restart in between loses nothing of it
  for (auto& w : world.workers) w.machine = *machine_from(image_of(w.machine));
  answer({1});
  EXPECT_EQ(code(), crypto::blake2_256(next_version(2)));
  EXPECT_EQ(answer({9}), (Bytes{2, 7}));
  name(4, next_version(4));
  name(3, next_version(3));   // late
  world.run_block();
  EXPECT_EQ(world.workers[0].report.notes.back().error.message, "system code 3 is not newer than 4");
  answer({1});
  EXPECT_EQ(answer({9}), (Bytes{4, 7}));
}

TEST_F(UpgradeTest, code_that_was_named_while_a_cluster_was_being_made_is_not_missed) {
  world.launch();
  name(2, next_version(2));
  world.run_block();
  EXPECT_FALSE(world.workers[0].machine.cluster.has_value());
  for (auto& w : world.workers) w.machine = *machine_from(image_of(w.machine));
  world.deploy_cluster(first_version());
  EXPECT_EQ(code(), crypto::blake2_256(first_version()));
  answer({7});
  answer({1});
  EXPECT_EQ(answer({9}), (Bytes{2, 7}));
}

TEST_F(UpgradeTest, only_the_pallet_names_code) {
  world.launch();
  world.deploy_cluster(first_version());
  world.say(user(0xa1), as_bytes(protocol::topic::cluster_operation), scale::encode(protocol::ClusterOperation(protocol::SystemCode{9, next_version(9)})));
  world.run_block();
  answer({1});
  EXPECT_EQ(code(), crypto::blake2_256(first_version()));
}

}  // namespace
}  // namespace phala::worker

// A cluster goes from one contract runtime to another while it runs: what it held it holds, what is new begins to answer, and a worker that lived
// through it, one that was restarted anywhere and one that began from an image are the same. What a build lacks stops it and harms nothing.
#include <gtest/gtest.h>

#include "core/query.hpp"
#include "core/test_world.hpp"
#include "crypto/hash.hpp"

namespace phala::worker {
namespace {

using namespace test;
using engine::RuntimeVersion;

constexpr RuntimeVersion newer{1, 3};   // as a build after this one would have
const AccountId alice(Bytes(32, 0xa1));

/// As a system contract: its input is a pink event.
Bytes emitter_code() {
  static const Bytes code =
      engine::test::contract(engine::test::answering("(call $seal0.deposit_event (i32.const 0x300) (i32.const 33) (i32.const 0x1000) (local.get $n))") +
                             R"((data (i32.const 0x300) "\04@phala.pink.event"))");
  return code;
}
/// Input of four bytes: answers what the chain extension function of that number does, without arguments. Longer: keeps it, and gives back what it
/// kept before.
Bytes asker_code() {
  static const Bytes code = engine::test::contract(engine::test::answering(R"(
    (i32.store (i32.const 0xff0) (i32.const 0x1000))
    (if (i32.eq (local.get $n) (i32.const 4))
      (then
        (drop (call $seal0.call_chain_extension (i32.load (i32.const 0x1000)) (i32.const 0) (i32.const 0) (i32.const 0x2000) (i32.const 0xff0)))
        (local.set $end (i32.add (i32.const 0x2000) (i32.load (i32.const 0xff0)))))
      (else
        (local.set $a (call $seal1.get_storage (i32.const 0x300) (i32.const 1) (i32.const 0x2000) (i32.const 0xff0)))
        (if (i32.eqz (local.get $a)) (then (local.set $end (i32.add (i32.const 0x2000) (i32.load (i32.const 0xff0))))))
        (drop (call $seal2.set_storage (i32.const 0x300) (i32.const 1) (i32.const 0x1000) (local.get $n))))))"));
  return code;
}
constexpr u32 runtime_version_fn = 21, event_chain_fn = 23, quote_fn = 25;

struct RuntimeUpgrade : testing::Test {
  World world{3};
  protocol::ContractId asker;
  std::vector<Image> disk{3};

  /// Worker 1 is read back from its image before every block; worker 2's is what its differences made on disk.
  void start(RuntimeVersion version) {
    for (size_t i = 0; i < 3; ++i) disk[i] = image_of(world.workers[i].machine);
    world.watch = [&](size_t i, const Machine& before, const Dispatched& after) {
      for (const auto& [key, value] : difference(before, after.machine, after.cluster_diff)) {
        if (value) disk[i][key] = *value;
        else disk[i].erase(key);
      }
    };
    world.launch();
    world.deploy_cluster(emitter_code(), version);
    world.operate(protocol::UploadResource{alice, world.cluster, protocol::ResourceType::ink_code, asker_code()});
    asker = world.instantiate(crypto::blake2_256(asker_code()));
    world.operate(protocol::Deposit{world.cluster, asker.as<AccountId>(), 12'345});
    run_block();
    ASSERT_TRUE(cluster().contracts.contains(asker));
  }
  const Cluster& cluster(size_t worker = 0) const { return *world.workers[worker].machine.cluster; }
  RuntimeVersion version(size_t worker = 0) const { return *cluster(worker).state.runtime_version(); }
  Machine restarted(size_t worker) const {
    auto machine = machine_from(disk[worker]);
    EXPECT_TRUE(machine.has_value()) << machine.error().text();
    return std::move(*machine);
  }
  void run_block() {
    world.workers[1].machine = restarted(1);
    world.run_block();
    expect_one_state();
  }
  void expect_one_state() const {
    for (size_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(world.workers[i].machine.cluster.has_value());
      EXPECT_EQ(cluster(i).state.root(), cluster(0).state.root());
      EXPECT_EQ(version(i), version(0));
    }
  }
  void send(const protocol::ContractId& to, Bytes input, const MessageOrigin& from = user(0xa1)) {
    world.command(to, protocol::PlainCommand{protocol::InkCommand{protocol::InkMessage{Bytes(32, 5), std::move(input), 0, 100'000'000'000, {}}}}, from);
  }
  void ask_for(RuntimeVersion wanted) { send(*cluster().system_contract(), scale::encode(engine::PinkEvent(engine::UpgradeRuntimeTo{wanted}))); }
  void name(RuntimeVersion released) { world.operate(protocol::ContractRuntime{released}); }
  void forget() {
    for (auto& w : world.workers) w.report = {};
  }
  /// What commands answered since `forget`, in order: bytes, or the name of the error.
  std::vector<std::string> answers(size_t worker = 0) const {
    std::vector<std::string> out;
    for (const auto& record : world.workers[worker].report.records)
      if (const auto* output = record.get_if<record::MessageOutput>()) {
        const auto result = engine::decode_call_result(ByteView(output->output).first(output->output.size() - 4));
        out.push_back(!result ? "?" : result->result ? to_hex(result->result->data) : engine::to_string(result->result.error()));
      }
    return out;
  }
  std::string answer(Bytes input) {
    forget();
    send(asker, std::move(input));
    run_block();
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(answers(i), answers(0));
    return answers().size() == 1 ? answers()[0] : "none";
  }
  std::string answer(u32 function) { return answer(scale::encode(function)); }
  std::string query(u32 function, size_t worker = 0) const {
    const auto& machine = world.workers[worker].machine;
    const QuerySnapshot snapshot = snapshot_of(machine);
    OpenQuery open{};
    open.content.contract = asker;
    open.content.query = query::InkMessage{scale::encode(function), 0, 0, false};
    open.origin = alice;
    const auto run = run_query(engine::test::shared_engine(), snapshot, world.key(worker), open, nullptr, [](auto&&...) { return std::string{}; });
    if (!run) return run.error().text();
    const auto result = engine::decode_call_result(*run->answer);
    return !result ? "?" : result->result ? to_hex(result->result->data) : engine::to_string(result->result.error());
  }
  std::vector<std::string> notes(size_t worker = 0) const {
    std::vector<std::string> out;
    for (const auto& note : world.workers[worker].report.notes) out.push_back(note.topic + ": " + note.error.text());
    return out;
  }
  std::vector<record::Log> logs() const {
    std::vector<record::Log> out;
    for (const auto& record : world.workers[0].report.records)
      if (const auto* log = record.get_if<record::Log>()) out.push_back(*log);
    return out;
  }
};

std::string hex_of(RuntimeVersion version) { return to_hex(scale::encode(version)); }
const std::string unknown = "Pink::UnknownChainExtensionFunction";

TEST_F(RuntimeUpgrade, keeps_everything_and_brings_what_is_new) {
  start({1, 1});
  EXPECT_EQ(answer(Bytes{1, 2, 3, 4, 5}), "");
  EXPECT_EQ(answer(runtime_version_fn), hex_of({1, 1}));
  EXPECT_EQ(query(runtime_version_fn), hex_of({1, 1}));
  EXPECT_EQ(answer(quote_fn), unknown);
  EXPECT_EQ(query(quote_fn), unknown);
  const auto before = cluster().state;
  const auto contracts = cluster().contracts;
  forget();
  ask_for({1, 2});
  run_block();
  EXPECT_EQ(version(), (RuntimeVersion{1, 2}));
  ASSERT_EQ(logs().size(), 1u);
  EXPECT_EQ(logs()[0].message, "contract runtime 1.2 from now on, 1.1 before");
  EXPECT_EQ(logs()[0].contract, *cluster().system_contract());
  EXPECT_TRUE(notes().empty()) << notes()[0];
  // all there is, but for what the message itself paid and chained
  EXPECT_TRUE(cluster().contracts == contracts);
  before.for_each([&](ByteView key, ByteView value) {
    if (key[0] != 'b' && key[0] != 'e' && key[0] != 'r') EXPECT_EQ(to_bytes(cluster().state.get(key).value_or(ByteView{})), to_bytes(value)) << to_hex(key);
  });
  EXPECT_EQ(cluster().state.account(asker.as<AccountId>()), before.account(asker.as<AccountId>()));
  EXPECT_EQ(cluster().state.event_chain_head().next_number, before.event_chain_head().next_number + 1);
  EXPECT_EQ(answer(runtime_version_fn), hex_of({1, 2}));
  EXPECT_EQ(answer(quote_fn), "00");   // none, but it answers
  EXPECT_EQ(answer(Bytes{6, 7, 8, 9, 10}), "0102030405");
  // a worker that begins now, from what another has on disk
  world.workers[2].machine = restarted(0);
  EXPECT_EQ(answer(Bytes{1, 1, 1, 1, 1}), "060708090a");
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(query(runtime_version_fn, i), hex_of({1, 2}));
    EXPECT_EQ(query(quote_fn, i), "00");
  }
}

TEST_F(RuntimeUpgrade, counts_from_the_next_message_on) {
  start({1, 0});
  forget();
  send(asker, scale::encode(event_chain_fn));
  send(asker, scale::encode(runtime_version_fn));
  ask_for({1, 1});
  send(asker, scale::encode(event_chain_fn));
  send(asker, scale::encode(quote_fn));
  ask_for({1, 2});
  send(asker, scale::encode(quote_fn));
  send(asker, scale::encode(runtime_version_fn));
  run_block();   // all of it in one block
  EXPECT_EQ(answers(), (std::vector<std::string>{unknown, hex_of({1, 0}), "", to_hex(scale::encode(u64{0}, Hash{})), unknown, "", "00", hex_of({1, 2})}));
}

TEST_F(RuntimeUpgrade, never_goes_back) {
  start({1, 1});
  for (const RuntimeVersion wanted : {RuntimeVersion{1, 0}, {1, 1}, {0, 9}}) ask_for(wanted);
  forget();
  run_block();
  EXPECT_EQ(version(), (RuntimeVersion{1, 1}));
  EXPECT_TRUE(notes().empty()) << notes()[0];
  EXPECT_TRUE(logs().empty());
}

TEST_F(RuntimeUpgrade, is_the_system_contracts_to_ask_for) {
  start({1, 1});
  world.operate(protocol::Deposit{world.cluster, AccountId(Bytes(32, 0xa2)), 1'000'000'000'000'000});
  const auto other = world.instantiate(crypto::blake2_256(emitter_code()), {}, 0xa2);   // equal code, another contract
  run_block();
  ASSERT_TRUE(cluster().contracts.contains(other));
  forget();
  send(other, scale::encode(engine::PinkEvent(engine::UpgradeRuntimeTo{{1, 2}})));
  run_block();
  EXPECT_EQ(answers(), std::vector<std::string>{""});   // it ran
  EXPECT_EQ(version(), (RuntimeVersion{1, 1}));
}

TEST_F(RuntimeUpgrade, to_what_is_not_released_is_refused_and_the_cluster_goes_on) {
  start({1, 1});
  answer(Bytes{1, 2, 3, 4, 5});
  forget();
  ask_for(newer);
  run_block();
  const std::string why = "contract runtime 1.3 is not released: the chain names none, and this cluster runs 1.1";
  EXPECT_EQ(answers(), std::vector<std::string>{"Other"});
  ASSERT_EQ(notes().size(), 1u);
  EXPECT_TRUE(notes()[0].ends_with(why)) << notes()[0];
  ASSERT_EQ(logs().size(), 1u);
  EXPECT_EQ(logs()[0].message, why);
  EXPECT_EQ(version(), (RuntimeVersion{1, 1}));
  EXPECT_EQ(answer(Bytes{6, 7, 8, 9, 10}), "0102030405");
}

TEST_F(RuntimeUpgrade, to_what_is_released_but_not_here_stops_the_worker_before_the_block) {
  start({1, 1});
  forget();
  name(newer);
  run_block();
  // a warning in time
  const std::string warning = "the chain names contract runtime 1.3, which this build does not have (install a worker that has it before a cluster is upgraded)";
  EXPECT_EQ(notes(), std::vector{std::string(protocol::topic::cluster_operation) + ": " + warning});
  EXPECT_EQ(answer(Bytes{1, 2, 3, 4, 5}), "");   // nothing happens by itself
  ask_for(newer);
  send(asker, Bytes{6, 7, 8, 9, 10});
  const light::Batch batch = world.seal_block();
  const BlockNumber block = batch.headers.back().number;
  for (size_t i = 0; i < 3; ++i) {
    const Worker& w = world.workers[i];
    const Machine machine = restarted(i);   // a restart still knows what was named
    const Image before = image_of(machine);
    for (const Machine* m : {&w.machine, &machine}) {
      const auto done = dispatch(*m, world.turn(w), batch);
      ASSERT_FALSE(done.has_value());
      EXPECT_EQ(done.error().code, ErrorCode::unavailable);
      EXPECT_EQ(done.error().text(), "block " + std::to_string(block) + ": upgrade of cluster " + to_hex0x(world.cluster) +
                                         ": the cluster needs contract runtime 1.3; this build has 1.0, 1.1, 1.2 "
                                         "(install a worker that has it and start it on the same folder; nothing was changed)");
    }
    EXPECT_EQ(image_of(w.machine), before);
  }
}

TEST_F(RuntimeUpgrade, is_named_by_the_chain_alone_and_may_be_withdrawn) {
  start({1, 1});
  forget();
  world.say(user(0xa1), as_bytes(protocol::topic::cluster_operation), scale::encode(protocol::ClusterOperation(protocol::ContractRuntime{newer})));
  run_block();
  ASSERT_EQ(notes().size(), 1u);
  EXPECT_FALSE(world.workers[0].machine.named_runtime.has_value());
  name(newer);
  name({1, 2});
  run_block();
  EXPECT_EQ(world.workers[1].machine.named_runtime, (RuntimeVersion{1, 2}));
  forget();
  ask_for(newer);
  ask_for({1, 2});
  run_block();
  EXPECT_EQ(answers(), (std::vector<std::string>{"Other", ""}));
  EXPECT_EQ(version(), (RuntimeVersion{1, 2}));
}

TEST_F(RuntimeUpgrade, a_state_of_a_newer_build_is_not_opened) {
  start({1, 2});
  // what a build with 1.3 leaves on disk
  Image image = disk[0];
  ASSERT_TRUE(image.contains(concat(Bytes{'s'}, engine::key::runtime_version())));
  image[concat(Bytes{'s'}, engine::key::runtime_version())] = scale::encode(newer);
  const auto opened = machine_from(image);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::unavailable);   // not `corrupted`: nothing is to be repaired
  EXPECT_EQ(opened.error().text(), "worker state: cluster " + to_hex0x(world.cluster) +
                                       ": the cluster needs contract runtime 1.3; this build has 1.0, 1.1, 1.2 "
                                       "(install a worker that has it and start it on the same folder; nothing was changed)");
  image.erase(concat(Bytes{'s'}, engine::key::runtime_version()));
  EXPECT_EQ(machine_from(image).error().code, ErrorCode::corrupted);
}

TEST_F(RuntimeUpgrade, a_cluster_of_a_version_that_is_not_here_is_not_made) {
  world.launch();
  world.deploy_cluster(emitter_code(), newer);
  EXPECT_FALSE(world.workers[0].machine.cluster.has_value());
  ASSERT_FALSE(notes().empty());
  EXPECT_NE(notes().back().find("the cluster needs contract runtime 1.3; this build has 1.0, 1.1, 1.2 (install a worker that has it before the cluster is made)"),
            std::string::npos)
      << notes().back();
  const auto failed = protocol::WorkerClusterReport(protocol::ClusterDeploymentFailed{world.cluster});
  EXPECT_TRUE(std::any_of(world.taken.begin(), world.taken.end(), [&](const SignedMessage& m) { return m.message.payload == scale::encode(failed); }));
}

}  // namespace
}  // namespace phala::worker

#include "core/machine.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "core/test_world.hpp"
#include "crypto/hash.hpp"

namespace phala::worker {
namespace {

using namespace test;

Bytes system_code() { return engine::test::contract(""); }
/// Stores its input's bytes from the fourth on, and answers with what was stored before.
Bytes keeper_code() {
  static const Bytes code = engine::test::contract(engine::test::answering(R"(
    (i32.store (i32.const 0x3000) (i32.const 4096))
    (local.set $a (call $seal0.get_storage (i32.const 0x100) (i32.const 0x2000) (i32.const 0x3000)))
    (if (i32.eqz (local.get $a)) (then (local.set $end (i32.add (i32.const 0x2000) (i32.load (i32.const 0x3000))))))
    (call $seal0.set_storage (i32.const 0x100) (i32.const 0x1004) (i32.sub (local.get $n) (i32.const 4))))"));
  return code;
}
protocol::CommandPayload plain(Bytes message, u8 nonce = 5) {
  return protocol::PlainCommand{protocol::InkCommand{protocol::InkMessage{Bytes(32, nonce), std::move(message), 0, 100'000'000'000, {}}}};
}
void expect_one_state(const World& world) {
  for (const auto& w : world.workers) {
    ASSERT_TRUE(w.machine.cluster.has_value());
    EXPECT_EQ(w.machine.cluster->state.root(), world.workers[0].machine.cluster->state.root());
    EXPECT_TRUE(w.machine.cluster->contracts == world.workers[0].machine.cluster->contracts);
  }
}
/// The last answer of a contract to a command.
std::optional<record::MessageOutput> last_output(const World& world, size_t worker = 0) {
  std::optional<record::MessageOutput> out;
  for (const auto& r : world.workers[worker].report.records)
    if (const auto* o = r.get_if<record::MessageOutput>()) out = *o;
  return out;
}
Bytes data_of(const record::MessageOutput& output) {
  const auto result = engine::decode_call_result(ByteView(output.output).first(output.output.size() - 4));
  return result && result->result ? result->result->data : Bytes{0xff};
}

struct Running : testing::Test {
  World world{3};
  protocol::ContractId keeper;
  void SetUp() override {
    world.launch();
    world.deploy_cluster(system_code());
    world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xa1)), world.cluster, protocol::ResourceType::ink_code, keeper_code()});
    keeper = world.instantiate(crypto::blake2_256(keeper_code()));
    world.run_blocks(2);
  }
};

TEST_F(Running, a_cluster_comes_up_on_all_its_workers_and_reports) {
  expect_one_state(world);
  size_t deployed = 0, system_keys = 0, contract_keys = 0;
  for (const auto& m : world.taken) {
    const auto topic = as_text(m.message.destination);
    if (topic == protocol::topic::worker_cluster_report) {
      const auto event = scale::decode<protocol::WorkerClusterReport>(m.message.payload);
      deployed += event->get_if<protocol::ClusterDeployed>()->pubkey == world.workers[0].machine.cluster->key->public_key();
    } else if (topic == protocol::topic::contract_registry_event) {
      const auto event = *scale::decode<protocol::ContractRegistryEvent>(m.message.payload)->get_if<protocol::ContractPubkeyAvailable>();
      EXPECT_EQ(event.pubkey, contract_key(*world.workers[1].machine.cluster->key, event.contract).public_key());
      (event.contract == keeper ? contract_keys : system_keys) += 1;
      EXPECT_TRUE(crypto::sr25519_verify(crypto::Signature(m.signature), signed_bytes(m.message, m.sequence), world.workers[0].machine.cluster->key->public_key()));
    }
  }
  EXPECT_EQ(deployed, 3u);
  EXPECT_EQ(system_keys, 1u);
  EXPECT_EQ(contract_keys, 1u);
  for (const auto& w : world.workers) EXPECT_TRUE(w.report.notes.empty()) << w.report.notes[0].error.text();
}

TEST_F(Running, plain_and_encrypted_commands_change_the_same_state_everywhere) {
  world.command(keeper, plain(to_bytes("\x01\x02\x03\x04one")));
  world.run_block();
  const auto asker = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 77)));
  const auto secret = *asker.agree(contract_key(*world.workers[0].machine.cluster->key, keeper).public_key());
  const crypto::Iv iv(Bytes(12, 3));
  const Bytes command = scale::encode(plain(to_bytes("\x01\x02\x03\x04two")).get_if<protocol::PlainCommand>()->command);
  world.command(keeper, protocol::EncryptedCommand{{iv.as<FixedBytes<12>>(), asker.public_key(), crypto::aes256gcm_seal(secret, iv, command)}}, user(0xa1));
  world.run_block();
  for (size_t i = 0; i < 3; ++i) {
    const auto output = last_output(world, i);
    ASSERT_TRUE(output.has_value());
    EXPECT_EQ(as_text(data_of(*output)), "one");
    EXPECT_EQ(output->origin, Hash(Bytes(32, 0xa1)));
    EXPECT_EQ(output->nonce, Bytes(32, 5));
    EXPECT_EQ(to_hex(ByteView(output->output).last(4)), "01020304");
  }
  expect_one_state(world);
}

TEST_F(Running, deposits_pay_for_gas) {
  const AccountId poor(Bytes(32, 0x10));
  world.command(keeper, plain({1, 2, 3, 4, 5}), MessageOrigin::account(poor));
  world.run_block();
  EXPECT_FALSE(world.workers[0].report.notes.empty());
  world.workers[0].report.notes.clear();
  world.operate(protocol::Deposit{world.cluster, poor, 1'000'000'000'000});
  world.command(keeper, plain({1, 2, 3, 4, 5}), MessageOrigin::account(poor));
  world.run_block();
  EXPECT_TRUE(world.workers[0].report.notes.empty());
  EXPECT_LT(world.workers[0].machine.cluster->state.account(poor).free, 1'000'000'000'000u);
  expect_one_state(world);
}

TEST_F(Running, wrong_messages_are_noted_by_name_and_change_nothing) {
  const Hash before = world.workers[0].machine.cluster->state.root();
  const auto noted = [&](const char* what) {
    world.run_block();
    for (auto& w : world.workers) {
      EXPECT_FALSE(w.report.notes.empty()) << what;
      w.report.notes.clear();
    }
    EXPECT_EQ(world.workers[0].machine.cluster->state.root(), before) << what;
  };
  world.command(keeper, plain({1, 2, 3, 4}), gatekeepers);
  noted("a command of the gatekeepers");
  world.say(user(0xa1), protocol::contract_command_topic(keeper), {9, 9});
  noted("a command that does not decode");
  world.command(keeper, protocol::EncryptedCommand{{{}, world.key(0), Bytes(40, 1)}});
  noted("a command that does not decrypt");
  auto long_nonce = plain({1, 2, 3, 4});
  long_nonce.get_if<protocol::PlainCommand>()->command.get_if<protocol::InkMessage>()->nonce = Bytes(33, 0);
  world.command(keeper, long_nonce);
  noted("a nonce that is too long");
  world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xa1)), world.cluster, protocol::ResourceType::ink_code, {0, 'a', 's', 'm'}});
  noted("code that is no code");
  world.say(user(1), as_bytes(protocol::topic::cluster_operation), scale::encode(protocol::ClusterOperation(protocol::DestroyCluster{world.cluster})));
  noted("an order by a user");
  world.say(pallet, as_bytes(protocol::topic::cluster_operation), {7, 7, 7});
  noted("an order that does not decode");
}

TEST_F(Running, a_short_command_is_only_a_failed_call) {
  // fewer bytes than a selector: the original's workers crash on this
  world.command(keeper, plain({}));
  world.command(keeper, plain({1}));
  world.run_block();
  EXPECT_EQ(last_output(world)->contract, keeper);
  expect_one_state(world);
}

TEST_F(Running, a_failed_instantiation_tells_its_waiting_deployer) {
  const auto id = world.instantiate(Hash(Bytes(32, 0xcc)));
  world.run_block();
  const auto* log = world.workers[0].report.records.back().get_if<record::Log>();
  ASSERT_NE(log, nullptr);
  EXPECT_EQ(log->contract, id);
  EXPECT_TRUE(log->message.starts_with("instantiate failed"));
  expect_one_state(world);
}

TEST_F(Running, leaving_a_cluster_leaves_nothing_behind) {
  world.operate(protocol::RemoveWorker{world.cluster, world.key(1)});
  world.run_block();
  EXPECT_FALSE(world.workers[1].machine.cluster.has_value());
  EXPECT_TRUE(world.workers[0].machine.cluster.has_value());
  for (const auto& [key, value] : image_of(world.workers[1].machine)) EXPECT_FALSE(key[0] == 's' || key[0] == 'k' || key[0] == 'p' || key[0] == 'e');
  world.operate(protocol::DestroyCluster{world.cluster});
  world.run_block();
  EXPECT_FALSE(world.workers[0].machine.cluster.has_value());
}

TEST_F(Running, messages_stay_until_the_chain_is_proven_to_have_them) {
  EXPECT_GT(pending(world.workers[0].machine.egress), 0u);
  world.settle_all();
  // what the last block said is not in the proven state yet; everything else is gone
  for (const auto& w : world.workers)
    for (const auto& [sender, channel] : w.machine.egress)
      for (const auto& m : channel.messages) EXPECT_GE(m.sequence + 1, world.next[sender]);
  world.run_blocks(1);
  world.settle_all();
  EXPECT_FALSE(settle_at_tip(world.workers[0].machine, world.config, world.key(0), std::vector<Bytes>{}).has_value());
}

/// A relay may bring any proof it likes; only the genuine one of the tip's own state counts.
TEST_F(Running, no_altered_foreign_or_older_proof_settles_anything) {
  Worker& w = world.workers[0];
  const trie::MemoryTrie older = world.last_state;
  world.facts[Bytes{9}] = {1};   // something happens on the chain
  world.run_block();
  const Image before = image_of(w.machine);
  const auto refused = [&](std::vector<Bytes> proof, const std::string& what) {
    const auto settled = settle_at_tip(w.machine, world.config, world.key(0), proof);
    EXPECT_FALSE(settled.has_value()) << what;
    EXPECT_EQ(image_of(w.machine), before) << what;
  };
  const auto genuine = world.proof_for(w);
  ASSERT_TRUE(settle_at_tip(w.machine, world.config, world.key(0), genuine).has_value());
  for (size_t node = 0; node < genuine.size(); ++node)
    for (size_t at = 0; at < genuine[node].size(); ++at) {
      auto altered = genuine;
      altered[node][at] ^= 1;
      refused(altered, "node " + std::to_string(node) + " byte " + std::to_string(at));
    }
  for (size_t node = 0; node < genuine.size(); ++node) {
    auto dropped = genuine;
    dropped.erase(dropped.begin() + static_cast<long>(node));
    refused(dropped, "without node " + std::to_string(node));
  }
  refused(world.proof_for(w, &older), "the state of an older block");
  World foreign(3);
  foreign.sealer = crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 51)));
  foreign.next = world.next;
  for (auto& [sender, next] : foreign.next) next += 1000;   // a chain that would have taken everything
  const auto lie = foreign.state();
  refused(world.proof_for(w, &lie), "the state of another chain");
  refused({}, "no proof");
}

TEST_F(Running, a_batch_of_another_chain_or_an_older_root_is_refused) {
  Worker& w = world.workers[0];
  const auto again = world.seal_block();
  ASSERT_TRUE(dispatch(w.machine, world.turn(w), again).has_value());
  w.machine = std::move(dispatch(w.machine, world.turn(w), again)->machine);
  const Image before = image_of(w.machine);
  const auto refused = [&](const light::Batch& batch, const char* what) {
    EXPECT_EQ(dispatch(w.machine, world.turn(w), batch).error().code, ErrorCode::refused) << what;
    EXPECT_EQ(image_of(w.machine), before) << what;
  };
  refused(again, "a block twice");
  auto next = world.seal_block();
  auto root = next;
  root.headers[0].state_root = trie::MemoryTrie{}.root();
  refused(root, "another state root");
  root.finality = light::seal(crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 51))), root.headers[0].hash());
  refused(root, "another state root under another sealer");
  EXPECT_TRUE(dispatch(w.machine, world.turn(w), next).has_value());
}

TEST_F(Running, a_stream_that_is_behind_goes_on_where_the_chain_is) {
  world.next[origin::Worker{world.key(2)}] = 40;
  world.run_block();
  world.settle_all();
  const auto& channel = world.workers[2].machine.egress[origin::Worker{world.key(2)}];
  EXPECT_EQ(channel.next_sequence, 40u);
  EXPECT_TRUE(channel.messages.empty());
}

TEST_F(Running, what_the_log_shows_to_be_taken_needs_no_proof) {
  // a gatekeeper that replays the log makes all messages anew; without a single proof they must not pile up
  for (int i = 0; i < 60; ++i) {
    world.run_block();
    const auto& channel = world.workers[0].machine.egress[gatekeepers];
    EXPECT_LE(channel.messages.size(), 1u) << "block " << world.head.number;
  }
  EXPECT_GE(world.workers[0].machine.egress[gatekeepers].next_sequence, 12u);
  // somebody else's words with the same content let go of nothing
  Egress egress;
  push(egress, gatekeepers, world.workers[0].identity, "phala/gatekeeper/event", {1});
  push(egress, gatekeepers, world.workers[0].identity, "phala/gatekeeper/event", {2});
  settle_logged(egress, {user(1), to_bytes(std::string_view("phala/gatekeeper/event")), {2}});
  settle_logged(egress, {gatekeepers, to_bytes(std::string_view("phala/gatekeeper/event")), {3}});
  EXPECT_EQ(pending(egress), 2u);
  settle_logged(egress, {gatekeepers, to_bytes(std::string_view("phala/gatekeeper/event")), {2}});
  EXPECT_EQ(pending(egress), 0u);
}

TEST(EgressTest, a_carrier_gets_the_beginning_of_every_stream) {
  const auto pair = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 1)));
  Egress egress;
  for (int i = 0; i < 1500; ++i) push(egress, gatekeepers, pair, "phala/gatekeeper/event", {1});
  push(egress, origin::Cluster{}, pair, "^phala/registry/contract", Bytes(max_carried_bytes + 1));   // alone longer than the limit
  push(egress, origin::Cluster{}, pair, "^phala/registry/contract", {2});
  push(egress, origin::Worker{pair.public_key()}, pair, "phala/mining/report", {3});
  const auto carried = first_messages(egress);
  EXPECT_TRUE(carried.more);
  std::map<MessageOrigin, size_t> sizes;
  for (const auto& [sender, messages] : carried.streams) {
    sizes[sender] = messages.size();
    for (size_t i = 0; i < messages.size(); ++i) EXPECT_EQ(messages[i].sequence, i);
  }
  EXPECT_EQ(sizes[gatekeepers], max_carried_messages);
  EXPECT_EQ(sizes[origin::Cluster{}], 1u);
  EXPECT_EQ(sizes[origin::Worker{pair.public_key()}], 1u);
  settle(egress, gatekeepers, 1499);
  settle(egress, origin::Cluster{}, 1);
  EXPECT_FALSE(first_messages(egress).more);
}

TEST(MachineTest, differences_of_many_waiting_messages_are_the_changes_alone) {
  const auto pair = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 1)));
  World world(1);
  Machine before = world.workers[0].machine;
  Channel& stream = before.egress[gatekeepers];
  for (u64 i = 0; i < 50'000; ++i) stream.messages.push_back({{gatekeepers, {1}, {2}}, i, Bytes(64, 1)});
  stream.next_sequence = 50'000;
  Machine after = before;
  push(after.egress, gatekeepers, pair, "x", {3});
  settle(after.egress, gatekeepers, 2);
  after.egress[gatekeepers].messages[5].signature = Bytes(64, 2);   // signed anew
  const auto begin = std::chrono::steady_clock::now();
  const auto changes = difference(before, after, {});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));   // one against all others would take minutes
  EXPECT_EQ(changes.size(), 5u);   // two gone, one changed, one new, the next number
  Image image = image_of(before);
  for (const auto& [key, value] : changes) {
    if (value) image[key] = *value;
    else image.erase(key);
  }
  EXPECT_EQ(image, image_of(after));
}

/// Property: whatever happens, differences rebuild the image, and the image rebuilds the machine.
TEST(MachineTest, differences_and_images_tell_everything) {
  World world(2);
  std::vector<Image> disk;
  for (const auto& w : world.workers) disk.push_back(image_of(w.machine));
  world.watch = [&](size_t i, const Machine& before, const Dispatched& after) {
    for (const auto& [key, value] : difference(before, after.machine, after.cluster_diff)) {
      if (value) disk[i][key] = *value;
      else disk[i].erase(key);
    }
    ASSERT_EQ(disk[i], image_of(after.machine)) << "block " << after.machine.tip.number;
    const auto back = machine_from(disk[i]);
    ASSERT_TRUE(back.has_value()) << back.error().text();
    EXPECT_EQ(image_of(*back), disk[i]);
  };
  world.launch();
  world.deploy_cluster(system_code());
  world.operate(protocol::UploadResource{AccountId(Bytes(32, 0xa1)), world.cluster, protocol::ResourceType::ink_code, keeper_code()});
  const auto keeper = world.instantiate(crypto::blake2_256(keeper_code()));
  world.run_blocks(2);
  for (u8 i = 0; i < 6; ++i) {
    world.command(keeper, plain(Bytes(4 + i * 9, i)));
    world.run_block();
  }
  world.pallet_says(protocol::topic::gatekeeper_change, protocol::GatekeeperChange(protocol::GatekeeperRegistered{world.key(1), world.key(1)}));
  world.run_blocks(7);
  world.operate(protocol::RemoveWorker{world.cluster, world.key(1)});
  world.run_blocks(2);
  world.operate(protocol::DestroyCluster{world.cluster});
  world.run_blocks(2);
  EXPECT_EQ(world.workers[1].machine.gatekeeper.role(world.key(1)), GatekeeperRole::active);
}

TEST(MachineTest, a_worker_that_starts_over_from_its_image_says_the_same) {
  World world(1), other(1);
  for (World* w : {&world, &other}) {
    w->launch();
    w->deploy_cluster(system_code());
  }
  other.workers[0].machine = *machine_from(image_of(other.workers[0].machine));
  for (World* w : {&world, &other}) w->run_blocks(6);
  EXPECT_EQ(image_of(world.workers[0].machine), image_of(other.workers[0].machine));
}

TEST(MachineTest, damaged_images_are_refused_by_name) {
  World world(1);
  world.launch();
  world.deploy_cluster(system_code());
  const Image image = image_of(world.workers[0].machine);
  for (const auto& [key, value] : image) {
    if (key[0] == 's') continue;   // the cluster's own values are the engine's
    Image cut = image;
    cut[key].pop_back();
    if (key[0] != 'p') EXPECT_EQ(machine_from(cut).error().code, ErrorCode::corrupted) << static_cast<char>(key[0]);
  }
  Image unknown = image;
  unknown[Bytes{'?'}] = {};
  EXPECT_FALSE(machine_from(unknown).has_value());
  EXPECT_FALSE(machine_from({}).has_value());
}

TEST(MachineTest, no_garbage_on_any_topic_stops_a_worker) {
  World world(2);
  world.launch();
  world.deploy_cluster(system_code());
  std::mt19937 random(5);
  const std::string_view topics[] = {protocol::topic::system_event, protocol::topic::gatekeeper_launch, protocol::topic::gatekeeper_change, protocol::topic::key_distribution,
                                     protocol::topic::gatekeeper_event, protocol::topic::cluster_event, protocol::topic::cluster_operation, protocol::topic::contract_operation,
                                     "phala/contract/x/command", "phala/unknown"};
  const MessageOrigin senders[] = {pallet, gatekeepers, user(3), origin::Worker{world.key(0)}, origin::Cluster{world.cluster}, origin::Reserved{}};
  for (int round = 0; round < 400; ++round) {
    Bytes payload(random() % 120);
    for (auto& b : payload) b = static_cast<u8>(random() % 4 == 0 ? random() : random() % 3);
    world.say(senders[random() % 6], as_bytes(topics[random() % 10]), payload);
    if (round % 20 == 0) world.run_block();
  }
  world.run_block();
  EXPECT_GT(world.workers[0].report.notes.size(), 100u);
  expect_one_state(world);
}

TEST(MachineTest, keys_are_wiped_where_they_were_in_clear) {
  World world(1);
  world.launch();
  world.deploy_cluster(system_code());
  Image image = image_of(world.workers[0].machine);
  const auto& secret = world.workers[0].machine.cluster->key->secret();
  const auto holds = [&](const Bytes& bytes) { return to_hex(bytes).find(to_hex(secret.expose())) != std::string::npos; };
  EXPECT_TRUE(holds(image[Bytes{'k'}]));
  StateDiff diff(image.begin(), image.end());
  wipe_keys(image);
  wipe_keys(diff);
  for (const auto& [key, value] : image) EXPECT_FALSE(holds(value));
  for (const auto& [key, value] : diff) EXPECT_FALSE(holds(*value));
  for (const u8 kind : {'g', 'k'}) EXPECT_EQ(image[Bytes{kind}], Bytes(image[Bytes{kind}].size(), 0));
  EXPECT_NE(image[Bytes{'t'}], Bytes(image[Bytes{'t'}].size(), 0));
  // and a dispatch that changes no key writes none
  const Machine before = world.workers[0].machine;
  world.watch = [&](size_t, const Machine& old, const Dispatched& done) {
    for (const auto& [key, value] : difference(old, done.machine, done.cluster_diff)) EXPECT_FALSE(key[0] == 'g' || key[0] == 'k');
  };
  world.run_blocks(6);
}

// ---- versions the chain accepts -----------------------------------------------------------------------------------------

Bytes minimum(u32 major, u32 minor, u32 patch) { return scale::encode(std::tuple(major, minor, patch)); }

struct VersionTest : testing::Test {
  World world{1};
  Bytes minimum_key = requirement_keys()[0], consensus_key = requirement_keys()[1], allow_key = requirement_keys()[2];
  VersionTest() {
    world.config.build.version = 0x010203;
    world.launch();
  }
  Worker& worker() { return world.workers[0]; }
  Result<> serves() { return check_service(worker().machine.requirements, world.config.build, worker().machine.tip.number); }
  Result<Dispatched> next() { return dispatch(worker().machine, world.turn(worker()), world.seal_block()); }
};

TEST_F(VersionTest, keys_are_those_of_the_registry) {
  EXPECT_TRUE(starts_with(minimum_key, crypto::twox_128(as_bytes("PhalaRegistry"))));
  EXPECT_TRUE(same_bytes(ByteView(minimum_key).subspan(16), crypto::twox_128(as_bytes("MinimumPRuntimeVersion"))));
  EXPECT_TRUE(same_bytes(ByteView(consensus_key).subspan(16), crypto::twox_128(as_bytes("PRuntimeConsensusVersion"))));
  EXPECT_TRUE(same_bytes(ByteView(allow_key).subspan(16), crypto::twox_128(as_bytes("PRuntimeAllowList"))));
}

TEST_F(VersionTest, a_retired_version_processes_and_serves_nothing_and_says_to_upgrade) {
  world.facts[minimum_key] = minimum(1, 2, 3);
  world.settle_all();
  EXPECT_TRUE(serves().has_value()) << serves().error().text();   // as old as is still allowed
  world.facts[minimum_key] = minimum(1, 2, 4);
  world.settle_all();
  ASSERT_FALSE(serves().has_value());
  EXPECT_EQ(serves().error().code, ErrorCode::refused);
  EXPECT_NE(serves().error().text().find("version 1.2.3, the network requires 1.2.4"), std::string::npos) << serves().error().text();
  EXPECT_NE(serves().error().text().find("upgrade phala-worker"), std::string::npos);
  EXPECT_EQ(next().error().message, serves().error().message);
  // a restart does not help, an upgrade does
  worker().machine = *machine_from(image_of(worker().machine));
  EXPECT_FALSE(next().has_value());
  world.config.build.version = 0x010204;
  EXPECT_TRUE(serves().has_value());
}

TEST_F(VersionTest, a_hardware_measurement_on_the_allow_list_excuses_an_old_version) {
  world.facts[minimum_key] = minimum(9, 0, 0);
  world.facts[allow_key] = scale::encode(std::vector<Bytes>{Bytes(68, 1), concat(Bytes(32, 2), Bytes(36, 9))});
  world.config.build.enclave = Hash(Bytes(32, 2));
  world.settle_all();
  EXPECT_TRUE(serves().has_value());
  world.config.build.enclave = Hash(Bytes(32, 3));
  world.settle_all();
  EXPECT_FALSE(serves().has_value());
}

TEST_F(VersionTest, rules_it_does_not_know_stop_it_whoever_vouches_for_it) {
  world.config.build.enclave = Hash(Bytes(32, 2));
  world.facts[allow_key] = scale::encode(std::vector<Bytes>{Bytes(68, 2)});
  world.facts[consensus_key] = scale::encode(max_consensus_version + 1);
  world.settle_all();
  EXPECT_NE(serves().error().text().find("consensus version is 1, it knows 0"), std::string::npos) << serves().error().text();
  EXPECT_FALSE(next().has_value());
}

TEST_F(VersionTest, a_relay_can_delay_the_news_but_not_keep_it_back) {
  EXPECT_FALSE(serves().has_value());   // before the first proof nothing is shown
  EXPECT_EQ(serves().error().code, ErrorCode::unavailable);
  world.settle_all();
  world.facts[minimum_key] = minimum(9, 0, 0);
  const auto old_state = world.last_state;
  world.run_block();
  // a proof of the state before does not count, nor one without the key
  EXPECT_FALSE(settle_at_tip(worker().machine, world.config, world.key(0), world.proof_for(worker(), &old_state)).has_value());
  auto streams_only = settle_keys(worker().machine, world.key(0));
  streams_only.erase(streams_only.begin(), streams_only.begin() + 3);
  EXPECT_FALSE(settle_at_tip(worker().machine, world.config, world.key(0), trie::prove(world.last_state, streams_only)).has_value());
  // so it brings none: blocks are taken, and after a while nothing is shown any more
  world.run_blocks(static_cast<int>(max_unread_blocks) - 2);
  EXPECT_TRUE(serves().has_value());
  world.run_blocks(3);
  EXPECT_EQ(serves().error().code, ErrorCode::unavailable);
  EXPECT_NE(serves().error().text().find("which worker versions the network accepts"), std::string::npos);
  EXPECT_TRUE(next().has_value());   // history can always be caught up with
}

TEST_F(VersionTest, odd_values_are_errors_or_cannot_be_met) {
  world.facts[minimum_key] = minimum(0, 0, 0xffffffff);
  world.settle_all();
  EXPECT_TRUE(serves().has_value());   // 0.0.255 is below 1.2.3
  world.facts[minimum_key] = minimum(70'000, 0, 0);
  world.settle_all();
  EXPECT_FALSE(serves().has_value());
  world.config.build.version = 0xffffffff;
  world.facts[minimum_key] = {1, 2};
  world.run_block();
  EXPECT_NE(settle_at_tip(worker().machine, world.config, world.key(0), world.proof_for(worker())).error().text().find("MinimumPRuntimeVersion"), std::string::npos);
}

TEST(MachineTest, a_refused_batch_changes_nothing) {
  World world(1);
  world.launch();
  const Image before = image_of(world.workers[0].machine);
  auto batch = world.seal_block();
  batch.messages[0].now_ms += 1;
  EXPECT_EQ(dispatch(world.workers[0].machine, world.turn(world.workers[0]), batch).error().code, ErrorCode::refused);
  EXPECT_EQ(image_of(world.workers[0].machine), before);
}

TEST(MachineTest, outside_development_a_gatekeeper_takes_no_cluster) {
  World world(2);
  world.config.development = false;
  world.launch();
  world.deploy_cluster(system_code());
  EXPECT_FALSE(world.workers[0].machine.cluster.has_value());
  EXPECT_TRUE(world.workers[1].machine.cluster.has_value());
}

}  // namespace
}  // namespace phala::worker

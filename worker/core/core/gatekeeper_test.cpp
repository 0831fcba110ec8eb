#include "core/gatekeeper.hpp"

#include <gtest/gtest.h>

#include <set>

namespace phala::worker {
namespace {

Sr25519Pair pair_of(u8 seed) { return Sr25519Pair::from_seed(crypto::Seed(Bytes(32, seed))); }
const MessageOrigin pallet = MessageOrigin::pallet("phala/registry");
const MessageOrigin gatekeepers = origin::Gatekeeper{};

/// One worker that follows the gatekeepers' part of the log.
struct Follower {
  Sr25519Pair identity;
  SecretBytes<32> entropy;
  Gatekeeper gatekeeper;
  Egress egress;
  Report report;

  explicit Follower(u8 seed) : identity(pair_of(seed)), entropy(Bytes(32, static_cast<u8>(seed + 100))) {}
  GatekeeperTurn turn(BlockNumber block) { return {gatekeeper, egress, identity, entropy, block, report}; }
  const PublicKey& key() const { return identity.public_key(); }
  std::vector<SignedMessage> said() { return egress[gatekeepers].messages; }
  GatekeeperRole role() const { return gatekeeper.role(key()); }
};

/// Several followers and the chain between them: it takes the first copy of each number of the gatekeepers' stream.
struct Network {
  std::vector<Follower> workers;
  BlockNumber block = 0;
  u64 next = 0;
  std::vector<Message> log;   ///< of the next block
  std::vector<SignedMessage> taken;

  explicit Network(size_t n) {
    for (size_t i = 0; i < n; ++i) workers.emplace_back(static_cast<u8>(i + 1));
  }
  void say(const MessageOrigin& from, std::string_view topic, Bytes payload) { log.push_back({from, to_bytes(topic), std::move(payload)}); }
  template <class Event>
  void pallet_says(std::string_view topic, const Event& event) { say(pallet, topic, scale::encode(event)); }

  void run_block() {
    ++block;
    auto messages = std::exchange(log, {});
    for (auto& worker : workers) {
      auto turn = worker.turn(block);
      for (const auto& m : messages) {
        const auto topic = as_text(m.destination);
        Result<> done;
        if (topic == protocol::topic::gatekeeper_launch) done = on_launch(turn, m.sender, *scale::decode<protocol::GatekeeperLaunch>(m.payload));
        else if (topic == protocol::topic::gatekeeper_change) done = on_change(turn, m.sender, *scale::decode<protocol::GatekeeperChange>(m.payload));
        else if (topic == protocol::topic::key_distribution) done = on_key(turn, m.sender, *scale::decode<protocol::KeyDistribution>(m.payload));
        else if (topic == protocol::topic::gatekeeper_event) done = on_gatekeeper_event(turn, m.sender, *scale::decode<protocol::GatekeeperEvent>(m.payload));
        else if (topic == protocol::topic::cluster_event) done = on_deploy_cluster(turn, m.sender, *scale::decode<protocol::ClusterEvent>(m.payload)->get_if<protocol::DeployCluster>());
        if (!done) worker.report.notes.push_back({block, std::string(topic), done.error()});
      }
      on_block_end(turn);
    }
    // the chain: any relay may be first; it appears in the log of the next block unless its topic stays on the chain
    for (auto& worker : workers)
      for (const auto& m : worker.egress[gatekeepers].messages) {
        if (m.sequence != next) continue;
        ++next;
        taken.push_back(m);
        if (!is_onchain_only(m.message.destination)) log.push_back(m.message);
      }
    for (auto& worker : workers) settle(worker.egress, gatekeepers, next);
  }
  void run_blocks(int n) {
    while (n-- > 0) run_block();
  }
  void launch() {
    pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::FirstGatekeeper{workers[0].key(), workers[0].key()}));
    run_block();
    pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::MasterPubkeyOnChain{workers[0].gatekeeper.holder->master().public_key()}));
    run_block();
  }
  void join(size_t i) {
    pallet_says(protocol::topic::gatekeeper_change, protocol::GatekeeperChange(protocol::GatekeeperRegistered{workers[i].key(), workers[i].key()}));
    run_blocks(3);
  }
  protocol::DeployCluster deployment() {
    protocol::DeployCluster event{};
    event.cluster = Hash(Bytes(32, 1));
    for (const auto& worker : workers) event.workers.push_back({worker.key(), worker.key()});
    event.system_code = {1, 2, 3};
    return event;
  }
};

TEST(GatekeeperTest, the_first_one_makes_the_master_key_and_tells_the_chain_as_a_worker) {
  Network net(2);
  net.launch();
  EXPECT_EQ(net.workers[0].role(), GatekeeperRole::active);
  EXPECT_EQ(net.workers[1].role(), GatekeeperRole::none);
  const auto& said = net.workers[0].egress[origin::Worker{net.workers[0].key()}].messages;
  ASSERT_EQ(said.size(), 1u);
  const auto event = scale::decode<protocol::RegistryEvent>(said[0].message.payload);
  EXPECT_EQ(event->get_if<protocol::MasterPubkey>()->master_pubkey, net.workers[0].gatekeeper.holder->master().public_key());
  EXPECT_TRUE(crypto::sr25519_verify(crypto::Signature(said[0].signature), signed_bytes(said[0].message, 0), net.workers[0].key()));
}

TEST(GatekeeperTest, random_numbers_come_every_five_blocks_and_chain) {
  Network net(1);
  net.launch();
  net.run_blocks(20);
  ASSERT_GE(net.taken.size(), 4u);
  Hash last;
  for (const auto& m : net.taken) {
    const auto number = *scale::decode<protocol::GatekeeperEvent>(m.message.payload)->get_if<protocol::NewRandomNumber>();
    EXPECT_EQ(number.block_number % 5, 0u);
    EXPECT_EQ(number.last_random_number, last);
    EXPECT_EQ(number.random_number, next_random(net.workers[0].gatekeeper.holder->master(), last, number.block_number));
    last = number.random_number;
  }
  EXPECT_TRUE(net.workers[0].report.notes.empty());
}

TEST(GatekeeperTest, a_newcomer_takes_over_at_the_next_number_and_says_the_same) {
  Network net(3);
  net.launch();
  net.run_blocks(12);
  net.join(1);
  ASSERT_EQ(net.workers[1].role(), GatekeeperRole::active);
  EXPECT_EQ(net.workers[2].role(), GatekeeperRole::none);
  net.pallet_says(protocol::topic::cluster_event, protocol::ClusterEvent(net.deployment()));
  for (int i = 0; i < 15; ++i) {
    // counted alike by both and by the outsider
    net.run_block();
    EXPECT_EQ(net.workers[0].egress[gatekeepers].next_sequence, net.workers[1].egress[gatekeepers].next_sequence);
    EXPECT_TRUE(net.workers[0].gatekeeper.view == net.workers[1].gatekeeper.view);
    EXPECT_TRUE(net.workers[0].gatekeeper.view == net.workers[2].gatekeeper.view);
  }
  // the first one is gone: the newcomer alone keeps the stream going
  const u64 before = net.next;
  auto alone = std::move(net.workers[1]);
  net.workers.clear();
  net.workers.push_back(std::move(alone));
  net.run_blocks(11);
  EXPECT_EQ(net.next, before + 2);
  EXPECT_TRUE(net.workers[0].report.notes.empty());
}

TEST(GatekeeperTest, cluster_keys_reach_every_worker_and_nobody_else) {
  Network net(3);
  net.launch();
  net.pallet_says(protocol::topic::cluster_event, protocol::ClusterEvent(net.deployment()));
  net.run_block();
  ASSERT_EQ(net.taken.size(), 2u);
  const auto published = *scale::decode<protocol::ClusterRegistryEvent>(net.taken[0].message.payload)->get_if<protocol::ClusterPubkeyAvailable>();
  const auto operation = *scale::decode<protocol::ClusterOperation>(net.taken[1].message.payload);
  const auto& keys = *operation.get_if<protocol::DispatchKeys>();
  EXPECT_EQ(keys.secret_keys.size(), 3u);
  EXPECT_EQ(keys.system_code, (Bytes{1, 2, 3}));
  for (const auto& worker : net.workers) {
    const auto key = decrypt_pair_from(worker.identity, keys.secret_keys.at(worker.key()));
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(key->public_key(), published.pubkey);
    EXPECT_FALSE(decrypt_pair_from(pair_of(77), keys.secret_keys.at(worker.key())).has_value());
  }
  std::set<FixedBytes<12>> ivs;
  for (const auto& [worker, key] : keys.secret_keys) ivs.insert(key.iv);
  EXPECT_EQ(ivs.size(), 3u);
}

TEST(GatekeeperTest, rotation_moves_all_gatekeepers_to_one_new_key) {
  Network net(3);
  net.launch();
  net.join(1);
  const auto old = net.workers[0].gatekeeper.holder->master().public_key();
  protocol::RotateMasterKey rotate{1, {{net.workers[0].key(), net.workers[0].key()}, {net.workers[1].key(), net.workers[1].key()}}};
  net.pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(rotate));
  net.run_block();
  // both drew another key; IVs must differ, because the agreed key is the same
  net.run_block();
  const auto fresh = net.workers[0].gatekeeper.holder->master().public_key();
  EXPECT_NE(fresh, old);
  EXPECT_EQ(net.workers[1].gatekeeper.holder->master().public_key(), fresh);
  const auto told = *scale::decode<protocol::GatekeeperRegistryEvent>(net.taken.back().message.payload)->get_if<protocol::RotatedMasterPubkey>();
  EXPECT_EQ(told.master_pubkey, fresh);
  EXPECT_TRUE(crypto::sr25519_verify(crypto::Signature(net.taken.back().signature), signed_bytes(net.taken.back().message, net.taken.back().sequence), old));
  net.pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::MasterPubkeyRotated{fresh}));
  net.run_blocks(12);
  EXPECT_TRUE(crypto::sr25519_verify(crypto::Signature(net.taken.back().signature), signed_bytes(net.taken.back().message, net.taken.back().sequence), fresh));
  // one that joins afterwards gets the whole history and the right random numbers
  net.join(2);
  EXPECT_EQ(net.workers[2].role(), GatekeeperRole::active);
  net.run_blocks(10);
  EXPECT_EQ(net.workers[2].gatekeeper.holder->random, net.workers[0].gatekeeper.holder->random);
  for (const auto& worker : net.workers) EXPECT_TRUE(worker.report.notes.empty()) << worker.report.notes[0].error.text();
}

/// A history as some gatekeeper hands it to `to`, its i-th key from seed `seeds[i]`.
protocol::KeyDistribution handed(const Follower& to, const std::vector<u8>& seeds) {
  protocol::MasterKeyHistory out{to.key(), {}};
  for (size_t i = 0; i < seeds.size(); ++i)
    out.encrypted_master_key_history.push_back({i, 0, *encrypt_secret_to(pair_of(200), sharing::master_key, to.key(), pair_of(seeds[i]).secret(), crypto::Iv(Bytes(12, 1)))});
  return out;
}

TEST(GatekeeperTest, a_newcomer_takes_only_the_keys_of_the_chain_also_after_rotations) {
  Follower newcomer(9);
  GatekeeperView& view = newcomer.gatekeeper.view;
  view.launched_at = 1;
  view.master_pubkey = pair_of(101).public_key();
  view.rotations = view.confirmed = 1;
  const auto take = [&](const std::vector<u8>& seeds) {
    auto turn = newcomer.turn(50);
    auto done = on_key(turn, gatekeepers, handed(newcomer, seeds));
    return done ? "taken" : done.error().message;
  };
  EXPECT_NE(take({100, 55}).find("not the one on the chain"), std::string::npos);    // another key than the rotation's
  EXPECT_NE(take({101}).find("1 master keys"), std::string::npos);                   // the right key in the wrong place
  EXPECT_NE(take({100, 101, 102}).find("3 master keys"), std::string::npos);         // a rotation that never was
  EXPECT_FALSE(newcomer.gatekeeper.holder.has_value());
  EXPECT_EQ(take({100, 101}), "taken");
  EXPECT_EQ(newcomer.gatekeeper.holder->master().public_key(), pair_of(101).public_key());
}

TEST(GatekeeperTest, a_rotated_key_on_its_way_is_compared_when_the_chain_has_it) {
  for (const bool honest : {true, false}) {
    Follower newcomer(9);
    GatekeeperView& view = newcomer.gatekeeper.view;
    view.launched_at = 1;
    view.master_pubkey = pair_of(100).public_key();
    view.rotations = 1;   // handed out, not on the chain yet
    auto turn = newcomer.turn(50);
    EXPECT_FALSE(on_key(turn, gatekeepers, handed(newcomer, {99, 101})).has_value());   // not the chain's present key
    ASSERT_TRUE(on_key(turn, gatekeepers, handed(newcomer, {100, 101})).has_value());
    const auto rotated = on_launch(turn, pallet, protocol::MasterPubkeyRotated{pair_of(honest ? 101 : 55).public_key()});
    EXPECT_EQ(rotated.has_value(), honest);
    EXPECT_EQ(newcomer.gatekeeper.holder.has_value(), honest);
    EXPECT_EQ(view.confirmed, 1u);
  }
}

TEST(GatekeeperTest, two_rotations_drawn_at_once_never_share_an_iv) {
  Network net(2);
  net.launch();
  net.join(1);
  protocol::RotateMasterKey rotate{1, {{net.workers[0].key(), net.workers[0].key()}}};
  std::set<FixedBytes<12>> ivs;
  for (auto& worker : net.workers) {
    auto turn = worker.turn(net.block + 1);
    ASSERT_TRUE(on_launch(turn, pallet, rotate).has_value());
    const auto distribution = *scale::decode<protocol::KeyDistribution>(worker.said().back().message.payload);
    for (const auto& [key, sealed] : distribution.get_if<protocol::MasterKeyRotation>()->secret_keys) ivs.insert(sealed.iv);
  }
  EXPECT_EQ(ivs.size(), 2u);
}

TEST(GatekeeperTest, one_who_left_is_silent_and_still_counts) {
  Network net(2);
  net.launch();
  net.join(1);
  net.pallet_says(protocol::topic::gatekeeper_change, protocol::GatekeeperChange(protocol::GatekeeperUnregistered{net.workers[1].key(), net.workers[1].key()}));
  net.run_block();
  EXPECT_EQ(net.workers[1].role(), GatekeeperRole::dummy);
  net.run_blocks(6);
  EXPECT_TRUE(net.workers[1].said().empty());
  EXPECT_EQ(net.workers[1].gatekeeper.view.sequence, net.workers[0].gatekeeper.view.sequence);
}

TEST(GatekeeperTest, messages_of_the_wrong_sender_change_nothing) {
  Network net(2);
  net.launch();
  auto& worker = net.workers[1];
  const auto view = worker.gatekeeper.view;
  auto turn = worker.turn(9);
  const MessageOrigin user = MessageOrigin::account(AccountId(Bytes(32, 4)));
  EXPECT_FALSE(on_launch(turn, user, protocol::FirstGatekeeper{worker.key(), worker.key()}).has_value());
  EXPECT_FALSE(on_launch(turn, pallet, protocol::FirstGatekeeper{worker.key(), worker.key()}).has_value());   // a second launch
  EXPECT_FALSE(on_change(turn, user, protocol::GatekeeperRegistered{worker.key(), worker.key()}).has_value());
  EXPECT_FALSE(on_key(turn, user, protocol::MasterKeyDistribution{worker.key(), {}, {}, {}}).has_value());
  EXPECT_FALSE(on_key(turn, gatekeepers, protocol::MasterKeyDistribution{worker.key(), net.workers[0].key(), Bytes(80, 1), {}}).has_value());
  EXPECT_FALSE(on_gatekeeper_event(turn, user, protocol::NewRandomNumber{5, {}, {}}).has_value());
  EXPECT_FALSE(on_deploy_cluster(turn, user, net.deployment()).has_value());
  // a worker that is no gatekeeper signs a rotation
  const std::map<PublicKey, protocol::EncryptedKey> none;
  protocol::MasterKeyRotation forged{1, none, worker.key(), {}};
  forged.sig = to_bytes(worker.identity.sign(wrap_content(scale::encode(forged.rotation_id, forged.secret_keys, forged.sender), SignedContent::master_key_rotation)));
  EXPECT_FALSE(on_key(turn, gatekeepers, forged).has_value());
  EXPECT_TRUE(worker.gatekeeper.view == view);
  EXPECT_FALSE(worker.gatekeeper.holder.has_value());
}

TEST(GatekeeperTest, a_worker_that_lost_its_key_hears_so_by_name) {
  Network net(1);
  net.pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::FirstGatekeeper{net.workers[0].key(), net.workers[0].key()}));
  net.run_block();
  net.pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::MasterPubkeyOnChain{PublicKey(Bytes(32, 8))}));
  net.run_block();
  EXPECT_EQ(net.workers[0].role(), GatekeeperRole::none);
  ASSERT_EQ(net.workers[0].report.notes.size(), 1u);
  EXPECT_TRUE(net.workers[0].said().empty());
}

TEST(GatekeeperTest, the_key_holder_survives_rest) {
  Network net(1);
  net.launch();
  net.run_blocks(7);
  const auto& holder = *net.workers[0].gatekeeper.holder;
  const Bytes bytes = encode_keys(holder.history);
  const auto back = decode_keys(bytes);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->back().pair->public_key(), holder.master().public_key());
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_keys(ByteView(bytes).first(n)).has_value());
}

}  // namespace
}  // namespace phala::worker

#include "core/working.hpp"

#include <gtest/gtest.h>

#include "crypto/hash.hpp"

namespace phala::worker {
namespace {

const MessageOrigin pallet = MessageOrigin::pallet("phala/computation");

struct Bench {
  Sr25519Pair identity = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  Working state;
  Egress egress;
  Result<> at(BlockNumber block, u64 iterations, const protocol::WorkerEvent& event) {
    WorkingTurn turn{state, egress, identity, block, block * 1000u, iterations, 1, 4};
    return on_system_event(turn, pallet, protocol::WorkerEventWithKey{identity.public_key(), event});
  }
  void end(BlockNumber block, u64 iterations) {
    WorkingTurn turn{state, egress, identity, block, block * 1000u, iterations, 1, 4};
    on_block_end(turn);
  }
  Result<> challenge(BlockNumber block, u64 iterations, const protocol::HeartbeatChallenge& c) {
    WorkingTurn turn{state, egress, identity, block, block * 1000u, iterations, 1, 4};
    return on_system_event(turn, pallet, c);
  }
  const std::vector<SignedMessage>& said() { return egress[origin::Worker{identity.public_key()}].messages; }
};

TEST(WorkingTest, a_benchmark_is_reported_once_when_its_time_is_over) {
  Bench bench;
  ASSERT_TRUE(bench.at(10, 500, protocol::Registered{128}).has_value());
  ASSERT_TRUE(bench.at(10, 500, protocol::BenchStart{3}).has_value());
  bench.end(10, 600);
  bench.end(12, 700);
  EXPECT_TRUE(bench.said().empty());
  bench.end(13, 900);
  bench.end(14, 950);
  ASSERT_EQ(bench.said().size(), 1u);
  const auto report = *scale::decode<protocol::RegistryEvent>(bench.said()[0].message.payload)->get_if<protocol::BenchReport>();
  EXPECT_EQ(report.start_time, 10'000u);
  EXPECT_EQ(report.iterations, 400u);
  EXPECT_TRUE(bench.state.registered);
  EXPECT_EQ(bench.state.confidence_level, 128);
}

TEST(WorkingTest, a_counter_that_restarted_does_not_underflow) {
  Bench bench;
  ASSERT_TRUE(bench.at(1, 1'000'000, protocol::BenchStart{1}).has_value());
  bench.end(2, 5);
  EXPECT_EQ(scale::decode<protocol::RegistryEvent>(bench.said()[0].message.payload)->get_if<protocol::BenchReport>()->iterations, 5u);
}

TEST(WorkingTest, heartbeats_answer_challenges_while_computing) {
  Bench bench;
  const protocol::HeartbeatChallenge everyone{{}, protocol::U256(Bytes(32, 0xff))};
  ASSERT_TRUE(bench.at(1, 0, protocol::Registered{1}).has_value());
  ASSERT_TRUE(bench.challenge(1, 0, everyone).has_value());
  EXPECT_TRUE(bench.said().empty());
  ASSERT_TRUE(bench.at(2, 10, protocol::Started{7, 1, 2}).has_value());
  ASSERT_TRUE(bench.challenge(3, 60, everyone).has_value());
  ASSERT_EQ(bench.said().size(), 1u);
  const auto beat = *scale::decode<WorkingReportEvent>(bench.said()[0].message.payload)->get_if<HeartbeatV2>();
  EXPECT_TRUE(beat == (HeartbeatV2{7, 3, 3000, 50, 1, 4}));
  EXPECT_FALSE(bench.at(3, 0, protocol::ExitUnresponsive{}).has_value());
  ASSERT_TRUE(bench.at(4, 0, protocol::EnterUnresponsive{}).has_value());
  ASSERT_TRUE(bench.challenge(4, 60, everyone).has_value());
  EXPECT_EQ(bench.said().size(), 1u);
  ASSERT_TRUE(bench.at(5, 0, protocol::ExitUnresponsive{}).has_value());
  ASSERT_TRUE(bench.at(6, 0, protocol::Stopped{}).has_value());
  EXPECT_FALSE(bench.state.wants_benchmark());
}

TEST(WorkingTest, a_challenge_compares_big_numbers) {
  const PublicKey key(Bytes(32, 9));
  const Hash id = crypto::blake2_256(key);
  protocol::HeartbeatChallenge c{{}, {}};
  std::reverse_copy(id.begin(), id.end(), c.seed.begin());   // distance zero
  EXPECT_TRUE(is_challenged(key, c));
  c.seed[0] ^= 2;                                            // distance two: the lowest byte is first on the wire
  EXPECT_FALSE(is_challenged(key, c));
  c.online_target[0] = 2;
  EXPECT_TRUE(is_challenged(key, c));
  c.online_target[0] = 1;
  EXPECT_FALSE(is_challenged(key, c));
  c.online_target[31] = 1;
  EXPECT_TRUE(is_challenged(key, c));
}

TEST(WorkingTest, events_of_others_and_from_others_change_nothing) {
  Bench bench;
  WorkingTurn turn{bench.state, bench.egress, bench.identity, 1, 1, 1, 0, 0};
  EXPECT_FALSE(on_system_event(turn, MessageOrigin::account({}), protocol::WorkerEventWithKey{bench.identity.public_key(), protocol::Registered{1}}).has_value());
  EXPECT_TRUE(on_system_event(turn, pallet, protocol::WorkerEventWithKey{PublicKey(Bytes(32, 1)), protocol::Registered{1}}).has_value());
  EXPECT_FALSE(bench.state.registered);
}

}  // namespace
}  // namespace phala::worker

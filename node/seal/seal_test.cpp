// A node without its sockets: chain, admission and producer on a store in a temporary folder.
#include <gtest/gtest.h>

#include <filesystem>

#include "crypto/account.hpp"
#include "runtime/test_chain.hpp"
#include "seal/producer.hpp"

namespace phala::node {
namespace {
namespace fs = std::filesystem;

using runtime::Balances;
using runtime::RuntimeCall;
using runtime::testing::pair_of;

class SealTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override {
    close();
    fs::remove_all(path_);
  }
  void open() {
    auto opened = Chain::open(path_, {}, spec_);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    chain = std::move(*opened);
    signer.genesis_hash = chain->view()->genesis;   // the test chain leaves state roots out
    admission = std::make_unique<Admission>(*chain, cpu_, PoolLimits{}, [this] { return now.load(); }, metrics);
    admission->on_event([this](const PoolEvent& event) { events.push_back(event); });
    chain->on_import([this](const Imported& block) {
      EXPECT_EQ(chain->view(), block.view) << "announced before it could be read";
      imported.push_back(block.view->number());
    });
    crypto::Seed seed(as_bytes("a seed of thirty-two bytes for us"));
    sealer = crypto::Ed25519Pair::from_seed(seed).public_key;
    producer = std::make_unique<Producer>(*chain, *admission, crypto::Ed25519Pair::from_seed(seed), Producer::Options{20, BuildMode::manual}, [this] { return now += 1000; }, metrics,
                                          [this](const Error& error) { failure = error; });
    producer->start();
  }
  void close() {
    producer.reset();
    admission.reset();
    chain.reset();
  }

  Bytes transfer(const char* from, u32 nonce, u128 amount = Balances::pha) {
    return signer.sign(pair_of(from), RuntimeCall::of<Balances>(Balances::TransferKeepAlive{pair_of("//Bob").account(), {amount}}), nonce);
  }
  u32 nonce_of(const char* who) const { return runtime::account_nonce(*chain->view()->state, pair_of(who).account()); }

  std::string path_ = (fs::temp_directory_path() / ("phala-seal-test-" + std::to_string(::getpid()))).string();
  runtime::ChainSpec spec_ = runtime::testing::test_spec();
  runtime::testing::TestChain signer{spec_};
  CpuPool cpu_{2, 100};
  Metrics metrics;
  std::atomic<u64> now = 1'700'000'000'000;
  std::unique_ptr<Chain> chain;
  std::unique_ptr<Admission> admission;
  std::unique_ptr<Producer> producer;
  PublicKey sealer;
  std::vector<PoolEvent> events;
  std::vector<BlockNumber> imported;
  std::optional<Error> failure;
};

TEST_F(SealTest, blocks_are_sealed_final_and_survive_a_restart) {
  const Hash first = producer->new_block().value();
  const Hash second = producer->new_block().value();
  auto view = chain->view();
  const Hash genesis = view->genesis;
  EXPECT_EQ(view->number(), 2u);
  EXPECT_EQ(view->hash, second);
  EXPECT_EQ(view->header.parent_hash, first);
  EXPECT_EQ(imported, (std::vector<BlockNumber>{1, 2}));
  const auto proof = scale::decode<light::FinalityProof>(view->snapshot->justification(2).value().value());
  ASSERT_TRUE(proof.has_value());
  EXPECT_TRUE(light::verify_finality(light::TrustedSealer{sealer}, second, *proof));
  EXPECT_FALSE(light::verify_finality(light::TrustedSealer{sealer}, first, *proof));
  view.reset();   // a view keeps the store open
  close();
  open();
  EXPECT_EQ(chain->view()->hash, second);
  EXPECT_EQ(chain->view()->genesis, genesis);
  EXPECT_EQ(Chain::genesis_hash(spec_), genesis);
}

TEST_F(SealTest, a_store_of_another_chain_is_refused) {
  close();
  spec_.endowed[0].second += 1;
  const auto other = Chain::open(path_, {}, spec_);
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ErrorCode::refused);
  spec_.endowed[0].second -= 1;
  open();
}

TEST_F(SealTest, replay_agrees_with_what_was_built_and_names_what_differs) {
  const auto parent = chain->view();
  const auto candidate = chain->build(now += 1000, [&](runtime::BlockBuilder& block) {
    for (u32 nonce = 0; nonce < 300; ++nonce) EXPECT_TRUE(block.apply(transfer("//Alice", nonce)).has_value());
  }).value();
  const auto on_all_threads = [this](size_t n, const std::function<void(size_t)>& body) { cpu_.for_each(n, body); };
  for (const runtime::ForEach& for_each : {runtime::ForEach(runtime::in_order), runtime::ForEach(on_all_threads)}) {
    const auto replayed = chain->replay(candidate.header, candidate.executed.extrinsics, for_each);
    ASSERT_TRUE(replayed.has_value()) << replayed.error().text();
    EXPECT_EQ(replayed->header.hash(), candidate.header.hash());
  }
  Header wrong = candidate.header;
  wrong.state_root[0] ^= 1;
  const auto refused = chain->replay(wrong, candidate.executed.extrinsics);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("state root"), std::string::npos);
  EXPECT_EQ(chain->view(), parent) << "neither building nor replaying changes the head";
}

TEST_F(SealTest, time_travels_forward_only) {
  producer->new_block().value();
  const u64 head = message_log_of(chain->view()->header)->now_ms;
  EXPECT_FALSE(producer->travel_to(head).has_value());
  ASSERT_TRUE(producer->travel_to(head + 1'000'000).has_value());
  producer->new_block().value();
  EXPECT_GE(message_log_of(chain->view()->header)->now_ms, head + 1'000'000);
}

TEST_F(SealTest, overrides_of_storage_are_in_the_block_and_replay) {
  const auto before = chain->view();
  const Bytes key(40, 7);
  producer->new_block({}, {{key, Bytes{1, 2, 3}}}).value();
  const auto after = chain->view();
  EXPECT_EQ(after->state->get(key), (Bytes{1, 2, 3}));
  EXPECT_EQ(before->state->get(key), std::nullopt);
  const auto body = after->snapshot->body(1).value().value();
  EXPECT_TRUE(runtime::execute_block(*before->state, before->header, after->header, body).has_value());
}

TEST_F(SealTest, garbage_is_refused_by_name) {
  const auto refused = admission->submit(Bytes(10, 0xff), true);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(to_string(refused.error()), "Transaction does not decode");
  EXPECT_EQ(std::get<PoolRefusal>(admission->submit(Bytes(10, 0xff), true).error()).kind, PoolRefusal::Kind::temporarily_banned);
  const auto in_block = producer->new_block({Bytes(10, 0xff)});
  ASSERT_FALSE(in_block.has_value());
  EXPECT_EQ(chain->view()->number(), 0u);
}

TEST_F(SealTest, many_submit_at_once_while_blocks_are_made) {
  std::vector<Bytes> all;
  for (u32 nonce = 0; nonce < 60; ++nonce) {
    for (const char* who : {"//Alice", "//Charlie", "//Alice//stash"}) all.push_back(transfer(who, nonce));
  }
  std::atomic<bool> done = false;
  std::thread maker([&] {
    while (!done) ASSERT_TRUE(producer->new_block().has_value());
  });
  std::atomic<size_t> taken = 0;
  cpu_.for_each(all.size(), [&](size_t i) { taken += admission->submit(all[(i * 37) % all.size()], true).has_value(); });
  done = true;
  maker.join();
  producer->new_block().value();
  EXPECT_EQ(taken, all.size());
  for (const char* who : {"//Alice", "//Charlie", "//Alice//stash"}) EXPECT_EQ(nonce_of(who), 60u) << who;
  std::map<Hash, PoolEvent::Kind> last;
  for (const auto& event : events) last[event.transaction] = event.kind;
  EXPECT_EQ(last.size(), all.size());
  for (const auto& [hash, kind] : last) EXPECT_EQ(kind, PoolEvent::Kind::finalized);
}

TEST_F(SealTest, what_became_invalid_in_the_pool_is_told_and_leaves) {
  // each could be paid when it came; the first leaves nothing for the second's fee
  const u128 nearly_all = signer.free(pair_of("//Charlie")) - Balances::pha / 2;
  const auto first = signer.sign(pair_of("//Charlie"), RuntimeCall::of<Balances>(Balances::TransferAllowDeath{pair_of("//Bob").account(), {nearly_all}}), 0);
  const auto second = signer.sign(pair_of("//Charlie"), RuntimeCall::of<Balances>(Balances::TransferKeepAlive{pair_of("//Bob").account(), {1}}), 1, 2 * Balances::pha);
  const Hash in = admission->submit(first, true).value(), out = admission->submit(second, true).value();
  producer->new_block().value();
  EXPECT_EQ(chain->view()->snapshot->body(1)->value().size(), 2u);
  ASSERT_FALSE(events.empty());
  const auto told = [&](const Hash& hash, PoolEvent::Kind kind) { return std::any_of(events.begin(), events.end(), [&](const auto& e) { return e.transaction == hash && e.kind == kind; }); };
  EXPECT_TRUE(told(in, PoolEvent::Kind::in_block));
  EXPECT_TRUE(told(out, PoolEvent::Kind::invalid));
  EXPECT_EQ(admission->ready_count(), 0u);
}

TEST_F(SealTest, a_block_takes_what_fits_and_the_rest_comes_next) {
  // remarks of 1 MiB: a block's normal class holds fewer than six
  for (u32 nonce = 0; nonce < 6; ++nonce)
    ASSERT_TRUE(admission->submit(signer.sign(pair_of("//Alice"), RuntimeCall::of<runtime::System>(runtime::System::Remark{Bytes(1 << 20, 1)}), nonce), false).has_value());
  producer->new_block().value();
  const u32 first = nonce_of("//Alice");
  EXPECT_GT(first, 0u);
  EXPECT_LT(first, 6u);
  producer->new_block().value();
  EXPECT_EQ(nonce_of("//Alice"), 6u);
}

TEST_F(SealTest, instant_mode_makes_a_block_for_each_arrival) {
  producer->set_mode(BuildMode::instant);
  for (u32 nonce = 0; nonce < 3; ++nonce) {
    ASSERT_TRUE(admission->submit(transfer("//Alice", nonce), false).has_value());
    for (int i = 0; i < 1000 && nonce_of("//Alice") <= nonce; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(nonce_of("//Alice"), nonce + 1);
  }
}

TEST_F(SealTest, interval_mode_makes_blocks_by_itself_and_stop_ends_it) {
  producer->set_mode(BuildMode::interval);
  for (int i = 0; i < 500 && chain->view()->number() < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_GE(chain->view()->number(), 3u);
  producer->stop();
  const auto last = chain->view()->number();
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(chain->view()->number(), last);
  EXPECT_EQ(producer->new_block().error().code, ErrorCode::unavailable);
  EXPECT_FALSE(failure.has_value());
}

}  // namespace
}  // namespace phala::node

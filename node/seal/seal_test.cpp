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
    producer = std::make_unique<Producer>(*chain, *admission, crypto::Ed25519Pair::from_seed(seed), Producer::Options{20, BuildMode::manual, true}, [this] { return now += 1000; }, metrics,
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
  /// A block that the producer here has not made, and so without what the pool has.
  void somebody_elses_block(const std::function<void(runtime::BlockBuilder&)>& fill = [](runtime::BlockBuilder&) {}) {
    auto block = chain->build(now += 1000, fill).value();
    const Hash hash = block.header.hash();
    ASSERT_TRUE(chain->commit(std::move(block), light::seal(crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 1))), hash)).has_value());
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

TEST_F(SealTest, moved_time_goes_on_after_a_restart) {
  constexpr u64 week = 7 * 86'400'000;
  producer->new_block().value();
  ASSERT_TRUE(producer->travel_to(now + week).has_value());
  producer->new_block().value();
  close();
  open();
  const auto time = [&] { return message_log_of(chain->view()->header)->now_ms; };
  const u64 before = time(), clock = now;
  for (int i = 0; i < 5; ++i) producer->new_block().value();
  EXPECT_EQ(time() - before, now - clock) << "the chain's clock runs as fast as the machine's";
}

TEST_F(SealTest, what_expired_is_neither_kept_nor_built) {
  for (int i = 0; i < 2; ++i) producer->new_block().value();
  signer.head = chain->view()->header;
  const auto mortal = signer.sign(pair_of("//Alice"), RuntimeCall::of<Balances>(Balances::TransferKeepAlive{pair_of("//Bob").account(), {1}}), 0, 0, Era::mortal(4, 2));
  const auto verdict = runtime::validate(*chain->view()->state, chain->view()->header, mortal);
  ASSERT_TRUE(verdict.has_value()) << to_string(verdict.error());
  EXPECT_EQ(verdict->longevity, 3u) << "blocks 3, 4 and 5";
  const Hash hash = admission->submit(mortal, true).value();
  EXPECT_EQ(admission->ready_count(), 1u);
  for (int i = 0; i < 3; ++i) somebody_elses_block();
  EXPECT_EQ(admission->ready_count(), 0u) << "no block to come may have it";
  EXPECT_TRUE(std::any_of(events.begin(), events.end(), [&](const auto& e) { return e.transaction == hash && e.kind == PoolEvent::Kind::invalid; }));
  // nor does a verdict from before help it into a block: block 7 would have it signed for block 6
  somebody_elses_block();
  auto late = chain->build(now += 1000, [&](runtime::BlockBuilder& builder) {
    EXPECT_EQ(builder.apply(mortal, &verdict->context).error().kind, runtime::TransactionError::Kind::bad_proof);
  });
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->executed.extrinsics.size(), 1u);
}

TEST_F(SealTest, what_does_not_fit_a_block_of_its_own_leaves_the_pool) {
  using runtime::Utility;
  // fits as long as a block's beginning costs little: messages that are queued make it cost more
  const auto heavy = RuntimeCall::of<runtime::Sudo>(runtime::Sudo::SudoUncheckedWeight{RuntimeCall::of<runtime::System>(runtime::System::KillStorage{}), {1'790 * frame::milliseconds, 0}});
  const Hash hash = admission->submit(signer.sign(pair_of("//Alice"), heavy, 0), true).value();
  ASSERT_TRUE(admission->submit(transfer("//Charlie", 0), true).has_value());
  const Bytes key = runtime::Pallets(*chain->view()->state).outbox.queued.key();
  const std::vector<Message> many(12'000, Message{MessageOrigin::pallet("Test"), to_bytes("phala/x"), {}});
  somebody_elses_block([&](runtime::BlockBuilder& builder) { EXPECT_TRUE(builder.set_storage({{key, scale::encode(many)}}).has_value()); });
  producer->new_block().value();
  EXPECT_TRUE(std::any_of(events.begin(), events.end(), [&](const auto& e) { return e.transaction == hash && e.kind == PoolEvent::Kind::invalid; }));
  EXPECT_EQ(nonce_of("//Alice"), 0u);
  EXPECT_EQ(nonce_of("//Charlie"), 1u);
  EXPECT_EQ(admission->ready_count(), 0u);
}

TEST_F(SealTest, one_message_by_two_carriers_is_taken_once) {
  const auto worker = crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  const Message message{origin::Worker{worker.public_key()}, to_bytes("phala/x"), {1}};
  const auto carry = [&](const char* by, u128 tip) {
    return signer.sign(pair_of(by), RuntimeCall::of<runtime::Mq>(runtime::Mq::SyncOffchainMessage{{message, 0, to_bytes(worker.sign(signed_bytes(message, 0)))}}), 0, tip);
  };
  const Hash first = admission->submit(carry("//Alice", 0), true).value();
  EXPECT_EQ(std::get<PoolRefusal>(admission->submit(carry("//Charlie", 0), true).error()).kind, PoolRefusal::Kind::too_low_priority);
  const Hash better = admission->submit(carry("//Charlie", Balances::pha), true).value();
  EXPECT_EQ(admission->ready_count(), 1u);
  producer->new_block().value();
  EXPECT_EQ(runtime::Pallets(*chain->view()->state).mq.expected_sequence(message.sender), 1u);
  EXPECT_EQ(chain->view()->snapshot->messages(1, 1, 1 << 20).value()[0].leaves.size(), 1u);
  EXPECT_EQ(nonce_of("//Alice"), 0u);
  EXPECT_EQ(nonce_of("//Charlie"), 1u);
  EXPECT_TRUE(std::any_of(events.begin(), events.end(), [&](const auto& e) { return e == PoolEvent{first, PoolEvent::Kind::usurped, better}; }));
  // who comes too late is told so
  EXPECT_EQ(std::get<runtime::TransactionError>(admission->submit(carry("//Alice", 1), true).error()).kind, runtime::TransactionError::Kind::stale);
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

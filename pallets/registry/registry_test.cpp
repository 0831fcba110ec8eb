#include "registry/registry.hpp"

#include "attest/world.hpp"
#include "frame/testing.hpp"

namespace phala::pallets {
namespace {

using namespace protocol;
using Error = Registry::Error;

struct TestWorker {
  crypto::Sr25519Pair pair;
  PublicKey key = pair.public_key();
  explicit TestWorker(u8 seed) : pair(crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, seed)))) {}
};

class RegistryTest : public testing::PalletTest {
 protected:
  RegistryTest() {
    p.system.block_hash.put(0, genesis);
    p.registry.trust_anchors.put({{authority().root_certificate()}, {}});
    p.registry.verify_measurement.put(true);
    p.registry.pruntime_allow_list.put({to_bytes(attest::software_measurement())});
    p.registry.benchmark_duration.put(8);
  }
  static const attest::DevelopmentAuthority& authority() {
    static const auto made = *attest::DevelopmentAuthority::create(crypto::Seed(Bytes(32, 77)), now_ms / 1000);
    return made;
  }
  WorkerRegistrationInfoV2 info(const TestWorker& worker) const { return {0x020200, {}, worker.key, worker.key, genesis, {4, 1}, alice, 0, 3}; }
  AttestationReport evidence(const WorkerRegistrationInfoV2& for_info, const attest::SoftwareEnclave& enclave = attest::software_enclave()) const {
    attest::ReportData data{};
    const auto commitment = crypto::blake2_256(scale::encode(for_info));
    std::copy(commitment.begin(), commitment.end(), data.begin());
    auto made = *attest::collect_software_evidence(authority(), enclave, data, now_ms / 1000);
    return SgxDcap{std::move(made.quote), Collateral(std::move(made.collateral))};
  }
  Registry::RegisterWorkerV2 registration(const TestWorker& worker) const { return {info(worker), evidence(info(worker))}; }
  void force_register(const TestWorker& worker) { ASSERT_TRUE(call(Origin::root(), Registry::ForceRegisterWorker{worker.key, worker.key, alice}).has_value()); }
  SignedMessage signed_message(const MessageOrigin& sender, std::string_view topic, const auto& payload, const crypto::Sr25519Pair& by, u64 sequence) const {
    const Message message{sender, to_bytes(topic), scale::encode(payload)};
    return {message, sequence, to_bytes(by.sign(signed_bytes(message, sequence)))};
  }
  DispatchResult sync(const SignedMessage& message) { return call(bob, Mq::SyncOffchainMessage{message}); }
  DispatchResult from_worker(const TestWorker& worker, std::string_view topic, const auto& payload) {
    const MessageOrigin sender = origin::Worker{worker.key};
    return sync(signed_message(sender, topic, payload, worker.pair, p.mq.expected_sequence(sender)));
  }

  const Hash genesis{Bytes(32, 0x11)};
  TestWorker one{1}, two{2};
};

TEST_F(RegistryTest, an_attested_worker_is_admitted) {
  ASSERT_TRUE(call(bob, registration(one)).has_value());
  const auto worker = *p.registry.workers.get(one.key);
  EXPECT_EQ(worker.confidence_level, 4);
  EXPECT_EQ(worker.attestation_provider, AttestationProvider::dcap);
  EXPECT_EQ(worker.last_updated, now_ms / 1000);
  EXPECT_EQ(*p.registry.worker_added_at.get(one.key), 1u);
  EXPECT_TRUE(emitted(Registry::WorkerAdded{one.key, AttestationProvider::dcap, 4}));
  const auto events = sent<SystemEvent>(topic::system_event);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_TRUE(events[0] == SystemEvent(WorkerEventWithKey{one.key, Registered{4}}));
  EXPECT_TRUE(events[1] == SystemEvent(WorkerEventWithKey{one.key, BenchStart{8}}));
  EXPECT_TRUE(p.registry.max_known_pruntime_consensus_version.get() == (KnownConsensusVersion{3, 1}));

  ASSERT_TRUE(call(alice, registration(one)).has_value());
  EXPECT_TRUE(emitted(Registry::WorkerUpdated{one.key, AttestationProvider::dcap, 4}));
  EXPECT_TRUE(p.registry.max_known_pruntime_consensus_version.get() == (KnownConsensusVersion{3, 2}));
}

TEST_F(RegistryTest, evidence_that_proves_too_little_is_refused) {
  auto attempt = registration(one);
  attempt.attestation.reset();
  EXPECT_EQ(error(bob, attempt), DispatchError(Error::NoneAttestationDisabled));
  attempt.attestation = SgxIas{};
  EXPECT_EQ(error(bob, attempt), DispatchError(Error::UnsupportedAttestationType));
  EXPECT_EQ(error(bob, Registry::RegisterWorker{}), DispatchError(Error::UnsupportedAttestationType));

  attempt = registration(one);
  attempt.attestation->get_if<SgxDcap>()->collateral.reset();
  EXPECT_EQ(error(bob, attempt), DispatchError(Error::UnsupportedAttestationType));
  attempt = registration(one);
  attempt.attestation->get_if<SgxDcap>()->quote[100] ^= 1;
  EXPECT_EQ(error(bob, attempt), DispatchError(Error::InvalidDCAPQuote));
  // somebody else's evidence
  attempt = registration(one);
  attempt.pruntime_info.pubkey = two.key;
  EXPECT_EQ(error(bob, attempt), DispatchError(Error::InvalidRuntimeInfoHash));
  // another program
  attempt.pruntime_info = info(one);
  attempt.attestation = evidence(info(one), attest::software_enclave(Bytes{1, 2, 3}));
  EXPECT_EQ(error(bob, attempt), DispatchError(Error::PRuntimeRejected));
  // another root
  p.registry.trust_anchors.put({{*from_hex("3000")}, {}});
  EXPECT_EQ(error(bob, registration(one)), DispatchError(Error::InvalidDCAPQuote));
  p.registry.trust_anchors.put({{authority().root_certificate()}, {.allowed_statuses = {attest::TcbStatus::up_to_date}}});
  EXPECT_EQ(error(bob, registration(one)), DispatchError(Error::InvalidQuoteStatus));
}

TEST_F(RegistryTest, a_quote_registers_once) {
  auto first = info(one);
  first.operator_ = bob;
  const Registry::RegisterWorkerV2 old{first, evidence(first)};
  ASSERT_TRUE(call(bob, old).has_value());
  EXPECT_EQ(error(bob, old), DispatchError(Error::QuoteAlreadyUsed));
  ASSERT_TRUE(call(bob, registration(one)).has_value());   // alice takes it over
  EXPECT_EQ(error(bob, old), DispatchError(Error::QuoteAlreadyUsed));
  // nor in another spelling: (r, -s) is as good a signature as (r, s), and other documents go with it
  auto respelled = old;
  auto& quote = respelled.attestation->get_if<SgxDcap>()->quote;
  const size_t s_at = 48 + 384 + 4 + 32;
  const Bytes order = *from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  for (int i = 31, borrow = 0; i >= 0; --i) {
    const int digit = order[static_cast<size_t>(i)] - quote[s_at + static_cast<size_t>(i)] - borrow;
    borrow = digit < 0;
    quote[s_at + static_cast<size_t>(i)] = static_cast<u8>(digit + (borrow ? 256 : 0));
  }
  respelled.attestation->get_if<SgxDcap>()->collateral = *evidence(first).get_if<SgxDcap>()->collateral;
  EXPECT_EQ(error(bob, respelled), DispatchError(Error::QuoteAlreadyUsed));
  EXPECT_EQ(p.registry.workers.get(one.key)->operator_, alice);
  // a new quote over the same is a new word of the worker's
  ASSERT_TRUE(call(bob, Registry::RegisterWorkerV2{first, evidence(first)}).has_value());
  EXPECT_EQ(p.registry.workers.get(one.key)->operator_, bob);
}

TEST_F(RegistryTest, evidence_says_nothing_else_and_is_not_older_than_what_was_seen) {
  namespace world = attest::testing_world;
  world::World w;
  p.timestamp.now.put(world::now * 1000);
  p.registry.verify_measurement.put(false);
  w.report_data = attest::ReportData(concat(crypto::blake2_256(scale::encode(info(one))), Bytes(32)));
  const auto attempt = [&] {
    const auto built = world::build(w);
    p.registry.trust_anchors.put(built.anchors);
    return Registry::RegisterWorkerV2{info(one), AttestationReport(SgxDcap{built.quote, Collateral(built.collateral)})};
  };
  for (const size_t at : {32u, 63u}) {
    w.report_data[at] = 1;
    EXPECT_EQ(error(bob, attempt()), DispatchError(Error::InvalidReportData));
    w.report_data[at] = 0;
  }
  w.tcb_info.evaluation_number = w.qe_identity.evaluation_number = 18;
  ASSERT_TRUE(call(bob, attempt()).has_value());
  w.tcb_info.evaluation_number = 17;
  EXPECT_EQ(error(bob, attempt()), DispatchError(Error::OutdatedCollateral));
  w.tcb_info.evaluation_number = 19;
  ASSERT_TRUE(call(bob, attempt()).has_value());   // counted by the older of the two documents
  w.qe_identity.evaluation_number = 17;
  EXPECT_EQ(error(bob, attempt()), DispatchError(Error::OutdatedCollateral));
  const PlatformFamily family{w.machine.fmspc, false};
  EXPECT_EQ(p.registry.tcb_evaluations.get(family), 18u);
  w.machine.fmspc[0] ^= 1;   // another family has its own
  w.pck_certificate.sgx = w.machine;
  w.tcb_info.fmspc = w.machine.fmspc;
  EXPECT_TRUE(call(bob, attempt()).has_value());
}

TEST_F(RegistryTest, a_worker_of_another_chain_is_refused) {
  auto strange = info(one);
  strange.para_id = 2035;
  EXPECT_EQ(error(bob, Registry::RegisterWorkerV2{strange, evidence(strange)}), DispatchError(Error::ParachainIdMismatch));
  strange = info(one);
  strange.genesis_block_hash = Hash(Bytes(32, 0x22));
  const Registry::RegisterWorkerV2 attempt{strange, evidence(strange)};
  EXPECT_EQ(error(bob, attempt), DispatchError(Error::GenesisBlockHashRejected));
  ASSERT_TRUE(call(Origin::root(), Registry::AddRelaychainGenesisBlockHash{strange.genesis_block_hash}).has_value());
  EXPECT_EQ(error(Origin::root(), Registry::AddRelaychainGenesisBlockHash{strange.genesis_block_hash}), DispatchError(Error::GenesisBlockHashAlreadyExists));
  EXPECT_TRUE(call(bob, attempt).has_value());
  ASSERT_TRUE(call(Origin::root(), Registry::RemoveRelaychainGenesisBlockHash{strange.genesis_block_hash}).has_value());
  EXPECT_EQ(error(Origin::root(), Registry::RemoveRelaychainGenesisBlockHash{strange.genesis_block_hash}), DispatchError(Error::GenesisBlockHashNotFound));
}

TEST_F(RegistryTest, governance_only) {
  EXPECT_EQ(error(bob, Registry::ForceSetBenchmarkDuration{1}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::ForceRegisterWorker{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::ForceRegisterTopicPubkey{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::RegisterGatekeeper{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::UnregisterGatekeeper{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::RotateMasterKey{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::AddPruntime{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::RemovePruntime{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::AddRelaychainGenesisBlockHash{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::RemoveRelaychainGenesisBlockHash{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::SetMinimumPruntimeVersion{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::SetPruntimeConsensusVersion{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::SetTrustedNtpServers{}), testing::bad_origin);
  EXPECT_EQ(error(bob, Registry::SetTrustAnchors{}), testing::bad_origin);
}

TEST_F(RegistryTest, settings) {
  const auto root = Origin::root();
  const Bytes hash(68, 5);
  ASSERT_TRUE(call(root, Registry::AddPruntime{hash}).has_value());
  EXPECT_EQ(*p.registry.pruntime_added_at.get(hash), 1u);
  EXPECT_EQ(error(root, Registry::AddPruntime{hash}), DispatchError(Error::PRuntimeAlreadyExists));
  ASSERT_TRUE(call(root, Registry::RemovePruntime{hash}).has_value());
  EXPECT_FALSE(p.registry.pruntime_added_at.contains(hash));
  EXPECT_EQ(error(root, Registry::RemovePruntime{hash}), DispatchError(Error::PRuntimeNotFound));
  ASSERT_TRUE(call(root, Registry::SetMinimumPruntimeVersion{2, 3, 4}).has_value());
  EXPECT_TRUE(emitted(Registry::MinimumPRuntimeVersionChangedTo{2, 3, 4}));
  ASSERT_TRUE(call(root, Registry::SetPruntimeConsensusVersion{5}).has_value());
  EXPECT_EQ(p.registry.pruntime_consensus_version.get(), 5u);
  ASSERT_TRUE(call(root, Registry::SetTrustedNtpServers{{"a", "b"}}).has_value());
  ASSERT_TRUE(call(root, Registry::ForceSetBenchmarkDuration{9}).has_value());
  EXPECT_EQ(p.registry.benchmark_duration.get(), 9u);
  ASSERT_TRUE(call(root, Registry::ForceRegisterTopicPubkey{{1}, {2}}).has_value());
  ASSERT_TRUE(call(root, Registry::SetTrustAnchors{{{{1, 2}}, {}}}).has_value());
  EXPECT_EQ(p.registry.trust_anchors.get().root_certificates.size(), 1u);
}

TEST_F(RegistryTest, endpoints_are_signed_fresh_and_of_registered_workers) {
  const auto update = [&](u64 at, const TestWorker& by) {
    const WorkerEndpointPayload payload{by.key, {VersionedWorkerEndpointsV1{{"http://worker"}}}, at};
    return Registry::UpdateWorkerEndpoint{payload, to_bytes(by.pair.sign(wrap_content(scale::encode(payload), SignedContent::endpoint_info)))};
  };
  EXPECT_EQ(error(bob, update(now_ms - 1, one)), DispatchError(Error::InvalidPubKey));
  force_register(one);
  ASSERT_TRUE(call(bob, update(now_ms - 1, one)).has_value());
  EXPECT_TRUE(p.registry.endpoints.get(one.key) == VersionedWorkerEndpoints(VersionedWorkerEndpointsV1{{"http://worker"}}));
  EXPECT_EQ(error(bob, update(now_ms, one)), DispatchError(Error::InvalidEndpointSigningTime));
  EXPECT_EQ(error(bob, update(now_ms - 4 * 3'600'000 - 1, one)), DispatchError(Error::InvalidEndpointSigningTime));
  auto forged = update(now_ms - 1, one);
  forged.signature[3] ^= 1;
  EXPECT_EQ(error(bob, forged), DispatchError(Error::InvalidSignature));
  forged.signature.pop_back();
  EXPECT_EQ(error(bob, forged), DispatchError(Error::InvalidSignatureLength));
  auto large = update(now_ms - 1, one);
  large.endpoint_payload.versioned_endpoints = VersionedWorkerEndpointsV1{{std::string(3000, 'a')}};
  EXPECT_EQ(error(bob, large), DispatchError(Error::InvalidInput));
}

TEST_F(RegistryTest, gatekeepers_come_and_go_and_share_a_key) {
  const auto root = Origin::root();
  const PublicKey master = TestWorker(9).key;
  EXPECT_EQ(error(root, Registry::RegisterGatekeeper{one.key}), DispatchError(Error::WorkerNotFound));
  force_register(one);
  force_register(two);
  ASSERT_TRUE(call(root, Registry::RegisterGatekeeper{one.key}).has_value());
  EXPECT_TRUE(sent<GatekeeperLaunch>(topic::gatekeeper_launch).at(0) == GatekeeperLaunch(FirstGatekeeper{one.key, one.key}));
  EXPECT_EQ(error(root, Registry::RegisterGatekeeper{two.key}), DispatchError(Error::MasterKeyUninitialized));
  EXPECT_EQ(error(root, Registry::RotateMasterKey{}), DispatchError(Error::MasterKeyUninitialized));

  // only a gatekeeper's word about the master key counts, and only the first time
  ASSERT_TRUE(from_worker(two, topic::registry_event, RegistryEvent(MasterPubkey{two.key})).has_value());
  EXPECT_FALSE(p.registry.gatekeeper_master_pubkey.get().has_value());
  ASSERT_TRUE(from_worker(one, topic::registry_event, RegistryEvent(MasterPubkey{master})).has_value());
  EXPECT_EQ(p.registry.gatekeeper_master_pubkey.get(), master);
  EXPECT_TRUE(emitted(Registry::GatekeeperLaunched{}));
  EXPECT_EQ(p.registry.gatekeeper_launched_at.get()->unix_s, now_ms / 1000);
  ASSERT_TRUE(from_worker(one, topic::registry_event, RegistryEvent(MasterPubkey{one.key})).has_value());
  EXPECT_EQ(p.registry.gatekeeper_master_pubkey.get(), master);

  ASSERT_TRUE(call(root, Registry::RegisterGatekeeper{two.key}).has_value());
  EXPECT_TRUE(sent<GatekeeperChange>(topic::gatekeeper_change).at(0) == GatekeeperChange(GatekeeperRegistered{two.key, two.key}));
  ASSERT_TRUE(call(root, Registry::RegisterGatekeeper{two.key}).has_value());   // again: only the event
  EXPECT_EQ(p.registry.gatekeeper.get().size(), 2u);

  ASSERT_TRUE(call(root, Registry::RotateMasterKey{}).has_value());
  EXPECT_EQ(error(root, Registry::RotateMasterKey{}), DispatchError(Error::MasterKeyInRotation));
  EXPECT_EQ(error(root, Registry::RegisterGatekeeper{one.key}), DispatchError(Error::MasterKeyInRotation));
  EXPECT_EQ(error(root, Registry::UnregisterGatekeeper{one.key}), DispatchError(Error::MasterKeyInRotation));
  const TestWorker gk(9);
  const auto rotated = [&](u64 id, u64 sequence) {
    return sync(signed_message(origin::Gatekeeper{}, topic::gatekeeper_registry_event, GatekeeperRegistryEvent(RotatedMasterPubkey{id, two.key}), gk.pair, sequence));
  };
  ASSERT_TRUE(rotated(7, 0).has_value());
  EXPECT_TRUE(emitted(Registry::MasterKeyRotationFailed{1, 7}));
  const auto done = rotated(1, 1);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->pays, Pays::no);
  EXPECT_EQ(p.registry.gatekeeper_master_pubkey.get(), two.key);
  EXPECT_TRUE(emitted(Registry::MasterKeyRotated{1, two.key}));

  EXPECT_EQ(error(root, Registry::UnregisterGatekeeper{TestWorker(5).key}), DispatchError(Error::InvalidGatekeeper));
  ASSERT_TRUE(call(root, Registry::UnregisterGatekeeper{one.key}).has_value());
  EXPECT_EQ(error(root, Registry::UnregisterGatekeeper{two.key}), DispatchError(Error::CannotRemoveLastGatekeeper));
}

TEST_F(RegistryTest, benchmarks_give_a_score) {
  force_register(one);
  const auto report = [&](u64 start, u64 iterations) { return from_worker(one, topic::registry_event, RegistryEvent(BenchReport{start, iterations})); };
  const auto score = [&] { return p.registry.workers.get(one.key)->initial_score; };
  ASSERT_TRUE(report(now_ms, 100).has_value());
  ASSERT_TRUE(report(now_ms - 999, 100).has_value());   // no rate from less than a second
  EXPECT_FALSE(score().has_value());
  ASSERT_TRUE(report(now_ms - 10'000, 500).has_value());
  EXPECT_EQ(score(), 300u);
  EXPECT_TRUE(emitted(Registry::InitialScoreSet{one.key, 300}));
  ASSERT_TRUE(report(now_ms - 1'000, ~u64{0}).has_value());
  EXPECT_EQ(score(), 6000u);
}

// ---- the message queue
TEST_F(RegistryTest, messages_enter_once_and_in_order) {
  force_register(one);
  const MessageOrigin sender = origin::Worker{one.key};
  const auto message = [&](u64 n) { return signed_message(sender, "phala/anything", Bytes{1}, one.pair, n); };
  EXPECT_EQ(error(bob, Mq::SyncOffchainMessage{message(1)}), DispatchError(Mq::Error::BadSequence));
  ASSERT_TRUE(sync(message(0)).has_value());
  EXPECT_EQ(error(bob, Mq::SyncOffchainMessage{message(0)}), DispatchError(Mq::Error::BadSequence));
  EXPECT_EQ(p.mq.expected_sequence(sender), 1u);
  EXPECT_TRUE(p.outbox.outbound.get().back() == message(0).message);
  EXPECT_EQ(sync(message(1))->pays, Pays::yes);

  auto forged = message(2);
  forged.message.payload.push_back(0);
  EXPECT_EQ(error(bob, Mq::SyncOffchainMessage{forged}), DispatchError(Error::InvalidSignature));
  forged.signature.pop_back();
  EXPECT_EQ(error(bob, Mq::SyncOffchainMessage{forged}), DispatchError(Error::InvalidSignatureLength));
  EXPECT_EQ(error(bob, Mq::SyncOffchainMessage{signed_message(sender, "/bad", Bytes{}, one.pair, 2)}), DispatchError(Mq::Error::BadDestination));
  EXPECT_EQ(error(bob, Mq::SyncOffchainMessage{signed_message(MessageOrigin::account(alice), "phala/x", Bytes{}, one.pair, 0)}), DispatchError(Mq::Error::BadSender));
  EXPECT_EQ(error(bob, Mq::SyncOffchainMessage{signed_message(origin::Gatekeeper{}, "phala/x", Bytes{}, one.pair, 0)}), DispatchError(Error::MasterKeyUninitialized));
  EXPECT_EQ(error(bob, Mq::SyncOffchainMessage{signed_message(origin::Cluster{}, "phala/x", Bytes{}, one.pair, 0)}), DispatchError(Error::UnknownCluster));
  EXPECT_EQ(error(bob, Mq::SyncOffchainMessage{signed_message(origin::Contract{}, "phala/x", Bytes{}, one.pair, 0)}), DispatchError(Error::UnknownContract));
  EXPECT_EQ(error(Origin::root(), Mq::SyncOffchainMessage{message(2)}), testing::bad_origin);
}

TEST_F(RegistryTest, accounts_and_root_may_send_and_on_chain_topics_stay) {
  ASSERT_TRUE(call(bob, Mq::PushMessage{to_bytes("phala/x"), {7}}).has_value());
  EXPECT_TRUE(p.outbox.outbound.get().back() == (Message{MessageOrigin::account(bob), to_bytes("phala/x"), {7}}));
  ASSERT_TRUE(call(Origin::root(), Mq::ForcePushPalletMessage{to_bytes("phala/y"), {8}}).has_value());
  EXPECT_TRUE(p.outbox.outbound.get().back().sender == MessageOrigin::pallet("ForcePushed"));
  const size_t sent_so_far = p.outbox.outbound.get().size();
  ASSERT_TRUE(call(bob, Mq::PushMessage{to_bytes(topic::registry_event), scale::encode(RegistryEvent(MasterPubkey{}))}).has_value());
  EXPECT_EQ(p.outbox.outbound.get().size(), sent_so_far);
  EXPECT_FALSE(p.registry.gatekeeper_master_pubkey.get().has_value());
  EXPECT_EQ(error(bob, Mq::PushMessage{{}, {7}}), DispatchError(Mq::Error::BadDestination));
  EXPECT_EQ(error(bob, Mq::ForcePushPalletMessage{to_bytes("phala/y"), {8}}), testing::bad_origin);
  EXPECT_EQ(error(Origin::root(), Mq::ForcePushPalletMessage{{}, {8}}), DispatchError(Mq::Error::BadDestination));
}

TEST_F(RegistryTest, queued_messages_go_out_with_the_next_block) {
  p.outbox.queue_as("PhalaRegistry", "phala/later", u32{5});
  p.outbox.push_as("PhalaRegistry", "phala/now", u32{4});
  EXPECT_EQ(p.outbox.outbound.get().size(), 1u);
  p.mq.on_initialize();
  const auto out = p.outbox.outbound.get();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(as_text(out[0].destination), "phala/later");
  p.mq.on_initialize();
  EXPECT_TRUE(p.outbox.outbound.get().empty());
}

}  // namespace
}  // namespace phala::pallets

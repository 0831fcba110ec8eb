// A call may never take longer than it declares: fees and block limits rest on that. Measured with large arguments, the best of
// several runs in CPU time, on a state in memory; what is declared for storage is the margin for a store on disk.
#include <gtest/gtest.h>

#include <ctime>

#include "attest/world.hpp"
#include "runtime/test_chain.hpp"

namespace phala::runtime {
namespace {

using namespace protocol;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PHALA_SLOW_BUILD 1
#endif
#endif

u64 cpu_ps() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (static_cast<u64>(t.tv_sec) * 1'000'000'000 + static_cast<u64>(t.tv_nsec)) * 1'000;
}

class WeightTest : public ::testing::Test {
 protected:
  WeightTest() : p(parent) {
#if defined(PHALA_SLOW_BUILD) || !defined(__OPTIMIZE__)
    skip = true;
#endif
    p.system.begin_block(1, {});
    p.system.block_hash.put(0, {});
    p.timestamp.now.put(now_ms);
    EXPECT_TRUE(p.balances.endow(alice, 1'000'000 * Balances::pha).has_value());
    for (u8 i = 0; i < 100; ++i) {
      const PublicKey worker(Bytes(32, i));
      workers.push_back(worker);
      p.registry.workers.put(worker, {.pubkey = worker, .ecdh_pubkey = worker});
    }
    p.phat.install_system_code(Bytes(300'000));
  }

  void within(const char* what, const Origin& origin, const RuntimeCall& call) {
    if (skip) GTEST_SKIP() << "only an optimised build tells";
    u64 charged = call.info().weight.ref_time, best = ~u64{0};
    for (int i = 0; i < 12; ++i) {
      Layer undo(p.state());
      const u64 from = cpu_ps();
      const auto result = p.dispatcher.dispatch(origin, call);
      best = std::min(best, cpu_ps() - from);
      ASSERT_TRUE(result.has_value()) << what << ": " << to_string(result.error());
      if (result->actual_weight) {   // what is given back must not have been used
        ASSERT_LE(result->actual_weight->ref_time, call.info().weight.ref_time) << what;
        charged = result->actual_weight->ref_time;
      }
    }
    EXPECT_LE(best, charged) << what << " takes " << best / 1'000'000 << " us, charged " << charged / 1'000'000 << " us";
  }
  /// A worker that the registry knows.
  PublicKey worker_number(u32 i) const {
    PublicKey key;
    std::copy_n(be_bytes(i).begin(), 4, key.begin());
    key[31] = 1;
    return key;
  }
  std::vector<PublicKey> many_workers(u32 from, u32 count) {
    std::vector<PublicKey> out;
    for (u32 i = from; i < from + count; ++i) {
      out.push_back(worker_number(i));
      p.registry.workers.put(out.back(), {.pubkey = out.back(), .ecdh_pubkey = out.back()});
    }
    return out;
  }

  static constexpr u64 now_ms = 1'750'377'600'000;
  bool skip = false;
  AccountId alice = testing::pair_of("//Alice").account(), bob = testing::pair_of("//Bob").account();
  Origin by_alice = Origin::signed_as(alice), root = Origin::root();
  MapState parent;
  Pallets p;
  std::vector<PublicKey> workers;
};

TEST_F(WeightTest, system_and_balances) {
  within("remark", by_alice, RuntimeCall::of<System>(System::Remark{Bytes(3'000'000)}));
  within("remark_with_event", by_alice, RuntimeCall::of<System>(System::RemarkWithEvent{Bytes(3'000'000)}));
  System::SetStorage set;
  for (u32 i = 0; i < 1000; ++i) set.items.emplace_back(scale::encode(i, i, i), Bytes(100));
  within("set_storage", root, RuntimeCall::of<System>(set));
  within("set_storage of one large value", root, RuntimeCall::of<System>(System::SetStorage{{{Bytes(20), Bytes(3'000'000)}}}));
  within("kill_storage of nothing", root, RuntimeCall::of<System>(System::KillStorage{std::vector<Bytes>(1000, Bytes(20, 9))}));
  for (const auto& [key, value] : set.items) p.state().put(concat(Bytes(8, 0xaa), key), value);
  System::KillStorage kill;
  for (const auto& [key, value] : set.items) kill.keys.push_back(concat(Bytes(8, 0xaa), key));
  within("kill_storage", root, RuntimeCall::of<System>(kill));
  within("kill_prefix", root, RuntimeCall::of<System>(System::KillPrefix{Bytes(8, 0xaa), 1000}));
  within("kill_prefix of nothing", root, RuntimeCall::of<System>(System::KillPrefix{Bytes(8, 0xab), 0}));
  within("transfer_allow_death", by_alice, RuntimeCall::of<Balances>(Balances::TransferAllowDeath{bob, {Balances::pha}}));
  within("transfer_keep_alive", by_alice, RuntimeCall::of<Balances>(Balances::TransferKeepAlive{bob, {Balances::pha}}));
  within("transfer_all", by_alice, RuntimeCall::of<Balances>(Balances::TransferAll{bob, false}));
  within("force_transfer", root, RuntimeCall::of<Balances>(Balances::ForceTransfer{alice, bob, {Balances::pha}}));
  within("force_set_balance", root, RuntimeCall::of<Balances>(Balances::ForceSetBalance{bob, {Balances::pha}}));
  within("batch of 1000 transfers", by_alice,
         RuntimeCall::of<Utility>(Utility::Batch{std::vector(1000, RuntimeCall::of<Balances>(Balances::TransferKeepAlive{bob, {Balances::pha}}))}));
  within("batch of 1000 remarks", by_alice, RuntimeCall::of<Utility>(Utility::BatchAll{std::vector(1000, RuntimeCall::of<System>(System::Remark{}))}));
}

TEST_F(WeightTest, calls_of_calls) {
  const auto nothing = RuntimeCall::of<System>(System::Remark{}), fails = RuntimeCall::of<System>(System::KillStorage{});
  within("force_batch of 1000 that work", by_alice, RuntimeCall::of<Utility>(Utility::ForceBatch{std::vector(1000, nothing)}));
  within("force_batch of 1000 that fail", by_alice, RuntimeCall::of<Utility>(Utility::ForceBatch{std::vector(1000, fails)}));
  within("batch interrupted at once", by_alice, RuntimeCall::of<Utility>(Utility::Batch{std::vector(1000, fails)}));
  within("as_derivative", by_alice, RuntimeCall::of<Utility>(Utility::AsDerivative{7, nothing}));
  within("as_derivative of an empty batch", by_alice, RuntimeCall::of<Utility>(Utility::AsDerivative{7, RuntimeCall::of<Utility>(Utility::Batch{})}));
  within("dispatch_as", root, RuntimeCall::of<Utility>(Utility::DispatchAs{OriginCaller(RawOrigin(Signed{bob})), nothing}));
  RuntimeCall deep = nothing;
  for (int i = 0; i < 20; ++i) deep = RuntimeCall::of<Utility>(Utility::AsDerivative{1, deep});
  within("as_derivative, twenty deep", by_alice, deep);
  p.sudo.key.put(alice);
  within("sudo", by_alice, RuntimeCall::of<Sudo>(Sudo::Sudo_{nothing}));
  within("sudo of what fails", by_alice, RuntimeCall::of<Sudo>(Sudo::Sudo_{RuntimeCall::of<Timestamp>(Timestamp::Set{1})}));
  within("sudo_unchecked_weight", by_alice, RuntimeCall::of<Sudo>(Sudo::SudoUncheckedWeight{nothing, {15 * microseconds, 0}}));
  within("sudo_as", by_alice, RuntimeCall::of<Sudo>(Sudo::SudoAs{bob, nothing}));
  within("set_key", by_alice, RuntimeCall::of<Sudo>(Sudo::SetKey{bob}));
  within("remove_key", by_alice, RuntimeCall::of<Sudo>(Sudo::RemoveKey{}));
  within("timestamp.set", Origin::none(), RuntimeCall::of<Timestamp>(Timestamp::Set{now_ms + 1}));
}

TEST_F(WeightTest, messages) {
  within("push_message", by_alice, RuntimeCall::of<Mq>(Mq::PushMessage{to_bytes("phala/x"), Bytes(1'000'000)}));
  const auto worker = crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  for (const size_t size : {10u, 1'000'000u}) {
    const Message message{origin::Worker{worker.public_key()}, to_bytes("phala/x"), Bytes(size)};
    within("sync_offchain_message", by_alice, RuntimeCall::of<Mq>(Mq::SyncOffchainMessage{{message, 0, to_bytes(worker.sign(signed_bytes(message, 0)))}}));
  }
}

TEST_F(WeightTest, registry) {
  const auto authority = *attest::DevelopmentAuthority::create(crypto::Seed(Bytes(32, 77)), now_ms / 1000);
  p.registry.trust_anchors.put({{authority.root_certificate()}, {}});
  const WorkerRegistrationInfoV2 info{1, {}, PublicKey(Bytes(32, 200)), {}, {}, {4, 1}, alice, 0, 0};
  attest::ReportData data{};
  const auto commitment = crypto::blake2_256(scale::encode(info));
  std::copy(commitment.begin(), commitment.end(), data.begin());
  auto evidence = *attest::collect_software_evidence(authority, attest::software_enclave(), data, now_ms / 1000);
  within("register_worker_v2", by_alice, RuntimeCall::of<Registry>(Registry::RegisterWorkerV2{info, AttestationReport(SgxDcap{evidence.quote, Collateral(evidence.collateral)})}));
  within("force_register_worker", root, RuntimeCall::of<Registry>(Registry::ForceRegisterWorker{}));
  within("register_gatekeeper", root, RuntimeCall::of<Registry>(Registry::RegisterGatekeeper{workers[1]}));
  {
    Layer undo(p.state());
    p.registry.gatekeeper.put(std::vector(workers.begin(), workers.begin() + 20));
    p.registry.gatekeeper_master_pubkey.put(workers[0]);
    within("register_gatekeeper beside others", root, RuntimeCall::of<Registry>(Registry::RegisterGatekeeper{workers[50]}));
    within("unregister_gatekeeper", root, RuntimeCall::of<Registry>(Registry::UnregisterGatekeeper{workers[19]}));
    within("rotate_master_key", root, RuntimeCall::of<Registry>(Registry::RotateMasterKey{}));
  }
  const auto worker = crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  p.registry.workers.put(worker.public_key(), {});
  const WorkerEndpointPayload payload{worker.public_key(), {VersionedWorkerEndpointsV1{{std::string(1500, 'a')}}}, now_ms - 1};
  within("update_worker_endpoint", by_alice, RuntimeCall::of<Registry>(Registry::UpdateWorkerEndpoint{
             payload, to_bytes(worker.sign(wrap_content(scale::encode(payload), SignedContent::endpoint_info)))}));
}

/// Evidence with every document as long as it may be, genuinely signed: two lists of 25,000 serials, 2,600 TCB levels.
TEST_F(WeightTest, registration_with_the_largest_evidence) {
  namespace world = attest::testing_world;
  const WorkerRegistrationInfoV2 info{1, Bytes(500'000), PublicKey(Bytes(32, 200)), {}, {}, std::vector<u32>(10'000), alice, 0, 0};
  const auto commitment = crypto::blake2_256(scale::encode(info));
  world::World w;
  w.report_data = attest::ReportData(concat(commitment, Bytes(32)));
  for (u32 i = 0; i < 25'000; ++i) {
    Bytes serial = concat(Bytes(16, 0x55), be_bytes(i * 2654435761u));
    w.pck_list.serials.push_back(serial);
    serial[0] = 0x44;
    w.root_list.serials.push_back(std::move(serial));
  }
  while (attest::tcb_info_json(w.tcb_info).size() < 500'000) w.tcb_info.levels.insert(w.tcb_info.levels.end(), 100, w.tcb_info.levels.front());
  while (attest::qe_identity_json(w.qe_identity).size() < 62'000) w.qe_identity.levels.insert(w.qe_identity.levels.end(), 10, w.qe_identity.levels.front());
  const auto built = world::build(w);
  EXPECT_GT(built.collateral.pck_crl.size(), 1'900'000u);
  p.registry.trust_anchors.put(built.anchors);
  p.timestamp.now.put(world::now * 1000);
  within("register_worker_v2", by_alice, RuntimeCall::of<Registry>(Registry::RegisterWorkerV2{info, AttestationReport(SgxDcap{built.quote, Collateral(built.collateral)})}));
}

TEST_F(WeightTest, contracts) {
  within("set_pink_system_code", root, RuntimeCall::of<PhatContracts>(PhatContracts::SetPinkSystemCode{Bytes(2'000'000)}));
  const auto add = RuntimeCall::of<PhatContracts>(PhatContracts::AddCluster{alice, permission::Public{}, workers, Balances::pha, 1, 2, 3, bob});
  within("add_cluster", root, add);
  ASSERT_TRUE(p.dispatcher.dispatch(root, add).has_value());
  Hash cluster;
  cluster[31] = 1;
  within("cluster_upload_resource", by_alice, RuntimeCall::of<PhatContracts>(PhatContracts::ClusterUploadResource{cluster, ResourceType::ink_code, Bytes(2'000'000)}));
  within("transfer_to_cluster", by_alice, RuntimeCall::of<PhatContracts>(PhatContracts::TransferToCluster{Balances::pha, cluster, bob}));
  within("push_contract_message", by_alice, RuntimeCall::of<PhatContracts>(PhatContracts::PushContractMessage{{}, Bytes(500'000), 0}));
  within("instantiate_contract", by_alice,
         RuntimeCall::of<PhatContracts>(PhatContracts::InstantiateContract{WasmCode{}, Bytes(100'000), {1}, cluster, 0, 0, std::nullopt, Balances::pha}));
  const Hash contract(Bytes(32, 7));
  p.phat.contracts.put(contract, {bob, cluster});
  const auto stake = RuntimeCall::of<PhatTokenomic>(PhatTokenomic::AdjustStake{contract, 5 * Balances::pha});
  within("adjust_stake", by_alice, stake);
  ASSERT_TRUE(p.dispatcher.dispatch(by_alice, stake).has_value());
  within("adjust_stake to none", by_alice, RuntimeCall::of<PhatTokenomic>(PhatTokenomic::AdjustStake{contract, 0}));
  within("remove_worker_from_cluster", by_alice, RuntimeCall::of<PhatContracts>(PhatContracts::RemoveWorkerFromCluster{workers[5], cluster}));
  within("cluster_destroy", root, RuntimeCall::of<PhatContracts>(PhatContracts::ClusterDestroy{cluster}));
}

TEST_F(WeightTest, large_clusters) {
  Hash cluster;
  cluster[31] = 1;
  p.phat.install_system_code(Bytes(PhatContracts::ink_code_size_limit));
  within("add_cluster of one worker", root, RuntimeCall::of<PhatContracts>(PhatContracts::AddCluster{alice, permission::Public{}, {workers[0]}, Balances::pha, 1, 2, 3, bob}));
  const auto add = RuntimeCall::of<PhatContracts>(PhatContracts::AddCluster{alice, permission::Public{}, many_workers(0, 5000), Balances::pha, 1, 2, 3, bob});
  within("add_cluster of 5000 workers", root, add);
  ASSERT_TRUE(p.dispatcher.dispatch(root, add).has_value());
  within("add_worker_to_cluster", by_alice, RuntimeCall::of<PhatContracts>(PhatContracts::AddWorkerToCluster{workers[5], cluster}));
  within("remove_worker_from_cluster", by_alice, RuntimeCall::of<PhatContracts>(PhatContracts::RemoveWorkerFromCluster{worker_number(4999), cluster}));
  within("cleanup_removed_workers", root, RuntimeCall::of<PhatContracts>(PhatContracts::CleanupRemovedWorkers{cluster}));
  within("cluster_destroy", root, RuntimeCall::of<PhatContracts>(PhatContracts::ClusterDestroy{cluster}));
  within("cleanup of a cluster that is not", root, RuntimeCall::of<PhatContracts>(PhatContracts::CleanupRemovedWorkers{Hash{}}));
}

}  // namespace
}  // namespace phala::runtime

// A call may never take longer than it declares: fees and block limits rest on that. Measured with large arguments, the best of
// several runs in CPU time, on a state in memory; what is declared for storage is the margin for a store on disk.
#include <gtest/gtest.h>

#include <ctime>

#include "attest/software.hpp"
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
    const u64 declared = call.info().weight.ref_time;
    u64 best = ~u64{0};
    for (int i = 0; i < 12; ++i) {
      Layer undo(p.state());
      const u64 from = cpu_ps();
      const auto result = p.dispatcher.dispatch(origin, call);
      best = std::min(best, cpu_ps() - from);
      ASSERT_TRUE(result.has_value()) << what << ": " << to_string(result.error());
    }
    EXPECT_LE(best, declared) << what << " takes " << best / 1'000'000 << " us, declared " << declared / 1'000'000 << " us";
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
  within("transfer_allow_death", by_alice, RuntimeCall::of<Balances>(Balances::TransferAllowDeath{bob, {Balances::pha}}));
  within("transfer_keep_alive", by_alice, RuntimeCall::of<Balances>(Balances::TransferKeepAlive{bob, {Balances::pha}}));
  within("transfer_all", by_alice, RuntimeCall::of<Balances>(Balances::TransferAll{bob, false}));
  within("force_transfer", root, RuntimeCall::of<Balances>(Balances::ForceTransfer{alice, bob, {Balances::pha}}));
  within("force_set_balance", root, RuntimeCall::of<Balances>(Balances::ForceSetBalance{bob, {Balances::pha}}));
  within("batch of 1000 transfers", by_alice,
         RuntimeCall::of<Utility>(Utility::Batch{std::vector(1000, RuntimeCall::of<Balances>(Balances::TransferKeepAlive{bob, {Balances::pha}}))}));
  within("batch of 1000 remarks", by_alice, RuntimeCall::of<Utility>(Utility::BatchAll{std::vector(1000, RuntimeCall::of<System>(System::Remark{}))}));
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
  const auto worker = crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  p.registry.workers.put(worker.public_key(), {});
  const WorkerEndpointPayload payload{worker.public_key(), {VersionedWorkerEndpointsV1{{std::string(1500, 'a')}}}, now_ms - 1};
  within("update_worker_endpoint", by_alice, RuntimeCall::of<Registry>(Registry::UpdateWorkerEndpoint{
             payload, to_bytes(worker.sign(wrap_content(scale::encode(payload), SignedContent::endpoint_info)))}));
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
  within("remove_worker_from_cluster", by_alice, RuntimeCall::of<PhatContracts>(PhatContracts::RemoveWorkerFromCluster{workers[5], cluster}));
}

}  // namespace
}  // namespace phala::runtime

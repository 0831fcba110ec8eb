#include "phat/phat.hpp"

#include "frame/testing.hpp"

namespace phala::pallets {
namespace {

using namespace protocol;
using Error = PhatContracts::Error;
constexpr Balance pha = Balances::pha;

class PhatTest : public testing::PalletTest {
 protected:
  PhatTest() {
    for (const auto& worker : {one, two, three}) p.registry.workers.put(worker, {.pubkey = worker, .ecdh_pubkey = worker});
    p.phat.pink_runtime_version.put({1, 2});
    p.phat.install_system_code(code);
  }
  PhatContracts::AddCluster add(std::vector<PublicKey> workers, ClusterPermission permission = permission::Public{}) const {
    return {alice, permission, std::move(workers), 10 * pha, 1, 2, 3, bob};
  }
  Hash cluster(u8 n = 1) const {
    Hash id;
    id[31] = n;
    return id;
  }
  void make_cluster(ClusterPermission permission = permission::Public{}) { ASSERT_TRUE(call(Origin::root(), add({one, two}, permission)).has_value()); }
  PhatContracts::InstantiateContract instantiate(Balance deposit = 0) const { return {WasmCode{code_hash}, {1, 2}, {9}, cluster(), 5, 6, std::nullopt, deposit}; }
  Try<> report(const MessageOrigin& sender, std::string_view topic, const auto& payload) { return p.phat.on_message({sender, to_bytes(topic), scale::encode(payload)}); }

  const PublicKey one{Bytes(32, 1)}, two{Bytes(32, 2)}, three{Bytes(32, 3)};
  const Bytes code{0, 1, 2, 3};
  const Hash code_hash = crypto::blake2_256(code);
};

TEST_F(PhatTest, contract_ids_are_those_of_the_original) {
  EXPECT_EQ(to_hex(crypto::blake2_256(concat(Bytes(32, 1), Bytes{1, 2, 3}, Bytes(32, 1), Bytes{1, 2, 3}))), "29a773373d12f21a9407333f6e1c9db09aed5c03d21e91060c2f34ac2b86ecb4");
  const auto id = contract_id(AccountId(Bytes(32, 1)), code_hash, Hash(Bytes(32, 1)), Bytes{1, 2, 3});
  EXPECT_EQ(id, crypto::blake2_256(concat(Bytes(32, 1), code_hash, Bytes(32, 1), Bytes{1, 2, 3})));
}

TEST_F(PhatTest, a_cluster_is_made) {
  make_cluster();
  const auto info = *p.phat.clusters.get(cluster());
  EXPECT_EQ(info.owner, alice);
  EXPECT_EQ(info.system_contract, contract_id(alice, code_hash, cluster(), {}));
  EXPECT_EQ(p.balances.free_balance(cluster_account(cluster())), 10 * pha);
  EXPECT_EQ(p.phat.cluster_by_workers.get(two), cluster());
  EXPECT_TRUE(emitted(PhatContracts::ClusterCreated{cluster(), info.system_contract}));
  const auto events = sent<ClusterEvent>(topic::cluster_event);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(*events[0].get_if<DeployCluster>() ==
              (DeployCluster{alice, cluster(), {{one, one}, {two, two}}, 10 * pha, 1, 2, 3, bob, code, {1, 2}}));
}

TEST_F(PhatTest, a_chain_that_never_named_a_contract_runtime_begins_with_the_first) {
  p.phat.pink_runtime_version.kill();
  make_cluster();
  EXPECT_EQ(sent<ClusterEvent>(topic::cluster_event).at(0).get_if<DeployCluster>()->runtime_version, (std::pair<u32, u32>{1, 0}));
}

TEST_F(PhatTest, clusters_that_cannot_be_are_refused) {
  EXPECT_EQ(error(alice, add({one})), testing::bad_origin);
  EXPECT_EQ(error(Origin::root(), add({})), DispatchError(Error::NoWorkerSpecified));
  EXPECT_EQ(error(Origin::root(), add({one, PublicKey(Bytes(32, 9))})), DispatchError(Error::WorkerNotFound));
  EXPECT_EQ(error(Origin::root(), add({one, one})), DispatchError(Error::WorkerIsBusy));
  auto expensive = add({one});
  expensive.deposit = 5000 * pha;
  EXPECT_EQ(error(Origin::root(), expensive), DispatchError(TokenError::funds_unavailable));
  make_cluster();
  EXPECT_EQ(error(Origin::root(), add({two})), DispatchError(Error::WorkerIsBusy));
  p.phat.pink_system_code_hash.kill();
  EXPECT_EQ(error(Origin::root(), add({three})), DispatchError(Error::NoPinkSystemCode));
}

TEST_F(PhatTest, system_code_changes_with_the_next_block) {
  EXPECT_EQ(error(alice, PhatContracts::SetPinkSystemCode{{7}}), testing::bad_origin);
  EXPECT_EQ(error(alice, PhatContracts::SetPinkRuntimeVersion{{1, 4}}), testing::bad_origin);
  EXPECT_EQ(error(Origin::root(), PhatContracts::SetPinkSystemCode{Bytes(PhatContracts::ink_code_size_limit + 1)}), DispatchError(Error::PayloadTooLarge));
  ASSERT_TRUE(call(Origin::root(), PhatContracts::SetPinkSystemCode{{7}}).has_value());
  ASSERT_TRUE(call(Origin::root(), PhatContracts::SetPinkRuntimeVersion{{1, 4}}).has_value());
  EXPECT_EQ(p.phat.pink_system_code_hash.get(), code_hash);
  p.phat.on_initialize();
  EXPECT_EQ(p.phat.pink_system_code_hash.get(), crypto::blake2_256(Bytes{7}));
  EXPECT_EQ(p.phat.pink_system_code.get(), (std::pair<u16, Bytes>{2, {7}}));
  EXPECT_FALSE(p.phat.next_pink_system_code.exists());
  EXPECT_EQ(p.phat.pink_runtime_version.get(), (std::pair<u32, u32>{1, 4}));
  const auto told = sent<ClusterOperation>(topic::cluster_operation);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_TRUE(told[0] == ClusterOperation(ContractRuntime{{1, 4}}));   // at once: clusters that there are may take it up
  EXPECT_TRUE(told[1] == ClusterOperation(SystemCode{2, {7}}));
  p.phat.on_initialize();   // once
  EXPECT_EQ(sent<ClusterOperation>(topic::cluster_operation).size(), 2u);
}

TEST_F(PhatTest, contracts_are_instantiated_once) {
  EXPECT_EQ(error(bob, instantiate()), DispatchError(Error::ClusterNotFound));
  make_cluster();
  ASSERT_TRUE(call(bob, instantiate(pha)).has_value());
  const auto id = contract_id(bob, code_hash, cluster(), Bytes{9});
  EXPECT_TRUE(p.phat.contracts.get(id) == (ContractRecord{bob, cluster()}));
  EXPECT_TRUE(emitted(PhatContracts::Instantiating{id, cluster(), bob}));
  EXPECT_TRUE(emitted(PhatContracts::Transfered{cluster(), bob.as<Hash>(), pha}));
  EXPECT_TRUE(sent<ContractOperation>(topic::contract_operation).at(0) ==
              ContractOperation(InstantiateCode{{bob, WasmCode{code_hash}, {9}, cluster(), {1, 2}}, 5, 6, std::nullopt}));
  EXPECT_TRUE(sent<ClusterOperation>(topic::cluster_operation).at(0) == ClusterOperation(protocol::Deposit{cluster(), bob, pha}));
  EXPECT_EQ(error(bob, instantiate(pha)), DispatchError(Error::DuplicatedContract));
  EXPECT_EQ(error(Origin::root(), instantiate()), testing::bad_origin);
}

TEST_F(PhatTest, a_closed_cluster_is_its_owners) {
  make_cluster(permission::OnlyOwner{alice});
  EXPECT_EQ(error(bob, instantiate()), DispatchError(Error::ClusterPermissionDenied));
  EXPECT_EQ(error(bob, PhatContracts::ClusterUploadResource{cluster(), ResourceType::ink_code, {1}}), DispatchError(Error::ClusterPermissionDenied));
  EXPECT_TRUE(call(alice, instantiate()).has_value());
}

TEST_F(PhatTest, resources_have_limits) {
  make_cluster();
  ASSERT_TRUE(call(bob, PhatContracts::ClusterUploadResource{cluster(), ResourceType::ink_code, {1}}).has_value());
  EXPECT_TRUE(sent<ClusterOperation>(topic::cluster_operation).at(0) == ClusterOperation(UploadResource{bob, cluster(), ResourceType::ink_code, {1}}));
  const Bytes large(PhatContracts::ink_code_size_limit + 1);
  EXPECT_EQ(error(bob, PhatContracts::ClusterUploadResource{cluster(), ResourceType::indeterministic_ink_code, large}), DispatchError(Error::PayloadTooLarge));
  EXPECT_TRUE(call(bob, PhatContracts::ClusterUploadResource{cluster(), ResourceType::sidevm_code, large}).has_value());
  EXPECT_EQ(error(bob, PhatContracts::ClusterUploadResource{cluster(9), ResourceType::ink_code, {1}}), DispatchError(Error::ClusterNotFound));
}

TEST_F(PhatTest, messages_and_deposits_reach_a_contract) {
  make_cluster();
  ASSERT_TRUE(call(bob, instantiate()).has_value());
  const auto id = contract_id(bob, code_hash, cluster(), Bytes{9});
  ASSERT_TRUE(call(bob, PhatContracts::PushContractMessage{id, {1, 2, 3}, pha}).has_value());
  const auto last = p.outbox.outbound.get().back();
  EXPECT_EQ(to_hex(last.destination), to_hex(contract_command_topic(id)));
  EXPECT_EQ(last.payload, (Bytes{1, 2, 3}));   // as it came, not wrapped again
  EXPECT_TRUE(last.sender == MessageOrigin::account(bob));
  EXPECT_EQ(error(bob, PhatContracts::PushContractMessage{Hash{}, {}, 1}), DispatchError(Error::ContractNotFound));
  EXPECT_TRUE(call(bob, PhatContracts::PushContractMessage{Hash{}, {}, 0}).has_value());
  ASSERT_TRUE(call(bob, PhatContracts::TransferToCluster{pha, cluster(), alice}).has_value());
  EXPECT_EQ(p.balances.free_balance(cluster_account(cluster())), 12 * pha);
  EXPECT_EQ(error(bob, PhatContracts::TransferToCluster{1000 * pha, cluster(), alice}), DispatchError(TokenError::funds_unavailable));
}

TEST_F(PhatTest, workers_join_and_leave) {
  make_cluster();
  EXPECT_EQ(error(bob, PhatContracts::AddWorkerToCluster{three, cluster()}), DispatchError(Error::ClusterPermissionDenied));
  EXPECT_EQ(error(alice, PhatContracts::AddWorkerToCluster{three, cluster(5)}), DispatchError(Error::ClusterNotFound));
  EXPECT_EQ(error(alice, PhatContracts::AddWorkerToCluster{PublicKey{}, cluster()}), DispatchError(Error::WorkerNotFound));
  EXPECT_EQ(error(alice, PhatContracts::AddWorkerToCluster{two, cluster()}), DispatchError(Error::WorkerIsBusy));
  ASSERT_TRUE(call(alice, PhatContracts::AddWorkerToCluster{three, cluster()}).has_value());
  EXPECT_TRUE(emitted(PhatContracts::WorkerAddedToCluster{three, cluster()}));
  EXPECT_EQ(p.phat.cluster_workers.get(cluster()).size(), 3u);

  EXPECT_EQ(error(bob, PhatContracts::RemoveWorkerFromCluster{three, cluster()}), DispatchError(Error::ClusterPermissionDenied));
  ASSERT_TRUE(call(alice, PhatContracts::RemoveWorkerFromCluster{three, cluster()}).has_value());
  EXPECT_TRUE(emitted(PhatContracts::WorkerRemovedFromCluster{three, cluster()}));
  EXPECT_TRUE(sent<ClusterOperation>(topic::cluster_operation).back() == ClusterOperation(RemoveWorker{cluster(), three}));
  EXPECT_EQ(error(alice, PhatContracts::RemoveWorkerFromCluster{three, cluster()}), DispatchError(Error::WorkerNotFound));
  EXPECT_EQ(error(alice, PhatContracts::AddWorkerToCluster{three, cluster()}), DispatchError(Error::WorkerIsBusy));   // never again

  p.phat.cluster_workers.append(cluster(), three);
  EXPECT_EQ(error(alice, PhatContracts::CleanupRemovedWorkers{cluster()}), testing::bad_origin);
  ASSERT_TRUE(call(Origin::root(), PhatContracts::CleanupRemovedWorkers{cluster()}).has_value());
  EXPECT_EQ(p.phat.cluster_workers.get(cluster()), (std::vector<PublicKey>{one, two}));

  EXPECT_EQ(error(alice, PhatContracts::ClusterDestroy{cluster()}), testing::bad_origin);
  ASSERT_TRUE(call(Origin::root(), PhatContracts::ClusterDestroy{cluster()}).has_value());
  EXPECT_EQ(error(Origin::root(), PhatContracts::ClusterDestroy{cluster()}), DispatchError(Error::ClusterNotFound));
}

TEST_F(PhatTest, reports_count_from_the_right_sender_only) {
  make_cluster();
  const PublicKey key(Bytes(32, 8));
  const Hash contract(Bytes(32, 6));
  const DispatchError invalid(Error::InvalidSender);
  EXPECT_EQ(report(origin::Worker{one}, topic::cluster_registry_event, ClusterRegistryEvent(protocol::ClusterPubkeyAvailable{cluster(), key})).error(), invalid);
  ASSERT_TRUE(report(origin::Gatekeeper{}, topic::cluster_registry_event, ClusterRegistryEvent(protocol::ClusterPubkeyAvailable{cluster(), key})).has_value());
  EXPECT_EQ(p.registry.cluster_keys.get(cluster()), key);

  const ContractRegistryEvent available(protocol::ContractPubkeyAvailable{contract, key, alice.as<Hash>()});
  EXPECT_EQ(report(origin::Gatekeeper{}, topic::contract_registry_event, available).error(), invalid);
  ASSERT_TRUE(report(origin::Cluster{cluster()}, topic::contract_registry_event, available).has_value());
  EXPECT_EQ(p.registry.contract_keys.get(contract), key);
  EXPECT_EQ(p.phat.cluster_contracts.get(cluster()), std::vector<Hash>{contract});
  EXPECT_TRUE(p.phat.contracts.get(contract) == (ContractRecord{alice, cluster()}));
  EXPECT_TRUE(emitted(PhatContracts::Instantiated{contract, cluster(), alice.as<Hash>()}));
  EXPECT_EQ(report(origin::Cluster{cluster(2)}, topic::contract_registry_event, available).error(), invalid);
  ASSERT_TRUE(report(origin::Cluster{cluster()}, topic::contract_registry_event, available).has_value());
  EXPECT_EQ(p.phat.cluster_contracts.get(cluster()).size(), 1u);

  ASSERT_TRUE(report(origin::Worker{one}, topic::worker_cluster_report, WorkerClusterReport(protocol::ClusterDeployed{cluster(), key})).has_value());
  EXPECT_TRUE(emitted(PhatContracts::ClusterDeployed{cluster(), key, one}));
  ASSERT_TRUE(report(origin::Worker{one}, topic::worker_cluster_report, WorkerClusterReport(protocol::ClusterDeploymentFailed{cluster()})).has_value());
  EXPECT_TRUE(emitted(PhatContracts::ClusterDeploymentFailed{cluster(), one}));
  EXPECT_EQ(report(MessageOrigin::account(alice), topic::worker_cluster_report, WorkerClusterReport(protocol::ClusterDeploymentFailed{cluster()})).error(), invalid);
  EXPECT_FALSE(p.phat.on_message({origin::Worker{one}, to_bytes(topic::worker_cluster_report), {9, 9}}).has_value());
}

}  // namespace
}  // namespace phala::pallets

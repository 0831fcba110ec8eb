#pragma once
// Why: what a running worker does with foreign bytes shows only in a cluster with a contract. One worker, its own gatekeeper, with a minimal
// system contract and the flipper; targets feed it from there.

#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/assert.hpp"
#include "core/keys.hpp"
#include "core/test_world.hpp"
#include "crypto/hash.hpp"

namespace phala::worker::test {

struct ClusterWorld : World {
  protocol::ContractId flipper;
  std::vector<light::Batch> batches;   ///< all blocks so far, one each

  ClusterWorld() : World(1) {
    pallet_says(protocol::topic::gatekeeper_launch, protocol::GatekeeperLaunch(protocol::FirstGatekeeper{key(0), key(0)}));
    blocks(3);
    protocol::DeployCluster event{};
    event.cluster = cluster;
    event.owner = engine::test::alice;
    event.deposit = 1'000'000'000'000;   // bounds what a transaction can cost, and so how long it runs
    event.gas_price = 4;
    event.treasury_account = engine::test::treasury;
    event.system_code = engine::test::contract("");
    event.runtime_version = {1, 2};
    event.workers.push_back({key(0), key(0)});
    pallet_says(protocol::topic::cluster_event, protocol::ClusterEvent(event));
    blocks(3);
    const Bytes code = flipper_code();
    operate(protocol::UploadResource{engine::test::alice, cluster, protocol::ResourceType::ink_code, code});
    flipper = instantiate(crypto::blake2_256(code), {0x9b, 0xae, 0x9d, 0x5e, 1});
    blocks(2);
    PHALA_ASSERT(machine().cluster && machine().cluster->contracts.contains(flipper));
  }

  static Bytes flipper_code() {
    std::ifstream file(PHALA_SOURCE_DIR "/tests/golden/contracts/flipper.contract", std::ios::binary);
    return engine::test::wasm_of_contract_file(std::string(std::istreambuf_iterator<char>(file), {}));
  }
  const Machine& machine() const { return workers[0].machine; }
  PublicKey flipper_key() const { return contract_key(*machine().cluster->key, flipper).public_key(); }

  void blocks(int n) {
    while (n-- > 0) {
      batches.push_back(seal_block());
      auto done = dispatch(machine(), turn(workers[0]), batches.back());
      PHALA_ASSERT(done.has_value());
      for (const auto& note : done->report.notes) std::fprintf(stderr, "block %u: %s: %s\n", note.block, note.topic.c_str(), note.error.text().c_str());
      PHALA_ASSERT(done->report.notes.empty());
      workers[0].machine = std::move(done->machine);
      for (const auto& [sender, channel] : machine().egress)
        for (const auto& m : channel.messages) take(m);
    }
  }
};

}  // namespace phala::worker::test

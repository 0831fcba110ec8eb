#include "core/machine.hpp"

#include "crypto/hash.hpp"
#include "light/tip_proof.hpp"

namespace phala::worker {

namespace {

/// The parts of a turn of one block, so that handlers get only what they work with.
struct Block {
  Machine& machine;
  GatekeeperTurn gatekeeper;
  WorkingTurn working;
  ClusterTurn cluster;
};

template <class T>
Result<T> payload_of(const Message& message) { return scale::decode<T>(message.payload).map_error(scale::to_error); }

/// A gatekeeper's secrets must not share a machine with contracts of the public, except in development.
bool may_hold_cluster(const Machine& machine, const Turn& turn) { return turn.config.development || !machine.gatekeeper.holder; }

Result<> process(Block& block, const Message& message) {
  const std::string_view topic = as_text(message.destination);
  if (topic == protocol::topic::system_event) {
    block.working.clusters = block.machine.cluster ? 1 : 0;
    block.working.contracts = block.machine.cluster ? static_cast<u32>(block.machine.cluster->contracts.size()) : 0;
    return on_system_event(block.working, message.sender, TRY(payload_of<protocol::SystemEvent>(message)));
  }
  if (topic == protocol::topic::gatekeeper_launch) return on_launch(block.gatekeeper, message.sender, TRY(payload_of<protocol::GatekeeperLaunch>(message)));
  if (topic == protocol::topic::gatekeeper_change) return on_change(block.gatekeeper, message.sender, TRY(payload_of<protocol::GatekeeperChange>(message)));
  if (topic == protocol::topic::key_distribution) return on_key(block.gatekeeper, message.sender, TRY(payload_of<protocol::KeyDistribution>(message)));
  if (topic == protocol::topic::gatekeeper_event) return on_gatekeeper_event(block.gatekeeper, message.sender, TRY(payload_of<protocol::GatekeeperEvent>(message)));
  if (topic == protocol::topic::cluster_event) {
    const auto event = TRY(payload_of<protocol::ClusterEvent>(message));
    return on_deploy_cluster(block.gatekeeper, message.sender, *event.get_if<protocol::DeployCluster>());
  }
  if (topic == protocol::topic::cluster_operation) return on_cluster_operation(block.cluster, message.sender, TRY(payload_of<protocol::ClusterOperation>(message)));
  if (topic == protocol::topic::contract_operation) return on_contract_operation(block.cluster, message.sender, TRY(payload_of<protocol::ContractOperation>(message)));
  if (const auto contract = contract_of_topic(message.destination)) return on_command(block.cluster, message.sender, *contract, message.payload);
  return {};
}

}  // namespace

Machine genesis(const MachineConfig& config) {
  Machine machine;
  machine.tip = light::genesis_tip(config.trust);
  return machine;
}

bool follows(ByteView topic) {
  const std::string_view text = as_text(topic);
  return text == protocol::topic::system_event || text.starts_with("phala/gatekeeper/") || text == protocol::topic::cluster_event ||
         text == protocol::topic::cluster_operation || text.starts_with("phala/contract/");
}

Result<> process_block(Machine& machine, const Turn& turn, const light::VerifiedBlock& block, StateDiff& cluster_diff, Report& report) {
  Block b{machine,
          {machine.gatekeeper, machine.egress, turn.identity, turn.entropy, block.number, report},
          {machine.working, machine.egress, turn.identity, block.number, block.now_ms, turn.iterations, 0, 0},
          {machine.cluster, machine.system_code, machine.named_runtime, cluster_diff, machine.egress, turn.identity, turn.engine, true, block.number, block.now_ms,
           report, turn.config.max_cluster_bytes, turn.config.hook_gas_per_block}};
  const auto machine_failed = [&] { return fail(Error(*b.cluster.failure).in("block " + std::to_string(block.number))); };
  for (const auto& logged : block.messages) {
    settle_logged(machine.egress, logged.message);
    b.cluster.may_hold_cluster = may_hold_cluster(machine, turn);
    if (auto done = process(b, logged.message); !done)
      report.notes.push_back({block.number, std::string(as_text(logged.message.destination)), std::move(done).error()});
    if (b.cluster.failure) return machine_failed();
  }
  on_block_end(b.cluster);
  if (b.cluster.failure) return machine_failed();
  on_block_end(b.gatekeeper);
  on_block_end(b.working);
  return {};
}

Result<Dispatched> dispatch(const Machine& machine, const Turn& turn, const light::Batch& batch) {
  TRY(check_build(machine.requirements, turn.config.build));
  auto advanced = TRY(light::advance(turn.config.trust, machine.tip, batch, follows).map_error(light::to_error));
  Dispatched out{machine, {}, {}};
  for (const auto& block : advanced.blocks) TRY(process_block(out.machine, turn, block, out.cluster_diff, out.report));
  out.machine.tip = std::move(advanced.tip);
  return out;
}

namespace {

/// The own stream always: a worker that lost its state must learn where the chain is before it speaks.
std::vector<MessageOrigin> streams_to_settle(const Machine& machine, const PublicKey& identity) {
  std::vector<MessageOrigin> out{origin::Worker{identity}};
  for (const auto& [sender, channel] : machine.egress)
    if (!(sender == out.front()) && !channel.messages.empty()) out.push_back(sender);
  return out;
}

}  // namespace

std::vector<Bytes> settle_keys(const Machine& machine, const PublicKey& identity) {
  std::vector<Bytes> out = requirement_keys();
  for (const auto& sender : streams_to_settle(machine, identity)) out.push_back(ingress_sequence_key(sender));
  return out;
}

Result<Machine> settle_at_tip(const Machine& machine, const MachineConfig& config, const PublicKey& identity, std::span<const Bytes> proof) {
  const auto values = TRY(light::read_at_tip(machine.tip, proof, settle_keys(machine, identity)));
  const size_t facts = requirement_keys().size();
  Machine out = machine;
  out.requirements = TRY(requirements_of(std::span(values).first(facts), config.build, machine.tip.number));
  const auto streams = streams_to_settle(machine, identity);
  for (size_t i = 0; i < streams.size(); ++i) {
    const auto& value = values[facts + i];
    if (!value) continue;
    const u64 next = TRY(scale::decode<u64>(*value).map_error(scale::to_error).context("next sequence of " + to_string(streams[i])));
    settle(out.egress, streams[i], next);
  }
  return out;
}

}  // namespace phala::worker

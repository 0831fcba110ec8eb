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
          {machine.cluster, cluster_diff, machine.egress, turn.identity, turn.engine, true, block.number, block.now_ms, report}};
  const auto machine_failed = [&] { return fail(Error(*b.cluster.failure).in("block " + std::to_string(block.number))); };
  for (const auto& logged : block.messages) {
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
  auto advanced = TRY(light::advance(turn.config.trust, machine.tip, batch, follows).map_error(light::to_error));
  Dispatched out{machine, {}, {}};
  for (const auto& block : advanced.blocks) TRY(process_block(out.machine, turn, block, out.cluster_diff, out.report));
  out.machine.tip = std::move(advanced.tip);
  return out;
}

std::vector<std::pair<MessageOrigin, Bytes>> ingress_keys(const Machine& machine, const PublicKey& identity) {
  std::vector<std::pair<MessageOrigin, Bytes>> out;
  const MessageOrigin self = origin::Worker{identity};
  out.emplace_back(self, ingress_sequence_key(self));
  for (const auto& [sender, channel] : machine.egress)
    if (!(sender == self) && !channel.messages.empty()) out.emplace_back(sender, ingress_sequence_key(sender));
  return out;
}

Result<Machine> settle_egress(const Machine& machine, const PublicKey& identity, std::span<const Bytes> proof) {
  const auto wanted = ingress_keys(machine, identity);
  std::vector<Bytes> keys;
  for (const auto& [sender, key] : wanted) keys.push_back(key);
  const auto values = TRY(light::read_at_tip(machine.tip, proof, keys));
  Machine out = machine;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!values[i]) continue;
    const u64 next = TRY(scale::decode<u64>(*values[i]).map_error(scale::to_error).context("next sequence of " + to_string(wanted[i].first)));
    settle(out.egress, wanted[i].first, next);
  }
  return out;
}

// ---- at rest ------------------------------------------------------------------------------------------------------------

namespace {

// First byte of a key. 't' tip, 'w' working, 'v' gatekeeper view, 'g' key holder, 'q' SCALE(sender) → next sequence,
// 'm' SCALE(sender) sequence BE → message, 'k' cluster head, 'p' system code, 'e' contract id → entry, 's' cluster key → value.
Bytes at(char kind, ByteView rest = {}) {
  Bytes out{static_cast<u8>(kind)};
  append(out, rest);
  return out;
}

struct ClusterHead { protocol::ClusterId id; FixedBytes<64> secret; std::optional<protocol::ContractId> log_handler;  FIELDS(id, secret, log_handler) };

Bytes message_key(const MessageOrigin& sender, u64 sequence) { return at('m', concat(scale::encode(sender), be_bytes(sequence))); }

/// Everything but the messages and the cluster's state: small, so that it is compared whole.
Image heads_of(const Machine& m) {
  Image out;
  out[at('t')] = scale::encode(m.tip);
  out[at('w')] = scale::encode(m.working);
  out[at('v')] = scale::encode(m.gatekeeper.view);
  if (m.gatekeeper.holder) out[at('g')] = encode_secret(*m.gatekeeper.holder);
  for (const auto& [sender, channel] : m.egress) out[at('q', scale::encode(sender))] = scale::encode(channel.next_sequence);
  if (m.cluster) {
    out[at('k')] = scale::encode(ClusterHead{m.cluster->id, FixedBytes<64>(m.cluster->key->secret().expose()), m.cluster->log_handler});
    for (const auto& [id, entry] : m.cluster->contracts) out[at('e', id)] = scale::encode(entry);
  }
  return out;
}

template <class T>
Result<T> part(ByteView value, const char* name) {
  return scale::decode<T>(value).map_error([&](scale::CodecError e) {
    Error error = scale::to_error(e).in(name);
    error.code = ErrorCode::corrupted;
    return error;
  });
}

Result<> take_part(Machine& m, ByteView key, ByteView value) {
  const ByteView rest = key.subspan(1);
  switch (key[0]) {
    case 't': m.tip = TRY(part<light::Tip>(value, "tip")); return {};
    case 'w': m.working = TRY(part<Working>(value, "working state")); return {};
    case 'v': m.gatekeeper.view = TRY(part<GatekeeperView>(value, "gatekeeper view")); return {};
    case 'g': m.gatekeeper.holder = TRY(decode_key_holder(value)); return {};
    case 'q': m.egress[TRY(part<MessageOrigin>(rest, "sender"))].next_sequence = TRY(part<u64>(value, "sequence")); return {};
    case 'm': {
      auto message = TRY(part<SignedMessage>(value, "message"));
      m.egress[message.message.sender].messages.push_back(std::move(message));
      return {};
    }
    case 'k': {
      const auto head = TRY(part<ClusterHead>(value, "cluster"));
      if (!m.cluster) m.cluster.emplace();
      m.cluster->id = head.id;
      m.cluster->key = std::make_shared<const Sr25519Pair>(TRY(Sr25519Pair::from_secret(PairSecret(head.secret))));
      m.cluster->log_handler = head.log_handler;
      return {};
    }
    case 'p':
      if (!m.cluster) m.cluster.emplace();
      m.cluster->system_code = std::make_shared<const Bytes>(to_bytes(value));
      return {};
    case 'e':
      if (!m.cluster) m.cluster.emplace();
      m.cluster->contracts[TRY(protocol::ContractId::from(rest))] = TRY(part<ContractEntry>(value, "contract"));
      return {};
    default: return fail(ErrorCode::corrupted, "worker state: a key of unknown kind " + std::to_string(key[0]));
  }
}

}  // namespace

void visit_image(const Machine& machine, const std::function<void(ByteView key, ByteView value)>& visit) {
  for (const auto& [key, value] : heads_of(machine)) visit(key, value);
  for (const auto& [sender, channel] : machine.egress)
    for (const auto& message : channel.messages) visit(message_key(sender, message.sequence), scale::encode(message));
  if (!machine.cluster) return;
  visit(at('p'), *machine.cluster->system_code);
  machine.cluster->state.for_each([&](ByteView key, ByteView value) { visit(at('s', key), value); });
}

Image image_of(const Machine& machine) {
  Image out;
  visit_image(machine, [&](ByteView key, ByteView value) { out[to_bytes(key)] = to_bytes(value); });
  return out;
}

Result<Machine> machine_from(const Image& image) {
  Machine machine;
  if (!image.contains(at('t'))) return fail(ErrorCode::corrupted, "worker state: it has no tip");
  StateDiff cluster_state;
  for (const auto& [key, value] : image) {
    if (key.empty()) return fail(ErrorCode::corrupted, "worker state: an empty key");
    if (key[0] == 's') cluster_state[to_bytes(ByteView(key).subspan(1))] = value;
    else TRY(take_part(machine, key, value).map_error([](Error e) {
      e.code = ErrorCode::corrupted;
      return std::move(e).in("worker state");
    }));
  }
  if (machine.cluster && (!machine.cluster->key || !machine.cluster->system_code)) return fail(ErrorCode::corrupted, "worker state: a cluster without its head");
  if (machine.cluster) machine.cluster->state.apply(cluster_state);
  return machine;
}

StateDiff difference(const Machine& before, const Machine& after, const StateDiff& cluster_diff) {
  StateDiff out;
  const Image old_heads = heads_of(before), new_heads = heads_of(after);
  for (const auto& [key, value] : old_heads)
    if (!new_heads.contains(key)) out[key] = std::nullopt;
  for (const auto& [key, value] : new_heads)
    if (const auto old = old_heads.find(key); old == old_heads.end() || old->second != value) out[key] = value;

  // messages never change, they come and go: compared by number
  for (const auto& [sender, channel] : before.egress)
    for (const auto& message : channel.messages) out[message_key(sender, message.sequence)] = std::nullopt;
  for (const auto& [sender, channel] : after.egress) {
    const auto old = before.egress.find(sender);
    for (const auto& message : channel.messages) {
      const Bytes key = message_key(sender, message.sequence);
      const bool kept = old != before.egress.end() && std::any_of(old->second.messages.begin(), old->second.messages.end(),
                                                                  [&](const SignedMessage& m) { return m.sequence == message.sequence && m.signature == message.signature; });
      if (kept) out.erase(key);
      else out[key] = scale::encode(message);
    }
  }
  const bool same_code = before.cluster && after.cluster && before.cluster->system_code == after.cluster->system_code;
  if (after.cluster && !same_code) out[at('p')] = *after.cluster->system_code;
  if (before.cluster && !after.cluster) out[at('p')] = std::nullopt;
  for (const auto& [key, value] : cluster_diff) out[at('s', key)] = value;
  return out;
}

}  // namespace phala::worker

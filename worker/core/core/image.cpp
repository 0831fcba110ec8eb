#include <algorithm>

#include "core/machine.hpp"

namespace phala::worker {

namespace {

// First byte of a key: docs/adr/0005-sealed-frames.md.
Bytes at(char kind, ByteView rest = {}) {
  Bytes out{static_cast<u8>(kind)};
  append(out, rest);
  return out;
}

struct ClusterHead { protocol::ClusterId id; FixedBytes<64> secret; std::optional<protocol::ContractId> log_handler;  FIELDS(id, secret, log_handler) };
struct Draw { BlockNumber block{}; Hash random;  FIELDS(block, random) };

Bytes message_key(const MessageOrigin& sender, u64 sequence) { return at('m', concat(scale::encode(sender), be_bytes(sequence))); }

/// What holds no keys and is not large: compared whole.
Image heads_of(const Machine& m) {
  Image out;
  out[at('t')] = scale::encode(m.tip);
  out[at('w')] = scale::encode(m.working);
  out[at('v')] = scale::encode(m.gatekeeper.view);
  out[at('r')] = scale::encode(m.requirements);
  if (m.named_runtime) out[at('u')] = scale::encode(*m.named_runtime);
  if (m.gatekeeper.holder) out[at('n')] = scale::encode(Draw{m.gatekeeper.holder->random_block, m.gatekeeper.holder->random});
  for (const auto& [sender, channel] : m.egress) out[at('q', scale::encode(sender))] = scale::encode(channel.next_sequence);
  if (m.cluster)
    for (const auto& [id, entry] : m.cluster->contracts) out[at('e', id)] = scale::encode(entry);
  return out;
}

// Values with keys are made only where they are written, not at each comparison.

bool same_keys(const Gatekeeper& a, const Gatekeeper& b) {
  if (!a.holder || !b.holder) return !a.holder && !b.holder;
  return std::equal(a.holder->history.begin(), a.holder->history.end(), b.holder->history.begin(), b.holder->history.end(),
                    [](const MasterKey& x, const MasterKey& y) { return x.rotation_id == y.rotation_id && x.since == y.since && x.pair == y.pair; });
}
bool same_head(const std::optional<Cluster>& a, const std::optional<Cluster>& b) {
  if (!a || !b) return !a && !b;
  return a->id == b->id && a->key == b->key && a->log_handler == b->log_handler;
}
Bytes head_of(const Cluster& cluster) {
  Bytes out;
  out.reserve(32 + PairSecret::size() + 33);   // grown later, it would leave a copy of the secret behind
  append(out, cluster.id);
  append(out, cluster.key->secret().expose());
  append(out, scale::encode(cluster.log_handler));
  return out;
}
/// The cluster's system code while it is not simply the newest.
std::shared_ptr<const Bytes> own_code(const Machine& m) { return m.cluster && m.cluster->system_code != m.system_code.code ? m.cluster->system_code : nullptr; }
Bytes newest_code(const NewestSystemCode& newest) { return scale::encode(newest.version, *newest.code); }

bool holds_keys(ByteView key) { return !key.empty() && (key[0] == 'g' || key[0] == 'k'); }

/// Streams are ascending by number, and a message never changes, except that other keys sign it anew.
void add_message_changes(StateDiff& out, const MessageOrigin& sender, std::span<const SignedMessage> before, std::span<const SignedMessage> after) {
  auto old = before.begin();
  auto fresh = after.begin();
  while (old != before.end() || fresh != after.end()) {
    if (fresh == after.end() || (old != before.end() && old->sequence < fresh->sequence)) {
      out[message_key(sender, old->sequence)] = std::nullopt;
      ++old;
      continue;
    }
    const bool had = old != before.end() && old->sequence == fresh->sequence;
    if (!had || old->signature != fresh->signature) out[message_key(sender, fresh->sequence)] = scale::encode(*fresh);
    if (had) ++old;
    ++fresh;
  }
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
    case 'r': m.requirements = TRY(part<Requirements>(value, "requirements")); return {};
    case 'u': m.named_runtime = TRY(part<engine::RuntimeVersion>(value, "named contract runtime")); return {};
    case 'g':
      m.gatekeeper.holder = KeyHolder{TRY(decode_keys(value)), 0, {}};
      return {};
    case 'n': {
      const auto draw = TRY(part<Draw>(value, "random number"));
      if (!m.gatekeeper.holder) return fail(ErrorCode::corrupted, "a random number without master keys");
      m.gatekeeper.holder->random_block = draw.block;
      m.gatekeeper.holder->random = draw.random;
      return {};
    }
    case 'q': m.egress[TRY(part<MessageOrigin>(rest, "sender"))].next_sequence = TRY(part<u64>(value, "sequence")); return {};
    case 'm': {
      auto message = TRY(part<SignedMessage>(value, "message"));
      m.egress[message.message.sender].messages.push_back(std::move(message));
      return {};
    }
    case 'k': {
      auto head = TRY(part<ClusterHead>(value, "cluster"));
      const PairSecret secret(head.secret);
      wipe(head.secret.data(), head.secret.size());
      if (!m.cluster) m.cluster.emplace();
      m.cluster->id = head.id;
      m.cluster->key = std::make_shared<const Sr25519Pair>(TRY(Sr25519Pair::from_secret(secret)));
      m.cluster->log_handler = head.log_handler;
      return {};
    }
    case 'c': {
      auto [version, code] = TRY((part<std::pair<u16, Bytes>>(value, "newest system code")));
      m.system_code = {version, std::make_shared<const Bytes>(std::move(code))};
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
  const auto visit_keys = [&](char kind, Bytes value) {
    visit(at(kind), value);
    wipe(value.data(), value.size());
  };
  if (machine.gatekeeper.holder) visit_keys('g', encode_keys(machine.gatekeeper.holder->history));
  if (machine.cluster) visit_keys('k', head_of(*machine.cluster));
  for (const auto& [sender, channel] : machine.egress)
    for (const auto& message : channel.messages) visit(message_key(sender, message.sequence), scale::encode(message));
  if (machine.system_code.code) visit(at('c'), newest_code(machine.system_code));
  if (const auto code = own_code(machine)) visit(at('p'), *code);
  if (!machine.cluster) return;
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
  engine::ClusterState cluster_state;
  for (const auto& [key, value] : image) {
    if (key.empty()) return fail(ErrorCode::corrupted, "worker state: an empty key");
    if (key[0] == 's') cluster_state.put(ByteView(key).subspan(1), value);
    else TRY(take_part(machine, key, value).map_error([](Error e) {
      e.code = ErrorCode::corrupted;
      return std::move(e).in("worker state");
    }));
  }
  if (machine.gatekeeper.holder && !image.contains(at('n'))) return fail(ErrorCode::corrupted, "worker state: master keys without their random number");
  if (machine.cluster && !machine.cluster->system_code) machine.cluster->system_code = machine.system_code.code;
  if (machine.cluster && (!machine.cluster->key || !machine.cluster->system_code)) return fail(ErrorCode::corrupted, "worker state: a cluster without its head");
  if (machine.cluster) {
    machine.cluster->state = std::move(cluster_state);
    TRY(engine::rules_of(machine.cluster->state).context("worker state: cluster " + to_hex0x(machine.cluster->id)));
  }
  return machine;
}

StateDiff difference(const Machine& before, const Machine& after, const StateDiff& cluster_diff) {
  StateDiff out;
  const Image old_heads = heads_of(before), new_heads = heads_of(after);
  for (const auto& [key, value] : old_heads)
    if (!new_heads.contains(key)) out[key] = std::nullopt;
  for (const auto& [key, value] : new_heads)
    if (const auto old = old_heads.find(key); old == old_heads.end() || old->second != value) out[key] = value;

  static const std::vector<SignedMessage> nothing;
  const auto messages = [](const Egress& egress, const MessageOrigin& sender) -> const std::vector<SignedMessage>& {
    const auto at = egress.find(sender);
    return at == egress.end() ? nothing : at->second.messages;
  };
  for (const auto& [sender, channel] : before.egress) add_message_changes(out, sender, channel.messages, messages(after.egress, sender));
  for (const auto& [sender, channel] : after.egress)
    if (!before.egress.contains(sender)) add_message_changes(out, sender, {}, channel.messages);

  const auto put = [&](char kind, bool there, auto value) { there ? out[at(kind)] = value() : out[at(kind)] = std::nullopt; };
  if (!same_keys(before.gatekeeper, after.gatekeeper)) put('g', after.gatekeeper.holder.has_value(), [&] { return encode_keys(after.gatekeeper.holder->history); });
  if (!same_head(before.cluster, after.cluster)) put('k', after.cluster.has_value(), [&] { return head_of(*after.cluster); });
  if (before.system_code.code != after.system_code.code) put('c', after.system_code.code != nullptr, [&] { return newest_code(after.system_code); });
  if (own_code(before) != own_code(after)) put('p', own_code(after) != nullptr, [&] { return *own_code(after); });
  for (const auto& [key, value] : cluster_diff) out[at('s', key)] = value;
  return out;
}

void wipe_keys(StateDiff& diff) {
  for (auto& [key, value] : diff)
    if (value && holds_keys(key)) wipe(value->data(), value->size());
}
void wipe_keys(Image& image) {
  for (auto& [key, value] : image)
    if (holds_keys(key)) wipe(value.data(), value.size());
}

}  // namespace phala::worker

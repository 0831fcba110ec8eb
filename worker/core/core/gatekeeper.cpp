#include "core/gatekeeper.hpp"

#include "crypto/hash.hpp"

namespace phala::worker {

namespace {

const MessageOrigin gatekeeper_origin = origin::Gatekeeper{};

bool is_active(const GatekeeperTurn& turn) { return turn.gatekeeper.role(turn.identity.public_key()) == GatekeeperRole::active; }

/// Every gatekeeper sends this message: those who are active sign and keep it, all count it.
template <class Event>
void send(GatekeeperTurn& turn, std::string_view topic, const Event& event) {
  GatekeeperView& view = turn.gatekeeper.view;
  Channel& channel = turn.egress[gatekeeper_origin];
  channel.next_sequence = view.sequence;
  if (is_active(turn)) push(turn.egress, gatekeeper_origin, turn.gatekeeper.holder->master(), topic, scale::encode(event));
  else skip(turn.egress, gatekeeper_origin);
  ++view.sequence;
}
/// The same for those who could not make the message, having no key.
void count_sent(GatekeeperTurn& turn, u64 messages = 1) {
  turn.gatekeeper.view.sequence += messages;
  turn.egress[gatekeeper_origin].next_sequence = turn.gatekeeper.view.sequence;
}

/// What was signed with keys that do not count any more must not be sent either.
void drop_keys(GatekeeperTurn& turn) {
  turn.gatekeeper.holder.reset();
  turn.egress[gatekeeper_origin].messages.clear();
}

crypto::Iv take_iv(GatekeeperTurn& turn, const Sr25519Pair& master) { return derived_iv(master, turn.block, turn.gatekeeper.view.iv_sequence++); }

/// An IV nobody else uses: fresh entropy, separated by use.
crypto::Iv fresh_iv(const GatekeeperTurn& turn, ByteView use) {
  Bytes input = concat(as_bytes("iv"), turn.entropy.expose(), be_bytes(turn.block), use);
  const Hash out = crypto::blake2_256(input);
  wipe(input.data(), input.size());
  return crypto::Iv(ByteView(out).first(12));
}

std::shared_ptr<const Sr25519Pair> fresh_master_key(const GatekeeperTurn& turn, std::string_view use) {
  const crypto::Key32 seed = crypto::hkdf_sha256(as_bytes("phala master key"), turn.entropy.expose(), concat(as_bytes(use), be_bytes(turn.block)));
  return std::make_shared<const Sr25519Pair>(Sr25519Pair::from_seed(seed));
}

Result<> from_pallet(const MessageOrigin& sender) {
  if (!sender.is<origin::Pallet>()) return fail(ErrorCode::refused, "sent by " + to_string(sender) + ", which is no pallet");
  return {};
}
Result<> from_gatekeeper(const MessageOrigin& sender) {
  if (!sender.is<origin::Gatekeeper>()) return fail(ErrorCode::refused, "sent by " + to_string(sender) + ", not by the gatekeepers");
  return {};
}

/// Brings a new holder's random number to where the network is before this block's end.
void catch_up_random(const GatekeeperView& view, KeyHolder& holder, BlockNumber block) {
  holder.random = view.random;
  holder.random_block = view.random_block;
  const BlockNumber from = view.random_block != 0 ? view.random_block + 1 : view.launched_at.value_or(block);
  for (BlockNumber n = (from + random_interval - 1) / random_interval * random_interval; n < block; n += random_interval) {
    holder.random = next_random(holder.master_at(n), holder.random, n);
    holder.random_block = n;
  }
}

/// The history must have one key per rotation, and the one of the last rotation on the chain must be the chain's. A rotation that is still on
/// its way to the chain is compared when it arrives there.
Result<> check_history(const GatekeeperView& view, const std::vector<MasterKey>& history) {
  if (history.size() != view.rotations + 1)
    return fail(ErrorCode::refused, "the distributed history has " + std::to_string(history.size()) + " master keys, not one for each of " + std::to_string(view.rotations) + " rotations and the first");
  for (size_t i = 0; i < history.size(); ++i)
    if (history[i].rotation_id != i) return fail(ErrorCode::refused, "the distributed history names rotation " + std::to_string(history[i].rotation_id) + " where " + std::to_string(i) + " belongs");
  if (!view.master_pubkey || history[view.confirmed].pair->public_key() != *view.master_pubkey) return fail(ErrorCode::refused, "the distributed master key is not the one on the chain");
  return {};
}

Result<> take_keys(GatekeeperTurn& turn, std::vector<MasterKey> history) {
  Gatekeeper& gk = turn.gatekeeper;
  if (gk.holder) return {};   // every gatekeeper's copy but the first changes nothing
  if (!gk.view.launched_at) return fail(ErrorCode::refused, "the launch of the gatekeepers was not in the followed log, their stream cannot be joined");
  TRY(check_history(gk.view, history));
  gk.holder = KeyHolder{std::move(history), 0, {}};
  catch_up_random(gk.view, *gk.holder, turn.block);
  return {};
}

}  // namespace

const Sr25519Pair& KeyHolder::master_at(BlockNumber block) const {
  for (size_t i = history.size(); i-- > 1;)
    if (history[i].since <= block) return *history[i].pair;
  return *history.front().pair;
}

GatekeeperRole Gatekeeper::role(const PublicKey& self) const {
  if (!holder) return GatekeeperRole::none;
  return view.members.contains(self) ? GatekeeperRole::active : GatekeeperRole::dummy;
}

Bytes encode_keys(const std::vector<MasterKey>& history) {
  Bytes out;
  out.reserve(8 + history.size() * 76);   // grown later, it would leave copies of secrets behind
  scale::encode_compact(out, history.size());
  for (const MasterKey& key : history) {
    append(out, scale::encode(key.rotation_id, key.since));
    append(out, key.pair->secret().expose());
  }
  return out;
}

Result<std::vector<MasterKey>> decode_keys(ByteView bytes) {
  const auto bad = [](scale::CodecError e) { return scale::to_error(e).in("master key"); };
  scale::Reader in(bytes);
  std::vector<MasterKey> out;
  const size_t count = TRY(in.length(76).map_error(bad));
  for (size_t i = 0; i < count; ++i) {
    MasterKey key;
    key.rotation_id = TRY(scale::decode_from<u64>(in).map_error(bad));
    key.since = TRY(scale::decode_from<BlockNumber>(in).map_error(bad));
    const PairSecret secret(TRY(in.take(PairSecret::size()).map_error(bad)));
    key.pair = std::make_shared<const Sr25519Pair>(TRY(Sr25519Pair::from_secret(secret)));
    out.push_back(std::move(key));
  }
  if (out.empty() || in.left() != 0) return fail(ErrorCode::corrupted, "master key: not a key history");
  return out;
}

Result<> on_launch(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::GatekeeperLaunch& event) {
  TRY(from_pallet(sender));
  Gatekeeper& gk = turn.gatekeeper;
  if (const auto* first = event.get_if<protocol::FirstGatekeeper>()) {
    if (gk.view.launched_at) return fail(ErrorCode::refused, "the gatekeepers were launched before");
    gk.view.launched_at = turn.block;
    gk.view.members[first->pubkey] = first->ecdh_pubkey;
    if (first->pubkey == turn.identity.public_key()) {
      if (!gk.holder) gk.holder = KeyHolder{{{0, 0, fresh_master_key(turn, "launch")}}, 0, {}};
      push(turn.egress, origin::Worker{turn.identity.public_key()}, turn.identity, protocol::topic::registry_event,
           scale::encode(protocol::RegistryEvent(protocol::MasterPubkey{gk.holder->master().public_key()})));
    }
  } else if (const auto* on_chain = event.get_if<protocol::MasterPubkeyOnChain>()) {
    gk.view.master_pubkey = on_chain->master_pubkey;
    if (gk.holder && gk.holder->master().public_key() != on_chain->master_pubkey) {
      drop_keys(turn);
      return fail(ErrorCode::refused, "the chain's master key is not the one this worker holds; its gatekeeper role ends");
    }
  } else if (const auto* rotate = event.get_if<protocol::RotateMasterKey>()) {
    if (!gk.view.master_pubkey) return fail(ErrorCode::refused, "rotation before there is a master key");
    if (!is_active(turn)) {
      count_sent(turn);
      return {};
    }
    const auto key = fresh_master_key(turn, "rotation");
    protocol::MasterKeyRotation rotation{rotate->rotation_id, {}, turn.identity.public_key(), {}};
    for (const auto& member : rotate->gk_identities) {
      // each gatekeeper draws another key here, so the IV must not be the derived one: it would be used for two plaintexts
      auto sealed = encrypt_secret_to(gk.holder->master(), sharing::master_key, member.ecdh_pubkey, key->secret(), fresh_iv(turn, member.pubkey));
      if (sealed) rotation.secret_keys[member.pubkey] = *sealed;
      else turn.report.notes.push_back({turn.block, std::string(protocol::topic::gatekeeper_launch), sealed.error()});
    }
    const Bytes signed_part = scale::encode(rotation.rotation_id, rotation.secret_keys, rotation.sender);
    rotation.sig = to_bytes(turn.identity.sign(wrap_content(signed_part, SignedContent::master_key_rotation)));
    send(turn, protocol::topic::key_distribution, protocol::KeyDistribution(rotation));
  } else if (const auto* rotated = event.get_if<protocol::MasterPubkeyRotated>()) {
    gk.view.master_pubkey = rotated->master_pubkey;
    gk.view.confirmed = gk.view.rotations;
    if (gk.holder && gk.holder->master().public_key() != rotated->master_pubkey) {
      drop_keys(turn);
      return fail(ErrorCode::refused, "the rotated master key on the chain is not the one this worker was given; its gatekeeper role ends");
    }
  }
  return {};
}

Result<> on_change(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::GatekeeperChange& event) {
  TRY(from_pallet(sender));
  Gatekeeper& gk = turn.gatekeeper;
  if (const auto* left = event.get_if<protocol::GatekeeperUnregistered>()) {
    gk.view.members.erase(left->pubkey);
    return {};
  }
  const auto& joined = *event.get_if<protocol::GatekeeperRegistered>();
  if (!gk.view.master_pubkey) return fail(ErrorCode::refused, "a gatekeeper joined before there is a master key");
  if (!is_active(turn)) {
    gk.view.iv_sequence += gk.view.rotations + 1;
    count_sent(turn);
  } else if (gk.holder->history.size() == 1) {
    const auto sealed = encrypt_secret_to(gk.holder->master(), sharing::master_key, joined.ecdh_pubkey, gk.holder->master().secret(), take_iv(turn, gk.holder->master()));
    // a key that cannot be used still costs its number, as it does everywhere
    if (sealed) send(turn, protocol::topic::key_distribution,
                     protocol::KeyDistribution(protocol::MasterKeyDistribution{joined.pubkey, sealed->ecdh_pubkey, sealed->encrypted_key, sealed->iv}));
    else send(turn, protocol::topic::key_distribution, protocol::KeyDistribution(protocol::MasterKeyHistory{joined.pubkey, {}}));
  } else {
    protocol::MasterKeyHistory history{joined.pubkey, {}};
    for (const MasterKey& key : gk.holder->history) {
      const auto sealed = encrypt_secret_to(gk.holder->master(), sharing::master_key, joined.ecdh_pubkey, key.pair->secret(), take_iv(turn, gk.holder->master()));
      if (sealed) history.encrypted_master_key_history.push_back({key.rotation_id, key.since, *sealed});
    }
    send(turn, protocol::topic::key_distribution, protocol::KeyDistribution(history));
  }
  gk.view.members[joined.pubkey] = joined.ecdh_pubkey;
  return {};
}

namespace {

/// A rotation counts when a member signed it; then the chain hears of the new key once more under the old one.
Result<> on_rotation(GatekeeperTurn& turn, const protocol::MasterKeyRotation& rotation) {
  Gatekeeper& gk = turn.gatekeeper;
  const Bytes signed_part = scale::encode(rotation.rotation_id, rotation.secret_keys, rotation.sender);
  const auto signature = TRY(crypto::Signature::from(rotation.sig).context("signature of a master key rotation"));
  if (!crypto::sr25519_verify(signature, wrap_content(signed_part, SignedContent::master_key_rotation), rotation.sender))
    return fail(ErrorCode::refused, "a master key rotation is not signed by its sender");
  if (!gk.view.members.contains(rotation.sender)) return fail(ErrorCode::refused, "master key leakage: a rotation was sent by a worker that is no gatekeeper");
  if (rotation.rotation_id != gk.view.rotations + 1)
    return fail(ErrorCode::refused, "master key rotation " + std::to_string(rotation.rotation_id) + " does not follow rotation " + std::to_string(gk.view.rotations));

  gk.view.rotations = rotation.rotation_id;
  if (!gk.holder) {
    count_sent(turn);
    return {};
  }
  const auto mine = rotation.secret_keys.find(turn.identity.public_key());
  Result<Sr25519Pair> opened = fail(ErrorCode::refused, "it was not given to this worker");
  if (mine != rotation.secret_keys.end()) opened = decrypt_pair_from(turn.identity, mine->second);
  if (!opened) {
    count_sent(turn);
    drop_keys(turn);
    return fail(std::move(opened).error().in("the rotated master key cannot be used; the gatekeeper role ends"));
  }
  auto key = std::make_shared<const Sr25519Pair>(std::move(*opened));
  send(turn, protocol::topic::gatekeeper_registry_event,
       protocol::GatekeeperRegistryEvent(protocol::RotatedMasterPubkey{rotation.rotation_id, key->public_key()}));
  gk.holder->history.push_back({rotation.rotation_id, turn.block, std::move(key)});
  return {};
}

}  // namespace

Result<> on_key(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::KeyDistribution& event) {
  TRY(from_gatekeeper(sender));
  const PublicKey& self = turn.identity.public_key();
  if (const auto* one = event.get_if<protocol::MasterKeyDistribution>()) {
    if (one->dest != self) return {};
    auto pair = TRY(decrypt_pair_from(turn.identity, {one->ecdh_pubkey, one->encrypted_master_key, one->iv}).context("master key distribution"));
    std::vector<MasterKey> history;
    history.push_back({0, 0, std::make_shared<const Sr25519Pair>(std::move(pair))});
    return take_keys(turn, std::move(history));
  }
  if (const auto* many = event.get_if<protocol::MasterKeyHistory>()) {
    if (many->dest != self) return {};
    std::vector<MasterKey> history;
    for (const auto& item : many->encrypted_master_key_history) {
      auto pair = TRY(decrypt_pair_from(turn.identity, item.key).context("master key history"));
      history.push_back({item.rotation_id, item.block_height, std::make_shared<const Sr25519Pair>(std::move(pair))});
    }
    if (history.empty()) return fail(ErrorCode::invalid_input, "master key history: it is empty");
    return take_keys(turn, std::move(history));
  }
  return on_rotation(turn, *event.get_if<protocol::MasterKeyRotation>());
}

Result<> on_gatekeeper_event(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::GatekeeperEvent& event) {
  const auto* number = event.get_if<protocol::NewRandomNumber>();
  if (number == nullptr) return from_pallet(sender);   // parameters of the economy: they change no state of this release
  TRY(from_gatekeeper(sender));
  GatekeeperView& view = turn.gatekeeper.view;
  if (number->block_number <= view.random_block || number->block_number > turn.block)
    return fail(ErrorCode::refused, "random number of block " + std::to_string(number->block_number) + " does not follow that of block " + std::to_string(view.random_block));
  if (turn.gatekeeper.holder) {
    const Hash expected = next_random(turn.gatekeeper.holder->master_at(number->block_number), number->last_random_number, number->block_number);
    if (expected != number->random_number || number->last_random_number != view.random)
      return fail(ErrorCode::refused, "random number of block " + std::to_string(number->block_number) + " is not the one the master key gives");
  }
  view.random_block = number->block_number;
  view.random = number->random_number;
  return {};
}

Result<> on_deploy_cluster(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::DeployCluster& event) {
  TRY(from_pallet(sender));
  Gatekeeper& gk = turn.gatekeeper;
  if (!gk.view.master_pubkey) return fail(ErrorCode::refused, "a cluster was asked for before there is a master key");
  if (!is_active(turn)) {
    gk.view.iv_sequence += event.workers.size();
    count_sent(turn, 2);
    return {};
  }
  const Sr25519Pair& master = gk.holder->master();
  const Sr25519Pair key = cluster_key(master, event.cluster);
  protocol::DispatchKeys keys{{}, event.cluster, event.owner, event.deposit, event.gas_price, event.deposit_per_item, event.deposit_per_byte,
                              event.treasury_account, event.system_code, event.runtime_version};
  for (const auto& member : event.workers) {
    auto sealed = encrypt_secret_to(master, sharing::cluster_key, member.ecdh_pubkey, key.secret(), take_iv(turn, master));
    if (sealed) keys.secret_keys[member.pubkey] = *sealed;
    else turn.report.notes.push_back({turn.block, std::string(protocol::topic::cluster_event), sealed.error()});
  }
  send(turn, protocol::topic::cluster_registry_event, protocol::ClusterRegistryEvent(protocol::ClusterPubkeyAvailable{event.cluster, key.public_key()}));
  send(turn, protocol::topic::cluster_operation, protocol::ClusterOperation(std::move(keys)));
  return {};
}

void on_block_end(GatekeeperTurn& turn) {
  Gatekeeper& gk = turn.gatekeeper;
  if (!gk.view.launched_at || turn.block % random_interval != 0) return;
  if (!gk.holder) return count_sent(turn);
  const Hash last = gk.holder->random;
  const Hash random = next_random(gk.holder->master(), last, turn.block);
  gk.holder->random = random;
  gk.holder->random_block = turn.block;
  send(turn, protocol::topic::gatekeeper_event, protocol::GatekeeperEvent(protocol::NewRandomNumber{turn.block, random, last}));
}

}  // namespace phala::worker

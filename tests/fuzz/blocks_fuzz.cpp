// What a relay brings. Modes, by the first byte: patches of genuine batches, of which the light client must take none that says anything else; whole batches by
// a sealer who is trusted but wrong; messages of any sender and topic to a worker in a cluster, which notes what is wrong, goes on, and is one value.

#include "cluster_world.hpp"

using namespace phala;
using namespace phala::worker;

namespace {

test::ClusterWorld& world() {
  static test::ClusterWorld made;
  return made;
}

light::Batch join(std::span<const light::Batch> batches) {
  light::Batch out;
  for (const auto& batch : batches) {
    out.headers.push_back(batch.headers[0]);
    out.messages.push_back(batch.messages[0]);
    out.finality = batch.finality;
  }
  return out;
}

/// Payloads that nobody follows may be absent, and are not looked at further.
light::Batch as_seen(light::Batch batch) {
  for (auto& messages : batch.messages)
    for (size_t i = 0; i < messages.leaves.size() && i < messages.payloads.size(); ++i)
      if (!follows(messages.leaves[i].destination)) messages.payloads[i].reset();
  return batch;
}

void must_take_only_the_log(const light::Tip& tip, const light::Batch& batch, const light::Batch& genuine) {
  const auto taken = light::advance(world().config.trust, tip, batch, follows);
  if (!taken) PHALA_ASSERT(!to_error(taken.error()).message.empty());
  else PHALA_ASSERT(as_seen(batch) == as_seen(genuine));
}

void patched(ByteView input) {
  static const light::Batch genuine = join(world().batches);
  static const Bytes encoded = scale::encode(genuine);
  static const light::Tip tip = light::genesis_tip(world().config.trust);
  Bytes changed = encoded;
  // three bytes of offset, one to combine; the code and other long payloads make the batch some 10 kB
  for (; input.size() >= 4; input = input.subspan(4)) changed[(load_le<u32>(input.data()) & 0xffffff) % changed.size()] ^= input[3];
  if (const auto batch = scale::decode<light::Batch>(changed)) must_take_only_the_log(tip, *batch, genuine);
}

/// The sealer's own signature under whatever the input is, so that all behind the proof is reached; parents and numbers are put right where asked.
void sealed_by_a_liar(u8 how, ByteView input) {
  auto batch = scale::decode<light::Batch>(input);
  if (!batch) return;
  const light::Tip tip = world().machine().tip;
  Hash parent = tip.hash, log = tip.log_root;
  u64 total = tip.total;
  for (size_t i = 0; i < batch->headers.size(); ++i) {
    Header& header = batch->headers[i];
    if (how & 1) header.parent_hash = parent, header.number = tip.number + 1 + static_cast<u32>(i);
    if (how & 2 && i < batch->messages.size()) {
      BlockMessages& messages = batch->messages[i];
      messages.number = header.number;
      for (size_t m = 0; m < messages.payloads.size() && m < messages.leaves.size() && how & 4; ++m)
        if (messages.payloads[m]) messages.leaves[m].len = static_cast<u32>(messages.payloads[m]->size()), messages.leaves[m].payload_hash = crypto::blake2_256(*messages.payloads[m]);
      log = next_message_root(log, header.number, messages.now_ms, messages.leaves);
      total += messages.leaves.size();
      header.digest.logs = {digest::Consensus{message_log_engine, scale::encode(MessageLogDigest{log, messages.now_ms, total})}};
    }
    parent = header.hash();
  }
  batch->finality = light::seal(world().sealer, parent);
  const auto taken = light::advance(world().config.trust, tip, *batch, follows);
  if (!taken) return;
  PHALA_ASSERT(taken->tip.hash == parent && taken->tip.number == tip.number + batch->headers.size() && taken->blocks.size() == batch->headers.size());
  u64 leaves = 0;
  for (const auto& messages : batch->messages) leaves += messages.leaves.size();
  PHALA_ASSERT(taken->tip.total == tip.total + leaves);
}

/// Takes from the front: a length byte (two for `long_ones`), then as many bytes, or what is left.
Bytes piece(ByteView& input, bool long_ones = false) {
  const size_t head = long_ones ? 2 : 1;
  if (input.size() < head) return {};
  const size_t n = std::min<size_t>(long_ones ? load_le<u16>(input.data()) : input[0], input.size() - head);
  Bytes out = to_bytes(input.subspan(head, n));
  input = input.subspan(head + n);
  return out;
}

MessageOrigin sender_of(u8 choice, ByteView raw) {
  switch (choice % 8) {
    case 0: return test::pallet;
    case 1: return test::gatekeepers;
    case 2: return MessageOrigin::account(engine::test::alice);
    case 3: return origin::Worker{world().key(0)};
    case 4: return origin::Cluster{world().cluster};
    case 5: return origin::Contract{world().flipper};
    case 6: return MessageOrigin::pallet("phala/contract");
    default: return scale::decode<MessageOrigin>(raw).value_or(MessageOrigin(origin::Reserved{}));
  }
}

Bytes topic_of(u8 choice, ByteView raw) {
  using namespace protocol::topic;
  static constexpr std::string_view known[] = {system_event, working_update, gatekeeper_launch, gatekeeper_change, key_distribution, gatekeeper_event, registry_event,
                                               cluster_event, cluster_operation, worker_cluster_report, contract_operation};
  constexpr size_t n = std::size(known);
  if (choice % (n + 3) < n) return to_bytes(known[choice % (n + 3)]);
  if (choice % (n + 3) == n) return protocol::contract_command_topic(world().flipper);
  if (choice % (n + 3) == n + 1) return protocol::contract_command_topic(*world().machine().cluster->system_contract());
  return to_bytes(raw);
}

/// A command as a user's wallet encrypts it for the flipper.
Bytes encrypted(ByteView plain) {
  static const auto asker = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 77)));
  static const auto key = *asker.agree(world().flipper_key());
  const crypto::Iv iv(Bytes(12, 3));
  return scale::encode(protocol::CommandPayload(protocol::EncryptedCommand{{iv.as<FixedBytes<12>>(), asker.public_key(), crypto::aes256gcm_seal(key, iv, plain)}}));
}

void messages(ByteView input) {
  light::VerifiedBlock block{world().machine().tip.number + 1, Hash(Bytes(32, 4)), world().machine().tip.now_ms + 3000, {}};
  while (input.size() >= 3 && block.messages.size() < 8) {
    const u8 sender = input[0], topic = input[1];
    input = input.subspan(2);
    const Bytes named = sender & 0x80 ? piece(input) : Bytes{};
    Bytes payload = piece(input, true);
    if (topic & 0x80) payload = encrypted(payload);
    block.messages.push_back({static_cast<u32>(block.messages.size()), {sender_of(sender, named), topic_of(topic & 0x7f, named), std::move(payload)}});
  }
  const auto run = [&](StateDiff& diff) {
    Machine next = world().machine();
    Report report;
    PHALA_ASSERT(process_block(next, world().turn(world().workers[0]), block, diff, report).has_value());
    for (const auto& note : report.notes) PHALA_ASSERT(!note.error.message.empty());
    return next;
  };
  StateDiff diff, again;
  const Machine next = run(diff);
  const Image image = image_of(next);
  PHALA_ASSERT(image == image_of(run(again)) && diff == again);
  // what would be written to disk gives the same machine back
  Image kept = image_of(world().machine());
  for (const auto& [key, value] : difference(world().machine(), next, diff)) {
    if (value) kept[key] = *value;
    else kept.erase(key);
  }
  PHALA_ASSERT(kept == image);
  const auto read = machine_from(kept);
  PHALA_ASSERT(read.has_value() && image_of(*read) == image);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0: patched(input); break;
    case 1: sealed_by_a_liar(data[0] / 3, input); break;
    case 2: messages(input); break;
  }
  return 0;
}

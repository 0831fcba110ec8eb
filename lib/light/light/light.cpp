#include "light/light.hpp"

#include "crypto/hash.hpp"

namespace phala::light {

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::empty_batch: return "the batch has no headers";
    case Refusal::batch_too_long: return "the batch has too many headers";
    case Refusal::wrong_number: return "the header does not follow the last known one";
    case Refusal::broken_chain: return "the header's parent is not the last known header";
    case Refusal::not_final: return "the proof does not show that the header is final";
    case Refusal::no_message_log: return "the header carries no readable message log";
    case Refusal::messages_missing: return "headers and message batches differ in number";
    case Refusal::messages_of_other_block: return "the message batch belongs to another block";
    case Refusal::wrong_time: return "the message batch's time is not the header's";
    case Refusal::log_root_differs: return "the messages are not those that the header commits to";
    case Refusal::total_differs: return "the header's message counter does not continue the last known one";
    case Refusal::payloads_missing: return "leaves and payloads differ in number";
    case Refusal::payload_withheld: return "a followed payload is withheld";
    case Refusal::payload_differs: return "a payload is not the one that its leaf commits to";
  }
  return "unknown";
}

Error to_error(const Refused& refused) {
  return {ErrorCode::refused, "block " + std::to_string(refused.number) + ": " + std::string(to_string(refused.why)),
          "the carrier brought something else than the chain's final log; point the relay at a synced node"};
}

Tip genesis_tip(const TrustRoot& root) { return {0, root.genesis_hash, {}, {}, 0, 0}; }

Result<Tip, Refused> start_at(const TrustRoot& root, const Header& header, const FinalityProof& finality) {
  const Hash hash = header.hash();
  if (!verify_finality(root.finalizer, hash, finality)) return fail(Refused{Refusal::not_final, header.number.value});
  const auto log = message_log_of(header);
  if (!log) return fail(Refused{Refusal::no_message_log, header.number.value});
  return Tip{header.number, hash, header.state_root, log->root, log->now_ms, log->total};
}

namespace {

/// One block's messages against its header; moves `tip` over the block.
Result<VerifiedBlock, Refused> take_block(Tip& tip, const Header& header, const Hash& hash, const BlockMessages& batch, const Follows& follows) {
  const auto refuse = [&](Refusal why) { return fail(Refused{why, header.number.value}); };
  const auto log = message_log_of(header);
  if (!log) return refuse(Refusal::no_message_log);
  if (batch.number != header.number.value) return refuse(Refusal::messages_of_other_block);
  if (batch.now_ms != log->now_ms) return refuse(Refusal::wrong_time);
  const Hash rebuilt = next_message_root(tip.log_root, header.number, log->now_ms, batch.leaves);
  if (rebuilt != log->root) return refuse(Refusal::log_root_differs);
  if (log->total != tip.total + batch.leaves.size()) return refuse(Refusal::total_differs);
  if (batch.payloads.size() != batch.leaves.size()) return refuse(Refusal::payloads_missing);

  VerifiedBlock block{header.number, hash, log->now_ms, {}};
  for (size_t i = 0; i < batch.leaves.size(); ++i) {
    const Leaf& leaf = batch.leaves[i];
    const auto& payload = batch.payloads[i];
    const bool wanted = follows(leaf.destination);
    if (!payload && wanted) return refuse(Refusal::payload_withheld);
    if (!payload) continue;
    if (payload->size() != leaf.len || crypto::blake2_256(*payload) != leaf.payload_hash) return refuse(Refusal::payload_differs);
    if (wanted) block.messages.push_back({static_cast<u32>(i), {leaf.sender, leaf.destination, *payload}});
  }
  tip = {header.number, hash, header.state_root, rebuilt, log->now_ms, log->total};
  return block;
}

}  // namespace

Result<Advanced, Refused> advance(const TrustRoot& root, const Tip& tip, const Batch& batch, const Follows& follows) {
  if (batch.headers.empty()) return fail(Refused{Refusal::empty_batch, tip.number});
  if (batch.headers.size() > max_batch_headers) return fail(Refused{Refusal::batch_too_long, tip.number});
  if (batch.messages.size() != batch.headers.size()) return fail(Refused{Refusal::messages_missing, batch.headers.front().number.value});

  std::vector<Hash> hashes;
  hashes.reserve(batch.headers.size());
  BlockNumber number = tip.number;
  Hash parent = tip.hash;
  for (const Header& header : batch.headers) {
    if (header.number.value != number + 1 || number + 1 == 0) return fail(Refused{Refusal::wrong_number, header.number.value});
    if (header.parent_hash != parent) return fail(Refused{Refusal::broken_chain, header.number.value});
    parent = hashes.emplace_back(header.hash());
    ++number;
  }
  if (!verify_finality(root.finalizer, parent, batch.finality)) return fail(Refused{Refusal::not_final, number});

  Advanced out{tip, {}};
  out.blocks.reserve(batch.headers.size());
  for (size_t i = 0; i < batch.headers.size(); ++i)
    out.blocks.push_back(TRY(take_block(out.tip, batch.headers[i], hashes[i], batch.messages[i], follows)));
  return out;
}

}  // namespace phala::light

#include "core/egress.hpp"

#include <algorithm>

#include "crypto/hash.hpp"

namespace phala::worker {

void push(Egress& egress, const MessageOrigin& sender, const Sr25519Pair& signer, std::string_view topic, Bytes payload) {
  Channel& channel = egress[sender];
  SignedMessage out{{sender, to_bytes(topic), std::move(payload)}, channel.next_sequence++, {}};
  out.signature = to_bytes(signer.sign(signed_bytes(out.message, out.sequence)));
  channel.messages.push_back(std::move(out));
}

void skip(Egress& egress, const MessageOrigin& sender) { ++egress[sender].next_sequence; }

void settle(Egress& egress, const MessageOrigin& sender, u64 next) {
  const auto at = egress.find(sender);
  if (at == egress.end() && next == 0) return;
  Channel& channel = egress[sender];
  std::erase_if(channel.messages, [&](const SignedMessage& m) { return m.sequence < next; });
  if (channel.next_sequence < next) channel.next_sequence = next;
}

void settle_logged(Egress& egress, const Message& message) {
  const auto at = egress.find(message.sender);
  if (at == egress.end()) return;
  auto& waiting = at->second.messages;
  const auto taken = std::find_if(waiting.begin(), waiting.end(), [&](const SignedMessage& m) { return m.message == message; });
  if (taken != waiting.end()) waiting.erase(waiting.begin(), std::next(taken));
}

Carried first_messages(const Egress& egress) {
  Carried out;
  for (const auto& [sender, channel] : egress) {
    if (channel.messages.empty()) continue;
    auto& [name, messages] = out.streams.emplace_back(sender, std::vector<SignedMessage>{});
    size_t bytes = 0;
    for (const auto& m : channel.messages) {
      bytes += m.message.payload.size() + m.message.destination.size() + 200;   // signature, sender, number and lengths
      if (!messages.empty() && (messages.size() == max_carried_messages || bytes > max_carried_bytes)) break;
      messages.push_back(m);
    }
    out.more = out.more || messages.size() < channel.messages.size();
  }
  return out;
}

size_t pending(const Egress& egress) {
  size_t n = 0;
  for (const auto& [sender, channel] : egress) n += channel.messages.size();
  return n;
}

Bytes ingress_sequence_key(const MessageOrigin& sender) {
  const Bytes key = scale::encode(sender);
  return concat(crypto::twox_128(as_bytes("PhalaMq")), crypto::twox_128(as_bytes("OffchainIngress")), crypto::twox_64(key), key);
}

}  // namespace phala::worker

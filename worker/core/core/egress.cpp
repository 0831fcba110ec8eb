#include "core/egress.hpp"

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

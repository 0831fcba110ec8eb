#pragma once
// Why: what a worker says to the chain is a numbered, signed stream per sender. A message stays here until the chain is proven to have
// taken it, so that neither a lost transaction nor a restart loses or repeats one.

#include <map>

#include "core/keys.hpp"

namespace phala::worker {

struct Channel {
  u64 next_sequence = 0;                 ///< of the next message
  std::vector<SignedMessage> messages;   ///< not yet known to be on the chain, ascending
  FIELDS(next_sequence, messages)
};

/// Streams by sender.
using Egress = std::map<MessageOrigin, Channel>;

/// Signs with `signer` (the sender's key) and appends. `payload` is the encoded event.
void push(Egress& egress, const MessageOrigin& sender, const Sr25519Pair& signer, std::string_view topic, Bytes payload);
/// Counts a message without keeping it: another gatekeeper sends the same one.
void skip(Egress& egress, const MessageOrigin& sender);
/// `next`: the chain's next expected sequence, proven. Forgets what is before it; a stream that is behind (its state was
/// lost, or it began at a later block) goes on from there.
void settle(Egress& egress, const MessageOrigin& sender, u64 next);
size_t pending(const Egress& egress);

/// Storage key of the chain's next expected sequence of `sender` (PhalaMq.OffchainIngress, SCALE u64, absent: 0).
Bytes ingress_sequence_key(const MessageOrigin& sender);

}  // namespace phala::worker

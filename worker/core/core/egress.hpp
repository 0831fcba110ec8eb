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
/// `message` is in the chain's log: if it waits in its sender's stream, it and those before it were taken, for the chain takes a stream in order
/// only. So a worker that replays years of log does not collect years of its messages.
void settle_logged(Egress& egress, const Message& message);
size_t pending(const Egress& egress);

/// What a carrier gets at once of one stream. More would only wait for these.
constexpr size_t max_carried_messages = 1000, max_carried_bytes = 4u << 20;
struct Carried {
  std::vector<std::pair<MessageOrigin, std::vector<SignedMessage>>> streams;   ///< none empty
  bool more = false;                                                          ///< some stream goes on
};
/// The first messages of each stream, within the limits, but at least one each: no stream waits for another.
Carried first_messages(const Egress& egress);

/// Storage key of the chain's next expected sequence of `sender` (PhalaMq.OffchainIngress, SCALE u64, absent: 0).
Bytes ingress_sequence_key(const MessageOrigin& sender);

}  // namespace phala::worker

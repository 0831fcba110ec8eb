#pragma once
// Why: pallets speak to workers by appending to the message log of the block. This is the end they write to; the Mq pallet
// reads what workers say back. Keeping the two apart keeps dependencies between pallets acyclic.

#include "frame/storage.hpp"
#include "primitives/message.hpp"

namespace phala::pallets {

using namespace frame;

/// What one block may say to workers, in bytes of `OutboundMessages`: nodes serve the log by whole blocks, and relays carry it so. Extrinsics bring less
/// than this; but pallets also say what they were not just told (a cluster is made with its system contract's code).
constexpr size_t max_block_message_bytes = 6 * 1024 * 1024;

/// The queues of PhalaMq.
struct Outbox {
  explicit Outbox(State& state) : outbound({state, name_hash<"PhalaMq">()}), queued({state, name_hash<"PhalaMq">()}) {}

  Value<"OutboundMessages", std::vector<Message>> outbound;            ///< of this block
  Value<"QueuedOutboundMessage", Opt<std::vector<Message>>> queued;    ///< to be sent at the start of the next

  /// Appends to the log. Topics of the chain alone ('^') are not for it and are dropped.
  void push(const Message& message) const {
    if (!is_onchain_only(message.destination)) outbound.append(message);
  }
  /// A pallet's own message.
  template <class Payload>
  void push_as(std::string_view pallet, std::string_view topic, const Payload& payload) const {
    push({MessageOrigin::pallet(pallet), to_bytes(topic), scale::encode(payload)});
  }
  /// A pallet's message with the next block: what genesis has to say.
  template <class Payload>
  void queue_as(std::string_view pallet, std::string_view topic, const Payload& payload) const {
    queued.append(Message{MessageOrigin::pallet(pallet), to_bytes(topic), scale::encode(payload)});
  }
};

/// A pallet that listens to topics of the log. The first error stops a message on its way through the pallets; it is in
/// the log all the same, and what was written before the error stays.
class MessageHandler {
 public:
  virtual Try<> on_message(const Message& message) = 0;

 protected:
  ~MessageHandler() = default;
};

/// The payload of a message on `topic`, nothing when it is on another. Error: it does not decode.
template <class T, class E>
Try<std::optional<T>> payload_on(const Message& message, std::string_view topic, E malformed) {
  if (as_text(message.destination) != topic) return std::optional<T>{};
  auto payload = scale::decode<T>(message.payload);
  if (!payload) return fail(DispatchError(malformed));
  return std::optional<T>(std::move(*payload));
}

}  // namespace phala::pallets

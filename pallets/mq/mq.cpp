#include "mq/mq.hpp"

#include "registry/registry.hpp"

namespace phala::pallets {

PALLET_OPS(Mq);

Bytes message_tag(const MessageOrigin& sender, u64 sequence) { return scale::encode(std::string("PhalaMqOffchainMessages"), sender, sequence); }

Weight Mq::on_initialize() {
  outbound_messages.kill();
  const auto queued = queued_outbound_message.take();
  if (queued)
    for (const auto& message : *queued) dispatch(message);
  return weigh(5 * microseconds + (queued ? queued->size() : 0) * 20 * microseconds, 2, 2);
}

/// To the pallets that listen, then into the log. A pallet's refusal concerns that pallet alone.
void Mq::dispatch(const Message& message) {
  for (auto* handler : handlers_)
    if (!handler->on_message(message)) break;
  outbox_.push(message);
}

DispatchResult Mq::operator()(const Origin& origin, const SyncOffchainMessage& call) {
  TRY(origin.signed_by());
  const auto& [message, sequence, signature] = call.signed_message;
  if (!message.sender.is_offchain()) return fail(Error::BadSender);
  if (!is_valid_topic(message.destination)) return fail(Error::BadDestination);
  if (sequence != expected_sequence(message.sender)) return fail(Error::BadSequence);
  TRY(registry_.check_message(call.signed_message));
  offchain_ingress.put(message.sender, sequence + 1);
  dispatch(message);
  return PostInfo{std::nullopt, message.sender.is<origin::Gatekeeper>() ? Pays::no : Pays::yes};
}

DispatchResult Mq::operator()(const Origin& origin, const PushMessage& call) {
  const auto who = TRY(origin.signed_by());
  if (!is_valid_topic(call.destination)) return fail(Error::BadDestination);
  dispatch({MessageOrigin::account(who), call.destination, call.payload});
  return {};
}

DispatchResult Mq::operator()(const Origin& origin, const ForcePushPalletMessage& call) {
  TRY(origin.ensure_root());
  if (!is_valid_topic(call.destination)) return fail(Error::BadDestination);
  dispatch({MessageOrigin::pallet("ForcePushed"), call.destination, call.payload});
  return {};
}

}  // namespace phala::pallets

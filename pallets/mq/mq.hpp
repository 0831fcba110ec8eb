#pragma once
// Why: the one door through which workers, gatekeepers, clusters and contracts speak to the chain: signed, in sequence, each
// message once. Any account may carry them.

#include "frame/limits.hpp"
#include "frame/pallet.hpp"
#include "mq/outbox.hpp"

namespace phala::pallets {

class Registry;

class Mq : public Pallet<Mq, "PhalaMq", 40> {
 public:
  static constexpr std::string_view crate = "phala_pallets::mq";
  /// `handlers` hear each message in this order.
  Mq(State& s, const Outbox& outbox, const Registry& registry, std::vector<MessageHandler*> handlers)
      : Pallet(s), outbox_(outbox), registry_(registry), handlers_(std::move(handlers)) {}

  Map<"OffchainIngress", Twox64Concat, MessageOrigin, Opt<u64>> offchain_ingress{state()};   ///< the next expected sequence
  Value<"QueuedOutboundMessage", Opt<std::vector<Message>>> queued_outbound_message{state()};
  Value<"OutboundMessages", std::vector<Message>> outbound_messages{state()};
  PALLET_STORAGE(offchain_ingress, queued_outbound_message, outbound_messages)

  struct SyncOffchainMessage { SignedMessage signed_message;  FIELDS(signed_message) };
  struct PushMessage { Bytes destination, payload;  FIELDS(destination, payload) };
  struct ForcePushPalletMessage { Bytes destination, payload;  FIELDS(destination, payload) };
  using Call = Enum<At<0, SyncOffchainMessage>, At<1, PushMessage>, At<2, ForcePushPalletMessage>>;
  /// Free when a gatekeeper's message succeeds: the chain lives on them.
  DispatchResult operator()(const Origin&, const SyncOffchainMessage&);
  DispatchResult operator()(const Origin&, const PushMessage&);
  DispatchResult operator()(const Origin&, const ForcePushPalletMessage&);
  static Weight weight(const SyncOffchainMessage& c) { return weigh(150 * microseconds + c.signed_message.message.payload.size() * 10'000, 5, 5); }
  static Weight weight(const PushMessage& c) { return weigh(20 * microseconds + c.payload.size() * 10'000, 1, 1); }
  static Weight weight(const ForcePushPalletMessage& c) { return weigh(20 * microseconds + c.payload.size() * 10'000, 1, 1); }

  PALLET_ERRORS(BadSender, BadSequence, BadDestination)
  PALLET_DECLARE_OPS

  /// Forgets the last block's messages and sends the queued ones.
  Weight on_initialize();
  u64 expected_sequence(const MessageOrigin& sender) const { return offchain_ingress.get(sender).value_or(0); }

 private:
  void dispatch(const Message& message);
  const Outbox& outbox_;
  const Registry& registry_;
  std::vector<MessageHandler*> handlers_;
};

/// Tag under which the pool orders messages of one sender.
Bytes message_tag(const MessageOrigin& sender, u64 sequence);

}  // namespace phala::pallets

namespace phala::frame {
template <> inline constexpr std::string_view type_path<MessageOrigin> = "phala_mq::types::MessageOrigin";
template <> inline constexpr std::string_view type_path<Message> = "phala_mq::types::Message";
template <> inline constexpr std::string_view type_path<SignedMessage> = "phala_mq::types::SignedMessage";
template <> inline constexpr std::string_view variant_name<origin::Account> = "AccountId";
template <> inline constexpr bool unnamed_fields<origin::Pallet> = true;
template <> inline constexpr bool unnamed_fields<origin::Contract> = true;
template <> inline constexpr bool unnamed_fields<origin::Worker> = true;
template <> inline constexpr bool unnamed_fields<origin::Account> = true;
template <> inline constexpr bool unnamed_fields<origin::MultiLocation> = true;
template <> inline constexpr bool unnamed_fields<origin::Cluster> = true;
}  // namespace phala::frame

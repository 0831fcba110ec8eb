// What the relay brings onto the chain and pays for.
#include "carry/relay.hpp"
#include "log/log.hpp"

namespace phala::relay {
namespace {

std::string describe(const Claim& claim) {
  if (claim.kind == Claim::Kind::message) {
    const auto sender = scale::decode<MessageOrigin>(claim.subject);
    return "message " + std::to_string(claim.sequence) + " of " + (sender ? to_string(*sender) : to_hex0x(claim.subject));
  }
  return (claim.kind == Claim::Kind::registration ? "registration of worker " : "endpoint of worker ") + to_hex0x(claim.subject);
}

}  // namespace

void Relay::perform(const Transact& action) {
  if (!facts_ || !view_.node.height) {
    not_sent(view_, action.claim);
    return;
  }
  switch (action.claim.kind) {
    case Claim::Kind::message: return transact_message(action);
    case Claim::Kind::registration: return transact_registration(action);
    case Claim::Kind::endpoint: return transact_endpoint(action);
  }
}

void Relay::transact_message(const Transact& action) {
  const auto& messages = members_[action.worker].messages;
  const auto message = messages.find(std::pair(action.claim.subject, action.claim.sequence));
  if (message == messages.end()) {   // a newer report without it is on its way into the view
    not_sent(view_, action.claim);
    return;
  }
  pay(action.claim, "PhalaMq", "sync_offchain_message", scale::encode(message->second));
}

void Relay::transact_registration(const Transact& action) {
  members_[action.worker].client->registration(options_.operator_, [this, claim = action.claim](Result<RegistrationEvidence> evidence) {
    if (!evidence) return claim_refused(claim, evidence.error().text());
    pay(claim, "PhalaRegistry", "register_worker_v2", concat(evidence->info, evidence->report));
  });
}

void Relay::transact_endpoint(const Transact& action) {
  members_[action.worker].client->endpoint([this, claim = action.claim](Result<std::optional<SignedEndpoint>> endpoint) {
    if (!endpoint) return claim_refused(claim, endpoint.error().text());
    if (!*endpoint) return claim_refused(claim, "the worker has no endpoint any more");
    pay(claim, "PhalaRegistry", "update_worker_endpoint", concat((*endpoint)->payload, scale::encode((*endpoint)->signature)));
  });
}

void Relay::pay(const Claim& claim, const char* pallet, const char* call, const Bytes& arguments) {
  if (!facts_ || !view_.node.height) return claim_refused(claim, "no connection to the node");
  auto encoded = metadata::call_with(facts_->metadata, facts_->types, pallet, call, arguments);
  if (!encoded) return claim_refused(claim, encoded.error().text());
  // beside a message's sender, every claim is a group of its own
  const Bytes group = claim.kind == Claim::Kind::message ? claim.subject : concat(Bytes{static_cast<u8>(claim.kind)}, claim.subject);
  payer_->submit(std::move(*encoded), *view_.node.height, group, [this, claim](Payer::Outcome outcome, BlockNumber void_at, const std::string& text) {
    switch (outcome) {
      case Payer::Outcome::sent:
        sent_.add();
        log::debug("relay", "sent {}{}", describe(claim), text.empty() ? "" : " (" + text + ")");
        sent(view_, claim, void_at);
        break;
      case Payer::Outcome::refused: return claim_refused(claim, text);
      case Payer::Outcome::not_sent: not_sent(view_, claim); break;
    }
    step();
  });
}

void Relay::claim_refused(const Claim& claim, const std::string& text) {
  refused_.add();
  refused(view_, claim);
  const u32 count = view_.attempts[claim].count;
  if ((count & (count - 1)) == 0) log::warn("relay", "{} was refused, {} so far: {}", describe(claim), count == 1 ? "once" : std::to_string(count) + " times", text);
  step();
}

}  // namespace phala::relay

#include "carry/relay.hpp"

#include <nlohmann/json.hpp>

#include "crypto/hash.hpp"
#include "log/log.hpp"

namespace phala::relay {

using nlohmann::json;

namespace {

constexpr BlockNumber near_the_tip = 8;        // blocks; farther back a worker catches up before it registers
constexpr BlockNumber provable_blocks = 200;   // nodes prove state of the last 256 only
// A worker goes quiet when it was not told for about 1,200 blocks which builds the chain accepts.
constexpr BlockNumber settle_every_blocks = 300;
constexpr u64 status_ms = 5000;
constexpr int method_not_found = -32601;

std::string describe(const Claim& claim) {
  if (claim.kind == Claim::Kind::message) {
    const auto sender = scale::decode<MessageOrigin>(claim.subject);
    return "message " + std::to_string(claim.sequence) + " of " + (sender ? to_string(*sender) : to_hex0x(claim.subject));
  }
  return (claim.kind == Claim::Kind::registration ? "registration of worker " : "endpoint of worker ") + to_hex0x(claim.subject);
}

/// One call after the other, results by position; ends at the first error.
void call_all(NodeClient& node, std::vector<std::pair<std::string, std::string>> calls, std::function<void(Result<std::vector<json>, CallError>)> done) {
  struct Gather { size_t left; std::vector<json> results; std::optional<CallError> error; };
  auto gather = std::make_shared<Gather>(Gather{calls.size(), std::vector<json>(calls.size()), {}});
  const auto finish = [gather, done] { gather->error ? done(fail(*gather->error)) : done(std::move(gather->results)); };
  if (calls.empty()) return finish();
  for (size_t i = 0; i < calls.size(); ++i) {
    node.call(calls[i].first, calls[i].second, [gather, i, finish, method = calls[i].first](Result<json, CallError> answer) {
      if (answer) gather->results[i] = std::move(*answer);
      else if (!gather->error) {
        gather->error = answer.error();
        gather->error->text = method + ": " + gather->error->text;
      }
      if (--gather->left == 0) finish();
    });
  }
}

Result<ChainFacts> facts_of(const std::vector<json>& answers) {
  ChainFacts out;
  const Bytes raw = TRY(bytes_of_hex(answers[0]).context("state_getMetadata"));
  out.metadata = TRY(metadata::parse(raw));
  out.types = metadata::types_of(out.metadata);
  out.genesis = TRY(Hash::from(TRY(bytes_of_hex(answers[1]))).context("chain_getBlockHash"));
  for (const auto& [member, target] : {std::pair{"specVersion", &out.spec_version}, std::pair{"transactionVersion", &out.transaction_version}}) {
    const auto at = answers[2].is_object() ? answers[2].find(member) : answers[2].end();
    if (!answers[2].is_object() || at == answers[2].end() || !at->is_number_unsigned()) return fail(ErrorCode::unavailable, "state_getRuntimeVersion has no " + std::string(member));
    *target = at->get<u32>();
  }
  out.development = answers[3].is_string() && answers[3].get<std::string>() == "Development";
  return out;
}

}  // namespace

// ---- start and connection -------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Relay>> Relay::start(Loop& loop, RelayOptions options, Metrics& metrics) {
  const Address node = TRY(parse_url(options.node_url, "ws").context("--node"));
  std::unique_ptr<Relay> relay(new Relay(loop, std::move(options), metrics));
  for (const auto& member : relay->options_.workers) {
    const Address address = TRY(parse_url(member.url, "http").context("--worker"));
    const Labels labels{{"worker", address.host + ":" + address.port}};
    relay->members_.push_back({std::make_unique<WorkerClient>(loop, address, member.token_file), {}, {}, {}, false, {},
                               &metrics.gauge("phala_relay_worker_next_block", "First block that a worker has not taken", labels),
                               &metrics.gauge("phala_relay_worker_pending_messages", "Messages of a worker that the chain does not have yet", labels),
                               &metrics.counter("phala_relay_worker_failures_total", "Requests to a worker that failed", labels)});
  }
  relay->view_.workers.resize(relay->members_.size());
  Relay* const self = relay.get();
  NodeClient::Handlers handlers;
  handlers.connected = [self] { self->node_connected(); };
  handlers.lost = [self](const Error& why) { self->node_lost(why); };
  handlers.finalized = [self](BlockNumber height) {
    if (!self->facts_) return;
    if (!self->view_.node.height && self->payer_) self->payer_->remind(height);   // the first of this connection
    heard_height(self->view_, height);
    self->height_gauge_.set(height);
    self->step();
  };
  handlers.runtime_version = [self](u32 spec) {
    if (self->facts_ && self->facts_->spec_version != spec) self->read_facts();
  };
  relay->node_ = std::make_unique<NodeClient>(loop, node, std::move(handlers));
  relay->blocks_ = std::make_unique<Blocks>(*relay->node_);
  if (relay->options_.mnemonic)
    relay->payer_ = std::make_unique<Payer>(*relay->node_, TRY(crypto::KeyPair::from_uri(*relay->options_.mnemonic).context("--mnemonic")), relay->options_.limits.longevity_blocks,
                                            relay->options_.tip);
  relay->status_.set(status_ms);
  loop.post([self] { self->step(); });
  return relay;
}

Relay::Relay(Loop& loop, RelayOptions options, Metrics& metrics)
    : loop_(loop), options_(std::move(options)), wake_(loop, [this] { step(); }), status_(loop, [this] { report_status(); }), facts_again_(loop, [this] { read_facts(); }),
      height_gauge_(metrics.gauge("phala_relay_node_height", "The node's last final block")),
      sent_(metrics.counter("phala_relay_transactions_total", "Transactions by what the node said", {{"result", "sent"}})),
      refused_(metrics.counter("phala_relay_transactions_total", "Transactions by what the node said", {{"result", "refused"}})),
      batches_(metrics.counter("phala_relay_batches_total", "Batches of blocks given to workers")),
      batch_bytes_(metrics.counter("phala_relay_batch_bytes_total", "Bytes of batches given to workers")) {
  view_.limits = options_.limits;
  view_.operator_ = options_.operator_;
}

void Relay::end(Error why) {
  failure_ = std::move(why);
  loop_.stop();
}

void Relay::node_connected() {
  ++connection_;
  view_.node.failures = 0;
  last_node_error_.clear();
  read_facts();
}

void Relay::node_lost(const Error& why) {
  facts_.reset();
  facts_again_.cancel();
  if (payer_) payer_->set_chain(nullptr);
  view_.node.height.reset();   // nothing of the node is believed until it is heard again
  view_.node.looked_at.reset();
  node_error(why.text());
  step();
}

void Relay::read_facts() {
  call_all(*node_, {{"state_getMetadata", "[]"}, {"chain_getBlockHash", "[0]"}, {"state_getRuntimeVersion", "[]"}, {"system_chainType", "[]"}},
           [this, connection = connection_](Result<std::vector<json>, CallError> answers) {
             if (connection != connection_) return;
             if (!answers) {
               const CallError& error = answers.error();
               if (error.code == method_not_found) return end({ErrorCode::unavailable, options_.node_url + ": " + error.text, "is this a node of Phala?"});
               return error.answered ? facts_failed(error.text) : void();   // otherwise the connection was lost; the next one asks again
             }
             auto facts = facts_of(*answers);
             if (!facts) return facts_failed(facts.error().text());
             facts_pause_ms_ = 0;
             use_facts(std::make_shared<const ChainFacts>(std::move(*facts)));
           });
}

/// A node that starts, is busy or limits its callers says no to what it will answer soon.
void Relay::facts_failed(const std::string& text) {
  node_error(text);
  facts_pause_ms_ = std::min(std::max(facts_pause_ms_ * 2, options_.limits.first_retry_ms), options_.limits.longest_retry_ms);
  facts_again_.set(facts_pause_ms_);
}

void Relay::use_facts(std::shared_ptr<const ChainFacts> facts) {
  if (genesis_ && *genesis_ != facts->genesis)
    return end({ErrorCode::refused, options_.node_url + " now serves another chain, with genesis " + to_hex0x(facts->genesis), "restart the relay when this is meant"});
  const bool first = !facts_;
  genesis_ = facts->genesis;
  facts_ = std::move(facts);
  if (!payer_) {
    if (!facts_->development) return end({ErrorCode::invalid_input, "nobody pays for transactions", "give an account with --mnemonic"});
    auto alice = crypto::KeyPair::from_uri("//Alice");
    if (!alice) return end(std::move(alice.error()));
    payer_ = std::make_unique<Payer>(*node_, std::move(*alice), options_.limits.longevity_blocks, options_.tip);
  }
  payer_->set_chain(facts_);
  log::info("relay", "connected to {}: genesis {}, runtime {}, paying with {}", options_.node_url, to_hex0x(facts_->genesis), facts_->spec_version, payer_->address());
  if (first) node_->follow();
}

// ---- the loop -------------------------------------------------------------------------------------------------------------

void Relay::step() {
  if (stepping_) return loop_.post([this] { step(); });   // an action that ended at once
  stepping_ = true;
  const u64 now = loop_.now_ms();
  const Plan plan = next_plan(view_, now);
  for (const auto& chunk : plan.forget) blocks_->forget(chunk);
  for (const auto& action : plan.actions) std::visit([this](const auto& a) { perform(a); }, action);
  if (plan.wake_at_ms) wake_.set(*plan.wake_at_ms > now ? *plan.wake_at_ms - now : 0);
  stepping_ = false;
}

std::optional<Bytes> Relay::storage_key(const char* entry_name, const PublicKey& key) const {
  const auto* pallet = metadata::find_pallet(facts_->metadata, "PhalaRegistry");
  const auto* entry = pallet && pallet->storage ? metadata::find_entry(*pallet, entry_name) : nullptr;
  const auto out = entry ? metadata::storage_key(facts_->metadata, *pallet, *entry, json::array({to_hex0x(key)})) : Result<Bytes>(Bytes{});
  return out && !out->empty() ? std::optional(*out) : std::nullopt;
}

void Relay::perform(const Look&) {
  struct Asked { BlockNumber height; std::vector<PublicKey> keys; std::vector<Bytes> senders; };
  Asked asked{*view_.node.height, {}, {}};
  if (!facts_) return node_failed(view_, loop_.now_ms());
  std::vector<std::pair<std::string, std::string>> calls;
  std::set<PublicKey> keys;
  std::set<Bytes> senders;
  for (const auto& worker : view_.workers) {
    if (!worker.report) continue;
    keys.insert(worker.report->key);
    for (const auto& [sender, numbers] : worker.report->egress) senders.insert(sender);
  }
  for (const auto& key : keys) {
    const auto worker_key = storage_key("Workers", key), endpoint_key = storage_key("Endpoints", key);
    if (!worker_key || !endpoint_key) return end({ErrorCode::unavailable, "this chain keeps no register of workers", "is this a node of Phala?"});
    asked.keys.push_back(key);
    calls.emplace_back("state_getStorage", "[\"" + to_hex0x(*worker_key) + "\"]");
    calls.emplace_back("state_getStorage", "[\"" + to_hex0x(*endpoint_key) + "\"]");
  }
  for (const auto& sender : senders) {
    asked.senders.push_back(sender);
    calls.emplace_back("pha_getMqNextSequence", "[\"" + to_hex(sender) + "\"]");
  }
  call_all(*node_, std::move(calls), [this, asked = std::move(asked)](Result<std::vector<json>, CallError> answers) {
    const auto failed = [&](const std::string& text) {
      node_error(text);
      node_failed(view_, loop_.now_ms());
      step();
    };
    if (!answers || !facts_) return failed(answers ? "no connection to the node" : answers.error().text);
    Looked out{asked.height, {}, {}, {}};
    size_t at = 0;
    for (const auto& key : asked.keys) {
      const json &worker = (*answers)[at++], &endpoint = (*answers)[at++];
      out.registered[key] = std::nullopt;
      out.endpoints[key] = std::nullopt;
      if (!worker.is_null()) {
        const auto raw = bytes_of_hex(worker);
        const auto* pallet = metadata::find_pallet(facts_->metadata, "PhalaRegistry");
        const auto* map = metadata::find_entry(*pallet, "Workers")->type.get_if<metadata::MapEntry>();
        const auto decoded = raw && map ? metadata::decode_all(facts_->types, map->value, *raw) : Result<json>(fail(ErrorCode::unavailable, "no bytes"));
        if (!decoded || !decoded->is_object()) return failed("PhalaRegistry.Workers does not decode");
        Registered registered;
        if (const auto version = decoded->find("runtime_version"); version != decoded->end() && version->is_number_unsigned()) registered.version = version->get<u32>();
        if (const auto who = decoded->find("operator"); who != decoded->end() && who->is_string())
          if (const auto account = crypto::account_from_ss58(who->get<std::string>())) registered.operator_ = *account;
        out.registered[key] = registered;
      }
      if (!endpoint.is_null()) {
        const auto raw = bytes_of_hex(endpoint);
        if (!raw) return failed(raw.error().text());
        out.endpoints[key] = crypto::blake2_256(*raw);
      }
    }
    for (const auto& sender : asked.senders) {
      const json& number = (*answers)[at++];
      if (!number.is_number_unsigned()) return failed("pha_getMqNextSequence answered no number");
      out.next_sequence[sender] = number.get<u64>();
    }
    looked(view_, std::move(out));
    step();
  });
}

void Relay::perform(const Fetch& action) {
  blocks_->fetch(action.from, action.to, [this](Result<Chunk> chunk) {
    if (chunk) {
      fetched(view_, *chunk);
    } else {
      node_error(chunk.error().text());
      node_failed(view_, loop_.now_ms());
    }
    step();
  });
}

std::optional<Error> Relay::other_chain(WorkerIndex worker) const {
  const Member& member = members_[worker];
  if (!genesis_ || member.genesis == *genesis_) return std::nullopt;
  return Error{ErrorCode::refused, member.client->name() + " follows the chain with genesis " + to_hex0x(member.genesis) + ", the node serves " + to_hex0x(*genesis_), "start node and worker with one --chain"};
}

void Relay::perform(const Sync& action) {
  if (const auto other = other_chain(action.worker)) return worker_error(action.worker, *other);   // it was polled before the node was there
  auto batch = blocks_->batch(action.from, action.to);
  if (!batch) return worker_error(action.worker, batch.error());
  const size_t size = batch->size();
  members_[action.worker].client->sync(std::move(*batch), [this, action, size](Result<BlockNumber> next) {
    if (!next) return worker_error(action.worker, next.error());
    batches_.add();
    batch_bytes_.add(size);
    members_[action.worker].next_block->set(*next);
    synced(view_, action.worker, *next);
    recovered(action.worker);
    step();
  });
}

// ---- polls ------------------------------------------------------------------------------------------------------------------

void Relay::perform(const Poll& action) {
  members_[action.worker].client->info([this, action](Result<WorkerInfo> info) {
    if (!info) return worker_error(action.worker, info.error());
    members_[action.worker].genesis = info->genesis;
    if (const auto other = other_chain(action.worker)) return worker_error(action.worker, *other);
    auto poll = std::make_shared<Polling>(Polling{action.worker, {}, false});
    poll->report.key = info->key;
    poll->report.next_block = info->next_block;
    poll->report.version = info->version;
    const BlockNumber height = view_.node.height.value_or(0);
    poll->report.can_register = view_.node.height && info->next_block > 1 && u64{info->next_block} + near_the_tip > height;
    members_[action.worker].next_block->set(info->next_block);
    members_[action.worker].pending->set(static_cast<double>(info->pending_messages));
    if (info->pending_messages > 0 || settle_due(action.worker, info->next_block)) return poll_egress(poll);
    members_[action.worker].messages.clear();
    members_[action.worker].has_more = false;
    poll_endpoint(poll);
  });
}

void Relay::poll_egress(const std::shared_ptr<Polling>& poll) {
  members_[poll->worker].client->egress([this, poll](Result<WorkerEgress> egress) {
    Member& member = members_[poll->worker];
    if (!egress) return worker_error(poll->worker, egress.error());
    member.messages.clear();
    poll->report.egress.clear();
    for (auto& message : egress->messages) {
      const Bytes sender = scale::encode(message.message.sender);
      poll->report.egress[sender].push_back(message.sequence);
      member.messages.emplace(std::pair(sender, message.sequence), std::move(message));
    }
    for (auto& [sender, numbers] : poll->report.egress) std::sort(numbers.begin(), numbers.end());
    member.has_more = egress->more;
    if (!egress->more) member.pending->set(static_cast<double>(member.messages.size()));
    if (!poll->settle_tried && worth_settling(*poll, *egress)) return settle(poll, *egress);
    poll_endpoint(poll);
  });
}

/// Also of a worker that was set back to an earlier block.
bool Relay::settle_due(WorkerIndex worker, BlockNumber next_block) const {
  const auto& at = members_[worker].settled_at;
  return next_block > 1 && (!at || next_block < *at || next_block - *at >= settle_every_blocks);
}

bool Relay::worth_settling(const Polling& poll, const WorkerEgress& egress) const {
  if (!view_.node.height || egress.settle_keys.empty() || poll.report.next_block <= 1 || u64{poll.report.next_block} + provable_blocks < *view_.node.height) return false;
  if (settle_due(poll.worker, poll.report.next_block)) return true;
  for (const auto& [sender, numbers] : poll.report.egress) {
    const auto next = view_.node.next_sequence.find(sender);
    if (next != view_.node.next_sequence.end() && numbers.front() < next->second) return true;
  }
  return false;
}

/// Brings the proof of what the chain has of a worker's messages. Whatever goes wrong here, the worker only keeps them a little longer.
void Relay::settle(const std::shared_ptr<Polling>& poll, const WorkerEgress& egress) {
  poll->settle_tried = true;
  json keys = json::array();
  for (const auto& key : egress.settle_keys) keys.push_back(to_hex0x(key));
  node_->call("state_getReadProof", json::array({keys, to_hex0x(egress.tip)}).dump(), [this, poll](Result<json, CallError> answer) {
    std::vector<Bytes> proof;
    const bool has_proof = answer && answer->is_object() && answer->contains("proof") && (*answer)["proof"].is_array();
    if (has_proof)
      for (const auto& node : (*answer)["proof"])
        if (auto bytes = bytes_of_hex(node)) proof.push_back(std::move(*bytes));
    if (!has_proof) {
      log::debug("relay", "{}: no proof for its messages: {}", members_[poll->worker].client->name(), answer ? "malformed" : answer.error().text);
      return poll_endpoint(poll);
    }
    members_[poll->worker].client->settle(std::move(proof), [this, poll](Result<u64> pending) {
      if (!pending) {
        log::warn("relay", "{}", pending.error().text());
        return poll_endpoint(poll);
      }
      members_[poll->worker].settled_at = poll->report.next_block;
      members_[poll->worker].pending->set(static_cast<double>(*pending));
      poll_egress(poll);
    });
  });
}

void Relay::poll_endpoint(const std::shared_ptr<Polling>& poll) {
  const auto finish = [this, poll] {
    polled(view_, poll->worker, std::move(poll->report), loop_.now_ms());
    recovered(poll->worker);
    step();
  };
  const auto registered = view_.node.registered.find(poll->report.key);
  if (registered == view_.node.registered.end() || !registered->second) return finish();
  members_[poll->worker].client->endpoint([this, poll, finish](Result<std::optional<SignedEndpoint>> endpoint) {
    if (!endpoint) return worker_error(poll->worker, endpoint.error());
    if (*endpoint) poll->report.endpoints = (*endpoint)->endpoints_hash;
    finish();
  });
}

// ---- transactions -----------------------------------------------------------------------------------------------------------

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

// ---- what operators see -------------------------------------------------------------------------------------------------------

void Relay::worker_error(WorkerIndex worker, const Error& error) {
  Member& member = members_[worker];
  member.failures->add();
  if (error.text() != member.last_error) {
    member.last_error = error.text();
    log::warn("relay", "{}", member.last_error);
  }
  worker_failed(view_, worker, loop_.now_ms());
  step();
}

void Relay::recovered(WorkerIndex worker) {
  Member& member = members_[worker];
  if (view_.workers[worker].failures > 0 || member.last_error.empty()) return;
  log::info("relay", "{} is well again", member.client->name());
  member.last_error.clear();
}

void Relay::node_error(const std::string& text) {
  if (text == last_node_error_) return;
  last_node_error_ = text;
  log::warn("relay", "node: {}", text);
}

void Relay::report_status() {
  status_.set(status_ms);
  bool healthy = view_.node.height.has_value();
  std::string text = view_.node.height ? "final #" + std::to_string(*view_.node.height) : "no node";
  for (size_t i = 0; i < members_.size(); ++i) {
    const WorkerView& worker = view_.workers[i];
    text += ", " + members_[i].client->name() + " ";
    if (!worker.report || worker.failures > 0) {
      text += worker.well ? "takes no blocks" : "does not answer";
      healthy = false;
      continue;
    }
    text += "at #" + std::to_string(worker.report->next_block - std::min<BlockNumber>(worker.report->next_block, 1));
    if (!members_[i].messages.empty()) text += " (" + std::to_string(members_[i].messages.size()) + (members_[i].has_more ? " messages and more)" : " messages)");
    if (view_.node.height && u64{worker.report->next_block} + near_the_tip <= *view_.node.height) healthy = false;
  }
  healthy_.store(healthy, std::memory_order_relaxed);
  if (text == last_status_) return;
  last_status_ = text;
  log::info("relay", "{}", text);
}

}  // namespace phala::relay

#include "carry/relay.hpp"

#include "log/log.hpp"

namespace phala::relay {

namespace {
constexpr u64 status_ms = 5000;
}

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

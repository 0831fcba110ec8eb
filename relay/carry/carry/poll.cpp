// What the relay asks of a worker: where it stands, what it says, and which proof lets it forget what the chain has.
#include <nlohmann/json.hpp>

#include "carry/relay.hpp"
#include "log/log.hpp"

namespace phala::relay {

using nlohmann::json;

namespace {

constexpr BlockNumber provable_blocks = 200;   // nodes prove state of the last 256 only
// A worker goes quiet when it was not told for about 1,200 blocks which builds the chain accepts.
constexpr BlockNumber settle_every_blocks = 300;

}  // namespace

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

}  // namespace phala::relay

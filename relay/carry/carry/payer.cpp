#include "carry/payer.hpp"

#include <nlohmann/json.hpp>

namespace phala::relay {

using nlohmann::json;

namespace {
constexpr int already_imported = 1013;   // the very same extrinsic is in the pool
}

void Payer::submit(Bytes call, BlockNumber height, Bytes group, Done done) {
  jobs_.push_back({std::move(call), height, std::move(group), std::move(done)});
  if (!busy_) next();
}

void Payer::next() {
  if (jobs_.empty()) {
    nonce_.reset();   // others may use the account in between
    return;
  }
  busy_ = true;
  if (!nonce_) return ask_nonce();
  if (!birth_ || birth_->first != jobs_.front().height) return ask_birth(jobs_.front().height);
  send();
}

void Payer::ask_nonce() {
  node_.call("system_accountNextIndex", "[\"" + address() + "\"]", [this](Result<json, CallError> answer) {
    if (!answer) return finish_all(answer.error().answered ? Outcome::refused : Outcome::not_sent, "system_accountNextIndex: " + answer.error().text);
    if (!answer->is_number_unsigned() || answer->get<u64>() > UINT32_MAX) return finish_all(Outcome::refused, "system_accountNextIndex answered no number");
    nonce_ = answer->get<u32>();
    next();
  });
}

void Payer::ask_birth(BlockNumber height) {
  node_.call("chain_getBlockHash", "[" + std::to_string(height) + "]", [this, height](Result<json, CallError> answer) {
    if (!answer) return finish_all(answer.error().answered ? Outcome::refused : Outcome::not_sent, "chain_getBlockHash: " + answer.error().text);
    const auto raw = answer->is_string() ? from_hex(answer->get<std::string>()) : Result<Bytes>(Bytes{});
    if (!raw || raw->size() != Hash::bytes) return finish_all(Outcome::refused, "the node does not know the hash of block " + std::to_string(height));
    birth_ = {height, Hash(*raw)};
    next();
  });
}

void Payer::send() {
  const Job& job = jobs_.front();
  if (!facts_) return finish_all(Outcome::not_sent, "no connection to the node");
  const Era era = Era::mortal(longevity_, job.height);
  // The node tells the hash of `height`, which is the era's first block as long as eras of this length begin at every block.
  const metadata::SigningContext context{facts_->spec_version, facts_->transaction_version, facts_->genesis, era, birth_->second, *nonce_, tip_};
  const auto extrinsic = metadata::sign_call(facts_->metadata, job.call, account_, context);
  if (!extrinsic) return finish(Outcome::refused, 0, extrinsic.error().text());
  const BlockNumber void_at = era.death(job.height);
  std::erase_if(sent_, [&](const auto& one) { return one.first <= job.height; });
  node_.call("author_submitExtrinsic", "[\"" + to_hex0x(*extrinsic) + "\"]", [this, void_at, extrinsic = *extrinsic](Result<json, CallError> answer) {
    if (answer || !answer.error().answered) sent_.emplace_back(void_at, extrinsic);
    if (answer) {
      nonce_ = *nonce_ + 1;
      return finish(Outcome::sent, void_at, {});
    }
    nonce_.reset();
    const bool there = !answer.error().answered || answer.error().code == already_imported;
    finish(there ? Outcome::sent : Outcome::refused, void_at, answer.error().text);
  });
}

void Payer::remind(BlockNumber height) {
  std::erase_if(sent_, [&](const auto& one) { return one.first <= height; });
  for (const auto& [void_at, extrinsic] : sent_) node_.call("author_submitExtrinsic", "[\"" + to_hex0x(extrinsic) + "\"]", [](const Result<json, CallError>&) {});
}

void Payer::finish(Outcome outcome, BlockNumber void_at, const std::string& text) {
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  std::vector<Job> dropped;
  if (outcome == Outcome::refused) {
    std::deque<Job> rest;
    for (auto& other : jobs_) (other.group == job.group ? static_cast<void>(dropped.push_back(std::move(other))) : static_cast<void>(rest.push_back(std::move(other))));
    jobs_ = std::move(rest);
  }
  job.done(outcome, void_at, text);
  for (const auto& other : dropped) other.done(Outcome::not_sent, 0, text);
  busy_ = false;
  next();
}

void Payer::finish_all(Outcome outcome, const std::string& text) {
  auto jobs = std::move(jobs_);
  jobs_.clear();
  nonce_.reset();
  birth_.reset();
  busy_ = false;
  for (const auto& job : jobs) job.done(outcome, 0, text);
}

}  // namespace phala::relay

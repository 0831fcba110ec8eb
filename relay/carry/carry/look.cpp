// What the relay reads of the chain: once per connection what its calls and storage look like, then how far it is with the workers.
#include <nlohmann/json.hpp>

#include "carry/relay.hpp"
#include "crypto/hash.hpp"
#include "log/log.hpp"

namespace phala::relay {

using nlohmann::json;

namespace {

constexpr int method_not_found = -32601;

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

}  // namespace phala::relay

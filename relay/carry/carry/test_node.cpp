#include "carry/test_node.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "crypto/hash.hpp"
#include "metadata/extrinsic.hpp"
#include "metadata/value.hpp"

namespace phala::relay {

using nlohmann::json;

namespace {

const crypto::Ed25519Pair& sealer() {
  static const auto pair = crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 7)));
  return pair;
}
const std::string& metadata_hex() {
  static const std::string text = [] {
    std::ifstream file(std::string(PHALA_SOURCE_DIR) + "/tests/golden/metadata/metadata.hex");
    std::string hex;
    file >> hex;
    return hex;
  }();
  return text;
}
const metadata::Metadata& chain_metadata() {
  static const metadata::Metadata made = *metadata::parse(*from_hex(metadata_hex()));
  return made;
}

}  // namespace

TestNode::TestNode() { restart(); }

light::TrustRoot TestNode::trust() const { return {headers_[0].hash(), light::TrustedSealer{sealer().public_key}}; }

void TestNode::restart(u16 port) {
  http::ServerOptions options;
  options.port = port;
  auto made = http::Server::start(options, {}, {{}, [this](const auto& socket, std::string text, auto done) { done(answer(socket, json::parse(text))); }, [this](const auto& socket) {
                                                 const std::lock_guard lock(mutex_);
                                                 std::erase(followers_, socket);
                                               }});
  ASSERT_TRUE(made.has_value()) << made.error().text();
  server_ = std::move(*made);
}

void TestNode::add_blocks(u32 count, u32 messages_each) {
  const std::lock_guard lock(mutex_);
  for (u32 i = 0; i < count; ++i) add_block(messages_each);
  json pushed{{"jsonrpc", "2.0"}, {"method", "chain_finalizedHead"}, {"params", {{"subscription", 1}, {"result", head()}}}};
  for (const auto& socket : followers_) socket->send(pushed.dump());
}

json TestNode::head() const {
  char number[16];
  std::snprintf(number, sizeof number, "0x%x", static_cast<unsigned>(headers_.size() - 1));
  return {{"number", number}};
}

void TestNode::add_block(u32 messages_each) {
  const auto n = static_cast<BlockNumber>(headers_.size());
  if (!lose_pool)
    for (const auto& extrinsic : pool) include(extrinsic, n);
  pool.clear();
  BlockMessages log{n, 1000u * n, {}, {}};
  for (u32 i = 0; i < messages_each; ++i) {
    const Message message{MessageOrigin::pallet("Test"), to_bytes(std::string_view("phala/system/event")), Bytes(10 + n % 50, static_cast<u8>(i))};
    log.leaves.push_back(Leaf::of(message));
    log.payloads.emplace_back(message.payload);
  }
  const Hash previous = n == 1 ? Hash() : root_;
  root_ = next_message_root(previous, n, log.now_ms, log.leaves);
  total_ += messages_each;
  Header header;
  header.parent_hash = headers_.back().hash();
  header.number.value = n;
  header.digest.logs.push_back(digest::Consensus{message_log_engine, scale::encode(MessageLogDigest{root_, log.now_ms, total_})});
  headers_.push_back(header);
  logs_.push_back(log);
}

std::optional<SignedMessage> TestNode::message_of(ByteView call) const {
  const auto* mq = metadata::find_pallet(chain_metadata(), "PhalaMq");
  if (call.size() < 2 || call[0] != mq->index || call[1] != 0) return std::nullopt;
  const auto message = scale::decode<SignedMessage>(call.subspan(2));
  return message ? std::optional(*message) : std::nullopt;
}

void TestNode::include(const Bytes& extrinsic, BlockNumber at) {
  const auto parts = split_extrinsic(extrinsic);
  if (at >= parts->signature->extra.era.death(at - 1)) problems.push_back("a transaction after its death");
  ++nonce_;
  ++included;
  if (const auto message = message_of(parts->call)) {
    const Bytes sender = scale::encode(message->message.sender);
    if (message->sequence != next_in_state(sender)) return problems.push_back("a message out of order");
    accepted[sender].push_back(*message);
    return;
  }
  const auto* registry = metadata::find_pallet(chain_metadata(), "PhalaRegistry");
  if (parts->call[0] != registry->index) return problems.push_back("an unknown call");
  scale::Reader in(parts->call.subspan(2));
  if (parts->call[1] == 7) {
    const auto info = *scale::decode_from<protocol::WorkerRegistrationInfoV2>(in);
    registered[info.pubkey] = scale::encode(info.pubkey, info.ecdh_pubkey, info.version, u64{5}, info.operator_, u8{0}, u8{128}, u8{0}, info.features);
  } else if (parts->call[1] == 8) {
    const auto payload = *scale::decode_from<protocol::WorkerEndpointPayload>(in);
    endpoints[payload.pubkey] = scale::encode(payload.versioned_endpoints);
  } else {
    problems.push_back("an unknown call");
  }
}

std::string TestNode::take(const Bytes& extrinsic) {
  ++submitted;
  if (refuse_transactions) return "Inability to pay some fees";
  const auto parts = split_extrinsic(extrinsic);
  if (!parts || !parts->signature) return "does not decode";
  const auto& extra = parts->signature->extra;
  const AccountId payer = parts->signature->signer.get_if<address::Id>()->id;
  const BlockNumber birth = extra.era.birth(static_cast<BlockNumber>(headers_.size() - 1));
  const SignedContext context{101, 1, headers_[0].hash(), headers_[birth].hash()};
  if (!parts->signature->signature.verify(signing_payload(parts->call, extra, context), payer)) return "bad signature";
  for (const auto& other : pool)
    if (other == extrinsic) return "1013";
  if (extra.nonce.value != nonce_ + pool.size()) return "stale or future nonce " + std::to_string(extra.nonce.value);
  if (const auto message = message_of(parts->call)) {
    for (const auto& other : pool) {
      const auto same = message_of(split_extrinsic(other)->call);
      if (same && same->message.sender == message->message.sender && same->sequence == message->sequence) problems.push_back("the same message twice in the pool");
    }
    if (!message->message.sender.is_offchain()) return "bad sender";
  }
  payers.push_back(payer);
  pool.push_back(extrinsic);
  return {};
}

std::string TestNode::answer(const std::shared_ptr<http::WebSocket>& socket, const json& request) {
  const std::lock_guard lock(mutex_);
  const std::string method = request["method"];
  const json& p = request["params"];
  ++calls[method];
  json result;
  const auto no = [&](int code, const std::string& why) { return json{{"jsonrpc", "2.0"}, {"id", request["id"]}, {"error", {{"code", code}, {"message", why}}}}.dump(); };
  if (busy_answers > 0) {
    --busy_answers;
    return no(-32000, "busy, try again");
  }
  if (method == "state_getMetadata" && !knows_metadata) return no(-32601, "Method not found");
  if (method == "state_getMetadata") result = metadata_hex();
  else if (method == "chain_getBlockHash") result = to_hex0x(headers_[p[0].get<size_t>()].hash());
  else if (method == "state_getRuntimeVersion") result = {{"specVersion", 101}, {"transactionVersion", 1}};
  else if (method == "system_chainType") result = development ? "Development" : "Live";
  else if (method == "system_accountNextIndex") result = nonce_ + pool.size();
  else if (method == "state_subscribeRuntimeVersion") result = "v";
  else if (method == "chain_subscribeFinalizedHeads") {
    followers_.push_back(socket);
    // as a node does, the present head comes at once
    socket->send(json{{"jsonrpc", "2.0"}, {"method", "chain_finalizedHead"}, {"params", {{"subscription", 1}, {"result", head()}}}}.dump());
    result = 1;
  } else if (method == "phala_headers" || method == "phala_messages") {
    const size_t from = p[0], count = std::min(p[1].get<size_t>(), batch_limit), end = std::min(headers_.size(), from + (method == "phala_headers" ? p[1].get<size_t>() : count));
    if (method == "phala_headers") result = to_hex0x(scale::encode(std::vector<Header>(headers_.begin() + static_cast<long>(from), headers_.begin() + static_cast<long>(end))));
    else result = to_hex0x(scale::encode(std::vector<BlockMessages>(logs_.begin() + static_cast<long>(from), logs_.begin() + static_cast<long>(end))));
  } else if (method == "phala_finalityProof") {
    size_t n = p[0];
    while (n < headers_.size() && n % prove_every != 0) ++n;
    if (n < headers_.size()) result = {{"number", n}, {"proof", to_hex0x(scale::encode(light::seal(sealer(), headers_[n].hash())))}};
  } else if (method == "pha_getMqNextSequence") {
    const Bytes sender = *from_hex(p[0].get<std::string>());
    u64 next = next_in_state(sender);
    for (const auto& extrinsic : pool)
      if (const auto message = message_of(split_extrinsic(extrinsic)->call); message && scale::encode(message->message.sender) == sender && message->sequence == next) ++next;
    result = next;
  } else if (method == "state_getStorage") {
    const Bytes key = *from_hex(p[0].get<std::string>());
    for (const auto& [name, map] : {std::pair{"Workers", &registered}, std::pair{"Endpoints", &endpoints}}) {
      const auto* pallet = metadata::find_pallet(chain_metadata(), "PhalaRegistry");
      for (const auto& [who, value] : *map)
        if (*metadata::storage_key(chain_metadata(), *pallet, *metadata::find_entry(*pallet, name), json::array({to_hex0x(who)})) == key) result = to_hex0x(value);
    }
  } else if (method == "state_getReadProof") {
    // the test's worker believes the node: its "proof" is the next number of each sender asked for
    json proof = json::array();
    for (const auto& k : p[0]) proof.push_back(to_hex0x(scale::encode(next_in_state(*from_hex(k.get<std::string>())))));
    result = {{"at", p[1]}, {"proof", proof}};
  } else if (method == "author_submitExtrinsic") {
    const std::string refusal = take(*from_hex(p[0].get<std::string>()));
    if (!refusal.empty())
      return json{{"jsonrpc", "2.0"}, {"id", request["id"]}, {"error", {{"code", refusal == "1013" ? 1013 : 1010}, {"message", "Invalid Transaction"}, {"data", refusal}}}}.dump();
    result = to_hex0x(crypto::blake2_256(*from_hex(p[0].get<std::string>())));
  } else {
    return no(-32601, "Method not found: " + method);
  }
  return json{{"jsonrpc", "2.0"}, {"id", request["id"]}, {"result", result}}.dump();
}

}  // namespace phala::relay

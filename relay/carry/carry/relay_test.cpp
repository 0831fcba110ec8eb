#include "carry/relay.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "crypto/hash.hpp"
#include "http/http.hpp"
#include "light/light.hpp"
#include "primitives/protocol.hpp"
#include "pruntime_rpc.pb.h"

namespace phala::relay {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
namespace prpc = pruntime_rpc;

const crypto::Ed25519Pair& sealer() {
  static const auto pair = crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, 7)));
  return pair;
}
std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

/// A chain as a node serves it: real headers, a real message log, real proofs; transactions go into the next block.
class TestNode {
 public:
  TestNode() { restart(); }
  void restart(u16 port = 0) {
    http::ServerOptions options;
    options.port = port;
    auto made = http::Server::start(options, {}, {{}, [this](const auto& socket, std::string text, auto done) { done(answer(socket, json::parse(text))); }, [this](const auto& socket) {
                                                   const std::lock_guard lock(mutex_);
                                                   std::erase(followers_, socket);
                                                 }});
    ASSERT_TRUE(made.has_value()) << made.error().text();
    server_ = std::move(*made);
  }
  void stop() { server_.reset(); }
  u16 port() const { return server_->port(); }
  std::string url() const { return "ws://127.0.0.1:" + std::to_string(port()); }
  light::TrustRoot trust() const { return {headers_[0].hash(), light::TrustedSealer{sealer().public_key}}; }

  void add_blocks(u32 count, u32 messages_each = 1) {
    const std::lock_guard lock(mutex_);
    for (u32 i = 0; i < count; ++i) add_block(messages_each);
    json pushed{{"jsonrpc", "2.0"}, {"method", "chain_finalizedHead"}, {"params", {{"subscription", 1}, {"result", head()}}}};
    for (const auto& socket : followers_) socket->send(pushed.dump());
  }
  BlockNumber height() const {
    const std::lock_guard lock(mutex_);
    return static_cast<BlockNumber>(headers_.size() - 1);
  }
  template <class F>
  auto with(F&& f) const {
    const std::lock_guard lock(mutex_);
    return f(*this);
  }

  // what tests set and see, under the lock
  mutable std::mutex mutex_;
  BlockNumber prove_every = 1;
  size_t batch_limit = 1000;
  bool development = true, refuse_transactions = false, lose_pool = false, knows_metadata = true;
  u32 busy_answers = 0;                                  // the next ones say that the node is busy
  std::map<PublicKey, Bytes> registered, endpoints;     // as in storage
  std::map<Bytes, std::vector<SignedMessage>> accepted;  // by sender, in order
  std::vector<Bytes> pool;                               // extrinsics
  std::vector<AccountId> payers;
  u32 submitted = 0, included = 0;
  std::vector<std::string> problems;
  std::map<std::string, u32> calls;

 private:
  const metadata::Metadata& metadata() {
    static const metadata::Metadata made = *metadata::parse(*from_hex(metadata_hex()));
    return made;
  }
  static const std::string& metadata_hex() {
    static const std::string text = [] {
      std::ifstream file(std::string(PHALA_SOURCE_DIR) + "/tests/golden/metadata/metadata.hex");
      std::string hex;
      file >> hex;
      return hex;
    }();
    return text;
  }
  json head() const {
    char number[16];
    std::snprintf(number, sizeof number, "0x%x", static_cast<unsigned>(headers_.size() - 1));
    return {{"number", number}};
  }
  void add_block(u32 messages_each) {
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

  u64 next_in_state(const Bytes& sender) const { return accepted.contains(sender) ? accepted.at(sender).size() : 0; }
  std::optional<SignedMessage> message_of(ByteView call) {
    const auto* mq = metadata::find_pallet(metadata(), "PhalaMq");
    if (call.size() < 2 || call[0] != mq->index || call[1] != 0) return std::nullopt;
    const auto message = scale::decode<SignedMessage>(call.subspan(2));
    return message ? std::optional(*message) : std::nullopt;
  }
  void include(const Bytes& extrinsic, BlockNumber at) {
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
    const auto* registry = metadata::find_pallet(metadata(), "PhalaRegistry");
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
  /// Empty: taken. Checks what a node checks.
  std::string take(const Bytes& extrinsic) {
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

  std::string answer(const std::shared_ptr<http::WebSocket>& socket, const json& request) {
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
        const auto* pallet = metadata::find_pallet(metadata(), "PhalaRegistry");
        for (const auto& [who, value] : *map)
          if (*metadata::storage_key(metadata(), *pallet, *metadata::find_entry(*pallet, name), json::array({to_hex0x(who)})) == key) result = to_hex0x(value);
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

  std::vector<Header> headers_{Header{}};
  std::vector<BlockMessages> logs_{BlockMessages{}};
  Hash root_;
  u64 total_ = 0, nonce_ = 0;
  std::vector<std::shared_ptr<http::WebSocket>> followers_;
  std::unique_ptr<http::Server> server_;
};

/// A worker's private port over a real light client: it takes only what verifies.
class TestWorker {
 public:
  TestWorker(u8 n, const light::TrustRoot& trust) : trust_(trust), tip_(light::genesis_tip(trust)) {
    key[0] = n;
    token_file = std::filesystem::temp_directory_path() / ("relay-test-token-" + std::to_string(getpid()) + "-" + std::to_string(n));
    std::ofstream(token_file) << "token-" << int(n) << "\n";
    const auto method = [this](const char* name, auto handler) {
      return http::Route{"POST", std::string("/prpc/PhactoryAPI.") + name, 100u << 20, [this, name, handler](http::Request request, http::Respond respond) {
                           const std::lock_guard lock(mutex);
                           if (std::string_view(name) != "GetInfo" && request.header("authorization") != "Bearer token-" + std::to_string(int(key[0]))) return respond({401, {}, "application/octet-stream", {}});
                           if (hang) return kept_.push_back(respond);
                           const Result<std::string> body = handler(request.body);
                           if (body) return respond({200, *body, "application/octet-stream", {}});
                           prpc::PrpcError error;
                           error.set_message(body.error().text());
                           respond({500, error.SerializeAsString(), "application/octet-stream", {}});
                         }};
    };
    std::vector<http::Route> routes{
        method("GetInfo", [this](const std::string&) -> Result<std::string> {
          prpc::PhactoryInfo out;
          out.set_initialized(true);
          out.set_genesis_block_hash(to_hex(trust_.genesis_hash));
          out.set_public_key(to_hex(key));
          out.set_blocknum(tip_.number + 1);
          out.set_pending_messages(egress.size());
          out.set_version("0.1.0");
          return out.SerializeAsString();
        }),
        method("SyncMessages", [this](const std::string& body) -> Result<std::string> {
          if (broken) return fail(ErrorCode::internal, "this machine cannot run a contract");
          prpc::MessagesToSync request;
          request.ParseFromString(body);
          const auto batch = scale::decode<light::Batch>(as_bytes(request.encoded_batch()));
          if (!batch) return fail(ErrorCode::invalid_input, "the batch does not decode");
          auto advanced = light::advance(trust_, tip_, *batch, [](ByteView) { return true; });
          if (!advanced) {
            ++refused_batches;
            return fail(light::to_error(advanced.error()));
          }
          tip_ = advanced->tip;
          ++batches;
          largest_batch = std::max(largest_batch, batch->headers.size());
          prpc::SyncedTo out;
          out.set_synced_to(tip_.number + 1);
          return out.SerializeAsString();
        }),
        method("GetEgressMessages", [this](const std::string&) -> Result<std::string> {
          std::map<MessageOrigin, std::vector<SignedMessage>> streams{{self(), {}}};   // its own is always asked for
          prpc::GetEgressMessagesResponse out;
          for (const auto& message : egress) {
            auto& stream = streams[message.message.sender];
            if (stream.size() < window) stream.push_back(message);
            else out.set_more(true);
          }
          out.set_encoded_messages(text_of(scale::encode(std::vector<std::pair<MessageOrigin, std::vector<SignedMessage>>>(streams.begin(), streams.end()))));
          asked_.clear();
          for (const auto& [sender, list] : streams) {
            asked_.push_back(sender);
            out.add_settle_keys(text_of(scale::encode(sender)));
          }
          out.set_tip_hash(text_of(tip_.hash));
          return out.SerializeAsString();
        }),
        method("SettleEgress", [this](const std::string& body) -> Result<std::string> {
          prpc::SettleEgressRequest request;
          request.ParseFromString(body);
          ++settlements;
          for (int i = 0; i < request.proof_size() && i < static_cast<int>(asked_.size()); ++i) {
            const u64 next = *scale::decode<u64>(as_bytes(request.proof(i)));
            std::erase_if(egress, [&](const SignedMessage& m) { return m.message.sender == asked_[static_cast<size_t>(i)] && m.sequence < next; });
          }
          prpc::SettleEgressResponse out;
          out.set_pending_messages(egress.size());
          return out.SerializeAsString();
        }),
        method("GetEndpointInfo", [this](const std::string&) -> Result<std::string> {
          prpc::GetEndpointResponse out;
          const protocol::WorkerEndpointPayload payload{key, protocol::VersionedWorkerEndpointsV1{{"http://worker" + std::to_string(int(key[0]))}}, 5};
          out.set_encoded_endpoint_payload(text_of(scale::encode(payload)));
          out.set_signature(std::string(64, 's'));
          return out.SerializeAsString();
        }),
        method("GetRuntimeInfo", [this](const std::string& body) -> Result<std::string> {
          prpc::GetRuntimeInfoRequest request;
          request.ParseFromString(body);
          protocol::WorkerRegistrationInfoV2 info;
          info.version = 0x100;
          info.pubkey = info.ecdh_pubkey = key;
          if (request.has_encoded_operator()) info.operator_ = AccountId(as_bytes(request.encoded_operator()));
          prpc::InitRuntimeResponse out;
          out.set_encoded_runtime_info(text_of(scale::encode(info)));
          out.mutable_attestation()->set_encoded_report(std::string(1, '\0'));
          return out.SerializeAsString();
        })};
    http::ServerOptions options;
    options.threads = 2;
    auto made = http::Server::start(options, std::move(routes));
    if (made) server_ = std::move(*made);
  }
  ~TestWorker() {
    {
      const std::lock_guard lock(mutex);
      kept_.clear();
    }
    server_.reset();
    std::filesystem::remove(token_file);
  }
  FleetMember member() const { return {"http://127.0.0.1:" + std::to_string(server_->port()), token_file}; }
  BlockNumber next_block() {
    const std::lock_guard lock(mutex);
    return tip_.number + 1;
  }
  void say(const MessageOrigin& sender, u64 sequence) {
    const std::lock_guard lock(mutex);
    egress.push_back({{sender, to_bytes(std::string_view("phala/mining/report")), {1, 2, 3}}, sequence, Bytes(64, 9)});
  }
  MessageOrigin self() const { return origin::Worker{key}; }
  size_t waiting() {
    const std::lock_guard lock(mutex);
    return egress.size();
  }

  std::mutex mutex;
  PublicKey key;
  std::string token_file;
  std::vector<SignedMessage> egress;
  bool hang = false, broken = false;
  u32 batches = 0, refused_batches = 0, settlements = 0;
  size_t window = 1000;   // messages of a stream given at once
  size_t largest_batch = 0;

 private:
  const light::TrustRoot trust_;
  light::Tip tip_;
  std::vector<MessageOrigin> asked_;
  std::vector<http::Respond> kept_;
  std::unique_ptr<http::Server> server_;
};

struct RelayTest : ::testing::Test {
  TestNode node;
  std::vector<std::unique_ptr<TestWorker>> workers;
  Metrics metrics;
  Loop loop;
  std::unique_ptr<Relay> relay;
  std::thread thread;
  RelayOptions options;

  TestWorker& add_worker() {
    workers.push_back(std::make_unique<TestWorker>(static_cast<u8>(workers.size() + 1), node.trust()));
    options.workers.push_back(workers.back()->member());
    return *workers.back();
  }
  void start() {
    options.node_url = node.url();
    if (!options.mnemonic) options.mnemonic = "//Ferdie";
    options.limits.poll_ms = 50;
    options.limits.first_retry_ms = 20;
    options.limits.longest_retry_ms = 200;
    auto made = Relay::start(loop, options, metrics);
    ASSERT_TRUE(made.has_value()) << made.error().text();
    relay = std::move(*made);
    thread = std::thread([this] { loop.run(); });
  }
  void TearDown() override {
    const auto begin = std::chrono::steady_clock::now();
    loop.stop();
    if (thread.joinable()) thread.join();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s) << "stops at once";
    node.with([](const TestNode& n) {
      for (const auto& problem : n.problems) ADD_FAILURE() << problem;
    });
    relay.reset();
  }
  template <class F>
  bool eventually(F&& f, std::chrono::milliseconds most = 10s) {
    const auto end = std::chrono::steady_clock::now() + most;
    while (!f()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  bool caught_up(TestWorker& worker) {
    return eventually([&] { return worker.next_block() == node.height() + 1; });
  }
  size_t accepted(const MessageOrigin& sender) {
    return node.with([&](const TestNode& n) { return n.accepted.contains(scale::encode(sender)) ? n.accepted.at(scale::encode(sender)).size() : 0; });
  }
};

TEST_F(RelayTest, brings_every_worker_to_the_tip_and_keeps_it_there) {
  TestWorker &first = add_worker(), &second = add_worker();
  node.batch_limit = 40;   // the node gives fewer blocks than asked for
  node.add_blocks(333, 3);
  start();
  EXPECT_TRUE(caught_up(first));
  EXPECT_TRUE(caught_up(second));
  const u32 fetches = node.with([](const TestNode& n) { return n.calls.at("phala_messages"); });
  EXPECT_LE(fetches, 20u);   // 333 blocks in pieces of 40, once for both
  for (int i = 0; i < 5; ++i) {
    node.add_blocks(1);
    EXPECT_TRUE(caught_up(first));
    EXPECT_TRUE(caught_up(second));
  }
  EXPECT_EQ(first.refused_batches + second.refused_batches, 0u);
}

TEST_F(RelayTest, blocks_that_only_a_later_one_proves_come_with_it) {
  TestWorker& worker = add_worker();
  node.prove_every = 100;
  node.add_blocks(250);
  start();
  EXPECT_TRUE(eventually([&] { return worker.next_block() == 201; })) << worker.next_block();
  node.add_blocks(50);
  EXPECT_TRUE(eventually([&] { return worker.next_block() == 301; })) << worker.next_block();
  EXPECT_EQ(worker.refused_batches, 0u);
}

TEST_F(RelayTest, registers_binds_and_sends_each_message_once_and_in_order) {
  TestWorker &first = add_worker(), &second = add_worker();
  options.operator_ = crypto::KeyPair::from_uri("//Alice")->account();
  const MessageOrigin gatekeeper = origin::Gatekeeper{};
  for (u64 i = 0; i < 20; ++i) first.say(first.self(), i);
  for (TestWorker* worker : {&first, &second})
    for (u64 i = 0; i < 10; ++i) worker->say(gatekeeper, i);   // both say the same
  node.add_blocks(5);
  start();
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(20ms);
    return node.with([](const TestNode& n) { return n.registered.size() == 2 && n.endpoints.size() == 2; }) && first.waiting() == 0 && second.waiting() == 0;
  }));
  EXPECT_EQ(accepted(first.self()), 20u);
  EXPECT_EQ(accepted(gatekeeper), 10u);
  node.with([&](const TestNode& n) {
    EXPECT_EQ(n.included, 20u + 10 + 4);
    for (const auto& payer : n.payers) EXPECT_EQ(payer, crypto::KeyPair::from_uri("//Ferdie")->account());
  });
  // and nothing more comes while there is nothing to say
  for (int i = 0; i < 30; ++i) node.add_blocks(1);
  EXPECT_TRUE(caught_up(first));
  node.with([](const TestNode& n) { EXPECT_EQ(n.included, 34u); });
}

TEST_F(RelayTest, streams_longer_than_a_worker_gives_at_once_arrive_whole) {
  TestWorker& worker = add_worker();
  worker.window = 7;
  for (u64 i = 0; i < 40; ++i) worker.say(worker.self(), i);
  for (u64 i = 0; i < 30; ++i) worker.say(origin::Gatekeeper{}, i);
  node.accepted[scale::encode(MessageOrigin(origin::Gatekeeper{}))] = std::vector<SignedMessage>(20);   // the chain has more of this one than the worker gives
  node.add_blocks(5);
  start();
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(10ms);
    return worker.waiting() == 0;
  }));
  EXPECT_EQ(accepted(worker.self()), 40u);
  EXPECT_EQ(accepted(origin::Gatekeeper{}), 30u);
}

TEST_F(RelayTest, a_worker_without_messages_is_settled_now_and_then_too) {
  TestWorker& worker = add_worker();
  node.add_blocks(3);
  start();
  const auto settled = [&](u32 times) {
    return eventually([&] {
      const std::lock_guard lock(worker.mutex);
      return worker.settlements == times;
    });
  };
  EXPECT_TRUE(settled(1));
  node.add_blocks(200);
  EXPECT_TRUE(caught_up(worker));
  EXPECT_TRUE(settled(1));
  node.add_blocks(150);
  EXPECT_TRUE(settled(2));
}

TEST_F(RelayTest, another_operator_is_written_into_the_registration) {
  TestWorker& worker = add_worker();
  node.registered[worker.key] = scale::encode(worker.key, worker.key, u32{0x100}, u64{5}, std::optional(AccountId()), u8{0}, u8{128}, u8{0}, std::vector<u32>{});
  options.operator_ = crypto::KeyPair::from_uri("//Bob")->account();
  node.add_blocks(3);
  start();
  const Bytes bob = to_bytes(options.operator_->view());
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(10ms);
    return node.with([&](const TestNode& n) { return to_hex(n.registered.at(worker.key)).find(to_hex(bob)) != std::string::npos; });
  }));
}

TEST_F(RelayTest, a_worker_that_hangs_or_refuses_holds_nobody_up) {
  TestWorker &hanging = add_worker(), &broken = add_worker(), &well = add_worker();
  hanging.hang = true;
  broken.broken = true;
  options.workers.push_back({"http://127.0.0.1:1", well.token_file});   // nobody listens
  node.add_blocks(100);
  start();
  EXPECT_TRUE(caught_up(well));
  EXPECT_EQ(broken.next_block(), 1u);
  {
    const std::lock_guard lock(broken.mutex);
    broken.broken = false;
  }
  EXPECT_TRUE(caught_up(broken));
}

TEST_F(RelayTest, a_missing_or_wrong_token_is_no_end_and_a_right_one_is_picked_up) {
  TestWorker& worker = add_worker();
  std::ofstream(worker.token_file) << "wrong";
  node.add_blocks(3);
  start();
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(worker.next_block(), 1u);
  std::filesystem::remove(worker.token_file);
  std::this_thread::sleep_for(200ms);
  std::ofstream(worker.token_file) << "token-1\n";
  EXPECT_TRUE(caught_up(worker));
}

TEST_F(RelayTest, a_node_that_restarts_is_found_again_and_reminded_of_what_it_forgot) {
  TestWorker& worker = add_worker();
  node.add_blocks(3);
  start();
  EXPECT_TRUE(caught_up(worker));
  for (u64 i = 0; i < 3; ++i) worker.say(worker.self(), i);
  const auto all_in_pool = [&] { return node.with([](const TestNode& n) { return n.pool.size() == 4; }); };   // registration and messages
  EXPECT_TRUE(eventually(all_in_pool));
  const u16 port = node.port();
  node.stop();
  {
    const std::lock_guard lock(node.mutex_);
    node.pool.clear();   // it was in memory only
  }
  std::this_thread::sleep_for(100ms);
  node.restart(port);
  // one block is enough: what was lost does not have to become void first
  EXPECT_TRUE(eventually(all_in_pool));
  node.add_blocks(1);
  EXPECT_TRUE(eventually([&] { return worker.waiting() == 0; }));
  EXPECT_EQ(accepted(worker.self()), 3u);
}

TEST_F(RelayTest, what_the_pool_lost_is_sent_again_when_it_is_void) {
  TestWorker& worker = add_worker();
  node.registered[worker.key] = scale::encode(worker.key, worker.key, u32{0x100}, u64{5}, u8{0}, u8{0}, u8{128}, u8{0}, std::vector<u32>{});
  options.limits.longevity_blocks = 4;
  worker.say(worker.self(), 0);
  worker.say(worker.self(), 1);
  node.lose_pool = true;
  node.add_blocks(3);
  start();
  EXPECT_TRUE(eventually([&] { return node.with([](const TestNode& n) { return n.pool.size() >= 2; }); }));
  node.add_blocks(1);
  {
    const std::lock_guard lock(node.mutex_);
    node.lose_pool = false;
  }
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(30ms);
    return accepted(worker.self()) == 2;
  }));
}

TEST_F(RelayTest, refused_transactions_are_tried_rarer_and_rarer) {
  TestWorker& worker = add_worker();
  for (u64 i = 0; i < 50; ++i) worker.say(worker.self(), i);
  node.refuse_transactions = true;
  node.add_blocks(3);
  start();
  EXPECT_TRUE(eventually([&] { return node.with([](const TestNode& n) { return n.submitted > 0; }); }));
  for (int i = 0; i < 40; ++i) {
    node.add_blocks(1);
    std::this_thread::sleep_for(10ms);
  }
  node.with([](const TestNode& n) { EXPECT_LE(n.submitted, 20u); });   // registration and first message, about log2(40) times each
  {
    const std::lock_guard lock(node.mutex_);
    node.refuse_transactions = false;
  }
  EXPECT_TRUE(eventually([&] {
    node.add_blocks(1);
    std::this_thread::sleep_for(10ms);
    return accepted(worker.self()) == 50;
  }));
}

TEST_F(RelayTest, a_worker_of_another_chain_gets_nothing) {
  light::TrustRoot other = node.trust();
  other.genesis_hash[0] ^= 1;
  workers.push_back(std::make_unique<TestWorker>(1, other));
  options.workers.push_back(workers.back()->member());
  TestWorker& well = add_worker();
  node.add_blocks(10);
  start();
  EXPECT_TRUE(caught_up(well));
  EXPECT_EQ(workers[0]->next_block(), 1u);
  EXPECT_EQ(workers[0]->refused_batches, 0u);
}

TEST_F(RelayTest, a_node_that_is_busy_is_asked_again) {
  TestWorker& worker = add_worker();
  node.add_blocks(3);
  node.busy_answers = 9;   // more than two rounds of what the relay asks first
  start();
  EXPECT_TRUE(caught_up(worker));
  EXPECT_FALSE(relay->failure().has_value());
}

TEST_F(RelayTest, a_server_that_is_no_node_of_phala_ends_it) {
  add_worker();
  node.knows_metadata = false;
  start();
  thread.join();
  ASSERT_TRUE(relay->failure().has_value());
  EXPECT_NE(relay->failure()->text().find("Method not found"), std::string::npos) << relay->failure()->text();
}

TEST_F(RelayTest, on_a_real_chain_somebody_must_be_named_to_pay) {
  add_worker();
  node.development = false;
  options.node_url = node.url();
  auto made = Relay::start(loop, options, metrics);
  ASSERT_TRUE(made.has_value());
  relay = std::move(*made);
  std::jthread watchdog([this](const std::stop_token& stop) {
    for (int i = 0; i < 500 && !stop.stop_requested(); ++i) std::this_thread::sleep_for(10ms);
    loop.stop();
  });
  loop.run();
  ASSERT_TRUE(relay->failure().has_value());
  EXPECT_NE(relay->failure()->text().find("--mnemonic"), std::string::npos);
}

TEST(RelayUrl, urls_are_read_or_refused_by_name) {
  const auto at = [](const char* url, const char* scheme) {
    const auto address = parse_url(url, scheme);
    return address ? address->host + "|" + address->port + "|" + address->path : address.error().message;
  };
  EXPECT_EQ(at("ws://127.0.0.1:9944", "ws"), "127.0.0.1|9944|");
  EXPECT_EQ(at("ws://node/rpc/", "ws"), "node|80|/rpc");
  EXPECT_EQ(at("ws://[::1]:1", "ws"), "::1|1|");
  EXPECT_NE(at("wss://node", "ws").find("scheme must be ws"), std::string::npos);
  EXPECT_NE(at("http://node", "ws").find("scheme must be ws"), std::string::npos);
  for (const char* url : {"", "ws://", "ws://node:99999", "ws://no de", "\n"}) EXPECT_FALSE(parse_url(url, "ws")) << url;
}

}  // namespace
}  // namespace phala::relay

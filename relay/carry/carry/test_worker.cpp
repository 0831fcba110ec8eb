#include "carry/test_worker.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "pruntime_rpc.pb.h"

namespace phala::relay {

namespace prpc = pruntime_rpc;

namespace {
std::string as_string(ByteView bytes) { return std::string(as_text(bytes)); }
}  // namespace

TestWorker::TestWorker(u8 n, const light::TrustRoot& trust) : trust_(trust), tip_(light::genesis_tip(trust)) {
  key[0] = n;
  token_file = std::filesystem::temp_directory_path() / ("relay-test-token-" + std::to_string(getpid()) + "-" + std::to_string(n));
  std::ofstream(token_file) << "token-" << int(n) << "\n";
  std::vector<http::Route> routes;
  for (const auto& [name, method] : std::initializer_list<std::pair<std::string, Method>>{{"GetInfo", &TestWorker::info},
                                                                                         {"SyncMessages", &TestWorker::sync},
                                                                                         {"GetEgressMessages", &TestWorker::egress_messages},
                                                                                         {"SettleEgress", &TestWorker::settle},
                                                                                         {"GetEndpointInfo", &TestWorker::endpoint},
                                                                                         {"GetRuntimeInfo", &TestWorker::registration}})
    routes.push_back({"POST", "/prpc/PhactoryAPI." + name, 100u << 20,
                      [this, name, method](http::Request request, http::Respond respond) { answer(name, method, request, respond); }});
  http::ServerOptions options;
  options.threads = 2;
  auto made = http::Server::start(options, std::move(routes));
  if (made) server_ = std::move(*made);
}

TestWorker::~TestWorker() {
  {
    const std::lock_guard lock(mutex);
    kept_.clear();
  }
  server_.reset();
  std::filesystem::remove(token_file);
}

void TestWorker::answer(std::string_view name, Method method, const http::Request& request, const http::Respond& respond) {
  const std::lock_guard lock(mutex);
  if (name != "GetInfo" && request.header("authorization") != "Bearer token-" + std::to_string(int(key[0]))) return respond({401, {}, "application/octet-stream", {}});
  if (hang) return kept_.push_back(respond);
  const Result<std::string> body = (this->*method)(request.body);
  if (body) return respond({200, *body, "application/octet-stream", {}});
  prpc::PrpcError error;
  error.set_message(body.error().text());
  respond({500, error.SerializeAsString(), "application/octet-stream", {}});
}

Result<std::string> TestWorker::info(const std::string&) {
  prpc::PhactoryInfo out;
  out.set_initialized(true);
  out.set_genesis_block_hash(to_hex(trust_.genesis_hash));
  out.set_public_key(to_hex(key));
  out.set_blocknum(tip_.number + 1);
  out.set_pending_messages(egress.size());
  out.set_version("0.1.0");
  return out.SerializeAsString();
}

Result<std::string> TestWorker::sync(const std::string& body) {
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
}

Result<std::string> TestWorker::egress_messages(const std::string&) {
  std::map<MessageOrigin, std::vector<SignedMessage>> streams{{self(), {}}};   // its own is always asked for
  prpc::GetEgressMessagesResponse out;
  for (const auto& message : egress) {
    auto& stream = streams[message.message.sender];
    if (stream.size() < window) stream.push_back(message);
    else out.set_more(true);
  }
  out.set_encoded_messages(as_string(scale::encode(std::vector<std::pair<MessageOrigin, std::vector<SignedMessage>>>(streams.begin(), streams.end()))));
  asked_.clear();
  for (const auto& [sender, list] : streams) {
    asked_.push_back(sender);
    out.add_settle_keys(as_string(scale::encode(sender)));
  }
  out.set_tip_hash(as_string(tip_.hash));
  return out.SerializeAsString();
}

Result<std::string> TestWorker::settle(const std::string& body) {
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
}

Result<std::string> TestWorker::endpoint(const std::string&) {
  prpc::GetEndpointResponse out;
  const protocol::WorkerEndpointPayload payload{key, protocol::VersionedWorkerEndpointsV1{{"http://worker" + std::to_string(int(key[0]))}}, 5};
  out.set_encoded_endpoint_payload(as_string(scale::encode(payload)));
  out.set_signature(std::string(64, 's'));
  return out.SerializeAsString();
}

Result<std::string> TestWorker::registration(const std::string& body) {
  prpc::GetRuntimeInfoRequest request;
  request.ParseFromString(body);
  protocol::WorkerRegistrationInfoV2 info;
  info.version = 0x100;
  info.pubkey = info.ecdh_pubkey = key;
  if (request.has_encoded_operator()) info.operator_ = AccountId(as_bytes(request.encoded_operator()));
  prpc::InitRuntimeResponse out;
  out.set_encoded_runtime_info(as_string(scale::encode(info)));
  out.mutable_attestation()->set_encoded_report(std::string(1, '\0'));
  return out.SerializeAsString();
}

}  // namespace phala::relay

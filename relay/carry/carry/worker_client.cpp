#include "carry/worker_client.hpp"

#include <charconv>
#include <fstream>

#include "crypto/hash.hpp"
#include "primitives/protocol.hpp"
#include "pruntime_rpc.pb.h"

namespace phala::relay {
namespace {

namespace rpc = pruntime_rpc;

constexpr u64 short_timeout_ms = 15'000;
constexpr u64 sync_timeout_ms = 300'000;      // a batch of blocks may hold minutes of contracts
constexpr u64 evidence_timeout_ms = 60'000;
constexpr size_t answer_limit = 32u << 20;     // a worker gives about 4 MiB of each of its streams at once

Bytes bytes_of(const std::string& text) { return to_bytes(as_bytes(text)); }
Error malformed(std::string_view what) { return {ErrorCode::unavailable, "an answer that does not decode: " + std::string(what), "are worker and relay of one version?"}; }
template <class T>
Result<T> decoded(const std::string& raw, std::string_view what) {
  return scale::decode<T>(as_bytes(raw)).map_error([&](scale::CodecError) { return malformed(what); });
}
template <class Fixed>
Result<Fixed> hex_of(const std::string& text, std::string_view what) {
  const auto raw = from_hex(text);
  if (!raw || raw->size() != Fixed::bytes) return fail(malformed(what));
  return Fixed(*raw);
}

/// Of "1.2.3" or "1.2.3-abc"; nothing when it is neither.
std::optional<u32> version_of(std::string_view text) {
  u32 parts[3] = {};
  for (int i = 0; i < 3; ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parts[i]);
    if (error != std::errc() || parts[i] > 0xff) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (i < 2) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
  }
  return (parts[0] << 16) + (parts[1] << 8) + parts[2];
}

Result<WorkerInfo> info_of(const rpc::PhactoryInfo& answer) {
  if (!answer.initialized()) return fail(ErrorCode::unavailable, "it is not initialized");
  WorkerInfo out;
  out.key = TRY(hex_of<PublicKey>(answer.public_key(), "public_key"));
  out.genesis = TRY(hex_of<Hash>(answer.genesis_block_hash(), "genesis_block_hash"));
  out.next_block = answer.blocknum();
  out.version = version_of(answer.version());
  out.pending_messages = answer.pending_messages();
  return out;
}

Result<WorkerEgress> egress_of(const rpc::GetEgressMessagesResponse& answer) {
  WorkerEgress out;
  using Streams = std::vector<std::pair<MessageOrigin, std::vector<SignedMessage>>>;
  for (auto& [sender, messages] : TRY(decoded<Streams>(answer.encoded_messages(), "encoded_messages")))
    for (auto& message : messages) {
      if (!(message.message.sender == sender)) return fail(malformed("a message of another sender in a stream"));
      out.messages.push_back(std::move(message));
    }
  out.more = answer.more();
  for (const auto& key : answer.settle_keys()) out.settle_keys.push_back(bytes_of(key));
  out.tip = TRY(decoded<Hash>(answer.tip_hash(), "tip_hash"));
  return out;
}

Result<std::optional<SignedEndpoint>> endpoint_of(const rpc::GetEndpointResponse& answer) {
  if (!answer.has_encoded_endpoint_payload()) return std::optional<SignedEndpoint>{};
  const auto payload = TRY(decoded<protocol::WorkerEndpointPayload>(answer.encoded_endpoint_payload(), "encoded_endpoint_payload"));
  return std::optional(SignedEndpoint{bytes_of(answer.encoded_endpoint_payload()), bytes_of(answer.signature()), crypto::blake2_256(scale::encode(payload.versioned_endpoints))});
}

Result<RegistrationEvidence> evidence_of(const rpc::InitRuntimeResponse& answer) {
  TRY(decoded<protocol::WorkerRegistrationInfoV2>(answer.encoded_runtime_info(), "encoded_runtime_info"));
  if (!answer.has_attestation()) return fail(malformed("attestation"));
  return RegistrationEvidence{bytes_of(answer.encoded_runtime_info()), bytes_of(answer.attestation().encoded_report())};
}

}  // namespace

WorkerClient::WorkerClient(Loop& loop, Address address, std::string token_file)
    : name_(address.host + ":" + address.port), token_file_(std::move(token_file)), http_(loop, std::move(address)) {}

Result<std::string> WorkerClient::authorization() const {
  if (token_file_.empty()) return std::string();
  std::ifstream file(token_file_);
  std::string token;
  if (!(file >> token)) return fail(ErrorCode::unavailable, "cannot read the token in " + token_file_, "the worker writes it at its first start");
  return "Bearer " + token;
}

template <class Answer, class T, class Convert>
void WorkerClient::call(const char* method, std::string body, u64 timeout_ms, Done<T> done, Convert convert) {
  auto token = authorization();
  const std::string where = name_ + ": " + method;
  const bool has_token = token.has_value();
  // without a token the request is made all the same: the answer to a method that needs one says so
  http_.post("/prpc/PhactoryAPI." + std::string(method), "application/octet-stream", has_token ? std::move(*token) : std::string(), std::move(body), timeout_ms, answer_limit,
             [where, done = std::move(done), convert, why = has_token ? std::string() : token.error().text()](Result<HttpAnswer> answer) {
               if (!answer) return done(fail(std::move(answer.error()).in(where)));
               if (answer->status != 200) {
                 rpc::PrpcError error;
                 std::string text = error.ParseFromString(answer->body) && !error.message().empty() ? error.message() : "HTTP status " + std::to_string(answer->status);
                 if (answer->status == 401 && !why.empty()) text = why;
                 return done(fail(ErrorCode::refused, where + ": " + text, answer->status == 401 && why.empty() ? "is --token-file the file of this worker?" : ""));
               }
               Answer message;
               if (!message.ParseFromString(answer->body)) return done(fail(malformed("protobuf").in(where)));
               Result<T> value = convert(message);
               if (!value) return done(fail(std::move(value.error()).in(where)));
               done(std::move(value));
             });
}

void WorkerClient::info(Done<WorkerInfo> done) { call<rpc::PhactoryInfo>("GetInfo", {}, short_timeout_ms, std::move(done), info_of); }

void WorkerClient::sync(Bytes batch, Done<BlockNumber> done) {
  rpc::MessagesToSync request;
  request.set_encoded_batch(batch.data(), batch.size());
  batch = {};
  call<rpc::SyncedTo>("SyncMessages", request.SerializeAsString(), sync_timeout_ms, std::move(done), [](const rpc::SyncedTo& answer) -> Result<BlockNumber> { return answer.synced_to(); });
}

void WorkerClient::egress(Done<WorkerEgress> done) { call<rpc::GetEgressMessagesResponse>("GetEgressMessages", {}, short_timeout_ms, std::move(done), egress_of); }

void WorkerClient::settle(std::vector<Bytes> proof, Done<u64> done) {
  rpc::SettleEgressRequest request;
  for (const auto& node : proof) request.add_proof(node.data(), node.size());
  call<rpc::SettleEgressResponse>("SettleEgress", request.SerializeAsString(), short_timeout_ms, std::move(done),
                                  [](const rpc::SettleEgressResponse& answer) -> Result<u64> { return answer.pending_messages(); });
}

void WorkerClient::endpoint(Done<std::optional<SignedEndpoint>> done) { call<rpc::GetEndpointResponse>("GetEndpointInfo", {}, short_timeout_ms, std::move(done), endpoint_of); }

void WorkerClient::registration(const std::optional<AccountId>& operator_, Done<RegistrationEvidence> done) {
  rpc::GetRuntimeInfoRequest request;
  if (operator_) request.set_encoded_operator(operator_->data(), operator_->size());
  call<rpc::InitRuntimeResponse>("GetRuntimeInfo", request.SerializeAsString(), evidence_timeout_ms, std::move(done), evidence_of);
}

}  // namespace phala::relay

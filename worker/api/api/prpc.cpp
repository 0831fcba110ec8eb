#include "api/prpc.hpp"

#include <unistd.h>

#include <fstream>

#include "api/proto_json.hpp"
#include "pruntime_rpc.pb.h"

namespace phala::worker {

namespace rpc = pruntime_rpc;

namespace {

Bytes bytes_of(const std::string& text) { return to_bytes(as_bytes(text)); }
std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

std::string decode_error_text(std::string_view what) { return "DecodeError(" + std::string(what) + ")"; }

int status_of(const Error& error) { return error.code == ErrorCode::invalid_input ? 400 : 500; }

PrpcAnswer answer_of(const google::protobuf::Message& message, bool json) {
  return {200, json ? to_json(message) : message.SerializeAsString(), json};
}

template <class Request>
Result<Request> request_of(std::string_view body, bool json) {
  Request request;
  if (json) {
    if (auto read = from_json(body, request); !read) return fail(ErrorCode::invalid_input, decode_error_text(read.error().message));
  } else if (!request.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return fail(ErrorCode::invalid_input, decode_error_text("not a " + request.GetTypeName() + " message"));
  }
  return request;
}

/// A method that answers at once.
template <class Request, class Response, Result<Response> (*call)(ApiContext&, const Request&)>
void run(ApiContext& context, std::string_view body, bool json, const PrpcRespond& respond) {
  const auto request = request_of<Request>(body, json);
  if (!request) return respond(prpc_error(400, request.error().message, json));
  const auto response = call(context, *request);
  if (!response) return respond(prpc_error(status_of(response.error()), response.error().text(), json));
  respond(answer_of(*response, json));
}
template <class Request>
bool is_empty() { return std::is_same_v<Request, rpc::Empty>; }

// ---- information --------------------------------------------------------------------------------------------------------

/// Bytes of a line like "VmHWM:   123 kB" of /proc/self/status.
u64 process_memory(std::string_view key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size() + 1, nullptr, 10) * 1024;
  return 0;
}
u64 free_memory() { return static_cast<u64>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<u64>(sysconf(_SC_PAGESIZE)); }

rpc::GatekeeperStatus gatekeeper_status(const Machine& machine, const PublicKey& self) {
  rpc::GatekeeperStatus out;
  out.set_role(static_cast<rpc::GatekeeperRole>(machine.gatekeeper.role(self)));
  if (machine.gatekeeper.holder) out.set_master_public_key(to_hex(machine.gatekeeper.holder->master().public_key()));
  return out;
}

Result<rpc::PhactoryInfo> get_info(ApiContext& context, const rpc::Empty&) {
  const auto machine = context.service.machine();
  const std::string key = to_hex(context.service.public_key());
  rpc::PhactoryInfo out;
  out.set_initialized(true);
  out.set_registered(machine->working.registered);
  out.set_genesis_block_hash(to_hex(context.service.config().machine.trust.genesis_hash));
  out.set_public_key(key);
  out.set_ecdh_public_key(key);
  out.set_headernum(machine->tip.number + 1);
  out.set_blocknum(machine->tip.number + 1);
  if (machine->tip.state_root) out.set_state_root(to_hex(*machine->tip.state_root));
  out.set_dev_mode(context.service.config().machine.development);
  out.set_pending_messages(pending(machine->egress));
  out.set_score(machine->working.score);
  *out.mutable_gatekeeper() = gatekeeper_status(*machine, context.service.public_key());
  out.set_version(context.version);
  out.set_git_revision(context.commit);
  auto& memory = *out.mutable_memory_usage();
  memory.set_rust_used(process_memory("VmRSS:"));
  memory.set_rust_peak_used(process_memory("VmHWM:"));
  memory.set_total_peak_used(process_memory("VmHWM:"));
  memory.set_free(free_memory());
  auto& system = *out.mutable_system();
  system.set_registered(machine->working.registered);
  system.set_public_key(key);
  system.set_ecdh_public_key(key);
  *system.mutable_gatekeeper() = out.gatekeeper();
  system.set_number_of_clusters(machine->cluster ? 1 : 0);
  system.set_number_of_contracts(machine->cluster ? machine->cluster->contracts.size() : 0);
  out.set_current_block_time(machine->tip.now_ms);
  out.set_max_supported_pink_runtime_version(std::to_string(engine::runtime_version.first) + "." + std::to_string(engine::runtime_version.second));
  out.add_supported_attestation_methods("dcap");
  out.set_query_timeout(context.service.config().query_timeout_s);
  return out;
}

Result<rpc::GetContractInfoResponse> get_contract_info(ApiContext& context, const rpc::GetContractInfoRequest& request) {
  const auto machine = context.service.machine();
  rpc::GetContractInfoResponse out;
  if (!machine->cluster) return out;
  const auto add = [&](const Hash& id, const ContractEntry& entry) {
    auto& info = *out.add_contracts();
    info.set_id(to_hex0x(id));
    if (const auto contract = machine->cluster->state.contract(id.as<AccountId>())) info.set_code_hash(to_hex0x(contract->code_hash));
    info.set_weight(entry.weight);
  };
  if (request.contracts().empty())
    for (const auto& [id, entry] : machine->cluster->contracts) add(id, entry);
  for (const auto& text : request.contracts()) {
    const auto raw = from_hex(text);
    const auto id = raw ? Hash::from(*raw) : Result<Hash>(fail(raw.error()));
    if (!id) return fail(ErrorCode::invalid_input, "contract id '" + text.substr(0, 80) + "': " + id.error().message);
    if (const auto at = machine->cluster->contracts.find(*id); at != machine->cluster->contracts.end()) add(*id, at->second);
  }
  return out;
}

Result<rpc::GetClusterInfoResponse> get_cluster_info(ApiContext& context, const rpc::Empty&) {
  const auto machine = context.service.machine();
  rpc::GetClusterInfoResponse out;
  if (!machine->cluster) return out;
  const Cluster& cluster = *machine->cluster;
  auto& info = *out.mutable_info();
  info.set_id(to_hex0x(cluster.id));
  info.set_runtime_version(std::to_string(engine::runtime_version.first) + "." + std::to_string(engine::runtime_version.second));
  info.set_state_root(to_hex0x(cluster.state.root()));
  if (const auto system = cluster.system_contract()) info.set_system_contract(to_hex0x(*system));
  if (cluster.log_handler) info.set_logger_contract(to_hex0x(*cluster.log_handler));
  info.set_number_of_contracts(cluster.contracts.size());
  return out;
}

Result<rpc::ContractId> calculate_contract_id(ApiContext&, const rpc::ContractParameters& request) {
  const auto read = [](const std::string& text, const char* name) {
    return from_hex(text).map_error([&](Error e) { return Error{ErrorCode::invalid_input, std::string(name) + ": " + e.message}; });
  };
  const auto hash = [&](const std::string& text, const char* name) -> Result<Hash> { return Hash::from(TRY(read(text, name))).context(name); };
  const auto deployer = TRY(hash(request.deployer(), "deployer"));
  const auto id = protocol::contract_id(deployer.as<AccountId>(), TRY(hash(request.code_hash(), "code_hash")), TRY(hash(request.cluster_id(), "cluster_id")), TRY(read(request.salt(), "salt")));
  rpc::ContractId out;
  out.set_id(to_hex0x(id));
  return out;
}

Result<rpc::StatisticsResponse> statistics(ApiContext& context, const rpc::StatisticsRequest& request) {
  rpc::StatisticsResponse out;
  out.set_uptime(context.service.uptime_s());
  out.set_cores(context.service.config().cores);
  out.set_notes(context.service.notes());
  QueryCount all;
  for (const auto& [id, count] : context.service.query_counts()) {
    all.total += count.total;
    all.dropped += count.dropped;
    all.time_ms += count.time_ms;
    const std::string name = to_hex0x(id);
    bool wanted = request.all();
    for (const auto& text : request.contracts()) wanted = wanted || text == name || "0x" + text == name;
    if (!wanted) continue;
    auto& row = *out.add_query_by_contract();
    row.set_contract(name);
    row.set_total(count.total);
    row.set_dropped(count.dropped);
    row.set_time_ms(count.time_ms);
  }
  out.mutable_query()->set_total(all.total);
  out.mutable_query()->set_dropped(all.dropped);
  out.mutable_query()->set_time_ms(all.time_ms);
  return out;
}

// ---- queries ------------------------------------------------------------------------------------------------------------

Result<SignatureChain> chain_of(const rpc::Signature& signature) {
  const auto bad = [](std::string_view what) { return fail(ErrorCode::refused, "Verifying signature failed: " + std::string(what)); };
  SignatureChain out;
  for (const rpc::Signature* at = &signature;; at = &at->signed_by().signature()) {
    if (!at->has_signed_by()) return bad(to_string(SignatureError::CertificateMissing));
    const auto type = static_cast<SignatureType>(at->signature_type());
    if (at->signature_type() < 0 || at->signature_type() > 255 || !is_valid(type)) return bad("InvalidSignatureType");
    out.push_back({bytes_of(at->signed_by().encoded_body()), type, bytes_of(at->signature())});
    if (!at->signed_by().has_signature()) return out;
    if (out.size() > max_certificate_depth) return bad(to_string(SignatureError::TooLong));
  }
}

void contract_query(ApiContext& context, std::string_view body, bool json, const PrpcRespond& respond) {
  const auto request = request_of<rpc::ContractQueryRequest>(body, json);
  if (!request) return respond(prpc_error(400, request.error().message, json));
  SignatureChain chain;
  if (request->has_signature()) {
    auto read = chain_of(request->signature());
    if (!read) return respond(prpc_error(500, read.error().message, json));
    chain = std::move(*read);
  }
  context.service.query(bytes_of(request->encoded_encrypted_data()), std::move(chain), [json, respond](Result<Service::Answer> answer) {
    if (!answer) return respond(prpc_error(status_of(answer.error()), answer.error().text(), json));
    rpc::ContractQueryResponse out;
    out.set_encoded_encrypted_data(text_of(answer->encrypted));
    out.set_blocknum(answer->next_block);
    respond(answer_of(out, json));
  });
}

// ---- the relay ----------------------------------------------------------------------------------------------------------

Result<rpc::SyncedTo> sync_messages(ApiContext& context, const rpc::MessagesToSync& request) {
  rpc::SyncedTo out;
  out.set_synced_to(TRY(context.service.sync(as_bytes(request.encoded_batch()))));
  return out;
}

Result<rpc::InitRuntimeResponse> runtime_info(ApiContext& context, const std::optional<std::string>& encoded_operator, bool refresh) {
  std::optional<AccountId> operator_;
  if (encoded_operator) operator_ = TRY(AccountId::from(as_bytes(*encoded_operator)).context("encoded_operator"));
  const auto made = TRY(context.service.registration(operator_, refresh));
  rpc::InitRuntimeResponse out;
  out.set_encoded_runtime_info(text_of(made.encoded_info));
  out.set_encoded_genesis_block_hash(text_of(context.service.config().machine.trust.genesis_hash));
  out.set_encoded_public_key(text_of(context.service.public_key()));
  out.set_encoded_ecdh_public_key(text_of(context.service.public_key()));
  auto& attestation = *out.mutable_attestation();
  attestation.set_version(1);
  attestation.set_provider(made.provider);
  attestation.set_encoded_report(text_of(made.encoded_report));
  attestation.set_timestamp(made.timestamp_s);
  return out;
}
template <class Request>
std::optional<std::string> operator_of(const Request& request) {
  return request.has_encoded_operator() ? std::optional(request.encoded_operator()) : std::nullopt;
}
Result<rpc::InitRuntimeResponse> get_runtime_info(ApiContext& context, const rpc::GetRuntimeInfoRequest& request) {
  return runtime_info(context, operator_of(request), request.force_refresh_ra());
}
/// The chain a worker follows is in its measured configuration; this only tells whether it is the one that is meant.
Result<rpc::InitRuntimeResponse> init_runtime(ApiContext& context, const rpc::InitRuntimeRequest& request) {
  const Hash& genesis = context.service.config().machine.trust.genesis_hash;
  if (request.has_encoded_genesis_block_hash() && !same_bytes(as_bytes(request.encoded_genesis_block_hash()), genesis))
    return fail(ErrorCode::refused, "this worker follows the chain with genesis " + to_hex0x(genesis), "start it with the other chain's --chain");
  return runtime_info(context, operator_of(request), false);
}

Result<rpc::GetEgressMessagesResponse> get_egress_messages(ApiContext& context, const rpc::Empty&) {
  const auto machine = context.service.machine();
  std::vector<std::pair<MessageOrigin, std::vector<SignedMessage>>> messages;
  for (const auto& [sender, channel] : machine->egress)
    if (!channel.messages.empty()) messages.emplace_back(sender, channel.messages);
  rpc::GetEgressMessagesResponse out;
  out.set_encoded_messages(text_of(scale::encode(messages)));
  for (const auto& [sender, key] : ingress_keys(*machine, context.service.public_key())) out.add_settle_keys(text_of(key));
  out.set_tip_hash(text_of(machine->tip.hash));
  return out;
}

Result<rpc::SettleEgressResponse> settle_egress_messages(ApiContext& context, const rpc::SettleEgressRequest& request) {
  std::vector<Bytes> proof;
  for (const auto& node : request.proof()) proof.push_back(bytes_of(node));
  rpc::SettleEgressResponse out;
  out.set_pending_messages(TRY(context.service.settle(proof)));
  return out;
}

Result<rpc::GetEndpointResponse> endpoint_response(ApiContext& context, std::vector<std::string> endpoints) {
  rpc::GetEndpointResponse out;
  if (endpoints.empty()) return out;
  const auto made = TRY(context.service.sign_endpoints(std::move(endpoints)));
  out.set_encoded_endpoint_payload(text_of(made.payload));
  out.set_signature(text_of(made.signature));
  return out;
}
Result<rpc::GetEndpointResponse> add_endpoint(ApiContext& context, const rpc::AddEndpointRequest& request) {
  if (request.encoded_endpoint_type() != std::string(1, '\1')) return fail(ErrorCode::invalid_input, "only endpoints of type 1 (Http) are supported");
  auto endpoints = context.service.endpoints();
  if (std::find(endpoints.begin(), endpoints.end(), request.endpoint()) == endpoints.end()) endpoints.push_back(request.endpoint());
  auto response = endpoint_response(context, endpoints);
  if (response) context.service.set_endpoints(std::move(endpoints));
  return response;
}
Result<rpc::GetEndpointResponse> get_endpoint_info(ApiContext& context, const rpc::Empty&) { return endpoint_response(context, context.service.endpoints()); }
Result<rpc::GetEndpointResponse> sign_endpoint_info(ApiContext& context, const rpc::SignEndpointsRequest& request) {
  auto endpoints = TRY(scale::decode<std::vector<std::string>>(as_bytes(request.encoded_endpoints())).map_error([](scale::CodecError e) {
    return Error{ErrorCode::invalid_input, decode_error_text(scale::to_error(e).message)};
  }));
  return endpoint_response(context, std::move(endpoints));
}

Result<rpc::EchoMessage> echo(ApiContext&, const rpc::EchoMessage& request) { return request; }
Result<rpc::Empty> stop(ApiContext& context, const rpc::StopOptions& request) {
  context.stop(request.remove_checkpoints());
  return rpc::Empty{};
}

#define METHOD(name, access, limit, slow, Request, Response, function) \
  PrpcMethod{name, access, limit, slow, is_empty<rpc::Request>, run<rpc::Request, rpc::Response, function>}
constexpr size_t KiB = 1024, MiB = 1024 * 1024;
const PrpcMethod methods[] = {
    METHOD("GetInfo", Access::everyone, KiB, false, Empty, PhactoryInfo, get_info),
    PrpcMethod{"ContractQuery", Access::everyone, 500 * KiB, false, is_empty<rpc::ContractQueryRequest>, contract_query},
    METHOD("GetContractInfo", Access::everyone, 100 * KiB, false, GetContractInfoRequest, GetContractInfoResponse, get_contract_info),
    METHOD("GetClusterInfo", Access::everyone, KiB, false, Empty, GetClusterInfoResponse, get_cluster_info),
    METHOD("CalculateContractId", Access::everyone, KiB, false, ContractParameters, ContractId, calculate_contract_id),
    METHOD("Statistics", Access::everyone, 100 * KiB, false, StatisticsRequest, StatisticsResponse, statistics),
    METHOD("InitRuntime", Access::relay, 10 * MiB, true, InitRuntimeRequest, InitRuntimeResponse, init_runtime),
    METHOD("SyncMessages", Access::relay, 100 * MiB, true, MessagesToSync, SyncedTo, sync_messages),
    METHOD("GetRuntimeInfo", Access::relay, KiB, true, GetRuntimeInfoRequest, InitRuntimeResponse, get_runtime_info),
    METHOD("GetEgressMessages", Access::relay, KiB, false, Empty, GetEgressMessagesResponse, get_egress_messages),
    METHOD("SettleEgress", Access::relay, 10 * MiB, true, SettleEgressRequest, SettleEgressResponse, settle_egress_messages),
    METHOD("AddEndpoint", Access::relay, 10 * KiB, false, AddEndpointRequest, GetEndpointResponse, add_endpoint),
    METHOD("GetEndpointInfo", Access::relay, KiB, false, Empty, GetEndpointResponse, get_endpoint_info),
    METHOD("SignEndpointInfo", Access::relay, 32 * KiB, false, SignEndpointsRequest, GetEndpointResponse, sign_endpoint_info),
    METHOD("Echo", Access::relay, MiB, false, EchoMessage, EchoMessage, echo),
    METHOD("Stop", Access::relay, KiB, false, StopOptions, Empty, stop),
};
#undef METHOD

}  // namespace

std::span<const PrpcMethod> prpc_methods() { return methods; }

PrpcAnswer prpc_error(int status, std::string_view message, bool json) {
  rpc::PrpcError error;
  error.set_message(std::string(message));
  if (!json) return {status, error.SerializeAsString(), false};
  // the shape in which this interface has always told errors: the debug text of a structure, inside JSON
  rpc::PrpcError wrapped;
  std::string escaped;
  for (const char c : message) {
    if (c == '"' || c == '\\') escaped.push_back('\\');
    escaped.push_back(c);
  }
  wrapped.set_message("ProtoError { message: \"" + escaped + "\" }");
  std::string body = to_json(wrapped);
  body.replace(body.find("\"message\""), 9, "\"error\"");
  return {status, std::move(body), true};
}

std::string info_json(ApiContext& context) { return to_json(*get_info(context, {})); }

}  // namespace phala::worker

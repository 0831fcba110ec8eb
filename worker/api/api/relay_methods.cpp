#include "api/methods.hpp"

namespace phala::worker::methods {

Result<rpc::SyncedTo> sync_messages(ApiContext& context, const rpc::MessagesToSync& request) {
  rpc::SyncedTo out;
  out.set_synced_to(TRY(context.service.sync(as_bytes(request.encoded_batch()))));
  return out;
}

namespace {

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

}  // namespace

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
  // of a build the network has retired, or may have, nobody shall hear; what settles it is told all the same
  const bool speaks = check_service(machine->requirements, context.service.config().machine.build, machine->tip.number).has_value();
  const Carried carried = speaks ? first_messages(machine->egress) : Carried{};
  rpc::GetEgressMessagesResponse out;
  out.set_encoded_messages(text_of(scale::encode(carried.streams)));
  out.set_more(carried.more);
  for (const auto& key : settle_keys(*machine, context.service.public_key())) out.add_settle_keys(text_of(key));
  out.set_tip_hash(text_of(machine->tip.hash));
  return out;
}

Result<rpc::SettleEgressResponse> settle_egress(ApiContext& context, const rpc::SettleEgressRequest& request) {
  std::vector<Bytes> proof;
  for (const auto& node : request.proof()) proof.push_back(bytes_of(node));
  rpc::SettleEgressResponse out;
  out.set_pending_messages(TRY(context.service.settle(proof)));
  return out;
}

Result<rpc::WorkerState> get_worker_state(ApiContext& context, const rpc::GetWorkerStateRequest& request) {
  if (!same_bytes(as_bytes(request.public_key()), context.service.public_key()))
    return fail(ErrorCode::unavailable, "the state of other workers is not available in this version", "ask the worker itself");
  const Working now = context.service.machine()->working;
  rpc::WorkerState out;
  out.set_registered(now.registered);
  out.set_unresponsive(now.working && now.working->paused);
  if (now.bench) {
    auto& bench = *out.mutable_bench_state();
    bench.set_start_block(now.bench->start_block);
    bench.set_start_time(now.bench->start_time_ms);
    bench.set_duration(now.bench->duration);
  }
  if (now.working) {
    auto& working = *out.mutable_working_state();
    working.set_session_id(now.working->session_id);
    working.set_paused(now.working->paused);
    working.set_start_time(now.working->start_time_ms);
  }
  return out;
}

namespace {

Result<rpc::GetEndpointResponse> endpoint_response(ApiContext& context, std::vector<std::string> endpoints) {
  rpc::GetEndpointResponse out;
  if (endpoints.empty()) return out;
  const auto made = TRY(context.service.sign_endpoints(std::move(endpoints)));
  out.set_encoded_endpoint_payload(text_of(made.payload));
  out.set_signature(text_of(made.signature));
  return out;
}

}  // namespace

Result<rpc::GetEndpointResponse> add_endpoint(ApiContext& context, const rpc::AddEndpointRequest& request) {
  if (request.encoded_endpoint_type() != std::string(1, '\1')) return fail(ErrorCode::invalid_input, "only endpoints of type 1 (Http) are supported");
  auto endpoints = context.service.endpoints();
  if (std::find(endpoints.begin(), endpoints.end(), request.endpoint()) == endpoints.end()) endpoints.push_back(request.endpoint());
  auto response = endpoint_response(context, endpoints);
  if (response) context.service.set_endpoints(std::move(endpoints));
  return response;
}
Result<rpc::GetEndpointResponse> get_endpoint_info(ApiContext& context, const rpc::Empty&) { return endpoint_response(context, context.service.endpoints()); }
/// Each asking signs anew, with the time of the last block.
Result<rpc::GetEndpointResponse> refresh_endpoint_signing_time(ApiContext& context, const rpc::Empty&) { return endpoint_response(context, context.service.endpoints()); }
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

}  // namespace phala::worker::methods

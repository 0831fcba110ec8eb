#include "api/prpc.hpp"

#include <google/protobuf/descriptor.h>

#include "api/methods.hpp"
#include "api/proto_json.hpp"

namespace phala::worker {

namespace {

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

void contract_query(ApiContext& context, std::string_view body, bool json, const PrpcRespond& respond) {
  const auto request = request_of<rpc::ContractQueryRequest>(body, json);
  if (!request) return respond(prpc_error(400, request.error().message, json));
  SignatureChain chain;
  if (request->has_signature()) {
    auto read = methods::chain_of(request->signature());
    if (!read) return respond(prpc_error(500, read.error().message, json));
    chain = std::move(*read);
  }
  context.service.query(bytes_of(request->encoded_encrypted_data()), std::move(chain), [json, respond](Result<Service::Answer> answer) {
    if (!answer) return respond(prpc_error(status_of(answer.error()), answer.error().text(), json));
    rpc::ContractQueryResponse out;
    out.set_encoded_encrypted_data(text_of(answer->encrypted));
    out.set_blocknum(answer->block + 1);
    out.set_blockhash(text_of(answer->block_hash));
    respond(answer_of(out, json));
  });
}

void not_available(ApiContext&, std::string_view, bool json, const PrpcRespond& respond) { respond(prpc_error(500, "this method is not available in this version", json)); }

template <class Message>
std::string name_of() { return Message::descriptor()->name(); }

#define ROW(name, access, limit, runs, Request, Response, function) PrpcMethod{name, Access::access, limit, Runs::runs, name_of<rpc::Request>, name_of<rpc::Response>, function}
#define METHOD(name, access, limit, runs, Request, Response, function) \
  ROW(name, access, limit, runs, Request, Response, (run<rpc::Request, rpc::Response, methods::function>))
constexpr size_t KiB = 1024, MiB = 1024 * 1024;
const PrpcMethod table[] = {
    METHOD("GetInfo", everyone, KiB, at_once, Empty, PhactoryInfo, get_info),
    ROW("ContractQuery", everyone, 500 * KiB, at_once, ContractQueryRequest, ContractQueryResponse, contract_query),
    METHOD("GetContractInfo", everyone, 100 * KiB, beside, GetContractInfoRequest, GetContractInfoResponse, get_contract_info),
    METHOD("GetClusterInfo", everyone, KiB, beside, Empty, GetClusterInfoResponse, get_cluster_info),
    METHOD("CalculateContractId", everyone, KiB, at_once, ContractParameters, ContractId, calculate_contract_id),
    METHOD("Statistics", everyone, 100 * KiB, beside, StatisticsRequest, StatisticsResponse, statistics),
    ROW("UploadSidevmCode", nobody, 0, at_once, Empty, Empty, not_available),
    ROW("SaveClusterState", nobody, 0, at_once, Empty, Empty, not_available),
    METHOD("InitRuntime", relay, 10 * MiB, in_turn, InitRuntimeRequest, InitRuntimeResponse, init_runtime),
    METHOD("SyncMessages", relay, 100 * MiB, in_turn, MessagesToSync, SyncedTo, sync_messages),
    METHOD("GetRuntimeInfo", relay, KiB, in_turn, GetRuntimeInfoRequest, InitRuntimeResponse, get_runtime_info),
    METHOD("GetEgressMessages", relay, KiB, in_turn, Empty, GetEgressMessagesResponse, get_egress_messages),
    METHOD("SettleEgress", relay, 10 * MiB, in_turn, SettleEgressRequest, SettleEgressResponse, settle_egress),
    METHOD("GetWorkerState", relay, KiB, at_once, GetWorkerStateRequest, WorkerState, get_worker_state),
    METHOD("AddEndpoint", relay, 10 * KiB, at_once, AddEndpointRequest, GetEndpointResponse, add_endpoint),
    METHOD("RefreshEndpointSigningTime", relay, 10 * KiB, at_once, Empty, GetEndpointResponse, refresh_endpoint_signing_time),
    METHOD("GetEndpointInfo", relay, KiB, at_once, Empty, GetEndpointResponse, get_endpoint_info),
    METHOD("SignEndpointInfo", relay, 32 * KiB, at_once, SignEndpointsRequest, GetEndpointResponse, sign_endpoint_info),
    METHOD("Echo", relay, MiB, at_once, EchoMessage, EchoMessage, echo),
    METHOD("Stop", relay, KiB, at_once, StopOptions, Empty, stop),
};
#undef METHOD
#undef ROW

}  // namespace

std::span<const PrpcMethod> prpc_methods() { return table; }

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

std::string info_json(ApiContext& context) { return to_json(*methods::get_info(context, {})); }

std::string help_text() {
  std::string out = "// POST /prpc/PhactoryAPI.<Method>: a protobuf body, or JSON with Content-Type: application/json or ?json. GET where the request is Empty.\n"
                    "// \"private\": on the private port only, with the header 'Authorization: Bearer TOKEN'.\n" +
                    rpc::Empty::descriptor()->file()->DebugString() + "\nservice PhactoryAPI {\n";
  for (const auto& method : table) {
    out += "  rpc " + std::string(method.name) + " (" + method.request() + ") returns (" + method.response() + ") {}";
    if (method.access == Access::nobody) out += "   // not available in this version";
    else out += std::string("   // ") + (method.access == Access::relay ? "private, " : "") + "body up to " + std::to_string(method.body_limit) + " bytes";
    out += "\n";
  }
  return out + "}\n";
}

}  // namespace phala::worker

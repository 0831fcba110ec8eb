#pragma once
// Why: what the methods of prpc.cpp's table do, one function each. For the files that know protobuf.

#include "api/prpc.hpp"
#include "pruntime_rpc.pb.h"

namespace phala::worker {

namespace rpc = pruntime_rpc;

inline Bytes bytes_of(const std::string& text) { return to_bytes(as_bytes(text)); }
inline std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }
inline std::string decode_error_text(std::string_view what) { return "DecodeError(" + std::string(what) + ")"; }

namespace methods {

// what everybody may ask
Result<rpc::PhactoryInfo> get_info(ApiContext& context, const rpc::Empty&);
Result<rpc::GetContractInfoResponse> get_contract_info(ApiContext& context, const rpc::GetContractInfoRequest& request);
Result<rpc::GetClusterInfoResponse> get_cluster_info(ApiContext& context, const rpc::Empty&);
Result<rpc::ContractId> calculate_contract_id(ApiContext&, const rpc::ContractParameters& request);
Result<rpc::StatisticsResponse> statistics(ApiContext& context, const rpc::StatisticsRequest& request);
/// Error `refused`: what the asker's proof of identity lacks.
Result<SignatureChain> chain_of(const rpc::Signature& signature);

// what the relay does
Result<rpc::SyncedTo> sync_messages(ApiContext& context, const rpc::MessagesToSync& request);
Result<rpc::InitRuntimeResponse> get_runtime_info(ApiContext& context, const rpc::GetRuntimeInfoRequest& request);
Result<rpc::InitRuntimeResponse> init_runtime(ApiContext& context, const rpc::InitRuntimeRequest& request);
Result<rpc::GetEgressMessagesResponse> get_egress_messages(ApiContext& context, const rpc::Empty&);
Result<rpc::SettleEgressResponse> settle_egress(ApiContext& context, const rpc::SettleEgressRequest& request);
Result<rpc::WorkerState> get_worker_state(ApiContext& context, const rpc::GetWorkerStateRequest& request);
Result<rpc::GetEndpointResponse> add_endpoint(ApiContext& context, const rpc::AddEndpointRequest& request);
Result<rpc::GetEndpointResponse> get_endpoint_info(ApiContext& context, const rpc::Empty&);
Result<rpc::GetEndpointResponse> refresh_endpoint_signing_time(ApiContext& context, const rpc::Empty&);
Result<rpc::GetEndpointResponse> sign_endpoint_info(ApiContext& context, const rpc::SignEndpointsRequest& request);
Result<rpc::EchoMessage> echo(ApiContext&, const rpc::EchoMessage& request);
Result<rpc::Empty> stop(ApiContext& context, const rpc::StopOptions& request);

}  // namespace methods
}  // namespace phala::worker

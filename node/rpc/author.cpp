#include "rpc/author.hpp"

#include "crypto/hash.hpp"

namespace phala::rpc {
namespace {

/// A runtime API that takes (extrinsic, its length).
template <class T>
Answer<T> ask_about(const Call& call, const char* method, const Bytes& extrinsic, const std::optional<Hash>& at) {
  const auto block = TRY(block_at(call, at));
  const auto result = runtime::call_api(*block.state, block.header, method, concat(extrinsic, scale::encode(static_cast<u32>(extrinsic.size()))));
  if (!result) return fail(RpcError{code::bad_format, "Extrinsic has invalid format: " + result.error().text()});
  auto value = scale::decode<T>(*result);
  if (!value) return fail(RpcError{code::internal, std::string(method) + " answered something unexpected"});
  return std::move(*value);
}

struct Weight { scale::Compact<u64> ref_time, proof_size;  FIELDS(ref_time, proof_size) };
struct DispatchInfo { Weight weight; u8 class_{}; u128 partial_fee{};  FIELDS(weight, class_, partial_fee) };
struct InclusionFee { u128 base_fee{}, len_fee{}, adjusted_weight_fee{};  FIELDS(base_fee, len_fee, adjusted_weight_fee) };
struct FeeDetails { std::optional<InclusionFee> inclusion_fee; u128 tip{};  FIELDS(inclusion_fee, tip) };

std::string hex_number(u128 value) {
  std::string digits = to_hex(be_bytes(value));
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return "\"0x" + digits + "\"";
}

}  // namespace

Answer<Hash> AuthorSubmitExtrinsic::call(const Call& call, const Params& p) {
  return call.node.admission.submit(p.extrinsic, false).map_error([](const node::Admission::Refusal& refusal) { return to_rpc_error(refusal); });
}

Answer<Subscribed> AuthorSubmitAndWatchExtrinsic::call(const Call& call, const Params& p) {
  // the subscription is there first, so that not even the first event is missed
  auto subscription = TRY(subscribe(call, stream, {}, crypto::blake2_256(p.extrinsic)));
  if (const auto hash = call.node.admission.submit(p.extrinsic, true); !hash) {
    call.node.hub.close(call.socket->id(), subscription.id);
    return fail(to_rpc_error(hash.error()));
  }
  return subscription;
}

size_t AuthorPendingExtrinsics::answer_bytes(const Node& node) {
  const auto& limits = node.admission.limits();
  return 2 * limits.ready_bytes + 8 * limits.ready_count + 64;
}

Answer<Raw> AuthorPendingExtrinsics::call(const Call& call, const Params&) {
  std::string out = "[";
  for (const auto& tx : call.node.admission.ready()) {
    if (out.size() > 1) out += ',';
    write(out, tx->extrinsic);
    TRY(call.go_on(out));
  }
  return Raw{out + "]"};
}

Answer<std::vector<Hash>> AuthorRemoveExtrinsic::call(const Call& call, const Params& p) {
  std::vector<Hash> removed;
  for (const auto& which : p.bytes_or_hash) {
    if (which.hash.has_value() == which.extrinsic.has_value()) return invalid("each item is {\"hash\": …} or {\"extrinsic\": …}");
    const Hash hash = which.hash ? *which.hash : crypto::blake2_256(*which.extrinsic);
    if (call.node.admission.remove(hash)) removed.push_back(hash);
  }
  return removed;
}

Answer<Raw> PaymentQueryInfo::call(const Call& call, const Params& p) {
  const auto info = TRY(ask_about<DispatchInfo>(call, "TransactionPaymentApi_query_info", p.extrinsic, p.at));
  static constexpr std::array<const char*, 3> classes{"normal", "operational", "mandatory"};
  return Raw{R"({"weight":{"ref_time":)" + std::to_string(info.weight.ref_time) + R"(,"proof_size":)" + std::to_string(info.weight.proof_size) + R"(},"class":")" +
             classes[std::min<size_t>(info.class_, 2)] + R"(","partialFee":")" + to_decimal(info.partial_fee) + "\"}"};
}

Answer<Raw> PaymentQueryFeeDetails::call(const Call& call, const Params& p) {
  const auto fee = TRY(ask_about<FeeDetails>(call, "TransactionPaymentApi_query_fee_details", p.extrinsic, p.at)).inclusion_fee;
  if (!fee) return Raw{R"({"inclusionFee":null})"};
  return Raw{R"({"inclusionFee":{"baseFee":)" + hex_number(fee->base_fee) + R"(,"lenFee":)" + hex_number(fee->len_fee) + R"(,"adjustedWeightFee":)" +
             hex_number(fee->adjusted_weight_fee) + "}}"};
}

}  // namespace phala::rpc

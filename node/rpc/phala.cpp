#include "rpc/phala.hpp"

#include "mq/mq.hpp"

namespace phala::rpc {
namespace {
constexpr auto rpc_error = [](Error error) { return to_rpc_error(error); };
}

Answer<Bytes> PhalaHeaders::call(const Call& call, const Params& p) {
  const auto& snapshot = *call.view->snapshot;
  std::vector<Header> headers;
  if (p.count > max_batch_blocks) return invalid("at most " + std::to_string(max_batch_blocks) + " headers at once");
  for (u64 number = p.from; number < u64{p.from} + p.count && number <= call.view->number(); ++number) {
    if (call.deadline.over()) return fail(Deadline::error());
    const auto header = TRY(snapshot.header(static_cast<BlockNumber>(number)).map_error(rpc_error));
    if (!header) return fail(RpcError{code::internal, "header " + std::to_string(number) + " is missing in the store"});
    headers.push_back(*header);
  }
  return scale::encode(headers);
}

Answer<Bytes> PhalaMessages::call(const Call& call, const Params& p) {
  if (p.count > max_batch_blocks) return invalid("at most " + std::to_string(max_batch_blocks) + " blocks at once");
  if (p.from == 0) return invalid("genesis has no messages: begin with block 1");
  if (p.count == 0 || p.from > call.view->number()) return scale::encode(std::vector<BlockMessages>{});
  const auto to = static_cast<BlockNumber>(std::min<u64>(call.view->number(), u64{p.from} + p.count - 1));
  auto batch = TRY(call.view->snapshot->messages(p.from, to, std::min(max_batch_bytes, call.max_response_bytes / 2)).map_error(rpc_error));
  if (p.topics) {
    const std::set<Bytes, BytesLess> wanted(p.topics->begin(), p.topics->end());
    for (auto& block : batch) {
      for (size_t i = 0; i < block.leaves.size(); ++i) {
        if (!wanted.contains(block.leaves[i].destination)) block.payloads[i].reset();
      }
    }
  }
  return scale::encode(batch);
}

Answer<std::optional<PhalaFinalityProof::Result>> PhalaFinalityProof::call(const Call& call, const Params& p) {
  for (u64 number = p.number; number <= call.view->number(); ++number) {
    const auto proof = TRY(call.view->snapshot->justification(static_cast<BlockNumber>(number)).map_error(rpc_error));
    if (proof && !proof->empty()) return std::optional(Result{static_cast<u32>(number), *proof});
    if (call.deadline.over()) return fail(Deadline::error());
  }
  return std::optional<Result>{};
}

Answer<u64> PhaGetMqNextSequence::call(const Call& call, const Params& p) {
  const auto bytes = from_hex(p.sender_hex);
  if (!bytes) return fail(RpcError{code::phala_extension, "the sender is not hex: " + bytes.error().text()});
  const auto origin = scale::decode<MessageOrigin>(*bytes);
  if (!origin) return fail(RpcError{code::phala_extension, "the sender is not SCALE of a MessageOrigin: " + std::string(to_string(origin.error()))});
  const auto result = runtime::call_api(*call.view->state, call.view->header, "MqApi_sender_sequence", scale::encode(*origin));
  if (!result) return fail(RpcError{code::phala_extension, result.error().text()});
  const auto next = scale::decode<std::optional<u64>>(*result);
  if (!next) return fail(RpcError{code::internal, "MqApi_sender_sequence answered something unexpected"});
  const u64 first = next->value_or(0);
  return first + call.node.admission.count_given([&](u64 sequence) { return pallets::message_tag(*origin, sequence); }, first);
}

}  // namespace phala::rpc

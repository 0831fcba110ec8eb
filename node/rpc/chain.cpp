#include "rpc/chain.hpp"

namespace phala::rpc {
namespace {

/// Under which engine id finality proofs are listed as justifications (docs/adr/0002-header-and-message-log.md).
constexpr std::array<u8, 4> finality_engine{'p', 'h', 'f', 'n'};

void write_byte_list(std::string& out, ByteView bytes) {
  out += '[';
  for (size_t i = 0; i < bytes.size(); ++i) out += (i ? "," : "") + std::to_string(bytes[i]);
  out += ']';
}
constexpr auto rpc_error = [](Error error) { return to_rpc_error(error); };

}  // namespace

Answer<Raw> ChainGetHeader::call(const Call& call, const Params& p) {
  if (!p.hash || *p.hash == call.view->hash) return Raw{header_json(call.view->header)};
  const auto header = TRY(call.view->snapshot->header(*p.hash).map_error(rpc_error));
  return Raw{header ? header_json(*header) : "null"};
}

Answer<Raw> ChainGetBlock::call(const Call& call, const Params& p) {
  const auto& snapshot = *call.view->snapshot;
  const auto number = TRY(snapshot.number_of(p.hash.value_or(call.view->hash)).map_error(rpc_error));
  if (!number) return Raw{"null"};
  const auto header = TRY(snapshot.header(*number).map_error(rpc_error));
  const auto body = TRY(snapshot.body(*number).map_error(rpc_error));
  const auto proof = TRY(snapshot.justification(*number).map_error(rpc_error));
  if (!header || !body) return fail(RpcError{code::internal, "block " + std::to_string(*number) + " is not complete in the store"});
  std::string out = R"({"block":{"header":)" + header_json(*header) + R"(,"extrinsics":)";
  write(out, *body);
  out += R"(},"justifications":)";
  if (proof && !proof->empty()) {
    out += "[[";
    write_byte_list(out, finality_engine);
    out += ',';
    write_byte_list(out, *proof);
    out += "]]";
  } else {
    out += "null";
  }
  return Raw{out + "}"};
}

Answer<OneOrMany<std::optional<Hash>>> ChainGetBlockHash::call(const Call& call, const Params& p) {
  if (!p.number) return OneOrMany<std::optional<Hash>>{{call.view->hash}, false};
  OneOrMany<std::optional<Hash>> out{{}, p.number->many};
  if (p.number->items.size() > 1000) return invalid("at most 1000 heights at once");
  for (const auto& number : p.number->items) {
    if (number.value > call.view->number()) out.items.emplace_back();
    else out.items.push_back(TRY(call.view->snapshot->hash_of(static_cast<BlockNumber>(number.value)).map_error(rpc_error)));
  }
  return out;
}

Answer<Hash> ChainGetFinalizedHead::call(const Call& call, const Params&) { return call.view->hash; }

Answer<Subscribed> subscribe(const Call& call, Hub::Stream stream, const std::set<Bytes, BytesLess>& keys, const Hash& transaction) {
  const auto id = call.node.hub.open(call.socket, stream, keys, transaction);
  if (!id) {
    const bool keys_full = id.error() == Hub::Refusal::too_many_keys;
    const auto limit = std::to_string(call.node.hub.options().key_bytes_per_connection) + " bytes of storage keys, " + std::to_string(Hub::key_overhead) + " counted for each besides: ";
    return fail(RpcError{code::too_many_subscriptions, "Too many subscriptions on the connection", (keys_full ? limit : std::string()) + "unsubscribe from some, or open another connection"});
  }
  return Subscribed{*id, [&hub = call.node.hub, id = *id] { hub.activate(id); }};
}

Answer<Subscribed> ChainSubscribeNewHeads::call(const Call& call, const Params&) { return subscribe(call, stream); }
Answer<Subscribed> ChainSubscribeAllHeads::call(const Call& call, const Params&) { return subscribe(call, stream); }
Answer<Subscribed> ChainSubscribeFinalizedHeads::call(const Call& call, const Params&) { return subscribe(call, stream); }

}  // namespace phala::rpc

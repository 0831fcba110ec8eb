#include "rpc/system.hpp"

#include "phala_rust.h"
#include "rpc/hub.hpp"

namespace phala::rpc {

Answer<AtBlock> block_at(const Call& call, const std::optional<Hash>& at) {
  const auto& view = *call.view;
  if (!at || *at == view.hash) return AtBlock{view.number(), view.hash, view.header, view.state};
  const auto header = TRY(view.snapshot->header(*at).map_error([](Error e) { return to_rpc_error(e); }));
  if (!header) return fail(RpcError{code::unknown_block, "Client error: UnknownBlock: header of block " + to_hex0x(*at) + " is not known"});
  auto state = TRY(view.snapshot->state_at(header->number).map_error([](Error e) { return to_rpc_error(e); }));
  return AtBlock{header->number, *at, *header, std::move(state)};
}

Answer<void> Call::go_on(const std::string& text) const {
  if (text.size() > max_response_bytes) return fail(too_big());
  if (deadline.over()) return fail(Deadline::error());
  return {};
}
RpcError too_big() { return {code::response_too_big, "Response is too big", "ask for less at once"}; }

std::string health_json(const Node&) { return R"({"peers":0,"isSyncing":false,"shouldHavePeers":false})"; }

Answer<std::string> SystemName::call(const Call& call, const Params&) { return call.node.info.name; }
Answer<std::string> SystemVersion::call(const Call& call, const Params&) { return call.node.info.version; }
Answer<std::string> SystemChain::call(const Call& call, const Params&) { return call.node.info.spec.name; }
Answer<std::string> SystemChainType::call(const Call& call, const Params&) { return std::string(call.node.info.spec.development ? "Development" : "Live"); }
Answer<Raw> SystemProperties::call(const Call&, const Params&) {
  // the names have acronyms in them, so they are written out
  return Raw{R"({"ss58Format":30,"tokenDecimals":12,"tokenSymbol":"PHA"})"};
}
Answer<Raw> SystemHealth::call(const Call& call, const Params&) { return Raw{health_json(call.node)}; }
Answer<Raw> SystemPeers::call(const Call&, const Params&) { return Raw{"[]"}; }
Answer<std::vector<std::string>> SystemNodeRoles::call(const Call& call, const Params&) { return call.node.info.roles; }
Answer<std::string> SystemLocalPeerId::call(const Call& call, const Params&) { return call.node.info.peer_id; }
std::string peer_id_of(const PublicKey& key) {
  // libp2p: base58 of the identity multihash (0x00, length 36) of a protobuf key {type 1: ed25519, data 2: 32 bytes}
  const Bytes id = concat(Bytes{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}, key);
  std::array<u8, 64> text;
  const auto size = phala_base58_encode(id.data(), id.size(), text.data(), text.size());
  return std::string(as_text(ByteView(text).first(static_cast<size_t>(std::max<ptrdiff_t>(size, 0)))));
}
Answer<std::vector<std::string>> SystemLocalListenAddresses::call(const Call&, const Params&) { return std::vector<std::string>{}; }
Answer<SystemSyncState::Result> SystemSyncState::call(const Call& call, const Params&) { return Result{0, call.view->number(), call.view->number()}; }

Answer<u32> SystemAccountNextIndex::call(const Call& call, const Params& p) {
  const u32 next = runtime::account_nonce(*call.view->state, p.account.id);
  // the tag of a nonce is SCALE(account, nonce): see the runtime's CheckNonce
  return next + static_cast<u32>(call.node.admission.count_given([&](u64 nonce) { return scale::encode(p.account.id, static_cast<u32>(nonce)); }, next));
}

}  // namespace phala::rpc

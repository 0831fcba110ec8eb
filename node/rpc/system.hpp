#pragma once
// Why: what a node tells of itself.

#include "rpc/node.hpp"

namespace phala::rpc {

struct NoParams { FIELDS() };

struct SystemName {
  static constexpr auto name = "system_name", doc = "The name of this program.";
  using Params = NoParams;
  static Answer<std::string> call(const Call& call, const Params&);
};
struct SystemVersion {
  static constexpr auto name = "system_version", doc = "The version and commit of this program.";
  using Params = NoParams;
  static Answer<std::string> call(const Call& call, const Params&);
};
struct SystemChain {
  static constexpr auto name = "system_chain", doc = "The name of the chain.";
  using Params = NoParams;
  static Answer<std::string> call(const Call& call, const Params&);
};
struct SystemChainType {
  static constexpr auto name = "system_chainType", doc = "Development or Live.";
  using Params = NoParams;
  static Answer<std::string> call(const Call& call, const Params&);
};
struct SystemProperties {
  static constexpr auto name = "system_properties", doc = "Address format, decimals and symbol of the token.", returns = "{ss58Format: number, tokenDecimals: number, tokenSymbol: text}";
  using Params = NoParams;
  static Answer<Raw> call(const Call& call, const Params&);
};
struct SystemHealth {
  static constexpr auto name = "system_health", doc = "Peers, and whether the node is catching up.", returns = "{peers: number, isSyncing: true or false, shouldHavePeers: true or false}";
  using Params = NoParams;
  static Answer<Raw> call(const Call& call, const Params&);
};
struct SystemPeers {
  static constexpr auto name = "system_peers", doc = "Nodes this one is connected to.", returns = "list of {peerId, roles, bestHash, bestNumber}";
  static constexpr bool unsafe = true;
  using Params = NoParams;
  static Answer<Raw> call(const Call& call, const Params&);
};
struct SystemNodeRoles {
  static constexpr auto name = "system_nodeRoles", doc = "What this node does for the chain.";
  using Params = NoParams;
  static Answer<std::vector<std::string>> call(const Call& call, const Params&);
};
struct SystemLocalPeerId {
  static constexpr auto name = "system_localPeerId", doc = "The peer id that belongs to this node's ed25519 key.";
  using Params = NoParams;
  static Answer<std::string> call(const Call& call, const Params&);
};
struct SystemLocalListenAddresses {
  static constexpr auto name = "system_localListenAddresses", doc = "Addresses where other nodes reach this one.";
  using Params = NoParams;
  static Answer<std::vector<std::string>> call(const Call& call, const Params&);
};
struct SystemSyncState {
  static constexpr auto name = "system_syncState", doc = "Where syncing began, is, and ends.";
  using Params = NoParams;
  struct Result { u32 starting_block, current_block, highest_block;  FIELDS(starting_block, current_block, highest_block) };
  static Answer<Result> call(const Call& call, const Params&);
};
struct SystemAccountNextIndex {
  static constexpr auto name = "system_accountNextIndex", doc = "The nonce an account's next transaction needs, those in the pool counted.";
  static constexpr std::array aliases{"account_nextIndex"};
  struct Params { Address account;  FIELDS(account) };
  static Answer<u32> call(const Call& call, const Params& p);
};

/// The body of GET /health and of system_health.
std::string health_json(const Node& node);

}  // namespace phala::rpc

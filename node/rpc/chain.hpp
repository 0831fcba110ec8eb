#pragma once
// Why: blocks and headers.

#include "rpc/node.hpp"

namespace phala::rpc {

struct AtParams { std::optional<Hash> hash;  FIELDS(hash) };
struct EmptyParams { FIELDS() };

struct ChainGetHeader {
  static constexpr auto name = "chain_getHeader", doc = "The header of a block; of the best one when omitted. Null for an unknown hash.",
                        returns = "{parentHash: hash, number: hex number, stateRoot: hash, extrinsicsRoot: hash, digest: {logs: list of hex}} or null";
  using Params = AtParams;
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct ChainGetBlock {
  static constexpr auto name = "chain_getBlock", doc = "Header, extrinsics and justification of a block; of the best one when omitted. Null for an unknown hash.",
                        returns = "{block: {header: as of chain_getHeader, extrinsics: list of hex}, justifications: list of [list of 4 numbers, list of numbers] or null} or null";
  static constexpr Cost cost = Cost::heavy;
  using Params = AtParams;
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct ChainGetBlockHash {
  static constexpr auto name = "chain_getBlockHash", doc = "The hash of the block at a height, or of several; of the best block when omitted.";
  static constexpr std::array aliases{"chain_getHead"};
  struct Params { std::optional<OneOrMany<NumberOrHex>> number;  FIELDS(number) };
  static Answer<OneOrMany<std::optional<Hash>>> call(const Call& call, const Params& p);
};
struct ChainGetFinalizedHead {
  static constexpr auto name = "chain_getFinalizedHead", doc = "The hash of the last final block.";
  static constexpr std::array aliases{"chain_getFinalisedHead"};
  using Params = EmptyParams;
  static Answer<Hash> call(const Call& call, const Params&);
};

struct ChainSubscribeNewHeads {
  static constexpr auto name = "chain_subscribeNewHeads", doc = "Headers of new best blocks.", notifies = "a header";
  static constexpr auto stream = Hub::Stream::new_heads;
  static constexpr std::array aliases{"chain_subscribeNewHead", "subscribe_newHead"};
  static constexpr std::array unsubscribe{"chain_unsubscribeNewHeads", "chain_unsubscribeNewHead", "unsubscribe_newHead"};
  using Params = EmptyParams;
  static Answer<Subscribed> call(const Call& call, const Params&);
};
struct ChainSubscribeAllHeads {
  static constexpr auto name = "chain_subscribeAllHeads", doc = "Headers of all blocks that are imported.", notifies = "a header";
  static constexpr auto stream = Hub::Stream::all_heads;
  static constexpr std::array unsubscribe{"chain_unsubscribeAllHeads"};
  using Params = EmptyParams;
  static Answer<Subscribed> call(const Call& call, const Params&);
};
struct ChainSubscribeFinalizedHeads {
  static constexpr auto name = "chain_subscribeFinalizedHeads", doc = "Headers of blocks that become final.", notifies = "a header";
  static constexpr auto stream = Hub::Stream::finalized_heads;
  static constexpr std::array aliases{"chain_subscribeFinalisedHeads"};
  static constexpr std::array unsubscribe{"chain_unsubscribeFinalizedHeads", "chain_unsubscribeFinalisedHeads"};
  using Params = EmptyParams;
  static Answer<Subscribed> call(const Call& call, const Params&);
};

/// A subscription without an argument.
Answer<Subscribed> subscribe(const Call& call, Hub::Stream stream, const std::set<Bytes, BytesLess>& keys = {}, const Hash& transaction = {});

}  // namespace phala::rpc

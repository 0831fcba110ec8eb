#pragma once
// Why: the header is what the chain commits to and what a worker's light client and every wallet hash. Its layout is
// Substrate's (docs/protocol.md §3.2); its digest carries the message log (docs/adr/0002-header-and-message-log.md).

#include "scale/codec.hpp"

namespace phala {

using BlockNumber = u32;
using ConsensusEngineId = FixedBytes<4, struct EngineTag>;

namespace digest {
struct Other { Bytes data;  FIELDS(data) };
struct Consensus { ConsensusEngineId engine; Bytes data;  FIELDS(engine, data) };
struct Seal { ConsensusEngineId engine; Bytes data;  FIELDS(engine, data) };
struct PreRuntime { ConsensusEngineId engine; Bytes data;  FIELDS(engine, data) };
struct RuntimeEnvironmentUpdated { FIELDS() };
}  // namespace digest

/// One entry of a header's digest.
struct DigestItem : scale::Enum<scale::At<0, digest::Other>, scale::At<4, digest::Consensus>, scale::At<5, digest::Seal>,
                                scale::At<6, digest::PreRuntime>, scale::At<8, digest::RuntimeEnvironmentUpdated>> {
  using Enum::Enum;
};

struct Digest { std::vector<DigestItem> logs;  FIELDS(logs) };

struct Header {
  Hash parent_hash;
  scale::Compact<BlockNumber> number;
  Hash state_root, extrinsics_root;
  Digest digest;
  FIELDS(parent_hash, number, state_root, extrinsics_root, digest)

  /// BLAKE2b-256 of the SCALE encoding.
  Hash hash() const;
};

/// The engine id of the message log's digest item.
constexpr ConsensusEngineId message_log_engine{std::array<u8, 4>{'p', 'm', 's', 'g'}};

/// What a header says of the message log up to and including its block.
struct MessageLogDigest {
  Hash root;      ///< chained over all blocks, see `next_message_root`
  u64 now_ms{};   ///< the block's timestamp
  u64 total{};    ///< leaves since genesis
  FIELDS(root, now_ms, total)
};

/// The message log of a header. Error: none, several, or one that does not decode.
Result<MessageLogDigest> message_log_of(const Header& header);

}  // namespace phala

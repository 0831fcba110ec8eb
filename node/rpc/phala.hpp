#pragma once
// Why: what relays ask, so that workers can follow the chain: final headers, why they are final, and the message log
// (docs/adr/0002-header-and-message-log.md). Batches travel as hex of SCALE.

#include "mq/outbox.hpp"
#include "rpc/chain.hpp"

namespace phala::rpc {

constexpr u32 max_batch_blocks = 4096;
constexpr size_t max_batch_bytes = 6u << 20;
/// SCALE of the log of one block, at most: a leaf and an empty payload have up to four times the bytes of the message they stand for.
constexpr size_t max_block_log_bytes = 4 * pallets::max_block_message_bytes;

struct PhalaHeaders {
  static constexpr auto name = "phala_headers", doc = "SCALE of Vec<Header>: at most `count` (up to 4096) final headers from a height on; empty past the head.";
  static constexpr Cost cost = Cost::heavy;
  struct Params { u32 from{}, count{};  FIELDS(from, count) };
  static Answer<Bytes> call(const Call& call, const Params& p);
};
struct PhalaMessages {
  static constexpr auto name = "phala_messages",
                        doc = "SCALE of Vec<BlockMessages>: the message logs of at most `count` (up to 4096) final blocks from a height (at least 1) on, fewer when they are large. "
                              "Leaves always; payloads of the given topics (hex) only, of all when omitted.";
  static constexpr Cost cost = Cost::heavy;
  struct Params { u32 from{}, count{}; std::optional<std::vector<Bytes>> topics;  FIELDS(from, count, topics) };
  /// One block is always served: relays would stand still before it for ever.
  static size_t answer_bytes(const Node&) { return 2 * max_block_log_bytes; }
  static Answer<Bytes> call(const Call& call, const Params& p);
};
struct PhalaFinalityProof {
  static constexpr auto name = "phala_finalityProof", doc = "Why a block is final: {number, proof} with SCALE of FinalityProof for the first height from the given one on that can be proved; null before it is.";
  struct Params { u32 number{};  FIELDS(number) };
  struct Result { u32 number{}; Bytes proof;  FIELDS(number, proof) };
  static Answer<std::optional<Result>> call(const Call& call, const Params& p);
};
struct PhaGetMqNextSequence {
  static constexpr auto name = "pha_getMqNextSequence", doc = "The sequence number a worker's next message needs, those in the pool counted. Sender: hex of SCALE(MessageOrigin), with or without 0x.";
  struct Params { std::string sender_hex;  FIELDS(sender_hex) };
  static Answer<u64> call(const Call& call, const Params& p);
};

}  // namespace phala::rpc

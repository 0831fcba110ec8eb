#pragma once
// Why: a worker believes nothing that it was brought. From a trust root it follows final headers and rebuilds the message
// log they commit to, so that a relay can delay messages but never drop, reorder, change or repeat one. Pure: bytes in, verified
// messages out. Rules: docs/adr/0002-header-and-message-log.md.

#include <functional>

#include "light/finality.hpp"
#include "primitives/message.hpp"

namespace phala::light {

/// Where belief starts: part of the worker's measured configuration.
struct TrustRoot {
  Hash genesis_hash;
  Finalizer finalizer;
  FIELDS(genesis_hash, finalizer)
};

/// What the light client knows: the last final header it accepted, and the message log up to it.
struct Tip {
  BlockNumber number{};
  Hash hash;
  std::optional<Hash> state_root;   ///< of that header; absent at genesis until a first batch came
  Hash log_root;
  u64 now_ms{};
  u64 total{};                      ///< leaves since genesis
  FIELDS(number, hash, state_root, log_root, now_ms, total)
};

/// Everything a relay brings for some blocks: their headers, why the last one is final, and the log of each.
struct Batch {
  std::vector<Header> headers;
  FinalityProof finality;
  std::vector<BlockMessages> messages;   ///< one per header
  FIELDS(headers, finality, messages)
};

constexpr size_t max_batch_headers = 4096;

/// Why a batch was refused; `number` says at which block.
enum class Refusal : u8 {
  empty_batch,           ///< no headers
  batch_too_long,        ///< more than `max_batch_headers`
  wrong_number,          ///< a header does not follow its predecessor's number: replayed, reordered or dropped
  broken_chain,          ///< a header's parent hash is not the hash of its predecessor
  not_final,             ///< the proof does not show that the last header is final
  no_message_log,        ///< a header without exactly one readable message-log digest
  messages_missing,      ///< fewer or more message batches than headers
  messages_of_other_block,   ///< a message batch names another block
  wrong_time,            ///< the batch's time is not the header's
  log_root_differs,      ///< the leaves do not give the header's root: one was dropped, added, reordered or changed
  total_differs,         ///< the header's leaf counter is not the previous one plus the leaves
  payloads_missing,      ///< not one payload entry per leaf
  payload_withheld,      ///< a payload of a followed topic is not there
  payload_differs,       ///< a payload does not have the length or hash its leaf says
};
std::string_view to_string(Refusal refusal);
struct Refused {
  Refusal why{};
  BlockNumber number{};
  bool operator==(const Refused&) const = default;
};
/// For module borders: "block 17: a followed payload is withheld".
Error to_error(const Refused& refused);

/// A message that is in the log, with its place in its block's leaves.
struct LoggedMessage { u32 index{}; Message message;  FIELDS(index, message) };
/// A final block as the worker sees it: the messages of followed topics, in log order.
struct VerifiedBlock {
  BlockNumber number{};
  Hash hash;
  u64 now_ms{};
  std::vector<LoggedMessage> messages;
  FIELDS(number, hash, now_ms, messages)
};
struct Advanced { Tip tip; std::vector<VerifiedBlock> blocks; };

/// Belief at genesis.
Tip genesis_tip(const TrustRoot& root);
/// Belief at a later final header. Nothing before it will be followed. Errors: not_final, no_message_log.
Result<Tip, Refused> start_at(const TrustRoot& root, const Header& header, const FinalityProof& finality);

/// Which topics' payloads are wanted; the others may be absent.
using Follows = std::function<bool(ByteView topic)>;
/// Checks a whole batch against `tip` and gives the new tip and its blocks; all or nothing. The finality of the last header covers
/// the others by their hashes.
Result<Advanced, Refused> advance(const TrustRoot& root, const Tip& tip, const Batch& batch, const Follows& follows);

}  // namespace phala::light

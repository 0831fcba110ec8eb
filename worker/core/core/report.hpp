#pragma once
// Why: the state machine touches nothing. What it wants known outside (refused messages, log records for the built-in log
// server, cache operations) it returns, and the shell carries it out after the state is safe on disk.

#include <vector>

#include "crypto/sign.hpp"
#include "primitives/message.hpp"

namespace phala::worker {

/// A message that was not acted on, or was acted on with a failure: for logs, metrics and tests. Never holds secrets.
struct Note {
  BlockNumber block{};
  std::string topic;
  Error error;
};

enum class ExecMode : u8 { query = 0, estimating = 1, transaction = 2 };
constexpr bool is_valid(ExecMode m) { return m <= ExecMode::transaction; }
std::string_view to_string(ExecMode mode);

/// Records of the log server (docs/protocol.md §9.4).
namespace record {
struct Log { BlockNumber block{}; Hash contract, entry; ExecMode mode{}; u64 timestamp_ms{}; u8 level{}; std::string message;  FIELDS(block, contract, entry, mode, timestamp_ms, level, message) };
struct Event { BlockNumber block{}; Hash contract; std::vector<Hash> topics; Bytes payload;  FIELDS(block, contract, topics, payload) };
/// `output`: SCALE of the contract's result, then the four bytes of the selector. `sealed`: the command came encrypted, so nonce and output are
/// its sender's alone.
struct MessageOutput { BlockNumber block{}; Hash origin, contract; Bytes nonce, output; bool sealed{};  FIELDS(block, origin, contract, nonce, output, sealed) };
/// Stands for a record that was over the limit.
struct TooLarge { FIELDS() };
}  // namespace record
struct LogRecord : scale::Enum<scale::At<0, record::Log>, scale::At<1, record::Event>, scale::At<2, record::MessageOutput>, scale::At<3, record::TooLarge>> {
  using Enum::Enum;
};

/// A change of a contract's local cache.
struct CacheChange {
  Hash contract;
  Bytes key;
  std::optional<Bytes> value;            ///< set
  std::optional<u64> expire_seconds;     ///< set_expiration; neither: remove
};

/// A block of the event chain, signed by the identity key (content type 6), for auditors.
struct SignedEventBlock {
  Bytes block;
  crypto::Signature signature;
};

/// Hooks at the ends of blocks (core/hooks.hpp).
struct HookCounts { u64 ran = 0, deferred = 0, gas = 0; };

struct Report {
  std::vector<Note> notes;
  std::vector<LogRecord> records;
  std::vector<CacheChange> cache;
  std::vector<SignedEventBlock> event_blocks;
  HookCounts hooks;
};

}  // namespace phala::worker

#pragma once
// Why: all a relay knows is what it was last told by the node and by each worker. That knowledge is one value; what was heard
// since is folded into it by the functions below. Nothing here is worth keeping over a restart: everything is asked for again.

#include <map>
#include <optional>
#include <vector>

#include "primitives/message.hpp"

namespace phala::relay {

/// Position of a worker in the fleet, as configured.
using WorkerIndex = size_t;

/// Something a transaction is owed for. Never are two transactions for one claim in flight.
struct Claim {
  enum class Kind : u8 { message, registration, endpoint };
  Kind kind{};
  Bytes subject;        ///< message: SCALE MessageOrigin of the sender; else the worker's public key
  u64 sequence = 0;     ///< message: its number; else 0
  auto operator<=>(const Claim&) const = default;
};

/// What became of a claim so far. In flight while the chain's height is below `void_at`.
struct Attempt {
  u32 count = 0;            ///< transactions that were the chain's next one and did not take effect, the present one included
  bool under_way = false;   ///< being made and sent right now
  BlockNumber void_at = 0;  ///< from this height on no block can take the last transaction
  BlockNumber again = 0;    ///< not before this height; at least `void_at`
  u64 looks = 0;            ///< NodeView::looks when it was sent
};

/// Consecutive blocks at hand, provably final at `to`.
struct Chunk {
  BlockNumber from{}, to{};
  size_t bytes = 0;
  bool operator==(const Chunk&) const = default;
};

/// A worker as the chain has registered it.
struct Registered {
  std::optional<AccountId> operator_;
  u32 version = 0;
};

struct NodeView {
  std::optional<BlockNumber> height;                    ///< the last final block; nothing until heard of
  std::optional<BlockNumber> looked_at;                 ///< height at which the next three were read; nothing: to be read again
  std::map<Bytes, u64> next_sequence;                   ///< by SCALE sender: what the chain expects, its pool included
  std::map<PublicKey, std::optional<Registered>> registered;   ///< of the workers asked for; nothing: not registered
  std::map<PublicKey, std::optional<Hash>> endpoints;   ///< BLAKE2b-256 of the bound endpoints
  u64 looks = 0;                                        ///< how often they were read
  std::vector<Chunk> chunks;
  bool looking = false, fetching = false;               ///< a request is under way
  u32 failures = 0;                                     ///< in a row
  u64 retry_at_ms = 0;
};

/// What a worker says of itself.
struct WorkerReport {
  PublicKey key;
  BlockNumber next_block{};            ///< the first it has not taken
  std::optional<u32> version;          ///< as it would register, where it tells
  bool can_register = false;           ///< it may make evidence now
  std::optional<Hash> endpoints;       ///< BLAKE2b-256 of the endpoints it wants bound, if any
  std::map<Bytes, std::vector<u64>> egress;   ///< by SCALE sender: numbers of waiting messages, ascending
};

struct WorkerView {
  std::optional<WorkerReport> report;  ///< nothing until it answered
  bool busy = false;                   ///< a request is under way
  u64 poll_at_ms = 0;                  ///< when to ask again
  bool well = true;                    ///< the last request succeeded
  u32 failures = 0;                    ///< in a row; a worker that answers but takes no blocks has not recovered
  u64 retry_at_ms = 0;                 ///< when not well: left alone until then
  bool live() const { return report && well; }
};

struct Limits {
  u32 fetch_blocks = 64;               ///< asked of the node at once
  u32 batch_blocks = 256;              ///< given to a worker at once
  size_t batch_bytes = 8u << 20;       ///< given to a worker at once, unless one chunk alone is larger
  u32 transactions = 200;              ///< under way and in flight together
  u32 longevity_blocks = 16;           ///< a transaction that did not enter a block by then is void
  u32 longest_retry_blocks = 64;       ///< the wait doubles from `longevity_blocks` up to this
  u64 poll_ms = 3000;                  ///< how often an idle worker is asked how it is
  u64 first_retry_ms = 500, longest_retry_ms = 30'000;   ///< after failures: doubles
};

struct View {
  Limits limits;
  std::optional<AccountId> operator_;  ///< whose workers these are; nothing: whatever is registered is right
  NodeView node;
  std::vector<WorkerView> workers;
  std::map<Claim, Attempt> attempts;
};

// ---- what was heard -----------------------------------------------------------------------------------------------------
/// The node's last final block. A lower one than before is ignored.
void heard_height(View& view, BlockNumber height);
/// An answer to Look, read at block `height`.
struct Looked {
  BlockNumber height{};
  std::map<Bytes, u64> next_sequence;
  std::map<PublicKey, std::optional<Registered>> registered;
  std::map<PublicKey, std::optional<Hash>> endpoints;
};
void looked(View& view, Looked looked);
void fetched(View& view, const Chunk& chunk);
/// A request to the node failed: it is left alone for a while.
void node_failed(View& view, u64 now_ms);
void polled(View& view, WorkerIndex worker, WorkerReport report, u64 now_ms);
void synced(View& view, WorkerIndex worker, BlockNumber next_block);
/// A request to a worker failed or was refused: it alone is left alone for a while, and then asked how it is.
void worker_failed(View& view, WorkerIndex worker, u64 now_ms);
/// The node took the transaction; it is void once the chain has height `void_at`.
void sent(View& view, const Claim& claim, BlockNumber void_at);
/// The node refused it, or it could not be made.
void refused(View& view, const Claim& claim);
/// It was not tried after all.
void not_sent(View& view, const Claim& claim);

}  // namespace phala::relay

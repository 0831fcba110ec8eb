#pragma once
// Why: gatekeepers hold the master key and must act as one: each produces the same stream of messages, and the chain takes the
// first copy. So that one that joins later can go on at exactly the right number, every worker that follows the log counts the
// stream from outside (`GatekeeperView`); who holds the key (`KeyHolder`) only adds the secrets. A newcomer therefore needs two things: the
// log since the launch, or a snapshot of the view, and the key, which arrives in the log. No replay with the key is needed.
// Rules: docs/protocol.md §7.

#include <memory>

#include "core/egress.hpp"
#include "core/report.hpp"

namespace phala::worker {

/// What the message log alone tells about the gatekeepers; the same on every worker.
struct GatekeeperView {
  std::optional<BlockNumber> launched_at;   ///< block of FirstGatekeeper
  std::optional<PublicKey> master_pubkey;   ///< once it is on the chain
  std::map<PublicKey, PublicKey> members;   ///< identity to ECDH key
  u64 sequence = 0;                         ///< of the next message of the common stream
  u64 iv_sequence = 0;                      ///< derived IVs used so far
  u64 rotations = 0;                        ///< of the master key, as handed out among the gatekeepers
  u64 confirmed = 0;                        ///< of these, the last one whose public key is on the chain: `master_pubkey`
  BlockNumber random_block = 0;             ///< of the last random number on the chain, 0: none yet
  Hash random;
  FIELDS(launched_at, master_pubkey, members, sequence, iv_sequence, rotations, confirmed, random_block, random)
};

/// One master key of the history. `since`: the block from which it is used.
struct MasterKey {
  u64 rotation_id = 0;
  BlockNumber since = 0;
  std::shared_ptr<const Sr25519Pair> pair;
};

/// What a worker with the master key has on top.
struct KeyHolder {
  std::vector<MasterKey> history;   ///< never empty, ascending
  BlockNumber random_block = 0;     ///< of `random`: the last number of its own computing
  Hash random;
  const Sr25519Pair& master() const { return *history.back().pair; }
  const Sr25519Pair& master_at(BlockNumber block) const;
};

/// Bytes at rest, to be kept sealed: SCALE Vec<(rotation_id, since, secret 64)>. The caller wipes them.
Bytes encode_keys(const std::vector<MasterKey>& history);
/// Never empty. Error `corrupted`.
Result<std::vector<MasterKey>> decode_keys(ByteView bytes);

enum class GatekeeperRole : u8 { none = 0, dummy = 1, active = 2 };

struct Gatekeeper {
  GatekeeperView view;
  std::optional<KeyHolder> holder;
  /// active: speaks for the network. dummy: has the key and is not (or no longer) a member.
  GatekeeperRole role(const PublicKey& self) const;
};

/// Numbers are drawn at multiples of this.
constexpr BlockNumber random_interval = 5;

/// What the handlers below work with. Everything outlives the call.
struct GatekeeperTurn {
  Gatekeeper& gatekeeper;
  Egress& egress;
  const Sr25519Pair& identity;
  const SecretBytes<32>& entropy;   ///< fresh for each dispatch; for master keys, which alone may not be foreseeable
  BlockNumber block;
  Report& report;
};

/// Handle one message each. Errors name why it was not acted on; nothing changed then.
Result<> on_launch(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::GatekeeperLaunch& event);
Result<> on_change(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::GatekeeperChange& event);
Result<> on_key(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::KeyDistribution& event);
Result<> on_gatekeeper_event(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::GatekeeperEvent& event);
Result<> on_deploy_cluster(GatekeeperTurn& turn, const MessageOrigin& sender, const protocol::DeployCluster& event);
/// At the end of every block: the random number.
void on_block_end(GatekeeperTurn& turn);

}  // namespace phala::worker

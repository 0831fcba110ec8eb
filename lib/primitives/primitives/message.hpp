#pragma once
// Why: chain, workers and gatekeepers talk through one ordered message log. These are its entries and the chained root
// by which a worker checks that it saw all of them (docs/adr/0002-header-and-message-log.md; docs/protocol.md §4).

#include "primitives/header.hpp"

namespace phala {

namespace origin {
struct Pallet { Bytes name;  FIELDS(name) };
struct Contract { Hash id;  FIELDS(id) };
struct Worker { PublicKey key;  FIELDS(key) };
struct Account { Hash id;  FIELDS(id) };
struct MultiLocation { Bytes location;  FIELDS(location) };
struct Gatekeeper { FIELDS() };
struct Cluster { Hash id;  FIELDS(id) };
struct Reserved { FIELDS() };
}  // namespace origin

/// Who sent a message. Ordered by its encoding, so that it can key a map.
struct MessageOrigin : scale::Enum<scale::At<0, origin::Pallet>, scale::At<1, origin::Contract>, scale::At<2, origin::Worker>,
                                   scale::At<3, origin::Account>, scale::At<4, origin::MultiLocation>, scale::At<5, origin::Gatekeeper>,
                                   scale::At<6, origin::Cluster>, scale::At<255, origin::Reserved>> {
  using Enum::Enum;
  static MessageOrigin pallet(std::string_view name) { return origin::Pallet{to_bytes(name)}; }
  static MessageOrigin account(const AccountId& id) { return origin::Account{id.as<Hash>()}; }
  /// Contract, worker, gatekeeper, cluster: sign their messages and are sequenced by the chain.
  bool is_offchain() const { return is<origin::Contract>() || is<origin::Worker>() || is<origin::Gatekeeper>() || is<origin::Cluster>(); }
  bool operator<(const MessageOrigin& other) const { return BytesLess{}(scale::encode(*this), scale::encode(other)); }
};
/// For logs: "worker 0x12…", "pallet PhalaRegistry".
std::string to_string(const MessageOrigin& origin);

/// A destination: not empty, its first byte none of ``~!@#$%&*_+-=|<>?,./;:'``. A leading '^' keeps a message on the chain.
using Topic = Bytes;
bool is_valid_topic(ByteView topic);
inline bool is_onchain_only(ByteView topic) { return !topic.empty() && topic[0] == '^'; }

struct Message {
  MessageOrigin sender;
  Topic destination;
  Bytes payload;
  FIELDS(sender, destination, payload)
};

struct SignedMessage {
  Message message;
  u64 sequence{};
  Bytes signature;   ///< 64 bytes sr25519 over `signed_bytes`
  FIELDS(message, sequence, signature)
};
/// SCALE(message) ‖ sequence, unwrapped.
Bytes signed_bytes(const Message& message, u64 sequence);

/// What the log commits to of one message: everything but the payload's bytes.
struct Leaf {
  MessageOrigin sender;
  Topic destination;
  u32 len{};           ///< of the payload
  Hash payload_hash;   ///< BLAKE2b-256
  FIELDS(sender, destination, len, payload_hash)
  static Leaf of(const Message& message);
};

/// root_n = blake2_256(root_{n-1} ‖ n as u32 LE ‖ now_ms as u64 LE ‖ blake2_256(SCALE(leaves))). root_0 is zero.
Hash next_message_root(const Hash& previous, BlockNumber number, u64 now_ms, const std::vector<Leaf>& leaves);

/// All messages of one block, as nodes serve them: leaves always, payloads where wanted and kept.
struct BlockMessages {
  BlockNumber number{};
  u64 now_ms{};
  std::vector<Leaf> leaves;
  std::vector<std::optional<Bytes>> payloads;   ///< one per leaf
  FIELDS(number, now_ms, leaves, payloads)
};

/// Domain separation of what an identity key signs outside the message queue: 0xff ‖ type ‖ data (docs/protocol.md §1.3).
enum class SignedContent : u8 { rpc_response = 1, endpoint_info = 2, master_key_rotation = 3, master_key_store = 4, cluster_state_request = 5, event_chain_block = 6 };
Bytes wrap_content(ByteView data, SignedContent type);

}  // namespace phala

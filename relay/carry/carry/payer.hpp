#pragma once
// Why: one account pays for everything the relay sends. Its transactions go one after the other, so that their nonces are in order and
// a refused one does not leave a gap before the others.

#include <deque>

#include "carry/node_client.hpp"
#include "metadata/extrinsic.hpp"

namespace phala::relay {

/// What signing needs to know of the chain; read anew after each connection and runtime upgrade.
struct ChainFacts {
  metadata::Metadata metadata;
  metadata::Types types;
  Hash genesis;
  u32 spec_version = 0, transaction_version = 0;
  bool development = false;
};

class Payer {
 public:
  enum class Outcome : u8 {
    sent,       ///< the node took it, or may have taken it: the connection was lost before its answer
    refused,    ///< the node did not take it
    not_sent,   ///< it was not tried
  };
  /// `void_at`: from this height on it cannot enter a block (sent). `text`: why (refused).
  using Done = std::function<void(Outcome outcome, BlockNumber void_at, const std::string& text)>;

  Payer(NodeClient& node, crypto::KeyPair account, u32 longevity_blocks, u128 tip) : node_(node), account_(std::move(account)), longevity_(longevity_blocks), tip_(tip) {}
  Payer(const Payer&) = delete;

  /// For calls handed over from now on. Nothing is sent while there are no facts.
  void set_chain(std::shared_ptr<const ChainFacts> facts) { facts_ = std::move(facts); }
  std::string address() const { return crypto::to_ss58(account_.account()); }
  /// `height`: of a final block, where the transaction's life begins. When one of `group` is refused, those waiting of the same group are not
  /// tried any more.
  void submit(Bytes call, BlockNumber height, Bytes group, Done done);
  /// After a new connection: a node that was restarted has forgotten its pool. Sends the very same extrinsics again that could still enter a
  /// block after `height`; one that is there already, or has been in a block, is refused and nothing is lost.
  void remind(BlockNumber height);

 private:
  struct Job { Bytes call; BlockNumber height; Bytes group; Done done; };
  void next();
  void ask_nonce();
  void ask_birth(BlockNumber height);
  void send();
  void finish(Outcome outcome, BlockNumber void_at, const std::string& text);
  void finish_all(Outcome outcome, const std::string& text);

  NodeClient& node_;
  crypto::KeyPair account_;
  const u32 longevity_;
  const u128 tip_;
  std::shared_ptr<const ChainFacts> facts_;
  std::deque<Job> jobs_;
  bool busy_ = false;
  std::optional<u32> nonce_;   ///< of the next one; asked for again whenever the queue was empty or something failed
  std::optional<std::pair<BlockNumber, Hash>> birth_;
  std::deque<std::pair<BlockNumber, Bytes>> sent_;   ///< with the height at which they are void
};

}  // namespace phala::relay

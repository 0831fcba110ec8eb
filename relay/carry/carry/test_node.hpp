#pragma once
// Why: the relay's tests need a node that checks what it is given as a real one does, and can be made to fail.

#include <map>
#include <mutex>
#include <nlohmann/json_fwd.hpp>

#include "http/http.hpp"
#include "light/light.hpp"
#include "primitives/protocol.hpp"

namespace phala::relay {

/// A chain as a node serves it: real headers, a real message log, real proofs; transactions go into the next block.
class TestNode {
 public:
  TestNode();
  void restart(u16 port = 0);
  void stop() { server_.reset(); }
  u16 port() const { return server_->port(); }
  std::string url() const { return "ws://127.0.0.1:" + std::to_string(port()); }
  light::TrustRoot trust() const;

  void add_blocks(u32 count, u32 messages_each = 1);
  BlockNumber height() const {
    const std::lock_guard lock(mutex_);
    return static_cast<BlockNumber>(headers_.size() - 1);
  }
  template <class F>
  auto with(F&& f) const {
    const std::lock_guard lock(mutex_);
    return f(*this);
  }

  // what tests set and see, under the lock
  mutable std::mutex mutex_;
  BlockNumber prove_every = 1;
  size_t batch_limit = 1000;
  bool development = true, refuse_transactions = false, lose_pool = false, knows_metadata = true;
  u32 busy_answers = 0;                                  // the next ones say that the node is busy
  std::map<PublicKey, Bytes> registered, endpoints;     // as in storage
  std::map<Bytes, std::vector<SignedMessage>> accepted;  // by sender, in order
  std::vector<Bytes> pool;                               // extrinsics
  std::vector<AccountId> payers;
  u32 submitted = 0, included = 0;
  std::vector<std::string> problems;
  std::map<std::string, u32> calls;

 private:
  nlohmann::json head() const;
  void add_block(u32 messages_each);
  u64 next_in_state(const Bytes& sender) const { return accepted.contains(sender) ? accepted.at(sender).size() : 0; }
  std::optional<SignedMessage> message_of(ByteView call) const;
  void include(const Bytes& extrinsic, BlockNumber at);
  /// Empty: taken. Checks what a node checks.
  std::string take(const Bytes& extrinsic);

  std::string answer(const std::shared_ptr<http::WebSocket>& socket, const nlohmann::json& request);

  std::vector<Header> headers_{Header{}};
  std::vector<BlockMessages> logs_{BlockMessages{}};
  Hash root_;
  u64 total_ = 0, nonce_ = 0;
  std::vector<std::shared_ptr<http::WebSocket>> followers_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace phala::relay

#pragma once
// Why: what a method may touch, in one place. Everything outlives the server; a call works on the one view it was given.

#include <chrono>

#include "http/http.hpp"
#include "rpc/error.hpp"
#include "rpc/hub.hpp"
#include "seal/producer.hpp"

namespace phala::rpc {

/// What a node says of itself.
struct NodeInfo {
  std::string name;             ///< "phala-node"
  std::string version;          ///< "0.1.0-1a2b3c"
  runtime::ChainSpec spec;
  std::vector<std::string> roles{"Full"};
  std::string peer_id;          ///< as of `peer_id_of`
};
/// The libp2p peer id of an ed25519 key.
std::string peer_id_of(const PublicKey& key);

struct Node {
  NodeInfo info;
  node::Chain& chain;
  node::Admission& admission;
  node::Producer* producer;     ///< null: this node makes no blocks of its own, and has none of the methods that steer them
  Hub& hub;
  CpuPool& cpu;
};

/// When a call must have ended; methods that loop ask.
struct Deadline {
  std::chrono::steady_clock::time_point at;
  bool over() const { return std::chrono::steady_clock::now() >= at; }
  /// For the store, which may have to look at more than it finds.
  store::Patience patience(size_t max_bytes = SIZE_MAX) const { return {[until = at] { return std::chrono::steady_clock::now() < until; }, max_bytes}; }
  /// For the result of a loop that was cut short.
  static RpcError error() { return {code::busy, "The call took too long", "ask for less at once"}; }
};

struct Call {
  const Node& node;
  node::ViewRef view;
  Deadline deadline;
  std::shared_ptr<http::WebSocket> socket;   ///< null over HTTP
  size_t max_response_bytes{};               ///< of the result's JSON; methods that collect stop there
  bool unsafe_allowed = false;

  /// For loops that collect: an error when the text so far is too long, or time is over.
  Answer<void> go_on(const std::string& text) const;
};
/// For a result that would be longer than allowed.
RpcError too_big();

/// Block of a call's `at` parameter: the head when omitted. Error: unknown hash.
struct AtBlock {
  BlockNumber number;
  Hash hash;
  Header header;
  std::shared_ptr<const store::StateReader> state;
};
Answer<AtBlock> block_at(const Call& call, const std::optional<Hash>& at);

/// How a method is run.
enum class Cost : u8 {
  light,   ///< answers from memory or a few reads, on the I/O thread
  heavy,   ///< on the CPU pool, with a deadline
};

/// What a subscription answers with. `activate` starts the stream, once the reply is on its way.
struct Subscribed { std::string id; std::function<void()> activate; };

}  // namespace phala::rpc

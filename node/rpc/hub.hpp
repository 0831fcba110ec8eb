#pragma once
// Why: subscriptions of all connections, told of each block once. A block is only named after its view is the current one; what a subscriber is told first
// (the present state) and what follows (changes) never overlap and leave no gap, because both happen under one lock.
//
// Threads: any. Sending only queues; a reader who does not keep up loses the connection (http.hpp), nobody waits for it.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "http/http.hpp"
#include "metrics/metrics.hpp"
#include "seal/admission.hpp"

namespace phala::rpc {

class Hub {
 public:
  struct Options {
    size_t per_connection = 1024;   ///< subscriptions one connection may have
    /// How long after "inBlock" a transaction's "finalized" is told. Blocks here are final when they exist, but @polkadot/api reads the block before it passes
    /// "inBlock" on, and drops it when the next status comes sooner; programs that wait for inBlock would wait for ever.
    u32 finalized_after_ms = 600;
  };
  Hub(node::Chain& chain, const Options& options, Metrics& metrics);
  ~Hub();

  enum class Stream : u8 { new_heads, all_heads, finalized_heads, runtime_version, storage, extrinsic };
  using Socket = std::shared_ptr<http::WebSocket>;

  /// Makes a subscription that is silent until `activate`, and remembers what happens meanwhile. Nothing when the connection has too many already.
  std::optional<std::string> open(const Socket& socket, Stream stream, std::set<Bytes, BytesLess> keys = {}, const Hash& transaction = {});
  /// Sends what a new subscriber must know first, then what happened since `open`.
  void activate(const std::string& id);
  /// False when this connection has no such subscription.
  bool close(u64 socket, const std::string& id);
  void close_all(u64 socket);

  /// Registered with the chain by the constructor.
  void block_imported(const node::Imported& block);
  void transaction_event(const node::PoolEvent& event);
  size_t size() const;

  /// The name that notifications of a stream carry.
  static const char* notification_name(Stream stream);

 private:
  struct Subscription {
    std::weak_ptr<http::WebSocket> socket;
    u64 socket_id{};
    Stream stream{};
    std::set<Bytes, BytesLess> keys;   ///< storage; empty: everything
    Hash transaction;                  ///< extrinsic
    bool active = false;
    std::optional<BlockNumber> told;   ///< last block it heard of
    std::vector<std::string> pending;  ///< results
  };
  /// False when the connection is gone.
  bool tell(const std::string& id, Subscription& subscription, const std::string& result);
  void erase(std::map<std::string, Subscription>::iterator at);
  void deliver(const node::PoolEvent& event);
  void deliver_late();
  std::string storage_changes(const node::View& view, const std::set<Bytes, BytesLess>& keys) const;

  node::Chain& chain_;
  const Options options_;
  Counter& opened_;
  Gauge& open_gauge_;
  mutable std::mutex mutex_;
  u64 last_id_ = 0;
  std::map<std::string, Subscription> all_;
  std::map<u64, std::set<std::string>> by_socket_;
  std::map<Hash, std::set<std::string>> by_transaction_;
  struct Late { std::chrono::steady_clock::time_point due; node::PoolEvent event; };
  std::deque<Late> late_;
  std::condition_variable late_wake_;
  bool stopping_ = false;
  std::thread late_thread_;
};

/// `chain_getHeader`'s form of a header.
std::string header_json(const Header& header);
/// `state_getRuntimeVersion`'s result.
std::string runtime_version_json();

}  // namespace phala::rpc

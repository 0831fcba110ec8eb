#pragma once
// Why: subscriptions of all connections, told of each block once. A block is only named after its view is the current one; what a subscriber is told first
// (the present state) and what follows (changes) never overlap and leave no gap.
//
// Threads: any. Whoever reports a block or a transaction's fate only leaves a note; one thread of the hub's own reads the notes in order, writes the texts and
// queues them. A reader who does not keep up loses the connection (http.hpp), nobody waits for it. When the hub itself does not keep up with blocks, every
// header is still told, and changes of storage of several blocks are told as one.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "http/http.hpp"
#include "metrics/metrics.hpp"
#include "pool/pool.hpp"
#include "seal/chain.hpp"

namespace phala::rpc {

class Hub {
 public:
  struct Options {
    size_t per_connection = 1024;              ///< subscriptions one connection may have
    /// For the storage keys of all subscriptions of one connection: their bytes, and `key_overhead` for each.
    size_t key_bytes_per_connection = 2u << 20;
    size_t notification_bytes = 16u << 20;     ///< who would be told more at once loses the connection
    /// How long after "inBlock" a transaction's "finalized" is told. Blocks here are final when they exist, but @polkadot/api reads the block before it passes
    /// "inBlock" on, and drops it when the next status comes sooner; programs that wait for inBlock would wait for ever.
    u32 finalized_after_ms = 600;
  };
  static constexpr size_t key_overhead = 128;

  Hub(node::Chain& chain, const Options& options, Metrics& metrics);
  ~Hub();

  enum class Stream : u8 { new_heads, all_heads, finalized_heads, runtime_version, storage, extrinsic };
  enum class Refusal : u8 { too_many_subscriptions, too_many_keys };
  using Socket = std::shared_ptr<http::WebSocket>;

  /// Makes a subscription that is silent until `activate`, and remembers what happens meanwhile. A storage stream without keys is told everything.
  Result<std::string, Refusal> open(const Socket& socket, Stream stream, const std::set<Bytes, BytesLess>& keys = {}, const Hash& transaction = {});
  /// Sends what a new subscriber must know first, then what happened since `open`.
  void activate(const std::string& id);
  /// False when this connection has no such subscription.
  bool close(u64 socket, const std::string& id);
  void close_all(u64 socket);

  /// Registered with the chain by the constructor.
  void block_imported(const node::Imported& block);
  void transaction_event(const node::PoolEvent& event);
  size_t size() const;
  /// Waits until everything reported so far has been told (but for what is told late on purpose).
  void settle();

  const Options& options() const { return options_; }
  /// The name that notifications of a stream carry.
  static const char* notification_name(Stream stream);

 private:
  using Id = u64;
  using ByKey = std::map<Bytes, std::set<Id>, BytesLess>;
  struct Pending { BlockNumber number; std::string result; bool last; };
  struct Subscription {
    std::weak_ptr<http::WebSocket> socket;
    u64 socket_id{};
    Stream stream{};
    std::vector<ByKey::iterator> keys;   ///< storage; empty: everything
    size_t key_bytes{};
    Hash transaction;                    ///< extrinsic
    bool active = false;
    BlockNumber told = 0;                ///< last block it heard of
    std::vector<Pending> pending;
  };
  using Subscriptions = std::map<Id, Subscription>;
  struct Connection { std::set<Id> subscriptions; size_t key_bytes = 0; };
  /// Blocks that are told together: one, or several that waited too long.
  struct Blocks {
    std::vector<Header> headers;
    node::ViewRef view;                                 ///< after the last
    std::shared_ptr<const node::ChangedKeys> changed;   ///< by any of them
    bool runtime_changed = false;
  };
  struct Note { std::optional<Blocks> blocks; node::PoolEvent event{}; };   ///< blocks, or an event
  using Steady = std::chrono::steady_clock;
  struct Late { Steady::time_point due; node::PoolEvent event; };

  void run();
  void tell(const Blocks& blocks);
  void tell_storage(const Blocks& blocks);
  void tell(const node::PoolEvent& event);
  /// Precondition of the rest: `mutex_` is held.
  void deliver(Id id, BlockNumber number, const std::string& result, bool last = false);
  /// False when the connection is gone.
  bool send(Id id, const Subscription& subscription, const std::string& result) const;
  void erase(Subscriptions::iterator at);
  /// Closes the connection: what there is to be told is longer than allowed.
  void refuse_long(Subscriptions::iterator at);
  std::vector<Id> of_stream(Stream stream) const;

  node::Chain& chain_;
  const Options options_;
  Counter& opened_;
  Gauge& open_gauge_;
  mutable std::mutex mutex_;   // of the subscriptions; held for moments only
  Id last_id_ = 0;
  Subscriptions all_;
  std::map<u64, Connection> by_socket_;
  std::map<Hash, std::set<Id>> by_transaction_;
  ByKey by_key_;
  std::set<Id> of_everything_;

  std::mutex notes_mutex_;     // of the notes
  std::condition_variable wake_, settled_;
  std::deque<Note> notes_;
  size_t waiting_blocks_ = 0;
  bool busy_ = false, stopping_ = false;
  std::deque<Late> late_;      // the hub's own thread only
  std::thread thread_;
};

/// `chain_getHeader`'s form of a header.
std::string header_json(const Header& header);
/// `state_getRuntimeVersion`'s result.
std::string runtime_version_json();

}  // namespace phala::rpc

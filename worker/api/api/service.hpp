#pragma once
// Why: the shell around the machine. One thread at a time dispatches; what it gives is written down before anybody can see it; readers work on
// immutable values and never wait for a dispatch. Everything that is decided is decided in worker/core.

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "api/benchmark.hpp"
#include "api/effects.hpp"
#include "api/query_pool.hpp"
#include "api/registration.hpp"
#include "core/query.hpp"
#include "metrics/metrics.hpp"
#include "seal/log_store.hpp"
#include "seal/state_store.hpp"

namespace phala::worker {

/// Of a worker: the engine takes a run for each query thread, which are two more than the cores, and one for transactions.
constexpr u32 max_cores = engine::max_concurrent_runs - 3;
constexpr u32 query_threads_for(u32 cores) { return cores + 2; }

struct ServiceConfig {
  MachineConfig machine;
  u32 query_timeout_s = 10;             ///< 5 … 600
  u32 query_threads = 4;
  u32 query_backlog = 32;
  u32 cores = 1;                        ///< 1 … max_cores
  engine::ImageStore* images = nullptr; ///< compiled contracts over restarts; must outlive the service
  u64 snapshot_interval_s = 1800;
  u64 snapshot_frame_bytes = 64u << 20; ///< a snapshot also when frames grew to this
  u64 log_bytes = 64u << 20;
  u64 serving_lag_s = 600;              ///< queries are refused while the last block is older; development networks always serve
  u32 version = 0;                      ///< (major << 16) + (minor << 8) + patch
};

/// What queries and statistics counted, per contract and in all.
struct QueryCount { u64 total = 0, dropped = 0, time_ms = 0; };

class Service {
 public:
  /// Reads the disk and goes on from there. `files`, `http` and `metrics` must outlive the service. Errors: the state cannot be read.
  static Result<std::unique_ptr<Service>> start(ServiceConfig config, Sr25519Pair identity, EvidenceCollector evidence, Files& files, egress::HttpEgress& http, Metrics& metrics);
  /// Running queries are ended within a moment, and answered; the log is written out.
  ~Service();

  /// The last value that is safe on disk.
  std::shared_ptr<const Machine> machine() const;
  const PublicKey& public_key() const { return identity_.public_key(); }
  const ServiceConfig& config() const { return config_; }

  /// Takes a SCALE light::Batch; returns the next block wanted. One at a time: others wait.
  Result<BlockNumber> sync(ByteView encoded_batch);
  /// Trie nodes that prove the chain's sequences at the tip; returns how many messages still wait.
  Result<u64> settle(std::span<const Bytes> proof);

  /// A query as it came. `done` is called once, from any thread, with SCALE EncryptedData or the error for the asker.
  struct Answer { Bytes encrypted; BlockNumber block; Hash block_hash; };   ///< the block whose state was seen
  using Done = std::move_only_function<void(Result<Answer>)>;
  void query(Bytes encrypted, SignatureChain chain, Done done);

  Result<RegistrationResponse> registration(const std::optional<AccountId>& operator_, bool refresh);
  /// Endpoints to bind, signed with the time of the last block. Errors: none set; more than 2,048 bytes.
  struct SignedEndpoints { Bytes payload; crypto::Signature signature; };
  Result<SignedEndpoints> sign_endpoints(std::vector<std::string> endpoints) const;
  void set_endpoints(std::vector<std::string> endpoints);
  std::vector<std::string> endpoints() const;

  /// Over 0xff 0x01 ‖ body: what the public port's answers carry.
  crypto::Signature sign_response(ByteView body) const;

  /// Registered, caught up, and the disk works: nothing, or what is missing.
  std::optional<std::string> not_ready() const;
  std::map<Hash, QueryCount> query_counts() const;
  /// Trie root of the cluster's state, computed once per block, which may take long after a start; zero without a cluster.
  Hash cluster_root() const;
  u64 notes() const { return notes_.value(); }
  u64 uptime_s() const;

 private:
  Service(ServiceConfig config, Sr25519Pair identity, EvidenceCollector evidence, Files& files, egress::HttpEgress& http, Metrics& metrics,
          std::unique_ptr<engine::Engine> engine, StateStore store, LogRing ring, LogStore logs, Machine machine);
  /// Writes the difference to disk, then publishes. Caller holds dispatch_mutex_.
  Result<> commit(Dispatched dispatched);
  void publish(Machine machine);
  void keep_report(const Report& report);
  void change_cache(const std::vector<CacheChange>& changes);
  void snapshot_if_due();
  bool caught_up(const Machine& machine) const;
  /// May this worker answer now? Errors say what is missing.
  Result<> may_serve(const Machine& machine) const;
  void tick(const std::stop_token& stop) const;
  void run_one(const QuerySnapshot& snapshot, const OpenQuery& open, std::chrono::steady_clock::time_point deadline, Done& done);
  void record_query_logs(std::vector<LogRecord> records);

  const ServiceConfig config_;
  const Sr25519Pair identity_;
  egress::HttpEgress& http_;
  const std::unique_ptr<engine::Engine> engine_;
  SharedCache cache_;
  KnownCertificates known_certificates_;
  Registration registration_;
  Benchmark benchmark_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();

  std::mutex dispatch_mutex_;           ///< held by whoever makes the next state
  StateStore store_;
  u64 last_snapshot_s_ = 0;

  /// A state that is safe on disk, as readers get it.
  struct Published {
    Machine machine;
    QuerySnapshot snapshot;
    mutable std::once_flag rooted;
    mutable Hash root;
    explicit Published(Machine m) : machine(std::move(m)), snapshot(snapshot_of(machine)) {}
  };
  std::shared_ptr<const Published> published() const;
  mutable std::mutex machine_mutex_;    ///< held for pointer copies only
  std::shared_ptr<const Published> published_;
  std::vector<std::string> endpoints_;
  std::atomic<bool> disk_works_ = true;

  std::mutex log_mutex_;                ///< held while records are written or a view is taken, never while one is searched
  LogRing ring_;
  LogStore logs_;

  mutable std::mutex counts_mutex_;
  std::map<Hash, QueryCount> counts_;

  Counter& notes_;
  Counter& blocks_;
  Counter& hooks_;
  Counter& hooks_deferred_;
  Counter& hook_gas_;
  Counter& queries_;
  Counter& queries_dropped_;
  Histogram& query_seconds_;
  Histogram& dispatch_seconds_;
  Gauge& height_;
  Gauge& pending_;
  Gauge& frame_bytes_;
  Gauge& running_;

  std::atomic<bool> stopping_ = false;
  std::atomic<int> running_count_ = 0;
  QueryPool pool_;
  std::jthread clock_;                  ///< has running queries asked for their time
};

}  // namespace phala::worker

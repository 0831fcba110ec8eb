#pragma once
// Why: does what the plan says, and tells the plan what came of it. There is no decision here worth a test of its own.
// One .cpp per subject: relay (connection, loop, what operators see), look (the chain), poll (a worker), transact.

#include <atomic>
#include <memory>
#include <set>

#include "carry/blocks.hpp"
#include "carry/payer.hpp"
#include "carry/worker_client.hpp"
#include "metrics/metrics.hpp"
#include "plan/plan.hpp"

namespace phala::relay {

struct FleetMember { std::string url, token_file; };

struct RelayOptions {
  std::string node_url;
  std::vector<FleetMember> workers;
  std::optional<std::string> mnemonic;   ///< who pays; nothing: //Alice, on development chains only
  std::optional<AccountId> operator_;
  u128 tip = 0;
  Limits limits;
};

class Relay {
 public:
  /// `loop` and `metrics` must outlive it. Errors: a malformed URL or key.
  static Result<std::unique_ptr<Relay>> start(Loop& loop, RelayOptions options, Metrics& metrics);
  /// Why the loop was stopped; nothing when it was asked to from outside.
  const std::optional<Error>& failure() const { return failure_; }
  /// For GET /health: every worker answers and has the node's last block.
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }

 private:
  static constexpr BlockNumber near_the_tip = 8;   ///< blocks; farther back a worker catches up before it registers
  struct Member {
    std::unique_ptr<WorkerClient> client;
    std::map<std::pair<Bytes, u64>, SignedMessage> messages;   ///< as its last report counted them
    Hash genesis;                 ///< of the chain it follows
    std::optional<BlockNumber> settled_at;   ///< where it stood when it last learned what the chain has of it
    bool has_more = false;        ///< messages beyond those it gave
    std::string last_error;       ///< said once, not every few seconds
    Gauge* next_block;
    Gauge* pending;
    Counter* failures;
  };
  /// What a poll has learned so far.
  struct Polling {
    WorkerIndex worker;
    WorkerReport report;
    bool settle_tried = false;
  };

  Relay(Loop& loop, RelayOptions options, Metrics& metrics);

  void node_connected();
  void node_lost(const Error& why);
  void read_facts();
  void facts_failed(const std::string& text);
  void use_facts(std::shared_ptr<const ChainFacts> facts);
  void end(Error why);

  void step();
  void perform(const Look&);
  void perform(const Fetch& action);
  void perform(const Poll& action);
  void perform(const Sync& action);
  void perform(const Transact& action);

  void poll_egress(const std::shared_ptr<Polling>& poll);
  void settle(const std::shared_ptr<Polling>& poll, const WorkerEgress& egress);
  void poll_endpoint(const std::shared_ptr<Polling>& poll);
  std::optional<Error> other_chain(WorkerIndex worker) const;
  bool settle_due(WorkerIndex worker, BlockNumber next_block) const;
  bool worth_settling(const Polling& poll, const WorkerEgress& egress) const;
  void transact_message(const Transact& action);
  void transact_registration(const Transact& action);
  void transact_endpoint(const Transact& action);
  void pay(const Claim& claim, const char* pallet, const char* call, const Bytes& arguments);
  void claim_refused(const Claim& claim, const std::string& text);
  void worker_error(WorkerIndex worker, const Error& error);
  void recovered(WorkerIndex worker);
  void node_error(const std::string& text);
  void report_status();
  std::optional<Bytes> storage_key(const char* entry, const PublicKey& key) const;

  Loop& loop_;
  const RelayOptions options_;
  View view_;
  std::vector<Member> members_;
  std::shared_ptr<const ChainFacts> facts_;
  std::optional<Hash> genesis_;          ///< of the first connection; another chain is never mixed in
  std::optional<Error> failure_;
  std::atomic<bool> healthy_ = false;
  std::string last_node_error_, last_status_;
  u64 connection_ = 0;                   ///< counts them, so that answers of an old one are not taken for the new
  std::unique_ptr<NodeClient> node_;
  std::unique_ptr<Blocks> blocks_;
  std::unique_ptr<Payer> payer_;
  Alarm wake_, status_, facts_again_;
  u64 facts_pause_ms_ = 0;               ///< before the next attempt; grows
  bool stepping_ = false;
  Gauge& height_gauge_;
  Counter& sent_;
  Counter& refused_;
  Counter& batches_;
  Counter& batch_bytes_;
};

}  // namespace phala::relay

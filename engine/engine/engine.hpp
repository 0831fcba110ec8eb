#pragma once
// Why: the contract engine, seen from the worker. Every entry point is a function of its arguments: a state, the context of
// the chain, the request, and for queries the effects the worker allows. It answers with the result for the client, the
// effects to apply and the difference of the state; the caller applies it, writes it down, or drops it.
//
// Two layers of failure. A contract that misbehaves in any way ends in `ContractResult::result` (a DispatchError), the same
// on every worker. The outer `Error` means that *this machine* could not run it (no memory, corrupted state): a
// transaction must then stop the worker, never be skipped.

#include "base/secret.hpp"
#include "engine/cluster_state.hpp"
#include "engine/effects.hpp"
#include "engine/module.hpp"
#include "engine/result.hpp"
#include "engine/versions.hpp"

namespace phala::engine {

enum class Mode : u8 {
  transaction,   ///< deterministic; pays; leaves a difference
  query,         ///< real effects through QueryEffects; leaves no difference
  estimating,    ///< as a transaction, but free, masked and without a difference
};

/// Where compiled code outlives the process. Implemented by the worker's shell; called from any thread. An image is native code that
/// runs unchecked: `get` gives back only what `put` was given under that name, by this worker. Losing images costs time, nothing else.
class ImageStore {
 public:
  virtual ~ImageStore() = default;
  virtual std::optional<Bytes> get(const Hash& name) = 0;
  virtual void put(const Hash& name, ByteView image) = 0;
};
/// Each run may hold six instances of 4 MiB memory and a stack of 16 MiB.
constexpr u32 max_concurrent_runs = 256;

struct EngineConfig {
  u32 concurrent_runs = 8;                 ///< further runs wait. One at a time is a transaction; of two or more, that place is never a query's
  u64 module_cache_bytes = 256u << 20;     ///< compiled code kept, half of it for queries; least recently used first out
  ImageStore* images = nullptr;            ///< must outlive the engine; none: what is not kept is compiled again
};

/// wasmtime, compiled modules and pooled instances. One per process; all members are safe to call from several threads.
/// Address space: (4 MiB · 6 + 16 MiB) · concurrent_runs reserved (40 MiB more if that is 1), committed as used.
class Engine {
 public:
  /// Error `invalid_input`: concurrent_runs is not 1 to 256; `unavailable`: the address space does not suffice.
  static Result<std::unique_ptr<Engine>> create(const EngineConfig& config = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Compiles `code` unless it is there, so that the first call need not. Error `invalid_input`: it imports what nobody provides;
  /// `unavailable`: this machine could not compile it.
  Result<void> prepare(const CheckedCode& code);
  u64 cached_bytes() const;
  /// Asks every query that runs whether its time is up. To be called a few times a second: a query that calls no host function is
  /// asked nowhere else.
  void tick();

  class Inside;
  Inside& inside() const { return *inside_; }

 private:
  explicit Engine(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

/// What the chain and the worker say about this moment.
struct ExecContext {
  u32 block_number{};
  u64 now_ms{};                                        ///< of the block, not of a clock
  PublicKey worker_pubkey{};                           ///< seen by queries; transactions see zeros
  const SecretBytes<64>* cluster_secret = nullptr;     ///< sr25519, schnorrkel form; for key derivation. Must outlive the call
  ByteView latest_system_code{};                       ///< what ext 20 imports; from the message log, same on all workers
  std::optional<RuntimeVersion> named_runtime{};       ///< to what the cluster may be upgraded; likewise
  u64 room_bytes = ~u64{0};                            ///< by how much the state may grow: a transaction that adds more ends as `Exhausted`, and pays its gas
};

/// Who runs what, at whose cost.
struct RunRequest {
  Mode mode = Mode::transaction;
  AccountId origin;
  Balance value{};                                     ///< moved from origin to the contract
  u64 gas_limit{};                                     ///< ref_time; cut to 2.5e12 (transaction, estimating) or 5e13 (query)
  bool gas_free = false;                               ///< transactions only; queries and estimates never pay
  std::optional<Balance> storage_deposit_limit{};      ///< nothing: what the origin can afford
  Balance deposit{};                                   ///< queries and estimates: credited to the origin first
  std::optional<Bytes> call_nonce{};                   ///< of the message, for the event chain
  QueryEffects* effects = nullptr;                     ///< mode query only; none refuses them all
};
struct CallRequest { RunRequest run; ContractId contract; Bytes input; };
struct InstantiateRequest { RunRequest run; Hash code_hash; Bytes input; Bytes salt; };

struct Outcome {
  ContractResult result;
  Effects effects;
  StateDiff diff;           ///< empty unless mode transaction; holds the gas payment even when the run failed
  std::string reason;       ///< why it trapped, for people: "stack limit reached", "unreachable executed", …; empty on success
};

Result<Outcome> call(Engine& engine, const ClusterState& state, const ExecContext& context, const CallRequest& request);
Result<Outcome> instantiate(Engine& engine, const ClusterState& state, const ExecContext& context, const InstantiateRequest& request);

/// A new cluster: config, the owner's deposit, the system code uploaded and instantiated (constructor `default`, empty salt, gas free).
/// Error `refused`: the state is not empty; or the system contract did not come up, with its reason.
struct ClusterSetup { ClusterConfig config; Balance owner_deposit{}; ByteView system_code; RuntimeVersion version = runtime_version; };
Result<Outcome> setup_cluster(Engine& engine, const ClusterState& state, const ExecContext& context, const ClusterSetup& setup);

/// Stored code, and what it cost. Present code: no change, no deposit. Error `invalid_input`: the code breaks a rule;
/// `refused`: the uploader cannot pay.
struct Uploaded { Hash code_hash; Balance deposit{}; StateDiff diff; };
Result<Uploaded> upload_code(Engine& engine, const ClusterState& state, const AccountId& uploader, ByteView wasm, Determinism determinism);
/// SideVM code is only stored (at most 8 MiB); per_byte·(len + 32) + per_item go to the treasury.
Result<Uploaded> upload_sidevm_code(const ClusterState& state, const AccountId& uploader, ByteView wasm);

/// The rules that a state is to be run by. Error `unavailable`: this build does not have them, and must not touch it; all other entry
/// points end so too. `refused`: no cluster is set up; `corrupted`: it does not say.
Result<const Rules*> rules_of(const ClusterState& state);
/// What makes the state one of a newer version, and nothing when `version` is not newer. Error `unavailable`: this build does not have it.
Result<StateDiff> upgrade(const ClusterState& state, RuntimeVersion version);

/// Credits `amount` to `who` (ClusterOperation::Deposit and the deposits that come with instructions).
Result<StateDiff> deposit(const ClusterState& state, const AccountId& who, Balance amount);

/// Removes storage of terminated contracts, at most `max_keys` cells: once per block. Empty when there is nothing to do.
Result<StateDiff> on_idle(const ClusterState& state, u32 max_keys = 1024);

/// blake2_256(deployer ‖ code_hash ‖ cluster ‖ salt)
ContractId contract_address(const AccountId& deployer, const Hash& code_hash, const ClusterId& cluster, ByteView salt);

}  // namespace phala::engine

#pragma once
// Why: one run of contracts: the stack of frames, what they change, what they owe. A frame is a transaction in itself: a trap
// or a REVERT undoes its storage, balances and events and those of its children; gas stays spent (docs/protocol.md §13).

#include <wasmtime.h>

#include "engine/engine.hpp"
#include "engine/events.hpp"
#include "engine/gas.hpp"
#include "engine/inside.hpp"
#include "engine/journal.hpp"

namespace phala::engine {

/// Why a frame ended inside a host function: a failure, or (`error` empty) because it said so.
struct Stop {
  std::optional<DispatchError> error;
  std::string reason;   ///< for people

  Stop() = default;
  template <class E>
    requires std::constructible_from<DispatchError, E>
  Stop(E e, std::string why = {}) : error(DispatchError(e)), reason(std::move(why)) {}
};
/// Ends a query that has had its time.
inline Stop time_is_up() { return Stop(ContractsError::OutOfGas, "the time of the query is up"); }
template <class T = void>
using Hosted = Result<T, Stop>;

/// Which of the two sides of a call a failure belongs to: callers see the callee's failures as a code, not their own.
struct ExecError { DispatchError error; bool in_callee = false; std::string reason; };
using Executed = Result<ReturnValue, ExecError>;

/// What a frame added to and took from the storage of its own account.
struct StorageUse { u64 bytes_added = 0, bytes_removed = 0; u64 items_added = 0, items_removed = 0; };
/// Sums of what is to be charged and refunded; their difference is the deposit.
struct Deposits {
  Balance charge = 0, refund = 0;
  void add(const Deposits& other);
  Balance net_charge() const { return charge > refund ? charge - refund : 0; }
  StorageDeposit net() const { return charge >= refund ? StorageDeposit(Charge{charge - refund}) : StorageDeposit(Refund{refund - charge}); }
};

class Run;

struct Frame {
  Run& run;
  AccountId account, caller;
  Balance value = 0;
  Hash code_hash;                          ///< what runs here
  Bytes trie_id;
  bool delegate = false;
  std::optional<ContractInfo> new_info;    ///< while the constructor runs: not registered yet
  bool allows_reentry = true;              ///< of the call that this frame waits in
  GasMeter gas{0};
  StorageUse use;                          ///< by this frame, not yet settled
  Deposits deposits;                       ///< settled, of this frame and its finished children
  std::optional<Balance> deposit_limit;
  std::optional<Bytes> input;              ///< nothing once forwarded
  ReturnValue returned;
  bool terminated = false;
  std::optional<Stop> stop;                ///< set by the host function that ended the run of the wasm

  // the instance, while it runs
  wasmtime_context_t* context = nullptr;
  wasmtime_memory_t memory{};
  u8* memory_base = nullptr;
  u32 memory_size = 0;
  u64 fuel = 0;                            ///< handed over at the last border crossing

  Hosted<> charge(Gas amount) {
    if (gas.charge(amount)) return {};
    return fail(Stop(ContractsError::OutOfGas, "out of gas"));
  }
  /// Guest memory; the view is good until the guest runs again.
  Hosted<ByteView> read(u32 ptr, u32 len) const;
  Hosted<u8*> writable(u32 ptr, u32 len) const;
};

inline Error out_of_memory() { return {ErrorCode::unavailable, "no memory to run a contract", "give the machine more memory"}; }

/// What to run next.
struct Entry {
  enum class Kind : u8 { call, delegate, instantiate } kind = Kind::call;
  AccountId contract;                        ///< call
  Hash code_hash;                            ///< delegate, instantiate
  Bytes salt;                                ///< instantiate
  Balance value = 0;
  Bytes input;
  Gas gas = 0;                               ///< 0: all that is left
  std::optional<Balance> deposit_limit;
  bool allows_reentry = true;
};

class Run {
 public:
  Run(Engine::Inside& engine, Journal& journal, const ExecContext& context, const RunRequest& request, ClusterConfig config, const Rules& rules);

  /// Runs `entry` on behalf of `from` (nothing: the origin). `meter` pays for loading the code and gives the gas.
  Executed execute(Frame* from, GasMeter& meter, Entry entry);

  Engine::Inside& engine;
  Journal& journal;
  const ExecContext& context;
  const RunRequest& request;
  const ClusterConfig config;
  const Rules& rules;
  std::vector<Frame*> frames;
  std::vector<EventRecord> events;
  std::vector<InstantiatedContract> instantiated;
  std::vector<std::pair<AccountId, Deposits>> owed;   ///< per contract, in order; settled with the origin at the end
  Deposits total_deposits;                            ///< of the finished top frame
  Bytes debug_message;
  Effects effects;                                    ///< logs while running, the rest at the end
  std::optional<Error> fatal;                         ///< this machine failed, not the contract

  bool is_query() const { return request.mode == Mode::query; }
  QueryEffects* query_effects() const { return is_query() ? request.effects : nullptr; }
  const AccountId& entry_contract() const { return frames.front()->account; }

  /// As the registry has it; a contract whose constructor runs is not there.
  std::optional<ContractInfo> registered(const AccountId& id) const;
  /// Of a running frame's account, its constructor's included.
  std::optional<ContractInfo> info_of(const Frame& frame) const;
  void put_info(const Frame& frame, const ContractInfo& info);
  std::optional<CodeInfo> code_info(const Hash& code_hash) const { return journal.read<CodeInfo>(key::code_info(code_hash)); }
  void add_reference(const Hash& code_hash, int change);

  /// Error: ValueTooLarge beyond `events_limit_bytes`.
  Hosted<> emit(ContractsEvent event, std::vector<Hash> topics);
  Hosted<> emit_pink(const Frame& frame, const PinkEvent& event);
  /// Error when the run wrote more than the journal may hold.
  Hosted<> check_journal() const;
  void log(u8 level, std::string message);
  /// Frames of `account`, those of delegate calls included.
  size_t on_stack(const AccountId& account) const;
  /// This machine failed, not the contract: ends the frame, and with it the run.
  Stop give_up(Error error);
  /// Makes the base deposit follow the size of `info`, and stores it.
  void rebase(Frame& frame, ContractInfo info);
  /// Ends the account of a frame: registry, storage, deposits, balance.
  Hosted<> terminate(Frame& frame, const AccountId& beneficiary);
  /// Moves all deposits between origin and contracts.
  Result<void, DispatchError> settle();

 private:
  struct Mark { Journal::Checkpoint journal; size_t events, instantiated, owed; };
  Mark mark() const { return {journal.checkpoint(), events.size(), instantiated.size(), owed.size()}; }
  void rollback(const Mark& mark);
  Result<ModulePtr, ExecError> load(GasMeter& meter, const Hash& code_hash, bool delegate);
  Executed run_frame(Frame& frame, const ModulePtr& module, const Entry& entry);
  Result<void, ExecError> finish_frame(Frame& frame, const Entry& entry);
  Hosted<> run_wasm(Frame& frame, const CompiledModule& module, bool deploy);
  Deposits settle_use(const Frame& frame, ContractInfo& info) const;
  Deposits base_deposit(ContractInfo& info) const;

  u64 event_bytes_ = 0;
};

/// `value · part / whole`, rounded down, without overflow. Precondition: part ≤ whole, whole > 0.
Balance pro_rata(Balance value, u64 part, u64 whole);

}  // namespace phala::engine

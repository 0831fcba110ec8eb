#pragma once
// Why: what contracts say while they run: records of the cluster's own event chain, pink events for the worker, ink events for
// whoever listens. One list, in order, cut back when a frame is undone (docs/protocol.md §14, §16).

#include "engine/cluster_state.hpp"
#include "engine/effects.hpp"

namespace phala::engine {

/// "pink" events carry exactly this topic: the text "@phala/pink event" variant of docs/protocol.md §16, zero-padded.
extern const Hash pink_topic;

/// Bytes that the events of one run may add up to.
constexpr u64 events_limit_bytes = 16u << 20;

// ---- pallet_contracts events, by wire index --------------------------------------------------------------------------
namespace event {
struct Root { FIELDS() };
struct Signed { AccountId account;  FIELDS(account) };
struct Caller : scale::Enum<At<0, Root>, At<1, Signed>> { using Enum::Enum; };

struct Instantiated { AccountId deployer, contract;  FIELDS(deployer, contract) };
struct Terminated { AccountId contract, beneficiary;  FIELDS(contract, beneficiary) };
struct CodeStored { Hash code_hash; Balance deposit_held{}; AccountId uploader;  FIELDS(code_hash, deposit_held, uploader) };
struct ContractEmitted { AccountId contract; Bytes data;  FIELDS(contract, data) };
struct ContractCodeUpdated { AccountId contract; Hash new_code_hash, old_code_hash;  FIELDS(contract, new_code_hash, old_code_hash) };
struct Called { Caller caller; AccountId contract;  FIELDS(caller, contract) };
struct DelegateCalled { AccountId contract; Hash code_hash;  FIELDS(contract, code_hash) };
struct DepositHeld { AccountId from, to; Balance amount{};  FIELDS(from, to, amount) };
struct DepositReleased { AccountId from, to; Balance amount{};  FIELDS(from, to, amount) };
}  // namespace event
struct ContractsEvent
    : scale::Enum<At<0, event::Instantiated>, At<1, event::Terminated>, At<2, event::CodeStored>, At<3, event::ContractEmitted>, At<5, event::ContractCodeUpdated>,
                  At<6, event::Called>, At<7, event::DelegateCalled>, At<8, event::DepositHeld>, At<9, event::DepositReleased>> {
  using Enum::Enum;
};
struct RuntimeEvent : scale::Enum<At<pallet_index::contracts, ContractsEvent>> { using Enum::Enum; };
struct Initialization { FIELDS() };
struct Phase : scale::Enum<At<2, Initialization>> { using Enum::Enum; };
struct EventRecord { Phase phase; RuntimeEvent event; std::vector<Hash> topics;  FIELDS(phase, event, topics) };

// ---- the event chain -------------------------------------------------------------------------------------------------
struct EventsBlockBody {
  u32 phala_block_number{};
  std::optional<Bytes> contract_call_nonce;
  std::optional<AccountId> entry_contract;
  std::vector<EventRecord> events;
  std::optional<AccountId> origin;
  FIELDS(phala_block_number, contract_call_nonce, entry_contract, events, origin)
};
struct EventsBlockHeader {
  u64 number{};
  RuntimeVersion runtime_version;
  Hash parent_hash, body_hash;
  FIELDS(number, runtime_version, parent_hash, body_hash)
};
struct EventsBlock { EventsBlockHeader header; EventsBlockBody body;  FIELDS(header, body) };

/// A pink event in `record`; nothing when it is another event, or does not decode (then `malformed` is set).
std::optional<EmittedPinkEvent> pink_event_of(const EventRecord& record, bool& malformed);

/// Sorts the records of a finished run into `effects`; system events of anybody but `system` are dropped with a log line.
void sort_events(const std::vector<EventRecord>& records, const std::optional<ContractId>& system, Effects& effects);

/// Chains the public ones of `body.events` to `head`, which moves on. Nothing when none is public.
std::optional<Bytes> next_events_block(RuntimeVersion version, EventsBlockBody body, EventChainHead& head);

/// Adds a log record within the limits of Effects.
void add_log(Effects& effects, LogRecord record);

}  // namespace phala::engine

#pragma once
// Why: what a contract run answers, in the bytes that clients decode (docs/protocol.md §14).

#include <optional>

#include "scale/codec.hpp"

namespace phala::engine {

using scale::At;
using scale::Compact;
using Balance = u128;

/// Runtime pallets of the cluster, as `Module` errors and event records number them.
namespace pallet_index {
constexpr u8 system = 0, balances = 2, contracts = 4, pink = 5;
}

/// Errors of pallet 4, by their index on the wire.
enum class ContractsError : u8 {
  InvalidSchedule, InvalidCallFlags, OutOfGas, OutputBufferTooSmall, TransferFailed, MaxCallDepthReached, ContractNotFound,
  CodeTooLarge, CodeNotFound, CodeInfoNotFound, OutOfBounds, DecodingFailed, ContractTrapped, ValueTooLarge,
  TerminatedWhileReentrant, InputForwarded, RandomSubjectTooLong, TooManyTopics, NoChainExtension, XCMDecodeFailed,
  DuplicateContract, TerminatedInConstructor, ReentranceDenied, StorageDepositNotEnoughFunds, StorageDepositLimitExhausted,
  CodeInUse, ContractReverted, CodeRejected, Indeterministic, MigrationInProgress, NoMigrationPerformed,
  MaxDelegateDependenciesReached, DelegateDependencyNotFound, DelegateDependencyAlreadyExists, CannotAddSelfAsDelegateDependency,
};
/// Errors of pallet 5.
enum class PinkError : u8 {
  UnknownChainExtensionId, UnknownChainExtensionFunction, ContractIoBufferOverflow, KeySeedMissing, DeriveKeyFailed, SystemContractMissing,
};
enum class TokenError : u8 {
  FundsUnavailable, OnlyProvider, BelowMinimum, CannotCreate, UnknownAsset, Frozen, Unsupported, CannotCreateHold, NotExpendable, Blocked,
};
constexpr bool is_valid(TokenError e) { return e <= TokenError::Blocked; }
enum class ArithmeticError : u8 { Underflow, Overflow, DivisionByZero };
constexpr bool is_valid(ArithmeticError e) { return e <= ArithmeticError::DivisionByZero; }

namespace dispatch {
struct Other { FIELDS() };
struct CannotLookup { FIELDS() };
struct BadOrigin { FIELDS() };
struct Module { u8 index{}; std::array<u8, 4> error{};  FIELDS(index, error) };
struct ConsumerRemaining { FIELDS() };
struct NoProviders { FIELDS() };
struct TooManyConsumers { FIELDS() };
struct Exhausted { FIELDS() };   ///< the cluster is full
}  // namespace dispatch

/// The closed set of failures of a run, SCALE-encoded as the chain's `DispatchError`.
struct DispatchError
    : scale::Enum<At<0, dispatch::Other>, At<1, dispatch::CannotLookup>, At<2, dispatch::BadOrigin>, At<3, dispatch::Module>, At<4, dispatch::ConsumerRemaining>,
                  At<5, dispatch::NoProviders>, At<6, dispatch::TooManyConsumers>, At<7, TokenError>, At<8, ArithmeticError>, At<10, dispatch::Exhausted>> {
  using Enum::Enum;
  DispatchError(ContractsError e) : Enum(dispatch::Module{pallet_index::contracts, {static_cast<u8>(e), 0, 0, 0}}) {}
  DispatchError(PinkError e) : Enum(dispatch::Module{pallet_index::pink, {static_cast<u8>(e), 0, 0, 0}}) {}
};
/// "Contracts::OutOfGas", "Token::FundsUnavailable", "BadOrigin", …
std::string to_string(const DispatchError& error);

struct Weight { Compact<u64> ref_time; Compact<u64> proof_size;  FIELDS(ref_time, proof_size) };

struct Refund { Balance amount{};  FIELDS(amount) };
struct Charge { Balance amount{};  FIELDS(amount) };
struct StorageDeposit : scale::Enum<At<0, Refund>, At<1, Charge>> { using Enum::Enum; };

constexpr u32 flag_revert = 1;
/// What the contract returned. `flags` bit 0: it asked for its changes to be undone.
struct ReturnValue {
  u32 flags = 0;
  Bytes data;
  std::optional<AccountId> account_id;   ///< instantiations only
  bool reverted() const { return flags & flag_revert; }
  bool operator==(const ReturnValue&) const = default;
};

/// Layout of both results: they differ by the account of an instantiation, and end with `events`, always None.
struct ContractResult {
  Weight gas_consumed;
  Weight gas_required;
  StorageDeposit storage_deposit;
  Bytes debug_message;      ///< UTF-8, at most 128 KiB
  Result<ReturnValue, DispatchError> result;

  Bytes encode() const;
  bool succeeded() const { return result.has_value() && !result->reverted(); }
};
/// The other direction, for tests and tools. Which of the two layouts it is cannot be read from the bytes.
Result<ContractResult> decode_call_result(ByteView bytes);
Result<ContractResult> decode_instantiate_result(ByteView bytes);

}  // namespace phala::engine

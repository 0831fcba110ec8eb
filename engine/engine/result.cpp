#include "engine/result.hpp"

namespace phala::engine {

namespace {

constexpr std::string_view contracts_error_names[] = {
    "InvalidSchedule", "InvalidCallFlags", "OutOfGas", "OutputBufferTooSmall", "TransferFailed", "MaxCallDepthReached", "ContractNotFound",
    "CodeTooLarge", "CodeNotFound", "CodeInfoNotFound", "OutOfBounds", "DecodingFailed", "ContractTrapped", "ValueTooLarge",
    "TerminatedWhileReentrant", "InputForwarded", "RandomSubjectTooLong", "TooManyTopics", "NoChainExtension", "XCMDecodeFailed",
    "DuplicateContract", "TerminatedInConstructor", "ReentranceDenied", "StorageDepositNotEnoughFunds", "StorageDepositLimitExhausted",
    "CodeInUse", "ContractReverted", "CodeRejected", "Indeterministic", "MigrationInProgress", "NoMigrationPerformed",
    "MaxDelegateDependenciesReached", "DelegateDependencyNotFound", "DelegateDependencyAlreadyExists", "CannotAddSelfAsDelegateDependency"};
static_assert(std::size(contracts_error_names) == static_cast<size_t>(ContractsError::CannotAddSelfAsDelegateDependency) + 1);
constexpr std::string_view pink_error_names[] = {"UnknownChainExtensionId", "UnknownChainExtensionFunction", "ContractIoBufferOverflow",
                                                 "KeySeedMissing", "DeriveKeyFailed", "SystemContractMissing"};
static_assert(std::size(pink_error_names) == static_cast<size_t>(PinkError::SystemContractMissing) + 1);
constexpr std::string_view token_error_names[] = {"FundsUnavailable", "OnlyProvider", "BelowMinimum", "CannotCreate", "UnknownAsset",
                                                  "Frozen", "Unsupported", "CannotCreateHold", "NotExpendable", "Blocked"};
constexpr std::string_view arithmetic_error_names[] = {"Underflow", "Overflow", "DivisionByZero"};

std::string name(const dispatch::Module& m) {
  const u8 error = m.error[0];
  if (m.index == pallet_index::contracts && error < std::size(contracts_error_names)) return "Contracts::" + std::string(contracts_error_names[error]);
  if (m.index == pallet_index::pink && error < std::size(pink_error_names)) return "Pink::" + std::string(pink_error_names[error]);
  return "Module " + std::to_string(m.index) + " error " + std::to_string(error);
}
std::string name(TokenError e) { return "Token::" + std::string(token_error_names[static_cast<size_t>(e)]); }
std::string name(ArithmeticError e) { return "Arithmetic::" + std::string(arithmetic_error_names[static_cast<size_t>(e)]); }
template <class T>
std::string name(const T&) { return std::string(scale::type_name<T>()); }

Result<ContractResult> decode(ByteView bytes, bool instantiate) {
  scale::Reader in(bytes);
  const auto read = [&]() -> Result<ContractResult, scale::CodecError> {
    ContractResult out{};
    out.gas_consumed = TRY(scale::decode_from<Weight>(in));
    out.gas_required = TRY(scale::decode_from<Weight>(in));
    out.storage_deposit = TRY(scale::decode_from<StorageDeposit>(in));
    out.debug_message = TRY(scale::decode_from<Bytes>(in));
    if (TRY(scale::decode_from<bool>(in))) {
      out.result = fail(TRY(scale::decode_from<DispatchError>(in)));
    } else {
      ReturnValue value;
      value.flags = TRY(scale::decode_from<u32>(in));
      value.data = TRY(scale::decode_from<Bytes>(in));
      if (instantiate) value.account_id = TRY(scale::decode_from<AccountId>(in));
      out.result = std::move(value);
    }
    if (in.left() != 0 && TRY(scale::decode_from<bool>(in))) return fail(scale::CodecError::unknown_variant);   // events: only None is ours
    if (in.left() != 0) return fail(scale::CodecError::trailing_bytes);
    return out;
  };
  return read().map_error(scale::to_error).context("contract result");
}

}  // namespace

std::string to_string(const DispatchError& error) {
  return error.visit([](const auto& e) { return name(e); });
}

Bytes ContractResult::encode() const {
  Bytes out = scale::encode(gas_consumed, gas_required, storage_deposit, debug_message, u8{result.has_value() ? u8{0} : u8{1}});
  if (result) {
    scale::encode_to(out, result->flags);
    scale::encode_to(out, result->data);
    if (result->account_id) scale::encode_to(out, *result->account_id);
  } else {
    scale::encode_to(out, result.error());
  }
  out.push_back(0);   // events: None
  return out;
}

Result<ContractResult> decode_call_result(ByteView bytes) { return decode(bytes, false); }
Result<ContractResult> decode_instantiate_result(ByteView bytes) { return decode(bytes, true); }

}  // namespace phala::engine

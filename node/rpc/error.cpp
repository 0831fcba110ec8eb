#include "rpc/error.hpp"

namespace phala::rpc {

RpcError to_rpc_error(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_input: return {code::invalid_params, "Invalid params", error.text()};
    case ErrorCode::not_found: return {code::state_unavailable, "Client error: " + error.text()};
    case ErrorCode::refused: return {code::phala_extension, error.text()};
    case ErrorCode::unavailable: return {code::busy, error.text()};
    case ErrorCode::corrupted: case ErrorCode::internal: break;
  }
  return {code::internal, "Internal error: " + error.text()};
}

RpcError to_rpc_error(const node::Admission::Refusal& refusal) {
  using Pool = node::PoolRefusal::Kind;
  using Kind = runtime::TransactionError::Kind;
  const std::string text = to_string(refusal);
  if (const auto* pool = std::get_if<node::PoolRefusal>(&refusal)) {
    switch (pool->kind) {
      case Pool::already_imported: return {code::already_imported, "Transaction Already Imported"};
      case Pool::temporarily_banned: return {code::temporarily_banned, "Transaction is temporarily banned"};
      case Pool::too_low_priority: return {code::too_low_priority, text, "The transaction has too low priority to replace another transaction already in the pool."};
      case Pool::expired: return {code::invalid_transaction, "Invalid Transaction", text};
      case Pool::pool_full: case Pool::sender_limit: return {code::immediately_dropped, "Immediately Dropped", text};
    }
  }
  switch (std::get<runtime::TransactionError>(refusal).kind) {
    case Kind::malformed: return {code::bad_format, "Extrinsic has invalid format: " + text};
    case Kind::cannot_lookup: case Kind::no_unsigned_validator: case Kind::unknown_custom: return {code::unknown_validity, "Unknown Transaction Validity", text};
    default: return {code::invalid_transaction, "Invalid Transaction", text};
  }
}

}  // namespace phala::rpc

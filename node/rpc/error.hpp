#pragma once
// Why: the error codes that wallets know (spec/clients.md §1.3; JSON-RPC 2.0 §5.1; the rest are Substrate's).

#include <optional>

#include "rpc/json.hpp"
#include "seal/admission.hpp"

namespace phala::rpc {

struct RpcError {
  int code{};
  std::string message;
  std::optional<std::string> data{};   ///< a text
};
template <class T>
using Answer = Result<T, RpcError>;

namespace code {
constexpr int parse_error = -32700, invalid_request = -32600, method_not_found = -32601, invalid_params = -32602, internal = -32603;
constexpr int too_many_subscriptions = -32006, request_too_big = -32007, response_too_big = -32008, busy = -32009, batch_too_long = -32010;
constexpr int bad_format = 1001, invalid_transaction = 1010, unknown_validity = 1011, temporarily_banned = 1012, already_imported = 1013, too_low_priority = 1014,
              immediately_dropped = 1016;
constexpr int unknown_block = 4001, count_too_large = 4002, state_unavailable = 4003, call_failed = 4004;
constexpr int phala_extension = 10000;
}  // namespace code

/// An error of the node in JSON-RPC's terms: not found → 4001, bad input → invalid params, the rest internal.
RpcError to_rpc_error(const Error& error);
RpcError to_rpc_error(const node::Admission::Refusal& refusal);
/// `return invalid("hash is not 32 bytes")`.
inline auto invalid(std::string message) { return fail(RpcError{code::invalid_params, "Invalid params", std::move(message)}); }

}  // namespace phala::rpc

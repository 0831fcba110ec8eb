#pragma once
// Why: the error codes that wallets know (docs/protocol.md §3.3; JSON-RPC 2.0 §5.1; the rest are Substrate's).

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
constexpr int too_many_subscriptions = -32006, response_too_big = -32008, busy = -32009, batch_too_long = -32010;
constexpr int bad_format = 1001, invalid_transaction = 1010, unknown_validity = 1011, temporarily_banned = 1012, already_imported = 1013, too_low_priority = 1014,
              immediately_dropped = 1016;
constexpr int unknown_block = 4001, count_too_large = 4002, state_unavailable = 4003, call_failed = 4004;
constexpr int phala_extension = 10000;

struct Meaning { int number; const char* text; };
constexpr Meaning meanings[] = {
    {parse_error, "the message is not JSON"},
    {invalid_request, "not a JSON-RPC 2.0 request, nested too deep, or too many values"},
    {method_not_found, "no such method here, or an unsafe one on a port that serves safe ones only"},
    {invalid_params, "parameters that are missing, malformed or out of range; `data` says which"},
    {internal, "the node's fault: its data or its code"},
    {too_many_subscriptions, "subscriptions, or storage keys in them, of one connection"},
    {response_too_big, "ask for less at once"},
    {busy, "waited or worked too long; try again later, or ask for less at once"},
    {batch_too_long, "too many calls in one message"},
    {bad_format, "the extrinsic does not decode"},
    {invalid_transaction, "the extrinsic cannot be in a block: signature, nonce, era, fee …; `data` says why"},
    {unknown_validity, "it may become valid: something that it refers to is not known yet"},
    {temporarily_banned, "it was found bad a short while ago, or removed"},
    {already_imported, "it is in the pool"},
    {too_low_priority, "it does not pay enough more than the one whose place it would take"},
    {immediately_dropped, "the pool is full, or has too many of this sender"},
    {unknown_block, "no block has that hash"},
    {count_too_large, "more keys at once than are served"},
    {state_unavailable, "the state, proof or payload is not kept that long"},
    {call_failed, "the runtime does not know the function, or refuses its arguments"},
    {phala_extension, "a rule of this node or of a `pha_` method"},
};
}  // namespace code

/// An error of the node in JSON-RPC's terms: not found → 4001, bad input → invalid params, the rest internal.
RpcError to_rpc_error(const Error& error);
RpcError to_rpc_error(const node::Admission::Refusal& refusal);
/// `return invalid("hash is not 32 bytes")`.
inline auto invalid(std::string message) { return fail(RpcError{code::invalid_params, "Invalid params", std::move(message)}); }

}  // namespace phala::rpc

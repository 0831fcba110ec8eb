#pragma once
// Why: JSON-RPC with the node over one WebSocket: many calls under way at once, an answer or an error for each, and a push for every
// final block.

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "carry/net.hpp"
#include "primitives/header.hpp"

namespace phala::relay {

/// Why a call failed. Not every error means the same for what was asked: a refusal is an answer, a lost connection is none.
struct CallError {
  bool answered = false;   ///< the node said no
  int code = 0;            ///< its JSON-RPC code
  std::string text;
};

class NodeClient {
 public:
  using Done = std::function<void(Result<nlohmann::json, CallError>)>;
  struct Handlers {
    std::function<void()> connected;                        ///< calls may be made
    std::function<void(const Error& why)> lost;             ///< every call under way has failed before this
    std::function<void(BlockNumber height)> finalized;
    std::function<void(u32 spec_version)> runtime_version;  ///< now and after each upgrade
  };
  static constexpr u64 call_timeout_ms = 30'000;
  static constexpr size_t message_limit = 64u << 20;

  NodeClient(Loop& loop, Address address, Handlers handlers);
  ~NodeClient();
  NodeClient(const NodeClient&) = delete;
  /// `params`: JSON text of a list.
  void call(std::string_view method, const std::string& params, Done done);
  /// After `connected`: begins the pushes. Ends at once with `lost` when the node refuses.
  void follow();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phala::relay

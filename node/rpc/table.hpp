#pragma once
// Why: JSON-RPC 2.0 in one place: the table of all methods, and how a message becomes calls and answers. A method is one struct (name, doc,
// Params, call) in a neighbouring file plus its name in the table in table.cpp; parsing, rpc_methods, help and metrics derive from it.

#include <memory>

#include "rpc/node.hpp"

namespace phala::rpc {

struct MethodInfo {
  std::string name, doc;
  std::vector<std::string> params;   ///< "at?: 32 bytes as hex"
  std::string result;                ///< its shape
  std::string notification;          ///< of a subscription: its name, and the shape of its results
  std::vector<std::string> aliases, unsubscribe;
  bool unsafe = false, development = false, subscription = false;
};
/// In the table's order.
const std::vector<MethodInfo>& methods();
/// The table for people, in Markdown.
std::string help();

struct Policy {
  bool unsafe_allowed = false;
  size_t max_batch = 100;                   ///< calls in one message
  size_t max_response_bytes = 15u << 20;    ///< of one answer
  u32 deadline_ms = 15'000;                 ///< for one message, from its arrival
};

/// Limits of what is parsed at all: nesting and number of JSON values, so that a small text cannot become much memory.
constexpr size_t max_json_depth = 32, max_json_values = 200'000;

/// Metrics of calls, registered once.
class CallMetrics {
 public:
  explicit CallMetrics(Metrics& metrics);
  void finished(size_t method, bool ok, double seconds);

 private:
  std::vector<Counter*> good_, bad_;
  Histogram& time_;
};

/// A message taken apart and not yet run. What is wrong with it is part of its answer.
class Message {
 public:
  static Message parse(std::string_view text, const Policy& policy);
  Message(Message&&) noexcept;
  Message& operator=(Message&&) noexcept;
  ~Message();
  /// Whether it must run on the CPU pool.
  bool heavy() const;

  struct Outcome {
    std::string text;                              ///< the answer; empty when none is due
    std::vector<std::function<void()>> after;      ///< to be run once the answer is queued
  };
  /// `socket` is null over HTTP: subscriptions are then refused.
  Outcome run(const Node& node, const std::shared_ptr<http::WebSocket>& socket, const Policy& policy, CallMetrics& metrics) &&;
  /// The answer when there is no room to run it.
  std::string too_busy() &&;

 private:
  struct State;
  explicit Message(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace phala::rpc

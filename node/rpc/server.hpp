#pragma once
// Why: the node's one port: JSON-RPC over HTTP and WebSocket, health and metrics. It connects the HTTP server with the table of methods and the hub of
// subscriptions, and decides where a message runs: light ones on the I/O thread, heavy ones on the CPU pool.

#include "rpc/table.hpp"

namespace phala::rpc {

struct ServerOptions {
  std::string address = "127.0.0.1";
  u16 port = 9944;
  std::vector<std::string> cors_origins{"*"}, hosts;   ///< as of http::ServerOptions
  size_t max_connections = 100;
  size_t max_request_bytes = 15u << 20;
  Policy policy;
};

class Server {
 public:
  /// `node` and `metrics` outlive the server.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, const Node& node, Metrics& metrics);
  ~Server();
  u16 port() const;
  void stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A server for metrics alone, where Prometheus expects them. Routes: GET /metrics.
Result<std::unique_ptr<http::Server>> serve_metrics(const std::string& address, u16 port, Metrics& metrics);

}  // namespace phala::rpc

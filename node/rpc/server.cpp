#include "rpc/server.hpp"

#include "rpc/system.hpp"

namespace phala::rpc {

struct Server::State {
  const ServerOptions options;
  const Node& node;
  Metrics& metrics;
  CallMetrics call_metrics;
  Counter& sessions_opened;
  Counter& sessions_closed;
  std::unique_ptr<http::Server> http;   // last: it stops before what its handlers use goes

  State(const ServerOptions& o, const Node& n, Metrics& m)
      : options(o), node(n), metrics(m), call_metrics(m), sessions_opened(m.counter("substrate_rpc_sessions_opened", "WebSocket connections opened")),
        sessions_closed(m.counter("substrate_rpc_sessions_closed", "WebSocket connections closed")) {}

  /// Runs a message here or on the CPU pool, and answers.
  template <class Reply>
  void handle(std::string_view text, const std::shared_ptr<http::WebSocket>& socket, Reply reply) {
    auto message = std::make_shared<Message>(Message::parse(text, options.policy));
    const auto run = [this, message, socket, reply] {
      auto outcome = std::move(*message).run(node, socket, options.policy, call_metrics);
      reply(std::move(outcome.text));
      for (const auto& after : outcome.after) after();
    };
    if (!message->heavy()) run();
    else if (!node.cpu.submit(run)) reply(std::move(*message).too_busy());
  }

  std::vector<http::Route> routes() {
    const auto json_rpc = [this](http::Request request, http::Respond respond) {
      const auto type = request.header("Content-Type");
      if (!type.starts_with("application/json")) return respond({415, "send JSON-RPC 2.0 with Content-Type: application/json\n"});
      handle(request.body, nullptr, [respond](std::string text) { respond({text.empty() ? 204 : 200, std::move(text), "application/json; charset=utf-8"}); });
    };
    return {
        {"POST", "/", options.max_request_bytes, json_rpc},
        {"GET", "/health", 0, [this](http::Request, http::Respond respond) { respond({200, health_json(node), "application/json"}); }},
        {"GET", "/health/readiness", 0, [](http::Request, http::Respond respond) { respond({200, ""}); }},
        {"GET", "/metrics", 0, [this](http::Request, http::Respond respond) { respond({200, metrics.render(), Metrics::content_type}); }},
        {"GET", "/", 0, [](http::Request, http::Respond respond) { respond({405, "This port speaks JSON-RPC 2.0: POST a request here, or connect by WebSocket.\n"}); }},
    };
  }

  http::WebSocketHandlers web_socket() {
    http::WebSocketHandlers handlers;
    handlers.opened = [this](const std::shared_ptr<http::WebSocket>&) { sessions_opened.add(); };
    handlers.message = [this](const std::shared_ptr<http::WebSocket>& socket, std::string text, http::WebSocketHandlers::Done done) { handle(text, socket, std::move(done)); };
    handlers.closed = [this](const std::shared_ptr<http::WebSocket>& socket) {
      sessions_closed.add();
      node.hub.close_all(socket->id());
    };
    return handlers;
  }
};

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, const Node& node, Metrics& metrics) {
  auto state = std::make_unique<State>(options, node, metrics);
  http::ServerOptions http;
  http.address = options.address;
  http.port = options.port;
  http.cors_origins = options.cors_origins;
  http.hosts = options.hosts;
  http.server_name = node.info.name;
  http.limits.connections = options.max_connections;
  http.limits.web_socket_message_bytes = options.max_request_bytes;
  state->http = TRY(http::Server::start(http, state->routes(), state->web_socket()));
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;
u16 Server::port() const { return state_->http->port(); }
void Server::stop() { state_->http->stop(); }

Result<std::unique_ptr<http::Server>> serve_metrics(const std::string& address, u16 port, Metrics& metrics) {
  http::ServerOptions options;
  options.address = address;
  options.port = port;
  return http::Server::start(options, {{"GET", "/metrics", 0, [&metrics](http::Request, http::Respond respond) { respond({200, metrics.render(), Metrics::content_type}); }}});
}

}  // namespace phala::rpc

#include "api/server.hpp"

#include "base/secret.hpp"

namespace phala::worker {

namespace {

constexpr size_t max_signed_body_bytes = 10u << 20;
const std::string prefix = "/prpc/PhactoryAPI.";

bool asks_for_json(const http::Request& request) {
  return request.query == "json" || request.query == "json=true" || request.header("content-type").starts_with("application/json");
}
bool wants_json(const http::Request& request) { return request.method == "GET" || asks_for_json(request); }

bool has_token(const http::Request& request, const std::string& token) {
  static constexpr std::string_view bearer = "Bearer ";
  const std::string_view header = request.header("authorization");
  return header.starts_with(bearer) && constant_time_equal(as_bytes(header.substr(bearer.size())), as_bytes(token));
}

/// `service`, not the API: a query may end when the API is gone.
http::Response to_http(const Service& service, bool is_public, PrpcAnswer answer) {
  http::Response out{answer.status, std::move(answer.body), answer.json ? "application/json" : "application/octet-stream", {}};
  if (is_public && out.body.size() <= max_signed_body_bytes) out.headers.emplace_back("X-Phactory-Signature", to_hex(service.sign_response(as_bytes(out.body))));
  return out;
}

/// Why a request may not even send its body; nothing when it may.
std::optional<PrpcAnswer> refusal_of(ApiContext& context, const PrpcMethod& method, const http::Request& head, bool is_public, const std::string& token) {
  const bool json = wants_json(head);
  switch (method.access) {
    case Access::everyone: return std::nullopt;
    case Access::nobody: {
      std::optional<PrpcAnswer> out;
      method.run(context, {}, json, [&](PrpcAnswer answer) { out = std::move(answer); });
      return out;
    }
    case Access::relay: break;
  }
  if (is_public) return prpc_error(403, std::string(method.name) + " is not available on this port", json);
  if (!has_token(head, token)) return prpc_error(401, std::string(method.name) + " needs the token of this worker: header 'Authorization: Bearer …'", json);
  return std::nullopt;
}

/// What there is no route for.
PrpcAnswer unknown_method(const http::Request& head) {
  for (const auto& method : prpc_methods())
    if (head.path == prefix + std::string(method.name)) return prpc_error(405, std::string(method.name) + " takes a request: use POST", wants_json(head));
  return prpc_error(404, "unknown method " + head.path.substr(0, 200), wants_json(head));
}

/// The server's own refusals, in the form the asker reads: errors of the interface below its path, else JSON or a line of text.
http::Response refusal(const Service& service, bool is_public, const http::Request& head, int status, const std::string& text) {
  if (head.path.starts_with("/prpc/")) return to_http(service, is_public, prpc_error(status, text, wants_json(head)));
  if (asks_for_json(head)) return to_http(service, is_public, prpc_error(status, text, true));
  return {status, text + "\n"};
}

}  // namespace

void Api::call(const PrpcMethod& method, http::Request request, const PrpcRespond& respond, bool json) {
  if (method.runs == Runs::at_once) return method.run(context_, request.body, json, respond);
  auto body = std::make_shared<std::string>(std::move(request.body));
  CpuPool& pool = method.runs == Runs::in_turn ? in_turn_ : beside_;
  if (!pool.submit([this, &method, body, json, respond] { method.run(context_, *body, json, respond); }))
    respond(prpc_error(503, "too many requests at once, please try again later", json));
}

void Api::add_prpc(std::vector<http::Route>& out, bool is_public, const std::string& token) {
  const Service& service = context_.service;
  const auto answer = [&service, is_public](const http::Respond& send) -> PrpcRespond {
    return [&service, is_public, send](PrpcAnswer a) { send(to_http(service, is_public, std::move(a))); };
  };
  for (const auto& method : prpc_methods()) {
    const std::string path = prefix + std::string(method.name);
    const http::Handler handler = [this, &method, answer](http::Request request, const http::Respond& send) {
      const bool json = wants_json(request);
      call(method, std::move(request), answer(send), json);
    };
    const http::Admit admit = [this, &method, &service, is_public, token](const http::Request& head) -> std::optional<http::Response> {
      auto refused = refusal_of(context_, method, head, is_public, token);
      return refused ? std::optional(to_http(service, is_public, std::move(*refused))) : std::nullopt;
    };
    out.push_back({"POST", path, method.body_limit, handler, admit});
    if (method.takes_nothing()) out.push_back({"GET", path, 0, handler, admit});
  }
  for (const char* verb : {"POST", "GET"})
    out.push_back({verb, "/prpc/*", 0, [](const http::Request&, const http::Respond&) {},
                   [&service, is_public](const http::Request& head) { return to_http(service, is_public, unknown_method(head)); }});
}

std::vector<http::Route> Api::routes(bool is_public, const std::string& token, const Metrics& metrics) {
  std::vector<http::Route> out;
  add_prpc(out, is_public, token);
  const http::Handler info = [this](const http::Request&, const http::Respond& send) { send({200, info_json(context_), "application/json", {}}); };
  for (const char* path : {"/info", "/get_info"}) out.push_back({"GET", path, 0, info});
  out.push_back({"POST", "/get_info", 1024, info});
  out.push_back({"GET", "/help", 0, [](const http::Request&, const http::Respond& send) { send({200, help_text()}); }});
  out.push_back({"GET", "/healthz", 0, [](const http::Request&, const http::Respond& send) { send({200, "ok\n"}); }});
  out.push_back({"GET", "/readyz", 0, [this](const http::Request&, const http::Respond& send) {
                   const auto missing = context_.service.not_ready();
                   send({missing ? 503 : 200, (missing ? *missing : "ok") + "\n"});
                 }});
  if (!is_public)
    out.push_back({"GET", "/metrics", 0, [&metrics](const http::Request&, const http::Respond& send) { send({200, metrics.render(), Metrics::content_type, {}}); }});
  return out;
}

Result<std::unique_ptr<Api>> Api::start(ApiContext context, const ApiOptions& options, const Metrics& metrics) {
  if (options.token.empty()) return fail(ErrorCode::invalid_input, "the private port needs a token");
  std::unique_ptr<Api> api(new Api(std::move(context), options.stop_grace_ms));
  const auto options_for = [&](const std::string& address, u16 port, bool is_public) {
    http::ServerOptions out{.address = address, .port = port, .threads = 2, .server_name = "phala-worker", .trace_headers = true};
    out.refusal = [&service = api->context_.service, is_public](const http::Request& head, int status, const std::string& text) { return refusal(service, is_public, head, status, text); };
    return out;
  };
  auto private_options = options_for(options.address, options.port, false);
  private_options.limits.read_timeout_ms = 120'000;
  api->private_ = TRY(http::Server::start(private_options, api->routes(false, options.token, metrics)).context("private port"));
  if (options.public_port) {
    auto public_options = options_for(options.public_address, *options.public_port, true);
    if (options.allow_cors) public_options.cors_origins = {"*"};
    public_options.limits.connections = 1000;
    api->public_ = TRY(http::Server::start(public_options, api->routes(true, options.token, metrics)).context("public port"));
  }
  return api;
}

Api::~Api() {
  if (public_) public_->stop(grace_ms_);
  if (private_) private_->stop(grace_ms_);
  beside_.stop();
  in_turn_.stop();
}

}  // namespace phala::worker

#include "api/server.hpp"

#include "base/secret.hpp"

namespace phala::worker {

namespace {

constexpr size_t max_signed_body_bytes = 10u << 20;
const std::string prefix = "/prpc/PhactoryAPI.";

bool wants_json(const http::Request& request) {
  if (request.method == "GET") return true;
  if (request.query == "json" || request.query == "json=true") return true;
  return request.header("content-type").starts_with("application/json");
}

http::Response to_http(PrpcAnswer answer) {
  return {answer.status, std::move(answer.body), answer.json ? "application/json" : "application/octet-stream", {}};
}

bool has_token(const http::Request& request, const std::string& token) {
  static constexpr std::string_view bearer = "Bearer ";
  const std::string_view header = request.header("authorization");
  return header.starts_with(bearer) && constant_time_equal(as_bytes(header.substr(bearer.size())), as_bytes(token));
}

}  // namespace

http::Handler Api::prpc_handler(const PrpcMethod& method, bool is_public, const std::string& token) {
  return [this, &method, is_public, token](http::Request request, http::Respond send) {
    const bool json = wants_json(request);
    const PrpcRespond respond = [this, is_public, send](PrpcAnswer answer) {
      const bool sign = is_public && answer.body.size() <= max_signed_body_bytes;
      auto response = to_http(std::move(answer));
      if (sign) response.headers.emplace_back("X-Phactory-Signature", to_hex(context_.service.sign_response(as_bytes(response.body))));
      send(std::move(response));
    };
    if (method.access == Access::relay && is_public) return respond(prpc_error(403, std::string(method.name) + " is not available on this port", json));
    if (method.access == Access::relay && !has_token(request, token))
      return respond(prpc_error(401, std::string(method.name) + " needs the token of this worker: header 'Authorization: Bearer …'", json));
    if (!method.slow) return method.run(context_, request.body, json, respond);
    auto body = std::make_shared<std::string>(std::move(request.body));
    if (!slow_.submit([this, &method, body, json, respond] { method.run(context_, *body, json, respond); }))
      respond(prpc_error(503, "too many requests at once, please try again later", json));
  };
}

std::vector<http::Route> Api::routes(bool is_public, const std::string& token, const Metrics& metrics) {
  std::vector<http::Route> out;
  for (const auto& method : prpc_methods()) {
    const std::string path = prefix + std::string(method.name);
    // a refused method reads no long body either
    const size_t limit = is_public && method.access == Access::relay ? 1024 : method.body_limit;
    out.push_back({"POST", path, limit, prpc_handler(method, is_public, token)});
    if (method.takes_nothing()) out.push_back({"GET", path, 0, prpc_handler(method, is_public, token)});
  }
  for (const char* verb : {"POST", "GET"})
    out.push_back({verb, "/prpc/*", 1024, [](const http::Request& request, const http::Respond& send) {
                     send(to_http(prpc_error(404, "unknown method " + request.path.substr(0, 200), wants_json(request))));
                   }});
  const http::Handler info = [this](const http::Request&, const http::Respond& send) { send({200, info_json(context_), "application/json", {}}); };
  for (const char* path : {"/info", "/get_info"}) out.push_back({"GET", path, 0, info});
  out.push_back({"POST", "/get_info", 1024, info});
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
  std::unique_ptr<Api> api(new Api(std::move(context)));
  http::ServerOptions private_options{options.address, options.port, 2, {}, {}, "phala-worker"};
  private_options.limits.read_timeout_ms = 120'000;
  api->private_ = TRY(http::Server::start(private_options, api->routes(false, options.token, metrics)).context("private port"));
  if (options.public_port) {
    http::ServerOptions public_options{options.public_address, *options.public_port, 2, {}, {}, "phala-worker"};
    if (options.allow_cors) public_options.cors_origins = {"*"};
    public_options.limits.connections = 1000;
    api->public_ = TRY(http::Server::start(public_options, api->routes(true, options.token, metrics)).context("public port"));
  }
  return api;
}

Api::~Api() {
  if (public_) public_->stop();
  if (private_) private_->stop();
  slow_.stop();
}

}  // namespace phala::worker

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/status.hpp>

#include "http/connection.hpp"
#include "http/core.hpp"

namespace phala::http {
namespace {

std::string text_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}
bool same_name(std::string_view a, std::string_view b) { return beast::iequals(beast::string_view(a.data(), a.size()), beast::string_view(b.data(), b.size())); }
/// "http://localhost:8080" is of "http://localhost:*".
bool origin_matches(std::string_view pattern, std::string_view origin) {
  if (!pattern.ends_with(":*")) return pattern == origin;
  const auto name = pattern.substr(0, pattern.size() - 2);
  if (!origin.starts_with(name)) return false;
  const auto port = origin.substr(name.size());
  return port.empty() || (port.size() > 1 && port[0] == ':' && port.find_first_not_of("0123456789", 1) == port.npos);
}
/// "[::1]:9944" → "[::1]".
std::string_view without_port(std::string_view host) {
  const size_t colon = host.starts_with('[') ? host.find(':', host.find(']')) : host.find(':');
  return host.substr(0, colon);
}

}  // namespace

// ---- who may ask for what ---------------------------------------------------------------------------------------------

Response ServerCore::refusal(const Request& head, int status, std::string text) const {
  return options.refusal ? options.refusal(head, status, std::move(text)) : Response{status, text + "\n"};
}

bool ServerCore::origin_allowed(std::string_view origin) const {
  for (const auto& allowed : options.cors_origins) {
    if (allowed == "*" || origin_matches(allowed, origin)) return true;
  }
  return false;
}

bool ServerCore::trusted(std::string_view origin, std::string_view host) const {
  if (!origin.empty() && !origin_allowed(origin)) return false;
  return options.hosts.empty() || std::any_of(options.hosts.begin(), options.hosts.end(), [&](const auto& name) { return same_name(name, without_port(host)); });
}

const Route* ServerCore::find(std::string_view method, std::string_view path, int& status) const {
  status = 404;
  for (const auto& route : routes) {
    const bool below = route.path.ends_with('*');
    if (below ? !path.starts_with(std::string_view(route.path).substr(0, route.path.size() - 1)) : route.path != path) continue;
    if (route.method == method || (method == "HEAD" && route.method == "GET")) return &route;
    status = 405;
  }
  return nullptr;
}

// ---- connections ------------------------------------------------------------------------------------------------------

bool ServerCore::enter(u64 id, const asio::any_io_executor& strand, std::weak_ptr<Open> connection) {
  const std::lock_guard lock(mutex);
  if (stopping) return false;
  connections[id] = {strand, std::move(connection)};
  return true;
}

void ServerCore::leave(u64 id) {
  const std::lock_guard lock(mutex);
  connections.erase(id);
  changed.notify_all();
}

void ServerCore::shut_all(bool forced) {
  for (auto& [id, entry] : connections) {
    if (auto connection = entry.connection.lock()) post(entry.strand, [connection, forced] { connection->shut(forced); });
  }
}

Task<> ServerCore::accept_all() {
  static const std::string busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 21\r\nConnection: close\r\nRetry-After: 1\r\n\r\ntoo many connections\n";
  while (acceptor.is_open()) {
    tcp::socket socket(asio::make_strand(io));
    auto [error] = co_await acceptor.async_accept(socket, as_result);
    if (!acceptor.is_open()) co_return;
    if (error) {   // out of file descriptors, or the peer was gone already
      asio::steady_timer pause(acceptor.get_executor(), milliseconds(50));
      co_await pause.async_wait(as_result);
      continue;
    }
    error_code ignored;
    const auto remote = text_of(socket.remote_endpoint(ignored));
    socket.set_option(tcp::no_delay(true), ignored);
    size_t open;
    u64 id;
    {
      const std::lock_guard lock(mutex);
      open = connections.size();
      id = ++last_id;
    }
    if (open >= options.limits.connections) {
      socket.non_blocking(true, ignored);
      socket.write_some(asio::buffer(busy), ignored);
      socket.shutdown(tcp::socket::shutdown_send, ignored);
      continue;
    }
    if (!serve_http(*this, id, std::move(socket), remote)) co_return;
  }
}

void ServerCore::stop(u32 grace_ms) {
  {
    std::unique_lock lock(mutex);
    if (stopping) return;
    stopping = true;
    post(acceptor.get_executor(), [this] {
      error_code ignored;
      acceptor.close(ignored);
    });
    shut_all(false);
    if (!changed.wait_for(lock, milliseconds(grace_ms), [&] { return connections.empty(); })) {
      shut_all(true);
      changed.wait(lock, [&] { return connections.empty(); });
    }
  }
  io.stop();   // every connection has ended; what is left are bells of connections that handlers still hold
  for (auto& thread : threads) thread.join();
  {
    const std::unique_lock lock(ended_mutex);
    ended = true;
  }
  io.restart();
  io.poll();   // answers that came too late
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, std::vector<Route> routes, WebSocketHandlers web_socket) {
  auto core = std::make_shared<ServerCore>(std::move(options));
  core->routes = std::move(routes);
  core->web_socket = std::move(web_socket);
  const auto where = core->options.address + ":" + std::to_string(core->options.port);
  error_code error;
  const auto address = asio::ip::make_address(core->options.address, error);
  if (error) return fail(ErrorCode::invalid_input, "listen on " + where + ": not an IP address", "give an address like 127.0.0.1 or ::");
  const tcp::endpoint endpoint(address, core->options.port);
  auto& acceptor = core->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use)
    return fail(ErrorCode::unavailable, "port " + std::to_string(core->options.port) + " on " + core->options.address + " is in use",
                "stop the program that holds it or choose another port");
  if (error) return fail(ErrorCode::unavailable, "listen on " + where + ": " + error.message());
  core->port = acceptor.local_endpoint(error).port();
  asio::co_spawn(acceptor.get_executor(), [core = core.get()] { return core->accept_all(); }, [](std::exception_ptr) {});
  for (unsigned i = 0; i < std::max(1u, core->options.threads); ++i) core->threads.emplace_back([core = core.get()] { core->io.run(); });
  return std::unique_ptr<Server>(new Server(std::move(core)));
}

Server::Server(std::shared_ptr<ServerCore> core) : core_(std::move(core)) {}
Server::~Server() { stop(); }
u16 Server::port() const { return core_->port; }
size_t Server::connections() const {
  const std::lock_guard lock(core_->mutex);
  return core_->connections.size();
}
void Server::stop(u32 grace_ms) { core_->stop(grace_ms); }

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

std::string_view reason_phrase(int status) { return http::text_of(beast::http::obsolete_reason(static_cast<beast::http::status>(status))); }

}  // namespace phala::http

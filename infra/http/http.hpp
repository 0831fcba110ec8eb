#pragma once
// Why: node and worker speak HTTP (and the node WebSocket) on one port each. This is the whole surface of the server to the
// rest of the program: plain structs and std::function, so that no other file pays for the network library's headers.
//
// Threads: handlers run on one of the server's I/O threads and must return quickly; long work goes to a CPU pool, which
// answers later from any thread. Everything from outside is bounded: connections, header size and time, body size by route,
// WebSocket message size, requests in flight and bytes waiting to be sent, each by itself and all connections together.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace phala::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;    ///< "GET", "POST" …
  std::string path;      ///< without the query, as sent (not percent-decoded)
  std::string query;     ///< after '?', without it
  Headers headers;       ///< names as sent
  std::string body;
  std::string remote;    ///< "127.0.0.1:53211"
  /// First header of that name in any case; empty when absent.
  std::string_view header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  Headers headers;       ///< further ones
};

/// Answers a request; call it once, from any thread. Dropping the last copy uncalled answers 500. After the client went away, or
/// the server stopped, it does nothing.
using Respond = std::function<void(Response)>;
using Handler = std::function<void(Request, Respond)>;

/// Looks at a request whose body is not there yet. What it returns is sent instead of calling the handler, and the body is never taken in.
/// On an I/O thread: must return at once.
using Admit = std::function<std::optional<Response>(const Request& head)>;

/// Which requests go to which handler. The first match wins.
struct Route {
  std::string method;             ///< OPTIONS (CORS preflight) is answered by the server for every path it knows
  std::string path;               ///< exact, or everything below when it ends with '*': "/prpc/*"
  size_t body_limit = 0;          ///< bytes; a longer body is refused with 413 before it is read
  Handler handler;
  Admit admit{};                  ///< none: everybody may send a body
};

/// One WebSocket connection, as handlers see it. All members may be called from any thread.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  /// Unique within the server.
  virtual u64 id() const = 0;
  virtual const std::string& remote() const = 0;
  /// Queues one text message. False when the connection is closed, or when the queue is full: then the connection is closed too
  /// (status 1013), because a reader who cannot keep up must not cost memory or delay others.
  virtual bool send(std::string text) = 0;
  /// Bytes queued and not yet written.
  virtual size_t queued() const = 0;
  virtual void close(u16 status, std::string reason) = 0;
};

/// What a server does with upgraded connections. `message` is called for one message after the other, and not while
/// `Limits::requests_in_flight` of them wait for their answer; `done` must be called once for each (dropping it counts), with the text to send
/// back or nothing. `closed` comes last.
struct WebSocketHandlers {
  using Done = std::function<void(std::string)>;
  std::function<void(const std::shared_ptr<WebSocket>&)> opened;
  std::function<void(const std::shared_ptr<WebSocket>&, std::string text, Done)> message;
  std::function<void(const std::shared_ptr<WebSocket>&)> closed;
};

struct Limits {
  size_t connections = 100;                      ///< further ones get 503 and are closed
  size_t header_bytes = 16 * 1024;
  size_t web_socket_message_bytes = 15 << 20;
  size_t requests_in_flight = 32;                ///< per WebSocket connection
  size_t in_flight_bytes = 16u << 20;            ///< of their messages; one is always allowed
  size_t send_queue_bytes = 64u << 20;           ///< per WebSocket connection
  /// Of all connections together: what was received and is not answered yet, and what waits to be sent. When it is used up, each connection has its
  /// equal share of it and no more: a longer request gets 503, a WebSocket that wants more is closed with 1013.
  size_t memory_bytes = 512u << 20;
  u32 read_timeout_ms = 30'000;                  ///< for a request to arrive completely
  u32 idle_timeout_ms = 60'000;                  ///< between requests of one connection
  u32 write_timeout_ms = 60'000;
};

struct ServerOptions {
  std::string address = "127.0.0.1";             ///< IPv4 or IPv6 literal
  u16 port = 0;                                  ///< 0: any free one, see Server::port
  unsigned threads = 1;
  /// {"*"}: every page may use this server. Else pages of other origins get no CORS headers, no WebSocket and no POST. "http://localhost:*": any port.
  std::vector<std::string> cors_origins;
  /// Names and addresses by which clients may POST or open a WebSocket, without port; empty: any. Keeps out pages of whoever lets his name point here.
  std::vector<std::string> hosts;
  Limits limits;
  std::string server_name = "phala";             ///< the `Server` header
  /// Words the server's own refusals (404, 405, 413) for this request; none: a line of text.
  std::function<Response(const Request& head, int status, std::string text)> refusal{};
  bool trace_headers = false;                    ///< X-Request-Id (a number) and X-Cost-Time ("1.250ms" since the header came) on every answer
};

struct ServerCore;

class Server {
 public:
  /// Binds and starts serving. `web_socket.message` empty: upgrades are refused. Errors: address not usable, port in use (named).
  static Result<std::unique_ptr<Server>> start(ServerOptions options, std::vector<Route> routes, WebSocketHandlers web_socket = {});
  /// Stops as `stop(5000)`.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  u16 port() const;
  size_t connections() const;
  /// Accepts no more, closes idle connections (WebSocket with 1001), lets running requests finish for up to `grace_ms`, then closes them. Returns
  /// when every thread of the server has ended; afterwards no handler is called any more. Safe to call twice.
  void stop(u32 grace_ms = 5000);

 private:
  explicit Server(std::shared_ptr<ServerCore> core);
  std::shared_ptr<ServerCore> core_;
};

/// The standard words for a status: 404 → "Not Found".
std::string_view reason_phrase(int status);

}  // namespace phala::http

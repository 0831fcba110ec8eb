#include "http/http.hpp"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>

namespace phala::http {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = beast::http;
namespace bws = beast::websocket;
using asio::ip::tcp;
using beast::error_code;
using std::chrono::milliseconds;

namespace {
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
template <class T = void>
using Task = asio::awaitable<T>;
using Request11 = bhttp::request<bhttp::string_body>;

std::string_view text_of(beast::string_view view) { return {view.data(), view.size()}; }
std::string text_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}
bool same_name(std::string_view a, std::string_view b) { return beast::iequals(beast::string_view(a.data(), a.size()), beast::string_view(b.data(), b.size())); }

/// The memory that all connections of a server share. Any thread.
class Budget {
 public:
  Budget(size_t total, size_t connections) : total_(total), share_(total / std::max<size_t>(connections, 1)) {}
  /// For a connection that holds `own` bytes and wants `more`.
  bool take(size_t own, size_t more) {
    const size_t before = used_.fetch_add(more);
    if (own + more <= share_ || before + more <= total_) return true;
    used_ -= more;
    return false;
  }
  void give_back(size_t bytes) { used_ -= bytes; }

 private:
  const size_t total_, share_;
  std::atomic<size_t> used_ = 0;
};
/// A part of it, for as long as this lives.
class Held {
 public:
  Held(Budget& budget, size_t own, size_t bytes) : budget_(budget), bytes_(budget.take(own, bytes) ? std::optional(bytes) : std::nullopt) {}
  ~Held() { budget_.give_back(bytes_.value_or(0)); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  explicit operator bool() const { return bytes_.has_value(); }

 private:
  Budget& budget_;
  const std::optional<size_t> bytes_;
};

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

/// One connection, as `stop` sees it.
class Open {
 public:
  virtual ~Open() = default;
  /// Runs on the connection's strand. Not forced: finish what is running, take nothing new.
  virtual void shut(bool forced) = 0;
};
}  // namespace

struct ServerCore : std::enable_shared_from_this<ServerCore> {
  explicit ServerCore(ServerOptions o) : options(std::move(o)), budget(options.limits.memory_bytes, options.limits.connections) {}
  const ServerOptions options;
  Budget budget;
  std::vector<Route> routes;
  WebSocketHandlers web_socket;
  asio::io_context io;
  tcp::acceptor acceptor{asio::make_strand(io)};
  u16 port = 0;
  std::vector<std::thread> threads;

  struct Entry { asio::any_io_executor strand; std::weak_ptr<Open> connection; };
  std::mutex mutex;   // guards the next four
  std::condition_variable changed;
  std::map<u64, Entry> connections;
  u64 last_id = 0;
  std::atomic<u64> last_request = 0;
  bool stopping = false;
  std::shared_mutex ended_mutex;
  bool ended = false;

  /// Runs `f` on a strand, unless the server has ended: answers may come at any time, from any thread.
  template <class F>
  void post(const asio::any_io_executor& strand, F&& f) {
    const std::shared_lock lock(ended_mutex);
    if (!ended) asio::post(strand, std::forward<F>(f));
  }
  /// Registers a connection, or its new form after an upgrade. False: the server is stopping.
  bool enter(u64 id, const asio::any_io_executor& strand, std::weak_ptr<Open> connection) {
    const std::lock_guard lock(mutex);
    if (stopping) return false;
    connections[id] = {strand, std::move(connection)};
    return true;
  }
  void leave(u64 id) {
    const std::lock_guard lock(mutex);
    connections.erase(id);
    changed.notify_all();
  }
  /// Precondition: `mutex` is held.
  void shut_all(bool forced) {
    for (auto& [id, entry] : connections) {
      if (auto connection = entry.connection.lock()) post(entry.strand, [connection, forced] { connection->shut(forced); });
    }
  }
  Response refusal(const Request& head, int status, std::string text) const {
    return options.refusal ? options.refusal(head, status, std::move(text)) : Response{status, text + "\n"};
  }
  bool origin_allowed(std::string_view origin) const {
    for (const auto& allowed : options.cors_origins) {
      if (allowed == "*" || origin_matches(allowed, origin)) return true;
    }
    return false;
  }
  /// May this request change anything? A browser tells the page's origin, and the name under which the page called.
  bool trusted(std::string_view origin, std::string_view host) const {
    if (!origin.empty() && !origin_allowed(origin)) return false;
    return options.hosts.empty() || std::any_of(options.hosts.begin(), options.hosts.end(), [&](const auto& name) { return same_name(name, without_port(host)); });
  }
  /// The route of a request, or the status that says why there is none.
  const Route* find(std::string_view method, std::string_view path, int& status) const {
    status = 404;
    for (const auto& route : routes) {
      const bool below = route.path.ends_with('*');
      if (below ? !path.starts_with(std::string_view(route.path).substr(0, route.path.size() - 1)) : route.path != path) continue;
      if (route.method == method || (method == "HEAD" && route.method == "GET")) return &route;
      status = 405;
    }
    return nullptr;
  }

  Task<> accept_all();
  void stop(u32 grace_ms);
};

namespace {

// ---- answers from other threads ------------------------------------------------------------------------------------
/// One request that waits for its answer. The timer is only a bell.
struct Exchange {
  std::shared_ptr<ServerCore> core;   // first: the timer must go before the context it lives in
  asio::any_io_executor strand;
  asio::steady_timer bell{strand, asio::steady_timer::time_point::max()};
  std::optional<Response> response;   // strand
  bool abandoned = false;             // strand
};

/// The one right to answer; unused, it answers 500.
class Answer {
 public:
  explicit Answer(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~Answer() { deliver({500, "the request was dropped without an answer\n"}); }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  void deliver(Response response) {
    if (done_.exchange(true)) return;
    exchange_->core->post(exchange_->strand, [exchange = exchange_, response = std::move(response)]() mutable {
      exchange->response = std::move(response);
      exchange->bell.cancel();
    });
  }

 private:
  std::shared_ptr<Exchange> exchange_;
  std::atomic<bool> done_ = false;
};

// ---- WebSocket -----------------------------------------------------------------------------------------------------
class WebSocketConnection final : public WebSocket, public Open, public std::enable_shared_from_this<WebSocketConnection> {
 public:
  WebSocketConnection(std::shared_ptr<ServerCore> core, u64 id, std::string remote, beast::tcp_stream stream)
      : core_(std::move(core)), id_(id), remote_(std::move(remote)), stream_(std::move(stream)), strand_(stream_.get_executor()),
        wake_(strand_), room_(strand_) {
    const auto& limits = core_->options.limits;
    stream_.read_message_max(limits.web_socket_message_bytes);
    bws::stream_base::timeout timeout{};
    timeout.handshake_timeout = milliseconds(2000);   // the request is read already: this bounds writing the answer, and the closing exchange
    timeout.idle_timeout = milliseconds(limits.idle_timeout_ms);
    timeout.keep_alive_pings = true;
    stream_.set_option(timeout);
    stream_.set_option(bws::stream_base::decorator([name = core_->options.server_name](bws::response_type& response) { response.set(bhttp::field::server, name); }));
    stream_.text(true);
    stream_.auto_fragment(false);
  }

  u64 id() const override { return id_; }
  const std::string& remote() const override { return remote_; }
  size_t queued() const override {
    const std::lock_guard lock(mutex_);
    return queued_bytes_;
  }

  ~WebSocketConnection() override { core_->budget.give_back(held_); }

  bool send(std::string text) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    if ((queued_bytes_ + text.size() > core_->options.limits.send_queue_bytes && queued_bytes_ != 0) || !hold(text.size())) {
      closed_ = true;
      core_->post(strand_, [self = shared_from_this()] {
        self->close_status_ = 1013;
        self->close_reason_ = "reader too slow";
        // a reader who takes nothing would not take the close frame either
        if (self->writing_) beast::get_lowest_layer(self->stream_).close();
        self->wake_.cancel();
      });
      return false;
    }
    queued_bytes_ += text.size();
    queue_.push_back(std::move(text));
    if (queue_.size() == 1) core_->post(strand_, [self = shared_from_this()] { self->wake_.cancel(); });
    return true;
  }

  void close(u16 status, std::string reason) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    core_->post(strand_, [self = shared_from_this(), status, reason = std::move(reason)] {
      self->close_status_ = status;
      self->close_reason_ = reason.substr(0, 120);
      self->wake_.cancel();
    });
  }

  void shut(bool forced) override {
    if (!forced) return close(1001, "server is stopping");
    beast::get_lowest_layer(stream_).close();
    ended_ = true;
    wake_.cancel();
    room_.cancel();
  }

  /// Lives until the connection ends.
  Task<> run(Request11 upgrade) {
    auto [error] = co_await stream_.async_accept(upgrade, as_result);
    if (error) co_return;
    if (core_->web_socket.opened) core_->web_socket.opened(shared_from_this());
    asio::co_spawn(strand_, [self = shared_from_this()] { return self->write_all(); }, [self = shared_from_this()](std::exception_ptr) {
      self->writer_ended_ = true;
      self->room_.cancel();
    });
    co_await read_all();
    ended_ = true;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    wake_.cancel();
    while (!writer_ended_) co_await ring(room_);
    if (core_->web_socket.closed) core_->web_socket.closed(shared_from_this());
  }

 private:
  static Task<> ring(asio::steady_timer& bell) {
    bell.expires_at(asio::steady_timer::time_point::max());
    co_await bell.async_wait(as_result);
  }

  Task<> read_all() {
    const auto& limits = core_->options.limits;
    beast::flat_buffer buffer;
    for (;;) {
      while ((in_flight_ >= limits.requests_in_flight || in_flight_bytes_ >= limits.in_flight_bytes || queued() > limits.send_queue_bytes / 2) && !ended_ && !writer_ended_)
        co_await ring(room_);
      if (ended_ || writer_ended_) co_return;
      do {
        auto [error, part] = co_await stream_.async_read_some(buffer, 64 * 1024, as_result);
        if (error) co_return;
        if (!hold_locked(part)) {
          close(1013, "the server has no memory for this now");
          while (!writer_ended_ && !ended_) co_await ring(room_);
          co_return;
        }
      } while (!stream_.is_message_done());
      const size_t size = buffer.size();
      std::string text(static_cast<const char*>(buffer.data().data()), size);
      buffer.consume(size);
      if (buffer.capacity() > (1 << 20)) buffer.shrink_to_fit();
      ++in_flight_;
      in_flight_bytes_ += size;
      core_->web_socket.message(shared_from_this(), std::move(text), done(size));
    }
  }

  WebSocketHandlers::Done done(size_t size) {
    struct Once {
      std::shared_ptr<WebSocketConnection> connection;
      size_t bytes;
      std::atomic<bool> used = false;
      Once(std::shared_ptr<WebSocketConnection> c, size_t n) : connection(std::move(c)), bytes(n) {}
      ~Once() { finish({}); }
      void finish(std::string text) {
        if (used.exchange(true)) return;
        connection->give_back(bytes);
        if (!text.empty()) static_cast<void>(connection->send(std::move(text)));
        connection->core_->post(connection->strand_, [c = connection, n = bytes] {
          --c->in_flight_;
          c->in_flight_bytes_ -= n;
          c->room_.cancel();
        });
      }
    };
    return [once = std::make_shared<Once>(shared_from_this(), size)](std::string text) { once->finish(std::move(text)); };
  }

  Task<> write_all() {
    for (;;) {
      std::string* next = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (!queue_.empty()) next = &queue_.front();
      }
      if (ended_) co_return;
      if (next && close_status_ != 1013) {
        writing_ = true;
        auto [error, size] = co_await stream_.async_write(asio::buffer(*next), as_result);
        writing_ = false;
        if (error) break;
        {
          const std::lock_guard lock(mutex_);
          queued_bytes_ -= queue_.front().size();
          held_ -= queue_.front().size();
          core_->budget.give_back(queue_.front().size());
          queue_.pop_front();
        }
        room_.cancel();
      } else if (close_status_ != 0) {
        auto [error] = co_await stream_.async_close(bws::close_reason(static_cast<bws::close_code>(close_status_), close_reason_), as_result);
        if (error) break;
        co_return;
      } else {
        co_await ring(wake_);
      }
    }
    const std::lock_guard lock(mutex_);
    closed_ = true;
    beast::get_lowest_layer(stream_).close();   // the reader ends with it
  }

  /// Takes from the server's budget. Precondition: `mutex_` is held.
  bool hold(size_t bytes) {
    if (!core_->budget.take(held_, bytes)) return false;
    held_ += bytes;
    return true;
  }
  bool hold_locked(size_t bytes) {
    const std::lock_guard lock(mutex_);
    return hold(bytes);
  }
  void give_back(size_t bytes) {
    const std::lock_guard lock(mutex_);
    held_ -= bytes;
    core_->budget.give_back(bytes);
  }

  const std::shared_ptr<ServerCore> core_;
  const u64 id_;
  const std::string remote_;
  bws::stream<beast::tcp_stream> stream_;
  const asio::any_io_executor strand_;
  // on the strand
  asio::steady_timer wake_, room_;   ///< bells: something to write or to close; a request was answered or written
  size_t in_flight_ = 0, in_flight_bytes_ = 0;
  u16 close_status_ = 0;
  std::string close_reason_;
  bool writing_ = false, ended_ = false, writer_ended_ = false;
  // any thread
  mutable std::mutex mutex_;
  std::deque<std::string> queue_;
  size_t queued_bytes_ = 0, held_ = 0;
  bool closed_ = false;
};

// ---- HTTP ----------------------------------------------------------------------------------------------------------
class HttpConnection final : public Open, public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(ServerCore& core, u64 id, tcp::socket socket, std::string remote)
      : core_(core), id_(id), remote_(std::move(remote)), stream_(std::move(socket)) {}

  asio::any_io_executor strand() { return stream_.get_executor(); }

  void shut(bool forced) override {
    stopping_ = true;
    if (busy_ && !forced) return;
    if (exchange_) {
      exchange_->abandoned = true;
      exchange_->bell.cancel();
    }
    stream_.close();
  }

  Task<> run() {
    const auto& limits = core_.options.limits;
    beast::flat_buffer buffer;
    for (bool first = true;; first = false) {
      bhttp::request_parser<bhttp::empty_body> head;
      head.header_limit(static_cast<u32>(limits.header_bytes));
      head.body_limit(boost::none);   // by route, below
      stream_.expires_after(milliseconds(first ? limits.read_timeout_ms : limits.idle_timeout_ms));
      auto [error, size] = co_await bhttp::async_read_header(stream_, buffer, head, as_result);
      if (error == bhttp::error::header_limit) co_await answer_and_close(431);
      else if (error && error.category() == bhttp::make_error_code(bhttp::error::bad_method).category() && error != bhttp::error::end_of_stream)
        co_await answer_and_close(400);
      if (error) co_return;
      busy_ = true;
      began_ = std::chrono::steady_clock::now();
      if (bws::is_upgrade(head.get())) co_return co_await upgrade(head);
      if (!co_await one(head, buffer) || stopping_) break;
      busy_ = false;
    }
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

 private:
  /// Serves one request. False: close the connection.
  Task<bool> one(bhttp::request_parser<bhttp::empty_body>& head, beast::flat_buffer& buffer) {
    Request request = head_of(head.get());
    const std::string origin(request.header("origin"));
    const bool keep_alive = head.get().keep_alive();
    const bool has_body = head.chunked() || head.content_length().value_or(0) != 0;

    int status = 404;
    const Route* route = request.method == "OPTIONS" ? nullptr : core_.find(request.method, request.path, status);
    if (!route) {
      Response response = request.method == "OPTIONS" ? preflight(head.get(), request) : core_.refusal(request, status, std::string(reason_phrase(status)));
      co_return co_await answer_unread(std::move(response), origin, keep_alive, has_body);
    }
    if (route->method != "GET" && !core_.trusted(origin, request.header("host")))
      co_return co_await answer_unread(core_.refusal(request, 403, "this server does not answer pages of that origin, or calls to that host"), origin, keep_alive, has_body);
    if (route->admit)
      if (auto refused = route->admit(request)) co_return co_await answer_unread(std::move(*refused), origin, keep_alive, has_body);
    const auto length = head.content_length();
    if (length && *length > route->body_limit) co_return co_await answer_unread(too_long(*route, request), origin, false, true);
    const Held body(core_.budget, 0, length.value_or(head.chunked() ? route->body_limit : 0));
    if (!body) co_return co_await answer_unread(core_.refusal(request, 503, "too much is being asked at once; try again later"), origin, keep_alive, has_body);
    if (beast::iequals(head.get()[bhttp::field::expect], "100-continue")) {
      bhttp::response<bhttp::empty_body> go_on(bhttp::status::continue_, head.get().version());
      auto [error, size] = co_await bhttp::async_write(stream_, go_on, as_result);
      if (error) co_return false;
    }
    bhttp::request_parser<bhttp::string_body> full(std::move(head));
    full.body_limit(route->body_limit);
    stream_.expires_after(milliseconds(core_.options.limits.read_timeout_ms));
    auto [error, size] = co_await bhttp::async_read(stream_, buffer, full, as_result);
    if (error == bhttp::error::body_limit) co_return co_await answer_unread(too_long(*route, request), origin, false, true);
    if (error) co_return false;
    stream_.expires_never();

    const bool head_only = request.method == "HEAD";
    request.body = std::move(full.get().body());
    auto response = co_await ask(*route, std::move(request));
    if (!response) co_return false;
    const Held answer(core_.budget, 0, response->body.size());
    if (!answer) response = Response{503, "too much is being answered at once; try again later\n"};
    co_return co_await write(std::move(*response), origin, keep_alive && !stopping_, head_only) && keep_alive;
  }

  Request head_of(const bhttp::request_header<>& fields) const {
    const std::string target(text_of(fields.target()));
    const size_t mark = target.find('?');
    Request out{std::string(text_of(fields.method_string())), target.substr(0, mark), mark == target.npos ? std::string() : target.substr(mark + 1), {}, {}, remote_};
    for (const auto& field : fields) out.headers.emplace_back(text_of(field.name_string()), text_of(field.value()));
    return out;
  }
  Response too_long(const Route& route, const Request& request) const {
    return core_.refusal(request, 413, "the body is longer than " + std::to_string(route.body_limit) + " bytes");
  }

  Task<std::optional<Response>> ask(const Route& route, Request request) {
    exchange_ = std::make_shared<Exchange>(Exchange{core_.shared_from_this(), strand()});
    {
      auto answer = std::make_shared<Answer>(exchange_);
      try {
        route.handler(std::move(request), [answer](Response response) { answer->deliver(std::move(response)); });
      } catch (const std::exception& e) {
        answer->deliver({500, std::string("the handler failed: ") + e.what() + "\n"});
      }
    }
    while (!exchange_->response && !exchange_->abandoned) {
      exchange_->bell.expires_at(asio::steady_timer::time_point::max());
      co_await exchange_->bell.async_wait(as_result);
    }
    auto response = std::move(exchange_->response);
    exchange_.reset();
    co_return response;
  }

  /// Answers without taking the body in. Where there is one, the connection ends with it.
  Task<bool> answer_unread(Response response, std::string_view origin, bool keep_alive, bool has_body) {
    const bool stay = keep_alive && !has_body && !stopping_;
    const bool written = co_await write(std::move(response), origin, stay, false);
    if (has_body) co_await drain();
    co_return written && stay;
  }
  Task<> answer_and_close(int status) {
    co_await write({status, std::string(reason_phrase(status)) + "\n"}, {}, false, false);
    co_await drain();
  }
  /// Reads what the client is still sending before closing: closing with unread input resets the connection, and the client would not see the
  /// answer. Most clients look at it only after sending the whole body, so a body somewhat over the limit has to be let in; it is thrown away as it comes.
  /// Our side is not shut before: some take that for the end of the connection and fail on their next write (Node's fetch).
  Task<> drain() {
    constexpr size_t most_bytes = 64u << 20;
    stream_.expires_after(milliseconds(5000));
    std::array<char, 65536> waste;
    for (size_t total = 0; total < most_bytes;) {
      auto [error, size] = co_await stream_.async_read_some(asio::buffer(waste), as_result);
      if (error) co_return;
      total += size;
    }
  }

  Response preflight(const bhttp::request_header<>& fields, const Request& request) const {
    std::string methods;
    for (const auto& route : core_.routes) {
      int status;
      if (core_.find(route.method, request.path, status) == &route) methods += (methods.empty() ? "" : ", ") + route.method;
    }
    if (methods.empty()) return core_.refusal(request, 404, "Not Found");
    Response response{204, {}, {}, {{"Access-Control-Allow-Methods", methods}, {"Access-Control-Max-Age", "86400"}, {"Allow", methods}}};
    if (const auto wanted = fields[bhttp::field::access_control_request_headers]; !wanted.empty())
      response.headers.emplace_back("Access-Control-Allow-Headers", std::string(text_of(wanted)));
    return response;
  }

  /// True when it was written.
  Task<bool> write(Response response, std::string_view origin, bool keep_alive, bool head_only) {
    bhttp::response<bhttp::string_body> out(static_cast<bhttp::status>(response.status), 11);
    out.set(bhttp::field::server, core_.options.server_name);
    if (!response.content_type.empty()) out.set(bhttp::field::content_type, response.content_type);
    if (!origin.empty() && core_.origin_allowed(origin)) {
      const bool any = core_.options.cors_origins == std::vector<std::string>{"*"};
      out.set(bhttp::field::access_control_allow_origin, any ? "*" : beast::string_view(origin.data(), origin.size()));
      if (!any) out.set(bhttp::field::vary, "Origin");
    }
    for (const auto& [name, value] : response.headers) out.set(name, value);
    if (core_.options.trace_headers) {
      const auto cost_us = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began_).count();
      char cost[32];
      std::snprintf(cost, sizeof cost, "%lld.%03lldms", static_cast<long long>(cost_us / 1000), static_cast<long long>(cost_us % 1000));
      out.set("X-Request-Id", std::to_string(++core_.last_request));
      out.set("X-Cost-Time", cost);
    }
    out.keep_alive(keep_alive);
    if (response.status != 204) out.content_length(response.body.size());
    if (!head_only) out.body() = std::move(response.body);
    stream_.expires_after(milliseconds(core_.options.limits.write_timeout_ms));
    auto [error, size] = co_await bhttp::async_write(stream_, out, as_result);
    co_return !error;
  }

  Task<> upgrade(bhttp::request_parser<bhttp::empty_body>& head) {
    const auto& fields = head.get();
    const std::string origin(text_of(fields[bhttp::field::origin]));
    if (!core_.web_socket.message) co_return co_await answer_and_close(426);
    if (!core_.trusted(origin, text_of(fields[bhttp::field::host]))) co_return co_await answer_and_close(403);
    Request11 request(fields);
    const auto strand_copy = strand();
    stream_.expires_never();
    auto connection = std::make_shared<WebSocketConnection>(core_.shared_from_this(), id_, remote_, std::move(stream_));
    if (core_.enter(id_, strand_copy, connection)) co_await connection->run(std::move(request));
  }

  ServerCore& core_;
  const u64 id_;
  const std::string remote_;
  beast::tcp_stream stream_;
  std::shared_ptr<Exchange> exchange_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();   // of the present request
  bool busy_ = false, stopping_ = false;
};
}  // namespace

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
    auto connection = std::make_shared<HttpConnection>(*this, id, std::move(socket), remote);
    if (!enter(id, connection->strand(), connection)) co_return;
    asio::co_spawn(connection->strand(), [connection] { return connection->run(); },
                   [core = this, id, connection](std::exception_ptr) mutable {
                     connection.reset();
                     core->leave(id);
                   });
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

std::string_view reason_phrase(int status) { return text_of(bhttp::obsolete_reason(static_cast<bhttp::status>(status))); }

}  // namespace phala::http

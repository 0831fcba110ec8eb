#include "http/connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <chrono>
#include <cstdio>

#include "http/web_socket.hpp"

namespace phala::http {
namespace bhttp = beast::http;
namespace bws = beast::websocket;
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

// ---- the connection ------------------------------------------------------------------------------------------------
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
      bhttp::response<bhttp::string_body> go_on(bhttp::status::continue_, head.get().version());
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
    Upgrade request(fields);
    stream_.expires_never();
    co_await serve_web_socket(core_.shared_from_this(), id_, remote_, std::move(stream_), std::move(request));
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

bool serve_http(ServerCore& core, u64 id, tcp::socket socket, std::string remote) {
  auto connection = std::make_shared<HttpConnection>(core, id, std::move(socket), std::move(remote));
  if (!core.enter(id, connection->strand(), connection)) return false;
  asio::co_spawn(connection->strand(), [connection] { return connection->run(); },
                 [&core, id, connection](std::exception_ptr) mutable {
                   connection.reset();
                   core.leave(id);
                 });
  return true;
}

}  // namespace phala::http

#include "http/http.hpp"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace phala::http {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;

struct Client {
  asio::io_context io;
  tcp::socket socket{io};
  asio::streambuf buffer;
  explicit Client(u16 port) { socket.connect({asio::ip::make_address("127.0.0.1"), port}); }
  void send(std::string_view text) {
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(text), ignored);
  }
  /// Status line and headers, then the body by Content-Length; empty when the server closed.
  std::string answer() {
    boost::system::error_code error;
    const size_t head = asio::read_until(socket, buffer, "\r\n\r\n", error);
    if (error) return {};
    std::string text(asio::buffers_begin(buffer.data()), asio::buffers_begin(buffer.data()) + static_cast<long>(head));
    buffer.consume(head);
    const auto at = text.find("Content-Length: ");
    const size_t length = at == text.npos ? 0 : std::stoul(text.substr(at + 16));
    if (buffer.size() < length) asio::read(socket, buffer, asio::transfer_exactly(length - buffer.size()), error);
    text.append(asio::buffers_begin(buffer.data()), asio::buffers_begin(buffer.data()) + static_cast<long>(std::min(length, buffer.size())));
    buffer.consume(length);
    return text;
  }
  std::string get(const std::string& path, const std::string& headers = {}) {
    send("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    return answer();
  }
  bool closed_by_server() {
    boost::system::error_code error;
    std::array<char, 1> one;
    socket.read_some(asio::buffer(one), error);
    return bool(error);
  }
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

class HttpTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}, WebSocketHandlers web_socket = {}) {
    std::vector<Route> routes{
        {"GET", "/hello", 0, [](Request r, Respond respond) { respond({200, "hello " + r.query}); }},
        {"POST", "/echo", 1000, [](Request r, Respond respond) { respond({200, std::move(r.body), "application/octet-stream"}); }},
        {"POST", "/small", 10, [this](Request, Respond respond) { ++handled; respond({200, "ok"}); }},
        {"GET", "/below/*", 0, [](Request r, Respond respond) { respond({200, r.path}); }},
        {"GET", "/later", 0, [this](Request, Respond respond) { later.emplace_back([respond] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); respond({200, "late"}); }); }},
        {"GET", "/dropped", 0, [](Request, Respond) {}},
        {"POST", "/guarded", 100u << 20, [this](Request r, Respond respond) { ++handled; respond({200, std::to_string(r.body.size())}); },
         [](const Request& head) { return head.header("authorization") == "word" ? std::nullopt : std::optional(Response{401, "say the word\n"}); }},
        {"GET", "/kept", 0, [this](Request, Respond respond) { kept = std::move(respond); entered.set_value(); }}};
    auto made = Server::start(std::move(options), std::move(routes), std::move(web_socket));
    ASSERT_TRUE(made.has_value()) << made.error().text();
    server = std::move(*made);
  }
  void TearDown() override {
    server.reset();
    for (auto& thread : later) thread.join();
  }
  std::atomic<int> handled = 0;
  std::vector<std::thread> later;
  Respond kept;
  std::promise<void> entered;
  std::unique_ptr<Server> server;
};

TEST_F(HttpTest, routes_by_path_and_method_and_keeps_the_connection) {
  start();
  Client client(server->port());
  EXPECT_TRUE(has(client.get("/hello?you"), "hello you"));
  EXPECT_TRUE(has(client.get("/below/a/b"), "/below/a/b"));
  EXPECT_TRUE(has(client.get("/nothing"), "404 Not Found"));
  EXPECT_TRUE(has(client.get("/echo"), "405 Method Not Allowed"));
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_TRUE(client.answer().ends_with("\r\n\r\nabc"));
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_TRUE(client.answer().ends_with("\r\n\r\nabcde"));
  client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(has(client.answer(), "200 OK"));
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(HttpTest, body_longer_than_the_route_allows_is_refused_before_it_is_sent) {
  start();
  Client announced(server->port());
  announced.send("POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  EXPECT_TRUE(has(announced.answer(), "413 Payload Too Large"));
  Client chunked(server->port());
  chunked.send("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n");
  EXPECT_TRUE(has(chunked.answer(), "413 Payload Too Large"));
  Client talkative(server->port());   // sends everything before it looks, as most libraries do
  boost::system::error_code error;
  const std::string long_body = "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n" + std::string(16u << 20, 'x');
  asio::write(talkative.socket, asio::buffer(long_body), error);
  EXPECT_FALSE(error) << error.message();
  EXPECT_TRUE(has(talkative.answer(), "413 Payload Too Large"));
  EXPECT_EQ(handled, 0);
  Client fits(server->port());
  fits.send("POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n");
  EXPECT_TRUE(has(fits.answer(), "100 Continue"));
  fits.send("0123456789");
  EXPECT_TRUE(has(fits.answer(), "200 OK"));
}

TEST_F(HttpTest, who_may_not_ask_is_refused_before_the_body_is_sent) {
  start();
  const std::string head = "POST /guarded HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\nExpect: 100-continue\r\n";
  Client stranger(server->port());
  stranger.send(head + "\r\n");
  EXPECT_TRUE(has(stranger.answer(), "401 Unauthorized"));   // not "100 Continue"
  EXPECT_EQ(handled, 0);
  Client friendly(server->port());
  friendly.send(head + "Authorization: word\r\n\r\n");
  EXPECT_TRUE(has(friendly.answer(), "100 Continue"));
  // without a body the connection is kept
  Client silent(server->port());
  silent.send("POST /guarded HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(has(silent.answer(), "say the word"));
  silent.send("POST /guarded HTTP/1.1\r\nHost: x\r\nAuthorization: word\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_TRUE(silent.answer().ends_with("\r\n\r\n3"));
}

TEST_F(HttpTest, the_servers_own_refusals_can_be_worded_and_answers_traced) {
  ServerOptions options;
  options.refusal = [](const Request& head, int status, std::string text) { return Response{status, "{" + head.path + ": " + text + "}", "application/json"}; };
  options.trace_headers = true;
  start(options);
  Client client(server->port());
  EXPECT_TRUE(client.get("/nothing").ends_with("{/nothing: Not Found}"));
  EXPECT_TRUE(client.get("/echo").ends_with("{/echo: Method Not Allowed}"));
  const std::string fine = client.get("/hello");
  EXPECT_TRUE(has(fine, "X-Request-Id: 3\r\n")) << fine;
  EXPECT_TRUE(has(fine, "X-Cost-Time: ")) << fine;
  EXPECT_TRUE(has(fine, "ms\r\n")) << fine;
  client.send("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  EXPECT_TRUE(has(client.answer(), "{/small: the body is longer than 10 bytes}"));
}

TEST_F(HttpTest, malformed_and_oversized_heads_get_an_answer) {
  start();
  Client garbage(server->port());
  garbage.send("\x16\x03\x01 not http\r\n\r\n");
  EXPECT_TRUE(has(garbage.answer(), "400 Bad Request"));
  Client large(server->port());
  large.send("GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(20000, 'a') + "\r\n\r\n");
  EXPECT_TRUE(has(large.answer(), "431 "));
}

TEST_F(HttpTest, answers_may_come_later_from_another_thread) {
  start();
  Client client(server->port());
  EXPECT_TRUE(has(client.get("/later"), "late"));
  EXPECT_TRUE(has(client.get("/dropped"), "500 Internal Server Error"));
}

TEST_F(HttpTest, connections_are_bounded) {
  ServerOptions options;
  options.limits.connections = 2;
  start(options);
  Client a(server->port()), b(server->port());
  EXPECT_TRUE(has(a.get("/hello"), "200 OK"));
  EXPECT_TRUE(has(b.get("/hello"), "200 OK"));
  Client c(server->port());
  EXPECT_TRUE(has(c.answer(), "503 Service Unavailable"));
}

TEST_F(HttpTest, cors_names_allowed_origins_only) {
  ServerOptions options;
  options.cors_origins = {"https://good.example"};
  start(options);
  Client client(server->port());
  EXPECT_TRUE(has(client.get("/hello", "Origin: https://good.example\r\n"), "Access-Control-Allow-Origin: https://good.example"));
  EXPECT_FALSE(has(client.get("/hello", "Origin: https://bad.example\r\n"), "Access-Control-Allow-Origin"));
  client.send("OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: https://good.example\r\nAccess-Control-Request-Headers: content-type\r\n\r\n");
  const auto preflight = client.answer();
  EXPECT_TRUE(has(preflight, "204 No Content"));
  EXPECT_TRUE(has(preflight, "Access-Control-Allow-Methods: POST"));
  EXPECT_TRUE(has(preflight, "Access-Control-Allow-Headers: content-type"));
}

TEST_F(HttpTest, posts_of_foreign_pages_or_under_foreign_names_are_refused_unread) {
  ServerOptions options;
  options.cors_origins = {"http://localhost:*", "https://good.example"};
  options.hosts = {"localhost", "[::1]"};
  start(options);
  const auto post = [&](const std::string& host, const std::string& more = {}) {
    Client client(server->port());
    client.send("POST /small HTTP/1.1\r\nHost: " + host + "\r\n" + more + "Content-Length: 2\r\n\r\nhi");
    return has(client.answer(), "200 OK");
  };
  EXPECT_TRUE(post("localhost:9944"));
  EXPECT_TRUE(post("LOCALHOST"));
  EXPECT_TRUE(post("[::1]:80"));
  for (const char* origin : {"http://localhost", "http://localhost:3000", "https://good.example"}) EXPECT_TRUE(post("localhost", "Origin: " + std::string(origin) + "\r\n")) << origin;
  EXPECT_EQ(handled, 6);
  for (const char* origin : {"http://localhost.evil.example", "http://localhost:", "http://localhost:3000.evil.example", "https://localhost:1", "null", "https://good.example:1"})
    EXPECT_FALSE(post("localhost", "Origin: " + std::string(origin) + "\r\n")) << origin;
  // a page whose own name points here: same origin to its browser
  EXPECT_FALSE(post("evil.example:9944"));
  EXPECT_FALSE(post("evil.example:9944", "Origin: http://evil.example:9944\r\n"));
  EXPECT_FALSE(post("localhost.evil.example"));
  EXPECT_FALSE(post(""));
  EXPECT_EQ(handled, 6);
  Client reader(server->port());
  EXPECT_TRUE(has(reader.get("/hello"), "200 OK")) << "what only reads is not guarded";
}

TEST_F(HttpTest, port_in_use_is_named) {
  start();
  ServerOptions options;
  options.port = server->port();
  const auto second = Server::start(options, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(has(second.error().message, std::to_string(server->port())));
}

TEST_F(HttpTest, stop_closes_idle_connections_at_once_and_forces_stuck_ones_after_the_grace_time) {
  start();
  Client idle(server->port()), stuck(server->port());
  EXPECT_TRUE(has(idle.get("/hello"), "200 OK"));
  stuck.send("GET /kept HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.get_future().wait();
  server->stop(50);
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_TRUE(stuck.closed_by_server());
  kept({200, "too late"});   // must not crash
  kept = nullptr;
  server.reset();
}

struct WebSocketClient {
  asio::io_context io;
  boost::beast::websocket::stream<tcp::socket> stream{io};
  explicit WebSocketClient(u16 port) {
    stream.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    stream.handshake("127.0.0.1", "/");
  }
  void send(std::string_view text) { stream.write(asio::buffer(text)); }
  std::string receive() {
    boost::beast::flat_buffer buffer;
    boost::system::error_code error;
    stream.read(buffer, error);
    if (error) return "closed " + std::to_string(stream.reason().code);
    return {static_cast<const char*>(buffer.data().data()), buffer.size()};
  }
};

TEST_F(HttpTest, web_socket_answers_in_any_order_and_pushes) {
  std::mutex mutex;
  std::vector<WebSocketHandlers::Done> waiting;
  std::shared_ptr<WebSocket> socket;
  std::promise<void> closed;
  WebSocketHandlers handlers;
  handlers.opened = [&](const auto& s) { socket = s; };
  handlers.message = [&](const auto&, std::string text, WebSocketHandlers::Done done) {
    const std::lock_guard lock(mutex);
    if (text == "keep") return waiting.push_back(std::move(done));
    if (text == "release") waiting.clear();   // dropping counts as an empty answer
    done(text);
  };
  handlers.closed = [&](const auto&) { closed.set_value(); };
  ServerOptions options;
  options.limits.requests_in_flight = 3;
  start(options, handlers);
  {
    WebSocketClient client(server->port());
    client.send("keep");
    client.send("keep");
    client.send("echo");
    EXPECT_EQ(client.receive(), "echo");
    EXPECT_TRUE(socket->send("pushed"));
    EXPECT_EQ(client.receive(), "pushed");
    client.send("release");
    EXPECT_EQ(client.receive(), "release");
    client.stream.close(boost::beast::websocket::close_code::normal);
  }
  closed.get_future().wait();
  EXPECT_FALSE(socket->send("after the end"));
  socket.reset();
}

TEST_F(HttpTest, web_socket_reader_waits_while_too_many_requests_are_open) {
  std::mutex mutex;
  std::vector<WebSocketHandlers::Done> waiting;
  std::atomic<size_t> seen = 0;
  WebSocketHandlers handlers;
  handlers.message = [&](const auto&, std::string, WebSocketHandlers::Done done) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(done));
    ++seen;
  };
  ServerOptions options;
  options.limits.requests_in_flight = 2;
  start(options, handlers);
  WebSocketClient client(server->port());
  for (int i = 0; i < 5; ++i) client.send("x");
  for (int i = 0; i < 200 && seen < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(seen, 2u);
  for (size_t expected = 3; expected <= 5; ++expected) {
    {
      const std::lock_guard lock(mutex);
      waiting.front()("done");
      waiting.erase(waiting.begin());
    }
    for (int i = 0; i < 200 && seen < expected; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(seen, expected);
  }
  server->stop(10);
  waiting.clear();
}

TEST_F(HttpTest, web_socket_that_does_not_read_is_dropped) {
  std::promise<std::shared_ptr<WebSocket>> opened;
  std::promise<void> closed;
  WebSocketHandlers handlers;
  handlers.opened = [&](const auto& s) { opened.set_value(s); };
  handlers.message = [](const auto&, std::string, WebSocketHandlers::Done done) { done({}); };
  handlers.closed = [&](const auto&) { closed.set_value(); };
  ServerOptions options;
  options.limits.send_queue_bytes = 1 << 20;
  start(options, handlers);
  WebSocketClient client(server->port());
  auto socket = opened.get_future().get();
  int sent = 0;
  while (sent < 1000 && socket->send(std::string(100'000, 'x'))) ++sent;
  EXPECT_LT(sent, 1000);
  EXPECT_LE(socket->queued(), 1u << 20);
  closed.get_future().wait();
}

TEST_F(HttpTest, connections_share_memory_and_keep_an_equal_part_when_it_is_used_up) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<WebSocketHandlers::Done> waiting;
  WebSocketHandlers handlers;
  handlers.message = [&](const auto&, std::string text, WebSocketHandlers::Done done) {
    if (text == "ask") return done("answer");
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(done));
    changed.notify_all();
  };
  ServerOptions options;
  options.limits.connections = 8;
  options.limits.memory_bytes = 8000;   // a thousand each
  start(options, handlers);
  const auto hold = [&](WebSocketClient& client, size_t bytes) {
    std::unique_lock lock(mutex);
    const size_t before = waiting.size();
    client.send(std::string(bytes, 'x'));
    changed.wait(lock, [&] { return waiting.size() > before; });
  };
  WebSocketClient greedy(server->port()), modest(server->port()), late(server->port());
  hold(greedy, 7900);
  hold(modest, 500);   // its own part is always there
  late.send("ask");
  EXPECT_EQ(late.receive(), "answer");
  modest.send(std::string(600, 'x'));
  EXPECT_EQ(modest.receive(), "closed 1013");
  Client http(server->port());
  http.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'y'));
  EXPECT_TRUE(has(http.answer(), "200 OK"));
  late.send(std::string(1001, 'x'));
  EXPECT_EQ(late.receive(), "closed 1013");
  {
    const std::lock_guard lock(mutex);
    waiting.clear();   // answered: everything is free again
  }
  WebSocketClient after(server->port());
  hold(after, 7000);
  after.stream.close(boost::beast::websocket::close_code::normal);
  {
    const std::lock_guard lock(mutex);
    waiting.clear();
  }
  server->stop(1000);
}

TEST_F(HttpTest, web_socket_message_over_the_limit_closes_with_1009) {
  WebSocketHandlers handlers;
  handlers.message = [](const auto&, std::string, WebSocketHandlers::Done done) { done("?"); };
  ServerOptions options;
  options.limits.web_socket_message_bytes = 100;
  start(options, handlers);
  WebSocketClient client(server->port());
  client.send(std::string(101, 'x'));
  EXPECT_EQ(client.receive(), "closed 1009");
}

TEST_F(HttpTest, stop_says_goodbye_to_web_sockets) {
  WebSocketHandlers handlers;
  handlers.message = [](const auto&, std::string, WebSocketHandlers::Done done) { done("?"); };
  start({}, handlers);
  WebSocketClient client(server->port());
  client.send("x");
  EXPECT_EQ(client.receive(), "?");
  auto stopped = std::async(std::launch::async, [&] { server->stop(2000); });
  EXPECT_EQ(client.receive(), "closed 1001");
  stopped.wait();
}

}  // namespace
}  // namespace phala::http

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <condition_variable>
#include <mutex>

#include "http/server_test.hpp"

namespace phala::http {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;
using WebSocketTest = ServerTest;

struct WebSocketClient {
  asio::io_context io;
  boost::beast::websocket::stream<tcp::socket, false> stream{io};
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

TEST_F(WebSocketTest, answers_in_any_order_and_pushes) {
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

TEST_F(WebSocketTest, reader_waits_while_too_many_requests_are_open) {
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

TEST_F(WebSocketTest, one_that_does_not_read_is_dropped) {
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

TEST_F(WebSocketTest, connections_share_memory_and_keep_an_equal_part_when_it_is_used_up) {
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

TEST_F(WebSocketTest, message_over_the_limit_closes_with_1009) {
  WebSocketHandlers handlers;
  handlers.message = [](const auto&, std::string, WebSocketHandlers::Done done) { done("?"); };
  ServerOptions options;
  options.limits.web_socket_message_bytes = 100;
  start(options, handlers);
  WebSocketClient client(server->port());
  client.send(std::string(101, 'x'));
  EXPECT_EQ(client.receive(), "closed 1009");
}

TEST_F(WebSocketTest, stop_says_goodbye) {
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

#pragma once
// Why: a running server for the tests of HTTP and of WebSocket, and a client that sends exactly the bytes it is given.

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "http/http.hpp"

namespace phala::http {

/// One connection. Blocking.
class Client {
 public:
  explicit Client(u16 port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// False: the connection ended before all of it was taken.
  bool send(std::string_view text) {
    while (connected_ && !text.empty()) {
      const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return connected_;
  }
  /// Status line and headers, then the body by Content-Length; empty when the server closed.
  std::string answer() {
    while (received_.find("\r\n\r\n") == received_.npos)
      if (!receive()) return {};
    const size_t head = received_.find("\r\n\r\n") + 4, at = received_.find("Content-Length: ");
    const size_t whole = head + (at < head ? std::stoul(received_.substr(at + 16)) : 0);
    while (received_.size() < whole && receive()) {
    }
    std::string text = received_.substr(0, whole);
    received_.erase(0, whole);
    return text;
  }
  std::string get(const std::string& path, const std::string& headers = {}) {
    send("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    return answer();
  }
  bool closed_by_server() { return !receive(); }

 private:
  bool receive() {
    char part[4096];
    const ssize_t size = ::recv(socket_, part, sizeof part, 0);
    if (size > 0) received_.append(part, static_cast<size_t>(size));
    return size > 0;
  }

  const int socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
  bool connected_ = false;
  std::string received_;
};

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

class ServerTest : public ::testing::Test {
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

}  // namespace phala::http

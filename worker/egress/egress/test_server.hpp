#pragma once
// Why: the tests of contracts' HTTP need servers that misbehave in every way, and a few words for what they ask and see.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

#include "egress/http_egress.hpp"

namespace phala::egress::test {

/// A server that says exactly what a test wants it to say, byte by byte: misbehaving is its purpose.
class Server {
 public:
  using Talk = std::function<void(int socket, const std::string& request)>;
  explicit Server(Talk talk, const char* address = "0.0.0.0");
  ~Server();
  bool works() const { return works_; }
  std::string url(const std::string& path, const std::string& host = "127.0.0.1") const { return "http://" + host + ":" + std::to_string(port) + path; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  u16 port = 0;
  std::atomic<int> connections = 0;
  std::atomic<bool> stopping = false;

 private:
  void converse(int peer);

  Talk talk_;
  int listener_ = -1;
  bool works_ = false;
  std::thread acceptor_;
  std::mutex mutex_;
  std::vector<std::thread> talkers_;
  std::vector<std::string> requests_;
};

/// False: the peer has gone.
bool say(int socket, std::string_view text);
std::string response(const std::string& body, const std::string& headers = {}, const std::string& status = "200 OK");
Server::Talk always(std::string text);

inline engine::HttpRequest get(std::string url) { return {std::move(url), "GET", {}, {}}; }
inline Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }
std::vector<AddressRange> loopback();
/// "200 body", or the name of the error.
std::string text_of(const engine::HttpResult& answer);
/// Runs `f` and fails the test when it took longer than `most`.
template <class F>
auto within(std::chrono::milliseconds most, F&& f) {
  const auto begin = std::chrono::steady_clock::now();
  auto out = f();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, most);
  return out;
}

}  // namespace phala::egress::test

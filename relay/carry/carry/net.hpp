#pragma once
// Why: one thread, no locks: everything that happens to the relay happens as a call on its loop. This page is all that the rest
// sees of the network library, so that no other file pays for its headers.

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.hpp"

namespace phala::relay {

/// Where something listens.
struct Address {
  std::string scheme, host, port, path;   ///< host without brackets
};
/// Error: not a URL, or none of the schemes ("ws", "http").
Result<Address> parse_url(const std::string& url, std::string_view scheme);

struct LoopCore;

/// Runs everything below. Callbacks are called on the thread that runs it, never from within the function they were given to.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  /// Until `stop`, SIGTERM or SIGINT.
  void run();
  /// From any thread.
  void stop();
  void post(std::function<void()> call);
  /// Milliseconds of a clock that never goes back.
  u64 now_ms() const;
  LoopCore& core() { return *core_; }

 private:
  std::unique_ptr<LoopCore> core_;
};

/// Calls back once, at the time last set.
class Alarm {
 public:
  Alarm(Loop& loop, std::function<void()> ring);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  void set(u64 in_ms);
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct HttpAnswer { int status = 0; std::string body; };

/// Requests to one server, one after the other over one connection that is kept.
class HttpClient {
 public:
  using Done = std::function<void(Result<HttpAnswer>)>;
  HttpClient(Loop& loop, Address address);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  /// `timeout_ms` counts from when its turn comes. At most `answer_limit` bytes are accepted. Errors: unavailable, with the server's address.
  void post(std::string path, std::string content_type, std::string authorization, std::string body, u64 timeout_ms, size_t answer_limit, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// A connection that is made again whenever it is lost, after 0.2 s, then later and later up to 10 s.
class WebSocketClient {
 public:
  struct Handlers {
    std::function<void()> opened;
    std::function<void(std::string text)> received;
    std::function<void(const Error& why)> lost;   ///< also when it could not be made
  };
  WebSocketClient(Loop& loop, Address address, size_t message_limit, Handlers handlers);
  ~WebSocketClient();
  WebSocketClient(const WebSocketClient&) = delete;
  /// False, and nothing is sent, while there is no connection.
  bool send(std::string text);
  /// Closes and connects anew.
  void reconnect();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace phala::relay

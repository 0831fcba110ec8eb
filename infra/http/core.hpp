#pragma once
// Why: what all connections of a server share. Inside this folder only: http.hpp is what others see. Each kind of connection has its own .cpp,
// so that Beast's templates, which take most of the time to compile, are instantiated in one place each.

#include <algorithm>
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/string.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "http/http.hpp"

namespace phala::http {
namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using beast::error_code;
using std::chrono::milliseconds;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
template <class T = void>
using Task = asio::awaitable<T>;

inline std::string_view text_of(beast::string_view view) { return {view.data(), view.size()}; }

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


/// One connection, as `stop` sees it.
class Open {
 public:
  virtual ~Open() = default;
  /// Runs on the connection's strand. Not forced: finish what is running, take nothing new.
  virtual void shut(bool forced) = 0;
};

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
  bool enter(u64 id, const asio::any_io_executor& strand, std::weak_ptr<Open> connection);
  void leave(u64 id);

  Response refusal(const Request& head, int status, std::string text) const;
  bool origin_allowed(std::string_view origin) const;
  /// May this request change anything? A browser tells the page's origin, and the name under which the page called.
  bool trusted(std::string_view origin, std::string_view host) const;
  /// The route of a request, or the status that says why there is none.
  const Route* find(std::string_view method, std::string_view path, int& status) const;

  Task<> accept_all();
  void stop(u32 grace_ms);

 private:
  /// Precondition: `mutex` is held.
  void shut_all(bool forced);
};

}  // namespace phala::http

#include "http/web_socket.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <deque>

#include "http/web_socket_accept.hpp"

namespace phala::http {
namespace bhttp = beast::http;
namespace bws = beast::websocket;
namespace {

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
  Task<> run(Upgrade upgrade) {
    if (const error_code error = co_await accept_web_socket(stream_, upgrade)) co_return;
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
  WebSocketStream stream_;
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

}  // namespace

Task<> serve_web_socket(std::shared_ptr<ServerCore> core, u64 id, std::string remote, beast::tcp_stream stream, Upgrade request) {
  const asio::any_io_executor strand = stream.get_executor();
  auto connection = std::make_shared<WebSocketConnection>(core, id, std::move(remote), std::move(stream));
  if (core->enter(id, strand, connection)) co_await connection->run(std::move(request));
}

}  // namespace phala::http

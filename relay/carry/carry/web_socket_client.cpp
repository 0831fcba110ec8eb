#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>

#include "carry/net_core.hpp"

namespace phala::relay {

struct WebSocketClient::State : std::enable_shared_from_this<State> {
  using Stream = beast::websocket::stream<beast::tcp_stream, false>;   // no compression: it is never asked for
  asio::io_context& io;
  const Address address;
  const size_t message_limit;
  Handlers handlers;
  asio::steady_timer pause;
  std::optional<Stream> stream;
  std::deque<std::string> out;
  bool open = false, writing = false, closed = false;

  State(asio::io_context& context, Address to, size_t limit, Handlers h) : io(context), address(std::move(to)), message_limit(limit), handlers(std::move(h)), pause(context) {}

  Task<> write() {
    const auto keep = shared_from_this();
    while (open && !out.empty()) {
      error_code error;
      co_await stream->async_write(asio::buffer(out.front()), into(error));
      if (error) break;   // the reader hears of it too
      out.pop_front();
    }
    writing = false;
  }

  Task<error_code> converse() {
    stream.emplace(io);
    error_code error = co_await connect(stream->next_layer(), address);
    if (error) co_return error;
    stream->next_layer().expires_never();
    auto timeouts = beast::websocket::stream_base::timeout::suggested(beast::role_type::client);
    timeouts.handshake_timeout = connect_timeout;
    timeouts.idle_timeout = std::chrono::seconds(30);   // then it is asked whether it still lives
    stream->set_option(timeouts);
    stream->read_message_max(message_limit);
    co_await stream->async_handshake(name_of(address), address.path.empty() ? "/" : address.path, into(error));
    if (error || closed) co_return error;
    open = true;
    handlers.opened();
    beast::flat_buffer buffer;
    while (!closed) {
      co_await stream->async_read(buffer, into(error));
      if (error || closed) break;
      std::string text(static_cast<const char*>(buffer.data().data()), buffer.size());
      buffer.consume(buffer.size());
      if (buffer.capacity() > (1u << 20)) buffer.shrink_to_fit();
      handlers.received(std::move(text));
    }
    co_return error;
  }

  Task<> work() {
    const auto keep = shared_from_this();
    constexpr u64 first_pause_ms = 200, longest_pause_ms = 10'000;
    u64 pause_ms = first_pause_ms;
    while (!closed) {
      const error_code error = co_await converse();
      if (closed) break;
      if (open) pause_ms = first_pause_ms;
      open = false;
      while (writing) {   // the writer still holds the stream
        pause.expires_after(std::chrono::milliseconds(5));
        error_code ignored;
        co_await pause.async_wait(into(ignored));
      }
      out.clear();
      handlers.lost(unreachable(address, error));
      if (closed) break;
      pause.expires_after(std::chrono::milliseconds(pause_ms));
      error_code ignored;
      co_await pause.async_wait(into(ignored));
      pause_ms = std::min(pause_ms * 2, longest_pause_ms);
    }
  }
};

WebSocketClient::WebSocketClient(Loop& loop, Address address, size_t message_limit, Handlers handlers)
    : state_(std::make_shared<State>(loop.core().io, std::move(address), message_limit, std::move(handlers))) {
  asio::co_spawn(state_->io, [state = state_] { return state->work(); }, asio::detached);
}
WebSocketClient::~WebSocketClient() {
  state_->closed = true;
  state_->open = false;
  state_->pause.cancel();
  if (state_->stream) state_->stream->next_layer().cancel();
}
bool WebSocketClient::send(std::string text) {
  if (!state_->open) return false;
  state_->out.push_back(std::move(text));
  if (!state_->writing) {
    state_->writing = true;
    asio::co_spawn(state_->io, [state = state_] { return state->write(); }, asio::detached);
  }
  return true;
}
void WebSocketClient::reconnect() {
  if (state_->open) state_->stream->next_layer().cancel();
}

}  // namespace phala::relay

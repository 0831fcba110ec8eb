#include "carry/net.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>

namespace phala::relay {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
template <class T = void>
using Task = asio::awaitable<T>;

namespace {

constexpr auto connect_timeout = std::chrono::seconds(5);
constexpr size_t answer_header_limit = 16 * 1024;

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }
std::string name_of(const Address& address) { return address.host + ":" + address.port; }
Error unreachable(const Address& address, const error_code& error) {
  const bool refused = error == asio::error::connection_refused;
  return {ErrorCode::unavailable, name_of(address) + ": " + (error == beast::error::timeout ? "no answer in time" : error.message()), refused ? "is it running, and is this its port?" : ""};
}

/// `stream` connected, or the error.
Task<error_code> connect(beast::tcp_stream& stream, const Address& address) {
  error_code error;
  tcp::resolver resolver(stream.get_executor());
  const auto found = co_await resolver.async_resolve(address.host, address.port, into(error));
  if (error) co_return error;
  stream.expires_after(connect_timeout);
  co_await stream.async_connect(found, into(error));
  if (!error) stream.socket().set_option(tcp::no_delay(true), error);
  co_return error;
}

}  // namespace

// ---- loop -----------------------------------------------------------------------------------------------------------------

struct LoopCore {
  asio::io_context io{1};
  asio::signal_set signals{io};
};

Loop::Loop() : core_(std::make_unique<LoopCore>()) {}
Loop::~Loop() = default;
void Loop::run() {
  error_code ignored;
  core_->signals.add(SIGTERM, ignored);
  core_->signals.add(SIGINT, ignored);
  core_->signals.async_wait([this](const error_code& error, int) {
    if (!error) core_->io.stop();
  });
  core_->io.run();
}
void Loop::stop() { core_->io.stop(); }
void Loop::post(std::function<void()> call) { asio::post(core_->io, std::move(call)); }
u64 Loop::now_ms() const { return static_cast<u64>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count()); }

struct Alarm::State {
  asio::steady_timer timer;
  std::function<void()> ring;
};
Alarm::Alarm(Loop& loop, std::function<void()> ring) : state_(std::make_shared<State>(State{asio::steady_timer(loop.core().io), std::move(ring)})) {}
Alarm::~Alarm() { cancel(); }
void Alarm::cancel() { state_->timer.cancel(); }
void Alarm::set(u64 in_ms) {
  state_->timer.expires_after(std::chrono::milliseconds(in_ms));
  state_->timer.async_wait([weak = std::weak_ptr(state_)](const error_code& error) {
    if (const auto state = weak.lock(); state && !error) state->ring();
  });
}

// ---- HTTP -----------------------------------------------------------------------------------------------------------------

struct HttpClient::State : std::enable_shared_from_this<State> {
  struct Waiting {
    beast::http::request<beast::http::string_body> request;
    u64 timeout_ms;
    size_t answer_limit;
    Done done;
  };
  asio::io_context& io;
  const Address address;
  std::deque<Waiting> waiting;
  std::optional<beast::tcp_stream> stream;
  bool running = false, closed = false;

  State(asio::io_context& context, Address to) : io(context), address(std::move(to)) {}

  /// Sends and reads once on the connection that is there. `begun`: a part of the answer has come.
  Task<Result<HttpAnswer>> exchange(const Waiting& one, error_code& error, bool& begun) {
    beast::flat_buffer buffer;
    beast::http::response_parser<beast::http::string_body> parser;
    parser.header_limit(answer_header_limit);
    parser.body_limit(one.answer_limit);
    stream->expires_after(std::chrono::milliseconds(one.timeout_ms));
    co_await beast::http::async_write(*stream, one.request, into(error));
    if (!error) co_await beast::http::async_read(*stream, buffer, parser, into(error));
    begun = parser.got_some();
    if (error) {
      stream.reset();
      co_return fail(unreachable(address, error));
    }
    HttpAnswer answer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
    if (!parser.get().keep_alive()) stream.reset();
    co_return answer;
  }

  Task<Result<HttpAnswer>> perform(const Waiting& one) {
    error_code error;
    bool begun = false;
    if (stream) {
      auto answer = co_await exchange(one, error, begun);
      // a server may close a kept connection at any time; that is not a failure
      const bool stale = error == beast::http::error::end_of_stream || error == asio::error::connection_reset || error == asio::error::broken_pipe || error == asio::error::eof;
      if (answer || begun || !stale) co_return answer;
    }
    stream.emplace(io);
    error = co_await connect(*stream, address);
    if (error) {
      stream.reset();
      co_return fail(unreachable(address, error));
    }
    co_return co_await exchange(one, error, begun);
  }

  Task<> work() {
    const auto keep = shared_from_this();
    while (!waiting.empty() && !closed) {
      const Waiting one = std::move(waiting.front());
      waiting.pop_front();
      auto answer = co_await perform(one);
      if (closed) break;
      one.done(std::move(answer));
    }
    running = false;
  }
};

HttpClient::HttpClient(Loop& loop, Address address) : state_(std::make_shared<State>(loop.core().io, std::move(address))) {}
HttpClient::~HttpClient() {
  state_->closed = true;
  if (state_->stream) state_->stream->cancel();
}
void HttpClient::post(std::string path, std::string content_type, std::string authorization, std::string body, u64 timeout_ms, size_t answer_limit, Done done) {
  namespace field = beast::http;
  State::Waiting one;
  one.request = {field::verb::post, state_->address.path + path, 11, std::move(body)};
  one.request.set(field::field::host, name_of(state_->address));
  one.request.set(field::field::content_type, content_type);
  if (!authorization.empty()) one.request.set(field::field::authorization, authorization);
  one.request.prepare_payload();
  one.timeout_ms = timeout_ms;
  one.answer_limit = answer_limit;
  one.done = std::move(done);
  state_->waiting.push_back(std::move(one));
  if (state_->running) return;
  state_->running = true;
  asio::co_spawn(state_->io, [state = state_] { return state->work(); }, asio::detached);
}

// ---- WebSocket ------------------------------------------------------------------------------------------------------------

struct WebSocketClient::State : std::enable_shared_from_this<State> {
  using Stream = beast::websocket::stream<beast::tcp_stream>;
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

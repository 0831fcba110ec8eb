#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <deque>

#include "carry/net_core.hpp"

namespace phala::relay {
namespace {
constexpr size_t answer_header_limit = 16 * 1024;   // bytes
}

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

}  // namespace phala::relay

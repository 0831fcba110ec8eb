#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "carry/net_core.hpp"

namespace phala::relay {

using asio::ip::tcp;

std::string name_of(const Address& address) { return address.host + ":" + address.port; }

Error unreachable(const Address& address, const error_code& error) {
  const bool refused = error == asio::error::connection_refused;
  return {ErrorCode::unavailable, name_of(address) + ": " + (error == beast::error::timeout ? "no answer in time" : error.message()), refused ? "is it running, and is this its port?" : ""};
}

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

}  // namespace phala::relay

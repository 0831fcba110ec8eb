#pragma once
// Why: what the loop and both clients share of the network library. Inside this folder only: net.hpp is what others see. Each client has its own
// .cpp, so that Beast's templates, which take most of the time to compile, are instantiated in one place each.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "carry/net.hpp"

namespace phala::relay {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
template <class T = void>
using Task = asio::awaitable<T>;

struct LoopCore {
  asio::io_context io{1};
  asio::signal_set signals{io};
};

constexpr auto connect_timeout = std::chrono::seconds(5);

inline auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }
/// "127.0.0.1:9944"
std::string name_of(const Address& address);
Error unreachable(const Address& address, const error_code& error);
/// `stream` connected, or the error.
Task<error_code> connect(beast::tcp_stream& stream, const Address& address);

}  // namespace phala::relay

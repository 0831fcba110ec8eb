#include "http/web_socket_accept.hpp"

namespace phala::http {

Task<error_code> accept_web_socket(WebSocketStream& stream, const Upgrade& request) {
  auto [error] = co_await stream.async_accept(request, as_result);
  co_return error;
}

}  // namespace phala::http

#pragma once
// Why: the handshake sends an HTTP response of its own, which takes as long to compile as all the rest of a WebSocket.

#include <boost/beast/websocket/stream.hpp>

#include "http/web_socket.hpp"

namespace phala::http {

/// Without compression: it is never offered, and would be compiled for nothing.
using WebSocketStream = beast::websocket::stream<beast::tcp_stream, false>;

/// Answers the request for a WebSocket. Gives an error when it could not be sent, or the request was none.
Task<error_code> accept_web_socket(WebSocketStream& stream, const Upgrade& request);

}  // namespace phala::http

#pragma once
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/core.hpp"

namespace phala::http {

/// The request that asks for a WebSocket.
using Upgrade = beast::http::request<beast::http::string_body>;

/// Ends when the connection has; it has the place of connection `id` in `core` until then.
Task<> serve_web_socket(std::shared_ptr<ServerCore> core, u64 id, std::string remote, beast::tcp_stream stream, Upgrade request);

}  // namespace phala::http

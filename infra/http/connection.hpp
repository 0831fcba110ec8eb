#pragma once
#include "http/core.hpp"

namespace phala::http {

/// Serves the requests that come on `socket`, until one of both sides closes it. False: the server is stopping. `core` outlives it.
bool serve_http(ServerCore& core, u64 id, tcp::socket socket, std::string remote);

}  // namespace phala::http

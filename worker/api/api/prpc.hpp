#pragma once
// Why: every method of the worker's interface is one row: name, who may call it, how long its body may be, what it does. Bodies are protobuf or
// JSON; only prpc.cpp and its neighbours know either library.

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "api/service.hpp"

namespace phala::worker {

/// What methods need beside the service.
struct ApiContext {
  Service& service;
  std::string version, commit;
  std::function<void(bool remove_state)> stop;   ///< ends the program soon after
};

struct PrpcAnswer {
  int status = 200;
  std::string body;
  bool json = false;
};
using PrpcRespond = std::function<void(PrpcAnswer)>;

enum class Access : u8 { everyone, relay };   ///< relay: the private port, with the token

struct PrpcMethod {
  std::string_view name;      ///< "GetInfo"; the path is /prpc/PhactoryAPI.GetInfo
  Access access;
  size_t body_limit;          ///< bytes
  bool slow;                  ///< not on an I/O thread
  bool (*takes_nothing)();    ///< GET is allowed
  void (*run)(ApiContext& context, std::string_view body, bool json, const PrpcRespond& respond);
};
/// All of them.
std::span<const PrpcMethod> prpc_methods();

/// The body of a refusal, as clients decode it.
PrpcAnswer prpc_error(int status, std::string_view message, bool json);
/// GetInfo in JSON, for `/info`.
std::string info_json(ApiContext& context);

}  // namespace phala::worker

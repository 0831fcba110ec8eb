#pragma once
// Why: every method of the worker's interface is one row: name, who may call it, how long its body may be, where it runs, what it does. Bodies are
// protobuf or JSON; only prpc.cpp and its neighbours know either library.

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

enum class Access : u8 {
  everyone,
  relay,    ///< the private port, with the token
  nobody,   ///< clients know it, this version does not have it: it says so, at once and whatever the body is
};
enum class Runs : u8 {
  at_once,   ///< on an I/O thread
  beside,    ///< on a pool for what takes long and anybody may ask
  in_turn,   ///< one after the other, with what else the relay brings
};

struct PrpcMethod {
  std::string_view name;      ///< "GetInfo"; the path is /prpc/PhactoryAPI.GetInfo
  Access access;
  size_t body_limit;          ///< bytes
  Runs runs;
  std::string (*request)(), (*response)();   ///< names of the messages
  void (*run)(ApiContext& context, std::string_view body, bool json, const PrpcRespond& respond);
  /// GET is allowed.
  bool takes_nothing() const { return access != Access::nobody && request() == "Empty"; }
};
/// All of them.
std::span<const PrpcMethod> prpc_methods();

/// The body of a refusal, as clients decode it.
PrpcAnswer prpc_error(int status, std::string_view message, bool json);
/// GetInfo in JSON, for `/info`.
std::string info_json(ApiContext& context);
/// The interface as a .proto text, for `/help`.
std::string help_text();

}  // namespace phala::worker

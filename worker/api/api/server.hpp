#pragma once
// Why: two ports with two rights. The public one answers everybody what is meant for everybody, signed; the private one belongs to the relay,
// which must show the token.

#include "api/prpc.hpp"
#include "http/http.hpp"
#include "tasks/tasks.hpp"

namespace phala::worker {

struct ApiOptions {
  std::string address = "127.0.0.1";
  u16 port = 8000;                          ///< private
  std::string public_address = "0.0.0.0";
  std::optional<u16> public_port;
  bool allow_cors = false;                  ///< on the public port, for pages of any origin
  std::string token;                        ///< of the private port, not empty
  u32 stop_grace_ms = 5000;                 ///< for requests under way when it is destroyed; later answers go nowhere
};

class Api {
 public:
  /// Serves until destroyed. Everything in `context`, and `metrics`, must outlive it, but queries that the service still runs may end after it.
  /// Errors: a port that cannot be had.
  static Result<std::unique_ptr<Api>> start(ApiContext context, const ApiOptions& options, const Metrics& metrics);
  ~Api();
  u16 port() const { return private_->port(); }
  u16 public_port() const { return public_ ? public_->port() : 0; }

 private:
  Api(ApiContext context, u32 grace_ms) : context_(std::move(context)), grace_ms_(grace_ms), in_turn_(1, 64), beside_(2, 64) {}
  std::vector<http::Route> routes(bool is_public, const std::string& token, const Metrics& metrics);
  void add_prpc(std::vector<http::Route>& out, bool is_public, const std::string& token);
  void call(const PrpcMethod& method, http::Request request, const PrpcRespond& respond, bool json);
  ApiContext context_;
  const u32 grace_ms_;
  CpuPool in_turn_;     ///< one thread: what the relay brings is taken one after the other
  CpuPool beside_;      ///< what anybody may ask and takes long; never in the way of the relay
  std::unique_ptr<http::Server> private_, public_;
};

}  // namespace phala::worker

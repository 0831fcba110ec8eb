#pragma once
// Why: the relay's tests need a worker that takes only what verifies, says what it is told to, and can be made to fail.

#include <mutex>

#include "carry/relay.hpp"
#include "http/http.hpp"
#include "light/light.hpp"
#include "primitives/protocol.hpp"

namespace phala::relay {

/// A worker's private port over a real light client: it takes only what verifies.
class TestWorker {
 public:
  TestWorker(u8 n, const light::TrustRoot& trust);
  ~TestWorker();
  FleetMember member() const { return {"http://127.0.0.1:" + std::to_string(server_->port()), token_file}; }
  BlockNumber next_block() {
    const std::lock_guard lock(mutex);
    return tip_.number + 1;
  }
  void say(const MessageOrigin& sender, u64 sequence) {
    const std::lock_guard lock(mutex);
    egress.push_back({{sender, to_bytes(std::string_view("phala/mining/report")), {1, 2, 3}}, sequence, Bytes(64, 9)});
  }
  MessageOrigin self() const { return origin::Worker{key}; }
  size_t waiting() {
    const std::lock_guard lock(mutex);
    return egress.size();
  }

  std::mutex mutex;
  PublicKey key;
  std::string token_file;
  std::vector<SignedMessage> egress;
  bool hang = false, broken = false;
  u32 batches = 0, refused_batches = 0, settlements = 0;
  size_t window = 1000;   // messages of a stream given at once
  size_t largest_batch = 0;

 private:
  using Method = Result<std::string> (TestWorker::*)(const std::string& body);
  void answer(std::string_view name, Method method, const http::Request& request, const http::Respond& respond);
  Result<std::string> info(const std::string&);
  Result<std::string> sync(const std::string& body);
  Result<std::string> egress_messages(const std::string&);
  Result<std::string> settle(const std::string& body);
  Result<std::string> endpoint(const std::string&);
  Result<std::string> registration(const std::string& body);

  const light::TrustRoot trust_;
  light::Tip tip_;
  std::vector<MessageOrigin> asked_;
  std::vector<http::Respond> kept_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace phala::relay

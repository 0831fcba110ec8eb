// Every method of the worker's interface, in protobuf and in JSON, with any body: it answers once, and with a body its clients can decode.

#include <future>

#include "api/prpc.hpp"
#include "base/assert.hpp"
#include "seal/memory_files.hpp"

using namespace phala;
using namespace phala::worker;

namespace {

struct Worker {
  MemoryFiles files;
  egress::HttpEgress http{{}};
  Metrics metrics;
  std::unique_ptr<Service> service;
  Worker() {
    ServiceConfig config;
    config.machine.trust.finalizer = light::TrustedSealer{PublicKey(Bytes(32, 1))};
    config.machine.development = true;
    service = std::move(*Service::start(config, Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 1))), no_evidence(), files, http, metrics));
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Worker worker;
  if (size < 2) return 0;
  const auto methods = prpc_methods();
  const PrpcMethod& method = methods[data[0] % methods.size()];
  const std::string body(reinterpret_cast<const char*>(data + 2), size - 2);
  ApiContext context{*worker.service, "fuzz", "fuzz", [](bool) {}};
  std::promise<PrpcAnswer> promise;
  method.run(context, body, data[1] & 1, [&](PrpcAnswer answer) { promise.set_value(std::move(answer)); });   // a second answer throws
  const PrpcAnswer answer = promise.get_future().get();
  PHALA_ASSERT(answer.status == 200 || answer.status == 400 || answer.status == 500);
  PHALA_ASSERT(answer.status == 200 || !answer.body.empty());
  PHALA_ASSERT(answer.json == ((data[1] & 1) != 0));
  return 0;
}

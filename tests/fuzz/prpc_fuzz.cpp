// Every method of the worker's interface, in protobuf and in JSON, with any body: it answers once, and with a body its clients can decode. The worker runs a
// cluster with a contract. In one mode the input is sealed and signed as a client does it, so that queries are opened and run, and their answers opened.

#include <future>

#include "api/proto_json.hpp"
#include "api/prpc.hpp"
#include "cluster_world.hpp"
#include "pruntime_rpc.pb.h"
#include "seal/memory_files.hpp"

using namespace phala;
using namespace phala::worker;
namespace rpc = pruntime_rpc;

namespace {

struct Worker {
  test::ClusterWorld world;
  MemoryFiles files;
  egress::HttpEgress http{{}};   // what contracts here may call they do not
  Metrics metrics;
  std::unique_ptr<Service> service;
  Sr25519Pair asker = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 33)));
  SecretBytes<32> agreed = *asker.agree(world.key(0));

  Worker() {
    ServiceConfig config;
    config.machine = world.config;
    service = std::move(*Service::start(config, world.workers[0].identity.clone(), no_evidence(), files, http, metrics));
    for (const auto& batch : world.batches) PHALA_ASSERT(service->sync(scale::encode(batch)).has_value());
    PHALA_ASSERT(service->machine()->cluster.has_value());
  }
  PrpcAnswer answer(const PrpcMethod& method, const std::string& body, bool json) {
    ApiContext context{*service, "fuzz", "fuzz", [](bool) {}};
    std::promise<PrpcAnswer> promise;
    method.run(context, body, json, [&](PrpcAnswer given) { promise.set_value(std::move(given)); });   // a second answer throws
    const PrpcAnswer out = promise.get_future().get();
    PHALA_ASSERT(out.status == 200 || out.status == 400 || out.status == 500);
    PHALA_ASSERT(out.status == 200 || !out.body.empty());
    PHALA_ASSERT(out.json == json);
    return out;
  }
};

const PrpcMethod& method_named(std::string_view name) {
  for (const auto& method : prpc_methods())
    if (method.name == name) return method;
  PHALA_ASSERT(false);
}

/// contract ‖ kind ‖ rest: a query to one of the contracts here, or any plaintext.
Bytes plaintext(const Worker& worker, ByteView input) {
  if (input.size() < 2) return {};
  const protocol::ContractId contracts[] = {worker.world.flipper, *worker.world.machine().cluster->system_contract(), Hash{}, Hash(Bytes(32, 5))};
  const ByteView rest = input.subspan(2);
  query::Kind kind = query::InkMessage{to_bytes(rest), 0, 0, false};
  switch (input[1] % 6) {
    case 0: break;
    case 1: kind = query::InkMessage{to_bytes(rest), 0, 0, true}; break;
    case 2: kind = query::SidevmMessage{to_bytes(rest)}; break;
    case 3: kind = query::InkInstantiate{crypto::blake2_256(test::ClusterWorld::flipper_code()), {1, 2}, to_bytes(rest), 1'000'000, 0}; break;
    case 4:
      if (auto any = scale::decode<query::Kind>(rest)) kind = std::move(*any);
      break;
    case 5: return to_bytes(rest);
  }
  return scale::encode(ContractQuery{contracts[input[0] % 4], Hash(Bytes(32, 8)), kind});
}

/// Sealed for the worker, and in most cases signed; the answer is what only the asker can open.
void sealed_query(Worker& worker, bool json, bool is_signed, ByteView input) {
  const Bytes plain = plaintext(worker, input);
  const crypto::Iv iv(Bytes(12, 1));
  const Bytes sealed = scale::encode(protocol::EncryptedData{iv.as<FixedBytes<12>>(), worker.asker.public_key(), crypto::aes256gcm_seal(worker.agreed, iv, plain)});
  rpc::ContractQueryRequest request;
  request.set_encoded_encrypted_data(std::string(as_text(sealed)));
  if (is_signed) {
    auto& signature = *request.mutable_signature();
    signature.mutable_signed_by()->set_encoded_body(std::string(as_text(scale::encode(CertificateBody{to_bytes(worker.asker.public_key()), 0x7fffffff, 0}))));
    signature.set_signature_type(1);
    signature.set_signature(std::string(as_text(worker.asker.sign(sealed))));
  }
  const auto answer = worker.answer(method_named("ContractQuery"), json ? to_json(request) : request.SerializeAsString(), json);
  const auto query = scale::decode<ContractQuery>(plain);
  if (answer.status != 200) return PHALA_ASSERT(!query || answer.status == 500);   // what decodes was the worker's to answer
  rpc::ContractQueryResponse response;
  PHALA_ASSERT(json ? from_json(answer.body, response).has_value() : response.ParseFromString(answer.body));
  const auto data = scale::decode<protocol::EncryptedData>(as_bytes(response.encoded_encrypted_data()));
  PHALA_ASSERT(query && data && data->pubkey == worker.world.key(0));
  const auto opened = crypto::aes256gcm_open(worker.agreed, data->iv.as<crypto::Iv>(), data->data);
  PHALA_ASSERT(opened && starts_with(*opened, query->nonce));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Worker worker;
  if (size < 2) return 0;
  const bool json = data[1] & 1;
  if (data[1] & 2) {
    sealed_query(worker, json, !(data[1] & 4), {data + 2, size - 2});
  } else {
    const auto methods = prpc_methods();
    worker.answer(methods[data[0] % methods.size()], std::string(reinterpret_cast<const char*>(data + 2), size - 2), json);
  }
  return 0;
}

// SCALE: whatever decodes must encode back to the same bytes, and nothing may crash, hang or allocate without bound.

#include "base/assert.hpp"
#include "primitives/protocol.hpp"

using namespace phala;

template <class T>
void check(ByteView input) {
  if (const auto value = scale::decode<T>(input)) PHALA_ASSERT(same_bytes(scale::encode(*value), input));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 12) {
    case 0: check<Header>(input); break;
    case 1: check<SignedMessage>(input); break;
    case 2: check<BlockMessages>(input); break;
    case 3: check<protocol::SystemEvent>(input); break;
    case 4: check<protocol::GatekeeperLaunch>(input); break;
    case 5: check<protocol::KeyDistribution>(input); break;
    case 6: check<protocol::ClusterOperation>(input); break;
    case 7: check<protocol::ContractOperation>(input); break;
    case 8: check<protocol::CommandPayload>(input); break;
    case 9: check<protocol::WorkerRegistrationInfoV2>(input); break;
    case 10: check<protocol::WorkerEndpointPayload>(input); break;
    case 11: check<std::map<Bytes, std::vector<std::optional<scale::Compact<u64>>>>>(input); break;
  }
  return 0;
}

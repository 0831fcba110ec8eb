// Extrinsics are the chain's door: any bytes are decoded, validated and applied on a small chain. Nothing may crash or hang; what is
// refused leaves no trace; a block replays to itself; and no ordinary account can make or lose money of the whole.

#include "base/assert.hpp"
#include "runtime/test_chain.hpp"

using namespace phala;
using namespace phala::runtime;

namespace {

const testing::TestChain& chain() {
  static const testing::TestChain made;
  return made;
}

Balance sum_of_balances(Pallets& p) {
  Balance sum = 0;
  p.system.account.for_each([&](const AccountId&, const AccountInfo& info) { sum += info.data.free + info.data.reserved; });
  return sum;
}

/// Bob's, with any call: the signature counts as checked, so that the fuzzer gets behind it.
Bytes from_bob(ByteView call) {
  static const AccountId bob = testing::pair_of("//Bob").account();
  return encode_extrinsic(ExtrinsicSignature{bob, signature::Sr25519{}, {}}, call);
}

void try_extrinsic(ByteView extrinsic) {
  const auto& c = chain();
  std::optional<SignedContext> context;
  if (const auto parts = split_extrinsic(extrinsic); parts && parts->signature) {
    if (const auto known = signing_context(c.state, c.head, parts->signature->extra.era)) context = *known;
  }
  const auto* good_under = context ? &*context : nullptr;
  const auto valid = validate(c.state, c.head, extrinsic, good_under);
  auto block = c.builder();
  const auto applied = block.apply(extrinsic, good_under);
  // what a pool admits and can run now is applied, unless the sender's money is gone by a rule of the call itself
  if (valid && valid->requires_.empty()) PHALA_ASSERT(applied.has_value());
  const auto done = std::move(block).finish();
  if (!applied) {
    PHALA_ASSERT(done.extrinsics.size() == 1);
    static const StateDiff empty_block = c.builder().finish().diff;
    PHALA_ASSERT(done.diff == empty_block);
    return;
  }
  MapState after = c.state;
  after.apply(done.diff);
  Pallets p(after);
  PHALA_ASSERT(sum_of_balances(p) == p.balances.total_issuance.get());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  if (data[0] % 2 == 0) try_extrinsic(input);
  else try_extrinsic(from_bob(input));
  // whatever decodes as a call encodes back to the same bytes
  if (const auto call = scale::decode<RuntimeCall>(input)) PHALA_ASSERT(same_bytes(scale::encode(*call), input));
  return 0;
}

// SCALE: whatever decodes must encode back to the same bytes, and nothing may crash, hang or allocate without bound. The first byte chooses the type.

#include "base/assert.hpp"
#include "scale_types.hpp"

using namespace phala;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  fuzz::for_each_scale_type([&]<class T>(size_t place) {
    if (place != data[0] % std::tuple_size_v<fuzz::ScaleTypes>) return;
    if (const auto value = scale::decode<T>(input)) PHALA_ASSERT(same_bytes(scale::encode(*value), input));
  });
  return 0;
}

// Metadata from an untrusted node, and values by it: the command line must survive both.

#include <nlohmann/json.hpp>

#include "metadata/value.hpp"

using namespace phala;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  const size_t split = std::min<size_t>(load_le<u16>(data), size - 2);
  const ByteView first(data + 2, split), second(data + 2 + split, size - 2 - split);
  if (const auto parsed = metadata::parse(first)) {
    const auto types = metadata::types_of(*parsed);
    if (!types.empty()) static_cast<void>(metadata::decode_all(types, second.empty() ? 0 : second[0] % types.size(), second));
  }
  const auto json = nlohmann::json::parse(as_text(first), nullptr, false);
  if (json.is_discarded()) return 0;
  if (const auto types = metadata::types_from_ink(json))
    for (u32 id = 0; id < types->size() && id < 8; ++id) {
      const auto value = metadata::decode_all(*types, id, second);
      if (value) static_cast<void>(metadata::encode(*types, id, *value));
    }
  return 0;
}

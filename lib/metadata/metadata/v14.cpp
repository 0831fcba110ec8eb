#include "metadata/v14.hpp"

namespace phala::metadata {

Result<Metadata> parse(ByteView bytes) {
  if (bytes.size() < 5 || as_text(bytes.first(4)) != "meta") return fail(ErrorCode::invalid_input, "this is not runtime metadata");
  if (bytes[4] != 14) return fail(ErrorCode::invalid_input, "runtime metadata has version " + std::to_string(bytes[4]) + ", this program reads version 14");
  auto out = TRY(scale::decode<Metadata>(bytes).map_error(scale::to_error).context("runtime metadata"));
  for (size_t i = 0; i < out.types.size(); ++i)
    if (out.types[i].id.value != i) return fail(ErrorCode::invalid_input, "runtime metadata: type " + std::to_string(i) + " is out of order");
  return out;
}

}  // namespace phala::metadata

#include "primitives/header.hpp"

#include "crypto/hash.hpp"

namespace phala {

Hash Header::hash() const { return crypto::blake2_256(scale::encode(*this)); }

Result<MessageLogDigest> message_log_of(const Header& header) {
  const Bytes* data = nullptr;
  for (const auto& item : header.digest.logs) {
    const auto* consensus = item.get_if<digest::Consensus>();
    if (!consensus || consensus->engine != message_log_engine) continue;
    if (data) return fail(ErrorCode::invalid_input, "header " + std::to_string(header.number) + " has two message logs");
    data = &consensus->data;
  }
  if (!data) return fail(ErrorCode::invalid_input, "header " + std::to_string(header.number) + " has no message log");
  return scale::decode<MessageLogDigest>(*data).map_error(scale::to_error);
}

}  // namespace phala

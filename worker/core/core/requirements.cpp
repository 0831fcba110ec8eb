#include "core/requirements.hpp"

#include <algorithm>
#include <tuple>

#include "crypto/hash.hpp"

namespace phala::worker {

namespace {

Bytes value_key(std::string_view name) { return concat(crypto::twox_128(as_bytes("PhalaRegistry")), crypto::twox_128(as_bytes(name))); }

std::string text_of(u32 version) {
  return std::to_string(version >> 16) + "." + std::to_string(version >> 8 & 0xff) + "." + std::to_string(version & 0xff);
}

/// Absent: what a fresh chain says, which is nothing.
template <class T>
Result<T> value_of(const std::optional<Bytes>& raw, const char* name) {
  if (!raw) return T{};
  return scale::decode<T>(*raw).map_error(scale::to_error).context(name);
}

}  // namespace

std::vector<Bytes> requirement_keys() { return {value_key("MinimumPRuntimeVersion"), value_key("PRuntimeConsensusVersion"), value_key("PRuntimeAllowList")}; }

Result<Requirements> requirements_of(std::span<const std::optional<Bytes>> values, const Build& build, BlockNumber read_at) {
  if (values.size() != requirement_keys().size()) return fail(ErrorCode::internal, "requirements: not one value per key");
  const auto [major, minor, patch] = TRY((value_of<std::tuple<u32, u32, u32>>(values[0], "MinimumPRuntimeVersion")));
  Requirements out;
  out.read_at = read_at;
  // parts beyond a byte cannot be met by any version that fits: they count as the highest
  out.minimum_version = std::min<u32>(major, 0xffff) << 16 | std::min<u32>(minor, 0xff) << 8 | std::min<u32>(patch, 0xff);
  out.consensus_version = TRY(value_of<u32>(values[1], "PRuntimeConsensusVersion"));
  const auto allowed = TRY(value_of<std::vector<Bytes>>(values[2], "PRuntimeAllowList"));
  out.excused = build.enclave && std::any_of(allowed.begin(), allowed.end(), [&](const Bytes& entry) { return starts_with(entry, *build.enclave); });
  return out;
}

Result<> check_build(const Requirements& requirements, const Build& build) {
  const char* upgrade = "upgrade phala-worker and start it on the same folder; it goes on where it stopped";
  if (requirements.consensus_version > max_consensus_version)
    return fail(ErrorCode::refused, "this worker is too old: the network's consensus version is " + std::to_string(requirements.consensus_version) + ", it knows " +
                                        std::to_string(max_consensus_version), upgrade);
  if (build.version < requirements.minimum_version && !requirements.excused)
    return fail(ErrorCode::refused, "this worker is too old: it is version " + text_of(build.version) + ", the network requires " + text_of(requirements.minimum_version), upgrade);
  return {};
}

Result<> check_service(const Requirements& requirements, const Build& build, BlockNumber tip) {
  TRY(check_build(requirements, build));
  if (requirements.read_at && u64{*requirements.read_at} + max_unread_blocks >= tip) return {};
  return fail(ErrorCode::unavailable, "the relay has not proven for " + (requirements.read_at ? std::to_string(tip - *requirements.read_at) + " blocks" : std::string("any block")) +
                                          " which worker versions the network accepts",
              "let the relay reach the end of the chain; it then brings the proof by itself");
}

}  // namespace phala::worker

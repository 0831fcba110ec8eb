#pragma once
// Why: the chain admits a worker by evidence that binds exactly what it registers: identity, chain, features, operator.

#include <functional>
#include <mutex>

#include "primitives/protocol.hpp"

namespace phala::worker {

/// Makes evidence over `info_hash` (blake2_256 of the encoded registration info; 32 bytes, the rest of the report data zero) at unix time `now_s`.
/// Gives SCALE of Option<AttestationReport>.
struct EvidenceCollector {
  std::string provider;   ///< JSON as operators' tools read it: "\"dcap\"", "null"
  std::function<Result<Bytes>(const Hash& info_hash, u64 now_s)> collect;
  /// The quote alone, over the worker's public key in place of the hash. Nothing where there is no evidence.
  std::function<Result<std::optional<Bytes>>(const PublicKey& worker, u64 now_s)> quote;
};
/// For chains that admit workers without evidence.
EvidenceCollector no_evidence();
/// SCALE of Some(SgxDcap{quote, collateral}); `collateral`: the encoded nine documents.
Bytes encode_dcap_report(ByteView quote, ByteView encoded_collateral);

struct RegistrationResponse {
  Bytes encoded_info;     ///< SCALE WorkerRegistrationInfoV2
  Bytes encoded_report;   ///< SCALE Option<AttestationReport>
  std::string provider;
  u64 timestamp_s = 0;
};

/// Makes evidence once and keeps it while it is fresh. Thread-safe.
class Registration {
 public:
  static constexpr u64 keep_s = 3600;
  Registration(protocol::WorkerRegistrationInfoV2 info, EvidenceCollector collector) : info_(std::move(info)), collector_(std::move(collector)) {}
  /// `operator_`: another one than before makes new evidence, as do `refresh` and age.
  Result<RegistrationResponse> get(const std::optional<AccountId>& operator_, bool refresh, u64 now_s);
  /// What contracts show to prove on which worker they run: made once and kept as long. Nothing where there is no evidence.
  Result<std::optional<Bytes>> quote(u64 now_s);

 private:
  static bool is_fresh(u64 made_s, u64 now_s) { return now_s >= made_s && now_s < made_s + keep_s; }
  std::mutex mutex_;
  protocol::WorkerRegistrationInfoV2 info_;
  EvidenceCollector collector_;
  std::optional<RegistrationResponse> kept_;
  std::optional<Bytes> quote_;
  u64 quoted_s_ = 0;
};

/// [cores, level]: 1, +1 with AVX2, +1 with AVX-512F too (docs/protocol.md §5.1).
std::vector<u32> cpu_features(u32 cores);

}  // namespace phala::worker

#include "api/registration.hpp"

#include "crypto/hash.hpp"

namespace phala::worker {

EvidenceCollector no_evidence() {
  return {"null", [](const Hash&, u64) -> Result<Bytes> { return Bytes{0}; }, [](const PublicKey&, u64) -> Result<std::optional<Bytes>> { return std::nullopt; }};
}

Bytes encode_dcap_report(ByteView quote, ByteView encoded_collateral) {
  // Some ‖ AttestationReport::SgxDcap ‖ quote ‖ Some ‖ Collateral::SgxV30 (docs/protocol.md §5.2)
  Bytes out{1, 1};
  append(out, scale::encode(to_bytes(quote)));
  append(out, Bytes{1, 0});
  append(out, encoded_collateral);
  return out;
}

Result<RegistrationResponse> Registration::get(const std::optional<AccountId>& operator_, bool refresh, u64 now_s) {
  const std::lock_guard lock(mutex_);
  const bool other = operator_ && operator_ != info_.operator_;
  if (kept_ && !refresh && !other && is_fresh(kept_->timestamp_s, now_s)) return *kept_;
  auto info = info_;
  if (operator_) info.operator_ = operator_;
  RegistrationResponse out{scale::encode(info), {}, collector_.provider, now_s};
  out.encoded_report = TRY(collector_.collect(crypto::blake2_256(out.encoded_info), now_s).context("attestation evidence"));
  info_ = std::move(info);
  kept_ = out;
  return out;
}

Result<std::optional<Bytes>> Registration::quote(u64 now_s) {
  const std::lock_guard lock(mutex_);
  if (quote_ && is_fresh(quoted_s_, now_s)) return quote_;
  quote_ = TRY(collector_.quote(info_.pubkey, now_s).context("quote over the worker's key"));
  quoted_s_ = now_s;
  return quote_;
}

std::vector<u32> cpu_features(u32 cores) {
  u32 level = 1;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) level += __builtin_cpu_supports("avx512f") ? 2 : 1;
#endif
  return {cores, level};
}

}  // namespace phala::worker

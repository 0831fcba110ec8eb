// Cold: nothing known. New platform: collateral and PCK authority known, PCK certificate not. Known platform: only the quote is new.
#include <benchmark/benchmark.h>

#include "attest/golden.hpp"
#include "attest/quote.hpp"

namespace phala::attest {
namespace {

golden::Sample sample(bool tdx) { return tdx ? golden::tdx() : golden::sgx(); }

void cold(benchmark::State& state, bool tdx) {
  const auto s = sample(tdx);
  const auto anchors = golden::intel();
  for (auto _ : state) {
    const auto claims = verify(s.quote, s.collateral, anchors, golden::now);
    if (!claims) return state.SkipWithError("refused");
    benchmark::DoNotOptimize(claims);
  }
}

void known_platform(benchmark::State& state, bool tdx) {
  const auto s = sample(tdx);
  const auto anchors = golden::intel();
  VerifiedCache cache;
  for (auto _ : state) {
    const auto claims = verify(s.quote, s.collateral, anchors, golden::now, cache);
    if (!claims) return state.SkipWithError("refused");
    benchmark::DoNotOptimize(claims);
  }
}

/// What a registry sees when the fleet grows: everything about the family is known, this machine's certificate is not.
void new_platform(benchmark::State& state, bool tdx) {
  const auto s = sample(tdx);
  const auto anchors = golden::intel();
  const auto quote = parse_quote(s.quote).value();
  const Bytes leaf = decode_pem_chain(quote.pck_chain).value().front();
  VerifiedCache known;
  static_cast<void>(verify(s.quote, s.collateral, anchors, golden::now, known).has_value());
  VerifiedCache family;   // as `known`, without what it learned from this PCK chain
  family.revocation_lists = known.revocation_lists;
  family.tcb_infos = known.tcb_infos;
  family.qe_identities = known.qe_identities;
  for (const auto& text : {s.collateral.pck_crl_issuer_chain, s.collateral.tcb_info_issuer_chain}) {
    const auto chain = known.chains.find(as_bytes(text), {}, {});
    family.chains.put(as_bytes(text), {}, {}, *chain);
    family.certificates.put(chain->front()->der, chain->back()->key, {}, *chain->front());
    family.certificates.put(chain->back()->der, {}, {}, *chain->back());
  }
  for (auto _ : state) {
    state.PauseTiming();
    VerifiedCache cache = family;
    state.ResumeTiming();
    const auto claims = verify(s.quote, s.collateral, anchors, golden::now, cache);
    if (!claims) return state.SkipWithError("refused");
    benchmark::DoNotOptimize(claims);
  }
}

void quote_parse(benchmark::State& state, bool tdx) {
  const auto s = sample(tdx);
  for (auto _ : state) benchmark::DoNotOptimize(parse_quote(s.quote));
}

void one_signature(benchmark::State& state) {
  const auto root = parse_certificate(intel_sgx_root_ca).value();
  for (auto _ : state) benchmark::DoNotOptimize(p256_verify(root.key, root.to_be_signed, root.signature));
}

void one_certificate(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(parse_certificate(intel_sgx_root_ca));
}

void documents(benchmark::State& state, bool tdx) {
  const auto s = sample(tdx);
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_tcb_info(s.collateral.tcb_info));
    benchmark::DoNotOptimize(parse_qe_identity(s.collateral.qe_identity));
  }
}

BENCHMARK_CAPTURE(cold, sgx, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(cold, tdx, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(new_platform, sgx, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(new_platform, tdx, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(known_platform, sgx, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(known_platform, tdx, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(quote_parse, sgx, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(documents, tdx, true)->Unit(benchmark::kMicrosecond);
BENCHMARK(one_certificate)->Unit(benchmark::kMicrosecond);
BENCHMARK(one_signature)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace phala::attest

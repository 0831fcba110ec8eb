#pragma once
// Why: the real evidence of tests/golden/dcap, for tests and benchmarks only.

#include <fstream>
#include <iterator>

#include "attest/intel_root.hpp"
#include "attest/verify.hpp"

namespace phala::attest::golden {

struct Sample {
  Bytes quote;
  Collateral collateral;
};

/// 2025-06-20T00:00:00Z: all documents of both samples are valid.
inline constexpr UnixSeconds now = 1750377600;

inline Bytes read(const std::string& name) {
  std::ifstream file(std::string(PHALA_SOURCE_DIR "/tests/golden/dcap/") + name, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}
inline Sample load(const std::string& kind) {
  return {read(kind + "_quote"), collateral_from_json(as_text(read(kind + "_quote_collateral.json"))).value()};
}
inline Sample sgx() { return load("sgx"); }
inline Sample tdx() { return load("tdx"); }

inline TrustAnchors intel() { return {.root_certificates = {Bytes(intel_sgx_root_ca.begin(), intel_sgx_root_ca.end())}}; }

}  // namespace phala::attest::golden

#include "attest/tee.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace phala::attest {

std::string_view to_string(TeeKind kind) {
  switch (kind) {
    case TeeKind::none: return "software";
    case TeeKind::gramine_sgx: return "SGX (Gramine)";
    case TeeKind::sgx: return "SGX";
    case TeeKind::tdx: return "TDX";
  }
  return "unknown";
}

TeeKind detect_tee(const std::string& root) {
  static constexpr std::pair<TeeKind, const char*> devices[] = {{TeeKind::gramine_sgx, "/dev/attestation"},
                                                                 {TeeKind::sgx, "/dev/sgx_enclave"},
                                                                 {TeeKind::tdx, "/dev/tdx_guest"}};
  for (const auto& [kind, device] : devices) {
    struct stat info {};
    if (stat((root + device).c_str(), &info) == 0 || (errno != ENOENT && errno != ENOTDIR)) return kind;
  }
  return TeeKind::none;
}

Result<> require_no_tee(TeeKind found, std::string_view what) {
  if (found == TeeKind::none) return {};
  return fail(ErrorCode::refused, std::string(to_string(found)) + " answers on this machine, and " + std::string(what) + " is refused where hardware is",
              "run on a machine without that device; this version has no sealing and evidence of its kind");
}

}  // namespace phala::attest

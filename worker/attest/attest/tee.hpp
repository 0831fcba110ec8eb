#pragma once
// Why: which TEE a worker runs beside is found out, never configured: a flag could talk a machine with a TEE into weaker sealing and evidence, or pretend
// one. Everybody asks here: what keeps secrets, what makes evidence, and the doctor. Touches files.

#include <string>

#include "base/bytes.hpp"

namespace phala::attest {

enum class TeeKind : u8 { none, gramine_sgx, sgx, tdx };
std::string_view to_string(TeeKind kind);
/// Asks the devices under `root` ("" in production; a folder in tests). A device that cannot be looked at counts as there.
TeeKind detect_tee(const std::string& root = {});

/// For what only a machine without a TEE may do, such as "software sealing". Error `refused` names the TEE.
Result<> require_no_tee(TeeKind found, std::string_view what);

}  // namespace phala::attest

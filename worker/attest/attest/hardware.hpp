#pragma once
// Why: which TEE a worker runs in is found out, never configured: a flag could talk a machine with a TEE into weaker evidence, or pretend
// one. This is what the kernel and Gramine show of it, and how a quote is asked for there. Touches files; `root` is "/" outside tests.
// Interfaces: Gramine's /dev/attestation; Linux' configfs-tsm (/sys/kernel/config/tsm/report), kernel 6.7 and later.

#include <filesystem>

#include "attest/claims.hpp"

namespace phala::attest {

enum class TeeKind : u8 { software, sgx, tdx };
std::string_view to_string(TeeKind kind);

/// sgx: Gramine is here and was told to use DCAP. tdx: a TDX guest with configfs-tsm. Otherwise software. An enclave without DCAP (EPID,
/// or attestation off) is an error, because falling back to software evidence there would hide it.
Result<TeeKind> detect_tee(const std::filesystem::path& root = "/");

/// A quote over `report_data` from the TEE that `detect_tee` found; not for `software`. Its collateral comes from a PCCS, by whoever carries
/// the evidence. `entry` names our configfs entry: one per process. Errors name the file.
Result<Bytes> collect_quote(TeeKind kind, const ReportData& report_data, std::string_view entry, const std::filesystem::path& root = "/");

}  // namespace phala::attest

#include "attest/hardware.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "attest/verify.hpp"

namespace phala::attest {
namespace {

namespace fs = std::filesystem;

constexpr const char* gramine = "dev/attestation";
constexpr const char* tsm_reports = "sys/kernel/config/tsm/report";
constexpr const char* tdx_guest = "dev/tdx_guest";

auto cannot(std::string_view what, const fs::path& path) {
  return fail(ErrorCode::unavailable, std::string(what) + " " + path.string() + ": " + std::strerror(errno));
}

/// These files are answers of a driver: one open, then read to the end.
Result<Bytes> read_all(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot("cannot open", path);
  Bytes out(max_quote_size + 1);
  size_t size = 0;
  ssize_t n = 0;
  while (size < out.size() && (n = ::read(fd, out.data() + size, out.size() - size)) > 0) size += static_cast<size_t>(n);
  const int error = errno;
  ::close(fd);
  errno = error;
  if (n < 0) return cannot("cannot read", path);
  if (size > max_quote_size) return fail(ErrorCode::invalid_input, path.string() + " is longer than any quote");
  out.resize(size);
  return out;
}

/// In a single write, as these drivers require.
Result<> write_all(const fs::path& path, ByteView bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return cannot("cannot open", path);
  const ssize_t n = ::write(fd, bytes.data(), bytes.size());
  const int error = errno;
  ::close(fd);
  errno = error;
  if (n != static_cast<ssize_t>(bytes.size())) return cannot("cannot write", path);
  return {};
}

std::string trimmed(const Bytes& bytes) {
  std::string text(as_text(bytes));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
  return text;
}

Result<Bytes> collect_sgx(const ReportData& data, const fs::path& root) {
  TRY(write_all(root / gramine / "user_report_data", data));
  return read_all(root / gramine / "quote");
}

Result<Bytes> collect_tdx(const ReportData& data, std::string_view entry, const fs::path& root) {
  const fs::path report = root / tsm_reports / entry;
  if (::mkdir(report.c_str(), 0700) != 0 && errno != EEXIST) return cannot("cannot create", report);   // one left by a crash serves as well
  const auto collect = [&]() -> Result<Bytes> {
    TRY(write_all(report / "inblob", data));
    const std::string before = trimmed(TRY(read_all(report / "generation")));
    const std::string provider = trimmed(TRY(read_all(report / "provider")));
    if (provider != "tdx_guest") return fail(ErrorCode::unavailable, "the provider of " + report.string() + " is \"" + provider + "\", not a TDX guest");
    Bytes quote = TRY(read_all(report / "outblob"));
    // another writer of the same entry would have made this a quote over other data
    if (trimmed(TRY(read_all(report / "generation"))) != before) return fail(ErrorCode::unavailable, report.string() + " was written by somebody else meanwhile", "try again");
    return quote;
  };
  auto quote = collect();
  ::rmdir(report.c_str());
  return quote;
}

}  // namespace

std::string_view to_string(TeeKind kind) {
  switch (kind) {
    case TeeKind::software: return "software";
    case TeeKind::sgx: return "sgx";
    case TeeKind::tdx: return "tdx";
  }
  return "unknown";
}

Result<TeeKind> detect_tee(const fs::path& root) {
  std::error_code ignored;
  if (fs::exists(root / gramine, ignored)) {
    const std::string type = trimmed(TRY(read_all(root / gramine / "attestation_type")));
    if (type == "dcap") return TeeKind::sgx;
    return fail(ErrorCode::unavailable, "this enclave attests by \"" + type + "\"", "set sgx.remote_attestation = \"dcap\" in the manifest");
  }
  if (!fs::exists(root / tdx_guest, ignored)) return TeeKind::software;
  if (fs::exists(root / tsm_reports, ignored)) return TeeKind::tdx;
  return fail(ErrorCode::unavailable, "this is a TDX guest, but " + (root / tsm_reports).string() + " is missing", "mount configfs and load tdx_guest (Linux 6.7 or later)");
}

Result<Bytes> collect_quote(TeeKind kind, const ReportData& report_data, std::string_view entry, const fs::path& root) {
  switch (kind) {
    case TeeKind::sgx: return collect_sgx(report_data, root);
    case TeeKind::tdx: return collect_tdx(report_data, entry, root);
    case TeeKind::software: break;
  }
  return fail(ErrorCode::invalid_input, "a machine without a TEE makes no hardware quote");
}

}  // namespace phala::attest

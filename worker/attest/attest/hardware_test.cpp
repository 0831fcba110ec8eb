// The interfaces of kernel and Gramine as files in a folder.
#include "attest/hardware.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace phala::attest {
namespace {

namespace fs = std::filesystem;

class Machine : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "phala-machine-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
  }
  void TearDown() override { fs::remove_all(root); }
  void put(const fs::path& path, std::string_view contents) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path, std::ios::binary) << contents;
  }
  std::string get(const fs::path& path) {
    std::ifstream file(root / path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  fs::path root;
  const ReportData data = ReportData(Bytes(64, 'd'));
};

TEST_F(Machine, without_a_tee) {
  EXPECT_EQ(detect_tee(root).value(), TeeKind::software);
  EXPECT_EQ(collect_quote(TeeKind::software, data, "phala", root).error().code, ErrorCode::invalid_input);
}

TEST_F(Machine, in_an_enclave) {
  put("dev/attestation/attestation_type", "dcap\n");
  put("dev/attestation/user_report_data", "");
  put("dev/attestation/quote", "the quote");
  EXPECT_EQ(detect_tee(root).value(), TeeKind::sgx);
  EXPECT_EQ(as_text(collect_quote(TeeKind::sgx, data, "phala", root).value()), "the quote");
  EXPECT_EQ(get("dev/attestation/user_report_data"), std::string(64, 'd'));
}

TEST_F(Machine, in_an_enclave_that_cannot_attest_by_dcap) {
  put("dev/attestation/attestation_type", "epid");
  EXPECT_EQ(detect_tee(root).error().message, "this enclave attests by \"epid\"");
  fs::remove(root / "dev/attestation/attestation_type");
  EXPECT_FALSE(detect_tee(root));   // never taken for a machine without a TEE
}

TEST_F(Machine, in_a_trust_domain) {
  put("dev/tdx_guest", "");
  EXPECT_FALSE(detect_tee(root));
  const fs::path entry = "sys/kernel/config/tsm/report/phala";
  put(entry / "inblob", "");
  put(entry / "provider", "tdx_guest\n");
  put(entry / "generation", "1\n");
  put(entry / "outblob", "the quote");
  EXPECT_EQ(detect_tee(root).value(), TeeKind::tdx);
  EXPECT_EQ(as_text(collect_quote(TeeKind::tdx, data, "phala", root).value()), "the quote");
  EXPECT_EQ(get(entry / "inblob"), std::string(64, 'd'));
  put(entry / "provider", "sev_guest\n");
  EXPECT_FALSE(collect_quote(TeeKind::tdx, data, "phala", root));
}

TEST_F(Machine, whose_driver_fails) {
  const auto error = collect_quote(TeeKind::sgx, data, "phala", root).error();
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_NE(error.message.find("user_report_data"), std::string::npos);
  put("dev/attestation/user_report_data", "");
  put("dev/attestation/quote", std::string(40 * 1024, 'x'));
  EXPECT_EQ(collect_quote(TeeKind::sgx, data, "phala", root).error().code, ErrorCode::invalid_input);
}

}  // namespace
}  // namespace phala::attest

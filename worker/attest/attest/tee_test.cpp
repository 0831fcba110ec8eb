#include "attest/tee.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace phala::attest {
namespace {

namespace fs = std::filesystem;

struct Root {
  std::string path = (fs::temp_directory_path() / "phala-machine-XXXXXX").string();
  Root() { EXPECT_NE(mkdtemp(path.data()), nullptr); }
  ~Root() { fs::remove_all(path); }
};

TEST(Tee, is_found_by_its_device_and_then_nothing_may_be_softer) {
  for (const auto& [device, kind] : {std::pair{"/dev/attestation", TeeKind::gramine_sgx}, {"/dev/sgx_enclave", TeeKind::sgx}, {"/dev/tdx_guest", TeeKind::tdx}}) {
    const Root root;
    EXPECT_EQ(detect_tee(root.path), TeeKind::none);
    fs::create_directories(root.path + "/dev");
    EXPECT_EQ(detect_tee(root.path), TeeKind::none);
    std::ofstream(root.path + device) << "";
    EXPECT_EQ(detect_tee(root.path), kind) << device;
    const auto refused = require_no_tee(kind, "software evidence");
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::refused);
    EXPECT_NE(refused.error().message.find("software evidence"), std::string::npos);
    EXPECT_NE(refused.error().message.find(to_string(kind)), std::string::npos);
  }
  EXPECT_TRUE(require_no_tee(TeeKind::none, "anything").has_value());
}

TEST(Tee, that_cannot_be_looked_at_counts_as_there) {
  const Root root;
  fs::create_symlink("dev", root.path + "/dev");   // leads to itself
  EXPECT_NE(detect_tee(root.path), TeeKind::none);
}

}  // namespace
}  // namespace phala::attest

#include "seal/sealing.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "seal/memory_files.hpp"

namespace phala::worker {
namespace {

namespace fs = std::filesystem;

struct Folder {
  std::string path = (fs::temp_directory_path() / "phala-sealing-test-XXXXXX").string();
  Folder() { EXPECT_NE(mkdtemp(path.data()), nullptr); }
  ~Folder() { fs::remove_all(path); }
};

TEST(SealingTest, hardware_is_detected_and_never_overridden) {
  for (const char* device : {"/dev/attestation", "/dev/sgx_enclave", "/dev/tdx_guest"}) {
    const Folder root;
    EXPECT_EQ(detect_tee(root.path), TeeKind::none);
    fs::create_directories(root.path + "/dev");
    std::ofstream(root.path + device) << "";
    const auto kind = detect_tee(root.path);
    EXPECT_NE(kind, TeeKind::none) << device;
    EXPECT_EQ(sealing_for(kind).error().code, ErrorCode::refused);
  }
  EXPECT_TRUE(sealing_for(TeeKind::none).has_value());
}

TEST(SealingTest, the_identity_survives_and_belongs_to_one_chain) {
  const Folder folder;
  const Sealing& sealing = **sealing_for(TeeKind::none);
  const Hash chain(Bytes(32, 1));
  Result<std::unique_ptr<Files>> files = open_folder(folder.path + "/a/b");
  ASSERT_TRUE(files.has_value());
  ASSERT_TRUE(load_or_create_identity(sealing, **files, chain, crypto::Seed(Bytes(32, 7))).has_value());
  const auto again = load_or_create_identity(sealing, **files, chain, crypto::Seed(Bytes(32, 8)));
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(again->seed == crypto::Seed(Bytes(32, 7)));
  EXPECT_EQ(load_or_create_identity(sealing, **files, Hash(Bytes(32, 2)), crypto::Seed(Bytes(32, 8))).error().code, ErrorCode::refused);
  struct stat info {};
  ASSERT_EQ(stat((folder.path + "/a/b/identity.seal").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(SealingTest, a_damaged_identity_is_named_and_not_replaced) {
  const Sealing& sealing = **sealing_for(TeeKind::none);
  for (const Bytes& bad : {Bytes{}, Bytes(64, 0), Bytes(65, 9), Bytes(66, 0)}) {
    MemoryFiles files;
    files.disk["identity.seal"] = bad;
    EXPECT_EQ(load_or_create_identity(sealing, files, Hash{}, crypto::Seed(Bytes(32, 8))).error().code, ErrorCode::corrupted);
    EXPECT_EQ(files.disk["identity.seal"], bad);
  }
}

TEST(SealingTest, a_crash_while_the_identity_is_made_makes_another_one) {
  const Sealing& sealing = **sealing_for(TeeKind::none);
  for (u64 budget = 0; budget < 66; ++budget) {
    MemoryFiles files;
    files.budget = budget;
    EXPECT_FALSE(load_or_create_identity(sealing, files, Hash{}, crypto::Seed(Bytes(32, 7))).has_value());
    files.budget = ~u64{0};
    const auto made = load_or_create_identity(sealing, files, Hash{}, crypto::Seed(Bytes(32, 8)));
    ASSERT_TRUE(made.has_value());
    EXPECT_TRUE(load_or_create_identity(sealing, files, Hash{}, crypto::Seed(Bytes(32, 9)))->seed == made->seed);
  }
}

TEST(FilesTest, a_folder_keeps_what_was_written) {
  const Folder folder;
  auto files = std::move(*open_folder(folder.path));
  ASSERT_TRUE(files->append("x", Bytes{1, 2}).has_value());
  ASSERT_TRUE(files->append("x", Bytes{3}).has_value());
  ASSERT_TRUE(files->sync("x").has_value());
  EXPECT_EQ(*files->read("x"), (Bytes{1, 2, 3}));
  ASSERT_TRUE(files->truncate("x", 1).has_value());
  ASSERT_TRUE(files->append("x", Bytes{9}).has_value());
  EXPECT_EQ(*files->read("x"), (Bytes{1, 9}));
  ASSERT_TRUE(files->rename("x", "y").has_value());
  EXPECT_EQ(*files->list(), std::vector<std::string>{"y"});
  EXPECT_FALSE(files->read("x").has_value());
  ASSERT_TRUE(files->remove("y").has_value());
  EXPECT_FALSE(files->remove("y").has_value());
  EXPECT_FALSE(open_folder("/proc/nowhere").has_value());
}

}  // namespace
}  // namespace phala::worker

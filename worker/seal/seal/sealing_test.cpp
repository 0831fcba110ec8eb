#include "seal/sealing.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "runtime/chain_spec.hpp"
#include "seal/memory_files.hpp"

namespace phala::worker {
namespace {

namespace fs = std::filesystem;

struct Folder {
  std::string path = (fs::temp_directory_path() / "phala-sealing-test-XXXXXX").string();
  Folder() { EXPECT_NE(mkdtemp(path.data()), nullptr); }
  ~Folder() { fs::remove_all(path); }
};

TEST(SealingTest, hardware_is_never_overridden) {
  for (const auto tee : {attest::TeeKind::gramine_sgx, attest::TeeKind::sgx, attest::TeeKind::tdx}) EXPECT_EQ(sealing_for(tee).error().code, ErrorCode::refused);
  EXPECT_TRUE(sealing_for(attest::TeeKind::none).has_value());
}

light::TrustRoot trust(u8 genesis = 1, u8 sealer = 2) { return {Hash(Bytes(32, genesis)), light::TrustedSealer{PublicKey(Bytes(32, sealer))}}; }
crypto::Seed seed(u8 n) { return crypto::Seed(Bytes(32, n)); }
const Sealing& software() { return **sealing_for(attest::TeeKind::none); }

TEST(SealingTest, the_identity_survives_and_belongs_to_one_chain) {
  const Folder folder;
  Result<std::unique_ptr<Files>> files = open_folder(folder.path + "/a/b");
  ASSERT_TRUE(files.has_value());
  ASSERT_TRUE(load_or_create_identity(software(), **files, trust(), seed(7)).has_value());
  const auto again = load_or_create_identity(software(), **files, trust(), seed(8));
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(again->seed == seed(7));
  EXPECT_EQ(load_or_create_identity(software(), **files, trust(2), seed(8)).error().code, ErrorCode::refused);
  EXPECT_EQ(load_or_create_identity(software(), **files, trust(1, 3), seed(8)).error().code, ErrorCode::refused);
  struct stat info {};
  ASSERT_EQ(stat((folder.path + "/a/b/identity.seal").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(SealingTest, a_chain_spec_with_another_sealer_is_another_chain) {
  const auto trust_of = [](u8 sealer) { return runtime::trust_root(runtime::build_genesis(*runtime::development_spec(PublicKey(Bytes(32, sealer)), {}, {}))); };
  EXPECT_NE(trust_of(1).genesis_hash, trust_of(2).genesis_hash);
  EXPECT_EQ(trust_of(2).finalizer, light::Finalizer(light::TrustedSealer{PublicKey(Bytes(32, 2))}));
  MemoryFiles files;
  ASSERT_TRUE(load_or_create_identity(software(), files, trust_of(1), seed(7)).has_value());
  EXPECT_EQ(load_or_create_identity(software(), files, trust_of(2), seed(7)).error().code, ErrorCode::refused);
  EXPECT_TRUE(load_or_create_identity(software(), files, trust_of(1), seed(7)).has_value());
}

TEST(SealingTest, a_damaged_identity_is_named_and_not_replaced) {
  for (const Bytes& bad : {Bytes{}, Bytes(98, 0), Bytes(98, 9), Bytes(33, 1), concat(Bytes{1}, Bytes(32, 5), scale::encode(trust()), Bytes{0})}) {
    MemoryFiles files;
    files.disk["identity.seal"] = bad;
    EXPECT_EQ(load_or_create_identity(software(), files, trust(), seed(8)).error().code, ErrorCode::corrupted);
    EXPECT_EQ(files.disk["identity.seal"], bad);
  }
}

TEST(SealingTest, no_new_identity_is_made_beside_state_that_needs_the_old_one) {
  for (const char* name : {"state-0000000000.frames", "state-0000000003.snapshot", "state-0000000001.frames.damaged-0", "log-00000000000000000000.frames"}) {
    MemoryFiles files;
    files.disk[name] = {1};
    EXPECT_EQ(load_or_create_identity(software(), files, trust(), seed(8)).error().code, ErrorCode::corrupted) << name;
    EXPECT_EQ(files.disk.size(), 1u);
  }
}

TEST(SealingTest, an_identity_that_others_may_read_is_refused) {
  const Folder folder;
  auto files = std::move(*open_folder(folder.path));
  ASSERT_TRUE(load_or_create_identity(software(), *files, trust(), seed(7)).has_value());
  const std::string path = folder.path + "/identity.seal";
  for (const mode_t mode : {0640u, 0604u, 0620u, 0610u}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    const auto refused = load_or_create_identity(software(), *files, trust(), seed(7));
    ASSERT_FALSE(refused.has_value()) << mode;
    EXPECT_EQ(refused.error().code, ErrorCode::refused);
    EXPECT_NE(refused.error().text().find("identity.seal has mode 06"), std::string::npos) << refused.error().text();
    EXPECT_TRUE(files->read("identity.seal").has_value());
  }
  ASSERT_EQ(chmod(path.c_str(), 0400), 0);
  EXPECT_TRUE(load_or_create_identity(software(), *files, trust(), seed(8))->seed == seed(7));
}

TEST(SealingTest, a_crash_while_the_identity_is_made_makes_another_one) {
  for (u64 budget = 0; budget < 102; ++budget)
    for (const u64 lost : {0, 1, 7}) {
      MemoryFiles files;
      files.budget = budget;
      EXPECT_EQ(load_or_create_identity(software(), files, trust(), seed(7)).has_value(), budget >= 101);
      files.crash([&](u64 n) { return lost % n; });
      const auto made = load_or_create_identity(software(), files, trust(), seed(8));
      ASSERT_TRUE(made.has_value()) << made.error().text();
      EXPECT_TRUE(load_or_create_identity(software(), files, trust(), seed(9))->seed == made->seed);
      if (budget >= 101) EXPECT_TRUE(made->seed == seed(7));   // what was told to the caller is kept
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

#include "cli/files.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

namespace phala::cli {
namespace {

namespace fs = std::filesystem;

class FilesTest : public ::testing::Test {
 protected:
  TemporaryFolder folder = *TemporaryFolder::make("phala-files-test");
  std::string path = folder.path() / "file";
  std::string content() { return std::string(as_text(*read_file(path))); }
  mode_t mode() {
    struct stat is {};
    ::stat(path.c_str(), &is);
    return is.st_mode & 0777;
  }
  size_t names() { return static_cast<size_t>(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator())); }
};

/// While it lives, files end after so many bytes: what a full disk does, without one.
struct FullDisk {
  rlimit before{};
  void (*handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
  explicit FullDisk(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{bytes, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
};

TEST_F(FilesTest, a_file_is_replaced_whole_or_not_at_all) {
  ASSERT_TRUE(replace_file(path, as_bytes("old")));
  {
    const FullDisk full(4);
    const auto failed = replace_file(path, as_bytes("newer"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::unavailable);
    EXPECT_NE(failed.error().message.find(path), std::string::npos);
  }
  EXPECT_EQ(content(), "old");
  EXPECT_EQ(names(), 1u) << "nothing half-written stays";
  ASSERT_TRUE(replace_file(path, as_bytes("new")));
  EXPECT_EQ(content(), "new");
}

TEST_F(FilesTest, a_cut_off_attempt_is_no_obstacle) {
  ASSERT_TRUE(replace_file(path + ".new", as_bytes("half")));
  ASSERT_TRUE(replace_file(path, as_bytes("whole"), Access::owner));
  EXPECT_EQ(content(), "whole");
  EXPECT_EQ(mode(), 0600u);
  EXPECT_EQ(names(), 1u);
}

TEST_F(FilesTest, a_secret_is_new_and_for_its_owner) {
  const mode_t before = umask(0);
  ASSERT_TRUE(write_new_secret(path, as_bytes("secret")));
  umask(before);
  EXPECT_EQ(mode(), 0600u);
  const auto again = write_new_secret(path, as_bytes("other"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::refused);
  EXPECT_EQ(content(), "secret");
  const FullDisk full(4);
  EXPECT_FALSE(write_new_secret(path + "2", as_bytes("secret")));
  EXPECT_FALSE(fs::exists(path + "2"));
}

TEST_F(FilesTest, what_cannot_be_read_says_why) {
  EXPECT_EQ(read_file(path).error().code, ErrorCode::not_found);
  const auto a_folder = read_file(folder.path());
  ASSERT_FALSE(a_folder);
  EXPECT_NE(a_folder.error().message.find("is a folder"), std::string::npos);
  EXPECT_NE(read_file("/dev/zero").error().message.find("is larger than"), std::string::npos);
}

TEST_F(FilesTest, a_temporary_folder_goes_with_everything_in_it) {
  fs::path gone;
  {
    const auto temporary = *TemporaryFolder::make("phala-files-test");
    gone = temporary.path();
    fs::create_directories(gone / "a/b");
    ASSERT_TRUE(replace_file(gone / "a/b/c", as_bytes("x")));
  }
  EXPECT_FALSE(fs::exists(gone));
}

}  // namespace
}  // namespace phala::cli

#include "cli/supervisor.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "cli/files.hpp"

namespace phala::cli {
namespace {

class SupervisorTest : public ::testing::Test {
 protected:
  TemporaryFolder folder = *TemporaryFolder::make("phala-supervisor-test");
  std::string log = folder.path() / "log";
  std::string words(const std::string& text, int64_t start = 0) {
    EXPECT_TRUE(replace_file(log, as_bytes(text)));
    return last_words(log, start);
  }
  /// Tends until it has something to say.
  Result<std::string> news(Supervisor& supervisor) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until)
      if (const auto lines = TRY(supervisor.tend()); !lines.empty()) return lines.front();
    return std::string("nothing");
  }
};

TEST_F(SupervisorTest, the_last_error_of_this_run_counts) {
  const std::string first = "2026-01-01 00:00:00.000 E node: of an earlier run\n";
  EXPECT_EQ(words(first + "2026-01-01 00:00:01.000 I node: starting\n2026-01-01 00:00:01.500 E node: disk full\n2026-01-01 00:00:02.000 I node: stopped\n\n", static_cast<int64_t>(first.size())), "node: disk full");
  EXPECT_EQ(words("phala-worker: no chain (give --chain FILE)\n"), "phala-worker: no chain (give --chain FILE)");
  EXPECT_EQ(words("terminate called\nwhat(): bad\n"), "what(): bad") << "without an error, the last line";
  EXPECT_EQ(words(first, static_cast<int64_t>(first.size())), "");
  EXPECT_EQ(last_words(folder.path() / "missing", 0), "");
}

TEST_F(SupervisorTest, a_program_that_ends_says_why_and_starts_again) {
  Supervisor supervisor;
  ASSERT_TRUE(supervisor.start({"node", {"/bin/sh", "-c", "echo '2026-01-01 00:00:00.000 E node: the disk is full'; exit 5"}, log}));
  const auto first = news(supervisor);
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_TRUE(first->starts_with("node ended with code 5: node: the disk is full")) << *first;
  EXPECT_NE(first->find("starting it again"), std::string::npos);
  const auto second = news(supervisor);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_TRUE(second->starts_with("node ended with code 5: node: the disk is full")) << *second;
}

TEST_F(SupervisorTest, a_program_that_is_not_there_is_an_error_with_its_log) {
  Supervisor supervisor;
  ASSERT_TRUE(supervisor.start({"relay", {folder.path() / "nothing"}, log}));
  const auto said = news(supervisor);
  ASSERT_FALSE(said);
  EXPECT_NE(said.error().message.find("cannot start " + (folder.path() / "nothing").string()), std::string::npos) << said.error().message;
}

}  // namespace
}  // namespace phala::cli

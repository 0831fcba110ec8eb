// A process that commits is killed again and again; whatever it had reported as committed must be there, whole.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/test_chain.hpp"

namespace phala::store {
namespace {

constexpr auto folder_variable = "PHALA_STORE_CRASH_FOLDER";
constexpr int report_file = 9;   ///< where the child reports numbers of committed blocks
constexpr Options options{.keep_states = 20};

/// Runs in the child: commits block after block, and says so.
TEST(StoreCrashTest, DISABLED_commits_until_killed) {
  const char* folder = getenv(folder_variable);
  ASSERT_NE(folder, nullptr);
  auto store = ChainStore::open(folder, options);
  ASSERT_TRUE(store) << store.error().text();
  if (store->empty()) ASSERT_TRUE(store->commit_genesis(test_diff(0), genesis_header(test_diff(0))));
  for (;;) {
    const BlockNumber number = store->snapshot()->head().number + 1;
    const auto done = commit_next(*store, test_diff(number, 200));
    ASSERT_TRUE(done) << done.error().text();
    ASSERT_EQ(write(report_file, &number, sizeof number), static_cast<ssize_t>(sizeof number));
  }
}

/// Starts the child, lets it report `blocks` and a little more, kills it; the last block that it reported.
BlockNumber run_and_kill(const std::string& folder, unsigned blocks, unsigned then_us) {
  int channel[2];
  EXPECT_EQ(pipe2(channel, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(channel[1], report_file);
    setenv(folder_variable, folder.c_str(), 1);
    execl("/proc/self/exe", "store", "--gtest_also_run_disabled_tests", "--gtest_brief=1", "--gtest_filter=StoreCrashTest.DISABLED_commits_until_killed", nullptr);
    _exit(127);
  }
  close(channel[1]);
  BlockNumber last = 0;
  const auto next = [&] {
    BlockNumber number = 0;
    if (read(channel[0], &number, sizeof number) != static_cast<ssize_t>(sizeof number)) return false;
    last = number;
    return true;
  };
  for (unsigned i = 0; i < blocks; ++i) EXPECT_TRUE(next());
  usleep(then_us);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  while (next()) {}
  close(channel[0]);
  return last;
}

TEST_F(StoreTest, a_killed_process_loses_no_committed_block_and_leaves_no_half_one) {
  std::mt19937 random(7);
  State state;
  BlockNumber known = 0;
  change(state, test_diff(0));
  for (int round = 0; round < 8; ++round) {
    const BlockNumber reported = run_and_kill(path_, 1 + random() % 30, random() % 20'000);
    const auto store = ChainStore::open(path_, options);
    ASSERT_TRUE(store) << store.error().text();
    const auto snapshot = store->snapshot();
    const BlockNumber head = snapshot->head().number;
    ASSERT_GE(head, reported);
    ASSERT_LE(head, reported + 1);
    for (; known < head; ) change(state, test_diff(++known, 200));
    const auto reader = *snapshot->state_at(head);
    const auto keys = reader->keys_paged({}, std::nullopt, 100'000);
    ASSERT_TRUE(keys) << keys.error().text();
    ASSERT_EQ(keys->size(), state.size());
    for (const auto& [key, value] : state) ASSERT_EQ(reader->get(key), value);
    EXPECT_EQ((*snapshot->header(head))->state_root, trie::root(state));
    const std::vector<Bytes> asked{to_bytes("number")};
    const BlockNumber older = head > 10 ? head - 10 : 0;
    const auto proof = snapshot->proof(older, asked);
    ASSERT_TRUE(proof) << proof.error().text();
    EXPECT_EQ(trie::verify_proof((*snapshot->header(older))->state_root, *proof, asked)->front(), to_bytes(be_bytes(older)));
    EXPECT_EQ(snapshot->messages(1, head, 1 << 30)->size(), head);
  }
}

TEST_F(StoreTest, a_committed_block_whose_log_was_damaged_is_missed) {
  { const auto store = grown(options, 5); }
  std::filesystem::path log;
  for (const auto& entry : std::filesystem::directory_iterator(path_ + "/db"))
    if (entry.path().extension() == ".log" && (log.empty() || entry.path() > log)) log = entry.path();
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 10);
  const auto store = ChainStore::open(path_, options);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::corrupted);
  EXPECT_NE(store.error().message.find("reads back only to 4"), std::string::npos) << store.error().message;
  std::filesystem::remove(path_ + "/committed");   // as the message says
  const auto again = ChainStore::open(path_, options);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->snapshot()->head().number, 4u);
}

}  // namespace
}  // namespace phala::store

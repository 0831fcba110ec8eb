#include "rocksdb/kv_store.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace phala {
namespace {

namespace fs = std::filesystem;

class KvStoreTest : public testing::Test {
 protected:
  KvStoreTest() {
    path_ = (fs::temp_directory_path() / ("phala-kv-XXXXXX")).string();
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~KvStoreTest() override { fs::remove_all(path_); }
  static KvStore::Options options() { return {.columns = {{.name = "plain"}, {.name = "versions", .version_bytes = 2}}}; }
  KvStore open() {
    auto store = KvStore::open(path_, options());
    EXPECT_TRUE(store) << store.error().text();
    return std::move(*store);
  }
  std::string path_;
};

void put(KvStore& store, Column column, std::string_view key, std::string_view value) {
  auto batch = store.batch();
  batch.put(column, as_bytes(key), as_bytes(value));
  ASSERT_TRUE(store.write(std::move(batch), true));
}
std::string get(const KvStore& store, Column column, std::string_view key, const KvSnapshot* at = nullptr) {
  const auto value = store.get(column, as_bytes(key), at);
  if (!value) return value.error().text();
  return *value ? std::string(as_text(**value)) : "-";
}

TEST_F(KvStoreTest, keeps_what_was_written_and_snapshots_do_not_move) {
  {
    auto store = open();
    put(store, 0, "a", "1");
    const auto before = store.snapshot();
    auto batch = store.batch();
    batch.put(0, as_bytes("b"), as_bytes("2"));
    batch.erase(0, as_bytes("a"));
    ASSERT_TRUE(store.write(std::move(batch), false));
    EXPECT_EQ(get(store, 0, "a"), "-");
    EXPECT_EQ(get(store, 0, "b"), "2");
    EXPECT_EQ(get(store, 0, "a", before.get()), "1");
    EXPECT_EQ(get(store, 0, "b", before.get()), "-");
    EXPECT_EQ(get(store, 1, "b"), "-");
  }
  EXPECT_EQ(get(open(), 0, "b"), "2");
}

TEST_F(KvStoreTest, iterates_in_byte_order_and_over_versions) {
  auto store = open();
  for (const auto* key : {"k\x01" "02", "k\x01" "05", "k\x02" "01", "j\xff" "99"}) put(store, 1, key, key);
  auto all = store.iterate(1, store.snapshot());
  std::vector<std::string> keys;
  for (all.seek({}); all.valid(); all.next()) keys.emplace_back(as_text(all.key()));
  EXPECT_TRUE(all.status());
  EXPECT_EQ(keys, (std::vector<std::string>{"j\xff" "99", "k\x01" "02", "k\x01" "05", "k\x02" "01"}));
  auto versions = store.iterate(1, store.snapshot(), true);
  versions.seek(as_bytes("k\x01" "03"));
  ASSERT_TRUE(versions.valid());
  EXPECT_EQ(as_text(versions.value()), "k\x01" "05");
  versions.next();
  EXPECT_FALSE(versions.valid());
}

TEST_F(KvStoreTest, a_second_opening_names_the_lock) {
  const auto store = open();
  const auto second = KvStore::open(path_, options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_NE(second.error().message.find(path_), std::string::npos);
  EXPECT_NE(second.error().message.find("another process"), std::string::npos);
  if (const pid_t child = fork(); child == 0) {
    const auto other = KvStore::open(path_, options());
    _exit(!other && other.error().code == ErrorCode::unavailable ? 0 : 1);
  } else {
    int status = 1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(KvStoreTest, what_is_not_there_and_what_is_newer_is_named) {
  auto missing = options();
  missing.create = false;
  const auto none = KvStore::open(path_ + "/none", missing);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
  open();
  const auto older = KvStore::open(path_, {.columns = {{.name = "plain"}}});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, ErrorCode::refused) << older.error().text();
  const auto file = KvStore::open(path_ + "/CURRENT", options());
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find(path_), std::string::npos);
}

TEST_F(KvStoreTest, damage_is_named_and_a_cut_off_end_of_the_log_is_not_damage) {
  {
    auto store = open();
    for (int i = 0; i < 100; ++i) put(store, 0, "key" + std::to_string(i), std::string(1000, 'v'));
  }
  fs::path log;
  for (const auto& entry : fs::directory_iterator(path_))
    if (entry.path().extension() == ".log") log = entry.path();
  ASSERT_FALSE(log.empty());
  const fs::path copy = path_ + "-copy";
  for (const bool cut : {true, false}) {
    fs::remove_all(copy);
    fs::copy(path_, copy, fs::copy_options::recursive);
    const fs::path file = copy / log.filename();
    if (cut) {
      fs::resize_file(file, fs::file_size(file) - 20);
    } else {
      std::fstream io(file, std::ios::in | std::ios::out | std::ios::binary);
      io.seekp(static_cast<long>(fs::file_size(file) / 2));
      io.write("\x55\x55\x55\x55", 4);
    }
    const auto store = KvStore::open(copy, options());
    if (cut) {
      ASSERT_TRUE(store) << store.error().text();
      EXPECT_EQ(get(*store, 0, "key98"), std::string(1000, 'v'));
      EXPECT_EQ(get(*store, 0, "key99"), "-");
    } else {
      ASSERT_FALSE(store);
      EXPECT_EQ(store.error().code, ErrorCode::corrupted) << store.error().text();
    }
  }
  fs::remove_all(copy);
}

}  // namespace
}  // namespace phala

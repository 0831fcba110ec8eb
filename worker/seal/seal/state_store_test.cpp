#include "seal/state_store.hpp"

#include <gtest/gtest.h>

#include <random>

#include "seal/log_store.hpp"
#include "seal/memory_files.hpp"

namespace phala::worker {
namespace {

const crypto::Key32 root(Bytes(32, 42));
Random random_of(u32 seed) {
  return [engine = std::make_shared<std::mt19937>(seed)](u8* to, size_t n) {
    while (n-- > 0) *to++ = static_cast<u8>((*engine)());
  };
}

/// Frame n sets key n % 7 to n and, now and then, removes another key.
StateFrame frame(u32 n) {
  StateFrame out{n, n * 3, {}, {}};
  out.diff[Bytes{static_cast<u8>(n % 7)}] = Bytes(1 + n % 90, static_cast<u8>(n));
  if (n % 5 == 0) out.diff[Bytes{static_cast<u8>((n + 3) % 7)}] = std::nullopt;
  if (n % 2 == 0) out.records.push_back({n, record::TooLarge{}});
  return out;
}
Image image_after(u32 n) {
  Image out;
  for (u32 i = 1; i <= n; ++i)
    for (const auto& [key, value] : frame(i).diff) {
      if (value) out[key] = *value;
      else out.erase(key);
    }
  return out;
}
std::function<u64(u64)> chance(u32 seed) {
  return [engine = std::make_shared<std::mt19937>(seed)](u64 n) { return (*engine)() % n; };
}
auto entries_of(const Image& image) {
  return [&image](const StateStore::Visit& visit) {
    for (const auto& [key, value] : image) visit(key, value);
  };
}

/// Appends frames (from, to], with a snapshot after every `interval`-th; stops at the first error and says how many were acknowledged.
u32 run(StateStore& store, u32 from, u32 to, u32 interval) {
  for (u32 n = from + 1; n <= to; ++n) {
    if (!store.append(frame(n))) return n - 1;
    if (n % interval == 0 && !store.snapshot(entries_of(image_after(n)), n)) return n;
  }
  return to;
}

TEST(StateStoreTest, everything_comes_back) {
  for (const u32 interval : {100u, 1u, 3u, 10u}) {
    MemoryFiles files;
    auto opened = StateStore::open(files, root, random_of(1));
    ASSERT_TRUE(opened.has_value());
    EXPECT_FALSE(opened->second.image.has_value());
    EXPECT_EQ(run(opened->first, 0, 20, interval), 20u);
    auto again = StateStore::open(files, root, random_of(2));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(*again->second.image, image_after(20));
    EXPECT_EQ(again->second.height, 20u);
    EXPECT_TRUE(again->second.warnings.empty());
    EXPECT_EQ(run(again->first, 20, 40, interval), 40u);
    EXPECT_EQ(*StateStore::open(files, root, random_of(3))->second.image, image_after(40));
  }
}

/// Cuts the power after every possible byte and operation, with what was not synced lost in several ways; what was acknowledged is there, at most
/// one frame more, and the store goes on.
TEST(StateStoreTest, no_crash_loses_or_repeats_a_frame) {
  MemoryFiles whole;
  const u64 plenty = 1'000'000;
  whole.budget = plenty;
  {
    auto store = StateStore::open(whole, root, random_of(5));
    ASSERT_EQ(run(store->first, 0, 12, 4), 12u);
  }
  const u64 total = plenty - whole.budget;
  for (u64 budget = 0; budget < total; ++budget) {
    MemoryFiles before;
    before.budget = budget;
    u32 acknowledged = 0;
    if (auto store = StateStore::open(before, root, random_of(5))) acknowledged = run(store->first, 0, 12, 4);
    for (u32 seed = 0; seed < 6; ++seed) {
      const std::string where = "crash after " + std::to_string(budget) + ", seed " + std::to_string(seed);
      MemoryFiles files = before;
      files.crash(chance(seed));
      auto again = StateStore::open(files, root, random_of(6));
      ASSERT_TRUE(again.has_value()) << where << ": " << again.error().text();
      const u32 height = again->second.height;
      ASSERT_TRUE(height == acknowledged || height == acknowledged + 1) << where << ": " << height << " of " << acknowledged;
      ASSERT_EQ(again->second.image.value_or(Image{}), image_after(height)) << where;
      ASSERT_EQ(run(again->first, height, height + 6, 4), height + 6);
      ASSERT_EQ(*StateStore::open(files, root, random_of(7))->second.image, image_after(height + 6)) << where;
    }
  }
}

/// The disk fails at every point of a snapshot, the clearing up after it included; then there is space again.
TEST(StateStoreTest, a_snapshot_that_fails_leaves_nothing_in_the_way_of_the_next) {
  bool succeeded = false;
  for (u64 room = 0; !succeeded; ++room) {
    ASSERT_LT(room, 2000u);
    MemoryFiles files;
    auto store = StateStore::open(files, root, random_of(1));
    run(store->first, 0, 5, 100);
    files.budget = room;
    succeeded = store->first.snapshot(entries_of(image_after(5)), 5).has_value();
    files.budget = ~u64{0};
    if (!store->first.append(frame(6))) continue;   // in doubt until a restart: another test's
    ASSERT_TRUE(store->first.snapshot(entries_of(image_after(6)), 6).has_value()) << room;
    ASSERT_EQ(run(store->first, 6, 9, 100), 9u);
    auto again = StateStore::open(files, root, random_of(2));
    ASSERT_TRUE(again.has_value()) << room << ": " << again.error().text();
    EXPECT_EQ(again->second.height, 9u) << room;
    EXPECT_EQ(again->second.image, image_after(9)) << room;
    EXPECT_TRUE(again->second.warnings.empty()) << room << ": " << again->second.warnings[0];
  }
}

TEST(StateStoreTest, a_file_cut_at_any_byte_goes_back_to_its_last_whole_frame) {
  MemoryFiles files;
  {
    auto store = StateStore::open(files, root, random_of(1));
    run(store->first, 0, 8, 100);
  }
  const std::string name = files.disk.begin()->first;
  const Bytes whole = files.disk[name];
  u32 last = 8;
  for (size_t size = whole.size(); size > 0; --size) {
    MemoryFiles cut;
    cut.disk[name] = Bytes(whole.begin(), whole.begin() + static_cast<long>(size));
    auto again = StateStore::open(cut, root, random_of(2));
    ASSERT_TRUE(again.has_value());
    EXPECT_LE(again->second.height, last);
    last = again->second.height;
    EXPECT_EQ(again->second.image.value_or(Image{}), image_after(last));
    EXPECT_EQ(run(again->first, last, last + 2, 100), last + 2);
    EXPECT_EQ(*StateStore::open(cut, root, random_of(3))->second.image, image_after(last + 2));
  }
  EXPECT_EQ(last, 0u);
}

TEST(StateStoreTest, a_full_disk_refuses_the_frame_and_later_goes_on) {
  for (u64 room = 0; room < 60; ++room) {
    MemoryFiles files;
    auto store = StateStore::open(files, root, random_of(1));
    run(store->first, 0, 3, 100);
    files.budget = room;
    files.keep_failing = false;
    EXPECT_FALSE(store->first.append(frame(4)).has_value());
    EXPECT_EQ(run(store->first, 3, 8, 100), 8u);
    EXPECT_EQ(*StateStore::open(files, root, random_of(2))->second.image, image_after(8));
  }
}

TEST(StateStoreTest, a_failed_sync_stops_everything_until_a_restart) {
  MemoryFiles files;
  auto store = StateStore::open(files, root, random_of(1));
  run(store->first, 0, 3, 100);
  files.fail_sync = true;
  EXPECT_FALSE(store->first.append(frame(4)).has_value());
  files.fail_sync = false;
  EXPECT_FALSE(store->first.append(frame(4)).has_value());
  EXPECT_FALSE(store->first.snapshot(entries_of({}), 4).has_value());
}

TEST(StateStoreTest, a_damaged_snapshot_falls_back_without_loss) {
  MemoryFiles files;
  {
    auto store = StateStore::open(files, root, random_of(1));
    run(store->first, 0, 11, 4);
  }
  std::vector<std::string> snapshots;
  for (const auto& [name, bytes] : files.disk)
    if (name.ends_with(".snapshot")) snapshots.push_back(name);
  ASSERT_EQ(snapshots.size(), 2u);
  for (size_t at = 0; at < files.disk[snapshots[1]].size(); ++at) {
    MemoryFiles damaged = files;
    damaged.disk[snapshots[1]][at] ^= 0x10;
    auto again = StateStore::open(damaged, root, random_of(2));
    ASSERT_TRUE(again.has_value()) << at;
    EXPECT_EQ(again->second.height, 11u) << at;
    EXPECT_EQ(*again->second.image, image_after(11)) << at;
    EXPECT_EQ(again->second.warnings.size(), 1u) << at;
    damaged.disk[snapshots[0]][30] ^= 1;
    const auto neither = StateStore::open(damaged, root, random_of(2));
    ASSERT_FALSE(neither.has_value());
    EXPECT_EQ(neither.error().code, ErrorCode::corrupted);
  }
}

TEST(StateStoreTest, the_snapshot_that_carried_a_recovery_stays) {
  MemoryFiles files;
  {
    auto store = StateStore::open(files, root, random_of(1));
    run(store->first, 0, 11, 4);   // snapshots 1 and 2
  }
  const auto damage = [&](const char* name) {
    ASSERT_TRUE(files.disk.contains(name));
    files.disk[name][40] ^= 1;
  };
  damage("state-0000000002.snapshot");
  {
    auto store = StateStore::open(files, root, random_of(2));
    EXPECT_EQ(run(store->first, 11, 13, 12), 13u);   // one more
  }
  damage("state-0000000003.snapshot");
  const auto again = StateStore::open(files, root, random_of(3));
  ASSERT_TRUE(again.has_value()) << again.error().text();
  EXPECT_EQ(*again->second.image, image_after(13));
}

TEST(StateStoreTest, what_cannot_be_read_is_kept_beside_the_state) {
  MemoryFiles files;
  {
    auto store = StateStore::open(files, root, random_of(1));
    run(store->first, 0, 11, 4);
  }
  files.disk.erase("state-0000000002.snapshot");
  const std::string first = "state-0000000001.frames", second = "state-0000000002.frames";
  const Bytes before = files.disk[first], after = files.disk[second];
  files.disk[first][30] ^= 1;
  const auto again = StateStore::open(files, root, random_of(2));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->second.height, 4u);
  EXPECT_EQ(again->second.warnings.size(), 3u);
  Bytes whole = concat(files.disk[first], files.disk[first + ".damaged-0"]);
  whole[30] ^= 1;
  EXPECT_EQ(whole, before);
  EXPECT_EQ(files.disk[second + ".damaged-0"], after);
  EXPECT_FALSE(files.disk.contains(second));
}

TEST(StateStoreTest, a_folder_of_another_identity_is_refused_and_not_touched) {
  for (const u32 frames : {1u, 2u, 5u}) {   // no snapshot yet
    MemoryFiles files;
    {
      auto store = StateStore::open(files, root, random_of(1));
      run(store->first, 0, frames, 100);
    }
    const auto before = files.disk;
    const auto other = StateStore::open(files, crypto::Key32(Bytes(32, 43)), random_of(2));
    ASSERT_FALSE(other.has_value());
    EXPECT_EQ(other.error().code, ErrorCode::corrupted);
    EXPECT_EQ(files.disk, before);
    EXPECT_EQ(*StateStore::open(files, root, random_of(3))->second.image, image_after(frames));
  }
}

TEST(MemoryFilesTest, only_what_was_synced_is_sure_to_outlive_a_crash) {
  const auto all_lost = [](u64) -> u64 { return 0; };
  MemoryFiles files;
  ASSERT_TRUE(files.append("a", Bytes{1, 2}).has_value());
  ASSERT_TRUE(files.sync("a").has_value());
  ASSERT_TRUE(files.append("a", Bytes{3}).has_value());
  ASSERT_TRUE(files.append("b", Bytes{4}).has_value());
  ASSERT_TRUE(files.append("c", Bytes{5}).has_value());
  ASSERT_TRUE(files.rename("c", "d").has_value());
  ASSERT_TRUE(files.remove("d").has_value());
  files.crash(all_lost);
  EXPECT_EQ(files.disk, (std::map<std::string, Bytes>{{"a", {1, 2}}, {"b", {}}, {"d", {5}}}));
  for (u64 budget = 1; budget < 4; ++budget) {   // a rename is a sync, the rename, and a sync of the folder
    MemoryFiles moved;
    ASSERT_TRUE(moved.append("x", Bytes{9}).has_value());
    moved.budget = budget - 1;
    ASSERT_FALSE(moved.rename("x", "y").has_value());
    moved.crash(all_lost);
    EXPECT_EQ(moved.disk, budget == 1 ? (std::map<std::string, Bytes>{}) : (std::map<std::string, Bytes>{{"x", {9}}})) << budget;
  }
}

TEST(StateStoreTest, no_flipped_bit_gives_another_state) {
  MemoryFiles files;
  {
    auto store = StateStore::open(files, root, random_of(1));
    run(store->first, 0, 9, 4);
  }
  for (const auto& [name, bytes] : files.disk)
    for (size_t at = 0; at < bytes.size(); at += 3) {
      MemoryFiles damaged = files;
      damaged.disk[name][at] ^= 0x04;
      auto again = StateStore::open(damaged, root, random_of(2));
      if (!again) continue;
      const u32 height = again->second.height;
      EXPECT_EQ(again->second.image.value_or(Image{}), image_after(height)) << name << " byte " << at;
      if (height < 9) EXPECT_FALSE(again->second.warnings.empty());
      EXPECT_EQ(run(again->first, height, height + 3, 2), height + 3);
      EXPECT_EQ(*StateStore::open(damaged, root, random_of(3))->second.image, image_after(height + 3)) << name << " byte " << at;
    }
}

TEST(StateStoreTest, another_key_reads_nothing) {
  MemoryFiles files;
  {
    auto store = StateStore::open(files, root, random_of(1));
    run(store->first, 0, 9, 4);
  }
  EXPECT_FALSE(StateStore::open(files, crypto::Key32(Bytes(32, 43)), random_of(2)).has_value());
  for (const auto& [name, bytes] : files.disk)   // and nothing is in clear
    EXPECT_EQ(std::search_n(bytes.begin(), bytes.end(), 8, u8{9}), bytes.end());
}

TEST(LogStoreTest, records_keep_their_numbers_over_restarts_and_the_oldest_go) {
  MemoryFiles files;
  std::vector<std::string> warnings;
  const auto message = [](u64 n) { return record::Log{static_cast<u32>(n), {}, {}, ExecMode::query, 1, 1, std::string(300, 'x') + std::to_string(n)}; };
  u64 next = 0;
  for (int restart = 0; restart < 5; ++restart) {
    LogRing ring(1 << 20);
    auto store = LogStore::open(files, root, random_of(static_cast<u32>(restart)), 20'000, ring, warnings);
    ASSERT_TRUE(store.has_value());
    EXPECT_EQ(ring.next_sequence(), next);
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(store->append(ring.append({message(ring.next_sequence())})).has_value());
    next = ring.next_sequence();
    ring.view().for_each(0, [](const NumberedRecord& r) {
      EXPECT_TRUE(r.record.get_if<record::Log>()->message.ends_with(std::to_string(r.sequence)));
      return true;
    });
  }
  u64 bytes = 0;
  for (const auto& [name, content] : files.disk) bytes += content.size();
  EXPECT_LT(bytes, 25'000u);
  EXPECT_TRUE(warnings.empty());
}

TEST(LogStoreTest, no_crash_or_full_disk_costs_what_was_synced) {
  for (u64 budget = 0; budget < 900; ++budget)
    for (u32 seed = 0; seed < 3; ++seed) {
      MemoryFiles files;
      std::vector<std::string> warnings;
      files.budget = budget;
      u64 synced = 0;
      {
        LogRing ring(1 << 20);
        auto store = LogStore::open(files, root, random_of(1), 400, ring, warnings);
        for (int i = 0; i < 12; ++i) {
          const auto records = ring.append({record::TooLarge{}});
          if (!store->append(records)) files.budget = ~u64{0};   // space is freed, and the records after it are kept
          else if (i % 3 == 2 && store->sync()) synced = ring.next_sequence();
        }
      }
      files.crash(chance(seed));
      LogRing again(1 << 20);
      auto store = LogStore::open(files, root, random_of(2), 400, again, warnings);
      ASSERT_TRUE(store.has_value()) << budget;
      ASSERT_GE(again.next_sequence(), synced) << budget << ", seed " << seed;
      ASSERT_TRUE(store->append(again.append({record::TooLarge{}})).has_value());
      LogRing third(1 << 20);
      ASSERT_TRUE(LogStore::open(files, root, random_of(3), 400, third, warnings).has_value());
      ASSERT_EQ(third.next_sequence(), again.next_sequence()) << budget << ", seed " << seed;
    }
}

TEST(LogStoreTest, a_torn_segment_costs_its_last_records_only) {
  MemoryFiles files;
  std::vector<std::string> warnings;
  LogRing ring(1 << 20);
  auto store = LogStore::open(files, root, random_of(1), 1 << 20, ring, warnings);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store->append(ring.append({record::TooLarge{}})).has_value());
  files.disk.begin()->second.pop_back();
  LogRing again(1 << 20);
  ASSERT_TRUE(LogStore::open(files, root, random_of(2), 1 << 20, again, warnings).has_value());
  EXPECT_EQ(again.next_sequence(), 9u);
}

}  // namespace
}  // namespace phala::worker

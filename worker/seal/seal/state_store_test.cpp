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

/// Cuts the power after every possible byte and operation; what was acknowledged is there, at most one frame more, and the store goes on.
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
    MemoryFiles files;
    files.budget = budget;
    u32 acknowledged = 0;
    if (auto store = StateStore::open(files, root, random_of(5))) acknowledged = run(store->first, 0, 12, 4);
    files.budget = ~u64{0};
    auto again = StateStore::open(files, root, random_of(6));
    ASSERT_TRUE(again.has_value()) << "crash after " << budget << ": " << again.error().text();
    const u32 height = again->second.height;
    EXPECT_TRUE(height == acknowledged || height == acknowledged + 1) << "crash after " << budget << ": " << height << " of " << acknowledged;
    EXPECT_EQ(again->second.image.value_or(Image{}), image_after(height)) << "crash after " << budget;
    EXPECT_EQ(run(again->first, height, height + 6, 4), height + 6);
    EXPECT_EQ(*StateStore::open(files, root, random_of(7))->second.image, image_after(height + 6)) << "crash after " << budget;
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

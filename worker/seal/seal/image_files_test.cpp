#include "seal/image_files.hpp"

#include <gtest/gtest.h>

#include "engine/test_support.hpp"
#include "seal/memory_files.hpp"

namespace phala::worker {
namespace {

const crypto::Key32 root(Bytes(32, 7));
constexpr u64 plenty = 1u << 30;

Random counting() {
  return [n = u8{0}](u8* to, size_t size) mutable { std::fill_n(to, size, ++n); };
}
std::unique_ptr<ImageFiles> open(Files& files, u64 capacity = plenty, const crypto::Key32& key = root) {
  auto opened = ImageFiles::open(files, key, counting(), capacity);
  EXPECT_TRUE(opened.has_value());
  return std::move(*opened);
}
Hash name(u8 n) { return Hash(Bytes(32, n)); }

TEST(ImageFilesTest, what_was_put_comes_back_also_after_a_restart) {
  MemoryFiles files;
  {
    const auto images = open(files);
    EXPECT_EQ(images->get(name(1)), std::nullopt);
    images->put(name(1), to_bytes("native code"));
    images->put(name(2), Bytes(100'000, 3));
    images->put(name(1), to_bytes("newer code"));
    EXPECT_EQ(images->get(name(1)), to_bytes("newer code"));
  }
  const auto images = open(files);
  EXPECT_EQ(images->get(name(1)), to_bytes("newer code"));
  EXPECT_EQ(images->get(name(2)), Bytes(100'000, 3));
  u64 all = 0;
  for (const auto& [file, bytes] : files.disk) all += bytes.size();
  EXPECT_EQ(images->bytes(), all);
}

TEST(ImageFilesTest, nothing_that_anybody_has_touched_is_used) {
  MemoryFiles files;
  {
    const auto images = open(files);
    images->put(name(1), to_bytes("first"));
    images->put(name(2), to_bytes("other"));
  }
  const auto original = files.disk;
  ASSERT_EQ(original.size(), 2u);
  const auto& [first_file, first] = *original.begin();
  const auto& [second_file, second] = *std::next(original.begin());
  for (size_t at = 0; at < first.size(); ++at) {   // every byte
    files.disk = original;
    files.disk[first_file][at] ^= 1;
    const auto images = open(files);
    EXPECT_EQ(images->get(name(1)), std::nullopt) << at;
    EXPECT_FALSE(files.disk.contains(first_file)) << at;   // it is made again
    EXPECT_EQ(images->get(name(2)), to_bytes("other"));
  }
  for (size_t size = 0; size < first.size(); ++size) {   // cut off anywhere
    files.disk = original;
    files.disk[first_file].resize(size);
    EXPECT_EQ(open(files)->get(name(1)), std::nullopt) << size;
  }
  // one contract's code under another's name, and what another worker sealed
  files.disk = original;
  files.disk[first_file] = second;
  EXPECT_EQ(open(files)->get(name(1)), std::nullopt);
  files.disk = original;
  EXPECT_EQ(open(files, plenty, crypto::Key32(Bytes(32, 8)))->get(name(1)), std::nullopt);
}

TEST(ImageFilesTest, other_builds_and_halves_go_when_it_opens) {
  MemoryFiles files;
  files.disk["image.new"] = {1, 2};
  files.disk["0011223344556677-" + to_hex(name(1)) + "-4"] = {1, 2, 3, 4};
  files.disk["anything"] = {};
  const auto images = open(files);
  EXPECT_TRUE(files.disk.empty());
  EXPECT_EQ(images->bytes(), 0u);
}

TEST(ImageFilesTest, the_folder_has_an_end_and_a_full_disk_costs_only_time) {
  MemoryFiles files;
  const auto images = open(files, 5'000);
  for (u8 n = 1; n < 5; ++n) {
    images->put(name(n), Bytes(1'500, n));
    EXPECT_TRUE(images->get(name(1)).has_value());
  }
  EXPECT_LE(images->bytes(), 5'000u);
  EXPECT_EQ(images->get(name(2)), std::nullopt);   // asked for longest ago
  EXPECT_EQ(images->get(name(4)), Bytes(1'500, 4));
  images->put(name(9), Bytes(6'000, 9));           // more than there may be at all
  EXPECT_EQ(images->get(name(9)), std::nullopt);
  files.budget = 100;
  images->put(name(7), Bytes(1'000, 7));
  EXPECT_EQ(images->get(name(7)), std::nullopt);
  files.budget = ~u64{0};
  images->put(name(7), Bytes(1'000, 7));
  EXPECT_EQ(images->get(name(7)), Bytes(1'000, 7));
}

TEST(ImageFilesTest, an_engine_finds_its_compiled_code_again) {
  MemoryFiles files;
  engine::test::Cluster cluster;
  const auto id = cluster.deploy(engine::test::answering("(i32.store (i32.const 0x2000) (i32.const 7)) (local.set $end (i32.const 0x2004))"));
  const auto ask = [&](const engine::ClusterState& state) {
    const auto images = open(files);
    const auto engine = *engine::Engine::create({.concurrent_runs = 1, .images = images.get()});
    return call(*engine, state, cluster.context, {{.mode = engine::Mode::query, .origin = engine::test::alice, .gas_limit = engine::test::max_gas_for_tests}, id, {}});
  };
  EXPECT_EQ(engine::test::data_of(*ask(cluster.state)), scale::encode(u32{7}));
  EXPECT_EQ(files.disk.size(), 1u);
  engine::ClusterState without = cluster.state;   // only the image can answer
  without.apply({{engine::key::code(cluster.state.contract(id)->code_hash), Bytes{}}});
  EXPECT_EQ(engine::test::data_of(*ask(without)), scale::encode(u32{7}));
  files.disk.begin()->second.back() ^= 1;
  EXPECT_FALSE(ask(without).has_value());
}

}  // namespace
}  // namespace phala::worker

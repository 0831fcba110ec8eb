#pragma once
// Why: tests of the store need a chain whose every state is known: block n's changes are a function of n and the state before.

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "crypto/hash.hpp"
#include "store/chain_store.hpp"

namespace phala::store {

using State = std::map<Bytes, Bytes, BytesLess>;

/// Keys of a small space, so that they are written, deleted and written again, and start one another; with 00 and ff, which the
/// store's own encoding uses.
inline Bytes test_key(std::mt19937& random) {
  static constexpr u8 alphabet[] = {0x00, 0x01, 0x7f, 0xff};
  Bytes out(random() % 5);
  for (u8& b : out) b = alphabet[random() % std::size(alphabet)];
  return out;
}

inline StateDiff test_diff(BlockNumber number, size_t changes = 12) {
  std::mt19937 random(number + 1);
  StateDiff diff;
  for (size_t i = 0; i < changes; ++i) diff[test_key(random)] = random() % 3 == 0 ? std::nullopt : std::optional(Bytes(random() % 70, static_cast<u8>(number)));
  diff[to_bytes("number")] = to_bytes(be_bytes(number));
  return diff;
}

inline void change(State& state, const StateDiff& diff) {
  for (const auto& [key, value] : diff) {
    if (value) state[key] = *value;
    else state.erase(key);
  }
}

inline Message test_message(BlockNumber number, u32 i) {
  return {MessageOrigin::pallet("Test"), to_bytes("a/topic"), to_bytes("payload " + std::to_string(number) + "." + std::to_string(i))};
}

/// Commits the next block; the errors are the test's.
inline Result<> commit_next(ChainStore& store, StateDiff diff) {
  const auto head = store.snapshot()->head();
  auto prepared = TRY(store.prepare(std::move(diff)));
  Block block;
  block.header.parent_hash = head.hash;
  block.header.number.value = head.number + 1;
  block.header.state_root = prepared.state_root();
  block.body = {to_bytes("extrinsic of " + std::to_string(head.number + 1))};
  block.justification = to_bytes("because");
  block.messages.number = head.number + 1;
  block.messages.now_ms = head.number * 6000;
  for (u32 i = 0; i < block.header.number.value % 3; ++i) {
    const Message message = test_message(block.header.number.value, i);
    block.messages.leaves.push_back(Leaf::of(message));
    block.messages.payloads.emplace_back(message.payload);
  }
  return store.commit(block, std::move(prepared));
}

inline Header genesis_header(const StateDiff& state) {
  std::map<Bytes, Bytes, BytesLess> entries;
  for (const auto& [key, value] : state)
    if (value) entries[key] = *value;
  Header header;
  header.state_root = trie::root(entries);
  return header;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    path_ = (std::filesystem::temp_directory_path() / "phala-store-XXXXXX").string();
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~StoreTest() override { std::filesystem::remove_all(path_); }

  ChainStore open(const Options& options) {
    auto store = ChainStore::open(path_, options);
    EXPECT_TRUE(store) << store.error().text();
    if (!store) abort();
    return std::move(*store);
  }
  static Options archive() { return {.keep_states = std::nullopt}; }
  /// Opens, with genesis and `blocks` blocks; notes every state.
  ChainStore grown(const Options& options, BlockNumber blocks) {
    auto store = open(options);
    states_.assign(1, {});
    change(states_[0], test_diff(0));
    EXPECT_TRUE(store.commit_genesis(test_diff(0), genesis_header(test_diff(0))));
    grow(store, blocks);
    return store;
  }
  void grow(ChainStore& store, BlockNumber blocks) {
    for (BlockNumber i = 0; i < blocks; ++i) {
      const auto number = static_cast<BlockNumber>(states_.size());
      states_.push_back(states_.back());
      change(states_.back(), test_diff(number));
      const auto done = commit_next(store, test_diff(number));
      ASSERT_TRUE(done) << done.error().text();
    }
  }
  std::string path_;
  std::vector<State> states_;
};

}  // namespace phala::store

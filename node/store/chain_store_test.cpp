#include "store/chain_store.hpp"

#include "store/schema.hpp"
#include "store/test_chain.hpp"

namespace phala::store {
namespace {

State contents(const StateReader& reader) {
  State out;
  for (std::optional<Bytes> key = reader.get({}) ? std::optional(Bytes{}) : reader.next_key({}); key; key = reader.next_key(*key)) {
    const auto value = reader.get(*key);
    EXPECT_TRUE(value);
    out[*key] = value.value_or(Bytes{});
  }
  EXPECT_FALSE(reader.failure());
  return out;
}

void expect_states(const Snapshot& snapshot, const std::vector<State>& states, BlockNumber from) {
  for (BlockNumber n = from; n < states.size(); ++n) {
    const auto reader = snapshot.state_at(n);
    ASSERT_TRUE(reader) << reader.error().text();
    ASSERT_EQ(contents(**reader), states[n]) << "block " << n;
    const auto header = snapshot.header(n);
    EXPECT_EQ((*header)->state_root, trie::root(states[n]));
  }
}

size_t rows(const std::string& path, Column column) {
  auto kv = KvStore::open(path + "/db", schema::kv_options(1 << 20));
  EXPECT_TRUE(kv);
  auto at = kv->iterate(column, kv->snapshot());
  size_t count = 0;
  for (at.seek({}); at.valid(); at.next()) ++count;
  return count;
}

/// Changes a row behind the store's back.
void tamper(const std::string& path, Column column, ByteView key, std::optional<Bytes> value) {
  auto kv = KvStore::open(path + "/db", schema::kv_options(1 << 20));
  ASSERT_TRUE(kv);
  auto batch = kv->batch();
  if (value) batch.put(column, key, *value);
  else batch.erase(column, key);
  ASSERT_TRUE(kv->write(std::move(batch), true));
}

TEST_F(StoreTest, an_archive_reads_every_block_after_reopening) {
  { const auto store = grown(archive(), 40); }
  auto store = open(archive());
  EXPECT_EQ(store.snapshot()->head().number, 40u);
  expect_states(*store.snapshot(), states_, 0);
  grow(store, 5);
  expect_states(*store.snapshot(), states_, 0);
}

TEST_F(StoreTest, a_pruned_store_keeps_what_it_promises_and_forgets_the_rest) {
  Options options{.keep_states = 10};
  {
    auto store = grown(options, 60);
    const auto snapshot = store.snapshot();
    EXPECT_EQ(snapshot->head().oldest_state, 51u);
    expect_states(*snapshot, states_, 51);
    const auto old = snapshot->state_at(50);
    ASSERT_FALSE(old);
    EXPECT_EQ(old.error().code, ErrorCode::not_found);
    EXPECT_NE(old.error().message.find("keeps 51 to 60"), std::string::npos) << old.error().message;
    EXPECT_FALSE(snapshot->state_at(61));
    // A snapshot does not move, not even when its blocks are pruned.
    const auto states_then = states_;
    grow(store, 20);
    expect_states(*snapshot, states_then, 51);
  }
  // What the last ten blocks need: the oldest of them whole, and at most what the nine after it wrote.
  EXPECT_LE(rows(path_, schema::state), states_[71].size() + 9 * 13);
  EXPECT_EQ(rows(path_, schema::journal), 9u + 80u);
  options.keep_states = 3;
  auto store = open(options);
  grow(store, 1);
  EXPECT_EQ(store.snapshot()->head().oldest_state, 79u);
  expect_states(*store.snapshot(), states_, 79);
}

TEST_F(StoreTest, proofs_exist_for_the_last_256_blocks_and_verify) {
  {
    const auto store = grown({.keep_states = 5}, 300);
    const auto snapshot = store.snapshot();
    EXPECT_EQ(snapshot->head().oldest_proof, 45u);
    std::mt19937 random(1);
    for (BlockNumber n = 45; n <= 300; n += n % 2 == 0 ? 1 : 3) {
      const std::vector<Bytes> keys{test_key(random), test_key(random), to_bytes("number"), to_bytes("nothing")};
      const auto proof = snapshot->proof(n, keys);
      ASSERT_TRUE(proof) << n << ": " << proof.error().text();
      const auto values = trie::verify_proof((*snapshot->header(n))->state_root, *proof, keys);
      ASSERT_TRUE(values) << values.error().text();
      for (size_t i = 0; i < keys.size(); ++i) {
        const auto at = states_[n].find(keys[i]);
        EXPECT_EQ((*values)[i], at == states_[n].end() ? std::nullopt : std::optional(at->second));
      }
    }
    const auto old = snapshot->proof(44, std::vector<Bytes>{Bytes{1}});
    ASSERT_FALSE(old);
    EXPECT_EQ(old.error().code, ErrorCode::not_found);
    EXPECT_NE(old.error().message.find("proofs for blocks 45 to 300"), std::string::npos) << old.error().message;
    EXPECT_FALSE(snapshot->proof(301, std::vector<Bytes>{Bytes{1}}));
  }
  EXPECT_EQ(rows(path_, schema::journal), 4u + 255u);
}

TEST_F(StoreTest, keys_are_paged_with_an_exclusive_start) {
  auto store = open({});
  StateDiff genesis;
  std::vector<Bytes> expected;
  const Bytes prefix{0x00, 0xff};
  genesis[Bytes{0x00}] = Bytes{1};
  genesis[Bytes{0x00, 0xfe, 1}] = Bytes{1};
  genesis[Bytes{0x01}] = Bytes{1};
  for (u32 i = 0; i < 2500; ++i) {
    expected.push_back(concat(prefix, be_bytes(static_cast<u16>(i * 7))));
    genesis[expected.back()] = Bytes{2};
  }
  genesis[prefix] = Bytes{3};
  ASSERT_TRUE(store.commit_genesis(genesis, genesis_header(genesis)));
  ASSERT_TRUE(commit_next(store, {{expected[1200], std::nullopt}, {prefix, std::nullopt}}));
  const auto reader = *store.snapshot()->state_at(0);
  std::vector<Bytes> all;
  std::optional<Bytes> start = prefix;   // as clients begin
  for (size_t page_size = 1000; page_size == 1000;) {
    const auto page = reader->keys_paged(prefix, *start, 1000);
    ASSERT_TRUE(page);
    all.insert(all.end(), page->begin(), page->end());
    page_size = page->size();
    start = all.back();
  }
  EXPECT_EQ(all, expected);
  EXPECT_EQ(reader->keys_paged(prefix, std::nullopt, 1)->front(), prefix);
  EXPECT_EQ(reader->keys_paged({}, std::nullopt, 9999)->size(), 2504u);
  EXPECT_EQ(reader->keys_paged(prefix, Bytes{0x01}, 10)->size(), 0u);
  EXPECT_EQ(reader->keys_paged(prefix, Bytes{}, 2)->size(), 2u);
  const auto next = *store.snapshot()->state_at(1);
  EXPECT_EQ(next->keys_paged(prefix, std::nullopt, 9999)->size(), 2499u);
  EXPECT_EQ(next->next_key(expected[1199]), expected[1201]);
  EXPECT_EQ(next->next_key(prefix), expected[0]);
}

TEST_F(StoreTest, keys_that_came_later_are_passed_over_only_as_long_as_patience_lasts) {
  auto store = open(archive());
  ASSERT_TRUE(store.commit_genesis({{Bytes{9}, Bytes{1}}}, genesis_header({{Bytes{9}, Bytes{1}}})));
  StateDiff later;
  for (u32 i = 0; i < 3000; ++i) later[concat(Bytes{1}, be_bytes(i))] = Bytes{1};
  ASSERT_TRUE(commit_next(store, later));
  const auto past = *store.snapshot()->state_at(0);
  size_t asked = 0;
  EXPECT_EQ(*past->keys_paged({}, std::nullopt, 10, {[&] { return ++asked != 0; }}), std::vector<Bytes>{Bytes{9}});
  EXPECT_GT(asked, 20u);
  asked = 0;
  const auto given_up = past->keys_paged({}, std::nullopt, 10, {[&] { return ++asked < 5; }});
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, ErrorCode::unavailable);
  EXPECT_EQ(asked, 5u);
}

TEST_F(StoreTest, proofs_are_bounded_in_bytes_and_time) {
  auto store = open({});
  StateDiff genesis;
  std::vector<Bytes> keys;
  for (u32 i = 0; i < 200; ++i) {
    keys.push_back(concat(Bytes{1}, be_bytes(i)));
    genesis[keys.back()] = Bytes(1000, static_cast<u8>(i));
  }
  ASSERT_TRUE(store.commit_genesis(genesis, genesis_header(genesis)));
  const auto snapshot = store.snapshot();
  const auto whole = snapshot->proof(0, keys);
  ASSERT_TRUE(whole);
  size_t bytes = 0;
  for (const auto& node : *whole) bytes += node.size();
  // shared nodes count once
  const auto bounded = snapshot->proof(0, keys, {{}, bytes});
  ASSERT_TRUE(bounded) << bounded.error().text();
  EXPECT_EQ(*bounded, *whole);
  EXPECT_EQ(snapshot->proof(0, keys, {{}, bytes - 1}).error().code, ErrorCode::refused);
  EXPECT_EQ(snapshot->proof(0, keys, {[] { return false; }}).error().code, ErrorCode::unavailable);
}

TEST_F(StoreTest, caches_tell_how_full_they_are) {
  auto store = open({});
  StateDiff genesis;
  for (u32 i = 0; i < 100; ++i) genesis[to_bytes(be_bytes(i))] = Bytes(1000, 7);
  ASSERT_TRUE(store.commit_genesis(genesis, genesis_header(genesis)));
  EXPECT_GT(store.cache_use().state, 100'000u);
  EXPECT_LT(store.cache_use().state, Options{}.cache_bytes);
  EXPECT_LE(store.cache_use().database, Options{}.cache_bytes);
}

TEST_F(StoreTest, a_key_deleted_and_made_again_has_its_value_of_each_block) {
  auto store = open(archive());
  const Bytes key{0xff, 0x00};
  ASSERT_TRUE(store.commit_genesis({}, genesis_header({})));
  const std::vector<std::optional<Bytes>> values{std::nullopt, Bytes{1}, std::nullopt, std::nullopt, Bytes{}, Bytes{2}, std::nullopt};
  for (size_t n = 1; n < values.size(); ++n) ASSERT_TRUE(commit_next(store, {{key, values[n]}}));
  for (BlockNumber n = 0; n < values.size(); ++n) {
    const auto reader = *store.snapshot()->state_at(n);
    EXPECT_EQ(reader->get(key), values[n]);
    EXPECT_EQ(reader->next_key({}), values[n] ? std::optional(key) : std::nullopt);
  }
  EXPECT_EQ((*store.snapshot()->header(6))->state_root, trie::empty_root());
}

TEST_F(StoreTest, blocks_and_messages_are_found) {
  Options options = archive();
  options.message_history = 4;
  auto store = grown(options, 10);
  ASSERT_TRUE(store.put_justification(9, as_bytes("better")));
  EXPECT_FALSE(store.put_justification(11, as_bytes("x")));
  const auto snapshot = store.snapshot();
  const auto header = **snapshot->header(7);
  EXPECT_EQ(header.number.value, 7u);
  EXPECT_EQ(**snapshot->hash_of(7), header.hash());
  EXPECT_EQ(**snapshot->number_of(header.hash()), 7u);
  EXPECT_EQ((**snapshot->header(header.hash())).hash(), header.hash());
  EXPECT_EQ(**snapshot->body(7), std::vector<Bytes>{to_bytes("extrinsic of 7")});
  EXPECT_EQ(**snapshot->justification(8), to_bytes("because"));
  EXPECT_EQ(**snapshot->justification(9), to_bytes("better"));
  EXPECT_FALSE(*snapshot->header(11));
  EXPECT_FALSE(*snapshot->number_of(Hash{}));
  EXPECT_EQ(**snapshot->body(0), std::vector<Bytes>{});

  const auto log = snapshot->messages(1, 10, 1 << 20);
  ASSERT_TRUE(log) << log.error().text();
  ASSERT_EQ(log->size(), 10u);
  for (BlockNumber n = 1; n <= 10; ++n) {
    const BlockMessages& block = (*log)[n - 1];
    EXPECT_EQ(block.number, n);
    EXPECT_EQ(block.now_ms, (n - 1) * 6000u);
    ASSERT_EQ(block.leaves.size(), n % 3);
    for (u32 i = 0; i < n % 3; ++i) {
      EXPECT_EQ(scale::encode(block.leaves[i]), scale::encode(Leaf::of(test_message(n, i))));
      EXPECT_EQ(block.payloads[i], n > 6 ? std::optional(test_message(n, i).payload) : std::nullopt) << n;
    }
  }
  EXPECT_EQ(snapshot->messages(3, 10, 1)->size(), 1u);
  EXPECT_FALSE(snapshot->messages(0, 3, 100));
  EXPECT_FALSE(snapshot->messages(3, 11, 100));
  EXPECT_FALSE(snapshot->messages(5, 4, 100));
}

TEST_F(StoreTest, what_does_not_continue_the_head_changes_nothing) {
  auto store = grown({}, 3);
  const auto head = store.snapshot()->head();
  const auto refused = [&](auto change) {
    auto prepared = store.prepare(test_diff(4));
    EXPECT_TRUE(prepared);
    Block block;
    block.header.parent_hash = head.hash;
    block.header.number.value = 4;
    block.header.state_root = prepared->state_root();
    block.messages.number = 4;
    change(block);
    const auto done = store.commit(block, std::move(*prepared));
    EXPECT_FALSE(done);
    if (!done) {
      EXPECT_EQ(done.error().code, ErrorCode::refused);
    }
    EXPECT_EQ(store.snapshot()->head().hash, head.hash);
  };
  refused([](Block& b) { b.header.number.value = 5; });
  refused([](Block& b) { b.header.parent_hash[0] ^= 1; });
  refused([](Block& b) { b.header.state_root[0] ^= 1; });
  refused([](Block& b) { b.messages.number = 3; });
  refused([](Block& b) { b.messages.payloads.resize(1); });
  auto stale = store.prepare(test_diff(4));
  grow(store, 1);
  Block block;
  block.header.parent_hash = store.snapshot()->head().hash;
  block.header.number.value = 5;
  block.header.state_root = stale->state_root();
  block.messages.number = 5;
  EXPECT_EQ(store.commit(block, std::move(*stale)).error().code, ErrorCode::refused);
  EXPECT_EQ(store.commit_genesis({}, genesis_header({})).error().code, ErrorCode::refused);
  EXPECT_EQ(store.prepare({{Bytes(trie::max_key_bytes + 1, 1), Bytes{}}}).error().code, ErrorCode::invalid_input);
  grow(store, 3);
  expect_states(*store.snapshot(), states_, 0);
}

TEST_F(StoreTest, another_chain_kind_or_schema_is_refused_by_name) {
  Hash genesis;
  {
    const auto store = grown({}, 1);
    genesis = **store.snapshot()->hash_of(0);
  }
  { open({.genesis = genesis}); }
  const auto expect_refused = [&](const Options& options, std::string_view word) {
    const auto store = ChainStore::open(path_, options);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::refused);
    EXPECT_NE(store.error().text().find(word), std::string::npos) << store.error().text();
    EXPECT_NE(store.error().text().find(path_), std::string::npos);
  };
  expect_refused({.genesis = Hash{}}, to_hex0x(genesis));
  expect_refused(archive(), "cannot change");
  expect_refused(archive(), "--state-pruning");
  tamper(path_, schema::meta, as_bytes(schema::version_row), scale::encode(schema::version + 1));
  expect_refused({}, "schema version");
}

TEST_F(StoreTest, damaged_rows_are_named_at_opening_or_at_reading) {
  { const auto store = grown({}, 5); }
  const auto saved = path_ + "-saved";
  std::filesystem::copy(path_, saved, std::filesystem::copy_options::recursive);
  const auto expect_corrupted = [&](std::string_view word) {
    const auto store = ChainStore::open(path_, {});
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::corrupted) << store.error().text();
    EXPECT_NE(store.error().text().find(word), std::string::npos) << store.error().text();
    std::filesystem::remove_all(path_);
    std::filesystem::copy(saved, path_, std::filesystem::copy_options::recursive);
  };
  tamper(path_, schema::meta, as_bytes(schema::head_row), Bytes{1, 2});
  expect_corrupted("'head'");
  tamper(path_, schema::meta, as_bytes(schema::head_row), std::nullopt);
  expect_corrupted("genesis without a head");
  tamper(path_, schema::blocks, schema::block_key(schema::header_kind, 5), std::nullopt);
  expect_corrupted("is missing");
  tamper(path_, schema::nodes, schema::place({}), Bytes{0x40});
  expect_corrupted("root node");
  tamper(path_, schema::meta, as_bytes(schema::head_row), scale::encode(Head{.number = 4, .hash = Hash{}}));
  expect_corrupted("reads back only to 4");

  tamper(path_, schema::state, schema::with_version(schema::escaped(as_bytes("number")), 5), Bytes{9});
  auto store = open({});
  const auto reader = *store.snapshot()->state_at(5);
  EXPECT_EQ(reader->find(as_bytes("number")).error().code, ErrorCode::corrupted);
  EXPECT_FALSE(reader->failure());
  EXPECT_FALSE(reader->get(as_bytes("number")));
  ASSERT_TRUE(reader->failure());
  const auto done = commit_next(store, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::corrupted);
  EXPECT_EQ(store.snapshot()->head().number, 5u);
  std::filesystem::remove_all(saved);
}

}  // namespace
}  // namespace phala::store

#include "light/light.hpp"

#include <gtest/gtest.h>

#include <random>

#include "crypto/hash.hpp"
#include "primitives/protocol.hpp"

namespace phala::light {
namespace {

crypto::Ed25519Pair sealer(u8 seed = 1) { return crypto::Ed25519Pair::from_seed(crypto::Seed(Bytes(32, seed))); }
bool follows_system(ByteView topic) { return starts_with(topic, as_bytes("phala/")); }

/// A chain of headers with messages, made from a seed.
struct Chain {
  crypto::Ed25519Pair key = sealer();
  TrustRoot root{Hash(Bytes(32, 9)), TrustedSealer{key.public_key}};
  Batch batch;
  std::mt19937 random;

  explicit Chain(size_t blocks, u32 seed = 7) : random(seed) {
    Hash parent = root.genesis_hash, log_root;
    u64 total = 0;
    for (BlockNumber n = 1; n <= blocks; ++n) {
      BlockMessages messages{n, 1000u * n, {}, {}};
      const size_t count = n == 1 ? 3 : random() % 4;
      for (size_t i = 0; i < count; ++i) {
        const Message message{MessageOrigin::pallet("P" + std::to_string(random() % 3)), to_bytes(random() % 3 == 0 ? "other/topic" : "phala/topic"),
                              Bytes(1 + random() % 40, static_cast<u8>(random()))};
        messages.leaves.push_back(Leaf::of(message));
        messages.payloads.push_back(message.payload);
      }
      total += count;
      log_root = next_message_root(log_root, n, messages.now_ms, messages.leaves);
      Header header{parent, n, Hash(Bytes(32, static_cast<u8>(n))), {}, {}};
      header.digest.logs.push_back(digest::Consensus{message_log_engine, scale::encode(MessageLogDigest{log_root, messages.now_ms, total})});
      parent = header.hash();
      batch.headers.push_back(header);
      batch.messages.push_back(messages);
    }
    seal_last();
  }
  void seal_last() { batch.finality = seal(key, batch.headers.back().hash()); }
  Result<Advanced, Refused> advance_from_genesis(const Batch& b) const { return advance(root, genesis_tip(root), b, follows_system); }
};

Batch part(const Chain& chain, size_t from, size_t to) {
  Batch out;
  out.headers.assign(chain.batch.headers.begin() + from, chain.batch.headers.begin() + to);
  out.messages.assign(chain.batch.messages.begin() + from, chain.batch.messages.begin() + to);
  out.finality = seal(chain.key, out.headers.back().hash());
  return out;
}

TEST(LightTest, an_honest_batch_gives_the_followed_messages_in_order) {
  const Chain chain(20);
  const auto advanced = chain.advance_from_genesis(chain.batch);
  ASSERT_TRUE(advanced.has_value()) << to_error(advanced.error()).text();
  ASSERT_EQ(advanced->blocks.size(), 20u);
  for (size_t b = 0; b < 20; ++b) {
    size_t expected = 0;
    for (const auto& leaf : chain.batch.messages[b].leaves) expected += follows_system(leaf.destination);
    EXPECT_EQ(advanced->blocks[b].messages.size(), expected);
    EXPECT_TRUE(std::is_sorted(advanced->blocks[b].messages.begin(), advanced->blocks[b].messages.end(),
                               [](const auto& x, const auto& y) { return x.index < y.index; }));
  }
  EXPECT_EQ(advanced->tip.hash, chain.batch.headers.back().hash());
  EXPECT_EQ(*advanced->tip.state_root, chain.batch.headers.back().state_root);
}

TEST(LightTest, any_split_into_batches_gives_the_same_tip) {
  const Chain chain(24);
  const auto whole = chain.advance_from_genesis(chain.batch);
  ASSERT_TRUE(whole.has_value());
  for (const size_t cut : {1, 5, 23}) {
    auto first = advance(chain.root, genesis_tip(chain.root), part(chain, 0, cut), follows_system);
    ASSERT_TRUE(first.has_value());
    auto second = advance(chain.root, first->tip, part(chain, cut, 24), follows_system);
    ASSERT_TRUE(second.has_value());
    EXPECT_TRUE(second->tip == whole->tip);
  }
}

TEST(LightTest, belief_can_start_at_a_later_final_header) {
  const Chain chain(12);
  const Batch head = part(chain, 0, 6);
  const auto tip = start_at(chain.root, head.headers.back(), head.finality);
  ASSERT_TRUE(tip.has_value());
  EXPECT_TRUE(advance(chain.root, *tip, part(chain, 6, 12), follows_system).has_value());
  EXPECT_EQ(start_at(chain.root, head.headers.back(), chain.batch.finality).error().why, Refusal::not_final);
}

TEST(LightTest, payloads_of_other_topics_may_be_absent) {
  Chain chain(20);
  for (auto& block : chain.batch.messages)
    for (size_t i = 0; i < block.leaves.size(); ++i)
      if (!follows_system(block.leaves[i].destination)) block.payloads[i].reset();
  EXPECT_TRUE(chain.advance_from_genesis(chain.batch).has_value());
}

/// One attack: changes an honest batch; says how it must be refused.
struct Attack {
  const char* name;
  Refusal expected;
  std::function<void(Chain&)> change;
};

class LightAttackTest : public testing::TestWithParam<Attack> {};

TEST_P(LightAttackTest, is_refused_by_name_and_moves_nothing) {
  Chain chain(10);
  GetParam().change(chain);
  const Tip before = genesis_tip(chain.root);
  const auto result = advance(chain.root, before, chain.batch, follows_system);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(to_string(result.error().why), to_string(GetParam().expected));
}

size_t followed(const BlockMessages& block) {
  for (size_t i = 0; i < block.leaves.size(); ++i)
    if (follows_system(block.leaves[i].destination)) return i;
  return 0;
}

INSTANTIATE_TEST_SUITE_P(All, LightAttackTest, testing::ValuesIn(std::vector<Attack>{
  {"no_headers", Refusal::empty_batch, [](Chain& c) { c.batch = {}; }},
  {"drop_a_header", Refusal::wrong_number, [](Chain& c) { c.batch.headers.erase(c.batch.headers.begin() + 3); c.batch.messages.erase(c.batch.messages.begin() + 3); }},
  {"swap_headers", Refusal::wrong_number, [](Chain& c) { std::swap(c.batch.headers[3], c.batch.headers[4]); }},
  {"repeat_a_header", Refusal::wrong_number, [](Chain& c) { c.batch.headers.insert(c.batch.headers.begin() + 2, c.batch.headers[1]); c.batch.messages.insert(c.batch.messages.begin() + 2, c.batch.messages[1]); }},
  {"alter_a_state_root", Refusal::broken_chain, [](Chain& c) { c.batch.headers[4].state_root[0] ^= 1; }},
  {"alter_the_last_header", Refusal::not_final, [](Chain& c) { c.batch.headers.back().state_root[0] ^= 1; }},
  {"foreign_genesis", Refusal::broken_chain, [](Chain& c) { c.root.genesis_hash[0] ^= 1; }},
  {"other_sealer", Refusal::not_final, [](Chain& c) { c.batch.finality = seal(sealer(2), c.batch.headers.back().hash()); }},
  {"proof_of_another_header", Refusal::not_final, [](Chain& c) { c.batch.finality = seal(c.key, c.batch.headers[8].hash()); }},
  {"flipped_signature_bit", Refusal::not_final, [](Chain& c) { c.batch.finality.get_if<SealerProof>()->signature[10] ^= 4; }},
  {"drop_a_leaf", Refusal::log_root_differs, [](Chain& c) { c.batch.messages[0].leaves.pop_back(); c.batch.messages[0].payloads.pop_back(); }},
  {"add_a_leaf", Refusal::log_root_differs, [](Chain& c) { c.batch.messages[5].leaves.push_back(c.batch.messages[0].leaves[0]); c.batch.messages[5].payloads.push_back(c.batch.messages[0].payloads[0]); }},
  {"swap_leaves", Refusal::log_root_differs, [](Chain& c) { std::swap(c.batch.messages[0].leaves[0], c.batch.messages[0].leaves[1]); std::swap(c.batch.messages[0].payloads[0], c.batch.messages[0].payloads[1]); }},
  {"other_sender", Refusal::log_root_differs, [](Chain& c) { c.batch.messages[0].leaves[1].sender = origin::Gatekeeper{}; }},
  {"other_topic", Refusal::log_root_differs, [](Chain& c) { c.batch.messages[0].leaves[1].destination.push_back('x'); }},
  {"other_length", Refusal::log_root_differs, [](Chain& c) { c.batch.messages[0].leaves[1].len += 1; }},
  {"other_payload_hash", Refusal::log_root_differs, [](Chain& c) { c.batch.messages[0].leaves[1].payload_hash[3] ^= 1; }},
  {"withhold_a_payload", Refusal::payload_withheld, [](Chain& c) { c.batch.messages[0].payloads[followed(c.batch.messages[0])].reset(); }},
  {"alter_a_payload", Refusal::payload_differs, [](Chain& c) { c.batch.messages[0].payloads[0]->back() ^= 1; }},
  {"longer_payload", Refusal::payload_differs, [](Chain& c) { c.batch.messages[0].payloads[0]->push_back(0); }},
  {"drop_payload_entries", Refusal::payloads_missing, [](Chain& c) { c.batch.messages[0].payloads.pop_back(); }},
  {"drop_a_message_batch", Refusal::messages_missing, [](Chain& c) { c.batch.messages.pop_back(); }},
  {"swap_message_batches", Refusal::messages_of_other_block, [](Chain& c) { std::swap(c.batch.messages[0], c.batch.messages[1]); }},
  {"relabel_a_message_batch", Refusal::wrong_time, [](Chain& c) { c.batch.messages[2] = c.batch.messages[1]; c.batch.messages[2].number = 3; }},
  {"other_time", Refusal::wrong_time, [](Chain& c) { c.batch.messages[2].now_ms += 1; }},
  {"counter_skips", Refusal::total_differs, [](Chain& c) {
     auto& header = c.batch.headers.back();
     auto log = *message_log_of(header);
     log.total += 1;
     header.digest.logs[0] = digest::Consensus{message_log_engine, scale::encode(log)};
     c.seal_last();
   }},
  {"no_log", Refusal::no_message_log, [](Chain& c) { c.batch.headers.back().digest.logs.clear(); c.seal_last(); }},
}), [](const auto& info) { return std::string(info.param.name); });

TEST(LightTest, a_replayed_batch_is_refused) {
  const Chain chain(6);
  const auto first = chain.advance_from_genesis(chain.batch);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(advance(chain.root, first->tip, chain.batch, follows_system).error().why, Refusal::wrong_number);
}

/// Property: whatever single bit of an encoded batch is changed, it is undecodable, refused, or says the same.
TEST(LightTest, no_changed_bit_passes_with_another_meaning) {
  const Chain chain(4, 11);
  const Bytes honest = scale::encode(chain.batch);
  const auto expected = chain.advance_from_genesis(chain.batch);
  ASSERT_TRUE(expected.has_value());
  std::mt19937 random(3);
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    Bytes changed = honest;
    changed[random() % changed.size()] ^= static_cast<u8>(1u << (random() % 8));
    const auto batch = scale::decode<Batch>(changed);
    if (!batch) continue;
    const auto result = chain.advance_from_genesis(*batch);
    if (!result) ++refused;
    else EXPECT_TRUE(result->tip == expected->tip && result->blocks == expected->blocks);
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace phala::light

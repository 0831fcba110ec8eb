#include "core/query.hpp"

#include <gtest/gtest.h>

#include "core/test_world.hpp"
#include "crypto/account.hpp"

namespace phala::worker {
namespace {

using namespace test;

/// A browser: its own key for each query, a certificate by its user.
struct Asker {
  Sr25519Pair ephemeral = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 21)));
  SecretBytes<32> key;
  PublicKey worker;
  explicit Asker(const PublicKey& to) : key(*ephemeral.agree(to)), worker(to) {}

  Bytes seal(const Bytes& plain) const {
    const crypto::Iv iv(Bytes(12, 7));
    return scale::encode(protocol::EncryptedData{iv.as<FixedBytes<12>>(), ephemeral.public_key(), crypto::aes256gcm_seal(key, iv, plain)});
  }
  SignatureChain sign(const Bytes& sealed, u32 ttl = 0x7fffffff) const {
    const auto alice = *crypto::KeyPair::from_uri("//Alice");
    const Bytes body = scale::encode(CertificateBody{to_bytes(ephemeral.public_key()), ttl, 0});
    return {{body, SignatureType::sr25519, to_bytes(ephemeral.sign(sealed))},
            {scale::encode(CertificateBody{alice.public_key(), ttl, 0}), SignatureType::sr25519, alice.sign(body)}};
  }
  /// What follows the nonce in the answer.
  Bytes open(const Bytes& answer, const Hash& nonce) const {
    const auto sealed = *scale::decode<protocol::EncryptedData>(answer);
    EXPECT_EQ(sealed.pubkey, worker);
    const Bytes plain = *crypto::aes256gcm_open(key, sealed.iv.as<crypto::Iv>(), sealed.data);
    EXPECT_TRUE(starts_with(plain, nonce));
    return Bytes(plain.begin() + 32, plain.end());
  }
};

struct QueryTest : testing::Test {
  KnownCertificates known;
  World world{1};
  protocol::ContractId system;
  QuerySnapshot snapshot;
  Hash nonce{Bytes(32, 1)};
  std::string asked;
  AccountId asker_account;
  void SetUp() override {
    world.launch();
    world.deploy_cluster(engine::test::contract(engine::test::answering(R"(
      (i32.store (i32.const 0x2000) (i32.const 0x44332211)) (local.set $end (i32.const 0x2004)))")));
    snapshot = snapshot_of(world.workers[0].machine);
    system = *snapshot.cluster->system_contract();
  }
  /// The answer in clear, or the error's text.
  std::string ask(const protocol::ContractId& contract, const query::Kind& kind, bool sign = true) {
    const auto& identity = world.workers[0].identity;
    const Asker asker(identity.public_key());
    const Bytes sealed = asker.seal(scale::encode(ContractQuery{contract, nonce, kind}));
    auto open = open_query(identity, sealed, sign ? asker.sign(sealed) : SignatureChain{}, snapshot.block, known);
    if (!open) return open.error().message;
    auto run = run_query(engine::test::shared_engine(), snapshot, identity.public_key(), *open, nullptr, [&](std::string_view text, const AccountId& who) {
      asked = text;
      asker_account = who;
      return std::string("{}");
    });
    if (!run) return run.error().message;
    return to_hex(asker.open(seal_answer(identity, *open, run->answer, crypto::Iv(Bytes(12, 9))), nonce));
  }
};

TEST_F(QueryTest, layouts_are_those_of_the_sdk) {
  // docs/protocol.md §9.1
  const std::string head = to_hex(Bytes(32, 2)) + to_hex(Bytes(32, 1));
  const Hash id(Bytes(32, 2));
  EXPECT_EQ(to_hex(scale::encode(ContractQuery{id, nonce, query::InkMessage{{0xaa, 0xbb}, 1, 2, true}})),
            head + "0008aabb01000000000000000000000000000000" + "02000000000000000000000000000000" + "01");
  EXPECT_EQ(to_hex(scale::encode(ContractQuery{id, nonce, query::SidevmMessage{to_bytes("{}")}})), head + "01087b7d");
}

TEST_F(QueryTest, a_signed_query_runs_and_its_answer_opens) {
  const std::string answer = ask(system, query::InkMessage{{1, 2, 3, 4}, 0, 0, false});
  ASSERT_TRUE(answer.starts_with("0000")) << answer;
  scale::Reader in({});
  const Bytes bytes = *from_hex(answer.substr(4));
  const auto payload = scale::decode<Bytes>(bytes);
  ASSERT_TRUE(payload.has_value());
  const auto result = engine::decode_call_result(*payload);
  ASSERT_TRUE(result.has_value() && result->result.has_value());
  EXPECT_EQ(to_hex(result->result->data), "11223344");
}

TEST_F(QueryTest, failures_have_their_numbers) {
  EXPECT_EQ(ask(system, query::InkMessage{{1, 2, 3, 4}, 0, 0, false}, false), "0100");   // BadOrigin
  EXPECT_EQ(ask(system, query::InkInstantiate{}, false), "0100");
  EXPECT_TRUE(ask(Hash(Bytes(32, 9)), query::InkMessage{}).starts_with("ContractNotFound"));
  EXPECT_TRUE(ask(Hash(Bytes(32, 9)), query::SidevmMessage{}).starts_with("ContractNotFound"));
  snapshot.cluster->log_handler = Hash(Bytes(32, 8));
  EXPECT_EQ(ask(system, query::SidevmMessage{}), "0102");                                // SidevmNotFound
  snapshot.cluster.reset();
  EXPECT_TRUE(ask(system, query::InkMessage{}).starts_with("ContractNotFound"));
}

TEST_F(QueryTest, an_estimate_of_an_instantiation_is_an_instantiate_result) {
  const Hash code = snapshot.cluster->state.contract(system.as<AccountId>())->code_hash;
  const std::string answer = ask(system, query::InkInstantiate{code, {1, 2}, {}, u128{1'000'000'000} * 1'000'000'000'000, 0});
  ASSERT_TRUE(answer.starts_with("0000")) << answer;
  const auto result = engine::decode_instantiate_result(*scale::decode<Bytes>(*from_hex(answer.substr(4))));
  ASSERT_TRUE(result.has_value() && result->result.has_value());
  EXPECT_TRUE(result->result->account_id.has_value());
}

TEST_F(QueryTest, an_estimate_knows_that_the_cluster_is_full) {
  const Hash code = snapshot.cluster->state.contract(system.as<AccountId>())->code_hash;
  snapshot.max_cluster_bytes = snapshot.cluster->state.memory_bytes();
  const std::string answer = ask(system, query::InkInstantiate{code, {1, 2}, {}, u128{1'000'000'000} * 1'000'000'000'000, 0});
  const auto result = engine::decode_instantiate_result(*scale::decode<Bytes>(*from_hex(answer.substr(4))));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(engine::to_string(result->result.error()), "Exhausted");
}

TEST_F(QueryTest, the_log_server_answers_where_it_is_and_only_who_signs) {
  for (const auto& id : {Hash{}, system}) {
    EXPECT_EQ(ask(id, query::SidevmMessage{to_bytes("GetLog")}, false), "0100");   // BadOrigin
    EXPECT_EQ(asked, "");
    EXPECT_EQ(ask(id, query::SidevmMessage{to_bytes("GetLog")}), "0000087b7d");
    EXPECT_EQ(std::exchange(asked, ""), "GetLog");
    EXPECT_EQ(asker_account, crypto::KeyPair::from_uri("//Alice")->account());
  }
  snapshot.cluster->log_handler = Hash(Bytes(32, 8));
  EXPECT_EQ(ask(Hash(Bytes(32, 8)), query::SidevmMessage{to_bytes("x")}), "0000087b7d");
}

TEST(QueryCacheTest, events_that_change_the_cache_act_after_a_query_and_not_after_an_estimate) {
  World world(1);
  world.launch();
  // emits its input as a pink event
  world.deploy_cluster(engine::test::contract(engine::test::answering("(call $seal0.deposit_event (i32.const 0x300) (i32.const 33) (i32.const 0x1000) (local.get $n))") +
                                              "(data (i32.const 0x300) \"\\04@phala.pink.event\")"));
  const auto snapshot = snapshot_of(world.workers[0].machine);
  const auto system = *snapshot.cluster->system_contract();
  const auto changes = [&](const engine::CacheOp& operation, bool estimating) {
    const OpenQuery open{{system, {}, query::InkMessage{scale::encode(engine::PinkEvent(engine::CacheOpEvent{operation})), 0, 0, estimating}}, AccountId(Bytes(32, 0xa1)), {}};
    auto run = run_query(engine::test::shared_engine(), snapshot, world.key(0), open, nullptr, {});
    EXPECT_TRUE(run.has_value());
    return run ? run->cache : std::vector<CacheChange>{};
  };
  const auto set = changes(engine::CacheSet{{1}, {2, 3}}, false);
  ASSERT_EQ(set.size(), 1u);
  EXPECT_EQ(set[0].contract, system);
  EXPECT_EQ(set[0].key, Bytes{1});
  EXPECT_EQ(set[0].value, (Bytes{2, 3}));
  EXPECT_EQ(changes(engine::CacheSetExpiration{{1}, 77}, false).at(0).expire_seconds, 77u);
  EXPECT_FALSE(changes(engine::CacheRemove{{1}}, false).at(0).value.has_value());
  EXPECT_TRUE(changes(engine::CacheSet{{1}, {2}}, true).empty());
}

TEST_F(QueryTest, what_cannot_be_opened_says_why) {
  const auto& identity = world.workers[0].identity;
  const Asker asker(identity.public_key());
  const Bytes sealed = asker.seal(scale::encode(ContractQuery{system, nonce, query::SidevmMessage{}}));
  EXPECT_TRUE(open_query(identity, Bytes{1, 2}, {}, 1, known).error().message.starts_with("DecodeError"));
  EXPECT_EQ(open_query(identity, Bytes{1, 2}, {}, 1, known).error().code, ErrorCode::invalid_input);
  EXPECT_TRUE(open_query(identity, asker.seal({1, 2, 3}), {}, 1, known).error().message.starts_with("DecodeError"));
  for (size_t at = 0; at < sealed.size(); ++at) {
    Bytes changed = sealed;
    changed[at] ^= 1;
    EXPECT_FALSE(open_query(identity, changed, {}, 1, known).has_value()) << at;
    if (at % 16 == 0) EXPECT_FALSE(open_query(identity, changed, asker.sign(sealed), 1, known).has_value()) << at;
  }
  EXPECT_EQ(open_query(identity, sealed, asker.sign(sealed, 5), 6, known).error().message, "Verifying signature failed: CertificateExpired");
  EXPECT_TRUE(open_query(identity, sealed, asker.sign(sealed, 5), 5, known).has_value());
}

}  // namespace
}  // namespace phala::worker

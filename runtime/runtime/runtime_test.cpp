#include "runtime/runtime.hpp"

#include <gtest/gtest.h>

#include "runtime/test_chain.hpp"

namespace phala::runtime {
namespace {

using namespace testing;
using Kind = TransactionError::Kind;

class RuntimeTest : public ::testing::Test {
 protected:
  TestChain chain;
  crypto::KeyPair alice = pair_of("//Alice"), bob = pair_of("//Bob");
  RuntimeCall transfer(Balance amount) const { return RuntimeCall::of<Balances>(Balances::TransferKeepAlive{bob.account(), {amount}}); }
  TransactionError validate_error(ByteView extrinsic) const { return validate(chain.state, chain.head, extrinsic).error(); }
};

TEST_F(RuntimeTest, a_transfer_moves_money_and_pays_the_treasury) {
  const auto treasury = test_spec().treasury;
  const Balance before = chain.free(alice), issued = Pallets(chain.state).balances.total_issuance.get();
  chain.block({chain.sign(alice, transfer(5 * Balances::pha), 0, 7)});
  ASSERT_TRUE(chain.applied[0].has_value()) << to_string(chain.applied[0].error());
  EXPECT_EQ(chain.free(bob), 10'000'005 * Balances::pha);
  const Balance fee = before - 5 * Balances::pha - chain.free(alice);
  EXPECT_GT(fee, TransactionPayment::weight_to_fee(base_extrinsic_weight));
  EXPECT_EQ(Pallets(chain.state).balances.free_balance(treasury), Balances::existential_deposit + fee);
  EXPECT_EQ(Pallets(chain.state).balances.total_issuance.get(), issued);
  EXPECT_EQ(account_nonce(chain.state, alice.account()), 1u);
  EXPECT_TRUE(chain.has_event(7, 2, scale::encode(Balances::Transfer{alice.account(), bob.account(), 5 * Balances::pha})));
  EXPECT_TRUE(chain.has_event(8, 0, scale::encode(TransactionPayment::TransactionFeePaid{alice.account(), fee, 7})));
}

TEST_F(RuntimeTest, all_signature_schemes_and_eras_are_accepted) {
  for (const auto scheme : {crypto::Scheme::ed25519, crypto::Scheme::sr25519, crypto::Scheme::ecdsa}) {
    const auto who = pair_of("//Eve", scheme);
    chain.block({chain.sign(alice, RuntimeCall::of<Balances>(Balances::TransferKeepAlive{who.account(), {100 * Balances::pha}}))});
    const auto mortal = chain.sign(who, transfer(1), 0, 0, Era::mortal(64, chain.head.number));
    EXPECT_TRUE(validate(chain.state, chain.head, mortal).has_value());
    EXPECT_TRUE(check_signatures(chain.state, chain.head, std::vector<Bytes>{mortal})[0].has_value());
    chain.block({mortal});
    EXPECT_TRUE(chain.applied.back().has_value());
  }
}

TEST_F(RuntimeTest, a_mortal_transaction_dies) {
  chain.block({});
  const auto x = chain.sign(alice, transfer(1), 0, 0, Era::mortal(4, chain.head.number));
  for (int i = 0; i < 8; ++i) chain.block({});
  EXPECT_EQ(validate_error(x).kind, Kind::bad_proof);   // signed over another block's hash by now
}

TEST_F(RuntimeTest, refusals_have_names_and_change_nothing) {
  const auto good = chain.sign(alice, transfer(1));
  Bytes forged = good;
  forged[50] ^= 1;
  EXPECT_EQ(validate_error(forged).kind, Kind::bad_proof);
  EXPECT_EQ(validate_error(ByteView(good).first(good.size() - 1)).kind, Kind::malformed);
  EXPECT_EQ(validate_error(chain.sign(pair_of("//Nobody"), transfer(1))).kind, Kind::payment);
  EXPECT_EQ(validate_error(encode_extrinsic({}, scale::encode(transfer(1)))).kind, Kind::no_unsigned_validator);
  EXPECT_EQ(validate_error(encode_extrinsic({}, scale::encode(RuntimeCall::of<Timestamp>(Timestamp::Set{1})))).kind, Kind::mandatory_validation);
  chain.block({good});
  EXPECT_EQ(validate_error(good).kind, Kind::stale);

  auto b = chain.builder();
  const auto before = b.used_ref_time();
  EXPECT_EQ(b.apply(good).error().kind, Kind::stale);
  EXPECT_EQ(b.apply(chain.sign(alice, transfer(1), 3)).error().kind, Kind::future);
  EXPECT_EQ(b.apply(chain.sign(alice, transfer(1), 1, 100'000'000 * Balances::pha)).error().kind, Kind::payment);
  EXPECT_EQ(b.used_ref_time(), before);
  TestChain other;
  other.block({good});
  other.block({});
  chain.import(std::move(b).finish());
  EXPECT_EQ(chain.state.kv, other.state.kv);
}

TEST_F(RuntimeTest, a_verdict_holds_for_what_was_signed_and_for_nothing_else) {
  chain.block({});
  const auto x = chain.sign(alice, transfer(1), 0, 0, Era::mortal(4, chain.head.number));
  const auto verdict = validate(chain.state, chain.head, x);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->longevity, 3u);
  EXPECT_TRUE(verdict->context.birth_hash == chain.head.hash());
  Bytes forged = x;
  forged[50] ^= 1;
  // under the very context of a verdict nothing is checked again: that is what it is for
  EXPECT_TRUE(validate(chain.state, chain.head, forged, &verdict->context).has_value());
  EXPECT_TRUE(chain.builder().apply(forged, &verdict->context).has_value());
  SignedContext other = verdict->context;
  ++other.spec_version;
  EXPECT_EQ(validate(chain.state, chain.head, forged, &other).error().kind, Kind::bad_proof);
  EXPECT_TRUE(validate(chain.state, chain.head, x, &other).has_value());
  for (int i = 0; i < 3; ++i) chain.block({});
  // the era has come round: it would be signed for another block's hash now
  EXPECT_EQ(chain.builder().apply(x, &verdict->context).error().kind, Kind::ancient_birth_block);
  chain.block({});
  EXPECT_EQ(validate(chain.state, chain.head, x, &verdict->context).error().kind, Kind::bad_proof);
  EXPECT_EQ(chain.builder().apply(x, &verdict->context).error().kind, Kind::bad_proof);
}

TEST_F(RuntimeTest, what_is_admitted_fits_into_an_empty_block) {
  // the longest remark of its class, and one byte more
  const auto of_size = [&](size_t bytes, bool operational) {
    size_t content = bytes - 200;
    for (;;) {
      const auto remark = operational ? RuntimeCall::of<Sudo>(Sudo::SudoUncheckedWeight{RuntimeCall::of<System>(System::KillStorage{{Bytes(content)}}), {1, 0}})
                                      : RuntimeCall::of<System>(System::Remark{Bytes(content)});
      auto x = chain.sign(alice, remark, 0);
      if (x.size() == bytes) return x;
      content += bytes - x.size();
    }
  };
  constexpr u32 room = 13;   // for the timestamp
  for (const bool operational : {false, true}) {
    const u32 limit = operational ? block_length.max.operational : block_length.max.normal;
    EXPECT_EQ(validate_error(of_size(limit, operational)).kind, Kind::exhausts_resources);
    EXPECT_EQ(validate_error(of_size(limit - room + 1, operational)).kind, Kind::exhausts_resources);
    const auto longest = of_size(limit - room, operational);
    ASSERT_TRUE(validate(chain.state, chain.head, longest).has_value());
    const auto applied = chain.builder().apply(longest);
    EXPECT_TRUE(applied.has_value()) << to_string(applied.error());
  }
  for (const bool operational : {false, true}) {
    const auto& limit = *(operational ? block_weights.per_class.operational : block_weights.per_class.normal).max_extrinsic;
    const auto inner = operational ? RuntimeCall::of<System>(System::KillStorage{}) : RuntimeCall::of<System>(System::Remark{});
    const auto heaviest = chain.sign(alice, RuntimeCall::of<Sudo>(Sudo::SudoUncheckedWeight{inner, {limit.ref_time, 0}}), 0);
    ASSERT_TRUE(validate(chain.state, chain.head, heaviest).has_value());
    EXPECT_TRUE(chain.builder().apply(heaviest).has_value());
  }
}

TEST_F(RuntimeTest, a_place_in_a_workers_queue_is_for_what_the_worker_signed) {
  const auto worker = crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  const auto carry = [&](const MessageOrigin& sender, bool good) {
    const Message message{sender, to_bytes("phala/x"), {1}};
    Bytes signature = to_bytes(worker.sign(signed_bytes(message, 0)));
    signature[7] ^= good ? 0 : 1;
    return chain.sign(alice, RuntimeCall::of<Mq>(Mq::SyncOffchainMessage{{message, 0, signature}}), 0);
  };
  const MessageOrigin known = origin::Worker{worker.public_key()};
  EXPECT_TRUE(validate(chain.state, chain.head, carry(known, true)).has_value());
  EXPECT_EQ(validate_error(carry(known, false)).kind, Kind::bad_proof);
  EXPECT_EQ(validate_error(carry(MessageOrigin::pallet("PhalaRegistry"), true)).kind, Kind::bad_proof);
  // whose key is not known yet may become known: no reason to ban the transaction
  for (const MessageOrigin& unknown : {MessageOrigin(origin::Gatekeeper{}), MessageOrigin(origin::Cluster{}), MessageOrigin(origin::Contract{})})
    EXPECT_EQ(validate_error(carry(unknown, true)).kind, Kind::cannot_lookup) << to_string(unknown);
  // renewing a verdict costs no second check of either signature
  const auto verdict = *validate(chain.state, chain.head, carry(known, true));
  EXPECT_TRUE(validate(chain.state, chain.head, carry(known, false), &verdict.context).has_value());
}

TEST_F(RuntimeTest, a_block_says_no_more_to_workers_than_fits_its_log) {
  // a cluster is made with its system contract's code: a short call, a long message
  chain.block({chain.sign(alice, RuntimeCall::of<Sudo>(Sudo::Sudo_{RuntimeCall::of<PhatContracts>(PhatContracts::SetPinkSystemCode{Bytes(2'000'000, 7)})}))});
  chain.block({});
  std::vector<Bytes> registrations;
  std::vector<RuntimeCall> clusters;
  for (u8 i = 0; i < 4; ++i) {
    const PublicKey worker(Bytes(32, i));
    registrations.push_back(chain.sign(alice, RuntimeCall::of<Sudo>(Sudo::Sudo_{RuntimeCall::of<Registry>(Registry::ForceRegisterWorker{worker, worker, {}})}), 1u + i));
    clusters.push_back(RuntimeCall::of<PhatContracts>(PhatContracts::AddCluster{alice.account(), permission::Public{}, {worker}, Balances::pha, 1, 2, 3, bob.account()}));
  }
  chain.block({registrations[0], registrations[1], registrations[2], registrations[3]});
  const auto sudo = [](const RuntimeCall& call) { return RuntimeCall::of<Sudo>(Sudo::Sudo_{call}); };

  auto b = chain.builder();
  for (u32 i = 0; i < 3; ++i) ASSERT_TRUE(b.apply(chain.sign(alice, sudo(clusters[i]), 5 + i)).has_value()) << i;
  EXPECT_EQ(b.apply(chain.sign(alice, sudo(clusters[3]), 8)).error().kind, Kind::exhausts_resources) << "it waits for the next block";
  chain.import(std::move(b).finish());
  EXPECT_LE(scale::encode(chain.last.messages).size(), max_block_message_bytes);
  chain.block({chain.sign(alice, sudo(clusters[3]), 8)});
  ASSERT_TRUE(chain.applied.back().has_value());
  EXPECT_EQ(chain.last.messages.size(), 1u);

  // all at once can never fit: the call fails, and has changed nothing
  TestChain other;
  other.block({other.sign(alice, sudo(RuntimeCall::of<PhatContracts>(PhatContracts::SetPinkSystemCode{Bytes(2'000'000, 7)})))});
  other.block({});
  other.block({registrations[0], registrations[1], registrations[2], registrations[3]});
  other.block({other.sign(alice, sudo(RuntimeCall::of<Utility>(Utility::Batch{clusters})), 5)});
  ASSERT_TRUE(other.applied.back().has_value());
  EXPECT_TRUE(other.last.messages.empty());
  EXPECT_EQ(Pallets(other.state).phat.cluster_counter.get(), 0u);
  EXPECT_TRUE(other.has_event(1, 1, Bytes{static_cast<u8>(DispatchError::Kind::exhausted)}));
  EXPECT_EQ(account_nonce(other.state, alice.account()), 6u);
}

TEST_F(RuntimeTest, whatever_root_writes_blocks_go_on) {
  const auto write = [&](std::vector<std::pair<Bytes, Bytes>> items) {
    chain.block({chain.sign(alice, RuntimeCall::of<Sudo>(Sudo::Sudo_{RuntimeCall::of<System>(System::SetStorage{std::move(items)})}))});
    ASSERT_TRUE(chain.applied.back().has_value());
  };
  Pallets p(chain.state);
  const u64 before = message_log_of(chain.head)->now_ms;
  write({{p.timestamp.now.key(), scale::encode(~u64{0})}, {p.timestamp.did_update.key(), {1}}});
  EXPECT_LT(message_log_of(chain.head)->now_ms, before + 10'000'000'000'000) << "the header tells the block's time, not what the state says of it";
  chain.block({});
  EXPECT_EQ(Pallets(chain.state).timestamp.now.get(), ~u64{0});
  write({{p.timestamp.now.key(), scale::encode(u64{1'700'000'000'000})}});
  chain.block({});
  EXPECT_EQ(message_log_of(chain.head)->now_ms, chain.next_ms() - 3000);

  // every item of System and Timestamp in turn: nothing, garbage, all ones
  std::vector<Bytes> keys{p.timestamp.now.key(),     p.timestamp.did_update.key(), p.system.extrinsic_count.key(), p.system.block_weight.key(), p.system.all_extrinsics_len.key(),
                          p.system.number.key(),     p.system.parent_hash.key(),   p.system.digest.key(),          p.system.events.key(),       p.system.event_count.key(),
                          p.outbox.outbound.key(),   p.outbox.queued.key(),        p.randomness.random_material.key(), p.payment.next_fee_multiplier.key(), p.system.development.key()};
  for (const auto& key : keys) {
    for (const Bytes& value : {Bytes{}, Bytes(3, 0xab), Bytes(64, 0xff)}) {
      const Header parent = chain.head;
      const MapState parent_state = chain.state;
      write({{key, value}});
      EXPECT_TRUE(message_log_of(chain.head).has_value()) << to_hex(key);
      EXPECT_TRUE(execute_block(parent_state, parent, chain.head, chain.last.extrinsics).has_value()) << to_hex(key);
      chain.block({});
    }
  }
  // a digest of one's own making does not become the header's
  write({{p.system.digest.key(), scale::encode(Digest{{phala::digest::Consensus{message_log_engine, scale::encode(MessageLogDigest{Hash(Bytes(32, 9)), 1, 999})}}})}});
  EXPECT_EQ(chain.head.digest.logs.size(), 1u);
  EXPECT_LT(message_log_of(chain.head)->total, 999u);
  EXPECT_TRUE(Pallets(chain.state).system.digest.get() == chain.head.digest);
}

TEST_F(RuntimeTest, keys_that_no_state_can_hold_are_refused) {
  const Bytes fits(max_state_key_bytes), too_long(max_state_key_bytes + 1);
  const auto set = [&](const Bytes& key) { return RuntimeCall::of<Sudo>(Sudo::Sudo_{RuntimeCall::of<System>(System::SetStorage{{{Bytes{1}, Bytes{1}}, {key, Bytes{2}}}})}); };
  chain.block({chain.sign(alice, set(fits))});
  EXPECT_EQ(chain.state.kv.at(fits), Bytes{2});
  chain.block({chain.sign(alice, set(too_long))});
  EXPECT_FALSE(chain.state.kv.contains(too_long));
  EXPECT_TRUE(chain.has_event(22, 0, scale::encode(Try<>(fail(DispatchError(System::Error::KeyTooLong))))));
  for (const auto& [key, value] : chain.last.diff) EXPECT_LE(key.size(), max_state_key_bytes);
  auto b = chain.builder();
  const auto refused = b.set_storage({{too_long, Bytes{1}}});
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_input);
  EXPECT_NE(refused.error().text().find("4097 bytes"), std::string::npos);
}

TEST_F(RuntimeTest, what_the_pool_must_know) {
  const auto now = *validate(chain.state, chain.head, chain.sign(alice, transfer(1), 0));
  EXPECT_TRUE(now.requires_.empty());
  EXPECT_EQ(now.provides.size(), 1u);
  EXPECT_EQ(now.sender, alice.account());
  const auto later = *validate(chain.state, chain.head, chain.sign(alice, transfer(1), 1));
  EXPECT_EQ(later.requires_, now.provides);
  EXPECT_GT(validate(chain.state, chain.head, chain.sign(alice, transfer(1), 0, 1000))->priority, now.priority);
}

TEST_F(RuntimeTest, a_failed_call_pays_and_leaves_only_its_event) {
  const Balance bob_before = chain.free(bob);
  const auto call = RuntimeCall::of<Balances>(Balances::TransferAllowDeath{bob.account(), {11'000'000 * Balances::pha}});
  chain.block({chain.sign(alice, call)});
  EXPECT_TRUE(chain.applied[0].has_value());
  EXPECT_EQ(chain.free(bob), bob_before);
  EXPECT_LT(chain.free(alice), 10'000'000 * Balances::pha);
  EXPECT_TRUE(chain.has_event(1, 1, scale::encode(DispatchError(TokenError::funds_unavailable))));
}

TEST_F(RuntimeTest, a_block_executes_again_to_the_same) {
  const Header parent = chain.head;
  const MapState parent_state = chain.state;
  chain.block({chain.sign(alice, transfer(1)), chain.sign(bob, transfer(2))});
  const auto again = execute_block(parent_state, parent, chain.head, chain.last.extrinsics);
  ASSERT_TRUE(again.has_value()) << again.error().text();
  EXPECT_EQ(again->diff, chain.last.diff);
  EXPECT_EQ(again->header.hash(), chain.head.hash());

  auto extrinsics = chain.last.extrinsics;
  std::swap(extrinsics[1], extrinsics[2]);
  EXPECT_FALSE(execute_block(parent_state, parent, chain.head, extrinsics).has_value());
  extrinsics.erase(extrinsics.begin());
  EXPECT_FALSE(execute_block(parent_state, parent, chain.head, extrinsics).has_value());
  Header wrong = chain.head;
  wrong.digest.logs.clear();
  EXPECT_FALSE(execute_block(parent_state, parent, wrong, chain.last.extrinsics).has_value());
}

/// Backwards, so that nothing rests on the order.
void backwards(size_t n, const std::function<void(size_t)>& body) {
  while (n-- > 0) body(n);
}

TEST_F(RuntimeTest, signatures_are_checked_many_at_once) {
  std::vector<Bytes> extrinsics;
  for (u32 i = 0; i < 300; ++i) extrinsics.push_back(chain.sign(alice, transfer(1), i));
  for (const auto& good : check_signatures(chain.state, chain.head, extrinsics, backwards)) {
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(good->birth_hash, chain.genesis_hash);
  }
  EXPECT_TRUE(check_signatures(chain.state, chain.head, {}).empty());

  // what cannot be good is not said to be, and spoils at most the batch that it is in
  extrinsics[170][50] ^= 1;
  extrinsics[171] = encode_extrinsic({}, scale::encode(transfer(1)));
  extrinsics[172] = {1, 2, 3};
  extrinsics[299] = chain.sign(pair_of("//Eve", crypto::Scheme::ecdsa), transfer(1));
  const auto good = check_signatures(chain.state, chain.head, extrinsics);
  for (const size_t bad : {170, 171, 172}) EXPECT_FALSE(good[bad].has_value()) << bad;
  EXPECT_TRUE(good[0].has_value());
  EXPECT_TRUE(good[299].has_value());
}

TEST_F(RuntimeTest, a_forged_extrinsic_refuses_its_block_by_name) {
  const Header parent = chain.head;
  const MapState parent_state = chain.state;
  chain.block({chain.sign(alice, transfer(1)), chain.sign(bob, transfer(2)), chain.sign(bob, transfer(3), 1)});
  EXPECT_TRUE(execute_block(parent_state, parent, chain.head, chain.last.extrinsics, backwards).has_value());
  auto extrinsics = chain.last.extrinsics;
  extrinsics[2][50] ^= 1;
  const auto refused = execute_block(parent_state, parent, chain.head, extrinsics);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "block 1: extrinsic 2: Transaction has a bad signature");
}

TEST_F(RuntimeTest, the_clock_only_moves_forward) {
  chain.block({});
  const u64 first = Pallets(chain.state).timestamp.now.get();
  BlockBuilder past(chain.state, chain.head, 5);
  chain.import(std::move(past).finish());
  EXPECT_EQ(Pallets(chain.state).timestamp.now.get(), first + 1);
  EXPECT_EQ(message_log_of(chain.head)->now_ms, first + 1);
  BlockBuilder far(chain.state, chain.head, ~u64{0});
  chain.import(std::move(far).finish());
  EXPECT_EQ(Pallets(chain.state).timestamp.now.get(), 253'402'300'799'999u);
  chain.block({});
}

TEST_F(RuntimeTest, a_full_block_says_so) {
  auto b = chain.builder();
  u32 nonce = 0;
  Checked last;
  const RuntimeCall big = RuntimeCall::of<System>(System::Remark{Bytes(1'000'000, 7)});
  while ((last = b.apply(chain.sign(alice, big, nonce)))) ++nonce;
  EXPECT_EQ(last.error().kind, Kind::exhausts_resources);
  EXPECT_EQ(nonce, 3u);
  EXPECT_TRUE(b.apply(chain.sign(alice, transfer(1), nonce)).has_value());
}

TEST_F(RuntimeTest, development_overrides_are_part_of_the_block) {
  const Header parent = chain.head;
  const MapState parent_state = chain.state;
  auto b = chain.builder();
  ASSERT_TRUE(b.set_storage({{to_bytes(":x"), Bytes{1}}, {Pallets(chain.state).sudo.key.key(), std::nullopt}}).has_value());
  chain.import(std::move(b).finish());
  EXPECT_EQ(chain.state.kv[to_bytes(":x")], Bytes{1});
  EXPECT_FALSE(Pallets(chain.state).sudo.key.get().has_value());
  EXPECT_TRUE(execute_block(parent_state, parent, chain.head, chain.last.extrinsics).has_value());

  auto spec = test_spec();
  spec.development = false;
  TestChain strict(spec);
  auto refused = strict.builder();
  EXPECT_FALSE(refused.set_storage({{to_bytes(":x"), Bytes{1}}}).has_value());
  // the very block that a development chain accepts
  Header header = strict.head;
  header.number = 1;
  header.parent_hash = strict.head.hash();
  EXPECT_FALSE(execute_block(strict.state, strict.head, header, chain.last.extrinsics).has_value());
}

TEST_F(RuntimeTest, runtime_apis_answer) {
  const auto x = chain.sign(alice, transfer(1));
  EXPECT_EQ(*call_api(chain.state, chain.head, "Core_version", {}), scale::encode(version()));
  EXPECT_EQ(*call_api(chain.state, chain.head, "AccountNonceApi_account_nonce", alice.account()), Bytes(4, 0));
  EXPECT_EQ(call_api(chain.state, chain.head, "Core_version", Bytes{1}).error().code, ErrorCode::invalid_input);
  EXPECT_EQ(call_api(chain.state, chain.head, "Core_nothing", {}).error().code, ErrorCode::not_found);
  const auto info = *call_api(chain.state, chain.head, "TransactionPaymentApi_query_info", concat(x, scale::encode(static_cast<u32>(x.size()))));
  const Balance fee = load_le<u128>(info.data() + info.size() - 16);
  const Balance before = chain.free(alice);
  chain.block({x});
  EXPECT_EQ(before - chain.free(alice), fee + 1);
  EXPECT_EQ(ChainSpec{}.block_ms, Timestamp::slot_duration_ms) << "wallets derive a transaction's life from it";
  const auto verdict = *call_api(chain.state, chain.head, "TaggedTransactionQueue_validate_transaction", concat(Bytes{2}, x, Hash{}));
  EXPECT_EQ(verdict, (Bytes{1, 0, 3}));   // stale
}

TEST_F(RuntimeTest, every_api_that_the_version_names_answers) {
  const Header parent = chain.head;
  const MapState parent_state = chain.state;
  chain.block({chain.sign(alice, transfer(1))});
  const auto block = [&](const Header& header) {
    Bytes out = scale::encode(header, scale::Compact<u32>(static_cast<u32>(chain.last.extrinsics.size())));
    for (const auto& x : chain.last.extrinsics) append(out, x);
    return out;
  };
  EXPECT_EQ(*call_api(parent_state, parent, "Core_execute_block", block(chain.head)), Bytes{});
  Header wrong = chain.head;
  wrong.extrinsics_root[0] ^= 1;
  EXPECT_NE(call_api(parent_state, parent, "Core_execute_block", block(wrong)).error().text().find("extrinsics root"), std::string::npos);
  EXPECT_EQ(call_api(parent_state, parent, "Core_execute_block", Bytes{1}).error().code, ErrorCode::invalid_input);
  EXPECT_EQ(*call_api(parent_state, parent, "Core_initialize_block", scale::encode(chain.head)), Bytes{});
  EXPECT_FALSE(call_api(chain.state, chain.head, "Core_initialize_block", scale::encode(chain.head)).has_value());
  // each method of each API that is listed is known: it may refuse these arguments, but it is there
  const std::map<std::string, std::vector<std::string>> methods{
      {"Core", {"version", "execute_block", "initialize_block"}},
      {"Metadata", {"metadata", "metadata_at_version", "metadata_versions"}},
      {"AccountNonceApi", {"account_nonce"}},
      {"TransactionPaymentApi", {"query_info", "query_fee_details", "query_weight_to_fee", "query_length_to_fee"}},
      {"TransactionPaymentCallApi", {"query_call_info", "query_call_fee_details", "query_weight_to_fee", "query_length_to_fee"}},
      {"TaggedTransactionQueue", {"validate_transaction"}},
      {"MqApi", {"sender_sequence"}}};
  EXPECT_EQ(version().apis.size(), methods.size());
  for (const auto& [api, names] : methods) {
    const auto id = crypto::blake2_64(as_bytes(api));
    EXPECT_TRUE(std::any_of(version().apis.begin(), version().apis.end(), [&](const auto& one) { return one.first == id; })) << api;
    for (const auto& name : names) {
      const auto answer = call_api(chain.state, chain.head, api + "_" + name, Bytes{});
      EXPECT_TRUE(answer || answer.error().code != ErrorCode::not_found) << api << "_" << name;
    }
  }
}

TEST_F(RuntimeTest, messages_of_a_block_are_rooted_in_its_header) {
  const auto before = *message_log_of(chain.head);
  chain.block({chain.sign(alice, RuntimeCall::of<Mq>(Mq::PushMessage{to_bytes("phala/x"), {1}})),
               chain.sign(bob, RuntimeCall::of<Mq>(Mq::PushMessage{to_bytes("phala/x"), {2}}))});
  ASSERT_EQ(chain.last.messages.size(), 2u);
  EXPECT_TRUE(chain.last.messages[1].sender == MessageOrigin::account(bob.account()));
  const auto log = *message_log_of(chain.head);
  EXPECT_EQ(log.total, before.total + 2);
  EXPECT_EQ(log.root, next_message_root(before.root, 1, log.now_ms, {Leaf::of(chain.last.messages[0]), Leaf::of(chain.last.messages[1])}));
  chain.block({});
  EXPECT_TRUE(chain.last.messages.empty());
  EXPECT_EQ(message_log_of(chain.head)->total, 2u);
}

TEST_F(RuntimeTest, a_workers_messages_queue_up_in_order) {
  const auto worker = crypto::Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 3)));
  const MessageOrigin sender = origin::Worker{worker.public_key()};
  const auto carry = [&](const crypto::KeyPair& by, u64 sequence, u32 nonce) {
    const Message message{sender, to_bytes("phala/x"), {1}};
    return chain.sign(by, RuntimeCall::of<Mq>(Mq::SyncOffchainMessage{{message, sequence, to_bytes(worker.sign(signed_bytes(message, sequence)))}}), nonce);
  };
  const auto first = *validate(chain.state, chain.head, carry(alice, 0, 0)), second = *validate(chain.state, chain.head, carry(bob, 1, 0));
  EXPECT_EQ(second.requires_, std::vector<Bytes>{first.provides[1]});
  EXPECT_EQ(first.provides[1], scale::encode(std::string("PhalaMqOffchainMessages"), sender, u64{0}));
  auto b = chain.builder();
  EXPECT_EQ(b.apply(carry(bob, 1, 0)).error().kind, Kind::future);
  EXPECT_TRUE(b.apply(carry(alice, 0, 0)).has_value());
  EXPECT_TRUE(b.apply(carry(bob, 1, 0)).has_value());
  EXPECT_EQ(b.apply(carry(alice, 1, 1)).error().kind, Kind::stale);
  chain.import(std::move(b).finish());
  EXPECT_EQ(*call_api(chain.state, chain.head, "MqApi_sender_sequence", scale::encode(sender)), scale::encode(std::optional<u64>(2)));
  EXPECT_EQ(validate_error(carry(alice, 1, 1)).kind, Kind::stale);
}

TEST_F(RuntimeTest, old_block_hashes_go_but_the_first_stays) {
  TestChain short_chain;
  short_chain.block({});
  Pallets p(short_chain.state);
  p.system.begin_block(System::block_hash_count + 2, Hash{});
  p.system.end_block(0, {});
  EXPECT_TRUE(p.system.block_hash.contains(0));
  EXPECT_FALSE(p.system.block_hash.contains(1));
}

}  // namespace
}  // namespace phala::runtime

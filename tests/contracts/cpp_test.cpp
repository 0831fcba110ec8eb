// Contracts written with the C++ SDK, as wasm, in the engine: what the native in-memory host only imitates.
#include <gtest/gtest.h>

#include "counter/counter.hpp"
#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "probe/probe.hpp"
#include "world.hpp"

namespace phala::contracts_test {
namespace {

using counter::Counter;
using engine::test::error_of;
using probe::Probe;

struct CppContracts : testing::Test {
  World world;
  engine::ContractId contract;
  Hash code;

  void SetUp() override {
    const Bytes wasm = built_wasm("probe");
    code = crypto::blake2_256(wasm);
    const auto made = world.deploy(wasm, sdk::detail::call_data(Probe::New::constructor, Probe::New{"first"}));
    ASSERT_TRUE(made) << error_of(world.last);
    contract = *made;
    world.state.apply(*engine::deposit(world.state, contract, unit));
  }
  template <class M>
  auto send(const M& message) { return world.send(bob, contract, message); }
  template <class M>
  auto query(const M& message) { return world.query(contract, message); }
};

TEST_F(CppContracts, the_example_of_the_guide_counts) {
  const auto counter = world.deploy(built_wasm("counter"), sdk::detail::call_data(Counter::New::constructor, Counter::New{0xfffffff0}));
  ASSERT_TRUE(counter) << error_of(world.last);
  EXPECT_EQ(world.send(bob, *counter, Counter::Add{5})->value(), 0xfffffff5u) << error_of(world.last);
  ASSERT_EQ(world.last.effects.ink_events.size(), 1u);
  EXPECT_EQ(world.last.effects.ink_events[0].payload, scale::encode(u8{0}, bob, u32{5}));
  EXPECT_EQ(world.send(bob, *counter, Counter::Add{11})->error(), counter::Error::TooLarge);
  EXPECT_TRUE(world.last.result.result->reverted());
  EXPECT_EQ(world.query(*counter, Counter::AddedBy{bob}).value(), 5u);
  OneAnswer web;
  web.response = engine::HttpResponse{418, "I'm a teapot", {}, {}};
  const Bytes answer = world.query_raw(*counter, sdk::detail::call_data(Counter::StatusOf::message, Counter::StatusOf{"https://example.org"}), &web);
  EXPECT_EQ(answer, scale::encode(u8{0}, u16{418})) << error_of(world.last);
}

TEST_F(CppContracts, sees_the_call_and_the_chain) {
  const auto data = world.send_raw(bob, contract, sdk::detail::call_data(Probe::Tell::message, Probe::Tell{bob}), 5);
  const auto facts = scale::decode<probe::Facts>(ByteView(data).subspan(1));
  ASSERT_TRUE(facts.has_value()) << error_of(world.last);
  EXPECT_EQ(facts->caller, bob);
  EXPECT_EQ(facts->address, contract);
  EXPECT_EQ(facts->value, 5u);
  EXPECT_GE(facts->balance, unit);
  EXPECT_EQ(facts->minimum, 1u);
  EXPECT_EQ(facts->block, 100u);
  EXPECT_EQ(facts->now, 1'700'000'000'000u);
  EXPECT_TRUE(facts->from_origin);
  EXPECT_FALSE(facts->is_contract);
  EXPECT_TRUE(facts->self_is_contract);
  EXPECT_EQ(facts->own_code, code);
  EXPECT_TRUE(facts->gas_left);
}

TEST_F(CppContracts, hashes_and_recovers_signers) {
  const Bytes data = to_bytes(std::string_view("abc"));
  const auto digests = query(Probe::Digest{data}).value();
  EXPECT_EQ(digests.sha2, crypto::sha2_256(data));
  EXPECT_EQ(digests.keccak, crypto::keccak_256(data));
  EXPECT_EQ(digests.blake, crypto::blake2_256(data));
  EXPECT_EQ(Bytes(digests.blake_128.begin(), digests.blake_128.end()), to_bytes(crypto::blake2_128(data).view()));
  const auto pair = crypto::EcdsaPair::from_seed(crypto::Seed(Bytes(32, 3))).value();
  const auto signature = pair.sign_prehashed(digests.keccak);
  const Hash expected = crypto::keccak_256(crypto::ecdsa_uncompress(pair.public_key).value());
  const auto address = query(Probe::Recover{signature, digests.keccak}).value();
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(to_hex(*address), to_hex(ByteView(expected).subspan(12)));
  EXPECT_EQ(query(Probe::Recover{{}, digests.keccak})->error(), static_cast<u8>(sdk::CallError::recovery_failed));
}

TEST_F(CppContracts, stores_values_of_every_shape) {
  EXPECT_EQ(query(Probe::Name{}).value(), "first");
  ASSERT_TRUE(send(Probe::Rename{std::string(3000, 'n')}).has_value()) << error_of(world.last);
  EXPECT_EQ(query(Probe::Name{})->size(), 3000u);
  EXPECT_EQ(query(Probe::GetBlob{}).value(), std::nullopt);
  ASSERT_TRUE(send(Probe::PutBlob{Bytes(12'000, 9)}).has_value()) << error_of(world.last);
  EXPECT_EQ(query(Probe::GetBlob{}).value(), Bytes(12'000, 9));
  ASSERT_TRUE(send(Probe::PutRow{1, "x", {1, 2, 3}}).has_value());
  EXPECT_EQ(send(Probe::TakeRow{2, "x"}).value(), std::nullopt);
  EXPECT_EQ(send(Probe::TakeRow{1, "x"}).value(), (std::vector<u64>{1, 2, 3}));
  EXPECT_EQ(send(Probe::TakeRow{1, "x"}).value(), std::nullopt);
}

TEST_F(CppContracts, a_value_beyond_the_buffer_ends_the_call) {
  EXPECT_FALSE(send(Probe::PutBlob{Bytes(17'000, 9)}).has_value());
  EXPECT_FALSE(world.last.result.result.has_value());
  EXPECT_EQ(query(Probe::Name{}).value(), "first");
}

TEST_F(CppContracts, moves_funds_and_ends) {
  const auto before = world.state.account(alice).free;
  EXPECT_TRUE(send(Probe::Send{alice, 1000})->has_value()) << error_of(world.last);
  EXPECT_EQ(world.state.account(alice).free, before + 1000);
  EXPECT_EQ(send(Probe::Send{alice, 1'000'000 * unit})->error(), static_cast<u8>(sdk::CallError::transfer_failed));
  world.send_raw(bob, contract, sdk::detail::call_data(Probe::End::message, Probe::End{alice}));
  EXPECT_TRUE(world.last.result.result.has_value()) << error_of(world.last);
  EXPECT_EQ(world.state.contract(contract), std::nullopt);
  EXPECT_EQ(query(Probe::Name{}).error(), sdk::CallError::callee_trapped);
}

TEST_F(CppContracts, creates_and_calls_others) {
  const auto made = send(Probe::Make{code, "second", {1, 2}});
  ASSERT_TRUE(made.has_value()) << error_of(world.last);
  ASSERT_TRUE(made->has_value()) << int{made->error()};
  EXPECT_EQ(**made, engine::contract_address(contract, code, world.state.config()->cluster_id, Bytes{1, 2}));
  EXPECT_EQ(query(Probe::NameOf{**made})->value(), "second");
  EXPECT_EQ(query(Probe::NameOf{alice})->error(), static_cast<u8>(sdk::CallError::not_callable));
  EXPECT_EQ(query(Probe::NameOf{world.system})->error(), static_cast<u8>(sdk::CallError::not_understood));
  EXPECT_EQ(query(Probe::NameThrough{code})->value(), "first");   // the other code on this storage
  EXPECT_EQ(query(Probe::NameThrough{Hash{}})->error(), static_cast<u8>(sdk::CallError::code_not_found));
  EXPECT_EQ(send(Probe::MakeRefusing{code})->error(), static_cast<u8>(sdk::CallError::callee_reverted));
  EXPECT_EQ(send(Probe::Make{Hash{}, "x", {3}})->error(), static_cast<u8>(sdk::CallError::code_not_found));
}

TEST_F(CppContracts, derives_keys_and_knows_where_it_runs) {
  const auto first = query(Probe::Keys{{1}}).value();
  EXPECT_EQ(std::get<0>(first).size(), 33u);
  EXPECT_TRUE(std::get<2>(first));
  EXPECT_EQ(std::get<0>(query(Probe::Keys{{1}}).value()), std::get<0>(first));
  EXPECT_NE(std::get<0>(query(Probe::Keys{{2}}).value()), std::get<0>(first));
  EXPECT_EQ(send(Probe::Keys{{1}}).value(), first);
  using Seen = Probe::World::Returns;
  EXPECT_EQ(query(Probe::World{}).value(), (Seen{false, world.system, account(0xee).as<PublicKey>(), {1, 2}}));
  EXPECT_EQ(send(Probe::World{}).value(), (Seen{true, world.system, PublicKey{}, {1, 2}}));
}

TEST_F(CppContracts, memory_grows_to_its_limit_and_no_further) {
  EXPECT_EQ(query(Probe::Allocate{100, 5000}).value(), u64{100 * 5000} + 5000 * (99 * 100 / 2)) << error_of(world.last);
  EXPECT_FALSE(query(Probe::Allocate{1000, 5000}).has_value());   // 16 pages are 1 MiB
  EXPECT_FALSE(query(Probe::Allocate{1, 0xfffffff0}).has_value());
  EXPECT_EQ(query(Probe::Name{}).value(), "first");
}

}  // namespace
}  // namespace phala::contracts_test

#pragma once
// Why: pallet tests drive *encoded* calls against all pallets of the runtime, and see at once whether a failed one left anything behind.

#include <gtest/gtest.h>

#include "crypto/account.hpp"
#include "runtime/pallets.hpp"

namespace phala::pallets::testing {

inline AccountId account_of(std::string_view uri) { return crypto::KeyPair::from_uri(uri)->account(); }

inline std::ostream& operator<<(std::ostream& out, const DispatchError& e) { return out << to_string(e); }

class PalletTest : public ::testing::Test {
 protected:
  PalletTest() : p(parent) {
    p.system.begin_block(1, Hash(Bytes(32, 0xaa)));
    p.state().phase = {Phase::Kind::apply_extrinsic, 0};
    p.timestamp.now.put(now_ms);
    for (const auto& who : {alice, bob}) EXPECT_TRUE(p.balances.endow(who, 1000 * Balances::pha).has_value());
    p.sudo.key.put(alice);
    p.system.events.kill();
  }

  /// Encodes, decodes and dispatches. A failure must leave the state as it was.
  template <class Call>
  DispatchResult call(const Origin& origin, const Call& c) {
    return dispatch(origin, RuntimeCall::of<typename PalletOf<Call>::type>(c));
  }
  template <class Call>
  DispatchResult call(const AccountId& who, const Call& c) { return call(Origin::signed_as(who), c); }
  DispatchResult dispatch(const Origin& origin, const RuntimeCall& c) {
    const auto decoded = scale::decode<RuntimeCall>(scale::encode(c));
    EXPECT_TRUE(decoded.has_value());
    const auto before = p.state().diff();
    const auto result = p.dispatcher.dispatch(origin, *decoded);
    if (!result) EXPECT_EQ(p.state().diff(), before) << "a failed call changed the state";
    return result;
  }
  /// The error of a call that must fail.
  template <class Who, class Call>
  DispatchError error(const Who& who, const Call& c) {
    const auto result = call(who, c);
    EXPECT_FALSE(result.has_value()) << "the call succeeded";
    return result ? DispatchError{} : result.error();
  }
  template <class Event>
  bool emitted(const Event& event) const {
    using P = typename PalletOf<Event>::type;
    const Bytes record = concat(Bytes{P::index, frame::detail::index_in<Event>(static_cast<const typename P::Event*>(nullptr))}, scale::encode(event), Bytes{0});
    return as_text(p.system.events.get().encoded).find(as_text(record)) != std::string_view::npos;
  }
  /// Messages of this block on a topic, as `Payload`.
  template <class Payload>
  std::vector<Payload> sent(std::string_view topic) const {
    std::vector<Payload> out;
    for (const auto& m : p.outbox.outbound.get())
      if (as_text(m.destination) == topic) out.push_back(*scale::decode<Payload>(m.payload));
    return out;
  }

  /// The pallet that declares a call or an event.
  template <class T>
  struct PalletOf;

  static constexpr u64 now_ms = 1'750'377'600'000;
  AccountId alice = account_of("//Alice"), bob = account_of("//Bob"), charlie = account_of("//Charlie");
  MapState parent;
  mutable runtime::Pallets p;
};

template <class T, class P>
concept CallOrEventOf = requires { requires P::Call::template has<T>; } || requires { requires P::Event::template has<T>; };

template <class T>
struct PalletTest::PalletOf {
  static auto find() {
    if constexpr (CallOrEventOf<T, System>) return std::type_identity<System>{};
    else if constexpr (CallOrEventOf<T, Utility>) return std::type_identity<Utility>{};
    else if constexpr (CallOrEventOf<T, Timestamp>) return std::type_identity<Timestamp>{};
    else if constexpr (CallOrEventOf<T, Balances>) return std::type_identity<Balances>{};
    else if constexpr (CallOrEventOf<T, TransactionPayment>) return std::type_identity<TransactionPayment>{};
    else if constexpr (CallOrEventOf<T, Sudo>) return std::type_identity<Sudo>{};
    else if constexpr (CallOrEventOf<T, Mq>) return std::type_identity<Mq>{};
    else if constexpr (CallOrEventOf<T, Registry>) return std::type_identity<Registry>{};
    else if constexpr (CallOrEventOf<T, PhatContracts>) return std::type_identity<PhatContracts>{};
    else return std::type_identity<PhatTokenomic>{};
  }
  using type = typename decltype(find())::type;
};

inline const DispatchError bad_origin{DispatchError::Kind::bad_origin};

}  // namespace phala::pallets::testing

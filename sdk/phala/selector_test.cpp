#include "phala/selector.hpp"

#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "phala/storage.hpp"

namespace phala::sdk {

template <size_t N>
struct Text {
  char chars[N + 1]{};
  consteval Text() {
    for (size_t i = 0; i < N; ++i) chars[i] = static_cast<char>('a' + i % 23);
  }
  constexpr std::string_view view() const { return {chars, N}; }
};

template <size_t N>
void same_as_library() {
  static constexpr Text<N> text;
  static constexpr auto digest = blake2b_256(text.view());
  EXPECT_EQ(Hash(digest), crypto::blake2_256(as_bytes(text.view()))) << N << " bytes";
}

TEST(Selector, compile_time_hash_is_that_of_the_library) {
  same_as_library<0>();
  same_as_library<1>();
  same_as_library<127>();
  same_as_library<128>();
  same_as_library<129>();
  same_as_library<256>();
  same_as_library<300>();
}

TEST(Selector, names_hash_to_what_ink_and_clients_use) {
  static constexpr Message flip("flip"), version("System::version"), deposit("ContractDeposit::change_deposit");
  EXPECT_EQ(to_hex(flip.selector), "633aa551");
  EXPECT_EQ(to_hex(Message("inc_by").selector), "fe5bd8ea");
  EXPECT_EQ(to_hex(version.in("pink_system").selector), "87c98a8d");
  EXPECT_EQ(version.in("pink_system").label, "System::version");
  EXPECT_EQ(to_hex(deposit.selector), "a24bcb44");
  EXPECT_EQ(to_hex(flip.at(0x01020304).selector), "01020304");
}

struct Flipper {
  bool value{};
  Map<AccountId, u32> flips;
  FIELDS(value, flips)
};

TEST(Selector, storage_keys_are_those_of_ink) {
  static_assert(xxh32("123") == 0xb6855437 && xxh32("Hello world") == 0x9705d437);
  static_assert(xxh32("Contract::balances") == 0xf820ff02);   // longer than one block of 16
  // the metadata of the ink! flipper says "root_key": "0x914cfa9c"
  static_assert(Fields<Flipper>::keys[1] == 0x914cfa9c);
  EXPECT_EQ(Fields<Flipper>::names[1], "flips");
}

}  // namespace phala::sdk

#include "counter.hpp"

#include <gtest/gtest.h>

#include "phala/testing.hpp"

namespace counter {

TEST(Counter, counts_for_each_account_and_refuses_overflow) {
  TestHost host;
  host.caller = AccountId(std::array<u8, 32>{1});
  ASSERT_FALSE(host.deploy<Counter>(Counter::New{0xfffffff0}).trapped);
  EXPECT_EQ(host.send<Counter>(Counter::Add{5})->value(), 0xfffffff5u);
  EXPECT_EQ(host.events.size(), 1u);
  EXPECT_EQ(host.send<Counter>(Counter::Add{11})->error(), Error::TooLarge);
  EXPECT_EQ(host.send<Counter>(Counter::Get{}).value(), 0xfffffff5u);
  EXPECT_EQ(host.send<Counter>(Counter::AddedBy{host.caller}).value(), 5u);
}

TEST(Counter, looks_at_the_web) {
  TestHost host;
  ASSERT_FALSE(host.deploy<Counter>(Counter::New{}).trapped);
  host.extension = [](u16, ByteView) { return TestHost::Answer{0, scale::encode(pink::HttpResponse{404, "Not Found", {}, {}})}; };
  EXPECT_EQ(host.send<Counter>(Counter::StatusOf{"https://example.org"}).value(), 404);
}

}  // namespace counter

#include "notes.hpp"

#include <gtest/gtest.h>

#include "phala/testing.hpp"

namespace notes {

TEST(Notes, are_read_by_their_writer_only) {
  TestHost host;
  host.caller = AccountId(std::array<u8, 32>{1});
  ASSERT_FALSE(host.deploy<Notes>(Notes::New{}).trapped);
  EXPECT_TRUE(host.send<Notes>(Notes::Write{"mine"})->has_value());
  EXPECT_EQ(host.send<Notes>(Notes::Read{}).value(), "mine");
  host.caller = AccountId(std::array<u8, 32>{2});
  EXPECT_EQ(host.send<Notes>(Notes::Read{}).value(), std::nullopt);
  EXPECT_EQ(host.send<Notes>(Notes::Write{std::string(4097, 'x')})->error(), Error::TooLong);
  EXPECT_EQ(host.send<Notes>(Notes::Written{}).value(), 1u);
}

}  // namespace notes

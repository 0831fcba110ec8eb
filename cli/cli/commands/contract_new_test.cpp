#include <gtest/gtest.h>

#include "cli/command.hpp"
#include "cli/files.hpp"

namespace phala::cli {
namespace {

namespace fs = std::filesystem;

struct ContractNewTest : testing::Test {
  TemporaryFolder folder = *TemporaryFolder::make("phala-contract-new-test");
  /// Runs the command for `name`, in the folder DIR/`where`.
  Result<int> make(const std::string& name, const std::string& where) {
    for (const auto& group : all_commands())
      for (const auto& command : group)
        if (command.name == "contract new") {
          Args args;
          args.set("NAME", {{name}, std::string(Args::from_command_line)});
          args.set("--dir", {{(folder.path() / where).string()}, std::string(Args::from_command_line)});
          args.set("--json", {{}, std::string(Args::from_command_line)});
          return command.run(args);
        }
    return fail(ErrorCode::not_found, "there is no such command");
  }
  std::string text(const fs::path& file) { return std::string(as_text(*read_file((folder.path() / file).string()))); }
};

TEST_F(ContractNewTest, a_project_has_everything_and_no_mark_is_left_in_it) {
  ASSERT_TRUE(make("my_token2", "a/b").has_value());
  size_t files = 0;
  for (const auto& file : fs::directory_iterator(folder.path() / "a/b")) {
    ++files;
    EXPECT_EQ(text(file.path()).find('@'), std::string::npos) << file.path();
    EXPECT_EQ(file.path().string().find('@'), std::string::npos);
  }
  EXPECT_EQ(files, 6u);
  EXPECT_NE(text("a/b/contract.toml").find("name = \"my_token2\""), std::string::npos);
  EXPECT_NE(text("a/b/my_token2.cpp").find("PHALA_CONTRACT(my_token2::MyToken2)"), std::string::npos);
  EXPECT_NE(text("a/b/my_token2_test.cpp").find("struct MyToken2Test"), std::string::npos);
}

TEST_F(ContractNewTest, what_is_there_is_left_alone) {
  ASSERT_TRUE(make("first", "x").has_value());
  const std::string before = text("x/contract.toml");
  EXPECT_EQ(make("second", "x").error().code, ErrorCode::refused);
  EXPECT_EQ(text("x/contract.toml"), before);
  EXPECT_FALSE(fs::exists(folder.path() / "x/second.hpp"));
  fs::create_directory(folder.path() / "empty");
  EXPECT_TRUE(make("third", "empty").has_value());
}

TEST_F(ContractNewTest, names_that_would_not_compile_are_refused) {
  for (const std::string& name : {"", "Token", "2nd", "my-token", "a__b", "a_", "_a", "class", "phala", "std", "a b", "../x", "\xc3\xa4"}) {
    const auto made = make(name, "y");
    ASSERT_FALSE(made.has_value()) << name;
    EXPECT_EQ(made.error().code, ErrorCode::invalid_input) << name;
    EXPECT_FALSE(made.error().hint.empty());
  }
  EXPECT_FALSE(fs::exists(folder.path() / "y"));
}

}  // namespace
}  // namespace phala::cli

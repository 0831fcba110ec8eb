#include "config/config.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace phala::config {
namespace {

struct Settings {
  u16 port = 9944;
  u32 size = 7;
  bool tmp = false;
  std::string methods = "auto";
  std::optional<std::string> name;
  std::vector<std::string> levels;
};

class ConfigTest : public ::testing::Test {
 protected:
  Parsed parse(std::vector<const char*> args) {
    args.insert(args.begin(), "phala-test");
    options = std::make_unique<Options>("phala-test", "A program.", "  phala-test --tmp");
    options->value("--rpc-port", s.port, "Port");
    options->value("--size", s.size, "Size", 1u, 10u);
    options->flag("--tmp", s.tmp, "Temporary");
    options->value("--rpc-methods", s.methods, "Methods", {"auto", "safe", "unsafe"});
    options->value("--name", s.name, "Name");
    options->list("-l,--log", s.levels, "Levels");
    return options->parse(static_cast<int>(args.size()), args.data());
  }
  std::string file(const std::string& text) {
    path = std::filesystem::temp_directory_path() / ("phala-config-test-" + std::to_string(::getpid()) + ".toml");
    std::ofstream(path) << text;
    return path.string();
  }
  void TearDown() override {
    ::unsetenv("PHALA_TEST_RPC_PORT");
    ::unsetenv("PHALA_TEST_TMP");
    ::unsetenv("PHALA_TEST_CONFIG");
    if (!path.empty()) std::filesystem::remove(path);
  }
  Settings s;
  std::unique_ptr<Options> options;
  std::filesystem::path path;
};

TEST_F(ConfigTest, flag_beats_environment_beats_file_beats_default) {
  const auto config = file("rpc-port = 1\nsize = 3\nrpc-methods = 'safe'\nlog = ['a=debug', 'b=info']\ntmp = true\n");
  ::setenv("PHALA_TEST_RPC_PORT", "2", 1);
  ASSERT_TRUE(parse({"--config", config.c_str(), "--rpc-methods", "unsafe"}).run);
  EXPECT_EQ(s.port, 2);
  EXPECT_EQ(s.size, 3u);
  EXPECT_EQ(s.methods, "unsafe");
  EXPECT_TRUE(s.tmp);
  EXPECT_EQ(s.levels, (std::vector<std::string>{"a=debug", "b=info"}));
  EXPECT_FALSE(s.name.has_value());
  const auto shown = options->effective();
  EXPECT_NE(shown.find("# environment PHALA_TEST_RPC_PORT"), shown.npos) << shown;
  EXPECT_NE(shown.find(config + ":2"), shown.npos) << shown;
  EXPECT_NE(shown.find("# command line"), shown.npos) << shown;
  s = {};
  ASSERT_TRUE(parse({"--config", config.c_str(), "--rpc-port=5", "--name", "x"}).run);
  EXPECT_EQ(s.port, 5);
  EXPECT_EQ(s.name, "x");
}

TEST_F(ConfigTest, the_last_of_several_wins_and_lists_grow) {
  ASSERT_TRUE(parse({"--rpc-methods", "safe", "--rpc-methods", "unsafe", "--size", "2", "--size", "3", "-l", "a=info,b=warn", "-l", "debug"}).run);
  EXPECT_EQ(s.methods, "unsafe");
  EXPECT_EQ(s.size, 3u);
  EXPECT_EQ(s.levels, (std::vector<std::string>{"a=info", "b=warn", "debug"}));
}

TEST_F(ConfigTest, the_environment_may_name_the_file) {
  const auto config = file("size = 3\n");
  ::setenv("PHALA_TEST_CONFIG", config.c_str(), 1);
  ASSERT_TRUE(parse({}).run);
  EXPECT_EQ(s.size, 3u);
  const auto other = config + ".missing";
  testing::internal::CaptureStderr();
  EXPECT_EQ(parse({"--config", other.c_str()}).exit_code, exit_usage) << "the flag beats it";
  EXPECT_NE(testing::internal::GetCapturedStderr().find(other), std::string::npos);
}

TEST(ExitCodes, each_class_of_error_has_its_own) {
  std::set<int> codes{exit_ok};
  for (const auto code : {ErrorCode::invalid_input, ErrorCode::not_found, ErrorCode::refused, ErrorCode::unavailable, ErrorCode::corrupted, ErrorCode::internal})
    EXPECT_TRUE(codes.insert(exit_code_of({code, "x"})).second);
}

TEST_F(ConfigTest, environment_sets_flags) {
  ::setenv("PHALA_TEST_TMP", "true", 1);
  ASSERT_TRUE(parse({}).run);
  EXPECT_TRUE(s.tmp);
}

TEST_F(ConfigTest, bad_values_name_option_and_place) {
  for (const auto& bad : std::vector<std::vector<const char*>>{{"--size", "0"}, {"--size", "11"}, {"--size", "-1"}, {"--rpc-port", "65536"}, {"--rpc-methods", "all"}, {"--nothing"}, {"--size"}}) {
    testing::internal::CaptureStderr();
    const auto parsed = parse(bad);
    const auto text = testing::internal::GetCapturedStderr();
    EXPECT_FALSE(parsed.run);
    EXPECT_EQ(parsed.exit_code, exit_usage);
    EXPECT_NE(text.find(bad[0]), text.npos) << text;
  }
  const auto typo = file("size = 3\nrpc_port = 1\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(parse({"--config", typo.c_str()}).exit_code, exit_usage);
  EXPECT_NE(testing::internal::GetCapturedStderr().find(":2: unknown option 'rpc_port'"), std::string::npos);
  const auto wrong = file("\n\nsize = 30\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(parse({"--config", wrong.c_str()}).exit_code, exit_usage);
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find(":3"), text.npos) << text;
  EXPECT_NE(text.find("from 1 to 10"), text.npos) << text;
}

TEST_F(ConfigTest, help_and_version_end_the_program) {
  testing::internal::CaptureStdout();
  EXPECT_FALSE(parse({"--help"}).run);
  const auto help = testing::internal::GetCapturedStdout();
  EXPECT_NE(help.find("phala-test --tmp"), help.npos);
  EXPECT_NE(help.find("9944"), help.npos) << "defaults are shown";
  testing::internal::CaptureStdout();
  EXPECT_EQ(parse({"--version"}).exit_code, exit_ok);
  EXPECT_TRUE(testing::internal::GetCapturedStdout().starts_with("phala-test 0."));
}

}  // namespace
}  // namespace phala::config

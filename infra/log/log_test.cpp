#include "log/log.hpp"

#include <gtest/gtest.h>

namespace phala::log {
namespace {

std::string captured(const Options& options, const std::function<void()>& body) {
  testing::internal::CaptureStderr();
  EXPECT_TRUE(start(options).has_value());
  body();
  flush();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, each_target_has_its_level) {
  const auto text = captured({.levels = {"warn,rpc=debug", "pool=off"}}, [] {
    debug("rpc", "call {}", 7);
    info("seal", "hidden");
    warn("seal", "shown");
    error("pool", "hidden too");
  });
  EXPECT_NE(text.find("rpc: call 7"), text.npos);
  EXPECT_NE(text.find("seal: shown"), text.npos);
  EXPECT_EQ(text.find("hidden"), text.npos);
  EXPECT_EQ(text.find('\x1b'), text.npos) << "no colours into a file";
}

TEST(Log, a_malformed_level_is_refused_and_changes_nothing) {
  ASSERT_TRUE(start({.levels = {"error"}}).has_value());
  const auto bad = start({.levels = {"rpc=loud"}});
  ASSERT_FALSE(bad.has_value());
  EXPECT_NE(bad.error().message.find("loud"), std::string::npos);
  EXPECT_FALSE(enabled("rpc", Level::warn));
}

TEST(Log, text_from_outside_stays_on_one_line) {
  const auto text = captured({}, [] { info("rpc", "{}", "a\nb\x1b[31mc"); });
  EXPECT_NE(text.find("a b?[31mc"), text.npos);
  const auto json = captured({.json = true}, [] { info("rpc", "say \"{}\"", "a\nb"); });
  EXPECT_NE(json.find(R"("target":"rpc","message":"say \"a\nb\""})"), json.npos) << json;
}

}  // namespace
}  // namespace phala::log

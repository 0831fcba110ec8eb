#include "url/url.hpp"

#include <gtest/gtest.h>

namespace phala {
namespace {

std::string parts(const std::string& text, UrlReading how = UrlReading::strict) {
  const auto url = read_url(text, how);
  return url ? url->scheme + "|" + url->host + "|" + url->port + "|" + url->path : "none";
}

TEST(Url, is_read_in_parts) {
  EXPECT_EQ(parts("http://Node.example:81/a/b?c#d"), "http|Node.example|81|/a/b");
  EXPECT_EQ(parts("https://node"), "https|node|443|/");
  EXPECT_EQ(parts("http://[::1]/"), "http|[::1]|80|/");
  EXPECT_EQ(read_url("http://node:81/a?b")->whole, "http://node:81/a?b");
}

TEST(Url, what_is_none_is_refused) {
  for (const char* text : {"", "http://", "http://node:99999", "http://no de", "\n"}) EXPECT_EQ(parts(text), "none") << text;
}

TEST(Url, other_schemes_and_other_bytes_only_where_they_are_wanted) {
  EXPECT_EQ(parts("other://node:1/x"), "none");
  EXPECT_EQ(parts("other://node:1/x", UrlReading::any_scheme), "other|node|1|/x");
  EXPECT_EQ(parts("other://node", UrlReading::any_scheme), "other|node||/");
  EXPECT_EQ(parts("http://node/a b"), "none");
  EXPECT_EQ(read_url("http://node/a b", UrlReading::encoding)->whole, "http://node/a%20b");
}

}  // namespace
}  // namespace phala

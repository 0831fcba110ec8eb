#include "api/effects.hpp"

#include <gtest/gtest.h>

namespace phala::worker {
namespace {

using engine::HttpError;
using engine::HttpRequest;

TEST(EffectsTest, requests_of_one_query_are_bounded_and_of_the_next_counted_anew) {
  const egress::HttpEgress http({});
  SharedCache cache;
  const HttpRequest refused{"http://10.0.0.1/", "GET", {}, {}};
  const auto deadline = WorldEffects::Clock::now() + std::chrono::seconds(60);
  const std::atomic<bool> ended = false;
  WorldEffects one(http, cache, deadline, ended);
  for (size_t i = 0; i + 5 < max_http_requests_per_query; ++i) ASSERT_EQ(one.http_request({}, refused).error(), HttpError::not_allowed) << i;
  ASSERT_TRUE(one.batch_http_request({}, std::vector<HttpRequest>(4, refused), 1000).has_value());
  EXPECT_EQ(one.http_request({}, refused).error(), HttpError::not_allowed);
  EXPECT_EQ(one.http_request({}, refused).error(), HttpError::too_many_requests);
  EXPECT_EQ(one.batch_http_request({}, {refused}, 1000).error(), HttpError::too_many_requests);
  WorldEffects next(http, cache, deadline, ended);
  EXPECT_EQ(next.http_request({}, refused).error(), HttpError::not_allowed);
}

}  // namespace
}  // namespace phala::worker

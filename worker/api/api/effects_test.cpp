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
  Registration registration({}, no_evidence());
  WorldEffects one(http, cache, registration, deadline, ended);
  for (size_t i = 0; i + 5 < max_http_requests_per_query; ++i) ASSERT_EQ(one.http_request({}, refused).error(), HttpError::not_allowed) << i;
  ASSERT_TRUE(one.batch_http_request({}, std::vector<HttpRequest>(4, refused), 1000).has_value());
  EXPECT_EQ(one.http_request({}, refused).error(), HttpError::not_allowed);
  EXPECT_EQ(one.http_request({}, refused).error(), HttpError::too_many_requests);
  EXPECT_EQ(one.batch_http_request({}, {refused}, 1000).error(), HttpError::too_many_requests);
  WorldEffects next(http, cache, registration, deadline, ended);
  EXPECT_EQ(next.http_request({}, refused).error(), HttpError::not_allowed);
}

TEST(EffectsTest, the_quote_is_over_the_workers_key_and_made_once_an_hour) {
  protocol::WorkerRegistrationInfoV2 info;
  info.pubkey = PublicKey(Bytes(32, 7));
  std::vector<std::pair<PublicKey, u64>> asked;
  bool broken = false;
  Registration registration(info, {"\"dcap\"", no_evidence().collect, [&](const PublicKey& key, u64 now_s) -> Result<std::optional<Bytes>> {
                                     asked.emplace_back(key, now_s);
                                     if (broken) return fail(ErrorCode::unavailable, "the quoting enclave does not answer");
                                     return Bytes{1, 2, 3};
                                   }});
  EXPECT_EQ(registration.quote(1000)->value(), (Bytes{1, 2, 3}));
  EXPECT_EQ(registration.quote(1000 + Registration::keep_s - 1)->value(), (Bytes{1, 2, 3}));
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0], std::pair(info.pubkey, u64{1000}));
  broken = true;
  EXPECT_EQ(registration.quote(1000 + Registration::keep_s).error().code, ErrorCode::unavailable);

  const egress::HttpEgress http({});
  SharedCache cache;
  const std::atomic<bool> ended = false;
  WorldEffects failing(http, cache, registration, {}, ended);
  EXPECT_FALSE(failing.worker_quote().has_value());   // in the log, not in the contract
  broken = false;
  const auto quote = failing.worker_quote();
  ASSERT_TRUE(quote.has_value());
  EXPECT_EQ(quote->attestation_type, 1);
  EXPECT_EQ(quote->quote, (Bytes{1, 2, 3}));
  Registration none(info, no_evidence());
  EXPECT_FALSE(WorldEffects(http, cache, none, {}, ended).worker_quote().has_value());
}

}  // namespace
}  // namespace phala::worker

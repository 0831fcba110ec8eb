#include "s3.hpp"

#include <gtest/gtest.h>

#include "phala/testing.hpp"

namespace s3 {

const Bucket example{"https://examplebucket.s3.amazonaws.com", "us-east-1", "examplebucket", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

std::string authorization(const Request& request) {
  sdk::TestHost host;
  for (const auto& [name, value] : signed_headers(request, example, "20130524T000000Z"))
    if (name == "authorization") return value;
  return {};
}

// the two requests that the documentation of Signature Version 4 for S3 signs step by step
TEST(S3, signs_as_amazon_does) {
  EXPECT_EQ(authorization({"GET", "examplebucket.s3.amazonaws.com", "/test.txt", {{"range", "bytes=0-9"}}, {}}),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(authorization({"PUT", "examplebucket.s3.amazonaws.com", "/test%24file.text", {{"x-amz-storage-class", "REDUCED_REDUNDANCY"}, {"date", "Fri, 24 May 2013 00:00:00 GMT"}},
                           to_bytes("Welcome to Amazon S3.")}),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
            "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(S3, dates_are_those_of_the_calendar) {
  EXPECT_EQ(amz_date(0), "19700101T000000Z");
  EXPECT_EQ(amz_date(1'369'353'600'000), "20130524T000000Z");
  EXPECT_EQ(amz_date(1'709'251'199'999), "20240229T235959Z");
}

TEST(S3, a_bucket_needs_no_escaping) {
  EXPECT_TRUE(is_usable(example));
  Bucket local = example;
  local.endpoint = "http://[::1]:9000";
  EXPECT_TRUE(is_usable(local));
  for (const char* endpoint : {"", "ftp://a", "https://", "https://a/b", "https://a?b", "https://a b", "a.example"}) {
    local.endpoint = endpoint;
    EXPECT_FALSE(is_usable(local)) << endpoint;
  }
  for (std::string Bucket::* part : {&Bucket::region, &Bucket::name, &Bucket::access_key, &Bucket::secret_key}) {
    Bucket bad = example;
    bad.*part = "";
    EXPECT_FALSE(is_usable(bad));
    bad.*part = "a/../b";
    EXPECT_EQ(is_usable(bad), part == &Bucket::secret_key);
  }
}

}  // namespace s3

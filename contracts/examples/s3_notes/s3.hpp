#pragma once
// Why: requests to S3 and services like it are signed by AWS Signature Version 4
// (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). Path-style addresses: endpoint/bucket/object.

#include "phala/pink.hpp"

namespace s3 {

using namespace phala;

struct Bucket {
  std::string endpoint;             ///< "https://s3.eu-central-1.amazonaws.com"
  std::string region, name;         ///< "eu-central-1", "my-notes"
  std::string access_key, secret_key;
  FIELDS(endpoint, region, name, access_key, secret_key)
};
/// Are the parts such that they need no escaping in a request?
bool is_usable(const Bucket& bucket);

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method, host, path;
  Headers headers;                  ///< further ones that are signed; names in lower case, in any order
  Bytes body;
};
/// "20130524T000000Z"
std::string amz_date(u64 unix_ms);
/// The headers that make it a signed request, `request.headers` included.
Headers signed_headers(const Request& request, const Bucket& bucket, const std::string& date);

/// Of an object, whose name needs no escaping. `headers` as in Request.
sdk::pink::HttpResponse send(const Bucket& bucket, std::string method, const std::string& object, Bytes body = {}, Headers headers = {});

}  // namespace s3

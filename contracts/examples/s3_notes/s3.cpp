#include "s3.hpp"

#include <algorithm>
#include <chrono>

#include "phala/crypto.hpp"

namespace s3 {
namespace {

using sdk::crypto::hmac_sha256;

bool consists_of(std::string_view text, std::string_view also) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || also.find(c) != also.npos;
  });
}

void append_digits(std::string& out, u64 value, unsigned width) {
  std::string digits(width, '0');
  for (unsigned i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out += digits;
}

/// What is signed with, for one day.
std::array<u8, 32> signing_key(const Bucket& bucket, std::string_view day) {
  auto key = hmac_sha256(as_bytes("AWS4" + bucket.secret_key), as_bytes(day));
  for (const std::string_view part : {std::string_view(bucket.region), std::string_view("s3"), std::string_view("aws4_request")}) key = hmac_sha256(key, as_bytes(part));
  return key;
}

}  // namespace

bool is_usable(const Bucket& bucket) {
  const std::string_view endpoint = bucket.endpoint;
  const size_t host = endpoint.starts_with("https://") ? 8 : endpoint.starts_with("http://") ? 7 : 0;
  return host != 0 && consists_of(endpoint.substr(host), ".-:[]") && consists_of(bucket.region, "-") && consists_of(bucket.name, ".-") && consists_of(bucket.access_key, "") &&
         !bucket.secret_key.empty();
}

std::string amz_date(u64 unix_ms) {
  using namespace std::chrono;
  const auto days = floor<std::chrono::days>(sys_time<milliseconds>(milliseconds(unix_ms)));
  const year_month_day date(days);
  const u64 second = unix_ms / 1000 % 86'400;
  std::string out;
  append_digits(out, static_cast<u64>(static_cast<int>(date.year())), 4);
  append_digits(out, static_cast<unsigned>(date.month()), 2);
  append_digits(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_digits(out, second / 3600, 2);
  append_digits(out, second / 60 % 60, 2);
  append_digits(out, second % 60, 2);
  return out + 'Z';
}

Headers signed_headers(const Request& request, const Bucket& bucket, const std::string& date) {
  Headers all = request.headers;
  all.emplace_back("host", request.host);
  const std::string body_hash = to_hex(sdk::sha2_256(request.body));
  all.emplace_back("x-amz-content-sha256", body_hash);
  all.emplace_back("x-amz-date", date);
  std::sort(all.begin(), all.end());
  std::string canonical = request.method + '\n' + request.path + "\n\n", names;
  for (const auto& [name, value] : all) {
    canonical += name + ':' + value + '\n';
    names += (names.empty() ? "" : ";") + name;
  }
  canonical += '\n' + names + '\n' + body_hash;
  const std::string day = date.substr(0, 8), scope = day + '/' + bucket.region + "/s3/aws4_request";
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + date + '\n' + scope + '\n' + to_hex(sdk::sha2_256(as_bytes(canonical)));
  const std::string signature = to_hex(hmac_sha256(signing_key(bucket, day), as_bytes(to_sign)));
  all.erase(std::find_if(all.begin(), all.end(), [](const auto& header) { return header.first == "host"; }));   // the client's own to send
  all.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + bucket.access_key + '/' + scope + ",SignedHeaders=" + names + ",Signature=" + signature);
  return all;
}

sdk::pink::HttpResponse send(const Bucket& bucket, std::string method, const std::string& object, Bytes body, Headers headers) {
  const std::string_view endpoint = bucket.endpoint;
  Request request{std::move(method), std::string(endpoint.substr(endpoint.find("://") + 3)), '/' + bucket.name + '/' + object, std::move(headers), std::move(body)};
  auto with_signature = signed_headers(request, bucket, amz_date(sdk::pink::untrusted_millis_since_unix_epoch()));
  return sdk::pink::http_request({bucket.endpoint + request.path, std::move(request.method), std::move(with_signature), std::move(request.body)});
}

}  // namespace s3

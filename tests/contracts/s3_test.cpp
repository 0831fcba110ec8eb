// The example that keeps notes in S3, as wasm in the engine, against a bucket that checks every signature and may be told to misbehave.
#include <gtest/gtest.h>

#include "phala/testing.hpp"
#include "s3_notes/s3_notes.hpp"
#include "world.hpp"

namespace phala::contracts_test {
namespace {

using s3_notes::Error;
using s3_notes::S3Notes;
const s3::Bucket my_bucket{"http://127.0.0.1:9000", "eu-central-1", "my-notes", "ACCESS", "secret/key"};
constexpr u64 now_ms = 1'700'000'000'000;

/// One bucket, path-style, with conditional writes.
class FakeS3 final : public OneAnswer {
 public:
  std::map<std::string, Bytes> objects;
  std::function<std::optional<engine::HttpResponse>(const engine::HttpRequest&)> instead;
  u8 next_random = 0;

  Bytes random_bytes(u8 count) override { return Bytes(count, ++next_random); }
  u64 unix_time_ms() override { return now_ms; }
  engine::HttpResult http_request(const AccountId&, const engine::HttpRequest& request) override {
    requests.push_back(request);
    if (instead)
      if (auto answer = instead(request)) return *answer;
    const std::string start = my_bucket.endpoint + "/" + my_bucket.name + "/";
    if (!request.url.starts_with(start) || !is_signed(request)) return engine::HttpResponse{403, "Forbidden", {}, {}};
    return answer(request, request.url.substr(start.size()));
  }

 private:
  /// As the service does it: with its own copy of the secret, over what arrived.
  static bool is_signed(const engine::HttpRequest& request) {
    s3::Request again{request.method, "127.0.0.1:9000", request.url.substr(my_bucket.endpoint.size()), {}, request.body};
    std::string got;
    for (const auto& [name, value] : request.headers) {
      if (name == "authorization") got = value;
      else if (!name.starts_with("x-amz-")) again.headers.emplace_back(name, value);
    }
    sdk::TestHost hashes;
    for (const auto& [name, value] : s3::signed_headers(again, my_bucket, s3::amz_date(now_ms)))
      if (name == "authorization") return value == got;
    return false;
  }
  static std::string etag_of(ByteView content) { return '"' + to_hex(content).substr(0, 24) + '"'; }
  engine::HttpResponse answer(const engine::HttpRequest& request, const std::string& object) {
    const auto at = objects.find(object);
    if (request.method == "GET") return at == objects.end() ? engine::HttpResponse{404, "Not Found", {}, {}} : engine::HttpResponse{200, "OK", {{"ETag", etag_of(at->second)}}, at->second};
    if (request.method == "DELETE") {
      objects.erase(object);
      return {204, "No Content", {}, {}};
    }
    for (const auto& [name, value] : request.headers) {
      if (name == "if-none-match" && at != objects.end()) return {412, "Precondition Failed", {}, {}};
      if (name == "if-match" && (at == objects.end() || etag_of(at->second) != value)) return {412, "Precondition Failed", {}, {}};
    }
    objects[object] = request.body;
    return {200, "OK", {}, {}};
  }
};

struct S3Example : testing::Test {
  World world;
  FakeS3 s3;
  engine::ContractId id;
  void SetUp() override {
    const auto made = world.deploy(built_wasm("s3_notes"), sdk::detail::call_data(S3Notes::New::constructor, S3Notes::New{}));
    ASSERT_TRUE(made.has_value()) << engine::test::error_of(world.last);
    id = *made;
  }
  void set_bucket() { ASSERT_TRUE(world.send(alice, id, S3Notes::SetBucket{my_bucket})->has_value()) << engine::test::error_of(world.last); }
  template <class M>
  typename M::Returns ask(const M& message, const AccountId& from = bob) {
    const Bytes answer = world.query_raw(id, sdk::detail::call_data(M::message, message), &s3, from);
    EXPECT_FALSE(answer.empty()) << engine::test::error_of(world.last);
    const auto read = sdk::detail::read_answer<typename M::Returns>(answer.empty() ? Result<void, sdk::CallError>(std::unexpect, sdk::CallError::callee_trapped) : Result<void, sdk::CallError>(), answer);
    return read ? *read : typename M::Returns(std::unexpect, Error::NotTheOwner);
  }
  std::optional<std::string> text_of(const std::string& name, const AccountId& from = bob) { return ask(S3Notes::Get{name}, from).value(); }
};

TEST_F(S3Example, keeps_notes_that_the_service_cannot_read) {
  set_bucket();
  EXPECT_EQ(text_of("plans"), std::nullopt);
  ASSERT_TRUE(ask(S3Notes::Put{"plans", "attack at dawn"}).has_value());
  ASSERT_TRUE(ask(S3Notes::Put{"diary", std::string(s3_notes::max_note_bytes, 'z')}).has_value());
  ASSERT_TRUE(ask(S3Notes::Put{"plans", "attack at noon"}).has_value());
  EXPECT_EQ(text_of("plans"), "attack at noon");
  EXPECT_EQ(text_of("diary")->size(), s3_notes::max_note_bytes);
  EXPECT_EQ(ask(S3Notes::List_{}).value(), (std::vector<std::string>{"diary", "plans"}));
  EXPECT_EQ(text_of("plans", alice), std::nullopt) << "each account has notes of its own";
  EXPECT_EQ(ask(S3Notes::List_{}, alice).value(), std::vector<std::string>{});
  EXPECT_EQ(s3.objects.size(), 3u);
  for (const auto& request : s3.requests) {
    const std::string all = request.url + std::string(as_text(request.body));
    for (const char* canary : {"plans", "attack", "diary", "zzzz", "secret/key"}) EXPECT_EQ(all.find(canary), all.npos) << canary;
  }
  ASSERT_TRUE(ask(S3Notes::Remove{"plans"}).has_value());
  ASSERT_TRUE(ask(S3Notes::Remove{"plans"}).has_value());
  EXPECT_EQ(text_of("plans"), std::nullopt);
  EXPECT_EQ(ask(S3Notes::List_{}).value(), (std::vector<std::string>{"diary"}));
  EXPECT_EQ(s3.objects.size(), 2u);
}

TEST_F(S3Example, notices_what_the_service_changes) {
  set_bucket();
  ASSERT_TRUE(ask(S3Notes::Put{"a", "first"}).has_value());
  ASSERT_TRUE(ask(S3Notes::Put{"b", "second"}).has_value());
  auto a = s3.objects.begin(), b = std::next(a);
  std::swap(a->second, b->second);   // two of {a, b, the list}
  int damaged = 0;
  for (const char* name : {"a", "b"}) damaged += !ask(S3Notes::Get{name}).has_value();
  damaged += !ask(S3Notes::List_{}).has_value();
  EXPECT_EQ(damaged, 2);
  for (auto& [name, content] : s3.objects) content.resize(5);
  EXPECT_EQ(ask(S3Notes::Get{"a"}).error(), Error::Damaged);
}

TEST_F(S3Example, says_what_is_wrong) {
  EXPECT_EQ(ask(S3Notes::Get{"a"}).error(), Error::NoBucket);
  EXPECT_EQ(world.send(bob, id, S3Notes::SetBucket{my_bucket})->error(), Error::NotTheOwner);
  s3::Bucket odd = my_bucket;
  odd.name = "my notes";
  EXPECT_EQ(world.send(alice, id, S3Notes::SetBucket{odd})->error(), Error::BadBucket);
  set_bucket();
  EXPECT_EQ(ask(S3Notes::Put{"", "x"}).error(), Error::TooLong);
  EXPECT_EQ(ask(S3Notes::Put{"a", std::string(s3_notes::max_note_bytes + 1, 'x')}).error(), Error::TooLong);
  ASSERT_TRUE(ask(S3Notes::Put{"a", "x"}).has_value());
  bool other_was_faster = true;
  s3.instead = [&](const engine::HttpRequest& request) -> std::optional<engine::HttpResponse> {
    const bool conditional = std::ranges::any_of(request.headers, [](const auto& h) { return h.first == "if-match"; });
    return conditional && other_was_faster ? std::optional(engine::HttpResponse{412, "Precondition Failed", {}, {}}) : std::nullopt;
  };
  EXPECT_EQ(ask(S3Notes::Put{"b", "x"}).error(), Error::Conflict);
  other_was_faster = false;
  EXPECT_TRUE(ask(S3Notes::Put{"b", "x"}).has_value());
  for (const auto& [status, error] : {std::pair(u16{403}, Error::Refused), std::pair(u16{500}, Error::Refused), std::pair(u16{523}, Error::Unreachable)}) {
    s3.instead = [code = status](const engine::HttpRequest&) { return engine::HttpResponse{code, "", {}, {}}; };
    EXPECT_EQ(ask(S3Notes::Get{"a"}).error(), error) << status;
  }
  // a transaction has no web
  EXPECT_EQ(world.send(bob, id, S3Notes::Get{"a"})->error(), Error::Unreachable);
}

}  // namespace
}  // namespace phala::contracts_test

#include "egress/http_egress.hpp"

#include "egress/test_server.hpp"

namespace phala::egress {
namespace {

using engine::HttpError;
using engine::HttpRequest;
using namespace phala::egress::test;
using namespace std::chrono_literals;

TEST(HttpEgress, gets_status_reason_headers_and_body) {
  Server server(always(response("hello", "X-Thing:  a value \r\nX-Bad: \x01\r\nX-Twice: 1\r\nX-Twice: 2\r\n", "203 Fine By Me")));
  const auto answer = HttpEgress(loopback()).request(get(server.url("/p?q=1")), in(5s));
  ASSERT_TRUE(answer) << text_of(answer);
  EXPECT_EQ(answer->status_code, 203);
  EXPECT_EQ(answer->reason_phrase, "Fine By Me");
  EXPECT_EQ(as_text(answer->body), "hello");
  const std::vector<engine::HttpHeader> expected{{"content-length", "5"}, {"connection", "close"}, {"x-thing", "a value"}, {"x-bad", ""}, {"x-twice", "1"}, {"x-twice", "2"}};
  EXPECT_EQ(answer->headers, expected);
  EXPECT_TRUE(server.requests()[0].starts_with("GET /p?q=1 HTTP/1.1\r\n"));
}

TEST(HttpEgress, sends_method_headers_and_body_as_given) {
  Server server(always(response("")));
  const HttpEgress egress(loopback());
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"}) {
    const auto answer = egress.request({server.url("/x"), method, {{"X-A", "1"}, {"Empty", ""}, {"Content-Length", "999"}, {"Transfer-Encoding", "chunked"}}, to_bytes(std::string_view("abc"))}, in(5s));
    ASSERT_TRUE(answer) << method << text_of(answer);
    const std::string seen = server.requests().back();
    EXPECT_TRUE(seen.starts_with(std::string(method) + " /x HTTP/1.1\r\n")) << seen;
    EXPECT_NE(seen.find("X-A: 1\r\n"), seen.npos);
    EXPECT_NE(seen.find("Empty:\r\n"), seen.npos);
    EXPECT_NE(seen.find("Content-Length: 3\r\n"), seen.npos) << seen;
    EXPECT_EQ(seen.find("999"), seen.npos);
    EXPECT_EQ(seen.find("chunked"), seen.npos);
    EXPECT_EQ(seen.find("Content-Type"), seen.npos) << seen;
    EXPECT_TRUE(seen.ends_with("\r\n\r\nabc")) << seen;
  }
  for (const char* method : {"GET", "HEAD", "DELETE"}) {
    ASSERT_TRUE(egress.request({server.url("/x"), method, {}, {}}, in(5s)));
    EXPECT_TRUE(server.requests().back().starts_with(std::string(method) + " /x HTTP/1.1\r\n"));
    EXPECT_EQ(server.requests().back().find("Content-Length"), std::string::npos);
  }
  ASSERT_TRUE(egress.request({server.url("/x"), "POST", {{"content-type", "text/x"}}, {}}, in(5s)));
  EXPECT_NE(server.requests().back().find("content-type: text/x\r\n"), std::string::npos);
  EXPECT_NE(server.requests().back().find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(HttpEgress, refuses_what_is_malformed_before_anything_is_sent) {
  Server server(always(response("")));
  const HttpEgress egress(loopback());
  const auto error = [&](HttpRequest request) {
    const auto answer = egress.request(request, in(2s));
    return answer ? std::string("accepted") : std::string(engine::to_string(answer.error()));
  };
  for (const char* url : {"", "x", "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://", "http:///", "http://127.0.0.1:99999/", "http://127.0.0.1/\r\nX: y", "http://[::1", "unix:/x"})
    EXPECT_EQ(error(get(url)), "Invalid URL") << url;
  EXPECT_EQ(error(get("http://127.0.0.1/" + std::string(9000, 'a'))), "Invalid URL");
  for (const char* method : {"", "GE T", "GET\r\n", "CONNECT", "G\x01T"}) EXPECT_EQ(error({server.url("/"), method, {}, {}}), "Invalid method") << method;
  EXPECT_EQ(error({server.url("/"), std::string(33, 'A'), {}, {}}), "Invalid method");
  for (const char* name : {"", "a b", "a:b", "a\r\n", "\xc3\xa4"}) EXPECT_EQ(error({server.url("/"), "GET", {{name, "v"}}, {}}), "Invalid header name") << name;
  for (const char* value : {"a\r\nX: y", "a\n", "\x01", "\x7f"}) EXPECT_EQ(error({server.url("/"), "GET", {{"n", value}}, {}}), "Invalid header value") << value;
  EXPECT_EQ(error({server.url("/"), "GET", {{"n", std::string("a\0b", 3)}}, {}}), "Invalid header value");
  EXPECT_EQ(error({server.url("/"), "GET", std::vector<engine::HttpHeader>(257, {"n", "v"}), {}}), "Too many headers");
  EXPECT_EQ(error({server.url("/"), "GET", {{"n", std::string(70'000, 'v')}}, {}}), "Too many headers");
  EXPECT_EQ(error({server.url("/"), "POST", {}, Bytes((2u << 20) + 1)}), "Not allowed");
  EXPECT_EQ(server.connections, 0);
  EXPECT_EQ(error({server.url("/"), "GET", std::vector<engine::HttpHeader>(256, {"n", "v"}), {}}), "accepted");
}

TEST(HttpEgress, a_server_that_drips_is_cut_off_at_the_deadline) {
  Server server([&](int socket, const std::string&) {
    say(socket, "HTTP/1.1 200 OK\r\n\r\n");
    while (!server.stopping && say(socket, "x")) std::this_thread::sleep_for(20ms);
  });
  Server mute([&](int, const std::string&) {
    while (!mute.stopping) std::this_thread::sleep_for(20ms);
  });
  Server headers([&](int socket, const std::string&) {
    say(socket, "HTTP/1.1 200 OK\r\n");
    while (!headers.stopping && say(socket, "X-A: b\r\n")) std::this_thread::sleep_for(20ms);
  });
  const HttpEgress egress(loopback());
  for (Server* one : {&server, &mute, &headers})
    EXPECT_EQ(text_of(within(700ms, [&] { return egress.request(get(one->url("/")), in(400ms)); })), "Timeout");
}

TEST(HttpEgress, bodies_and_headers_are_bounded) {
  Server exact(always(response(std::string(2u << 20, 'x'))));
  Server huge([](int socket, const std::string&) {
    say(socket, "HTTP/1.1 200 OK\r\n\r\n");
    const std::string block(1 << 16, 'x');
    while (say(socket, block)) {}
  });
  Server many([](int socket, const std::string&) {
    say(socket, "HTTP/1.1 200 OK\r\n");
    while (say(socket, "X-A: b\r\n")) {}
  });
  Server wide([](int socket, const std::string&) {
    say(socket, "HTTP/1.1 200 OK\r\nX-A: ");
    const std::string block(1 << 16, 'x');
    while (say(socket, block)) {}
  });
  const HttpEgress egress(loopback());
  EXPECT_EQ(egress.request(get(exact.url("/")), in(5s)).value().body.size(), 2u << 20);
  EXPECT_EQ(text_of(egress.request(get(huge.url("/")), in(5s))), "Response too large");
  EXPECT_EQ(text_of(egress.request(get(many.url("/")), in(5s))), "Response too large");
  EXPECT_FALSE(egress.request(get(wide.url("/")), in(5s)));
}

TEST(HttpEgress, what_breaks_off_is_told_from_what_never_answered) {
  Server silent([](int, const std::string&) {}), half(always("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")), noise(always("this is not HTTP\r\n\r\n"));
  const HttpEgress egress(loopback());
  EXPECT_EQ(egress.request(get(silent.url("/")), in(5s)).value().status_code, 523);
  EXPECT_EQ(egress.request(get(noise.url("/")), in(5s)).value().status_code, 523);
  EXPECT_EQ(text_of(egress.request(get(half.url("/")), in(5s))), "Network error");
  u16 closed = 0;
  {
    Server gone(always(""));
    closed = gone.port;
  }
  const auto answer = egress.request(get("http://127.0.0.1:" + std::to_string(closed) + "/"), in(5s));
  EXPECT_EQ(answer.value().status_code, 523);
  EXPECT_EQ(answer->reason_phrase, "Unreachable");
  EXPECT_FALSE(answer->body.empty());
}

TEST(HttpEgress, no_timeout_of_a_contract_outlasts_the_query) {
  Server mute([&](int, const std::string&) {
    while (!mute.stopping) std::this_thread::sleep_for(20ms);
  });
  const HttpEgress egress(loopback());
  const std::vector<HttpRequest> five(5, get(mute.url("/")));
  for (const u64 timeout_ms : {~u64{0}, ~u64{0} / 2, u64{1} << 40, u64{100'000}}) {
    const auto answers = within(700ms, [&] { return egress.batch(five, timeout_ms, in(400ms)); });
    ASSERT_EQ(answers->size(), 5u);
    for (const auto& answer : *answers) EXPECT_EQ(text_of(answer), "Timeout");
  }
  for (const u64 timeout_ms : {u64{0}, u64{1}, u64{100}}) {
    const auto answers = within(400ms, [&] { return egress.batch(five, timeout_ms, in(10s)); });
    for (const auto& answer : *answers) EXPECT_EQ(text_of(answer), "Timeout");
  }
  EXPECT_EQ(text_of(egress.request(get(mute.url("/")), in(-1s))), "Timeout");
  EXPECT_EQ(text_of(egress.request(get(mute.url("/")), Deadline::min())), "Timeout");
}

TEST(HttpEgress, a_batch_runs_at_once_and_keeps_its_order) {
  Server slow([](int socket, const std::string& request) {
    std::this_thread::sleep_for(300ms);
    say(socket, response(request.substr(4, 2)));
  });
  const HttpEgress egress(loopback());
  const auto answers = within(900ms, [&] { return egress.batch({get(slow.url("/a")), get("x"), get(slow.url("/b")), get("http://10.0.0.1/"), get(slow.url("/c"))}, 5000, in(5s)); });
  std::vector<std::string> texts;
  for (const auto& answer : *answers) texts.push_back(text_of(answer));
  EXPECT_EQ(texts, (std::vector<std::string>{"200 /a", "Invalid URL", "200 /b", "Not allowed", "200 /c"}));
  EXPECT_EQ(egress.batch(std::vector<HttpRequest>(6, get(slow.url("/"))), 100, in(5s)).error(), HttpError::too_many_requests);
  EXPECT_EQ(egress.batch({}, 100, in(5s))->size(), 0u);
}

TEST(HttpEgress, transfers_of_all_queries_together_are_bounded) {
  Server slow([](int socket, const std::string&) {
    std::this_thread::sleep_for(400ms);
    say(socket, response("ok"));
  });
  HttpLimits limits;
  limits.transfers = 2;
  const HttpEgress egress(loopback(), {}, limits);
  std::thread other([&] { EXPECT_EQ(text_of(egress.request(get(slow.url("/")), in(5s))), "200 ok"); });
  while (slow.connections == 0) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(egress.batch({get(slow.url("/")), get(slow.url("/"))}, 5000, in(5s)).error(), HttpError::too_many_requests);
  EXPECT_EQ(text_of(egress.request(get(slow.url("/")), in(5s))), "200 ok");
  other.join();
  EXPECT_EQ((*egress.batch({get(slow.url("/")), get(slow.url("/"))}, 5000, in(5s))).size(), 2u);   // room is given back
}

}  // namespace
}  // namespace phala::egress

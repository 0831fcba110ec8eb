#include "http/server_test.hpp"

namespace phala::http {
namespace {

using HttpTest = ServerTest;

TEST_F(HttpTest, routes_by_path_and_method_and_keeps_the_connection) {
  start();
  Client client(server->port());
  EXPECT_TRUE(has(client.get("/hello?you"), "hello you"));
  EXPECT_TRUE(has(client.get("/below/a/b"), "/below/a/b"));
  EXPECT_TRUE(has(client.get("/nothing"), "404 Not Found"));
  EXPECT_TRUE(has(client.get("/echo"), "405 Method Not Allowed"));
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_TRUE(client.answer().ends_with("\r\n\r\nabc"));
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_TRUE(client.answer().ends_with("\r\n\r\nabcde"));
  client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(has(client.answer(), "200 OK"));
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(HttpTest, body_longer_than_the_route_allows_is_refused_before_it_is_sent) {
  start();
  Client announced(server->port());
  announced.send("POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  EXPECT_TRUE(has(announced.answer(), "413 Payload Too Large"));
  Client chunked(server->port());
  chunked.send("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n");
  EXPECT_TRUE(has(chunked.answer(), "413 Payload Too Large"));
  Client talkative(server->port());   // sends everything before it looks, as most libraries do
  const std::string long_body = "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n" + std::string(16u << 20, 'x');
  EXPECT_TRUE(talkative.send(long_body));
  EXPECT_TRUE(has(talkative.answer(), "413 Payload Too Large"));
  EXPECT_EQ(handled, 0);
  Client fits(server->port());
  fits.send("POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n");
  EXPECT_TRUE(has(fits.answer(), "100 Continue"));
  fits.send("0123456789");
  EXPECT_TRUE(has(fits.answer(), "200 OK"));
}

TEST_F(HttpTest, who_may_not_ask_is_refused_before_the_body_is_sent) {
  start();
  const std::string head = "POST /guarded HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\nExpect: 100-continue\r\n";
  Client stranger(server->port());
  stranger.send(head + "\r\n");
  EXPECT_TRUE(has(stranger.answer(), "401 Unauthorized"));   // not "100 Continue"
  EXPECT_EQ(handled, 0);
  Client friendly(server->port());
  friendly.send(head + "Authorization: word\r\n\r\n");
  EXPECT_TRUE(has(friendly.answer(), "100 Continue"));
  // without a body the connection is kept
  Client silent(server->port());
  silent.send("POST /guarded HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(has(silent.answer(), "say the word"));
  silent.send("POST /guarded HTTP/1.1\r\nHost: x\r\nAuthorization: word\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_TRUE(silent.answer().ends_with("\r\n\r\n3"));
}

TEST_F(HttpTest, the_servers_own_refusals_can_be_worded_and_answers_traced) {
  ServerOptions options;
  options.refusal = [](const Request& head, int status, std::string text) { return Response{status, "{" + head.path + ": " + text + "}", "application/json"}; };
  options.trace_headers = true;
  start(options);
  Client client(server->port());
  EXPECT_TRUE(client.get("/nothing").ends_with("{/nothing: Not Found}"));
  EXPECT_TRUE(client.get("/echo").ends_with("{/echo: Method Not Allowed}"));
  const std::string fine = client.get("/hello");
  EXPECT_TRUE(has(fine, "X-Request-Id: 3\r\n")) << fine;
  EXPECT_TRUE(has(fine, "X-Cost-Time: ")) << fine;
  EXPECT_TRUE(has(fine, "ms\r\n")) << fine;
  client.send("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  EXPECT_TRUE(has(client.answer(), "{/small: the body is longer than 10 bytes}"));
}

TEST_F(HttpTest, malformed_and_oversized_heads_get_an_answer) {
  start();
  Client garbage(server->port());
  garbage.send("\x16\x03\x01 not http\r\n\r\n");
  EXPECT_TRUE(has(garbage.answer(), "400 Bad Request"));
  Client large(server->port());
  large.send("GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(20000, 'a') + "\r\n\r\n");
  EXPECT_TRUE(has(large.answer(), "431 "));
}

TEST_F(HttpTest, answers_may_come_later_from_another_thread) {
  start();
  Client client(server->port());
  EXPECT_TRUE(has(client.get("/later"), "late"));
  EXPECT_TRUE(has(client.get("/dropped"), "500 Internal Server Error"));
}

TEST_F(HttpTest, connections_are_bounded) {
  ServerOptions options;
  options.limits.connections = 2;
  start(options);
  Client a(server->port()), b(server->port());
  EXPECT_TRUE(has(a.get("/hello"), "200 OK"));
  EXPECT_TRUE(has(b.get("/hello"), "200 OK"));
  Client c(server->port());
  EXPECT_TRUE(has(c.answer(), "503 Service Unavailable"));
}

TEST_F(HttpTest, cors_names_allowed_origins_only) {
  ServerOptions options;
  options.cors_origins = {"https://good.example"};
  start(options);
  Client client(server->port());
  EXPECT_TRUE(has(client.get("/hello", "Origin: https://good.example\r\n"), "Access-Control-Allow-Origin: https://good.example"));
  EXPECT_FALSE(has(client.get("/hello", "Origin: https://bad.example\r\n"), "Access-Control-Allow-Origin"));
  client.send("OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: https://good.example\r\nAccess-Control-Request-Headers: content-type\r\n\r\n");
  const auto preflight = client.answer();
  EXPECT_TRUE(has(preflight, "204 No Content"));
  EXPECT_TRUE(has(preflight, "Access-Control-Allow-Methods: POST"));
  EXPECT_TRUE(has(preflight, "Access-Control-Allow-Headers: content-type"));
}

TEST_F(HttpTest, posts_of_foreign_pages_or_under_foreign_names_are_refused_unread) {
  ServerOptions options;
  options.cors_origins = {"http://localhost:*", "https://good.example"};
  options.hosts = {"localhost", "[::1]"};
  start(options);
  const auto post = [&](const std::string& host, const std::string& more = {}) {
    Client client(server->port());
    client.send("POST /small HTTP/1.1\r\nHost: " + host + "\r\n" + more + "Content-Length: 2\r\n\r\nhi");
    return has(client.answer(), "200 OK");
  };
  EXPECT_TRUE(post("localhost:9944"));
  EXPECT_TRUE(post("LOCALHOST"));
  EXPECT_TRUE(post("[::1]:80"));
  for (const char* origin : {"http://localhost", "http://localhost:3000", "https://good.example"}) EXPECT_TRUE(post("localhost", "Origin: " + std::string(origin) + "\r\n")) << origin;
  EXPECT_EQ(handled, 6);
  for (const char* origin : {"http://localhost.evil.example", "http://localhost:", "http://localhost:3000.evil.example", "https://localhost:1", "null", "https://good.example:1"})
    EXPECT_FALSE(post("localhost", "Origin: " + std::string(origin) + "\r\n")) << origin;
  // a page whose own name points here: same origin to its browser
  EXPECT_FALSE(post("evil.example:9944"));
  EXPECT_FALSE(post("evil.example:9944", "Origin: http://evil.example:9944\r\n"));
  EXPECT_FALSE(post("localhost.evil.example"));
  EXPECT_FALSE(post(""));
  EXPECT_EQ(handled, 6);
  Client reader(server->port());
  EXPECT_TRUE(has(reader.get("/hello"), "200 OK")) << "what only reads is not guarded";
}

TEST_F(HttpTest, port_in_use_is_named) {
  start();
  ServerOptions options;
  options.port = server->port();
  const auto second = Server::start(options, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(has(second.error().message, std::to_string(server->port())));
}

TEST_F(HttpTest, stop_closes_idle_connections_at_once_and_forces_stuck_ones_after_the_grace_time) {
  start();
  Client idle(server->port()), stuck(server->port());
  EXPECT_TRUE(has(idle.get("/hello"), "200 OK"));
  stuck.send("GET /kept HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.get_future().wait();
  server->stop(50);
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_TRUE(stuck.closed_by_server());
  kept({200, "too late"});   // must not crash
  kept = nullptr;
  server.reset();
}

}  // namespace
}  // namespace phala::http

// What contracts' HTTP can reach, and what not however it is asked for.
#include "egress/filter.hpp"
#include "egress/http_egress.hpp"
#include "egress/test_server.hpp"

namespace phala::egress {
namespace {

using namespace phala::egress::test;
using namespace std::chrono_literals;

TEST(HttpReach, local_addresses_are_not_reached_however_they_are_written) {
  Server server(always(response("secret")));
  const HttpEgress egress({});
  for (const char* host : {"127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0", "localhost", "LOCALHOST", "localhost.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "[::]",
                           "[::127.0.0.1]", "127.0.0.2", "user:pass@127.0.0.1"}) {
    const auto answer = egress.request(get(server.url("/", host)), in(3s));
    ASSERT_FALSE(answer && answer->status_code != 523) << host << ": " << text_of(answer);
    // a name that this machine does not resolve at all is unreachable, everything else is refused
    if (!std::string_view(host).ends_with('.')) { EXPECT_EQ(text_of(answer), "Not allowed") << host; }
  }
  EXPECT_EQ(server.connections, 0);
}

TEST(HttpReach, private_networks_and_cloud_metadata_are_refused_at_once) {
  const HttpEgress egress(loopback());
  for (const char* host : {"10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::a9fe:a9fe]", "224.0.0.1"})
    EXPECT_EQ(text_of(within(2s, [&] { return egress.request(get("http://" + std::string(host) + "/"), in(5s)); })), "Not allowed") << host;
}

TEST(HttpReach, a_name_may_have_an_allowed_address) {
  Server server(always(response("yes")));
  EXPECT_EQ(text_of(HttpEgress({*parse_range("127.0.0.1")}).request(get(server.url("/", "localhost")), in(5s))), "200 yes");
}

TEST(HttpReach, own_ports_stay_closed_even_where_the_address_is_allowed) {
  Server mine(always(response("secret"))), other(always(response("yes")));
  const HttpEgress egress(loopback(), {{mine.port}});
  EXPECT_EQ(text_of(egress.request(get(mine.url("/")), in(5s))), "Not allowed");
  EXPECT_EQ(text_of(egress.request(get(other.url("/")), in(5s))), "200 yes");
  EXPECT_EQ(mine.connections, 0);
}

TEST(HttpReach, own_ports_stay_closed_on_public_addresses_of_this_machine) {
  const Address mine = *parse_address("8.8.8.8"), other = *parse_address("9.9.9.9");
  const Filter filter({}, {{4000}, {}, [&] { return std::vector{mine}; }});
  EXPECT_TRUE(filter.denies(mine, 4000));
  EXPECT_TRUE(filter.denies(*parse_address("64:ff9b::808:808"), 4000));   // through NAT64
  EXPECT_FALSE(filter.denies(mine, 4001));
  EXPECT_FALSE(filter.denies(other, 4000));
  const auto found = machine_addresses();
  EXPECT_NE(std::find(found.begin(), found.end(), *parse_address("127.0.0.1")), found.end());
  HttpEgress egress({}, {{1}, {}, [&] { return std::vector{mine}; }});
  egress.set_own_ports({4000});
  EXPECT_EQ(text_of(within(2s, [&] { return egress.request(get("http://8.8.8.8:4000/"), in(5s)); })), "Not allowed");
}

TEST(HttpReach, own_endpoints_are_not_queried_by_any_spelling_or_redirect) {
  Server mine(always(response("secret")));
  const std::string elsewhere = mine.url("/q");
  Server front([&](int socket, const std::string&) { say(socket, response("", "Location: http://localhost:" + std::to_string(mine.port) + "/q\r\n", "307 Temporary Redirect")); });
  HttpEgress egress(loopback(), {{}, {"not a url", "http://LocalHost:" + std::to_string(mine.port)}});
  for (const char* host : {"localhost", "LOCALHOST", "user@localhost"}) EXPECT_EQ(text_of(egress.request(get(mine.url("/prpc/x", host)), in(5s))), "Not allowed") << host;
  EXPECT_EQ(text_of(egress.request(get(front.url("/")), in(5s))), "Not allowed");
  EXPECT_TRUE(mine.requests().empty());
  EXPECT_EQ(text_of(egress.request(get(elsewhere), in(5s))), "200 secret");   // a name is a name
  egress.set_own_endpoints({});
  EXPECT_EQ(text_of(egress.request(get(mine.url("/", "localhost")), in(5s))), "200 secret");
  const Filter defaults({}, {{}, {"https://worker.example.org/some/path", "http://[2001:DB8::1]"}});
  for (const char* url : {"https://worker.example.org:443/x", "https://WORKER.example.org./", "http://[2001:db8::1]:80/"}) EXPECT_TRUE(defaults.denies_url(url)) << url;
  for (const char* url : {"https://worker.example.org:444/", "http://worker.example.org/", "https://example.org/"}) EXPECT_FALSE(defaults.denies_url(url)) << url;
}

TEST(HttpReach, every_redirect_is_checked_again) {
  Server secret(always(response("secret")));
  Server front([&](int socket, const std::string& request) {
    if (request.starts_with("GET /good")) say(socket, response("", "Location: /end\r\n", "302 Found"));
    else if (request.starts_with("GET /end")) say(socket, response("end"));
    else if (request.starts_with("GET /bad")) say(socket, response("", "Location: " + secret.url("/", "127.0.0.2") + "\r\n", "302 Found"));
    else if (request.starts_with("GET /name")) say(socket, response("", "Location: " + secret.url("/", "[::ffff:127.0.0.2]") + "\r\n", "307 Temporary Redirect"));
    else if (request.starts_with("GET /file")) say(socket, response("", "Location: file:///etc/passwd\r\n", "301 Moved"));
    else say(socket, response("", "Location: /loop\r\n", "301 Moved"));
  });
  const HttpEgress egress({*parse_range("127.0.0.1")});
  EXPECT_EQ(text_of(egress.request(get(front.url("/good")), in(5s))), "200 end");
  EXPECT_EQ(text_of(egress.request(get(front.url("/bad")), in(5s))), "Not allowed");
  EXPECT_EQ(text_of(egress.request(get(front.url("/name")), in(5s))), "Not allowed");
  EXPECT_EQ(text_of(egress.request(get(front.url("/file")), in(5s))), "Not allowed");
  EXPECT_EQ(secret.connections, 0);
  const int before = front.connections;
  const auto loop = egress.request(get(front.url("/loop")), in(5s));
  EXPECT_EQ(loop.value().status_code, 523);
  EXPECT_EQ(front.connections - before, 11);
}

TEST(HttpReach, proxies_of_the_environment_are_ignored) {
  Server proxy(always(response("proxied"))), server(always(response("direct")));
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) setenv(name, proxy.url("/").c_str(), 1);
  EXPECT_EQ(text_of(HttpEgress(loopback()).request(get(server.url("/")), in(5s))), "200 direct");
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) unsetenv(name);
  EXPECT_EQ(proxy.connections, 0);
}

TEST(HttpReach, speaks_ipv6) {
  Server server(always(response("six")), "::1");
  if (!server.works()) GTEST_SKIP() << "this machine has no IPv6 loopback";
  EXPECT_EQ(text_of(HttpEgress(loopback()).request(get(server.url("/", "[::1]")), in(5s))), "200 six");
  EXPECT_EQ(text_of(HttpEgress({*parse_range("127.0.0.0/8")}).request(get(server.url("/", "[::1]")), in(5s))), "Not allowed");
  EXPECT_EQ(server.connections, 1);
}

}  // namespace
}  // namespace phala::egress

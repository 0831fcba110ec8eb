#include "egress/http_egress.hpp"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace phala::egress {
namespace {

using engine::HttpError;
using engine::HttpRequest;
using namespace std::chrono_literals;

/// A server that says exactly what a test wants it to say, byte by byte: misbehaving is its purpose.
class Server {
 public:
  using Talk = std::function<void(int socket, const std::string& request)>;
  explicit Server(Talk talk, const char* address = "0.0.0.0") : talk_(std::move(talk)) {
    const bool v6 = std::string_view(address).find(':') != std::string_view::npos;
    listener_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    const int one = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in6 six{};
    sockaddr_in four{};
    six.sin6_family = AF_INET6;
    four.sin_family = AF_INET;
    inet_pton(v6 ? AF_INET6 : AF_INET, address, v6 ? static_cast<void*>(&six.sin6_addr) : &four.sin_addr);
    works_ = bind(listener_, v6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four), v6 ? sizeof six : sizeof four) == 0 && listen(listener_, 64) == 0;
    socklen_t size = v6 ? sizeof six : sizeof four;
    getsockname(listener_, v6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four), &size);
    port = ntohs(v6 ? six.sin6_port : four.sin_port);
    acceptor_ = std::thread([this] {
      for (int peer; (peer = accept(listener_, nullptr, nullptr)) >= 0;) {
        ++connections;
        const std::lock_guard lock(mutex_);
        talkers_.emplace_back([this, peer] {
          converse(peer);
          close(peer);
        });
      }
    });
  }
  ~Server() {
    stopping = true;
    shutdown(listener_, SHUT_RDWR);
    close(listener_);
    acceptor_.join();
    for (auto& talker : talkers_) talker.join();
  }
  bool works() const { return works_; }
  std::string url(const std::string& path, const std::string& host = "127.0.0.1") const { return "http://" + host + ":" + std::to_string(port) + path; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  u16 port = 0;
  std::atomic<int> connections = 0;
  std::atomic<bool> stopping = false;

 private:
  void converse(int peer) {
    const timeval timeout{0, 200'000};
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    std::string text;
    char buffer[4096];
    while (!stopping) {
      const auto head = text.find("\r\n\r\n");
      if (head != text.npos) {
        const auto length = text.find("Content-Length: ");
        const size_t body = length == text.npos || length > head ? 0 : std::stoul(text.substr(length + 16));
        if (text.size() >= head + 4 + body) break;
      }
      const ssize_t n = read(peer, buffer, sizeof buffer);
      if (n == 0) return;
      if (n > 0) text.append(buffer, static_cast<size_t>(n));
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(text);
    }
    talk_(peer, text);
  }
  Talk talk_;
  int listener_ = -1;
  bool works_ = false;
  std::thread acceptor_;
  std::mutex mutex_;
  std::vector<std::thread> talkers_;
  std::vector<std::string> requests_;
};

bool say(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}
std::string response(const std::string& body, const std::string& headers = {}, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" + headers + "\r\n" + body;
}
Server::Talk always(std::string text) {
  return [text](int socket, const std::string&) { say(socket, text); };
}

HttpRequest get(std::string url) { return {std::move(url), "GET", {}, {}}; }
Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }
std::vector<AddressRange> loopback() { return {*parse_range("127.0.0.0/8"), *parse_range("::1")}; }
std::string text_of(const engine::HttpResult& answer) {
  return answer ? std::to_string(answer->status_code) + " " + std::string(as_text(answer->body)) : std::string(engine::to_string(answer.error()));
}
/// Runs `f` and fails the test when it took longer than `most`.
template <class F>
auto within(std::chrono::milliseconds most, F&& f) {
  const auto begin = std::chrono::steady_clock::now();
  auto out = f();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, most);
  return out;
}

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

TEST(HttpEgress, local_addresses_are_not_reached_however_they_are_written) {
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

TEST(HttpEgress, private_networks_and_cloud_metadata_are_refused_at_once) {
  const HttpEgress egress(loopback());
  for (const char* host : {"10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::a9fe:a9fe]", "224.0.0.1"})
    EXPECT_EQ(text_of(within(2s, [&] { return egress.request(get("http://" + std::string(host) + "/"), in(5s)); })), "Not allowed") << host;
}

TEST(HttpEgress, a_name_may_have_an_allowed_address) {
  Server server(always(response("yes")));
  EXPECT_EQ(text_of(HttpEgress({*parse_range("127.0.0.1")}).request(get(server.url("/", "localhost")), in(5s))), "200 yes");
}

TEST(HttpEgress, own_ports_stay_closed_even_where_the_address_is_allowed) {
  Server mine(always(response("secret"))), other(always(response("yes")));
  const HttpEgress egress(loopback(), {{mine.port}});
  EXPECT_EQ(text_of(egress.request(get(mine.url("/")), in(5s))), "Not allowed");
  EXPECT_EQ(text_of(egress.request(get(other.url("/")), in(5s))), "200 yes");
  EXPECT_EQ(mine.connections, 0);
}

TEST(HttpEgress, own_ports_stay_closed_on_public_addresses_of_this_machine) {
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

TEST(HttpEgress, own_endpoints_are_not_queried_by_any_spelling_or_redirect) {
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

/// Names under "slow.invalid" take as long as a test likes; all others are the system's. Never destroyed: a lookup that starts late outlives the tests,
/// and whoever waits on a condition keeps its destructor from returning.
struct Resolver {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  size_t running = 0, most = 0;
  void wait() {
    std::unique_lock lock(mutex);
    most = std::max(most, ++running);
    changed.wait(lock, [&] { return open; });
    --running;
    changed.notify_all();
  }
  void let_all_end() {
    std::unique_lock lock(mutex);
    open = true;
    changed.notify_all();
    changed.wait(lock, [&] { return running == 0; });
    open = false;
  }
};
Resolver& resolver = *new Resolver;

TEST(HttpEgress, however_slow_names_are_their_lookups_are_bounded) {
  Server server(always(response("ok")));
  HttpLimits limits;
  limits.transfers = 12;
  {
    const HttpEgress egress(loopback(), {}, limits);
    const std::vector<HttpRequest> five(5, get("http://a.slow.invalid/"));
    size_t refused = 0;
    for (int i = 0; i < 300; ++i) refused += !within(300ms, [&] { return egress.batch(five, 1, in(5s)); });
    EXPECT_GE(refused, 290u);
    {
      const std::lock_guard lock(resolver.mutex);
      EXPECT_LE(resolver.most, limits.transfers);
      EXPECT_GE(resolver.running, 5u);
    }
    EXPECT_EQ(text_of(egress.request(get(server.url("/")), in(5s))), "200 ok");   // two slots are left
    resolver.let_all_end();
    const auto until = in(5s);   // and then all of them come back
    while (!egress.batch(std::vector<HttpRequest>(5, get(server.url("/"))), 5000, in(5s)) || !egress.batch(five, 1, in(5s))) ASSERT_LT(std::chrono::steady_clock::now(), until);
    const auto one_runs = [] {
      const std::lock_guard lock(resolver.mutex);
      return resolver.running >= 1;
    };
    while (!one_runs()) {   // a lookup begins in a thread of its own, when that gets its turn
      static_cast<void>(egress.batch(five, 1, in(5s)));
      ASSERT_LT(std::chrono::steady_clock::now(), until);
    }
  }   // a lookup that is still running does not hold the end of the program
  resolver.let_all_end();
}

TEST(HttpEgress, every_redirect_is_checked_again) {
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

TEST(HttpEgress, proxies_of_the_environment_are_ignored) {
  Server proxy(always(response("proxied"))), server(always(response("direct")));
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) setenv(name, proxy.url("/").c_str(), 1);
  EXPECT_EQ(text_of(HttpEgress(loopback()).request(get(server.url("/")), in(5s))), "200 direct");
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) unsetenv(name);
  EXPECT_EQ(proxy.connections, 0);
}

TEST(HttpEgress, speaks_ipv6) {
  Server server(always(response("six")), "::1");
  if (!server.works()) GTEST_SKIP() << "this machine has no IPv6 loopback";
  EXPECT_EQ(text_of(HttpEgress(loopback()).request(get(server.url("/", "[::1]")), in(5s))), "200 six");
  EXPECT_EQ(text_of(HttpEgress({*parse_range("127.0.0.0/8")}).request(get(server.url("/", "[::1]")), in(5s))), "Not allowed");
  EXPECT_EQ(server.connections, 1);
}

}  // namespace

void resolve_slowly() { resolver.wait(); }

}  // namespace phala::egress

/// In place of the C library's, for libcurl too.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** result) {
  using Function = int(const char*, const char*, const addrinfo*, addrinfo**);
  static auto* const real = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (host != nullptr && std::string_view(host).ends_with(".slow.invalid")) {
    phala::egress::resolve_slowly();
    return EAI_NONAME;
  }
  return real(host, service, hints, result);
}

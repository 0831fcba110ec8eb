#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>

#include "egress/http_egress.hpp"
#include "egress/test_server.hpp"

namespace phala::egress {
namespace {

using engine::HttpRequest;
using namespace phala::egress::test;
using namespace std::chrono_literals;

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

TEST(SlowNames, however_slow_names_are_their_lookups_are_bounded) {
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

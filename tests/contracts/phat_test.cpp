// A Phat contract in ink! 4.3 that uses every function of the chain extension, in queries and in transactions.
#include <gtest/gtest.h>

#include <map>

#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "generation.hpp"

namespace phala::contracts_test {
namespace {

using engine::HttpError;
using engine::test::error_of;
using Page = std::tuple<u16, std::string, u32, Bytes>;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// A world that answers: HTTP with what was asked, a cache of one entry's room, a quote.
class Worker : public OneAnswer {
 public:
  std::map<Bytes, Bytes> cache;
  std::map<Bytes, u64> expiration;
  std::optional<HttpError> refuse;

  engine::HttpResult http_request(const AccountId& contract, const engine::HttpRequest& request) override {
    if (refuse) return fail(*refuse);
    return OneAnswer::http_request(contract, request);
  }
  Result<std::vector<engine::HttpResult>, HttpError> batch_http_request(const AccountId&, const std::vector<engine::HttpRequest>& asked, u64 timeout_ms) override {
    if (asked.size() > 2) return fail(HttpError::too_many_requests);
    std::vector<engine::HttpResult> out;
    for (const auto& one : asked) {
      if (one.url.starts_with("http")) out.emplace_back(engine::HttpResponse{200, one.method, {}, to_bytes(std::to_string(timeout_ms))});
      else out.push_back(fail(HttpError::invalid_url));
    }
    return out;
  }
  bool cache_set(const AccountId&, ByteView key, ByteView value) override {
    if (!cache.empty() && !cache.contains(to_bytes(key))) return false;
    cache[to_bytes(key)] = to_bytes(value);
    return true;
  }
  void cache_set_expiration(const AccountId&, ByteView key, u64 seconds) override { expiration[to_bytes(key)] = seconds; }
  std::optional<Bytes> cache_get(const AccountId&, ByteView key) override {
    const auto found = cache.find(to_bytes(key));
    return found == cache.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<Bytes> cache_remove(const AccountId& contract, ByteView key) override {
    auto old = cache_get(contract, key);
    cache.erase(to_bytes(key));
    return old;
  }
  std::optional<engine::SgxQuote> worker_quote() override { return engine::SgxQuote{}; }
};

struct Phat : testing::Test {
  World world;
  Worker worker;
  engine::ContractId id;
  void SetUp() override {
    const auto made = world.deploy(golden_wasm("phat"), input("new"));
    ASSERT_TRUE(made.has_value()) << error_of(world.last);
    id = *made;
  }
  template <class... A>
  Bytes query(std::string_view label, const A&... arguments) { return world.query_raw(id, input(label, arguments...), &worker); }
  template <class... A>
  Bytes send(std::string_view label, const A&... arguments) { return world.send_raw(bob, id, input(label, arguments...)); }
  static Bytes value(const auto&... parts) { return concat(Bytes{0}, scale::encode(parts...)); }
  template <class T>
  T read(const Bytes& answer) const {
    EXPECT_FALSE(answer.empty()) << error_of(world.last);
    return scale::decode<T>(ByteView(answer).subspan(answer.empty() ? 0 : 1)).value();
  }
};

TEST_F(Phat, asks_the_web_in_queries_alone) {
  worker.response = engine::HttpResponse{201, "Created", {{"a", "b"}}, {1, 2}};
  const Headers headers{{"x-key", "v"}};
  EXPECT_EQ(query("request", std::string("https://example.org/x"), std::string("POST"), headers, Bytes{7}), value(Page{201, "Created", 1, {1, 2}}));
  ASSERT_EQ(worker.requests.size(), 1u);
  EXPECT_EQ(worker.requests[0].url, "https://example.org/x");
  EXPECT_EQ(worker.requests[0].method, "POST");
  EXPECT_EQ(worker.requests[0].headers.at(0).second, "v");
  EXPECT_EQ(worker.requests[0].body, Bytes{7});

  const auto ask = [&] { return query("request", std::string("u"), std::string("GET"), Headers{}, Bytes{}); };
  worker.refuse = HttpError::network_error;
  EXPECT_EQ(std::get<0>(read<Page>(ask())), 524);
  worker.refuse = HttpError::invalid_url;   // a mistake of the contract ends it
  ask();
  EXPECT_FALSE(world.last.result.result.has_value());
  const auto page = read<Page>(send("request", std::string("u"), std::string("GET"), Headers{}, Bytes{}));
  EXPECT_EQ(std::get<0>(page), 523);
  EXPECT_EQ(std::get<1>(page), "API Unavailable");
}

TEST_F(Phat, asks_several_servers_at_once) {
  using Urls = std::vector<std::string>;
  const Bytes one = scale::encode(u8{0}, Page{200, "GET", 0, to_bytes(std::string_view("1500"))}), bad = scale::encode(u8{1}, u32{1});
  EXPECT_EQ(to_hex(query("request_all", Urls{"http://a", "nonsense"}, u64{1500})), to_hex(concat(Bytes{0, 0, 2 << 2}, one, bad)));
  EXPECT_EQ(query("request_all", Urls{"http://a", "http://b", "http://c"}, u64{1}), value(u8{1}, static_cast<u32>(HttpError::too_many_requests) + 1));
  EXPECT_EQ(send("request_all", Urls{"http://a"}, u64{1}), value(u8{1}, static_cast<u32>(HttpError::not_allowed) + 1));
}

struct Signed { Bytes pub, signature; bool good{};  FIELDS(pub, signature, good) };

TEST_F(Phat, signs_by_keys_that_exist_only_inside) {
  const Bytes salt{1}, message = to_bytes(std::string_view("hello"));
  const auto ed = read<Signed>(query("sign", u8{0}, salt, message));
  EXPECT_TRUE(ed.good);
  EXPECT_TRUE(crypto::ed25519_verify(crypto::Signature(ByteView(ed.signature)), message, PublicKey(ByteView(ed.pub))));
  const auto sr = read<Signed>(query("sign", u8{1}, salt, message));
  EXPECT_TRUE(sr.good);
  EXPECT_TRUE(crypto::sr25519_verify(crypto::Signature(ByteView(sr.signature)), message, PublicKey(ByteView(sr.pub))));
  const auto ec = read<Signed>(query("sign", u8{2}, salt, message));
  EXPECT_TRUE(ec.good);
  EXPECT_TRUE(crypto::ecdsa_verify_prehashed(crypto::EcdsaSignature(ByteView(ec.signature)), crypto::blake2_256(message), crypto::EcdsaPublicKey(ByteView(ec.pub))));
  const Hash digest = crypto::keccak_256(message);
  const auto pre = read<Signed>(query("sign_prehashed", salt, digest));
  EXPECT_TRUE(pre.good);
  EXPECT_EQ(pre.pub, ec.pub);
  EXPECT_TRUE(crypto::ecdsa_verify_prehashed(crypto::EcdsaSignature(ByteView(pre.signature)), digest, crypto::EcdsaPublicKey(ByteView(pre.pub))));

  // another salt, another key
  EXPECT_NE(read<Signed>(query("sign", u8{0}, Bytes{2}, message)).pub, ed.pub);
  // in a transaction the same, except what is never the same twice
  const auto in_transaction = [&](u8 kind) { return read<Signed>(send("sign", kind, salt, message)); };
  EXPECT_EQ(in_transaction(0).signature, ed.signature);
  EXPECT_EQ(in_transaction(1).pub, sr.pub);
  EXPECT_TRUE(in_transaction(1).signature.empty());
  EXPECT_FALSE(in_transaction(1).good);
  EXPECT_EQ(in_transaction(2).signature, ec.signature);
  EXPECT_EQ(read<Signed>(send("sign_prehashed", salt, digest)).signature, pre.signature);
}

TEST_F(Phat, remembers_at_once_in_queries_and_by_events_in_transactions) {
  const Bytes key{1}, data{2, 3};
  EXPECT_EQ(query("remember", key, data, std::optional<u64>(60)), value(true));
  EXPECT_EQ(worker.expiration.at(key), 60u);
  EXPECT_EQ(query("remember", Bytes{9}, data, std::optional<u64>()), value(false));   // no room
  EXPECT_EQ(query("recall", key), value(std::optional(data)));
  EXPECT_EQ(query("forget", key), value(std::optional(data)));
  EXPECT_EQ(query("recall", key), value(std::optional<Bytes>()));

  const auto operations = [&] {
    std::vector<engine::CacheOp> out;
    for (const auto& each : world.last.effects.pink_events) out.push_back(each.event.get_if<engine::CacheOpEvent>()->operation);
    return out;
  };
  EXPECT_EQ(send("remember", key, data, std::optional<u64>(60)), value(true));
  ASSERT_EQ(operations().size(), 2u);
  EXPECT_EQ(operations()[0].get_if<engine::CacheSet>()->value, data);
  EXPECT_EQ(operations()[1].get_if<engine::CacheSetExpiration>()->seconds, 60u);
  EXPECT_EQ(send("recall", key), value(std::optional<Bytes>()));
  EXPECT_EQ(send("forget", key), value(std::optional<Bytes>()));
  ASSERT_EQ(operations().size(), 1u);
  EXPECT_EQ(operations()[0].get_if<engine::CacheRemove>()->key, key);
}

struct Facts {
  bool in_transaction{};
  AccountId system_contract;
  PublicKey worker;
  u64 clock_ms{};
  std::pair<u32, u32> runtime;
  std::pair<u64, Hash> chain_head;
  Bytes random;
  bool has_quote{};
  FIELDS(in_transaction, system_contract, worker, clock_ms, runtime, chain_head, random, has_quote)
};

TEST_F(Phat, knows_where_it_runs) {
  const auto asked = read<Facts>(query("facts", u8{5}));
  EXPECT_FALSE(asked.in_transaction);
  EXPECT_EQ(asked.system_contract, world.system);
  EXPECT_EQ(asked.worker, world.context.worker_pubkey);
  EXPECT_EQ(asked.clock_ms, 1u);
  EXPECT_EQ(asked.runtime, std::pair(1u, 2u));
  EXPECT_EQ(asked.random, Bytes(5, 4));
  EXPECT_TRUE(asked.has_quote);

  send("record", u8{5});
  ASSERT_TRUE(world.last.result.succeeded()) << error_of(world.last);
  const auto recorded = read<std::optional<Facts>>(query("recorded"));
  ASSERT_TRUE(recorded.has_value());
  EXPECT_TRUE(recorded->in_transaction);
  EXPECT_EQ(recorded->system_contract, world.system);
  EXPECT_EQ(recorded->worker, PublicKey{});
  EXPECT_EQ(recorded->clock_ms, 0u);
  EXPECT_EQ(recorded->chain_head, asked.chain_head);
  EXPECT_TRUE(recorded->random.empty());
  EXPECT_FALSE(recorded->has_quote);
  // the transaction itself may have made the chain longer
  EXPECT_GE(read<Facts>(query("facts", u8{0})).chain_head.first, asked.chain_head.first);
}

TEST_F(Phat, sees_accounts_and_code) {
  const auto account = world.state.account(bob);
  EXPECT_EQ(query("funds", bob), value(account.free + account.held, account.free));
  const Hash code = crypto::blake2_256(golden_wasm("phat"));
  EXPECT_EQ(query("has_code", code, false), value(true));
  EXPECT_EQ(query("has_code", code, true), value(false));
  EXPECT_EQ(send("has_code", Hash{}, false), value(false));
}

TEST_F(Phat, logs_at_its_level) {
  for (const u8 level : {u8{1}, u8{5}, u8{77}}) {
    query("log", level, std::string("said"));
    ASSERT_EQ(world.last.effects.logs.size(), 1u);
    EXPECT_EQ(world.last.effects.logs[0].level, level == 77 ? 1 : level);
    EXPECT_EQ(world.last.effects.logs[0].message, "said");
  }
  send("log", u8{2}, std::string("in a transaction"));
  EXPECT_EQ(world.last.effects.logs.at(0).message, "in a transaction");
}

TEST_F(Phat, system_code_is_for_the_system_contract) {
  for (const bool in_query : {true, false}) {
    in_query ? query("import_system_code") : send("import_system_code");
    EXPECT_TRUE(error_of(world.last).starts_with("BadOrigin")) << error_of(world.last);
  }
}

TEST_F(Phat, has_no_javascript_where_the_cluster_has_no_runtime_for_it) {
  EXPECT_EQ(query("evaluate", std::string("1 + 1"), std::vector<std::string>{"a"}), value(u8{5}, std::string("No js runtime")));
  EXPECT_EQ(send("evaluate", std::string("1 + 1"), std::vector<std::string>{}), value(u8{5}, std::string("Js evaluation is not supported in transaction")));
}

}  // namespace
}  // namespace phala::contracts_test

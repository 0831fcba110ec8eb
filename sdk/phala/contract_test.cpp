#include "phala/contract.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crypto/hash.hpp"
#include "phala/metadata.hpp"
#include "phala/pink.hpp"
#include "phala/system.hpp"
#include "phala/testing.hpp"

namespace phala::sdk {
namespace {

enum class Error : u8 { Overflow = 0, Forbidden = 2 };
constexpr bool is_valid(Error e) { return e == Error::Overflow || e == Error::Forbidden; }

struct Counter {
  u32 value{};
  Map<AccountId, u32> by_account;
  Lazy<std::string> note;
  FIELDS(value, by_account, note)

  struct New { u32 start{};  FIELDS(start)  static constexpr Constructor constructor = Constructor("new"); };
  struct Checked {
    u32 start{};
    FIELDS(start)
    static constexpr Constructor constructor = Constructor("checked").payable();
  };
  struct Add {
    u32 by{};
    FIELDS(by)
    using Returns = Result<u32, Error>;
    static constexpr Message message = Message("add").doc("Adds, or changes nothing.");
  };
  struct Get { FIELDS()  using Returns = u32;  static constexpr Message message = Message("get").preferred(); };
  struct Of { AccountId who;  FIELDS(who)  using Returns = std::optional<u32>;  static constexpr Message message = Message("Counting::of"); };
  struct Note { std::string text;  FIELDS(text)  using Returns = void;  static constexpr Message message = Message("note").payable(); };
  struct ReadNote { FIELDS()  using Returns = std::optional<std::string>;  static constexpr Message message = Message("read_note"); };

  struct Added {
    AccountId who;
    u32 by{};
    FIELDS(who, by)
    TOPICS(who)
  };
  using Constructors = List<New, Checked>;
  using Messages = List<Add, Get, Of, Note, ReadNote>;
  using Events = List<Note, Added>;

  void operator()(const New& call) { value = call.start; }
  Result<void, Error> operator()(const Checked& call) {
    if (call.start > 100) return fail(Error::Forbidden);
    value = call.start;
    return {};
  }
  Result<u32, Error> operator()(const Add& call) {
    by_account.put(caller(), call.by);
    if (__builtin_add_overflow(value, call.by, &value)) return fail(Error::Overflow);
    emit(*this, Added{caller(), call.by});
    return value;
  }
  u32 operator()(const Get&) const { return value; }
  std::optional<u32> operator()(const Of& call) const { return by_account.get(call.who); }
  void operator()(const Note& call) { note.put(call.text); }
  std::optional<std::string> operator()(const ReadNote&) const { return note.get(); }
};

struct ContractTest : testing::Test {
  TestHost host;
  AccountId alice = AccountId(std::array<u8, 32>{1});
  void SetUp() override { host.caller = alice; }
};

TEST_F(ContractTest, state_lives_in_one_cell_and_maps_have_their_own) {
  const auto made = host.deploy<Counter>(Counter::New{7});
  EXPECT_FALSE(made.trapped || made.reverted);
  EXPECT_EQ(to_hex(made.data), "00");
  EXPECT_EQ(host.storage.at(Bytes(4, 0)), scale::encode(u32{7}));
  EXPECT_EQ(host.send<Counter>(Counter::Add{5}).value(), 12u);
  EXPECT_EQ(host.send<Counter>(Counter::Get{}).value(), 12u);
  const Bytes cell = concat(scale::encode(xxh32("Counter::by_account")), alice);
  EXPECT_EQ(host.storage.at(cell), scale::encode(u32{5}));
  EXPECT_EQ(host.send<Counter>(Counter::Of{alice}).value(), 5u);
  EXPECT_EQ(host.send<Counter>(Counter::Of{}).value(), std::nullopt);
  EXPECT_EQ(host.send<Counter>(Counter::ReadNote{}).value(), std::nullopt);
  EXPECT_TRUE(host.send<Counter>(Counter::Note{"x"}).has_value());
  EXPECT_EQ(host.send<Counter>(Counter::ReadNote{}).value(), "x");
}

TEST_F(ContractTest, an_error_reverts_and_is_delivered) {
  ASSERT_FALSE(host.deploy<Counter>(Counter::New{0xffffffff}).trapped);
  const auto before = host.storage;
  const auto outcome = host.call_raw<Counter>(detail::call_data(Counter::Add::message, Counter::Add{1}));
  EXPECT_TRUE(outcome.reverted);
  EXPECT_EQ(to_hex(outcome.data), "000100");
  EXPECT_EQ(host.storage, before);
  const auto answer = host.send<Counter>(Counter::Add{1});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error(), Error::Overflow);
}

TEST_F(ContractTest, a_constructor_can_refuse) {
  const auto refused = host.deploy<Counter>(Counter::Checked{101});
  EXPECT_TRUE(refused.reverted);
  EXPECT_EQ(to_hex(refused.data), "000102");
  EXPECT_TRUE(host.storage.empty());
  host.value = 1;   // payable
  EXPECT_EQ(to_hex(host.deploy<Counter>(Counter::Checked{100}).data), "0000");
}

TEST_F(ContractTest, what_cannot_be_read_is_a_lang_error) {
  ASSERT_FALSE(host.deploy<Counter>(Counter::New{}).trapped);
  for (const char* input : {"", "633aa5", "00000000", "4b050ea9", "4b050ea9010203"}) {
    const auto outcome = host.call_raw<Counter>(*from_hex(input));
    EXPECT_TRUE(outcome.reverted) << input;
    EXPECT_EQ(to_hex(outcome.data), "0101") << input;
  }
}

TEST_F(ContractTest, value_is_refused_where_it_is_not_expected) {
  host.value = 1;
  EXPECT_TRUE(host.deploy<Counter>(Counter::New{}).trapped);
  host.value = 0;
  ASSERT_FALSE(host.deploy<Counter>(Counter::New{}).trapped);
  host.value = 1;
  EXPECT_EQ(host.send<Counter>(Counter::Get{}).error(), CallError::callee_trapped);
  EXPECT_TRUE(host.send<Counter>(Counter::Note{"paid"}).has_value());
}

/// Pays, changes its code and calls another contract; and may end with an error after all that.
struct Purse {
  u32 payments{};
  FIELDS(payments)
  struct New { FIELDS()  static constexpr Constructor constructor = Constructor("new").payable(); };
  struct Pay {
    AccountId to; Balance amount{}; bool refuse{};
    FIELDS(to, amount, refuse)
    using Returns = Result<Balance, Error>;
    static constexpr Message message = Message("pay").payable();
  };
  struct Send { AccountId callee; Balance amount{};  FIELDS(callee, amount)  using Returns = bool;  static constexpr Message message = Message("send").mutating(); };
  struct Leave { AccountId heir;  FIELDS(heir)  using Returns = void;  static constexpr Message message = Message("leave"); };
  using Constructors = List<New>;
  using Messages = List<Pay, Send, Leave>;
  using Events = List<>;
  void operator()(const New&) {}
  Result<Balance, Error> operator()(const Pay& call) {
    ++payments;
    static_cast<void>(set_code_hash(Hash(std::array<u8, 32>{9})));
    if (!transfer(call.to, call.amount) || call.refuse) return fail(Error::Forbidden);
    return balance();
  }
  bool operator()(const Send& call) const { return sdk::call(call.callee, Counter::Get{}, {.value = call.amount}).has_value(); }
  void operator()(const Leave& call) { terminate(call.heir); }
};

TEST_F(ContractTest, money_comes_with_the_call_and_an_undone_call_gives_everything_back) {
  const AccountId bob(std::array<u8, 32>{2});
  host.value = 100;
  ASSERT_FALSE(host.deploy<Purse>(Purse::New{}).trapped);
  EXPECT_EQ(host.balance, 100u);
  host.value = 5;
  EXPECT_EQ(host.send<Purse>(Purse::Pay{bob, 25, false})->value(), 80u);
  EXPECT_EQ(host.balance, 80u);
  EXPECT_EQ(host.own_code, Hash(std::array<u8, 32>{9}));
  host.own_code = Hash(std::array<u8, 32>{1});
  const auto storage = host.storage;
  for (const Balance amount : {Balance{25}, Balance{1000}}) {
    EXPECT_EQ(host.send<Purse>(Purse::Pay{bob, amount, true})->error(), Error::Forbidden);
    EXPECT_EQ(host.balance, 80u);
    EXPECT_EQ(host.transfers, (std::vector<std::pair<AccountId, Balance>>{{bob, 25}}));
    EXPECT_EQ(host.own_code, Hash(std::array<u8, 32>{1}));
    EXPECT_EQ(host.storage, storage);
  }
  host.value = 0;
  std::vector<Balance> received;
  host.peer = [&](const AccountId&, u32, Balance value, ByteView) {
    received.push_back(value);
    return value == 7 ? TestHost::Answer{1, {}} : TestHost::Answer{0, {0, 1, 0, 0, 0}};
  };
  EXPECT_TRUE(host.send<Purse>(Purse::Send{bob, 10}).value());
  EXPECT_EQ(host.balance, 70u);
  EXPECT_FALSE(host.send<Purse>(Purse::Send{bob, 7}).value());    // it traps: the money stays
  EXPECT_EQ(host.balance, 70u);
  EXPECT_FALSE(host.send<Purse>(Purse::Send{bob, 71}).value());   // more than there is
  EXPECT_EQ(received, (std::vector<Balance>{10, 7}));
  host.call_raw<Purse>(detail::call_data(Purse::Leave::message, Purse::Leave{bob}));
  EXPECT_EQ(host.transfers.back(), (std::pair<AccountId, Balance>{bob, 70}));
  EXPECT_EQ(host.balance, 0u);
}

TEST_F(ContractTest, without_or_with_broken_storage_a_message_traps) {
  EXPECT_EQ(host.send<Counter>(Counter::Get{}).error(), CallError::callee_trapped);
  host.storage[Bytes(4, 0)] = {1, 2};
  EXPECT_EQ(host.send<Counter>(Counter::Get{}).error(), CallError::callee_trapped);
  EXPECT_NE(host.debug.find("does not read back"), std::string::npos);
}

TEST_F(ContractTest, events_carry_index_fields_and_topics) {
  ASSERT_FALSE(host.deploy<Counter>(Counter::New{}).trapped);
  ASSERT_TRUE(host.send<Counter>(Counter::Add{3}).has_value());
  ASSERT_EQ(host.events.size(), 1u);
  EXPECT_EQ(host.events[0].data, scale::encode(u8{1}, alice, u32{3}));
  ASSERT_EQ(host.events[0].topics.size(), 2u);
  Bytes name = concat(Bytes{0}, as_bytes("Counter::Added"));
  name.resize(32);
  EXPECT_EQ(to_bytes(host.events[0].topics[0].view()), name);
  EXPECT_EQ(host.events[0].topics[1], crypto::blake2_256(scale::encode(std::string("Counter::Added::who"), alice)));
}

TEST_F(ContractTest, a_call_reads_every_kind_of_answer) {
  TestHost::Answer answer;
  host.peer = [&](const AccountId& callee, u32 flags, Balance value, ByteView input) {
    EXPECT_EQ(callee, alice);
    EXPECT_EQ(flags, 8u);
    EXPECT_EQ(value, 9u);
    EXPECT_EQ(to_hex(input), to_hex(Counter::Add::message.selector) + "02000000");
    return answer;
  };
  host.balance = 100;
  const auto ask = [&] { return call(alice, Counter::Add{2}, {.value = 9, .allow_reentry = true}); };
  answer = {0, {0, 0, 5, 0, 0, 0}};
  EXPECT_EQ(ask()->value(), 5u);
  answer = {2, {0, 1, 2}};   // reverted with its error
  EXPECT_EQ(ask()->error(), Error::Forbidden);
  answer = {2, {1, 1}};
  EXPECT_EQ(ask().error(), CallError::not_understood);
  answer = {1, {}};
  EXPECT_EQ(ask().error(), CallError::callee_trapped);
  answer = {8, {}};
  EXPECT_EQ(ask().error(), CallError::not_callable);
  answer = {0, {0, 0, 5}};
  EXPECT_EQ(ask().error(), CallError::bad_answer);
  answer = {2, {0, 1, 1}};   // no such error
  EXPECT_EQ(ask().error(), CallError::callee_reverted);
}

TEST_F(ContractTest, extension_calls_encode_and_decode) {
  Bytes seen;
  TestHost::Answer answer;
  u16 id = 0;
  host.extension = [&](u16 i, ByteView input) {
    id = i;
    seen = to_bytes(input);
    return answer;
  };
  answer.data = scale::encode(pink::HttpResponse{200, "OK", {{"a", "b"}}, {1}});
  const auto response = pink::http_get("http://x");
  EXPECT_EQ(id, 1);
  EXPECT_EQ(seen, scale::encode(std::string("http://x"), std::string("GET"), u8{0}, u8{0}));
  EXPECT_EQ(response.status_code, 200);
  answer = {3, {}};
  EXPECT_EQ(pink::batch_http_request({}, 10).error(), pink::HttpRequestError::InvalidHeaderName);
  EXPECT_FALSE(pink::cache_set(Bytes{1}, Bytes{2}));
  answer = {0, {}};
  EXPECT_TRUE(pink::cache_set(Bytes{1}, Bytes{2}));
  EXPECT_EQ(seen, (Bytes{4, 1, 4, 2}));
  answer = {0, scale::encode(pink::JsValue(pink::JsString{"3"}))};
  EXPECT_EQ(pink::js_eval({pink::JsSource{"1+2"}}, {"x"}).get_if<pink::JsString>()->text, "3");
  EXPECT_EQ(seen, (Bytes{4, 0, 12, '1', '+', '2', 4, 4, 'x'}));
}

TEST_F(ContractTest, pink_events_have_their_frozen_index_and_topic) {
  pink::emit(pink::SetHook{pink::HookPoint::OnBlockEnd, alice, 0x01020304, 5});
  pink::emit(pink::SidevmOperation{pink::SidevmSetDeadline{alice, 9}});
  ASSERT_EQ(host.events.size(), 2u);
  EXPECT_EQ(to_hex(host.events[0].topics.at(0).view()), "407068616c612e70696e6b2e6576656e74000000000000000000000000000000");
  EXPECT_EQ(host.events[0].topics.size(), 1u);
  EXPECT_EQ(host.events[0].data, scale::encode(u8{2}, u8{0}, alice, u32{0x01020304}, u64{5}));
  EXPECT_EQ(host.events[1].data, scale::encode(u8{11}, u8{1}, alice, u32{9}));
}

using Json = nlohmann::json;

TEST(Metadata, describes_the_contract_as_clients_expect) {
  const Json j = Json::parse(metadata::to_json(metadata::describe<Counter>()));
  EXPECT_EQ(j.at("version"), "4");
  const auto& spec = j.at("spec");
  ASSERT_EQ(spec.at("messages").size(), 5u);
  const auto& add = spec.at("messages")[0];
  EXPECT_EQ(add.at("label"), "add");
  EXPECT_EQ(add.at("selector"), "0x4b050ea9");
  EXPECT_EQ(add.at("mutates"), true);
  EXPECT_EQ(add.at("payable"), false);
  EXPECT_EQ(add.at("args")[0].at("label"), "by");
  EXPECT_EQ(add.at("docs")[0], " Adds, or changes nothing.");
  EXPECT_EQ(spec.at("messages")[1].at("mutates"), false);
  EXPECT_EQ(spec.at("messages")[1].at("default"), true);
  EXPECT_EQ(spec.at("messages")[2].at("label"), "Counting::of");
  EXPECT_EQ(spec.at("messages")[3].at("payable"), true);
  EXPECT_EQ(spec.at("constructors")[1].at("payable"), true);

  const auto type = [&](const Json& ref) { return j.at("types").at(ref.get<size_t>()).at("type"); };
  for (size_t i = 0; i < j.at("types").size(); ++i) EXPECT_EQ(j.at("types")[i].at("id"), i);
  const auto outer = type(add.at("returnType").at("type"));
  EXPECT_EQ(outer.at("path"), Json({"Result"}));
  const auto inner = type(outer.at("params")[0].at("type"));
  const auto error = type(inner.at("params")[1].at("type"));
  EXPECT_EQ(error.at("path").back(), "Error");
  EXPECT_EQ(error.at("def").at("variant").at("variants"), Json::parse(R"([{"name":"Overflow","index":0},{"name":"Forbidden","index":2}])"));
  EXPECT_EQ(type(outer.at("params")[1].at("type")).at("path"), Json({"ink_primitives", "LangError"}));

  const auto& event = spec.at("events")[1];
  EXPECT_EQ(event.at("label"), "Added");
  EXPECT_EQ(event.at("args")[0].at("indexed"), true);
  EXPECT_EQ(event.at("args")[1].at("indexed"), false);
  const auto& fields = j.at("storage").at("root").at("layout").at("struct").at("fields");
  EXPECT_EQ(fields[0].at("layout").at("leaf").at("key"), "0x00000000");
  EXPECT_EQ(fields[1].at("layout").at("root").at("root_key"), to_hex0x(be_bytes(xxh32("Counter::by_account"))));
}

TEST(Metadata, enums_of_structs_keep_names_indices_and_unnamed_fields) {
  metadata::Registry r;
  const u32 id = r.id<system::DriverError>();
  const auto types = r.take();
  const auto& error = types.at(id);
  EXPECT_EQ(error.path.back(), "DriverError");
  ASSERT_EQ(error.variants.size(), 3u);
  EXPECT_EQ(error.variants[0].name, "Other");
  EXPECT_TRUE(error.variants[0].fields.at(0).name.empty());
  EXPECT_EQ(error.variants[1].name, "SystemError");
  EXPECT_EQ(error.variants[1].fields.at(0).type_name, "SystemError");
  EXPECT_EQ(error.variants[2].fields.size(), 0u);
}

TEST(Metadata, names_are_cut_from_the_compilers_spelling) {
  using P = std::vector<std::string>;
  EXPECT_EQ(metadata::path_of("a::b::C"), (P{"a", "b", "C"}));
  EXPECT_EQ(metadata::path_of("a::(anonymous namespace)::C<x::y>"), (P{"a", "C"}));
  EXPECT_EQ(metadata::path_of("SystemError_"), (P{"SystemError"}));
  EXPECT_EQ(metadata::enumerator_in("… [V = a::E::One]"), "One");
  EXPECT_EQ(metadata::enumerator_in("… [V = (a::E)7]"), "");
  EXPECT_EQ(metadata::enumerator_in("no value"), "");
}

}  // namespace
}  // namespace phala::sdk

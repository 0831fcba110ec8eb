// phala contract new: a contract project that builds, is tested and says what to do next.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/files.hpp"

namespace phala::cli {
namespace {

namespace fs = std::filesystem;

// In each text @name@ is the name, @Name@ the name as a type.

constexpr std::string_view contract_toml = R"(name = "@name@"
version = "0.1.0"
authors = []
description = "A greeting, and who has seen it"
)";

constexpr std::string_view header = R"(#pragma once
// What the contract keeps, what one can ask of it, and what it reports.

#include "phala/contract.hpp"

namespace @name@ {

using namespace phala;
using namespace phala::sdk;

enum class Error : u8 { NotOwner, TooLong };
constexpr bool is_valid(Error e) { return e <= Error::TooLong; }

struct @Name@ {
  // storage: plain fields share one cell, a map has one for each entry
  AccountId owner;
  std::string greeting;
  Map<AccountId, u32> visits;
  FIELDS(owner, greeting, visits)

  struct New {
    std::string greeting;
    FIELDS(greeting)
    static constexpr Constructor constructor = Constructor("new").doc("Who creates it owns it.");
  };
  struct Greeting {
    FIELDS()
    using Returns = std::string;
    static constexpr Message message = Message("greeting").doc("For queries: free, and nobody sees who asked.");
  };
  struct VisitsOf {
    AccountId account;
    FIELDS(account)
    using Returns = u32;
    static constexpr Message message = Message("visits_of");
  };
  struct Visit {
    FIELDS()
    using Returns = u32;
    static constexpr Message message = Message("visit").doc("How often the caller was here, this time included.");
  };
  struct SetGreeting {
    std::string greeting;
    FIELDS(greeting)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("set_greeting").doc("For the owner. An error undoes everything the call did.");
  };

  struct Visited {
    AccountId who;
    u32 times{};
    FIELDS(who, times)
    TOPICS(who)
  };

  using Constructors = List<New>;
  using Messages = List<Greeting, VisitsOf, Visit, SetGreeting>;
  using Events = List<Visited>;

  // answers; one without `const` may change storage
  void operator()(const New& call);
  std::string operator()(const Greeting&) const { return greeting; }
  u32 operator()(const VisitsOf& call) const { return visits.get(call.account).value_or(0); }
  u32 operator()(const Visit&);
  Result<void, Error> operator()(const SetGreeting& call);
};

}  // namespace @name@
)";

constexpr std::string_view source = R"(#include "@name@.hpp"

namespace @name@ {

constexpr size_t max_greeting_bytes = 1000;

void @Name@::operator()(const New& call) {
  owner = caller();
  greeting = call.greeting.substr(0, max_greeting_bytes);
}

u32 @Name@::operator()(const Visit&) {
  const u32 times = visits.get(caller()).value_or(0) + 1;
  visits.put(caller(), times);
  emit(*this, Visited{caller(), times});
  return times;
}

Result<void, Error> @Name@::operator()(const SetGreeting& call) {
  if (caller() != owner) return fail(Error::NotOwner);
  if (call.greeting.size() > max_greeting_bytes) return fail(Error::TooLong);
  greeting = call.greeting;
  return {};
}

}  // namespace @name@

PHALA_CONTRACT(@name@::@Name@)
)";

constexpr std::string_view tests = R"(#include "@name@.hpp"

#include <gtest/gtest.h>

#include "phala/testing.hpp"

namespace @name@ {
namespace {

struct @Name@Test : testing::Test {
  TestHost host;
  const AccountId owner = AccountId(std::array<u8, 32>{1}), guest = AccountId(std::array<u8, 32>{2});
  void SetUp() override {
    host.caller = owner;
    ASSERT_FALSE(host.deploy<@Name@>(@Name@::New{"hello"}).trapped);
  }
  template <class M>
  auto as(const AccountId& who, const M& message) {
    host.caller = who;
    return host.send<@Name@>(message);
  }
};

TEST_F(@Name@Test, visits_are_counted_for_each_account) {
  EXPECT_EQ(as(guest, @Name@::Visit{}).value(), 1u);
  EXPECT_EQ(as(guest, @Name@::Visit{}).value(), 2u);
  EXPECT_EQ(as(owner, @Name@::Visit{}).value(), 1u);
  EXPECT_EQ(as(owner, @Name@::VisitsOf{guest}).value(), 2u);
  EXPECT_EQ(host.events.size(), 3u);
}

TEST_F(@Name@Test, only_the_owner_changes_the_greeting) {
  EXPECT_EQ(as(guest, @Name@::SetGreeting{"bye"})->error(), Error::NotOwner);
  EXPECT_EQ(as(owner, @Name@::SetGreeting{std::string(1001, 'x')})->error(), Error::TooLong);
  EXPECT_EQ(as(guest, @Name@::Greeting{}).value(), "hello");
  ASSERT_TRUE(as(owner, @Name@::SetGreeting{"bye"})->has_value());
  EXPECT_EQ(as(guest, @Name@::Greeting{}).value(), "bye");
}

}  // namespace
}  // namespace @name@
)";

constexpr std::string_view readme = R"(# @name@

    phala contract test .       # unit tests, natively, in a second
    phala contract build .      # target/contract/@name@.contract

On a network (`phala dev` starts one on this machine):

    phala contract deploy target/contract/@name@.contract new hello
    phala contract query CONTRACT greeting --abi target/contract/@name@.contract
    phala contract call CONTRACT visit --abi target/contract/@name@.contract

`@name@.hpp` says what the contract keeps and answers, `@name@.cpp` how, `@name@_test.cpp` shows that it does. HTTP, keys that exist only inside
the worker, a cache and logs are in `phala/pink.hpp`; calls of other contracts, hashes and transfers in `phala/env.hpp` and `phala/call.hpp`.
)";

struct File { std::string_view name, text; };
constexpr File files[] = {
    {"contract.toml", contract_toml}, {"@name@.hpp", header}, {"@name@.cpp", source}, {"@name@_test.cpp", tests}, {"README.md", readme}, {".gitignore", "/target/\n"},
};

/// my_token → MyToken
std::string type_name(std::string_view name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c != '_') out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = c == '_';
  }
  return out;
}

std::string filled(std::string_view text, const std::string& name) {
  std::string out(text);
  for (const auto& [mark, value] : {std::pair<std::string, std::string>{"@name@", name}, {"@Name@", type_name(name)}})
    for (size_t at = 0; (at = out.find(mark, at)) != out.npos; at += value.size()) out.replace(at, mark.size(), value);
  return out;
}

/// It becomes a C++ name; those of the language itself, and the SDK's own namespace, would not compile.
Result<> check_name(const std::string& name) {
  static constexpr std::string_view taken[] = {"phala", "std", "sdk", "testing", "int", "bool", "char", "class", "struct", "enum", "auto", "new", "delete", "default", "this", "void", "union",
                                               "namespace", "template", "operator", "export", "import", "module", "static", "const", "return", "switch", "case", "if", "else", "for", "while", "do"};
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  const bool good = !name.empty() && name.size() <= 64 && name[0] >= 'a' && name[0] <= 'z' && name.back() != '_' && name.find("__") == name.npos && std::all_of(name.begin(), name.end(), fits) &&
                    std::find(std::begin(taken), std::end(taken), name) == std::end(taken);
  if (good) return {};
  return fail(ErrorCode::invalid_input, "'" + name + "' cannot be a contract's name", "use lower-case letters, digits and single '_', as in my_token; not a word of C++");
}

Result<int> create(const Args& args) {
  const std::string name = args.text("NAME");
  TRY(check_name(name));
  const fs::path folder = args.has("--dir") ? args.text("--dir") : name;
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_empty(folder, error)) return fail(ErrorCode::refused, folder.string() + " exists and is not empty", "choose another --dir");
  fs::create_directories(folder, error);
  if (error) return fail(ErrorCode::unavailable, "cannot make folder " + folder.string() + ": " + error.message());
  for (const File& file : files) TRY(replace_file((folder / filled(file.name, name)).string(), as_bytes(filled(file.text, name))));
  print(args, nlohmann::ordered_json{{"project", folder.string()}, {"test", "phala contract test " + folder.string()}, {"build", "phala contract build " + folder.string()}});
  return 0;
}

}  // namespace

std::span<const Command> contract_new_commands() {
  static const Command commands[] = {
      {"contract new", "Begin a C++ contract: a folder that builds, with storage, messages, an event, errors and unit tests", "phala contract new my_token", {{"NAME", "of the contract: my_token"}},
       {{"--dir", "DIR", "where it goes (a folder of that name, here)"}}, create},
  };
  return commands;
}

}  // namespace phala::cli

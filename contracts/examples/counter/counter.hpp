#pragma once
// The example of docs/guides/contracts.md.

#include "phala/contract.hpp"
#include "phala/pink.hpp"

namespace counter {

using namespace phala;
using namespace phala::sdk;

enum class Error : u8 { TooLarge };
constexpr bool is_valid(Error e) { return e == Error::TooLarge; }

struct Counter {
  // storage
  u32 value{};
  Map<AccountId, u32> added_by;
  FIELDS(value, added_by)

  // what one can ask
  struct New {
    u32 start{};
    FIELDS(start)
    static constexpr Constructor constructor = Constructor("new").doc("Starts counting at a number.");
  };
  struct Add {
    u32 by{};
    FIELDS(by)
    using Returns = Result<u32, Error>;
    static constexpr Message message = Message("add").doc("The new value; or an error, and nothing changes.");
  };
  struct Get {
    FIELDS()
    using Returns = u32;
    static constexpr Message message = Message("get");
  };
  struct AddedBy {
    AccountId account;
    FIELDS(account)
    using Returns = u32;
    static constexpr Message message = Message("added_by");
  };
  struct StatusOf {
    std::string url;
    FIELDS(url)
    using Returns = u16;
    static constexpr Message message = Message("status_of").doc("HTTP status of a page, seen from the worker. For queries.");
  };

  // what it reports
  struct Added {
    AccountId account;
    u32 by{};
    FIELDS(account, by)
    TOPICS(account)
  };

  using Constructors = List<New>;
  using Messages = List<Add, Get, AddedBy, StatusOf>;
  using Events = List<Added>;

  void operator()(const New& call) { value = call.start; }
  Result<u32, Error> operator()(const Add& call);
  u32 operator()(const Get&) const { return value; }
  u32 operator()(const AddedBy& call) const { return added_by.get(call.account).value_or(0); }
  u16 operator()(const StatusOf& call) const { return pink::http_get(call.url).status_code; }
};

}  // namespace counter

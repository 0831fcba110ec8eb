#pragma once
// Private notes: state that nobody but its writer can read, not even who runs the worker.

#include "phala/contract.hpp"

namespace notes {

using namespace phala;
using namespace phala::sdk;

constexpr size_t max_note_bytes = 4096;

enum class Error : u8 { TooLong };
constexpr bool is_valid(Error e) { return e == Error::TooLong; }

struct Notes {
  u32 written{};
  Map<AccountId, std::string> notes;
  FIELDS(written, notes)

  struct New {
    FIELDS()
    static constexpr Constructor constructor = Constructor("new");
  };
  struct Write {
    std::string text;
    FIELDS(text)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("write").doc("Replaces the caller's note, at most 4096 bytes. Send it encrypted.");
  };
  struct Read {
    FIELDS()
    using Returns = std::optional<std::string>;
    static constexpr Message message = Message("read").doc("The caller's note. The query's certificate says who the caller is.");
  };
  struct Echo {
    std::string text;
    FIELDS(text)
    using Returns = std::string;
    static constexpr Message message = Message("echo").doc("What was asked, in capitals: an answer that depends on the question alone.");
  };
  struct Written {
    FIELDS()
    using Returns = u32;
    static constexpr Message message = Message("written").doc("How many notes were written so far, by all.");
  };

  using Constructors = List<New>;
  using Messages = List<Write, Read, Echo, Written>;
  using Events = List<>;

  void operator()(const New&) {}
  Result<void, Error> operator()(const Write& call);
  std::optional<std::string> operator()(const Read&) const;
  std::string operator()(const Echo& call) const;
  u32 operator()(const Written&) const { return written; }
};

}  // namespace notes

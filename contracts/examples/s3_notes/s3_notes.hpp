#pragma once
// Notes of any number of users in one S3 bucket. The bucket's credentials are private state of the contract: nobody who uses or runs it sees them. What
// leaves the enclave is sealed under a key that exists only inside, one for each account, and objects have names that say nothing. All is done in queries,
// which may use HTTP and cost nothing; the chain only holds the bucket's address.
//
// Whoever holds the bucket can lose notes, or bring back old ones. It cannot read, alter or exchange them.

#include "phala/contract.hpp"
#include "phala/crypto.hpp"
#include "s3.hpp"

namespace s3_notes {

using namespace phala;
using namespace phala::sdk;

constexpr size_t max_note_bytes = 65'536, max_name_bytes = 100, max_notes = 500;

/// `Conflict`: another query changed the list of notes meanwhile; try again. `Refused`: the service's answer is not that of a bucket that may be used.
/// `Damaged`: what came back is not what was put there.
enum class Error : u8 { NotTheOwner, NoBucket, BadBucket, TooLong, TooMany, Unreachable, Refused, Conflict, Damaged };
constexpr bool is_valid(Error e) { return e <= Error::Damaged; }

struct S3Notes {
  AccountId owner;
  Lazy<s3::Bucket> bucket;
  FIELDS(owner, bucket)

  struct New {
    FIELDS()
    static constexpr Constructor constructor = Constructor("new").doc("The caller is the owner and sets the bucket.");
  };
  struct SetBucket {
    s3::Bucket bucket;
    FIELDS(bucket)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("set_bucket").doc("Owner only. Send it encrypted: it holds the credentials.");
  };
  struct Put {
    std::string name, text;
    FIELDS(name, text)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("put").doc("Query: writes or replaces the caller's note, at most 64 KiB.");
  };
  struct Get {
    std::string name;
    FIELDS(name)
    using Returns = Result<std::optional<std::string>, Error>;
    static constexpr Message message = Message("get").doc("Query: the caller's note of that name.");
  };
  struct Remove {
    std::string name;
    FIELDS(name)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("remove").doc("Query: removes the caller's note, if there is one.");
  };
  struct List_ {
    FIELDS()
    using Returns = Result<std::vector<std::string>, Error>;
    static constexpr Message message = Message("list").doc("Query: names of the caller's notes.");
  };

  using Constructors = List<New>;
  using Messages = List<SetBucket, Put, Get, Remove, List_>;
  using Events = List<>;

  void operator()(const New&) { owner = caller(); }
  Result<void, Error> operator()(const SetBucket& call);
  Result<void, Error> operator()(const Put& call) const;
  Result<std::optional<std::string>, Error> operator()(const Get& call) const;
  Result<void, Error> operator()(const Remove& call) const;
  Result<std::vector<std::string>, Error> operator()(const List_&) const;
};

}  // namespace s3_notes

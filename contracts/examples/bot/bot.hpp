#pragma once
// A bot with an account on another Substrate chain. Its key is derived inside the enclave and never leaves it; its owner, and nobody else, can have it
// sign a call and send it to that chain. A query does this, because only queries may use the web: it asks the chain's node for the bot's nonce and the
// runtime's version, builds and signs the transaction, and submits it.

#include "phala/contract.hpp"

namespace bot {

using namespace phala;
using namespace phala::sdk;

enum class Error : u8 { NotTheOwner, NotConfigured, NodeUnreachable, NodeRefused };
constexpr bool is_valid(Error e) { return e <= Error::NodeRefused; }

/// The chain to act on. The genesis hash is pinned here and part of what is signed: a node that lies about its chain gets a transaction worth nothing.
struct Target {
  std::string rpc;     ///< JSON-RPC by HTTP: "https://node.example"
  Hash genesis;
  FIELDS(rpc, genesis)
};

struct Bot {
  AccountId owner;
  Lazy<Target> target;
  FIELDS(owner, target)

  struct New {
    FIELDS()
    static constexpr Constructor constructor = Constructor("new").doc("The caller is the owner.");
  };
  struct Configure {
    Target target;
    FIELDS(target)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("configure").doc("Owner only.");
  };
  struct Account {
    FIELDS()
    using Returns = std::array<u8, 32>;
    static constexpr Message message = Message("account").doc("The bot's account on the other chain: send it what it needs for fees.");
  };
  struct Submit {
    Bytes call;
    FIELDS(call)
    using Returns = Result<Hash, Error>;
    static constexpr Message message = Message("submit").doc("Query, owner only: signs this SCALE-encoded call and sends it. Returns the transaction's hash.");
  };

  using Constructors = List<New>;
  using Messages = List<Configure, Account, Submit>;
  using Events = List<>;

  void operator()(const New&) { owner = caller(); }
  Result<void, Error> operator()(const Configure& call);
  std::array<u8, 32> operator()(const Account&) const;
  Result<Hash, Error> operator()(const Submit& call) const;
};

}  // namespace bot

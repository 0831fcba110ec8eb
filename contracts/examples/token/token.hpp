#pragma once
// A fungible token whose balances nobody can look up but their holders: contract state is encrypted on disk and in transit, and the query's
// certificate says who asks. The supply, the names and the events of transfers that ask for them are public.

#include "phala/contract.hpp"

namespace token {

using namespace phala;
using namespace phala::sdk;

enum class Error : u8 { InsufficientBalance, InsufficientAllowance, SupplyTooLarge };
constexpr bool is_valid(Error e) { return e <= Error::SupplyTooLarge; }

struct Transferred {
  AccountId from, to;
  Balance value{};
  FIELDS(from, to, value)
  TOPICS(from, to)
};
struct Approved {
  AccountId owner, spender;
  Balance value{};
  FIELDS(owner, spender, value)
  TOPICS(owner, spender)
};

struct Token {
  std::string name, symbol;
  u8 decimals{};
  Balance supply{};
  AccountId issuer;
  Map<AccountId, Balance> balances;
  Map<std::pair<AccountId, AccountId>, Balance> allowances;   ///< (owner, spender)
  FIELDS(name, symbol, decimals, supply, issuer, balances, allowances)

  struct New {
    std::string name, symbol;
    u8 decimals{};
    Balance supply{};
    FIELDS(name, symbol, decimals, supply)
    static constexpr Constructor constructor = Constructor("new").doc("The caller is the issuer and gets the whole supply.");
  };

  struct Describe {
    FIELDS()
    using Returns = std::tuple<std::string, std::string, u8>;
    static constexpr Message message = Message("describe").doc("Name, symbol, decimals.");
  };
  struct TotalSupply {
    FIELDS()
    using Returns = Balance;
    static constexpr Message message = Message("total_supply");
  };
  struct MyBalance {
    FIELDS()
    using Returns = Balance;
    static constexpr Message message = Message("my_balance").doc("What the caller holds. Nobody can ask for another.");
  };
  struct Allowance {
    AccountId owner, spender;
    FIELDS(owner, spender)
    using Returns = std::optional<Balance>;
    static constexpr Message message = Message("allowance").doc("Told to the owner and to the spender; None to everybody else.");
  };
  struct Transfer {
    AccountId to;
    Balance value{};
    FIELDS(to, value)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("transfer").doc("From the caller, without a trace outside.");
  };
  struct TransferPublicly {
    AccountId to;
    Balance value{};
    FIELDS(to, value)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("transfer_publicly").doc("As transfer, with an event that anybody can find.");
  };
  struct Approve {
    AccountId spender;
    Balance value{};
    FIELDS(spender, value)
    using Returns = void;
    static constexpr Message message = Message("approve").doc("Lets the spender move up to this much of what the caller holds; 0 takes it back.");
  };
  struct TransferFrom {
    AccountId from, to;
    Balance value{};
    FIELDS(from, to, value)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("transfer_from").doc("Spends an allowance.");
  };
  struct Mint {
    AccountId to;
    Balance value{};
    FIELDS(to, value)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("mint").doc("Issuer only; anybody else ends in a trap.");
  };
  struct Burn {
    Balance value{};
    FIELDS(value)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("burn").doc("Destroys what the caller holds.");
  };

  using Constructors = List<New>;
  using Messages = List<Describe, TotalSupply, MyBalance, Allowance, Transfer, TransferPublicly, Approve, TransferFrom, Mint, Burn>;
  using Events = List<Transferred, Approved>;

  void operator()(const New& call);
  std::tuple<std::string, std::string, u8> operator()(const Describe&) const { return {name, symbol, decimals}; }
  Balance operator()(const TotalSupply&) const { return supply; }
  Balance operator()(const MyBalance&) const { return balances.get(caller()).value_or(0); }
  std::optional<Balance> operator()(const Allowance& call) const;
  Result<void, Error> operator()(const Transfer& call);
  Result<void, Error> operator()(const TransferPublicly& call);
  void operator()(const Approve& call);
  Result<void, Error> operator()(const TransferFrom& call);
  Result<void, Error> operator()(const Mint& call);
  Result<void, Error> operator()(const Burn& call);

 private:
  Result<void, Error> move(const AccountId& from, const AccountId& to, Balance value);
  /// Entries of zero are removed: their deposit goes back to whoever empties them.
  void set_balance(const AccountId& who, Balance value);
};

}  // namespace token

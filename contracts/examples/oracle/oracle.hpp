#pragma once
// A price oracle. A query reads a price from the web, inside the enclave, and signs it with a key that only this contract in this cluster can derive;
// the signature is secp256k1 over Keccak-256, which contracts on Ethereum-like chains check with `ecrecover`. The same signed quote can be brought back
// in a transaction: transactions cannot use the web, but they can check that signature.

#include "phala/contract.hpp"

namespace oracle {

using namespace phala;
using namespace phala::sdk;

enum class Error : u8 { NotTheOwner, NoSuchFeed, BadStatus, NoPrice, BadSignature, Older };
constexpr bool is_valid(Error e) { return e <= Error::Older; }

constexpr u32 price_decimals = 12;

/// Where a price comes from: a GET of `url`, then the members (or indices) of `path`, separated by dots: "data.0.price". A string or a number.
struct Feed {
  std::string url, path;
  FIELDS(url, path)
};
struct Quote {
  std::string pair;
  u128 price{};          ///< with 12 decimals
  Timestamp time{};      ///< of the block the query ran on; the machine's own clock is its owner's to set
  FIELDS(pair, price, time)
};
struct SignedQuote {
  Quote quote;
  std::array<u8, 65> signature{};   ///< r ‖ s ‖ recovery id, over Keccak-256 of SCALE(quote)
  FIELDS(quote, signature)
};

struct PriceStored {
  std::string pair;
  u128 price{};
  Timestamp time{};
  FIELDS(pair, price, time)
  TOPICS(pair)
};

struct Oracle {
  AccountId owner;
  Map<std::string, Feed> feeds;
  Map<std::string, Quote> prices;
  FIELDS(owner, feeds, prices)

  struct New {
    FIELDS()
    static constexpr Constructor constructor = Constructor("new").doc("The caller is the owner and sets the feeds.");
  };
  struct SetFeed {
    std::string pair;
    std::optional<Feed> feed;
    FIELDS(pair, feed)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("set_feed").doc("Owner only. None removes it. Send it encrypted when the URL holds an API key.");
  };
  struct GetQuote {
    std::string pair;
    FIELDS(pair)
    using Returns = Result<SignedQuote, Error>;
    static constexpr Message message = Message("quote").doc("Query: the price on the web now, signed.");
  };
  struct Submit {
    SignedQuote signed_quote;
    FIELDS(signed_quote)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("submit").doc("Stores a quote of this oracle that is newer than the stored one. Anybody may.");
  };
  struct Price {
    std::string pair;
    FIELDS(pair)
    using Returns = std::optional<Quote>;
    static constexpr Message message = Message("price").doc("The newest stored quote: for other contracts.");
  };
  struct Signer {
    FIELDS()
    using Returns = std::pair<std::array<u8, 33>, std::array<u8, 20>>;
    static constexpr Message message = Message("signer").doc("Query: the key that signs, compressed, and its Ethereum address.");
  };

  using Constructors = List<New>;
  using Messages = List<SetFeed, GetQuote, Submit, Price, Signer>;
  using Events = List<PriceStored>;

  void operator()(const New&) { owner = caller(); }
  Result<void, Error> operator()(const SetFeed& call);
  Result<SignedQuote, Error> operator()(const GetQuote& call) const;
  Result<void, Error> operator()(const Submit& call);
  std::optional<Quote> operator()(const Price& call) const { return prices.get(call.pair); }
  std::pair<std::array<u8, 33>, std::array<u8, 20>> operator()(const Signer&) const;
};

}  // namespace oracle

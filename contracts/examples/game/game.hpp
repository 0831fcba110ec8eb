#pragma once
// Rock, paper, scissors for a stake, between two players who need not trust each other or the machine. On a public chain each would have to commit to
// a hash and reveal it later, and the loser could refuse to reveal. Here a move is simply sent encrypted and stays inside until both are there.

#include "phala/contract.hpp"

namespace game {

using namespace phala;
using namespace phala::sdk;

enum class Move : u8 { Rock, Paper, Scissors };
constexpr bool is_valid(Move m) { return m <= Move::Scissors; }

enum class Error : u8 { NoSuchRound, NotAPlayer, WrongStake, OwnRound, NotYet, PayoutFailed };
constexpr bool is_valid(Error e) { return e <= Error::PayoutFailed; }

/// A round that waits for its second player. The move in it never leaves the contract before the round is over.
struct Round {
  AccountId first;
  Move move{};
  Balance stake{};
  BlockNumber opened{};
  FIELDS(first, move, stake, opened)
};
struct Outcome {
  AccountId first, second;
  Move first_move{}, second_move{};
  std::optional<AccountId> winner;   ///< nobody: a draw, both got their stake back
  FIELDS(first, second, first_move, second_move, winner)
};
/// What anybody may know of a round.
struct OpenRound {
  AccountId first;
  Balance stake{};
  BlockNumber opened{};
  FIELDS(first, stake, opened)
};

constexpr BlockNumber patience_blocks = 200;   ///< after so many blocks the first player may take the stake back

struct Finished {
  u32 round{};
  std::optional<AccountId> winner;
  FIELDS(round, winner)
  TOPICS(round)
};

struct Game {
  u32 next{};
  Map<u32, Round> rounds;
  Map<u32, Outcome> outcomes;
  FIELDS(next, rounds, outcomes)

  struct New {
    FIELDS()
    static constexpr Constructor constructor = Constructor("new");
  };
  struct Open {
    Move move{};
    FIELDS(move)
    using Returns = u32;
    static constexpr Message message = Message("open").payable().doc("Opens a round with the value sent along as stake; returns its number. Send it encrypted.");
  };
  struct Join {
    u32 round{};
    Move move{};
    FIELDS(round, move)
    using Returns = Result<Outcome, Error>;
    static constexpr Message message = Message("join").payable().doc("Plays against the one who opened, for the same stake. Ends the round.");
  };
  struct Withdraw {
    u32 round{};
    FIELDS(round)
    using Returns = Result<void, Error>;
    static constexpr Message message = Message("withdraw").doc("Takes the stake back when nobody joined for 200 blocks.");
  };
  struct Look {
    u32 round{};
    FIELDS(round)
    using Returns = std::optional<OpenRound>;
    static constexpr Message message = Message("look").doc("An open round, without the move.");
  };
  struct OutcomeOf {
    u32 round{};
    FIELDS(round)
    using Returns = std::optional<Outcome>;
    static constexpr Message message = Message("outcome_of").doc("How a round ended: both moves are public then.");
  };

  using Constructors = List<New>;
  using Messages = List<Open, Join, Withdraw, Look, OutcomeOf>;
  using Events = List<Finished>;

  void operator()(const New&) {}
  u32 operator()(const Open& call);
  Result<Outcome, Error> operator()(const Join& call);
  Result<void, Error> operator()(const Withdraw& call);
  std::optional<OpenRound> operator()(const Look& call) const;
  std::optional<Outcome> operator()(const OutcomeOf& call) const { return outcomes.get(call.round); }
};

}  // namespace game

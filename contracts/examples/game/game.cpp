#include "game.hpp"

namespace game {
namespace {

/// Each move beats the one before it, around the circle.
bool beats(Move a, Move b) { return static_cast<u8>(a) == (static_cast<u8>(b) + 1) % 3; }

Result<void, Error> pay(const AccountId& to, Balance value) {
  if (value == 0) return {};
  if (!transfer(to, value)) return fail(Error::PayoutFailed);
  return {};
}

}  // namespace

u32 Game::operator()(const Open& call) {
  rounds.put(next, Round{caller(), call.move, value_transferred(), block_number()});
  return next++;
}

Result<Outcome, Error> Game::operator()(const Join& call) {
  const auto round = rounds.get(call.round);
  if (!round) return fail(Error::NoSuchRound);
  if (round->first == caller()) return fail(Error::OwnRound);
  if (value_transferred() != round->stake) return fail(Error::WrongStake);
  Outcome outcome{round->first, caller(), round->move, call.move, std::nullopt};
  if (beats(round->move, call.move)) outcome.winner = round->first;
  else if (beats(call.move, round->move)) outcome.winner = caller();
  // gone before anything is paid: whoever is paid cannot come back into a round that still stands
  rounds.remove(call.round);
  outcomes.put(call.round, outcome);
  if (outcome.winner) {
    if (const auto paid = pay(*outcome.winner, 2 * round->stake); !paid) return fail(paid.error());
  } else {
    for (const auto& player : {round->first, caller()})
      if (const auto paid = pay(player, round->stake); !paid) return fail(paid.error());
  }
  emit(*this, Finished{call.round, outcome.winner});
  return outcome;
}

Result<void, Error> Game::operator()(const Withdraw& call) {
  const auto round = rounds.get(call.round);
  if (!round) return fail(Error::NoSuchRound);
  if (round->first != caller()) return fail(Error::NotAPlayer);
  if (block_number() < round->opened + patience_blocks) return fail(Error::NotYet);
  rounds.remove(call.round);
  return pay(caller(), round->stake);
}

std::optional<OpenRound> Game::operator()(const Look& call) const {
  const auto round = rounds.get(call.round);
  if (!round) return std::nullopt;
  return OpenRound{round->first, round->stake, round->opened};
}

}  // namespace game

PHALA_CONTRACT(game::Game)

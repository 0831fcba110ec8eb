#pragma once
// Why: contracts may run after every block, and however many of them there are, a block must end. Their hooks share what a block gives to hooks, by
// stake, and what does not fit waits for the next one: docs/adr/0007-block-end-hooks.md. Pure, and the same on every worker.

#include <map>
#include <optional>
#include <vector>

#include "primitives/protocol.hpp"

namespace phala::worker {

/// `tag`: how much it has had beyond the one that had least, by weight; zero while no hook has to wait.
struct BlockEndHook { u32 selector{}; u64 gas_limit{}; u128 tag{};  FIELDS(selector, gas_limit, tag) };
struct ContractEntry {
  u32 weight = 0;                         ///< share of queries, hooks and cache; 0, no stake: a little of them together with all such, none of the cache
  std::optional<BlockEndHook> on_block_end;
  FIELDS(weight, on_block_end)
};
using Contracts = std::map<protocol::ContractId, ContractEntry>;

/// Gas that the hooks of one block may use together, about: no hook starts once it is spent. Part of the rules: one number for all workers of a network.
constexpr u64 default_hook_gas_per_block = 1'000'000'000'000;
/// One hook gets at most a fourth of it, so the hooks of a block never use one and a half of it.
constexpr u64 most_gas_of_hook(u64 gas_per_block) { return gas_per_block / 4; }
/// What contracts without stake are sure of together.
constexpr u64 hook_gas_without_stake(u64 gas_per_block) { return gas_per_block / 16; }
/// What a hook counts at least: one that cannot pay, or is refused, has taken time too.
constexpr u64 least_gas_of_hook = 20'000'000;

/// Which hooks run at the end of one block.
class HookRound {
 public:
  /// All hooks of `contracts`; one that is set later waits for the next block.
  HookRound(const Contracts& contracts, u64 gas_per_block);

  /// The next to run; nothing when all have, or no gas is left for more.
  std::optional<protocol::ContractId> next();
  /// What the one that `next` named has used.
  void used(u64 gas);
  /// After the last: the tags of the next block.
  void settle(Contracts& contracts) const;

  size_t started() const { return staked_.started + others_.started; }
  size_t waiting() const { return staked_.line.size() + others_.line.size() - started(); }
  /// Who waits longest for nothing else than gas. Precondition: `waiting() > 0`.
  const protocol::ContractId& first_waiting() const;
  u64 gas_used() const { return used_; }

 private:
  struct Place { u128 tag; protocol::ContractId id; u64 weight; u64 used; };
  /// Those with stake, and those without: least tag first, then by id.
  struct Level {
    std::vector<Place> line;
    size_t started = 0;
    bool waits() const { return started < line.size(); }
    void settle(Contracts& contracts) const;
  };
  const u64 gas_;
  Level staked_, others_;
  Level* current_ = nullptr;
  u64 used_ = 0, used_by_others_ = 0;
};

}  // namespace phala::worker

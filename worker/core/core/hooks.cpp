#include "core/hooks.hpp"

#include <algorithm>

namespace phala::worker {

using protocol::ContractId;

HookRound::HookRound(const Contracts& contracts, u64 gas_per_block) : gas_(gas_per_block) {
  for (const auto& [id, entry] : contracts)
    if (entry.on_block_end) (entry.weight != 0 ? staked_ : others_).line.push_back({entry.on_block_end->tag, id, std::max<u64>(1, entry.weight), 0});
  for (Level* level : {&staked_, &others_})
    std::ranges::sort(level->line, [](const Place& a, const Place& b) { return std::tie(a.tag, a.id) < std::tie(b.tag, b.id); });
}

std::optional<ContractId> HookRound::next() {
  const bool others_have_theirs = !others_.waits() || used_by_others_ >= hook_gas_without_stake(gas_);
  const u64 for_staked = others_have_theirs ? gas_ : gas_ - hook_gas_without_stake(gas_);
  current_ = nullptr;
  if (staked_.waits() && used_ < for_staked) current_ = &staked_;
  else if (others_.waits() && (used_ < gas_ || !others_have_theirs)) current_ = &others_;
  if (!current_) return std::nullopt;
  return current_->line[current_->started++].id;
}

void HookRound::used(u64 gas) {
  gas = std::max(gas, least_gas_of_hook);
  current_->line[current_->started - 1].used = gas;
  used_ += gas;
  if (current_ == &others_) used_by_others_ += gas;
}

const ContractId& HookRound::first_waiting() const {
  const Level& level = staked_.waits() ? staked_ : others_;
  return level.line[level.started].id;
}

void HookRound::Level::settle(Contracts& contracts) const {
  // who comes later begins beside the one that had least: nobody saves up, nobody starts behind
  u128 least = ~u128{0};
  std::vector<std::pair<BlockEndHook*, u128>> tags;
  for (const Place& place : line) {
    const auto at = contracts.find(place.id);
    if (at == contracts.end() || !at->second.on_block_end) continue;
    const u128 tag = place.tag + (u128{place.used} << 32) / place.weight;
    tags.emplace_back(&*at->second.on_block_end, tag);
    least = std::min(least, tag);
  }
  for (const auto& [hook, tag] : tags) hook->tag = waits() ? tag - least : 0;
}

void HookRound::settle(Contracts& contracts) const {
  staked_.settle(contracts);
  others_.settle(contracts);
}

}  // namespace phala::worker

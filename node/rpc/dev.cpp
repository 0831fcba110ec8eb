#include "rpc/dev.hpp"

namespace phala::rpc {
namespace {
constexpr auto rpc_error = [](Error error) { return to_rpc_error(error); };
constexpr u32 max_new_blocks = 10'000;
constexpr size_t max_removed_keys = 10'000;
}  // namespace

Answer<Hash> DevNewBlock::call(const Call& call, const Params& p) {
  const auto options = p.options.value_or(Options{});
  u32 count = options.count.value_or(1);
  if (options.to) {
    if (*options.to <= call.view->number()) return invalid("block " + std::to_string(*options.to) + " exists already");
    count = *options.to - call.view->number();
  }
  if (count == 0 || count > max_new_blocks) return invalid("1 to " + std::to_string(max_new_blocks) + " blocks at once");
  Hash last;
  for (u32 i = 0; i < count; ++i) {
    if (call.deadline.over()) return fail(RpcError{code::busy, "Made " + std::to_string(i) + " of " + std::to_string(count) + " blocks", "ask for fewer at once"});
    last = TRY(call.node.producer->new_block(i == 0 && options.transactions ? *options.transactions : std::vector<Bytes>{}).map_error(rpc_error));
  }
  return last;
}

Answer<Raw> DevSetBlockBuildMode::call(const Call& call, const Params& p) {
  using node::BuildMode;
  if (p.mode == "Instant") call.node.producer->set_mode(BuildMode::instant);
  else if (p.mode == "Manual") call.node.producer->set_mode(BuildMode::manual);
  else if (p.mode == "Batch" || p.mode == "Interval") call.node.producer->set_mode(BuildMode::interval);
  else return invalid("mode is Instant, Manual, Batch or Interval, not '" + p.mode + "'");
  return Raw{"null"};
}

Answer<u64> DevTimeTravel::call(const Call& call, const Params& p) {
  TRY(call.node.producer->travel_to(p.date.ms).map_error(rpc_error));
  return p.date.ms;
}

Answer<Hash> DevSetStorage::call(const Call& call, const Params& p) {
  if (p.block_hash && *p.block_hash != call.view->hash)
    return invalid("storage is written on top of the head, " + to_hex0x(call.view->hash) + "; the state after block " + to_hex0x(*p.block_hash) + " cannot change any more");
  StateDiff values;
  for (const auto& prefix : p.values.removed_prefixes) {
    const auto keys = TRY(call.view->state->keys_paged(prefix, std::nullopt, max_removed_keys + 1, call.deadline.patience()).map_error(rpc_error));
    if (keys.size() > max_removed_keys) return invalid("more than " + std::to_string(max_removed_keys) + " keys have the prefix " + to_hex0x(prefix));
    for (const auto& key : keys) values[key] = std::nullopt;
  }
  for (const auto& [key, value] : p.values.values) values[key] = value;
  if (values.empty()) return call.view->hash;
  return call.node.producer->new_block({}, values).map_error(rpc_error);
}

}  // namespace phala::rpc

#include "system/system.hpp"

namespace phala::pallets {

PALLET_OPS(System);

void System::constants(Constants& c) {
  c.add("BlockWeights", block_weights);
  c.add("BlockLength", block_length);
  c.add("BlockHashCount", block_hash_count);
  c.add("DbWeight", db_weight);
  c.add("SS58Prefix", u16{30});
}

Weight System::weight(const Remark& c) { return {2 * microseconds + c.remark.size() * 400, 0}; }
Weight System::weight(const RemarkWithEvent& c) { return {8 * microseconds + c.remark.size() * 1'500, 0}; }
Weight System::weight(const SetStorage& c) {
  u64 bytes = 0;
  for (const auto& [key, value] : c.items) bytes += key.size() + value.size();
  return weigh(2 * microseconds + bytes * 2'000, 0, c.items.size());
}
Weight System::weight(const KillStorage& c) { return weigh(2 * microseconds, 0, c.keys.size()); }
/// One look more than there are keys to kill.
Weight System::weight(const KillPrefix& c) { return weigh(2 * microseconds, u64{c.subkeys} + 1, c.subkeys); }

DispatchResult System::operator()(const Origin& origin, const Remark&) {
  if (!origin.is_root()) TRY(origin.signed_by());
  return {};
}

DispatchResult System::operator()(const Origin& origin, const RemarkWithEvent& call) {
  const auto who = TRY(origin.signed_by());
  emit(Remarked{who, crypto::blake2_256(call.remark)});
  return {};
}

DispatchResult System::operator()(const Origin& origin, const SetStorage& call) {
  TRY(origin.ensure_root());
  for (const auto& [key, value] : call.items)
    if (key.size() > max_state_key_bytes) return fail(Error::KeyTooLong);
  for (const auto& [key, value] : call.items) raw_state().put(key, value);
  return {};
}

DispatchResult System::operator()(const Origin& origin, const KillStorage& call) {
  TRY(origin.ensure_root());
  for (const auto& key : call.keys) raw_state().erase(key);
  return {};
}

DispatchResult System::operator()(const Origin& origin, const KillPrefix& call) {
  TRY(origin.ensure_root());
  u32 left = call.subkeys;
  for (auto key = raw_state().next_key(call.prefix); left > 0 && key && starts_with(*key, call.prefix); key = raw_state().next_key(*key), --left)
    raw_state().erase(*key);
  return {};
}

void System::begin_block(BlockNumber n, const Hash& parent) {
  raw_state().phase = {Phase::Kind::initialization, 0};
  number.put(n);
  parent_hash.put(parent);
  block_hash.put(n - 1, parent);
  digest.kill();
  events.kill();
  event_count.kill();
  block_weight.put({{}, {}, base_block_weight});
  all_extrinsics_len.kill();
}

void System::extrinsic_done(u32 extrinsic, const DispatchResult& result, DispatchInfo info) {
  if (result && result->actual_weight) info.weight = result->actual_weight->min(info.weight);
  if (result && result->pays == Pays::no) info.pays_fee = Pays::no;
  info.weight += base_extrinsic_weight;
  if (result) emit(ExtrinsicSuccess{info});
  else emit(ExtrinsicFailed{result.error(), info});
  raw_state().phase = {Phase::Kind::apply_extrinsic, extrinsic + 1};
}

void System::end_block(u32 extrinsics, const phala::Digest& of_header) {
  digest.put(of_header);
  extrinsic_count.put(extrinsics);
  all_extrinsics_len.kill();
  if (const Bytes* raw = raw_state().get(events.key())) {
    scale::Reader in(*raw);
    if (const auto n = in.compact()) event_count.put(static_cast<u32>(*n));
  }
  const BlockNumber n = number.get();
  // block 0's hash is the chain's identity and stays
  if (n > block_hash_count + 1) block_hash.remove(n - block_hash_count - 1);
}

void System::inc_providers(const AccountId& who, AccountInfo& info) const {
  if (!info.lives()) emit(NewAccount{who});
  ++info.providers;
}

Try<> System::dec_providers(const AccountId& who, AccountInfo& info) const {
  if (info.providers == 0) return {};
  if (info.providers == 1 && info.consumers > 0) return fail(DispatchError::Kind::consumer_remaining);
  --info.providers;
  if (!info.lives()) emit(KilledAccount{who});
  return {};
}

Try<> System::inc_consumers(AccountInfo& info) {
  constexpr u32 max_consumers = 16;
  if (info.providers == 0) return fail(DispatchError::Kind::no_providers);
  if (info.consumers >= max_consumers) return fail(DispatchError::Kind::too_many_consumers);
  ++info.consumers;
  return {};
}

void System::store(const AccountId& who, const AccountInfo& info) const {
  if (info.lives()) account.put(who, info);
  else account.remove(who);
}

}  // namespace phala::pallets

namespace phala::frame {

metadata::Type TypeInfo<pallets::EventRecords>::describe(TypeRegistry& types) {
  metadata::Variant all;
  for (const PalletOps* ops : all_pallets())
    if (ops->event_type) all.variants.push_back({std::string(ops->name), {{{}, {ops->event_type(types)}, {}, {}}}, ops->index, {}});
  const u32 event = types.add(detail::plain("phala_runtime::RuntimeEvent", std::move(all)));
  const u32 phase = types.add(detail::plain("frame_system::Phase", metadata::Variant{{{"ApplyExtrinsic", {{{}, {types.id<u32>()}, {}, {}}}, 0, {}},
                                                                                       {"Finalization", {}, 1, {}}, {"Initialization", {}, 2, {}}}}));
  const u32 topics = types.id<std::vector<Hash>>();
  metadata::Type record = detail::plain("frame_system::EventRecord", metadata::Composite{{{"phase", {phase}, {}, {}}, {"event", {event}, {}, {}}, {"topics", {topics}, {}, {}}}});
  record.params = {{"E", metadata::TypeId{event}}, {"T", metadata::TypeId{types.id<Hash>()}}};
  return detail::plain("", metadata::Sequence{types.add(std::move(record))});
}

}  // namespace phala::frame

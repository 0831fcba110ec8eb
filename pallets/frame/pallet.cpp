#include "frame/pallet.hpp"

namespace phala::frame {

namespace {
const Bytes& events_key() {
  static const Bytes key = concat(crypto::twox_128(as_bytes("System")), crypto::twox_128(as_bytes("Events")));
  return key;
}
}  // namespace

void deposit_event(State& state, u8 pallet, u8 event, ByteView fields) {
  Bytes record{static_cast<u8>(state.phase.kind)};
  if (state.phase.kind == Phase::Kind::apply_extrinsic) scale::encode_to(record, state.phase.extrinsic);
  record.push_back(pallet);
  record.push_back(event);
  append(record, fields);
  record.push_back(0);   // no topics
  state.append(events_key(), record);
}

void detail::add_entry(metadata::PalletStorage& storage, metadata::StorageEntry entry) { storage.entries.push_back(std::move(entry)); }

metadata::Type detail::module_type(std::string_view crate, std::string_view kind, metadata::Variant variant) {
  return plain(std::string(crate) + "::pallet::" + std::string(kind), std::move(variant));
}

}  // namespace phala::frame

// Storage of the running contract. Every value may have a mebibyte: reads and overwrites are first charged for that, then for
// what was there.
#include "engine/host_functions.hpp"

namespace phala::engine::host {

namespace {

/// Where a cell is.
struct Cell { Bytes key; };

Cell fixed_cell(const Frame& frame, const Hash& key) { return {key::storage(frame.trie_id, key::hashed_fixed(key))}; }
Cell variable_cell(const Frame& frame, const StorageKey& key) { return {key::storage(frame.trie_id, key::hashed_variable(key))}; }

/// Charges `unit` per byte of the largest value, and gives back what the real one does not need.
class WorstCase {
 public:
  static Hosted<WorstCase> charge(Frame& frame, Gas unit) {
    TRY(frame.charge(unit * StorageValue::limit));
    return WorstCase(frame, unit);
  }
  void settle(size_t bytes) { frame_.gas.refund(unit_ * (StorageValue::limit - std::min<size_t>(bytes, StorageValue::limit))); }

 private:
  WorstCase(Frame& frame, Gas unit) : frame_(frame), unit_(unit) {}
  Frame& frame_;
  Gas unit_;
};

/// Writes or (without a value) removes; answers the old length or SENTINEL.
Hosted<u32> write(Frame& frame, const Cell& cell, std::optional<ByteView> value, Gas per_old_byte) {
  auto charged = TRY(WorstCase::charge(frame, per_old_byte));
  const auto old = frame.run.journal.get(cell.key);
  const u64 old_size = old ? old->size() : 0;
  const u64 new_size = value ? value->size() : 0;
  charged.settle(old_size);
  if (new_size > old_size) frame.use.bytes_added += new_size - old_size;
  else frame.use.bytes_removed += old_size - new_size;
  if (value && !old) ++frame.use.items_added;
  if (!value && old) ++frame.use.items_removed;
  const u32 answer = old ? static_cast<u32>(old_size) : sentinel;
  if (value) frame.run.journal.put(cell.key, to_bytes(*value));
  else if (old) frame.run.journal.remove(cell.key);
  TRY(frame.run.check_journal());
  return answer;
}

Hosted<u32> set(Frame& frame, const Cell& cell, StorageValue value) {
  TRY(frame.charge(value.size() * cost::set_storage.per_byte));
  return write(frame, cell, value, cost::set_storage.per_byte_old);
}

Hosted<ReturnCode> get(Frame& frame, const Cell& cell, Out out) {
  auto charged = TRY(WorstCase::charge(frame, cost::get_storage.per_byte));
  const auto value = frame.run.journal.get(cell.key);
  charged.settle(value ? value->size() : 0);
  if (!value) return ReturnCode::key_not_found;
  TRY(write_out(frame, out, *value));
  return ReturnCode::success;
}

Hosted<u32> contains(Frame& frame, const Cell& cell) {
  auto charged = TRY(WorstCase::charge(frame, cost::contains_storage.per_byte_old));
  const auto value = frame.run.journal.get(cell.key);
  charged.settle(value ? value->size() : 0);
  return value ? static_cast<u32>(value->size()) : sentinel;
}

}  // namespace

Hosted<> set_storage_v0(Frame& frame, Hash key, StorageValue value) {
  TRY(set(frame, fixed_cell(frame, key), value));
  return {};
}
Hosted<u32> set_storage_v1(Frame& frame, Hash key, StorageValue value) { return set(frame, fixed_cell(frame, key), value); }
Hosted<u32> set_storage_v2(Frame& frame, StorageKey key, StorageValue value) { return set(frame, variable_cell(frame, key), value); }

Hosted<> clear_storage_v0(Frame& frame, Hash key) {
  TRY(write(frame, fixed_cell(frame, key), std::nullopt, cost::clear_storage.per_byte_old));
  return {};
}
Hosted<u32> clear_storage_v1(Frame& frame, StorageKey key) {
  return write(frame, variable_cell(frame, key), std::nullopt, cost::clear_storage.per_byte_old);
}

Hosted<ReturnCode> get_storage_v0(Frame& frame, Hash key, Out out) { return get(frame, fixed_cell(frame, key), out); }
Hosted<ReturnCode> get_storage_v1(Frame& frame, StorageKey key, Out out) { return get(frame, variable_cell(frame, key), out); }

Hosted<u32> contains_storage_v0(Frame& frame, Hash key) { return contains(frame, fixed_cell(frame, key)); }
Hosted<u32> contains_storage_v1(Frame& frame, StorageKey key) { return contains(frame, variable_cell(frame, key)); }

Hosted<ReturnCode> take_storage(Frame& frame, StorageKey key, Out out) {
  const Cell cell = variable_cell(frame, key);
  auto charged = TRY(WorstCase::charge(frame, cost::take_storage.per_byte));
  const auto value = frame.run.journal.get(cell.key);
  charged.settle(value ? value->size() : 0);
  if (!value) return ReturnCode::key_not_found;
  const Bytes kept = to_bytes(*value);
  TRY(write(frame, cell, std::nullopt, 0));
  TRY(write_out(frame, out, kept));
  return ReturnCode::success;
}

}  // namespace phala::engine::host

#include "frame/state.hpp"

#include "base/assert.hpp"
#include "scale/codec.hpp"

namespace phala::frame {

State::Slots::value_type& State::load(ByteView key) const {
  if (const auto at = slots_.find(key); at != slots_.end()) return *at;
  return *slots_.emplace(to_bytes(key), Slot{parent_.get(key), false}).first;
}

const Bytes* State::get(ByteView key) const {
  const auto& value = load(key).second.value;
  return value ? &*value : nullptr;
}

/// The slot to be overwritten, with its former content on the undo list.
State::Slot& State::write(ByteView key) {
  auto at = slots_.find(key);
  if (at == slots_.end()) {
    // a blind write reads the parent only if it has to be taken back
    at = slots_.emplace(to_bytes(key), layers_ > 0 ? Slot{parent_.get(key), false} : Slot{}).first;
  }
  Slot& slot = at->second;
  if (!slot.written) unordered_.push_back(&at->first);
  if (layers_ > 0) undo_.push_back({&*at, std::move(slot), 0, {}});
  slot = Slot{std::nullopt, true};
  return slot;
}

void State::put(ByteView key, Bytes value) { write(key).value = std::move(value); }
void State::erase(ByteView key) { write(key); }

void State::append(ByteView key, ByteView item) {
  auto& entry = load(key);
  Slot& slot = entry.second;
  u64 count = 0;
  size_t head_size = 0;
  if (slot.value) {
    scale::Reader in(*slot.value);
    if (const auto n = in.compact(); n && *n < ~u32{0}) {
      count = static_cast<u64>(*n);
      head_size = slot.value->size() - in.left();
    }
  }
  Bytes head;
  scale::encode_compact(head, count + 1);
  if (!slot.written || head_size == 0) {
    // the first append copies what is there; later ones grow it in place
    Bytes value = std::move(head);
    if (head_size != 0) phala::append(value, ByteView(*slot.value).subspan(head_size));
    phala::append(value, item);
    return put(key, std::move(value));
  }
  Bytes& value = *slot.value;
  if (layers_ > 0) undo_.push_back({&entry, std::nullopt, value.size(), Bytes(value.begin(), value.begin() + static_cast<ptrdiff_t>(head_size))});
  if (head.size() != head_size) value.insert(value.begin(), head.size() - head_size, 0);
  std::copy(head.begin(), head.end(), value.begin());
  phala::append(value, item);
}

std::optional<Bytes> State::next_key(ByteView key) const {
  auto& self = const_cast<State&>(*this);
  for (const Bytes* written : unordered_) ordered_.insert(*written);
  self.unordered_.clear();
  std::optional<Bytes> below = parent_.next_key(key);
  for (auto above = ordered_.upper_bound(key);; ++above) {
    // skip what the overlay erased from the parent
    while (below && (above == ordered_.end() || BytesLess{}(*below, *above))) {
      const auto at = slots_.find(*below);
      if (at == slots_.end() || at->second.value) return below;
      below = parent_.next_key(*below);
    }
    if (above == ordered_.end()) return std::nullopt;
    if (slots_.find(*above)->second.value) return to_bytes(*above);
    if (below && same_bytes(*below, *above)) below = parent_.next_key(*below);
  }
}

void State::erase_prefix(ByteView prefix) {
  if (get(prefix)) erase(prefix);
  for (auto key = next_key(prefix); key && starts_with(*key, prefix); key = next_key(*key)) erase(*key);
}

StateDiff State::diff() const {
  PHALA_ASSERT(layers_ == 0);
  StateDiff out;
  for (const auto& [key, slot] : slots_) {
    if (!slot.written) continue;
    // what was made and removed again within the block never was
    if (!slot.value && !parent_.get(key)) continue;
    out.emplace(key, slot.value);
  }
  return out;
}

void State::rollback_to(size_t mark) {
  while (undo_.size() > mark) {
    Undo& undo = undo_.back();
    Slot& slot = undo.entry->second;
    if (undo.before) {
      // a key that had not been written is again only read; `ordered_` may keep it, its value is what the parent says
      slot = std::move(*undo.before);
    } else {
      Bytes& value = *slot.value;
      scale::Reader in(value);
      static_cast<void>(in.compact());
      const size_t head_size = value.size() - in.left();
      if (head_size != undo.head.size()) value.erase(value.begin(), value.begin() + static_cast<ptrdiff_t>(head_size - undo.head.size()));
      std::copy(undo.head.begin(), undo.head.end(), value.begin());
      value.resize(undo.length);
    }
    undo_.pop_back();
  }
}

void Layer::commit() {
  PHALA_ASSERT(open_);
  open_ = false;
  if (--state_.layers_ == 0) state_.undo_.clear();
}

Layer::~Layer() {
  if (!open_) return;
  state_.rollback_to(mark_);
  --state_.layers_;
}

}  // namespace phala::frame

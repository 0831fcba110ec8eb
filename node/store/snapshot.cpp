#include "store/snapshot.hpp"

#include <limits>

#include "crypto/hash.hpp"
#include "store/head_cache.hpp"
#include "store/schema.hpp"

namespace phala::store {
namespace {

std::unexpected<Error> damaged(const std::string& what) {
  return fail(ErrorCode::corrupted, what, "restore the data folder from a backup, or remove it and sync again");
}

/// Decodes a row; the error names it.
template <class T>
Result<std::optional<T>> decoded(const Result<std::optional<Bytes>>& row, const std::string& name) {
  if (!row) return fail(row.error());
  if (!*row) return std::optional<T>{};
  auto value = scale::decode<T>(**row);
  if (!value) return damaged("the stored " + name + " does not decode: " + std::string(scale::to_string(value.error())));
  return std::optional<T>(std::move(*value));
}

std::string block_name(BlockNumber number) { return "block " + std::to_string(number); }

std::unexpected<Error> out_of_patience() { return fail(ErrorCode::unavailable, "the question takes too long to answer", "ask for less at once"); }
/// Rows between two looks at a clock.
constexpr size_t rows_between = 64;

/// Nodes as they were after a block: as they are now, unless a later block changed them. Each is read once, and counts against a limit.
class NodesAt final : public trie::NodeSource {
 public:
  NodesAt(const KvStore& kv, const KvSnapshot& at, KvIterator& undo, BlockNumber block, const Patience& patience)
      : kv_(kv), at_(at), undo_(undo), block_(block), patience_(patience) {}
  Result<std::optional<Bytes>> node(ByteView path) const override {
    if (const auto known = seen_.find(path); known != seen_.end()) return known->second;
    if (seen_.size() % rows_between == 0 && patience_.go_on && !patience_.go_on()) return out_of_patience();
    auto found = TRY(look_up(path));
    bytes_ += found ? found->size() : 0;
    if (bytes_ > patience_.max_bytes) return fail(ErrorCode::refused, "the proof has more than " + std::to_string(patience_.max_bytes) + " bytes", "ask for fewer keys at once");
    return seen_.emplace(to_bytes(path), std::move(found)).first->second;
  }

 private:
  Result<std::optional<Bytes>> look_up(ByteView path) const {
    const Bytes place = schema::place(path);
    undo_.seek(schema::undo_key(place, block_ + 1));
    if (!undo_.valid()) {
      TRY(undo_.status());
    } else if (const auto row = schema::split_version(undo_.key()); row && same_bytes(row->form, place)) {
      if (undo_.value().empty()) return std::optional<Bytes>{};
      return std::optional(to_bytes(undo_.value()));
    }
    return kv_.get(schema::nodes, place, &at_);
  }

  const KvStore& kv_;
  const KvSnapshot& at_;
  KvIterator& undo_;
  const BlockNumber block_;
  const Patience& patience_;
  mutable std::map<Bytes, std::optional<Bytes>, BytesLess> seen_;
  mutable size_t bytes_ = 0;
};

}  // namespace

void Damage::note(const Error& error) {
  const std::lock_guard guard(lock_);
  if (!first_) first_ = error;
}
std::optional<Error> Damage::first() const {
  const std::lock_guard guard(lock_);
  return first_;
}

/// An iterator from a pool, which goes back there afterwards.
class Snapshot::Lease {
 public:
  Lease(const Snapshot& snapshot, bool one_key) : pool_(one_key ? snapshot.one_key_ : snapshot.all_keys_), iterator_(take(snapshot, one_key)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    const std::lock_guard guard(pool_.lock);
    if (pool_.idle.size() < 8) pool_.idle.push_back(std::move(iterator_));
  }
  KvIterator& operator*() { return iterator_; }
  KvIterator* operator->() { return &iterator_; }

 private:
  KvIterator take(const Snapshot& snapshot, bool one_key) {
    {
      const std::lock_guard guard(pool_.lock);
      if (!pool_.idle.empty()) {
        KvIterator out = std::move(pool_.idle.back());
        pool_.idle.pop_back();
        return out;
      }
    }
    return snapshot.kv_->iterate(schema::state, snapshot.at_, one_key);
  }
  Pool& pool_;
  KvIterator iterator_;
};

Snapshot::Snapshot(std::shared_ptr<const KvStore> kv, Head head, std::shared_ptr<HeadCache> cache, std::shared_ptr<Damage> damage)
    : kv_(std::move(kv)), at_(kv_->snapshot()), head_(std::move(head)), cache_(std::move(cache)), damage_(std::move(damage)) {}

Result<std::optional<Bytes>> Snapshot::row(Column column, ByteView key) const { return kv_->get(column, key, at_.get()); }

Result<std::optional<Bytes>> Snapshot::value_at(BlockNumber block, ByteView key) const {
  if (auto known = cache_->find(key, block)) return std::move(*known);
  const Bytes form = schema::escaped(key);
  Lease at(*this, true);
  at->seek(schema::with_version(form, block));
  std::optional<Bytes> out;
  if (!at->valid()) {
    TRY(at->status());
  } else if (const auto found = schema::split_version(at->key()); found && same_bytes(found->form, form)) {
    auto value = schema::value_of(at->value());
    if (!value) return damaged("the stored value of state key " + to_hex0x(key) + " has an unknown mark");
    out = std::move(*value);
  }
  cache_->note(key, block, out);
  return out;
}

template <class F>
Result<> Snapshot::walk_keys(BlockNumber block, ByteView from, const Patience& patience, F&& each) const {
  Lease at(*this, false);
  size_t rows = 0;
  for (at->seek(from); at->valid();) {
    if (++rows % rows_between == 0 && patience.go_on && !patience.go_on()) return out_of_patience();
    const auto found = schema::split_version(at->key());
    if (!found) return damaged("the state has a row with a key of " + std::to_string(at->key().size()) + " bytes");
    const Bytes form = to_bytes(found->form);
    if (found->block > block) {   // written later: look for what was there then
      at->seek(schema::with_version(form, block));
      continue;
    }
    const auto value = schema::value_of(at->value());
    const auto key = schema::unescaped(form);
    if (!value || !key) return damaged("the state row " + to_hex0x(at->key()) + " is malformed");
    if (*value && !each(*key)) return {};
    for (int step = 0; at->valid() && starts_with(at->key(), form); ++step) {   // older versions are of no interest
      if (step < 4) at->next();
      else at->seek(schema::after_versions(form));
    }
  }
  return at->status();
}

Result<std::shared_ptr<const StateReader>> Snapshot::state_at(BlockNumber number) const {
  if (number > head_.number || number < head_.oldest_state)
    return fail(ErrorCode::not_found,
                "there is no state of " + block_name(number) + ": this node keeps " + std::to_string(head_.oldest_state) + " to " + std::to_string(head_.number),
                number > head_.number ? "" : "ask an archive node");
  return std::shared_ptr<const StateReader>(new StateReader(shared_from_this(), number));
}

Result<std::optional<Header>> Snapshot::header(BlockNumber number) const {
  return decoded<Header>(row(schema::blocks, schema::block_key(schema::header_kind, number)), "header of " + block_name(number));
}

Result<std::optional<Header>> Snapshot::header(const Hash& hash) const {
  const auto number = TRY(number_of(hash));
  if (!number) return std::optional<Header>{};
  return header(*number);
}

Result<std::optional<Hash>> Snapshot::hash_of(BlockNumber number) const {
  const auto encoded = TRY(row(schema::blocks, schema::block_key(schema::header_kind, number)));
  return encoded ? std::optional(crypto::blake2_256(*encoded)) : std::nullopt;
}

Result<std::optional<BlockNumber>> Snapshot::number_of(const Hash& hash) const {
  return decoded<BlockNumber>(row(schema::blocks, schema::hash_key(hash)), "number of block " + to_hex0x(hash));
}

Result<std::optional<std::vector<Bytes>>> Snapshot::body(BlockNumber number) const {
  return decoded<std::vector<Bytes>>(row(schema::bodies, schema::number_key(number)), "body of " + block_name(number));
}

Result<std::optional<Bytes>> Snapshot::justification(BlockNumber number) const {
  return row(schema::blocks, schema::block_key(schema::justification_kind, number));
}

Result<std::vector<BlockMessages>> Snapshot::messages(BlockNumber from, BlockNumber to, size_t max_bytes) const {
  if (from == 0 || from > to || to > head_.number)
    return fail(ErrorCode::not_found, "there is no message log of blocks " + std::to_string(from) + " to " + std::to_string(to) + ": it begins at block 1 and the head is " +
                                          std::to_string(head_.number));
  std::vector<BlockMessages> out;
  size_t bytes = 0;
  for (BlockNumber number = from;; ++number) {
    const auto leaves = TRY(row(schema::messages, schema::block_key(schema::leaves_kind, number)));
    if (!leaves) return damaged("the message log of " + block_name(number) + " is missing");
    const auto payloads = TRY(row(schema::messages, schema::block_key(schema::payloads_kind, number)));
    bytes += leaves->size() + (payloads ? payloads->size() : 0);
    if (bytes > max_bytes && !out.empty()) break;
    using Log = std::tuple<u64, std::vector<Leaf>>;
    auto log = TRY(decoded<Log>(leaves, "message log of " + block_name(number)));
    BlockMessages block{number, std::get<0>(*log), std::move(std::get<1>(*log)), {}};
    if (payloads) block.payloads = *TRY(decoded<std::vector<std::optional<Bytes>>>(payloads, "payloads of " + block_name(number)));
    else block.payloads.resize(block.leaves.size());
    if (block.payloads.size() != block.leaves.size()) return damaged("the message log of " + block_name(number) + " has leaves and payloads that do not match");
    out.push_back(std::move(block));
    if (number == to) break;
  }
  return out;
}

Result<std::vector<Bytes>> Snapshot::proof(BlockNumber number, std::span<const Bytes> keys, const Patience& patience) const {
  if (number > head_.number || number < head_.oldest_proof)
    return fail(ErrorCode::not_found, "the state of " + block_name(number) + " cannot be proved: there are proofs for blocks " + std::to_string(head_.oldest_proof) + " to " +
                                          std::to_string(head_.number), number > head_.number ? "" : "ask for a proof at a recent block");
  const auto block = TRY(header(number));
  if (!block) return damaged("the header of " + block_name(number) + " is missing");
  KvIterator undo = kv_->iterate(schema::undo, at_, true);
  return trie::prove(NodesAt(*kv_, *at_, undo, number, patience), block->state_root, keys);
}

Result<std::optional<Bytes>> StateReader::find(ByteView key) const { return snapshot_->value_at(block_, key); }

std::optional<Bytes> StateReader::get(ByteView key) const {
  auto value = find(key);
  if (value) return std::move(*value);
  snapshot_->damage_->note(value.error());
  return std::nullopt;
}

std::optional<Bytes> StateReader::next_key(ByteView key) const {
  std::optional<Bytes> next;
  const auto walked = snapshot_->walk_keys(block_, schema::after_versions(schema::escaped(key)), {}, [&](const Bytes& found) {
    next = found;
    return false;
  });
  if (!walked) snapshot_->damage_->note(walked.error());
  return next;
}

Result<std::vector<Bytes>> StateReader::keys_paged(ByteView prefix, std::optional<ByteView> start, size_t count, const Patience& patience) const {
  std::vector<Bytes> out;
  // The first form that a key with the prefix can have is the prefix's own form.
  Bytes from = schema::escaped(prefix);
  if (start && !BytesLess{}(*start, prefix)) from = schema::after_versions(schema::escaped(*start));
  if (count == 0) return out;
  TRY(snapshot_->walk_keys(block_, from, patience, [&](const Bytes& key) {
    if (!starts_with(key, prefix)) return false;
    out.push_back(key);
    return out.size() < count;
  }));
  return out;
}

std::optional<Error> StateReader::failure() const { return snapshot_->damage_->first(); }

}  // namespace phala::store

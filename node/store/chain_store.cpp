#include "store/chain_store.hpp"

#include <filesystem>
#include <limits>

#include "store/head_cache.hpp"
#include "store/schema.hpp"
#include "store/witness.hpp"

namespace phala::store {
namespace {

/// Proofs exist for so many last blocks.
constexpr BlockNumber kept_proofs = 256;
/// When a limit was lowered, at most so many blocks are pruned with one commit, to keep batches small.
constexpr BlockNumber pruned_at_once = 64;

std::unexpected<Error> damaged(const std::string& what, std::string hint = "restore the data folder from a backup, or remove it and sync again") {
  return fail(ErrorCode::corrupted, what, std::move(hint));
}
std::string short_name(BlockNumber number, const Hash& hash) { return std::to_string(number) + " (" + to_hex0x(hash) + ")"; }

/// The head's nodes; remembers what it was asked, for the reverse diff.
class HeadNodes final : public trie::NodeSource {
 public:
  HeadNodes(const KvStore& kv, HeadCache& cache, BlockNumber head, trie::NodeChanges& seen) : kv_(kv), cache_(cache), head_(head), seen_(seen) {}
  Result<std::optional<Bytes>> node(ByteView path) const override {
    std::optional<Bytes> encoding;
    if (auto known = cache_.find(path, head_)) {
      encoding = std::move(*known);
    } else {
      encoding = TRY(kv_.get(schema::nodes, schema::place(path)));
      cache_.note(path, head_, encoding);
    }
    seen_.insert_or_assign(to_bytes(path), encoding);
    return encoding;
  }

 private:
  const KvStore& kv_;
  HeadCache& cache_;
  BlockNumber head_;
  trie::NodeChanges& seen_;
};

Result<std::vector<Bytes>> journal_of(const KvStore& kv, char kind, BlockNumber number) {
  const auto row = TRY(kv.get(schema::journal, schema::journal_key(kind, number)));
  if (!row) return std::vector<Bytes>{};
  auto entries = scale::decode<std::vector<Bytes>>(*row);
  if (!entries) return damaged("the pruning journal of block " + std::to_string(number) + " does not decode");
  return std::move(*entries);
}

/// States before block `number` are no longer asked for: of the keys that it wrote, older versions go, and deletions themselves.
Result<> prune_states(const KvStore& kv, KvBatch& batch, BlockNumber number) {
  const auto forms = TRY(journal_of(kv, schema::state_journal, number));
  KvIterator versions = kv.iterate(schema::state, kv.snapshot(), true);
  for (const auto& form : forms) {
    versions.seek(schema::with_version(form, number));
    for (; versions.valid(); versions.next()) {
      const auto row = schema::split_version(versions.key());
      if (!row || !same_bytes(row->form, form)) break;
      const auto value = schema::value_of(versions.value());
      if (row->block < number || (value && !*value)) batch.erase(schema::state, versions.key());
    }
    TRY(versions.status());
  }
  batch.erase(schema::journal, schema::journal_key(schema::state_journal, number));
  return {};
}

/// The state before block `number` is no longer proved.
Result<> prune_proofs(const KvStore& kv, KvBatch& batch, BlockNumber number) {
  for (const auto& place : TRY(journal_of(kv, schema::node_journal, number))) batch.erase(schema::undo, schema::undo_key(place, number));
  batch.erase(schema::journal, schema::journal_key(schema::node_journal, number));
  return {};
}

/// Writes what a prepared state changes. Before the genesis there is nothing to go back to, so it has no reverse diff.
void put_state(KvBatch& batch, BlockNumber number, bool archive, const StateDiff& diff, const trie::NodeChanges& nodes, const trie::NodeChanges& before) {
  std::vector<Bytes> forms, places;
  for (const auto& [key, value] : diff) {
    Bytes form = schema::escaped(key);
    batch.put(schema::state, schema::with_version(form, number), schema::stored_value(value));
    if (!archive) forms.push_back(std::move(form));
  }
  for (const auto& [path, encoding] : nodes) {
    Bytes place = schema::place(path);
    if (encoding) batch.put(schema::nodes, place, *encoding);
    else batch.erase(schema::nodes, place);
    if (number == 0) continue;
    const auto old = before.find(path);
    batch.put(schema::undo, schema::undo_key(place, number), old != before.end() && old->second ? ByteView(*old->second) : ByteView{});
    places.push_back(std::move(place));
  }
  if (number == 0) return;
  if (!archive) batch.put(schema::journal, schema::journal_key(schema::state_journal, number), scale::encode(forms));
  batch.put(schema::journal, schema::journal_key(schema::node_journal, number), scale::encode(places));
}

void put_header(KvBatch& batch, const Header& header, const Hash& hash) {
  batch.put(schema::blocks, schema::block_key(schema::header_kind, header.number.value), scale::encode(header));
  batch.put(schema::blocks, schema::hash_key(hash), scale::encode(header.number.value));
}

/// The database's own account of itself: is it a chain's, of this schema, this chain, this kind, and does the head fit?
struct Meta {
  std::optional<Hash> genesis;
  std::optional<Head> head;
};

template <class T>
Result<std::optional<T>> meta_row(const KvStore& kv, std::string_view name) {
  const auto row = TRY(kv.get(schema::meta, as_bytes(name)));
  if (!row) return std::optional<T>{};
  auto value = scale::decode<T>(*row);
  if (!value) return damaged("the database's row '" + std::string(name) + "' does not decode");
  return std::optional<T>(std::move(*value));
}

Result<Meta> check_meta(KvStore& kv, const Options& options) {
  const bool archive = !options.keep_states;
  const auto version = TRY(meta_row<u32>(kv, schema::version_row));
  if (!version) {
    auto batch = kv.batch();
    batch.put(schema::meta, as_bytes(schema::version_row), scale::encode(schema::version));
    batch.put(schema::meta, as_bytes(schema::archive_row), scale::encode(archive));
    TRY(kv.write(std::move(batch), true));
  } else if (*version != schema::version) {
    return fail(ErrorCode::refused, "the database has schema version " + std::to_string(*version) + ", this program knows " + std::to_string(schema::version),
                "use the version that made it, or remove the data folder and sync again");
  }
  const auto was_archive = TRY(meta_row<bool>(kv, schema::archive_row));
  if (!was_archive) return damaged("the database does not say whether it is an archive");
  if (*was_archive != archive)
    return fail(ErrorCode::refused, std::string("the database was made ") + (*was_archive ? "as an archive" : "to be pruned") + " and cannot change that",
                *was_archive ? "start with --state-pruning archive, or sync again in another folder" : "start with a number for --state-pruning, or sync again in another folder");
  Meta meta{TRY(meta_row<Hash>(kv, schema::genesis_row)), TRY(meta_row<Head>(kv, schema::head_row))};
  if (meta.genesis.has_value() != meta.head.has_value()) return damaged("the database has a genesis without a head, or a head without a genesis");
  if (meta.genesis && options.genesis && *meta.genesis != *options.genesis)
    return fail(ErrorCode::refused, "the database is of the chain with genesis " + to_hex0x(*meta.genesis) + ", not of " + to_hex0x(*options.genesis),
                "give the chain spec that belongs to this data folder, or another folder");
  return meta;
}

/// The head must have a header of that hash, whose state root is that of the stored trie.
Result<> check_head(const KvStore& kv, HeadCache& nodes, const Snapshot& snapshot) {
  const Head& head = snapshot.head();
  const auto header = TRY(snapshot.header(head.number));
  if (!header) return damaged("the header of the head, block " + short_name(head.number, head.hash) + ", is missing");
  if (header->hash() != head.hash) return damaged("the header of the head, block " + short_name(head.number, head.hash) + ", has another hash");
  trie::NodeChanges seen;
  TRY(trie::read(HeadNodes(kv, nodes, head.number, seen), header->state_root, {}).context("the state of the head, block " + std::to_string(head.number)));
  return {};
}

Result<> check_witness(const Witness& witness, const std::optional<Head>& head) {
  const auto last = witness.last();
  if (!last) return {};
  const std::string hint = "restore the data folder from a backup; or, to fetch the lost blocks again from the network, remove " + witness.path();
  if (!head) return damaged("block " + short_name(last->number, last->hash) + " was committed, but the database is empty", hint);
  if (last->number > head->number)
    return damaged("block " + short_name(last->number, last->hash) + " was committed, but the database reads back only to " + short_name(head->number, head->hash), hint);
  if (last->number == head->number && last->hash != head->hash)
    return damaged("block " + short_name(last->number, last->hash) + " was committed, but the database has " + short_name(head->number, head->hash), hint);
  return {};
}

}  // namespace

struct ChainStore::State {
  State(KvStore store, Witness file, Options opts, BlockNumber head)
      : kv(std::make_shared<KvStore>(std::move(store))), witness(std::move(file)), options(std::move(opts)),
        values(std::make_shared<HeadCache>(options.cache_bytes / 4, head)), nodes(options.cache_bytes / 4, head), damage(std::make_shared<Damage>()) {}
  std::shared_ptr<KvStore> kv;
  Witness witness;
  Options options;
  std::shared_ptr<HeadCache> values;            ///< of the state; readers use it too
  mutable HeadCache nodes;                      ///< of the trie, by path
  std::shared_ptr<Damage> damage;
  mutable std::mutex lock;                      ///< of `published` only
  std::shared_ptr<const Snapshot> published;

  bool archive() const { return !options.keep_states; }
  void publish(Head head) {
    auto next = std::make_shared<const Snapshot>(kv, std::move(head), values, damage);
    const std::lock_guard guard(lock);
    published.swap(next);
  }
  std::shared_ptr<const Snapshot> current() const {
    const std::lock_guard guard(lock);
    return published;
  }
  /// The batch, durable, then the witness and the caches, then the world.
  Result<> finish(KvBatch batch, const Head& head, const Prepared& prepared) {
    batch.put(schema::meta, as_bytes(schema::head_row), scale::encode(head));
    TRY(kv->write(std::move(batch), true));
    witness.note({head.number, head.hash});
    values->advance(head.number, prepared.diff_);
    nodes.advance(head.number, prepared.nodes_);
    publish(head);
    return {};
  }
};

ChainStore::ChainStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChainStore::ChainStore(ChainStore&&) noexcept = default;
ChainStore& ChainStore::operator=(ChainStore&&) noexcept = default;
ChainStore::~ChainStore() = default;

Result<ChainStore> ChainStore::open(const std::string& path, const Options& options) {
  if (options.keep_states && *options.keep_states < 2) return fail(ErrorCode::invalid_input, "a node keeps the states of at least two blocks", "give --state-pruning 2 or more");
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail(ErrorCode::refused, "making the data folder " + path + ": " + error.message(), "choose a folder that this user may write");
  auto kv = TRY(KvStore::open(path + "/db", schema::kv_options(options.cache_bytes / 2)));
  auto witness = TRY(Witness::open(path + "/committed"));
  const auto in_folder = "the chain's store in " + path;
  const Meta meta = TRY(check_meta(kv, options).context(in_folder));
  TRY(check_witness(witness, meta.head).context(in_folder));
  auto state = std::make_unique<State>(std::move(kv), std::move(witness), options, meta.head ? meta.head->number : 0);
  if (meta.head) {
    state->publish(*meta.head);
    TRY(check_head(*state->kv, state->nodes, *state->current()).context(in_folder));
    state->witness.note({meta.head->number, meta.head->hash});
  }
  return ChainStore(std::move(state));
}

bool ChainStore::empty() const { return !state_->current(); }
std::shared_ptr<const Snapshot> ChainStore::snapshot() const { return state_->current(); }
ChainStore::CacheUse ChainStore::cache_use() const { return {state_->kv->cache_use(), state_->values->bytes() + state_->nodes.bytes()}; }

Result<Prepared> ChainStore::prepare(StateDiff diff) const {
  const auto head = state_->current();
  Prepared out;
  Hash root = trie::empty_root();
  const BlockNumber number = head ? head->head().number : 0;
  if (head) {
    const auto header = TRY(head->header(number));
    if (!header) return damaged("the header of the head, block " + std::to_string(number) + ", is missing");
    root = header->state_root;
    out.parent_ = head->head().hash;
  }
  auto updated = TRY(trie::update(HeadNodes(*state_->kv, state_->nodes, number, out.nodes_before_), root, diff));
  out.root_ = updated.root;
  out.nodes_ = std::move(updated.nodes);
  out.diff_ = std::move(diff);
  return out;
}

Result<> ChainStore::commit_genesis(StateDiff genesis, const Header& header) {
  if (!empty()) return fail(ErrorCode::refused, "this store has a genesis already", "choose another data folder for another chain");
  const auto prepared = TRY(prepare(std::move(genesis)));
  const Hash hash = header.hash();
  if (header.number.value != 0 || header.parent_hash != Hash{})
    return fail(ErrorCode::refused, "a genesis header has number 0 and no parent; this one is number " + std::to_string(header.number.value));
  if (header.state_root != prepared.root_)
    return fail(ErrorCode::refused, "the genesis header says state root " + to_hex0x(header.state_root) + ", the state has " + to_hex0x(prepared.root_));
  if (state_->options.genesis && *state_->options.genesis != hash)
    return fail(ErrorCode::refused, "the genesis to commit is " + to_hex0x(hash) + ", expected " + to_hex0x(*state_->options.genesis), "check the chain spec");
  auto batch = state_->kv->batch();
  put_state(batch, 0, state_->archive(), prepared.diff_, prepared.nodes_, prepared.nodes_before_);
  put_header(batch, header, hash);
  batch.put(schema::bodies, schema::number_key(0), scale::encode(std::vector<Bytes>{}));
  batch.put(schema::meta, as_bytes(schema::genesis_row), scale::encode(hash));
  return state_->finish(std::move(batch), Head{.number = 0, .hash = hash}, prepared);
}

Result<> ChainStore::commit(const Block& block, Prepared prepared) {
  const auto current = state_->current();
  if (!current) return fail(ErrorCode::refused, "a block cannot be committed before the genesis");
  if (const auto damage = state_->damage->first())
    return damaged("reading the state failed before (" + damage->message + "), so that this block may have been computed wrongly", damage->hint);
  Head head = current->head();
  const BlockNumber number = block.header.number.value;
  const auto refuse = [&](const std::string& why) { return fail(ErrorCode::refused, "block " + std::to_string(number) + " does not continue the head, block " + short_name(head.number, head.hash) + ": " + why); };
  if (head.number == std::numeric_limits<BlockNumber>::max() || number != head.number + 1) return refuse("it has another number");
  if (block.header.parent_hash != head.hash) return refuse("its parent is " + to_hex0x(block.header.parent_hash));
  if (prepared.parent_ != head.hash) return refuse("its state was prepared on another block");
  if (block.header.state_root != prepared.root_) return refuse("its header says state root " + to_hex0x(block.header.state_root) + ", the state has " + to_hex0x(prepared.root_));
  if (block.messages.number != number || block.messages.payloads.size() != block.messages.leaves.size()) return refuse("its messages are of another block, or without payloads");

  const KvStore& kv = *state_->kv;
  const Options& options = state_->options;
  const Hash hash = block.header.hash();
  auto batch = kv.batch();
  put_state(batch, number, state_->archive(), prepared.diff_, prepared.nodes_, prepared.nodes_before_);
  put_header(batch, block.header, hash);
  batch.put(schema::blocks, schema::block_key(schema::justification_kind, number), block.justification);
  batch.put(schema::bodies, schema::number_key(number), scale::encode(block.body));
  batch.put(schema::messages, schema::block_key(schema::leaves_kind, number), scale::encode(block.messages.now_ms, block.messages.leaves));
  batch.put(schema::messages, schema::block_key(schema::payloads_kind, number), scale::encode(block.messages.payloads));

  // Calls `drop` for each block that falls out of the last `kept`, and moves `oldest` on.
  const auto advance = [&](BlockNumber& oldest, BlockNumber kept, auto drop) -> Result<> {
    const BlockNumber target = number < kept ? 0 : number - kept + 1;
    for (BlockNumber n = 0; oldest < target && n < pruned_at_once; ++n) TRY(drop(++oldest));
    return {};
  };
  if (options.keep_states) TRY(advance(head.oldest_state, *options.keep_states, [&](BlockNumber n) { return prune_states(kv, batch, n); }));
  TRY(advance(head.oldest_proof, kept_proofs, [&](BlockNumber n) { return prune_proofs(kv, batch, n); }));
  if (options.message_history)
    TRY(advance(head.oldest_payload, *options.message_history, [&](BlockNumber n) -> Result<> {
      batch.erase(schema::messages, schema::block_key(schema::payloads_kind, n - 1));
      return {};
    }));
  head.number = number;
  head.hash = hash;
  return state_->finish(std::move(batch), head, prepared);
}

Result<> ChainStore::put_justification(BlockNumber number, ByteView justification) {
  const auto current = state_->current();
  if (!current || number == 0 || number > current->head().number) return fail(ErrorCode::not_found, "there is no block " + std::to_string(number) + " to justify");
  auto batch = state_->kv->batch();
  batch.put(schema::blocks, schema::block_key(schema::justification_kind, number), justification);
  TRY(state_->kv->write(std::move(batch), true));
  state_->publish(current->head());
  return {};
}

}  // namespace phala::store

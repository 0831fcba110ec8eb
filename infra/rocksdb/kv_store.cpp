#include "rocksdb/kv_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

namespace phala {
namespace {

rocksdb::Slice slice(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
ByteView view(const rocksdb::Slice& bytes) { return {reinterpret_cast<const u8*>(bytes.data()), bytes.size()}; }

/// What RocksDB says, in terms of the folder and of what to do.
Error named(const rocksdb::Status& status, const std::string& path, std::string_view doing) {
  const std::string said = status.ToString();
  const std::string where = std::string(doing) + " the database in " + path;
  if (status.IsNoSpace() || said.find("No space left") != said.npos)
    return {ErrorCode::unavailable, where + ": the disk is full", "free some space and start again; what was committed before is intact"};
  if (said.find("lock") != said.npos && (status.IsIOError() || status.IsBusy()))
    return {ErrorCode::unavailable, where + ": another process is using it (" + said + ")", "stop that process, or choose another data folder"};
  if (said.find("Permission denied") != said.npos || said.find("Read-only file system") != said.npos)
    return {ErrorCode::refused, where + ": " + said, "run as the user who owns the folder, or choose another data folder"};
  if (status.IsInvalidArgument() && said.find("does not exist") != said.npos)
    return {ErrorCode::not_found, where + ": there is none", "check the path of the data folder"};
  if (status.IsInvalidArgument() && said.find("olumn famil") != said.npos)
    return {ErrorCode::refused, where + ": it has columns that this program does not know (" + said + ")", "use the version that made it, or a later one"};
  if (status.IsCorruption() || (status.IsIOError() && said.find("No such file") != said.npos))
    return {ErrorCode::corrupted, where + ": files are torn, missing or altered (" + said + ")", "restore the folder from a backup, or remove it and sync again"};
  return {status.IsIOError() ? ErrorCode::unavailable : ErrorCode::internal, where + ": " + said, "check the disk and the system log"};
}

/// The key without its version, for filters that tell which files know a key.
class WithoutVersion final : public rocksdb::SliceTransform {
 public:
  explicit WithoutVersion(size_t version_bytes) : version_bytes_(version_bytes), name_("phala.without-version." + std::to_string(version_bytes)) {}
  const char* Name() const override { return name_.c_str(); }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return {key.data(), key.size() - version_bytes_}; }
  bool InDomain(const rocksdb::Slice& key) const override { return key.size() >= version_bytes_; }

 private:
  size_t version_bytes_;
  std::string name_;
};

/// RocksDB's own log is not kept: failures reach us as values, and on a full disk its file logger aborts the process (measured, 7.8.3).
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::ColumnFamilyOptions column_options(const KvStore::ColumnOptions& column, const KvStore::Options& options, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = column.version_bytes == 0;
  table.format_version = 5;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  rocksdb::ColumnFamilyOptions out;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  out.write_buffer_size = options.write_buffer_bytes;
  out.compression = column.compress ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  out.level_compaction_dynamic_level_bytes = true;
  if (column.version_bytes > 0) {
    out.prefix_extractor = std::make_shared<WithoutVersion>(column.version_bytes);
    out.memtable_prefix_bloom_size_ratio = 0.05;
  }
  return out;
}

}  // namespace

namespace detail {
struct Database {
  std::string path;
  std::shared_ptr<rocksdb::Cache> cache;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> columns;   ///< as in Options::columns
  ~Database() {
    for (auto* column : columns) static_cast<void>(db->DestroyColumnFamilyHandle(column));
    if (db) static_cast<void>(db->Close());
  }
};
}  // namespace detail

struct KvIterator::State {
  std::shared_ptr<const KvSnapshot> snapshot;
  std::unique_ptr<rocksdb::Iterator> iterator;
  std::string path;
};
struct KvBatch::State {
  std::shared_ptr<detail::Database> database;
  rocksdb::WriteBatch batch;
};

Result<KvStore> KvStore::open(const std::string& path, const Options& options) {
  rocksdb::DBOptions db_options;
  db_options.create_if_missing = options.create;
  db_options.create_missing_column_families = true;
  db_options.paranoid_checks = true;
  // A record cut off at the end of the log is a crash in the middle of a write; anything else that does not read back is damage.
  db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db_options.track_and_verify_wals_in_manifest = true;
  db_options.max_background_jobs = 2;
  db_options.max_open_files = 512;
  db_options.max_total_wal_size = size_t{256} << 20;
  db_options.bytes_per_sync = 1 << 20;
  db_options.info_log = std::make_shared<NoLog>();
  const auto cache = rocksdb::NewLRUCache(options.cache_bytes);

  // "default" always exists and stays empty.
  std::vector<rocksdb::ColumnFamilyDescriptor> columns{{rocksdb::kDefaultColumnFamilyName, {}}};
  for (const auto& column : options.columns) columns.emplace_back(column.name, column_options(column, options, cache));

  auto database = std::make_shared<detail::Database>();
  database->path = path;
  database->cache = cache;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(db_options, path, columns, &database->columns, &db);
  if (!status.ok()) return fail(named(status, path, "opening"));
  database->db.reset(db);
  static_cast<void>(db->DestroyColumnFamilyHandle(database->columns.front()));
  database->columns.erase(database->columns.begin());
  return KvStore(std::move(database));
}

Result<std::optional<Bytes>> KvStore::get(Column column, ByteView key, const KvSnapshot* at) const {
  rocksdb::ReadOptions options;
  if (at) options.snapshot = static_cast<const rocksdb::Snapshot*>(at->snapshot_);
  rocksdb::PinnableSlice value;
  const auto status = database_->db->Get(options, database_->columns[column], slice(key), &value);
  if (status.IsNotFound()) return std::optional<Bytes>{};
  if (!status.ok()) return fail(named(status, database_->path, "reading"));
  return std::optional(to_bytes(view(value)));
}

Result<> KvStore::write(KvBatch batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  const auto status = database_->db->Write(options, &batch.state_->batch);
  if (!status.ok()) return fail(named(status, database_->path, "writing to"));
  return {};
}

KvBatch KvStore::batch() const {
  auto state = std::make_unique<KvBatch::State>();
  state->database = database_;
  return KvBatch(std::move(state));
}

std::shared_ptr<const KvSnapshot> KvStore::snapshot() const { return std::shared_ptr<const KvSnapshot>(new KvSnapshot(database_)); }

KvIterator KvStore::iterate(Column column, std::shared_ptr<const KvSnapshot> at, bool one_key) const {
  rocksdb::ReadOptions options;
  options.snapshot = static_cast<const rocksdb::Snapshot*>(at->snapshot_);
  options.total_order_seek = !one_key;
  options.prefix_same_as_start = one_key;
  auto state = std::make_unique<KvIterator::State>();
  state->iterator.reset(database_->db->NewIterator(options, database_->columns[column]));
  state->snapshot = std::move(at);
  state->path = database_->path;
  return KvIterator(std::move(state));
}

size_t KvStore::cache_use() const { return database_->cache->GetUsage(); }
size_t KvStore::disk_bytes() const {
  size_t sum = 0;
  for (auto* column : database_->columns) {
    u64 bytes = 0;
    if (database_->db->GetIntProperty(column, rocksdb::DB::Properties::kTotalSstFilesSize, &bytes)) sum += bytes;
  }
  return sum;
}

KvSnapshot::KvSnapshot(std::shared_ptr<detail::Database> database) : database_(std::move(database)), snapshot_(database_->db->GetSnapshot()) {}
KvSnapshot::~KvSnapshot() { database_->db->ReleaseSnapshot(static_cast<const rocksdb::Snapshot*>(snapshot_)); }

void KvIterator::seek(ByteView key) { state_->iterator->Seek(slice(key)); }
void KvIterator::next() { state_->iterator->Next(); }
bool KvIterator::valid() const { return state_->iterator->Valid(); }
ByteView KvIterator::key() const { return view(state_->iterator->key()); }
ByteView KvIterator::value() const { return view(state_->iterator->value()); }
Result<> KvIterator::status() const {
  const auto status = state_->iterator->status();
  if (!status.ok()) return fail(named(status, state_->path, "reading"));
  return {};
}
KvIterator::KvIterator(std::unique_ptr<State> state) : state_(std::move(state)) {}
KvIterator::KvIterator(KvIterator&&) noexcept = default;
KvIterator& KvIterator::operator=(KvIterator&& other) noexcept {
  if (state_) state_->iterator.reset();   // before the snapshot that it reads
  state_ = std::move(other.state_);
  return *this;
}
KvIterator::~KvIterator() {
  if (state_) state_->iterator.reset();
}

void KvBatch::put(Column column, ByteView key, ByteView value) { static_cast<void>(state_->batch.Put(state_->database->columns[column], slice(key), slice(value))); }
void KvBatch::erase(Column column, ByteView key) { static_cast<void>(state_->batch.Delete(state_->database->columns[column], slice(key))); }
size_t KvBatch::size() const { return state_->batch.GetDataSize(); }
KvBatch::KvBatch(std::unique_ptr<State> state) : state_(std::move(state)) {}
KvBatch::KvBatch(KvBatch&&) noexcept = default;
KvBatch& KvBatch::operator=(KvBatch&&) noexcept = default;
KvBatch::~KvBatch() = default;

KvStore::KvStore(std::shared_ptr<detail::Database> database) : database_(std::move(database)) {}
KvStore::KvStore(KvStore&&) noexcept = default;
KvStore& KvStore::operator=(KvStore&&) noexcept = default;
KvStore::~KvStore() = default;

}  // namespace phala

#pragma once
// Why: everything that needs a database sees this page, not RocksDB: bytes in columns, one atomic batch at a time, snapshots that
// do not move, and errors that say which folder and what to do. RocksDB reports by value, so nothing here throws.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace phala {

namespace detail {
struct Database;
}

/// Which column of a store: its position in `KvStore::Options::columns`.
using Column = size_t;

/// A view of the store at one moment. Safe for concurrent readers; keeps the store open as long as it lives.
class KvSnapshot {
 public:
  ~KvSnapshot();
  KvSnapshot(const KvSnapshot&) = delete;
  KvSnapshot& operator=(const KvSnapshot&) = delete;

 private:
  friend class KvStore;
  friend class KvIterator;
  KvSnapshot(std::shared_ptr<detail::Database> database);
  std::shared_ptr<detail::Database> database_;
  const void* snapshot_;
};

/// Walks one column in byte order of keys. One thread at a time. Views live until the next move.
class KvIterator {
 public:
  KvIterator(KvIterator&&) noexcept;
  KvIterator& operator=(KvIterator&&) noexcept;
  ~KvIterator();

  /// Goes to the first key that is not less than `key`.
  void seek(ByteView key);
  void next();
  bool valid() const;
  ByteView key() const;
  ByteView value() const;
  /// When not valid: either the end (no error), or why reading failed.
  Result<> status() const;

 private:
  friend class KvStore;
  struct State;
  explicit KvIterator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Changes that are written together or not at all. Made by `KvStore::batch`, used with that store only.
class KvBatch {
 public:
  KvBatch(KvBatch&&) noexcept;
  KvBatch& operator=(KvBatch&&) noexcept;
  ~KvBatch();
  void put(Column column, ByteView key, ByteView value);
  void erase(Column column, ByteView key);
  /// Bytes of all changes so far.
  size_t size() const;

 private:
  friend class KvStore;
  struct State;
  explicit KvBatch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// An open store. One process at a time. All functions are safe from any thread.
class KvStore {
 public:
  struct ColumnOptions {
    std::string name;
    /// What reading is tuned for: whole keys, or keys whose last `version_bytes` bytes are a version (0: whole keys).
    size_t version_bytes = 0;
    bool compress = true;   ///< LZ4; pointless for hashes
  };
  struct Options {
    std::vector<ColumnOptions> columns;        ///< the same at every opening; may grow
    size_t cache_bytes = size_t{128} << 20;    ///< of blocks read, for all columns together
    size_t write_buffer_bytes = size_t{16} << 20;   ///< per column, before it goes to a file
    bool create = true;                        ///< make the folder when it does not exist
  };
  /// Opens or creates the store in a folder. Errors: unavailable (in use by another process; disk full), refused (no permission),
  /// not_found (`create` is false), corrupted (files torn, missing or altered).
  /// A write that a crash cut off is taken back. Damage in the last 32 KiB of the log looks just the same to RocksDB: who must know
  /// that nothing synced was taken back keeps a witness elsewhere (the chain's store does).
  static Result<KvStore> open(const std::string& path, const Options& options);

  KvStore(KvStore&&) noexcept;
  KvStore& operator=(KvStore&&) noexcept;
  ~KvStore();

  /// The value of a key, now or at a snapshot.
  Result<std::optional<Bytes>> get(Column column, ByteView key, const KvSnapshot* at = nullptr) const;
  KvBatch batch() const;
  /// Applies a batch. With `sync` it has reached the disk when this returns; without, a crash of the machine may lose it (as a whole).
  Result<> write(KvBatch batch, bool sync);
  std::shared_ptr<const KvSnapshot> snapshot() const;
  /// An iterator over a snapshot. `one_key`: it will only be asked for versions of one key at a time (columns with `version_bytes`):
  /// `seek`, then `next` while the key without its version stays the same; faster, but the order of other keys is not defined.
  KvIterator iterate(Column column, std::shared_ptr<const KvSnapshot> at, bool one_key = false) const;
  /// Bytes of all files of the store.
  size_t disk_bytes() const;
  /// Bytes of the cache that are in use.
  size_t cache_use() const;

 private:
  explicit KvStore(std::shared_ptr<detail::Database> database);
  std::shared_ptr<detail::Database> database_;
};

}  // namespace phala

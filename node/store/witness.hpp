#pragma once
// Why: RocksDB cannot tell a write that a crash cut off from a committed one whose end was damaged later; it takes back both. A tiny file
// beside it says which block was committed last, so that a lost block is noticed. Internal to node/store.

#include <optional>
#include <string>

#include "primitives/header.hpp"

namespace phala::store {

/// The last block that is known to have been committed. The file is written after the commit has reached the disk and is not synced
/// itself: after a power cut it may be older than the database (which is fine), never newer.
class Witness {
 public:
  struct Block {
    BlockNumber number{};
    Hash hash;
    FIELDS(number, hash)
  };
  /// Opens or creates the file. Errors: no permission, disk full.
  static Result<Witness> open(const std::string& path);
  Witness(Witness&& other) noexcept : file_(std::exchange(other.file_, -1)), path_(std::move(other.path_)) {}
  Witness& operator=(Witness&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(path_, other.path_);
    return *this;
  }
  ~Witness();

  /// Nothing when the file is new, or was cut off by a crash.
  std::optional<Block> last() const;
  /// A failure is not reported: the witness then knows less than it could.
  void note(const Block& block);
  const std::string& path() const { return path_; }

 private:
  Witness(int file, std::string path) : file_(file), path_(std::move(path)) {}
  int file_;
  std::string path_;
};

}  // namespace phala::store

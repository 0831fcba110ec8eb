#pragma once
// Why: the promise "a crash loses nothing" is about every single write, so writes go through this one small interface: the real one, and
// one for tests that fails at any byte.

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace phala::worker {

/// The files of one folder, by plain name. One thread at a time. Errors `unavailable` carry the system's reason and the path.
class Files {
 public:
  virtual ~Files() = default;
  virtual Result<std::vector<std::string>> list() const = 0;
  virtual Result<Bytes> read(const std::string& name) const = 0;
  /// As `read`, for secrets. Error `refused`: others than its owner may read or write the file, so it is no secret any more.
  virtual Result<Bytes> read_private(const std::string& name) const = 0;
  /// Creates or extends. On an error any part of `bytes` may be there.
  virtual Result<> append(const std::string& name, ByteView bytes) = 0;
  /// After this, what was appended survives a power cut, and so does every file that was made, renamed or removed before.
  virtual Result<> sync(const std::string& name) = 0;
  /// Creates, or cuts off. The new size is durable; that the file exists is so only after `sync`.
  virtual Result<> truncate(const std::string& name, u64 size) = 0;
  /// Atomic, and durable with its content.
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  /// After a power cut the file may be there again.
  virtual Result<> remove(const std::string& name) = 0;
};

/// Files of mode 0600 in `folder` (made with mode 0700, durably).
Result<std::unique_ptr<Files>> open_folder(const std::string& folder);

}  // namespace phala::worker

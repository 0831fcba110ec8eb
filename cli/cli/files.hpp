#pragma once
// Why: what the commands read and write lies on disks that fill up and machines that stop. A file is there whole or not at all, and a
// secret is never readable by others, not for a moment.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.hpp"

namespace phala::cli {

/// At most 256 MiB. Errors: no such file, a folder, larger than that, unreadable.
Result<Bytes> read_file(const std::string& path);

enum class Access { everyone, owner };   ///< who may read: mode 0644 or 0600
/// Written beside, flushed to the disk, and renamed: a reader, a full disk or a power cut never sees half of it.
Result<> replace_file(const std::string& path, ByteView bytes, Access access = Access::everyone);
/// A new file that its owner alone may read. Error: something is there already (it is left alone).
Result<> write_new_secret(const std::string& path, ByteView bytes);

/// A folder of its own in the system's temporary folder, removed with everything in it at the end.
class TemporaryFolder {
 public:
  /// `name`: "phala-dev", for people who look.
  static Result<TemporaryFolder> make(const std::string& name);
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Bytes that may still be written to the disk that holds `path`; nothing when it cannot be asked.
std::optional<u64> free_bytes(const std::string& path);

}  // namespace phala::cli

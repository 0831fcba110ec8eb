#include "cli/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace phala::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t max_file_bytes = 256u << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> cannot(const std::string& what, const std::string& path) {
  const int code = errno;
  const std::string hint = code == ENOSPC || code == EDQUOT ? "free some disk space, then try again" : "check that the folder exists and you may write there";
  return fail(ErrorCode::unavailable, "cannot " + what + " " + path + ": " + std::strerror(code), hint);
}

/// Writes all of it and waits until the disk has it.
bool put_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return ::fsync(fd) == 0;
}

/// Makes `path`, which must not be there, with these bytes; on failure nothing stays.
Result<> create(const std::string& path, ByteView bytes, mode_t mode) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (file.get() < 0) return cannot("write", path);
  if (put_all(file.get(), bytes)) return {};
  const auto failure = cannot("write", path);
  ::unlink(path.c_str());
  return failure;
}

/// A new name is safe when its folder is.
void sync_folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  const Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() >= 0) ::fsync(fd.get());
}

}  // namespace

Result<Bytes> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(ErrorCode::not_found, "cannot read " + path + ": " + std::strerror(errno), "check the path and its permissions");
  Bytes out;
  u8 part[65536];
  for (;;) {
    const ssize_t n = ::read(file.get(), part, sizeof part);
    if (n == 0) return out;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EISDIR) return fail(ErrorCode::invalid_input, path + " is a folder", "name a file in it");
    if (n < 0) return fail(ErrorCode::unavailable, "cannot read " + path + ": " + std::strerror(errno));
    append(out, ByteView(part, static_cast<size_t>(n)));
    if (out.size() > max_file_bytes) return fail(ErrorCode::invalid_input, path + " is larger than " + std::to_string(max_file_bytes >> 20) + " MiB");
  }
}

Result<> replace_file(const std::string& path, ByteView bytes, Access access) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());   // of an attempt that was cut off
  TRY(create(fresh, bytes, access == Access::owner ? 0600 : 0644));
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const auto failure = cannot("replace", path);
    ::unlink(fresh.c_str());
    return failure;
  }
  sync_folder_of(path);
  return {};
}

Result<> write_new_secret(const std::string& path, ByteView bytes) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) return fail(ErrorCode::refused, path + " exists already, and may hold a key", "choose another name, or move it away first");
  TRY(create(path, bytes, 0600));
  sync_folder_of(path);
  return {};
}

Result<TemporaryFolder> TemporaryFolder::make(const std::string& name) {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  std::string pattern = (parent / (name + "-XXXXXX")).string();
  if (error || !::mkdtemp(pattern.data())) return fail(ErrorCode::unavailable, "cannot make a folder in " + (error ? "TMPDIR" : parent.string()), "set TMPDIR to a folder you may write");
  return TemporaryFolder(pattern);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

std::optional<u64> free_bytes(const std::string& path) {
  struct statvfs disk {};
  if (::statvfs(path.c_str(), &disk) != 0) return std::nullopt;
  return static_cast<u64>(disk.f_bavail) * disk.f_frsize;
}

}  // namespace phala::cli

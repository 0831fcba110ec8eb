#include "seal/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <map>

namespace phala::worker {
namespace {

auto system_failure(const std::string& what, const std::string& path) {
  return fail(ErrorCode::unavailable, "cannot " + what + " " + path + ": " + std::strerror(errno), errno == ENOSPC ? "free space on that disk" : "");
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

class Folder final : public Files {
 public:
  Folder(std::string path, Descriptor descriptor) : path_(std::move(path)), folder_(std::move(descriptor)) {}

  Result<std::vector<std::string>> list() const override {
    DIR* dir = opendir(path_.c_str());
    if (dir == nullptr) return system_failure("list", path_);
    std::vector<std::string> names;
    while (const dirent* entry = readdir(dir))
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    closedir(dir);
    return names;
  }
  Result<Bytes> read(const std::string& name) const override { return read_file(name, false); }
  Result<Bytes> read_private(const std::string& name) const override { return read_file(name, true); }
  Result<> append(const std::string& name, ByteView bytes) override {
    const int fd = TRY(opened(name));
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_failure("write", path_ + "/" + name);
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return {};
  }
  Result<> sync(const std::string& name) override {
    const int fd = TRY(opened(name));
    if (fdatasync(fd) != 0) return system_failure("write out", path_ + "/" + name);
    if (folder_synced_) return {};
    if (fsync(folder_.get()) != 0) return system_failure("write out", path_);
    folder_synced_ = true;
    return {};
  }
  Result<> truncate(const std::string& name, u64 size) override {
    const int fd = TRY(opened(name));
    if (ftruncate(fd, static_cast<off_t>(size)) != 0 || fsync(fd) != 0) return system_failure("cut", path_ + "/" + name);
    return {};
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    TRY(sync(from));
    open_.erase(from);
    open_.erase(to);
    if (renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) != 0 || fsync(folder_.get()) != 0) return system_failure("rename", path_ + "/" + from);
    return {};
  }
  Result<> remove(const std::string& name) override {
    open_.erase(name);
    folder_synced_ = false;
    if (unlinkat(folder_.get(), name.c_str(), 0) != 0) return system_failure("remove", path_ + "/" + name);
    return {};
  }

 private:
  Result<Bytes> read_file(const std::string& name, bool secret) const {
    const Descriptor file(openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0) return system_failure("read", path_ + "/" + name);
    if (const auto mode = info.st_mode & 0777u; secret && (mode & 0077u) != 0) {
      char octal[8];
      std::snprintf(octal, sizeof octal, "%04o", mode);
      return fail(ErrorCode::refused, path_ + "/" + name + " has mode " + octal + ": other users of this machine may read or change it",
                  "if nobody can have done so, chmod 600 it; otherwise remove it, and what it protects is to be made anew");
    }
    Bytes out(static_cast<size_t>(info.st_size));
    for (size_t done = 0; done < out.size();) {
      const ssize_t n = ::read(file.get(), out.data() + done, out.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_failure("read", path_ + "/" + name);
      if (n == 0) {
        out.resize(done);
        break;
      }
      done += static_cast<size_t>(n);
    }
    return out;
  }
  Result<int> opened(const std::string& name) {
    if (const auto at = open_.find(name); at != open_.end()) return at->second.get();
    Descriptor file(openat(folder_.get(), name.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!file && errno == ENOENT) {
      folder_synced_ = false;
      file = Descriptor(openat(folder_.get(), name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    }
    if (!file) return system_failure("open", path_ + "/" + name);
    return open_.emplace(name, std::move(file)).first->second.get();
  }
  const std::string path_;
  Descriptor folder_;
  std::map<std::string, Descriptor> open_;
  bool folder_synced_ = false;   ///< the names of all files are on disk; not known of what was here before
};

/// A new folder survives a power cut when the folder that names it was written out.
Result<> sync_parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string parent = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const Descriptor folder(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || fsync(folder.get()) != 0) return system_failure("write out", parent);
  return {};
}

}  // namespace

Result<std::unique_ptr<Files>> open_folder(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0700) == 0) TRY(sync_parent_of(part));
    else if (errno != EEXIST) return system_failure("make folder", part);
    if (slash == path.npos) break;
  }
  Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return system_failure("open", path);
  return std::unique_ptr<Files>(std::make_unique<Folder>(path, std::move(folder)));
}

}  // namespace phala::worker

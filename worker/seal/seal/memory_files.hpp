#pragma once
// Why: tests crash a worker at every byte it writes. This folder lives in memory, fails when its budget of bytes is spent, as a machine that
// loses power or a disk that is full, and knows what was promised to be durable: at a crash everything else may be gone, as a seed chooses.

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "seal/files.hpp"

namespace phala::worker {

class MemoryFiles final : public Files {
 public:
  std::map<std::string, Bytes> disk;      ///< what a running program sees; what a test puts here itself is durable
  std::set<std::string> exposed;          ///< files that other users may read
  u64 budget = ~u64{0};        ///< bytes and operations that still succeed
  bool keep_failing = true;    ///< after the budget is spent; false: only once, as when space is freed
  bool fail_sync = false;

  /// Power is lost and comes back. Of what was not synced: changes of the folder since then are undone from a chosen one on, and of each file's new
  /// bytes a chosen part is left, followed by zeros where the file system had grown the file before it wrote. `below(n)` chooses from 0 … n-1.
  void crash(const std::function<u64(u64 n)>& below) {
    for (u64 keep = below(changes_.size() + 1); changes_.size() > keep; changes_.pop_back()) undo(changes_.back());
    changes_.clear();
    for (const auto& [name, synced] : synced_) {
      Bytes& file = disk[name];
      const u64 size = file.size(), safe = std::min(synced, size), written = safe + below(size - safe + 1);
      file.resize(written);
      if (below(2) == 0) file.resize(written + below(size - written + 1));
    }
    synced_.clear();
    budget = ~u64{0};
  }

  Result<std::vector<std::string>> list() const override {
    std::vector<std::string> out;
    for (const auto& [name, bytes] : disk) out.push_back(name);
    return out;
  }
  Result<Bytes> read(const std::string& name) const override {
    const auto at = disk.find(name);
    if (at == disk.end()) return fail(ErrorCode::unavailable, "no file " + name);
    return at->second;
  }
  Result<Bytes> read_private(const std::string& name) const override {
    if (exposed.contains(name)) return fail(ErrorCode::refused, name + " may be read by others");
    return read(name);
  }
  Result<> append(const std::string& name, ByteView bytes) override {
    Bytes& file = at(name);
    synced_.try_emplace(name, file.size());
    const size_t n = static_cast<size_t>(std::min<u64>(budget, bytes.size()));
    phala::append(file, bytes.first(n));
    budget -= n;
    if (n < bytes.size()) return spent();
    return {};
  }
  Result<> sync(const std::string& name) override {
    if (fail_sync) return fail(ErrorCode::unavailable, "sync failed");
    TRY(step());
    synced_.erase(name);
    changes_.clear();   // and of the folder
    return {};
  }
  Result<> truncate(const std::string& name, u64 size) override {
    TRY(step());
    at(name).resize(size);
    synced_.erase(name);
    return {};
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    TRY(sync(from));
    TRY(step());
    changes_.push_back({Change::moved, to, held(to), from});
    disk[to] = std::move(disk[from]);
    disk.erase(from);
    synced_.erase(to);
    TRY(step());
    changes_.clear();
    return {};
  }
  Result<> remove(const std::string& name) override {
    if (!disk.contains(name)) return fail(ErrorCode::unavailable, "no file " + name);
    TRY(step());
    changes_.push_back({Change::removed, name, held(name), {}});
    disk.erase(name);
    synced_.erase(name);
    return {};
  }

 private:
  struct Held { Bytes bytes; std::optional<u64> synced; };
  /// A change of the folder that no sync has made durable yet, with what undoes it.
  struct Change {
    enum Kind : u8 { made, moved, removed } kind;
    std::string name;             ///< moved: where to
    std::optional<Held> before;   ///< what lay under `name`
    std::string from;
  };
  std::vector<Change> changes_;
  std::map<std::string, u64> synced_;   ///< for files with bytes that may still vanish: how many will not

  Bytes& at(const std::string& name) {
    if (!disk.contains(name)) changes_.push_back({Change::made, name, std::nullopt, {}});
    return disk[name];
  }
  std::optional<Held> held(const std::string& name) const {
    const auto file = disk.find(name);
    if (file == disk.end()) return std::nullopt;
    const auto synced = synced_.find(name);
    return Held{file->second, synced == synced_.end() ? std::nullopt : std::optional(synced->second)};
  }
  void undo(const Change& change) {
    if (change.kind == Change::moved) disk[change.from] = std::move(disk[change.name]);
    disk.erase(change.name);
    synced_.erase(change.name);
    if (!change.before) return;
    disk[change.name] = change.before->bytes;
    if (change.before->synced) synced_[change.name] = *change.before->synced;
  }
  Result<> step() {
    if (budget == 0) return spent();
    --budget;
    return {};
  }
  Result<> spent() {
    if (!keep_failing) budget = ~u64{0};
    return fail(ErrorCode::unavailable, "no space left");
  }
};

}  // namespace phala::worker

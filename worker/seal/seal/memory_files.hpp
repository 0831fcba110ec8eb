#pragma once
// Why: tests crash a worker at every byte it writes. This folder lives in memory, counts what was promised to be durable, and
// fails when its budget of bytes is spent, as a machine that loses power or a disk that is full.

#include <map>

#include "seal/files.hpp"

namespace phala::worker {

class MemoryFiles final : public Files {
 public:
  std::map<std::string, Bytes> disk;
  u64 budget = ~u64{0};        ///< bytes and operations that still succeed
  bool keep_failing = true;    ///< after the budget is spent; false: only once, as when space is freed
  bool fail_sync = false;

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
  Result<> append(const std::string& name, ByteView bytes) override {
    const size_t n = static_cast<size_t>(std::min<u64>(budget, bytes.size()));
    phala::append(disk[name], bytes.first(n));
    budget -= n;
    if (n < bytes.size()) return spent();
    return {};
  }
  Result<> sync(const std::string&) override {
    if (fail_sync) return fail(ErrorCode::unavailable, "sync failed");
    return step();
  }
  Result<> truncate(const std::string& name, u64 size) override {
    TRY(step());
    disk[name].resize(size);
    return {};
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    TRY(step());
    disk[to] = std::move(disk[from]);
    disk.erase(from);
    return {};
  }
  Result<> remove(const std::string& name) override {
    TRY(step());
    disk.erase(name);
    return {};
  }

 private:
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

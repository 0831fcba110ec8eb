#include "seal/log_store.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace phala::worker {

namespace {
const FileMagic log_magic{std::array<u8, 4>{'P', 'H', 'W', 'L'}};

std::string name_of(u64 first) {
  char out[40];
  std::snprintf(out, sizeof out, "log-%020" PRIu64 ".frames", first);
  return out;
}
}  // namespace

Result<LogStore> LogStore::open(Files& files, const crypto::Key32& root, Random random, u64 capacity_bytes, LogRing& ring, std::vector<std::string>& warnings) {
  LogStore out(files, root, std::move(random), capacity_bytes);
  std::vector<u64> firsts;
  for (const auto& name : TRY(files.list())) {
    u64 first = 0;
    if (std::sscanf(name.c_str(), "log-%20" SCNu64 ".frames", &first) == 1 && name == name_of(first)) firsts.push_back(first);
  }
  std::sort(firsts.begin(), firsts.end());
  for (const u64 first : firsts) {
    const Bytes file = TRY(files.read(name_of(first)));
    out.segments_.push_back({first, file.size()});
    ring.skip_to(first);
    auto cursor = FrameCursor::of(root, log_magic, file, {});
    if (!cursor) {
      warnings.push_back(name_of(first) + ": " + cursor.error().message);
      continue;
    }
    for (;;) {
      const auto plain = cursor->open(file);
      if (!plain) {
        if (plain.error() == FrameCursor::Stop::corrupted) warnings.push_back(name_of(first) + ": log records from frame " + std::to_string(cursor->index()) + " on are damaged");
        break;
      }
      auto records = TRY(scale::decode<std::vector<NumberedRecord>>(*plain).map_error(scale::to_error).context(name_of(first)));
      for (auto& record : records) ring.restore(std::move(record));
    }
  }
  return out;
}

Result<> LogStore::begin_segment(u64 first) {
  TRY(sync());
  current_.reset();
  FileId id;
  random_(id.data(), id.size());
  FrameCursor cursor(root_, log_magic, id, {});
  // a segment of that number without a single record can be left over from a crash or a full disk
  if (!segments_.empty() && segments_.back().first == first) segments_.pop_back();
  TRY(files_->truncate(name_of(first), 0));
  TRY(files_->append(name_of(first), cursor.header()));
  segments_.push_back({first, file_header_bytes});
  current_ = std::move(cursor);
  u64 total = 0;
  for (const auto& segment : segments_) total += segment.bytes;
  for (; total > capacity_ && segments_.size() > 1; segments_.pop_front()) {
    TRY(files_->remove(name_of(segments_.front().first)));
    total -= segments_.front().bytes;
  }
  return {};
}

Result<> LogStore::append(const std::vector<NumberedRecord>& records) {
  if (records.empty()) return {};
  // a new run, or a segment that is an eighth of everything, starts a new one
  if (!current_ || current_->offset() >= capacity_ / 8) TRY(begin_segment(records.front().sequence));
  crypto::Iv iv;
  random_(iv.data(), iv.size());
  const u64 before = current_->offset();
  FrameCursor next = current_->clone();
  if (auto written = files_->append(name_of(segments_.back().first), next.seal(scale::encode(records), iv)); !written) {
    // the next records go to a file of their own: this one may end in half a frame
    current_.reset();
    static_cast<void>(files_->truncate(name_of(segments_.back().first), before));
    return written;
  }
  current_ = std::move(next);
  segments_.back().bytes = current_->offset();
  return {};
}

Result<> LogStore::sync() {
  if (!current_ || segments_.empty()) return {};
  return files_->sync(name_of(segments_.back().first));
}

}  // namespace phala::worker

#pragma once
// Why: what contracts logged is still there after a restart, under the same numbers. Records go to segments of encrypted frames; the oldest segment
// goes when there is too much. Records of transactions are also in the state's frames, so nothing waits for this disk.

#include <deque>

#include "seal/state_store.hpp"

namespace phala::worker {

class LogStore {
 public:
  /// Reads all segments, oldest first, into `ring`, as many bytes as it holds. Damaged frames end their segment, with a warning.
  static Result<LogStore> open(Files& files, const crypto::Key32& root, Random random, u64 capacity_bytes, LogRing& ring, std::vector<std::string>& warnings);
  /// Not durable until `sync`.
  Result<> append(const std::vector<NumberedRecord>& records);
  Result<> sync();

 private:
  struct Segment { u64 first; u64 bytes; };
  LogStore(Files& files, const crypto::Key32& root, Random random, u64 capacity) : files_(&files), root_(root.clone()), random_(std::move(random)), capacity_(capacity) {}
  Result<> begin_segment(u64 first);
  Files* files_;
  crypto::Key32 root_;
  Random random_;
  u64 capacity_;
  std::deque<Segment> segments_;
  std::optional<FrameCursor> current_;   ///< in the last segment
};

}  // namespace phala::worker

#pragma once
// Why: what contracts logged is kept in a ring in memory that anybody may ask for at any time, while blocks must never wait for a reader. So a
// reader takes a view, which is pointers to parts that do not change any more, and searches without holding anything. Pure; the disk is the shell's.

#include <deque>
#include <memory>
#include <span>

#include "core/report.hpp"

namespace phala::worker {

struct NumberedRecord { u64 sequence{}; LogRecord record;  FIELDS(sequence, record) };

/// The ring at one moment; immutable. Records by ascending number.
struct LogView {
  struct Part {
    std::shared_ptr<const void> owner;
    std::span<const NumberedRecord> records;   ///< not empty
  };
  std::vector<Part> parts;
  u64 next_sequence = 0;
  size_t capacity = 0, bytes = 0, records = 0;

  /// Calls `visit` for each record from `first` on until it returns false.
  template <class Visit>
  void for_each(u64 first, Visit&& visit) const {
    for (const Part& part : parts) {
      if (part.records.back().sequence < first) continue;
      for (const NumberedRecord& record : part.records)
        if (record.sequence >= first && !visit(record)) return;
    }
  }
};

/// Records by ascending number; the oldest go when the ring is full. Numbers may have gaps. Not thread-safe, but views of it are.
class LogRing {
 public:
  explicit LogRing(size_t capacity_bytes) : capacity_(capacity_bytes) {}

  /// Gives each record the next number, without keeping it; one over `max_record_bytes` becomes TooLarge.
  std::vector<NumberedRecord> numbered(std::vector<LogRecord> records) const;
  /// As `numbered`, and keeps them.
  std::vector<NumberedRecord> append(std::vector<LogRecord> records);
  /// Takes a record with its number; one that is here or older than all that are here is dropped. Returns whether it was taken.
  bool restore(NumberedRecord record);
  /// No record gets a lower number from now on.
  void skip_to(u64 sequence) { next_ = std::max(next_, sequence); }

  u64 next_sequence() const { return next_; }
  size_t capacity() const { return capacity_; }
  size_t bytes() const { return bytes_; }
  LogView view() const;

 private:
  /// Of fixed room, so that records never move: views hold spans of it while more are added behind them.
  struct Chunk {
    std::vector<NumberedRecord> records;
    size_t bytes = 0;
    Chunk() { records.reserve(chunk_records); }
    bool full() const { return records.size() == chunk_records || bytes >= chunk_bytes; }
  };
  static constexpr size_t chunk_records = 256, chunk_bytes = 256u << 10;

  void push_back(NumberedRecord record);
  bool insert(NumberedRecord record);
  void trim();
  const size_t capacity_;
  size_t bytes_ = 0, count_ = 0, forgotten_ = 0;   ///< `forgotten_`: records at the front of the first chunk that do not count any more
  u64 next_ = 0;
  std::deque<std::shared_ptr<Chunk>> chunks_;
};

constexpr size_t max_record_bytes = 2u << 20;

}  // namespace phala::worker

#pragma once
// Why: developers see what their contracts logged, emitted and returned through the PinkLogger driver. The worker is that server itself:
// a ring of numbered records and the JSON questions the SDK asks (spec/clients.md §3.6). Pure; the disk is the shell's.

#include <deque>

#include "core/report.hpp"

namespace phala::worker {

struct NumberedRecord { u64 sequence{}; LogRecord record;  FIELDS(sequence, record) };

/// Records by ascending number; the oldest go when the ring is full. Numbers may have gaps. Not thread-safe.
class LogRing {
 public:
  explicit LogRing(size_t capacity_bytes) : capacity_(capacity_bytes) {}

  /// Gives each record the next number (one over `max_record_bytes` becomes TooLarge) and keeps it.
  std::vector<NumberedRecord> append(std::vector<LogRecord> records);
  /// Takes back a record with its number; one that is here or older than all that are here is dropped. Returns whether it was taken.
  bool restore(NumberedRecord record);
  /// No record gets a lower number from now on.
  void skip_to(u64 sequence) { next_ = std::max(next_, sequence); }

  u64 next_sequence() const { return next_; }
  const std::deque<NumberedRecord>& records() const { return records_; }
  size_t capacity() const { return capacity_; }
  size_t bytes() const { return bytes_; }

 private:
  void trim();
  const size_t capacity_;
  size_t bytes_ = 0;
  u64 next_ = 0;
  std::deque<NumberedRecord> records_;
};

constexpr size_t max_record_bytes = 2u << 20;
/// An answer stops after about this much; `next` says where to go on.
constexpr size_t max_answer_bytes = 4u << 20;

/// Answers {"action":"GetLog", from, count, contract, blockNumber} and {"action":"GetInfo"}; else {"error": …}.
std::string answer_log_query(const LogRing& ring, std::string_view request);

}  // namespace phala::worker

#include "core/log_ring.hpp"

#include <algorithm>

namespace phala::worker {

namespace {
size_t size_of(const LogRecord& record) { return scale::encode(record).size() + 64; }
bool before(const NumberedRecord& record, u64 sequence) { return record.sequence < sequence; }
}  // namespace

std::vector<NumberedRecord> LogRing::numbered(std::vector<LogRecord> records) const {
  std::vector<NumberedRecord> out;
  out.reserve(records.size());
  u64 number = next_;
  for (auto& record : records) {
    if (size_of(record) > max_record_bytes) record = record::TooLarge{};
    out.push_back({number++, std::move(record)});
  }
  return out;
}

std::vector<NumberedRecord> LogRing::append(std::vector<LogRecord> records) {
  auto out = numbered(std::move(records));
  for (const auto& record : out) restore(record);
  return out;
}

bool LogRing::restore(NumberedRecord record) {
  const bool last = record.sequence >= next_ || chunks_.empty() || chunks_.back()->records.back().sequence < record.sequence;
  skip_to(record.sequence + 1);
  if (last) push_back(std::move(record));
  else if (!insert(std::move(record))) return false;
  trim();
  return true;
}

void LogRing::push_back(NumberedRecord record) {
  if (chunks_.empty() || chunks_.back()->full()) chunks_.push_back(std::make_shared<Chunk>());
  Chunk& chunk = *chunks_.back();
  const size_t size = size_of(record.record);
  chunk.records.push_back(std::move(record));
  chunk.bytes += size;
  bytes_ += size;
  ++count_;
}

/// Among older ones, which happens at a start only: the chunk is made anew, because views may hold the old one.
bool LogRing::insert(NumberedRecord record) {
  const auto chunk = std::find_if(chunks_.begin(), chunks_.end(), [&](const auto& c) { return c->records.back().sequence >= record.sequence; });
  auto records = (*chunk)->records;
  const auto at = std::lower_bound(records.begin(), records.end(), record.sequence, before);
  const bool oldest = chunk == chunks_.begin() && at - records.begin() <= static_cast<std::ptrdiff_t>(forgotten_);
  if (at->sequence == record.sequence || oldest) return false;
  const size_t size = size_of(record.record);
  records.insert(at, std::move(record));
  bytes_ += size;
  ++count_;
  std::vector<std::shared_ptr<Chunk>> fresh;
  for (auto& r : records) {
    if (fresh.empty() || fresh.back()->records.size() == chunk_records) fresh.push_back(std::make_shared<Chunk>());
    fresh.back()->bytes += size_of(r.record);
    fresh.back()->records.push_back(std::move(r));
  }
  *chunk = std::move(fresh.front());
  chunks_.insert(std::next(chunk), std::make_move_iterator(std::next(fresh.begin())), std::make_move_iterator(fresh.end()));
  return true;
}

void LogRing::trim() {
  while (bytes_ > capacity_ && count_ > 0) {
    bytes_ -= size_of(chunks_.front()->records[forgotten_].record);
    --count_;
    if (++forgotten_ < chunks_.front()->records.size()) continue;
    chunks_.erase(chunks_.begin());
    forgotten_ = 0;
  }
}

LogView LogRing::view() const {
  LogView out{{}, next_, capacity_, bytes_, count_};
  out.parts.reserve(chunks_.size());
  for (const auto& chunk : chunks_) {
    const std::span<const NumberedRecord> all(chunk->records);
    out.parts.push_back({chunk, chunk == chunks_.front() ? all.subspan(forgotten_) : all});
  }
  return out;
}

}  // namespace phala::worker

#include "core/log_server.hpp"

#include <nlohmann/json.hpp>

namespace phala::worker {

namespace {

using nlohmann::json;

size_t size_of(const LogRecord& record) { return scale::encode(record).size() + 64; }

/// JSON texts must be UTF-8; a contract may log anything.
std::string text_of(const std::string& text) { return scale::is_utf8(as_bytes(text)) ? text : "0x" + to_hex(as_bytes(text)); }

json to_json(const NumberedRecord& numbered) {
  json out{{"sequence", numbered.sequence}};
  const LogRecord& record = numbered.record;
  if (const auto* log = record.get_if<record::Log>()) {
    out.update({{"type", "Log"}, {"blockNumber", log->block}, {"contract", to_hex0x(log->contract)}, {"entry", to_hex0x(log->entry)},
                {"execMode", to_string(log->mode)}, {"timestamp", log->timestamp_ms}, {"level", log->level}, {"message", text_of(log->message)}});
  } else if (const auto* event = record.get_if<record::Event>()) {
    json topics = json::array();
    for (const auto& topic : event->topics) topics.push_back(to_hex0x(topic));
    out.update({{"type", "Event"}, {"blockNumber", event->block}, {"contract", to_hex0x(event->contract)}, {"topics", topics}, {"payload", to_hex0x(event->payload)}});
  } else if (const auto* output = record.get_if<record::MessageOutput>()) {
    out.update({{"type", "MessageOutput"}, {"blockNumber", output->block}, {"origin", to_hex0x(output->origin)}, {"contract", to_hex0x(output->contract)},
                {"nonce", to_hex0x(output->nonce)}, {"output", to_hex0x(output->output)}});
  } else {
    out["type"] = "TooLarge";
  }
  return out;
}

struct Filter {
  std::optional<std::string> contract;
  std::optional<u64> block;
  bool takes(const LogRecord& record) const {
    const auto match = [&](BlockNumber number, const Hash& id, const Hash& entry) {
      if (block && number != *block) return false;
      return !contract || to_hex0x(id) == *contract || to_hex0x(entry) == *contract;
    };
    if (const auto* log = record.get_if<record::Log>()) return match(log->block, log->contract, log->entry);
    if (const auto* event = record.get_if<record::Event>()) return match(event->block, event->contract, event->contract);
    if (const auto* output = record.get_if<record::MessageOutput>()) return match(output->block, output->contract, output->contract);
    return !contract && !block;
  }
};

json get_log(const LogRing& ring, const json& request) {
  const auto whole = [&](const char* name) -> std::optional<int64_t> {
    const auto at = request.find(name);
    if (at == request.end() || at->is_null()) return std::nullopt;
    return at->is_number_integer() ? at->get<int64_t>() : throw json::type_error::create(302, std::string(name) + " must be a whole number", &request);
  };
  Filter filter;
  if (const auto at = request.find("contract"); at != request.end() && !at->is_null()) filter.contract = at->get<std::string>();
  if (const auto block = whole("blockNumber")) filter.block = static_cast<u64>(*block);
  const int64_t from = whole("from").value_or(0);
  const u64 next = ring.next_sequence();
  // a negative `from` counts back over the records of all contracts, before the filter
  const u64 first = from >= 0 ? static_cast<u64>(from) : (static_cast<u64>(-(from + 1)) + 1 > next ? 0 : next - (static_cast<u64>(-(from + 1)) + 1));
  const u64 count = static_cast<u64>(std::max<int64_t>(0, whole("count").value_or(0)));

  const auto& all = ring.records();
  auto at = std::lower_bound(all.begin(), all.end(), first, [](const NumberedRecord& r, u64 sequence) { return r.sequence < sequence; });
  json records = json::array();
  size_t bytes = 0;
  u64 resume = next;
  for (; at != all.end(); ++at) {
    if (!filter.takes(at->record)) continue;
    if ((count != 0 && records.size() == count) || bytes > max_answer_bytes) {
      resume = at->sequence;
      break;
    }
    records.push_back(to_json(*at));
    bytes += 2 * size_of(at->record);
  }
  return {{"records", std::move(records)}, {"next", resume}};
}

}  // namespace

std::vector<NumberedRecord> LogRing::append(std::vector<LogRecord> records) {
  std::vector<NumberedRecord> out;
  out.reserve(records.size());
  for (auto& record : records) {
    if (size_of(record) > max_record_bytes) record = record::TooLarge{};
    out.push_back({next_++, std::move(record)});
    bytes_ += size_of(out.back().record);
    records_.push_back(out.back());
  }
  trim();
  return out;
}

bool LogRing::restore(NumberedRecord record) {
  skip_to(record.sequence + 1);
  const auto at = std::lower_bound(records_.begin(), records_.end(), record.sequence, [](const NumberedRecord& r, u64 s) { return r.sequence < s; });
  if (at != records_.end() && (at->sequence == record.sequence || at == records_.begin())) return false;
  bytes_ += size_of(record.record);
  records_.insert(at, std::move(record));
  trim();
  return true;
}

void LogRing::trim() {
  while (bytes_ > capacity_ && !records_.empty()) {
    bytes_ -= size_of(records_.front().record);
    records_.pop_front();
  }
}

std::string answer_log_query(const LogRing& ring, std::string_view text) {
  // the parser throws; nothing of it leaves this function
  try {
    const json request = json::parse(text);
    const std::string action = request.at("action").get<std::string>();
    if (action == "GetLog") return get_log(ring, request).dump();
    if (action == "GetInfo")
      return json{{"programVersion", {0, 1, 0}}, {"nextSequence", ring.next_sequence()}, {"memoryCapacity", ring.capacity()}, {"memoryUsage", ring.bytes()},
                  {"currentNumberOfRecords", ring.records().size()}, {"estimatedCurrentSize", ring.bytes()}}.dump();
    return json{{"error", "unknown action '" + action.substr(0, 64) + "'; use GetLog or GetInfo"}}.dump();
  } catch (const json::exception& e) {
    return json{{"error", std::string("bad request: ") + e.what()}}.dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

}  // namespace phala::worker

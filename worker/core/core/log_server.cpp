#include "core/log_server.hpp"

#include <nlohmann/json.hpp>

#include "base/secret.hpp"
#include "engine/result.hpp"

namespace phala::worker {

namespace {

using nlohmann::json;

/// JSON texts must be UTF-8; a contract may log anything.
std::string text_of(const std::string& text) { return scale::is_utf8(as_bytes(text)) ? text : "0x" + to_hex(as_bytes(text)); }

constexpr size_t least_nonce_bytes = 16;   // shorter ones can be guessed

/// The same result without what only the sender may know: data, cost, and which method it was. A refusal by the contract keeps one byte of data, which
/// decodes as an error of no kind: nothing at all would decode as success where clients show what a reverted call returned.
Bytes ending_of(const Bytes& output) {
  constexpr size_t selector = 4;
  auto result = engine::decode_call_result(ByteView(output).first(output.size() - std::min(selector, output.size())));
  engine::ContractResult shown;
  shown.storage_deposit = engine::Charge{};
  shown.result = fail(engine::DispatchError(engine::dispatch::Other{}));
  if (result && result->result) shown.result = engine::ReturnValue{result->result->flags, result->result->reverted() ? Bytes{1} : Bytes{}, {}};
  else if (result) shown.result = fail(result->result.error());
  Bytes out = shown.encode();
  out.resize(out.size() + selector);
  return out;
}

struct Filter {
  std::optional<Hash> contract;
  std::optional<u64> block;
  bool nothing = false;   ///< a contract that no id equals
  Bytes nonce;            ///< that the asker knows
  Hash asker;

  bool takes(const LogRecord& record) const {
    const auto match = [&](BlockNumber number, const Hash& id, const Hash& entry) {
      if (nothing || (block && number != *block)) return false;
      return !contract || id == *contract || entry == *contract;
    };
    if (const auto* log = record.get_if<record::Log>()) return match(log->block, log->contract, log->entry);
    if (const auto* event = record.get_if<record::Event>()) return match(event->block, event->contract, event->contract);
    if (const auto* output = record.get_if<record::MessageOutput>()) return match(output->block, output->contract, output->contract);
    return !contract && !block && !nothing;
  }
  bool may_read(const record::MessageOutput& output) const {
    return !output.sealed || output.origin == asker || (nonce.size() >= least_nonce_bytes && constant_time_equal(nonce, output.nonce));
  }
};

json to_json(const NumberedRecord& numbered, const Filter& filter) {
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
    const bool whole = filter.may_read(*output);
    out.update({{"type", "MessageOutput"}, {"blockNumber", output->block}, {"origin", to_hex0x(output->origin)}, {"contract", to_hex0x(output->contract)},
                {"nonce", whole ? to_hex0x(output->nonce) : "0x"}, {"output", to_hex0x(whole ? output->output : ending_of(output->output))}});
  } else {
    out["type"] = "TooLarge";
  }
  return out;
}

Filter filter_of(const json& request, const AccountId& asker) {
  Filter out;
  out.asker = asker.as<Hash>();
  if (const auto at = request.find("contract"); at != request.end() && !at->is_null()) {
    const std::string text = at->get<std::string>();
    const auto raw = from_hex(text);
    if (text.empty()) out.contract = std::nullopt;   // as some tools say "all"
    else if (raw && raw->size() == Hash::bytes) out.contract = Hash(*raw);
    else out.nothing = true;
  }
  if (const auto at = request.find("nonce"); at != request.end() && !at->is_null()) {
    auto raw = from_hex(at->get<std::string>());
    if (!raw) throw json::type_error::create(302, "nonce must be hex", &request);
    out.nonce = std::move(*raw);
  }
  return out;
}

json get_log(const LogView& log, const json& request, const AccountId& asker) {
  const auto whole = [&](const char* name) -> std::optional<int64_t> {
    const auto at = request.find(name);
    if (at == request.end() || at->is_null()) return std::nullopt;
    return at->is_number_integer() ? at->get<int64_t>() : throw json::type_error::create(302, std::string(name) + " must be a whole number", &request);
  };
  Filter filter = filter_of(request, asker);
  if (const auto block = whole("blockNumber")) filter.block = static_cast<u64>(*block);
  const int64_t from = whole("from").value_or(0);
  // a negative `from` counts back over the records of all contracts, before the filter
  const u64 back = from < 0 ? static_cast<u64>(-(from + 1)) + 1 : 0;
  const u64 first = from >= 0 ? static_cast<u64>(from) : log.next_sequence - std::min(back, log.next_sequence);
  const auto wanted = static_cast<u64>(std::max<int64_t>(0, whole("count").value_or(0)));
  const u64 count = wanted == 0 ? max_answer_records : std::min<u64>(wanted, max_answer_records);

  json records = json::array();
  size_t bytes = 0, scanned = 0;
  u64 resume = log.next_sequence;
  log.for_each(first, [&](const NumberedRecord& record) {
    const bool taken = filter.takes(record.record);
    if (scanned == max_scanned_records || (taken && (records.size() == count || bytes > max_answer_bytes))) {
      resume = record.sequence;
      return false;
    }
    ++scanned;
    if (!taken) return true;
    records.push_back(to_json(record, filter));
    bytes += 2 * scale::encode(record.record).size();
    return true;
  });
  return {{"records", std::move(records)}, {"next", resume}};
}

}  // namespace

std::string answer_log_query(const LogView& log, std::string_view text, const AccountId& asker) {
  // the parser throws; nothing of it leaves this function
  try {
    const json request = json::parse(text);
    const std::string action = request.at("action").get<std::string>();
    if (action == "GetLog") return get_log(log, request, asker).dump();
    if (action == "GetInfo")
      return json{{"programVersion", {0, 1, 0}}, {"nextSequence", log.next_sequence}, {"memoryCapacity", log.capacity}, {"memoryUsage", log.bytes},
                  {"currentNumberOfRecords", log.records}, {"estimatedCurrentSize", log.bytes}}.dump();
    return json{{"error", "unknown action '" + action.substr(0, 64) + "'; use GetLog or GetInfo"}}.dump();
  } catch (const json::exception& e) {
    return json{{"error", std::string("bad request: ") + e.what()}}.dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

}  // namespace phala::worker

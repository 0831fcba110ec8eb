#include "engine/events.hpp"

#include "crypto/hash.hpp"
#include "engine/engine.hpp"

namespace phala::engine {

const Hash pink_topic = [] {
  Hash topic;
  const auto raw = from_hex("407068616c612e70696e6b2e6576656e74");
  std::copy(raw->begin(), raw->end(), topic.begin());
  return topic;
}();

namespace {
constexpr size_t log_records_limit = 1024;
constexpr size_t log_text_limit = 1 << 20;

const event::ContractEmitted* emitted(const EventRecord& record) {
  const auto* contracts = record.event.get_if<ContractsEvent>();
  return contracts ? contracts->get_if<event::ContractEmitted>() : nullptr;
}
}  // namespace

std::optional<EmittedPinkEvent> pink_event_of(const EventRecord& record, bool& malformed) {
  malformed = false;
  const auto* raw = emitted(record);
  if (!raw || record.topics.size() != 1 || record.topics[0] != pink_topic) return {};
  auto event = scale::decode<PinkEvent>(raw->data);
  if (!event) {
    malformed = true;
    return {};
  }
  return EmittedPinkEvent{raw->contract, std::move(*event)};
}

void sort_events(const std::vector<EventRecord>& records, const std::optional<ContractId>& system, Effects& effects) {
  constexpr u8 warn = 2;
  for (const auto& record : records) {
    const auto* raw = emitted(record);
    if (!raw) continue;
    bool malformed = false;
    auto pink = pink_event_of(record, malformed);
    if (malformed) {
      add_log(effects, {raw->contract, raw->contract, warn, "invalid pink event, dropped"});
    } else if (!pink) {
      effects.ink_events.push_back({raw->contract, record.topics, raw->data});
    } else if (pink->event.system_only() && pink->contract != system) {
      add_log(effects, {raw->contract, raw->contract, warn, "pink event " + std::to_string(pink->event.index()) + " is for the system contract alone, dropped"});
    } else {
      effects.pink_events.push_back(std::move(*pink));
    }
  }
}

namespace {
/// Not less than its encoding with a header before it, as far as it is known from the outside.
size_t expected_size(const EventsBlockBody& body) {
  size_t size = 512;
  for (const auto& record : body.events) {
    const auto* raw = emitted(record);
    size += 256 + record.topics.size() * Hash::bytes + (raw ? raw->data.size() : 0);
  }
  return size;
}
}  // namespace

std::optional<Bytes> next_events_block(RuntimeVersion version, EventsBlockBody body, EventChainHead& head) {
  std::erase_if(body.events, [](const EventRecord& record) {
    bool malformed = false;
    const auto pink = pink_event_of(record, malformed);
    return pink && pink->event.is_private();
  });
  if (body.events.empty()) return {};
  // SCALE of an EventsBlock, header and body; the body, which may be megabytes, is written once
  Bytes encoded_body;
  encoded_body.reserve(expected_size(body));
  scale::encode_to(encoded_body, body);
  const Bytes header = scale::encode(EventsBlockHeader{head.next_number, version, head.last_hash, crypto::blake2_256(encoded_body)});
  head = {head.next_number + 1, crypto::blake2_256(header)};
  encoded_body.insert(encoded_body.begin(), header.begin(), header.end());
  return encoded_body;
}

void add_log(Effects& effects, LogRecord record) {
  size_t text = record.message.size();
  for (const auto& one : effects.logs) text += one.message.size();
  if (effects.logs.size() >= log_records_limit || text > log_text_limit) {
    ++effects.logs_dropped;
    return;
  }
  effects.logs.push_back(std::move(record));
}

}  // namespace phala::engine

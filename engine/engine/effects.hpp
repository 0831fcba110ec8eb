#pragma once
// Why: the engine is pure. What a query may do to the world (HTTP, cache, randomness, the clock) is this one interface,
// implemented by the worker's shell; what a run asks for afterwards (events, logs, new contracts) is a value it returns.

#include <map>

#include "engine/result.hpp"

namespace phala::engine {

// ---- chain extension types (docs/protocol.md §15) -----------------------------------------------------------------
using HttpHeader = std::pair<std::string, std::string>;
struct HttpRequest { std::string url, method; std::vector<HttpHeader> headers; Bytes body;  FIELDS(url, method, headers, body) };
struct HttpResponse { u16 status_code{}; std::string reason_phrase; std::vector<HttpHeader> headers; Bytes body;  FIELDS(status_code, reason_phrase, headers, body) };

enum class HttpError : u8 {
  invalid_url, invalid_method, invalid_header_name, invalid_header_value, failed_to_create_client, timeout, not_allowed,
  too_many_requests, network_error, response_too_large, too_many_headers,
};
constexpr bool is_valid(HttpError e) { return e <= HttpError::too_many_headers; }
std::string_view to_string(HttpError error);
using HttpResult = Result<HttpResponse, HttpError>;

struct SgxQuote { u8 attestation_type{}; Bytes quote;  FIELDS(attestation_type, quote) };

/// The world as a query sees it. One object per query, used by one thread; never called in a transaction or an estimate.
/// Limits on size, count, targets and time of HTTP are the implementation's (docs/protocol.md §15).
class QueryEffects {
 public:
  virtual ~QueryEffects() = default;
  /// Redirects followed, body at most 2 MiB. A host that cannot be reached is a response with status 523.
  virtual HttpResult http_request(const AccountId& contract, const HttpRequest& request) = 0;
  /// At most 5, concurrently; one answer per request, in order. The outer error refuses the whole batch.
  virtual Result<std::vector<HttpResult>, HttpError> batch_http_request(const AccountId& contract, const std::vector<HttpRequest>& requests,
                                                                        u64 timeout_ms) = 0;
  virtual Bytes random_bytes(u8 count) = 0;
  virtual u64 unix_time_ms() = 0;
  /// The worker's local cache, one name space and quota per contract. False: over quota.
  virtual bool cache_set(const AccountId& contract, ByteView key, ByteView value) = 0;
  virtual void cache_set_expiration(const AccountId& contract, ByteView key, u64 seconds) = 0;
  virtual std::optional<Bytes> cache_get(const AccountId& contract, ByteView key) = 0;
  virtual std::optional<Bytes> cache_remove(const AccountId& contract, ByteView key) = 0;
  /// A quote over the worker's public key, where the machine can make one.
  virtual std::optional<SgxQuote> worker_quote() = 0;
  /// Asked before every host function: true ends the query (wall-clock limit, client gone).
  virtual bool expired() { return false; }
};

/// The world of a query that may do nothing to it: what a query has that was given none.
class NoEffects : public QueryEffects {
 public:
  HttpResult http_request(const AccountId&, const HttpRequest&) override { return fail(HttpError::not_allowed); }
  Result<std::vector<HttpResult>, HttpError> batch_http_request(const AccountId&, const std::vector<HttpRequest>&, u64) override { return fail(HttpError::not_allowed); }
  Bytes random_bytes(u8) override { return {}; }
  u64 unix_time_ms() override { return 0; }
  bool cache_set(const AccountId&, ByteView, ByteView) override { return false; }
  void cache_set_expiration(const AccountId&, ByteView, u64) override {}
  std::optional<Bytes> cache_get(const AccountId&, ByteView) override { return {}; }
  std::optional<Bytes> cache_remove(const AccountId&, ByteView) override { return {}; }
  std::optional<SgxQuote> worker_quote() override { return {}; }
};

// ---- pink events (docs/protocol.md §16) -----------------------------------------------------------------------------
struct SetHook { u8 hook{}; AccountId contract; u32 selector{}; u64 gas_limit{};  FIELDS(hook, contract, selector, gas_limit) };
struct DeploySidevmTo { AccountId contract; Hash code_hash;  FIELDS(contract, code_hash) };
struct SidevmMessage { Bytes payload;  FIELDS(payload) };
struct CacheSet { Bytes key, value;  FIELDS(key, value) };
struct CacheSetExpiration { Bytes key; u64 seconds{};  FIELDS(key, seconds) };
struct CacheRemove { Bytes key;  FIELDS(key) };
struct CacheOp : scale::Enum<At<0, CacheSet>, At<1, CacheSetExpiration>, At<2, CacheRemove>> { using Enum::Enum; };
struct StopSidevm { FIELDS() };
struct ForceStopSidevm { AccountId contract;  FIELDS(contract) };
struct SetLogHandler { AccountId contract;  FIELDS(contract) };
struct SetContractWeight { AccountId contract; u32 weight{};  FIELDS(contract, weight) };
struct UpgradeRuntimeTo { std::pair<u32, u32> version;  FIELDS(version) };
struct SidevmConfig {
  u32 max_code_size = 10 * 1024 * 1024, max_memory_pages = 1024;
  u64 vital_capacity = 50'000'000'000;
  u32 deadline = ~u32{0};
  FIELDS(max_code_size, max_memory_pages, vital_capacity, deadline)
};
struct AllWorkers { FIELDS() };
struct WorkerList { std::vector<PublicKey> workers;  FIELDS(workers) };
struct Workers : scale::Enum<At<0, AllWorkers>, At<1, WorkerList>> { using Enum::Enum; };
struct SidevmStart { AccountId contract; Hash code_hash; Workers workers; SidevmConfig config;  FIELDS(contract, code_hash, workers, config) };
struct SidevmSetDeadline { AccountId contract; u32 deadline{};  FIELDS(contract, deadline) };
struct SidevmOperation : scale::Enum<At<0, SidevmStart>, At<1, SidevmSetDeadline>> { using Enum::Enum; };
struct SidevmOperationEvent { SidevmOperation operation;  FIELDS(operation) };
struct CacheOpEvent { CacheOp operation;  FIELDS(operation) };
struct SetJsRuntime { Hash code_hash;  FIELDS(code_hash) };

struct PinkEvent
    : scale::Enum<At<2, SetHook>, At<3, DeploySidevmTo>, At<4, SidevmMessage>, At<5, CacheOpEvent>, At<6, StopSidevm>,
                  At<7, ForceStopSidevm>, At<8, SetLogHandler>, At<9, SetContractWeight>, At<10, UpgradeRuntimeTo>,
                  At<11, SidevmOperationEvent>, At<12, SetJsRuntime>> {
  using Enum::Enum;
  bool system_only() const;       ///< only the system contract may emit it
  bool allowed_in_query() const;  ///< takes effect after a query too
  bool is_private() const;        ///< left out of the event chain
};

// ---- what a run leaves behind ----------------------------------------------------------------------------------------
struct InstantiatedContract { AccountId deployer, contract;  FIELDS(deployer, contract) };
struct EmittedPinkEvent { AccountId contract; PinkEvent event;  FIELDS(contract, event) };
struct EmittedInkEvent { AccountId contract; std::vector<Hash> topics; Bytes payload;  FIELDS(contract, topics, payload) };
/// `level`: 1 error, 2 warn, 3 info, 4 debug, 5 trace.
struct LogRecord { AccountId contract, entry; u8 level{}; std::string message;  FIELDS(contract, entry, level, message) };

/// To be applied in this order. Of a run that failed only `logs` are left. Queries leave only pink events that a query may
/// cause; estimates leave nothing but logs.
struct Effects {
  std::vector<InstantiatedContract> instantiated;
  std::vector<EmittedPinkEvent> pink_events;
  std::vector<EmittedInkEvent> ink_events;
  std::vector<LogRecord> logs;          ///< at most 1,024 records and 1 MiB of text, the rest is counted
  u64 logs_dropped = 0;
  std::optional<Bytes> event_block;     ///< SCALE EventsBlock of a transaction, for the identity key to sign (content type 6)
};

}  // namespace phala::engine

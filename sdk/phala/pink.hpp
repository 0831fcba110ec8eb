#pragma once
// Why: what a confidential contract can do beyond a chain's contract: HTTP, keys that exist only inside, a cache, the worker's
// identity, side programs. Each function is one call of the worker's chain extension. "In a transaction" below also means when
// its cost is being estimated: there everything must be repeatable on every worker, so the outside world is absent.

#include "phala/env.hpp"

namespace phala::sdk::pink {

struct HttpRequest {
  std::string url;
  std::string method;
  std::vector<std::pair<std::string, std::string>> headers;
  Bytes body;
  FIELDS(url, method, headers, body)
};
struct HttpResponse {
  u16 status_code{};
  std::string reason_phrase;
  std::vector<std::pair<std::string, std::string>> headers;
  Bytes body;
  FIELDS(status_code, reason_phrase, headers, body)
};
enum class HttpRequestError : u8 {
  InvalidUrl, InvalidMethod, InvalidHeaderName, InvalidHeaderValue, FailedToCreateClient, Timeout, NotAllowed, TooManyRequests,
  NetworkError, ResponseTooLarge, TooManyHeaders
};
constexpr bool is_valid(HttpRequestError e) { return e <= HttpRequestError::TooManyHeaders; }

/// One request. Status 523: the server could not be reached; 524: the connection broke. In a transaction: 523. An invalid request
/// or running out of the query's time traps. `url` may be sidevm://<hex contract id>: a query to that contract's side program.
HttpResponse http_request(const HttpRequest& request);
HttpResponse http_get(std::string url, std::vector<std::pair<std::string, std::string>> headers = {});
HttpResponse http_post(std::string url, Bytes body, std::vector<std::pair<std::string, std::string>> headers = {});
/// At most 5 requests at once. In a transaction: NotAllowed.
Result<std::vector<Result<HttpResponse, HttpRequestError>>, HttpRequestError> batch_http_request(const std::vector<HttpRequest>& requests,
                                                                                                 u64 timeout_ms);

enum class SigType : u8 { Ed25519, Sr25519, Ecdsa };
constexpr bool is_valid(SigType t) { return t <= SigType::Ecdsa; }
/// Keys: a 32-byte seed, or for Sr25519 also the 64 bytes of derive_sr25519_key. Ecdsa signs the BLAKE2b-256 of the message.
/// In a transaction Sr25519 gives an empty signature, because its signatures are random.
Bytes sign(SigType type, ByteView key, ByteView message);
bool verify(SigType type, ByteView public_key, ByteView message, ByteView signature);
/// 64 bytes that only this contract in this cluster can derive, the same each time.
Bytes derive_sr25519_key(ByteView salt);
Bytes get_public_key(SigType type, ByteView key);
std::array<u8, 65> ecdsa_sign_prehashed(ByteView key, const Hash& hash);
bool ecdsa_verify_prehashed(const std::array<u8, 65>& signature, const Hash& hash, const std::array<u8, 33>& public_key);
/// 64 bytes nobody can predict, the same for the same salt.
Bytes vrf(ByteView salt);

/// The cache lives on one worker and may lose entries; its size follows the contract's weight. False: over quota.
/// In a transaction, writes happen after it succeeds and reads give nothing.
bool cache_set(ByteView key, ByteView value);
void cache_set_expiration(ByteView key, u64 seconds);
std::optional<Bytes> cache_get(ByteView key);
std::optional<Bytes> cache_remove(ByteView key);

enum class LogLevel : u8 { Error = 1, Warn, Info, Debug, Trace };
void log(LogLevel level, std::string_view text);

/// Empty in a transaction.
Bytes random_bytes(u8 length);
bool is_in_transaction();
AccountId system_contract_id();
/// (total, free) within the cluster.
std::pair<Balance, Balance> balance_of(const AccountId& account);
/// The identity of the worker that answers; zeros in a transaction.
PublicKey worker_pubkey();
/// The worker's own clock, which its owner can set; 0 in a transaction.
u64 untrusted_millis_since_unix_epoch();
bool code_exists(const Hash& hash, bool is_sidevm);
/// System contract only: uploads the code that governance released, paid by `payer`, and returns its hash.
std::optional<Hash> import_latest_system_code(const AccountId& payer);
std::pair<u32, u32> runtime_version();
/// Number of the next event block, hash of the last.
std::pair<u64, Hash> current_event_chain_head();

struct JsSource { std::string code;  FIELDS(code) };
struct JsBytecode { Bytes code;  FIELDS(code) };
using JsCode = scale::Enum<scale::At<0, JsSource>, scale::At<1, JsBytecode>>;
struct JsUndefined { FIELDS() };
struct JsNull { FIELDS() };
struct JsString { std::string text;  FIELDS(text) };
struct JsBytes { Bytes bytes;  FIELDS(bytes) };
struct JsOther { std::string text;  FIELDS(text) };
struct JsException { std::string text;  FIELDS(text) };
using JsValue = scale::Enum<scale::At<0, JsUndefined>, scale::At<1, JsNull>, scale::At<2, JsString>, scale::At<3, JsBytes>,
                            scale::At<4, JsOther>, scale::At<5, JsException>>;
/// Runs scripts one after the other; the value of the last. In a transaction: JsException.
JsValue js_eval(const std::vector<JsCode>& codes, const std::vector<std::string>& arguments);

struct SgxQuote { u8 attestation_type{};  Bytes quote;  FIELDS(attestation_type, quote) };
/// Evidence that binds worker_pubkey to its enclave. None in a transaction and where the worker has none.
std::optional<SgxQuote> worker_sgx_quote();

// ---- events to the worker itself ---------------------------------------------------------------------------------
// They take effect when the call has succeeded. Which contract may emit which: "system" is the system contract.

enum class HookPoint : u8 { OnBlockEnd };
constexpr bool is_valid(HookPoint h) { return h == HookPoint::OnBlockEnd; }

struct SidevmConfig {
  u32 max_code_size = 10 << 20, max_memory_pages = 1024;
  u64 vital_capacity = 50'000'000'000;
  u32 deadline = 0xffffffff;   ///< block number
  FIELDS(max_code_size, max_memory_pages, vital_capacity, deadline)
};
struct AllWorkers { FIELDS() };
struct ListedWorkers { std::vector<std::array<u8, 32>> workers;  FIELDS(workers) };
using Workers = scale::Enum<scale::At<0, AllWorkers>, scale::At<1, ListedWorkers>>;
struct SidevmStart { AccountId contract; Hash code_hash; Workers workers; SidevmConfig config;  FIELDS(contract, code_hash, workers, config) };
struct SidevmSetDeadline { AccountId contract; u32 deadline{};  FIELDS(contract, deadline) };

struct SetHook { HookPoint hook{}; AccountId contract; u32 selector{}; u64 gas_limit{};  FIELDS(hook, contract, selector, gas_limit) };  // system
struct DeploySidevmTo { AccountId contract; Hash code_hash;  FIELDS(contract, code_hash) };                                              // system
struct SidevmMessage { Bytes payload;  FIELDS(payload) };                                                                                // any
struct StopSidevm { FIELDS() };                                                                                                          // any
struct ForceStopSidevm { AccountId contract;  FIELDS(contract) };                                                                        // system
struct SetLogHandler { AccountId contract;  FIELDS(contract) };                                                                          // system
struct SetContractWeight { AccountId contract; u32 weight{};  FIELDS(contract, weight) };                                                // system
struct UpgradeRuntimeTo { std::pair<u32, u32> version;  FIELDS(version) };                                                               // system
struct SidevmOperation {                                                                                                                 // system
  scale::Enum<scale::At<0, SidevmStart>, scale::At<1, SidevmSetDeadline>> operation;
  FIELDS(operation)
};
struct SetJsRuntime { Hash code_hash;  FIELDS(code_hash) };                                                                              // system

using Event = scale::Enum<scale::At<2, SetHook>, scale::At<3, DeploySidevmTo>, scale::At<4, SidevmMessage>, scale::At<6, StopSidevm>,
                          scale::At<7, ForceStopSidevm>, scale::At<8, SetLogHandler>, scale::At<9, SetContractWeight>,
                          scale::At<10, UpgradeRuntimeTo>, scale::At<11, SidevmOperation>, scale::At<12, SetJsRuntime>>;
static_assert(Event::indices.size() == 10);

/// The topic of such events: the SCALE string "phala.pink.event" (so it begins with its length, 0x40), then zeros.
Hash event_topic();

namespace detail {
void emit_encoded(u8 index, Bytes body);
template <class E, class... A>
constexpr u8 index_of(scale::Enum<A...>*) {
  u8 index = 0;
  static_cast<void>(((std::is_same_v<E, typename A::type> && (index = A::index, true)) || ...));
  return index;
}
}  // namespace detail
template <class E>
  requires(Event::has<E>)
void emit(const E& event) {
  detail::emit_encoded(detail::index_of<E>(static_cast<Event*>(nullptr)), scale::encode(event));
}

}  // namespace phala::sdk::pink

#include "engine/extension.hpp"

#include "crypto/hash.hpp"
#include "engine/bounded.hpp"
#include "engine/extension_keys.hpp"
#include "engine/host_functions.hpp"

namespace phala::engine {
/// SCALE's Result has a success byte that our Result does not show.
struct BatchItem {
  HttpResult result;
};
}  // namespace phala::engine

template <>
struct phala::scale::Codec<phala::engine::BatchItem> {
  static void encode(Bytes& out, const engine::BatchItem& item) {
    out.push_back(item.result ? 0 : 1);
    if (item.result) encode_to(out, *item.result);
    else encode_to(out, item.result.error());
  }
};

namespace phala::engine {

namespace {

/// As HttpRequest. There are 256 headers and 5 requests at most, which the one who sends them answers for with errors of their own;
/// the limits here only keep what is refused small.
struct HttpArgument {
  std::string url, method;
  Bounded<HttpHeader, 1024> headers;
  Bytes body;
  FIELDS(url, method, headers, body)
  HttpRequest take() { return {std::move(url), std::move(method), std::move(headers.items), std::move(body)}; }
};
using HttpArguments = Bounded<HttpArgument, 64>;

struct JsSource { std::string text;  FIELDS(text) };
struct JsBytecode { Bytes code;  FIELDS(code) };
struct JsCode : scale::Enum<At<0, JsSource>, At<1, JsBytecode>> { using Enum::Enum; };
struct JsException { std::string text;  FIELDS(text) };
struct JsValue : scale::Enum<At<5, JsException>> { using Enum::Enum; };

/// For functions with status codes: 0 and a value, or another code and nothing.
template <class T>
struct Coded { u32 status = 0; T value{}; };
struct Nothing { FIELDS() };

QueryEffects& world(Frame& frame) {
  static NoEffects none;
  QueryEffects* effects = frame.run.query_effects();
  return effects ? *effects : none;
}

// ---- HTTP ------------------------------------------------------------------------------------------------------------
HttpResponse plain_response(u16 status, std::string_view reason, std::string_view body) {
  return {status, std::string(reason), {}, to_bytes(body)};
}

Hosted<HttpResponse> http_request(Frame& frame, HttpArgument argument) {
  HttpResult answer = world(frame).http_request(frame.account, argument.take());
  if (answer) return std::move(*answer);
  if (answer.error() >= HttpError::network_error) return plain_response(524, "IO Error", to_string(answer.error()));
  return fail(refused("HTTP request: " + std::string(to_string(answer.error()))));
}
Hosted<HttpResponse> no_http_request(Frame&, HttpArgument) {
  return plain_response(523, "API Unavailable", "HTTP request is not supported in transaction");
}

using Batch = Coded<std::vector<BatchItem>>;
Batch refused_batch(HttpError error) { return {static_cast<u32>(error) + 1, {}}; }

Hosted<Batch> batch_http_request(Frame& frame, HttpArguments arguments, u64 timeout_ms) {
  std::vector<HttpRequest> requests;
  for (auto& one : arguments.items) requests.push_back(one.take());
  auto answers = world(frame).batch_http_request(frame.account, requests, timeout_ms);
  if (!answers) return refused_batch(answers.error());
  Batch out;
  for (auto& one : *answers) out.value.push_back({std::move(one)});
  return out;
}
Hosted<Batch> no_batch_http_request(Frame&, HttpArguments, u64) { return refused_batch(HttpError::not_allowed); }

// ---- the local cache: at once in queries, as events in transactions ---------------------------------------------------
Hosted<Coded<Nothing>> cache_set(Frame& frame, Bytes key, Bytes value) {
  constexpr u32 quota_exceeded = 1;
  return Coded<Nothing>{world(frame).cache_set(frame.account, key, value) ? 0 : quota_exceeded, {}};
}
Hosted<Coded<Nothing>> cache_set_later(Frame& frame, Bytes key, Bytes value) {
  TRY(frame.run.emit_pink(frame, CacheOpEvent{CacheSet{std::move(key), std::move(value)}}));
  return Coded<Nothing>{};
}
Hosted<Nothing> cache_set_expiration(Frame& frame, Bytes key, u64 seconds) {
  world(frame).cache_set_expiration(frame.account, key, seconds);
  return Nothing{};
}
Hosted<Nothing> cache_set_expiration_later(Frame& frame, Bytes key, u64 seconds) {
  TRY(frame.run.emit_pink(frame, CacheOpEvent{CacheSetExpiration{std::move(key), seconds}}));
  return Nothing{};
}
Hosted<std::optional<Bytes>> cache_get(Frame& frame, Bytes key) { return world(frame).cache_get(frame.account, key); }
Hosted<std::optional<Bytes>> cache_remove(Frame& frame, Bytes key) { return world(frame).cache_remove(frame.account, key); }
Hosted<std::optional<Bytes>> cache_remove_later(Frame& frame, Bytes key) {
  TRY(frame.run.emit_pink(frame, CacheOpEvent{CacheRemove{std::move(key)}}));
  return std::optional<Bytes>{};
}

// ---- what is around ---------------------------------------------------------------------------------------------------
Hosted<Nothing> log(Frame& frame, u8 level, std::string message) {
  constexpr u8 error = 1, trace = 5;
  frame.run.log(level >= error && level <= trace ? level : error, std::move(message));
  return Nothing{};
}
Hosted<Bytes> getrandom(Frame& frame, u8 count) { return world(frame).random_bytes(count); }
Hosted<bool> is_in_transaction(Frame&) { return false; }
Hosted<bool> it_is_in_transaction(Frame&) { return true; }
Hosted<AccountId> system_contract_id(Frame& frame) {
  if (!frame.run.config.system_contract) return fail(Stop(PinkError::SystemContractMissing, "the cluster has no system contract"));
  return *frame.run.config.system_contract;
}
Hosted<std::pair<Balance, Balance>> balance_of(Frame& frame, AccountId who) {
  const Account account = account_of(frame.run.journal, who);
  return std::pair(saturating_add(account.free, account.held), account.free);
}
Hosted<PublicKey> worker_pubkey(Frame& frame) { return frame.run.context.worker_pubkey; }
Hosted<u64> untrusted_millis_since_unix_epoch(Frame& frame) { return world(frame).unix_time_ms(); }
Hosted<bool> code_exists(Frame& frame, Hash code_hash, bool sidevm) {
  return frame.run.journal.get(sidevm ? key::sidevm_code(code_hash) : key::code_info(code_hash)).has_value();
}
Hosted<RuntimeVersion> get_runtime_version(Frame& frame) { return frame.run.rules.version; }
Hosted<std::pair<u64, Hash>> current_event_chain_head(Frame& frame) {
  const auto head = frame.run.journal.read<EventChainHead>(key::event_chain()).value_or(EventChainHead{});
  return std::pair(head.next_number, head.last_hash);
}
Hosted<JsValue> js_eval(Frame&, Bounded<JsCode, 256>, Bounded<std::string, 1024>) { return JsValue(JsException{"No js runtime"}); }
Hosted<JsValue> no_js_eval(Frame&, Bounded<JsCode, 256>, Bounded<std::string, 1024>) {
  return JsValue(JsException{"Js evaluation is not supported in transaction"});
}
Hosted<std::optional<SgxQuote>> worker_sgx_quote(Frame& frame) { return world(frame).worker_quote(); }

/// The system contract upgrades itself to the code that the chain names.
Hosted<std::optional<Hash>> import_latest_system_code(Frame& frame, AccountId payer) {
  Run& run = frame.run;
  const ByteView wasm = run.context.latest_system_code;
  if (wasm.empty()) return std::optional<Hash>{};
  const Hash code_hash = crypto::blake2_256(wasm);
  if (run.code_info(code_hash)) return std::optional(code_hash);
  auto checked = check_and_rewrite(wasm, Determinism::enforced);
  if (!checked) return fail(Stop(ContractsError::CodeRejected, checked.error().message));
  if (auto compiled = run.engine.prepare(code_hash, [&] { return checked; }); !compiled) {
    if (compiled.error().code != ErrorCode::invalid_input) return fail(run.give_up(std::move(compiled.error()).in("import system code")));
    return fail(Stop(ContractsError::CodeRejected, compiled.error().message));
  }
  const Balance deposit = code_deposit(run.config, wasm.size());
  if (!hold(run.journal, payer, deposit)) return fail(Stop(ContractsError::StorageDepositNotEnoughFunds, "the payer cannot pay the deposit of the system code"));
  put_code(run.journal, CodeInfo{payer, deposit, 0, Determinism::enforced, static_cast<u32>(wasm.size())}, wasm);
  TRY(run.emit(event::CodeStored{code_hash, deposit, payer}, {code_hash}));
  TRY(run.check_journal());
  return std::optional(code_hash);
}

// ---- reading arguments and writing answers by type ----------------------------------------------------------------------
template <class T>
ExtensionAnswer to_answer(T value) { return {0, scale::encode(value)}; }
template <class T>
ExtensionAnswer to_answer(Coded<T> coded) {
  if (coded.status != 0) return {coded.status, {}};
  return {0, scale::encode(coded.value)};
}

template <auto Fn>
struct Adapter;
template <class R, class... A, Hosted<R> (*Fn)(Frame&, A...)>
struct Adapter<Fn> {
  static Hosted<ExtensionAnswer> call(Frame& frame, ByteView input) {
    auto args = scale::decode<std::tuple<A...>>(input);
    if (!args) {
      const bool length = args.error() == scale::CodecError::length_too_large;
      const std::string why(length ? "a list is longer than the input or than it may be" : scale::to_string(args.error()));
      return fail(Stop(ContractsError::DecodingFailed, "the arguments of a chain extension do not decode: " + why));
    }
    return to_answer(TRY(std::apply([&](auto&... arg) { return Fn(frame, std::move(arg)...); }, *args)));
  }
};
/// The function that decodes as Fn and answers a value with nothing in it.
template <auto Fn>
struct Empty;
template <class R, class... A, Hosted<R> (*Fn)(Frame&, A...)>
struct Empty<Fn> {
  static Hosted<R> answer(Frame&, A...) { return R{}; }
};

template <auto Fn>
constexpr ExtensionFn everywhere(u16 id, std::string_view name, Gas price, Callers callers = Callers::everyone) {
  return {id, name, price, callers, OutsideQueries::same, &Adapter<Fn>::call, &Adapter<Fn>::call};
}
template <auto Fn>
constexpr ExtensionFn in_queries(u16 id, std::string_view name, Gas price) {
  return {id, name, price, Callers::everyone, OutsideQueries::nothing, &Adapter<Fn>::call, &Adapter<&Empty<Fn>::answer>::call};
}
template <auto Fn, auto Outside>
constexpr ExtensionFn either(u16 id, std::string_view name, Gas price, OutsideQueries outside) {
  return {id, name, price, Callers::everyone, outside, &Adapter<Fn>::call, &Adapter<Outside>::call};
}
constexpr ExtensionFn since(RuntimeVersion version, ExtensionFn fn) {
  fn.since = version;
  return fn;
}

// Prices: by what the same work costs as a host function, or by measurement (docs/adr/0004-gas-rules.md).
constexpr Gas free_of_charge = 0, curve_operation = 60'000'000, state_read = 4'000'000, code_import = 10'000'000'000;

using enum OutsideQueries;
const ExtensionFn table[] = {
    either<http_request, no_http_request>(1, "http_request", free_of_charge, refusal),
    either<extension::sign, extension::sign_repeatably>(2, "sign", curve_operation, partly),
    everywhere<extension::verify>(3, "verify", curve_operation),
    everywhere<extension::derive_sr25519_key>(4, "derive_sr25519_key", curve_operation),
    everywhere<extension::get_public_key>(5, "get_public_key", curve_operation),
    either<cache_set, cache_set_later>(6, "cache_set", cost::deposit_event.base, event),
    either<cache_set_expiration, cache_set_expiration_later>(7, "cache_set_expiration", cost::deposit_event.base, event),
    in_queries<cache_get>(8, "cache_get", state_read),
    either<cache_remove, cache_remove_later>(9, "cache_remove", cost::deposit_event.base, event),
    everywhere<log>(10, "log", cost::deposit_event.base),
    in_queries<getrandom>(11, "getrandom", free_of_charge),
    either<is_in_transaction, it_is_in_transaction>(12, "is_in_transaction", free_of_charge, partly),
    everywhere<extension::ecdsa_sign_prehashed>(13, "ecdsa_sign_prehashed", curve_operation),
    everywhere<extension::ecdsa_verify_prehashed>(14, "ecdsa_verify_prehashed", curve_operation),
    everywhere<system_contract_id>(15, "system_contract_id", free_of_charge),
    everywhere<balance_of>(16, "balance_of", state_read),
    in_queries<worker_pubkey>(17, "worker_pubkey", free_of_charge),
    in_queries<untrusted_millis_since_unix_epoch>(18, "untrusted_millis_since_unix_epoch", free_of_charge),
    everywhere<code_exists>(19, "code_exists", state_read),
    everywhere<import_latest_system_code>(20, "import_latest_system_code", code_import, Callers::system_contract),
    everywhere<get_runtime_version>(21, "runtime_version", free_of_charge),
    since({1, 1}, either<batch_http_request, no_batch_http_request>(22, "batch_http_request", free_of_charge, refusal)),
    since({1, 1}, everywhere<current_event_chain_head>(23, "current_event_chain_head", state_read)),
    since({1, 2}, either<js_eval, no_js_eval>(24, "js_eval", free_of_charge, refusal)),
    since({1, 2}, in_queries<worker_sgx_quote>(25, "worker_sgx_quote", free_of_charge)),
};

}  // namespace

std::span<const ExtensionFn> extension_functions() { return table; }

namespace host {

Hosted<u32> call_chain_extension(Frame& frame, u32 id, In input, Out out) {
  if (id >> 16 != 0) return fail(Stop(PinkError::UnknownChainExtensionId, "chain extension " + std::to_string(id >> 16)));
  const auto* fn = std::find_if(std::begin(table), std::end(table), [&](const ExtensionFn& f) { return f.id == id; });
  if (fn == std::end(table)) return fail(Stop(PinkError::UnknownChainExtensionFunction, "chain extension function " + std::to_string(id)));
  if (frame.run.rules.version < fn->since)
    return fail(Stop(PinkError::UnknownChainExtensionFunction, std::string(fn->name) + " comes with contract runtime " + version_text(fn->since) +
                                                                   ", and this cluster runs " + version_text(frame.run.rules.version)));
  TRY(frame.charge(fn->price + input.size() * cost::extension.per_byte));
  if (fn->callers == Callers::system_contract && frame.account != frame.run.config.system_contract)
    return fail(Stop(DispatchError(dispatch::BadOrigin{}), std::string(fn->name) + " is for the system contract alone"));
  const ExtensionAnswer answer = TRY((frame.run.is_query() ? fn->in_query : fn->in_transaction)(frame, input));
  const u32 capacity = load_le<u32>(TRY(frame.read(out.len_ptr, 4)).data());
  if (capacity < answer.output.size())
    return fail(Stop(PinkError::ContractIoBufferOverflow, std::string(fn->name) + " answers " + std::to_string(answer.output.size()) + " bytes for a buffer of " +
                                                              std::to_string(capacity)));
  TRY(write_out(frame, out, answer.output, cost::copy_out));
  return answer.status;
}

}  // namespace host
}  // namespace phala::engine


#include "engine/extension.hpp"

#include "crypto/hash.hpp"
#include "crypto/sign.hpp"
#include "engine/bounded.hpp"
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

enum class SigType : u8 { ed25519, sr25519, ecdsa };
constexpr bool is_valid(SigType t) { return t <= SigType::ecdsa; }

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

Stop refused(std::string why) { return Stop(DispatchError(dispatch::Other{}), std::move(why)); }

// ---- keys ------------------------------------------------------------------------------------------------------------
Hosted<crypto::Sr25519Pair> sr25519_pair(ByteView key) {
  if (key.size() == 32) return crypto::Sr25519Pair::from_seed(crypto::Seed(key));
  if (key.size() == 64) {
    if (auto pair = crypto::Sr25519Pair::from_secret(SecretBytes<64>(key))) return std::move(*pair);
  }
  return fail(refused("bad sr25519 key: expected a 32-byte seed or a 64-byte secret"));
}
Hosted<crypto::Ed25519Pair> ed25519_pair(ByteView key) {
  if (key.size() != 32) return fail(refused("bad ed25519 key: expected a 32-byte seed"));
  return crypto::Ed25519Pair::from_seed(crypto::Seed(key));
}
Hosted<crypto::EcdsaPair> ecdsa_pair(ByteView key) {
  if (key.size() == 32) {
    if (auto pair = crypto::EcdsaPair::from_seed(crypto::Seed(key))) return std::move(*pair);
  }
  return fail(refused("bad ecdsa key: expected a 32-byte seed below the group order"));
}

Hosted<Bytes> sign(Frame& frame, SigType type, Bytes key, Bytes message) {
  TRY(frame.charge(message.size() * cost::blake2_256.per_byte));
  switch (type) {
    case SigType::ed25519: return to_bytes(TRY(ed25519_pair(key)).sign(message));
    case SigType::sr25519: {
      const auto pair = TRY(sr25519_pair(key));
      return frame.run.is_query() ? to_bytes(pair.sign(message)) : Bytes{};   // the scheme's signatures are meant to differ
    }
    case SigType::ecdsa: return to_bytes(TRY(ecdsa_pair(key)).sign_prehashed(crypto::blake2_256(message)));
  }
  return Bytes{};
}

Hosted<bool> verify(Frame& frame, SigType type, Bytes key, Bytes message, Bytes signature) {
  TRY(frame.charge(message.size() * cost::sr25519_verify.per_byte));
  if (type == SigType::ecdsa) {
    if (key.size() != 33 || signature.size() != 65) return false;
    return crypto::ecdsa_verify_prehashed(crypto::EcdsaSignature(ByteView(signature)), crypto::blake2_256(message), crypto::EcdsaPublicKey(ByteView(key)));
  }
  if (key.size() != 32 || signature.size() != 64) return false;
  const crypto::Signature sig{ByteView(signature)};
  const PublicKey pub{ByteView(key)};
  return type == SigType::ed25519 ? crypto::ed25519_verify(sig, message, pub) : crypto::sr25519_verify(sig, message, pub);
}

Hosted<Bytes> derive_sr25519_key(Frame& frame, Bytes salt) {
  const auto* secret = frame.run.context.cluster_secret;
  if (!secret) return fail(Stop(PinkError::KeySeedMissing, "the cluster has no key here"));
  const auto cluster = crypto::Sr25519Pair::from_secret(secret->clone());
  if (!cluster) return fail(Stop(PinkError::DeriveKeyFailed, "the cluster's key is not a valid secret"));
  return to_bytes(cluster->derive_kdf({frame.account, salt, as_bytes("keygen")}).secret().expose());
}

Hosted<Bytes> get_public_key(Frame&, SigType type, Bytes key) {
  switch (type) {
    case SigType::ed25519: return to_bytes(TRY(ed25519_pair(key)).public_key);
    case SigType::sr25519: return to_bytes(TRY(sr25519_pair(key)).public_key());
    case SigType::ecdsa: return to_bytes(TRY(ecdsa_pair(key)).public_key);
  }
  return Bytes{};
}

Hosted<FixedBytes<65>> ecdsa_sign_prehashed(Frame&, Bytes key, Hash digest) { return TRY(ecdsa_pair(key)).sign_prehashed(digest).as<FixedBytes<65>>(); }
Hosted<bool> ecdsa_verify_prehashed(Frame&, FixedBytes<65> signature, Hash digest, FixedBytes<33> key) {
  return crypto::ecdsa_verify_prehashed(crypto::EcdsaSignature(signature), digest, crypto::EcdsaPublicKey(key));
}

// ---- HTTP ------------------------------------------------------------------------------------------------------------
HttpResponse plain_response(u16 status, std::string_view reason, std::string_view body) {
  return {status, std::string(reason), {}, to_bytes(body)};
}

Hosted<HttpResponse> http_request(Frame& frame, HttpArgument argument) {
  if (!frame.run.is_query()) return plain_response(523, "API Unavailable", "HTTP request is not supported in transaction");
  auto* effects = frame.run.query_effects();
  HttpResult answer = effects ? effects->http_request(frame.account, argument.take()) : HttpResult(fail(HttpError::not_allowed));
  if (answer) return std::move(*answer);
  if (answer.error() >= HttpError::network_error) return plain_response(524, "IO Error", to_string(answer.error()));
  return fail(refused("HTTP request: " + std::string(to_string(answer.error()))));
}

Hosted<Coded<std::vector<BatchItem>>> batch_http_request(Frame& frame, HttpArguments arguments, u64 timeout_ms) {
  auto* effects = frame.run.query_effects();
  const auto code = [](HttpError e) { return Coded<std::vector<BatchItem>>{static_cast<u32>(e) + 1, {}}; };
  if (!effects) return code(HttpError::not_allowed);
  std::vector<HttpRequest> requests;
  for (auto& one : arguments.items) requests.push_back(one.take());
  auto answers = effects->batch_http_request(frame.account, requests, timeout_ms);
  if (!answers) return code(answers.error());
  Coded<std::vector<BatchItem>> out;
  for (auto& one : *answers) out.value.push_back({std::move(one)});
  return out;
}

// ---- the local cache: at once in queries, as events in transactions ---------------------------------------------------
Hosted<Coded<Nothing>> cache_set(Frame& frame, Bytes key, Bytes value) {
  constexpr u32 quota_exceeded = 1;
  if (!frame.run.is_query()) {
    TRY(frame.run.emit_pink(frame, CacheOpEvent{CacheSet{std::move(key), std::move(value)}}));
    return Coded<Nothing>{};
  }
  auto* effects = frame.run.query_effects();
  return Coded<Nothing>{effects && effects->cache_set(frame.account, key, value) ? 0 : quota_exceeded, {}};
}
Hosted<Nothing> cache_set_expiration(Frame& frame, Bytes key, u64 seconds) {
  if (!frame.run.is_query()) TRY(frame.run.emit_pink(frame, CacheOpEvent{CacheSetExpiration{std::move(key), seconds}}));
  else if (auto* effects = frame.run.query_effects()) effects->cache_set_expiration(frame.account, key, seconds);
  return Nothing{};
}
Hosted<std::optional<Bytes>> cache_get(Frame& frame, Bytes key) {
  auto* effects = frame.run.query_effects();
  return effects ? effects->cache_get(frame.account, key) : std::nullopt;
}
Hosted<std::optional<Bytes>> cache_remove(Frame& frame, Bytes key) {
  if (!frame.run.is_query()) TRY(frame.run.emit_pink(frame, CacheOpEvent{CacheRemove{key}}));
  auto* effects = frame.run.query_effects();
  return effects ? effects->cache_remove(frame.account, key) : std::nullopt;
}

// ---- what is around ---------------------------------------------------------------------------------------------------
Hosted<Nothing> log(Frame& frame, u8 level, std::string message) {
  constexpr u8 error = 1, trace = 5;
  frame.run.log(level >= error && level <= trace ? level : error, std::move(message));
  return Nothing{};
}
Hosted<Bytes> getrandom(Frame& frame, u8 count) {
  auto* effects = frame.run.query_effects();
  return effects ? effects->random_bytes(count) : Bytes{};
}
Hosted<bool> is_in_transaction(Frame& frame) { return !frame.run.is_query(); }
Hosted<AccountId> system_contract_id(Frame& frame) {
  if (!frame.run.config.system_contract) return fail(Stop(PinkError::SystemContractMissing, "the cluster has no system contract"));
  return *frame.run.config.system_contract;
}
Hosted<std::pair<Balance, Balance>> balance_of(Frame& frame, AccountId who) {
  const Account account = account_of(frame.run.journal, who);
  return std::pair(saturating_add(account.free, account.held), account.free);
}
Hosted<PublicKey> worker_pubkey(Frame& frame) { return frame.run.is_query() ? frame.run.context.worker_pubkey : PublicKey{}; }
Hosted<u64> untrusted_millis_since_unix_epoch(Frame& frame) {
  auto* effects = frame.run.query_effects();
  return effects ? effects->unix_time_ms() : u64{0};
}
Hosted<bool> code_exists(Frame& frame, Hash code_hash, bool sidevm) {
  return frame.run.journal.get(sidevm ? key::sidevm_code(code_hash) : key::code_info(code_hash)).has_value();
}
Hosted<std::pair<u32, u32>> get_runtime_version(Frame&) { return runtime_version; }
Hosted<std::pair<u64, Hash>> current_event_chain_head(Frame& frame) {
  const auto head = frame.run.journal.read<EventChainHead>(key::event_chain()).value_or(EventChainHead{});
  return std::pair(head.next_number, head.last_hash);
}
Hosted<JsValue> js_eval(Frame& frame, Bounded<JsCode, 256>, Bounded<std::string, 1024>) {
  return JsValue(JsException{frame.run.is_query() ? "No js runtime" : "Js evaluation is not supported in transaction"});
}
Hosted<std::optional<SgxQuote>> worker_sgx_quote(Frame& frame) {
  auto* effects = frame.run.query_effects();
  return effects ? effects->worker_quote() : std::nullopt;
}

/// The system contract upgrades itself to the code that the chain names.
Hosted<std::optional<Hash>> import_latest_system_code(Frame& frame, AccountId payer) {
  Run& run = frame.run;
  if (frame.account != run.config.system_contract) return fail(Stop(DispatchError(dispatch::BadOrigin{}), "only the system contract may import system code"));
  const ByteView wasm = run.context.latest_system_code;
  if (wasm.empty()) return std::optional<Hash>{};
  const Hash code_hash = crypto::blake2_256(wasm);
  if (run.code_info(code_hash)) return std::optional(code_hash);
  auto checked = check_and_rewrite(wasm, Determinism::enforced);
  if (!checked) return fail(Stop(ContractsError::CodeRejected, checked.error().message));
  if (auto compiled = run.engine.modules().obtain(code_hash, [&] { return std::move(checked); }); !compiled) {
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
template <auto Fn>
constexpr ExtensionFn row(u16 id, std::string_view name, Gas price) { return {id, name, price, &Adapter<Fn>::call}; }

// Prices: by what the same work costs as a host function, or by measurement (docs/adr/0004-gas-rules.md).
constexpr Gas free_of_charge = 0, curve_operation = 60'000'000, state_read = 4'000'000, code_import = 10'000'000'000;

const ExtensionFn table[] = {
    row<http_request>(1, "http_request", free_of_charge),
    row<sign>(2, "sign", curve_operation),
    row<verify>(3, "verify", curve_operation),
    row<derive_sr25519_key>(4, "derive_sr25519_key", curve_operation),
    row<get_public_key>(5, "get_public_key", curve_operation),
    row<cache_set>(6, "cache_set", cost::deposit_event.base),
    row<cache_set_expiration>(7, "cache_set_expiration", cost::deposit_event.base),
    row<cache_get>(8, "cache_get", state_read),
    row<cache_remove>(9, "cache_remove", cost::deposit_event.base),
    row<log>(10, "log", cost::deposit_event.base),
    row<getrandom>(11, "getrandom", free_of_charge),
    row<is_in_transaction>(12, "is_in_transaction", free_of_charge),
    row<ecdsa_sign_prehashed>(13, "ecdsa_sign_prehashed", curve_operation),
    row<ecdsa_verify_prehashed>(14, "ecdsa_verify_prehashed", curve_operation),
    row<system_contract_id>(15, "system_contract_id", free_of_charge),
    row<balance_of>(16, "balance_of", state_read),
    row<worker_pubkey>(17, "worker_pubkey", free_of_charge),
    row<untrusted_millis_since_unix_epoch>(18, "untrusted_millis_since_unix_epoch", free_of_charge),
    row<code_exists>(19, "code_exists", state_read),
    row<import_latest_system_code>(20, "import_latest_system_code", code_import),
    row<get_runtime_version>(21, "runtime_version", free_of_charge),
    row<batch_http_request>(22, "batch_http_request", free_of_charge),
    row<current_event_chain_head>(23, "current_event_chain_head", state_read),
    row<js_eval>(24, "js_eval", free_of_charge),
    row<worker_sgx_quote>(25, "worker_sgx_quote", free_of_charge),
};

}  // namespace

std::span<const ExtensionFn> extension_functions() { return table; }

namespace host {

Hosted<u32> call_chain_extension(Frame& frame, u32 id, In input, Out out) {
  if (id >> 16 != 0) return fail(Stop(PinkError::UnknownChainExtensionId, "chain extension " + std::to_string(id >> 16)));
  const auto* fn = std::find_if(std::begin(table), std::end(table), [&](const ExtensionFn& f) { return f.id == id; });
  if (fn == std::end(table)) return fail(Stop(PinkError::UnknownChainExtensionFunction, "chain extension function " + std::to_string(id)));
  TRY(frame.charge(fn->price + input.size() * cost::extension.per_byte));
  const ExtensionAnswer answer = TRY(fn->call(frame, input));
  const u32 capacity = load_le<u32>(TRY(frame.read(out.len_ptr, 4)).data());
  if (capacity < answer.output.size())
    return fail(Stop(PinkError::ContractIoBufferOverflow, std::string(fn->name) + " answers " + std::to_string(answer.output.size()) + " bytes for a buffer of " +
                                                              std::to_string(capacity)));
  TRY(write_out(frame, out, answer.output, cost::copy_out));
  return answer.status;
}

}  // namespace host
}  // namespace phala::engine


#include "phala/pink.hpp"

namespace phala::sdk::pink {

// Every function below is (id, SCALE of the arguments) → SCALE of the result; ids are those of the worker's chain extension.

template <class Out>
static Out read(ByteView output) {
  auto value = scale::decode<Out>(output);
  if (!value) panic("the worker's answer does not read as the declared type");
  return std::move(*value);
}

static Bytes request(u16 id, ByteView input) {
  auto output = chain_extension(id, input);
  if (!output) panic("the worker refused an extension call that cannot fail");
  return std::move(*output);
}

template <class Out, class... In>
static Out ask(u16 id, const In&... in) {
  return read<Out>(request(id, scale::encode(in...)));
}

HttpResponse http_request(const HttpRequest& r) { return ask<HttpResponse>(1, r); }
HttpResponse http_get(std::string url, std::vector<std::pair<std::string, std::string>> headers) {
  return http_request({std::move(url), "GET", std::move(headers), {}});
}
HttpResponse http_post(std::string url, Bytes body, std::vector<std::pair<std::string, std::string>> headers) {
  return http_request({std::move(url), "POST", std::move(headers), std::move(body)});
}
Result<std::vector<Result<HttpResponse, HttpRequestError>>, HttpRequestError> batch_http_request(const std::vector<HttpRequest>& requests,
                                                                                                 u64 timeout_ms) {
  const auto output = chain_extension(22, scale::encode(requests, timeout_ms));
  if (!output) return fail(static_cast<HttpRequestError>(output.error() - 1));   // status = index of the error + 1
  return read<std::vector<Result<HttpResponse, HttpRequestError>>>(*output);
}

Bytes sign(SigType type, ByteView key, ByteView message) { return ask<Bytes>(2, type, to_bytes(key), to_bytes(message)); }
bool verify(SigType type, ByteView public_key, ByteView message, ByteView signature) {
  return ask<bool>(3, type, to_bytes(public_key), to_bytes(message), to_bytes(signature));
}
Bytes derive_sr25519_key(ByteView salt) { return ask<Bytes>(4, to_bytes(salt)); }
Bytes get_public_key(SigType type, ByteView key) { return ask<Bytes>(5, type, to_bytes(key)); }
std::array<u8, 65> ecdsa_sign_prehashed(ByteView key, const Hash& hash) { return ask<std::array<u8, 65>>(13, to_bytes(key), hash); }
bool ecdsa_verify_prehashed(const std::array<u8, 65>& signature, const Hash& hash, const std::array<u8, 33>& public_key) {
  return ask<bool>(14, signature, hash, public_key);
}
Bytes vrf(ByteView salt) { return derive_sr25519_key(concat(as_bytes("vrf:"), salt)); }

bool cache_set(ByteView key, ByteView value) { return chain_extension(6, scale::encode(to_bytes(key), to_bytes(value))).has_value(); }
void cache_set_expiration(ByteView key, u64 seconds) { ask<std::tuple<>>(7, to_bytes(key), seconds); }
std::optional<Bytes> cache_get(ByteView key) { return ask<std::optional<Bytes>>(8, to_bytes(key)); }
std::optional<Bytes> cache_remove(ByteView key) { return ask<std::optional<Bytes>>(9, to_bytes(key)); }

void log(LogLevel level, std::string_view text) { ask<std::tuple<>>(10, static_cast<u8>(level), std::string(text)); }
Bytes random_bytes(u8 length) { return ask<Bytes>(11, length); }
bool is_in_transaction() { return ask<bool>(12); }
AccountId system_contract_id() { return ask<AccountId>(15); }
std::pair<Balance, Balance> balance_of(const AccountId& account) { return ask<std::pair<Balance, Balance>>(16, account); }
PublicKey worker_pubkey() { return ask<PublicKey>(17); }
u64 untrusted_millis_since_unix_epoch() { return ask<u64>(18); }
bool code_exists(const Hash& hash, bool is_sidevm) { return ask<bool>(19, hash, is_sidevm); }
std::optional<Hash> import_latest_system_code(const AccountId& payer) { return ask<std::optional<Hash>>(20, payer); }
std::pair<u32, u32> runtime_version() { return ask<std::pair<u32, u32>>(21); }
std::pair<u64, Hash> current_event_chain_head() { return ask<std::pair<u64, Hash>>(23); }
JsValue js_eval(const std::vector<JsCode>& codes, const std::vector<std::string>& arguments) { return ask<JsValue>(24, codes, arguments); }
std::optional<SgxQuote> worker_sgx_quote() { return ask<std::optional<SgxQuote>>(25); }

Hash event_topic() {
  Hash topic;
  // '@' is 0x40, the compact length of the text after it
  const ByteView text = as_bytes("@phala.pink.event");
  std::copy(text.begin(), text.end(), topic.begin());
  return topic;
}

void detail::emit_encoded(u8 index, Bytes body) {
  body.insert(body.begin(), index);
  deposit_event({event_topic()}, body);
}

}  // namespace phala::sdk::pink

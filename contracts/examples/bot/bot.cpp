#include "bot.hpp"

#include "phala/json.hpp"
#include "phala/pink.hpp"

namespace bot {
namespace {

Bytes key() { return pink::derive_sr25519_key(as_bytes("bot/account")); }

/// The `result` of one JSON-RPC call. `params` is JSON; what the bot puts there is hex, so nothing needs escaping.
Result<json::Document, Error> ask(const std::string& rpc, std::string_view method, std::string_view params) {
  const std::string body = R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) + R"(","params":[)" + std::string(params) + "]}";
  const auto response = pink::http_post(rpc, to_bytes(body), {{"Content-Type", "application/json"}});
  if (response.status_code != 200) return fail(Error::NodeUnreachable);
  auto answer = json::Document::parse(response.body);
  if (!answer) return fail(Error::NodeUnreachable);
  if (!answer->root()["result"]) {
    pink::log(pink::LogLevel::Warn, std::string(method) + " was refused: " + answer->root()["error"]["message"].text().value_or("without a reason"));
    return fail(Error::NodeRefused);
  }
  return std::move(*answer);
}

std::string quoted(ByteView data) { return "\"" + to_hex0x(data) + "\""; }

template <class T>
Result<T, Error> read_hex(const json::Value& value) {
  const auto raw = from_hex(value.text().value_or(""));
  if (!raw) return fail(Error::NodeRefused);
  auto out = scale::decode<T>(*raw);
  if (!out) return fail(Error::NodeRefused);
  return *out;
}

struct Facts { u32 nonce{}, spec_version{}, transaction_version{}; };

Result<Facts, Error> facts_of(const Target& target, ByteView account) {
  Facts out;
  const auto nonce = ask(target.rpc, "state_call", R"("AccountNonceApi_account_nonce",)" + quoted(account));
  if (!nonce) return fail(nonce.error());
  const auto count = read_hex<u32>(nonce->root()["result"]);
  if (!count) return fail(count.error());
  out.nonce = *count;
  const auto version = ask(target.rpc, "state_getRuntimeVersion", "");
  if (!version) return fail(version.error());
  const auto spec = version->root()["result"]["specVersion"].whole(), transaction = version->root()["result"]["transactionVersion"].whole();
  if (!spec || !transaction || *spec > 0xffffffff || *transaction > 0xffffffff) return fail(Error::NodeRefused);
  out.spec_version = static_cast<u32>(*spec);
  out.transaction_version = static_cast<u32>(*transaction);
  return out;
}

/// A signed transaction, format 4: immortal, without tip.
Bytes signed_transaction(ByteView account, ByteView call, const Facts& facts, const Hash& genesis) {
  const u8 immortal = 0;
  const Bytes extra = scale::encode(immortal, scale::Compact<u32>{facts.nonce}, scale::Compact<u128>{0});
  Bytes payload = concat(call, extra, scale::encode(facts.spec_version, facts.transaction_version, genesis, genesis));
  if (payload.size() > 256) payload = to_bytes(blake2_256(payload).view());
  const Bytes signature = pink::sign(pink::SigType::Sr25519, key(), payload);
  constexpr u8 signed_v4 = 0x84, account_id = 0, sr25519 = 1;
  const Bytes body = concat(Bytes{signed_v4, account_id}, account, Bytes{sr25519}, signature, extra, call);
  return scale::encode(body);
}

}  // namespace

Result<void, Error> Bot::operator()(const Configure& call) {
  if (caller() != owner) return fail(Error::NotTheOwner);
  target.put(call.target);
  return {};
}

std::array<u8, 32> Bot::operator()(const Account&) const {
  const Bytes raw = pink::get_public_key(pink::SigType::Sr25519, key());
  std::array<u8, 32> out{};
  if (raw.size() != out.size()) panic("the worker gave no public key");
  std::copy(raw.begin(), raw.end(), out.begin());
  return out;
}

Result<Hash, Error> Bot::operator()(const Submit& call) const {
  if (caller() != owner) return fail(Error::NotTheOwner);
  const auto chain = target.get();
  if (!chain) return fail(Error::NotConfigured);
  const auto account = (*this)(Account{});
  const auto facts = facts_of(*chain, account);
  if (!facts) return fail(facts.error());
  const auto sent = ask(chain->rpc, "author_submitExtrinsic", quoted(signed_transaction(account, call.call, *facts, chain->genesis)));
  if (!sent) return fail(sent.error());
  return read_hex<Hash>(sent->root()["result"]);
}

}  // namespace bot

PHALA_CONTRACT(bot::Bot)

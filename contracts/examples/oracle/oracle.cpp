#include "oracle.hpp"

#include "phala/json.hpp"
#include "phala/pink.hpp"

namespace oracle {
namespace {

/// Equal on every worker of the cluster, and unknown outside of them.
Bytes signing_key() {
  Bytes key = pink::derive_sr25519_key(as_bytes("oracle/secp256k1"));
  key.resize(32);
  return key;
}

std::array<u8, 33> signing_public_key() {
  const Bytes key = pink::get_public_key(pink::SigType::Ecdsa, signing_key());
  std::array<u8, 33> out{};
  if (key.size() != out.size()) panic("the worker gave no public key");
  std::copy(key.begin(), key.end(), out.begin());
  return out;
}

Hash digest(const Quote& quote) { return keccak_256(scale::encode(quote)); }

json::Value follow(json::Value at, std::string_view path) {
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const std::string_view step = path.substr(0, dot);
    path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
    size_t index = 0;
    bool digits = !step.empty() && step.size() < 6;
    for (const char c : step) {
      digits = digits && c >= '0' && c <= '9';
      index = index * 10 + static_cast<size_t>(c - '0');
    }
    const json::Value member = at[step];
    at = member || !digits ? member : at[index];
  }
  return at;
}

}  // namespace

Result<void, Error> Oracle::operator()(const SetFeed& call) {
  if (caller() != owner) return fail(Error::NotTheOwner);
  if (call.feed) feeds.put(call.pair, *call.feed);
  else feeds.remove(call.pair);
  return {};
}

Result<SignedQuote, Error> Oracle::operator()(const GetQuote& call) const {
  const auto feed = feeds.get(call.pair);
  if (!feed) return fail(Error::NoSuchFeed);
  const auto response = pink::http_get(feed->url);
  if (response.status_code != 200) return fail(Error::BadStatus);
  const auto document = json::Document::parse(response.body);
  if (!document) return fail(Error::NoPrice);
  const json::Value found = follow(document->root(), feed->path);
  const auto text = found.text();
  const auto price = json::fixed_point(text ? std::string_view(*text) : found.number().value_or(""), price_decimals);
  if (!price) return fail(Error::NoPrice);
  const Quote quote{call.pair, *price, now()};
  return SignedQuote{quote, pink::ecdsa_sign_prehashed(signing_key(), digest(quote))};
}

Result<void, Error> Oracle::operator()(const Submit& call) {
  const Quote& quote = call.signed_quote.quote;
  if (!pink::ecdsa_verify_prehashed(call.signed_quote.signature, digest(quote), signing_public_key())) return fail(Error::BadSignature);
  if (const auto stored = prices.get(quote.pair); stored && stored->time >= quote.time) return fail(Error::Older);
  prices.put(quote.pair, quote);
  emit(*this, PriceStored{quote.pair, quote.price, quote.time});
  return {};
}

std::pair<std::array<u8, 33>, std::array<u8, 20>> Oracle::operator()(const Signer&) const {
  const auto key = signing_public_key();
  const auto address = ecdsa_to_eth_address(key);
  if (!address) panic("the signing key has no address");
  return {key, *address};
}

}  // namespace oracle

PHALA_CONTRACT(oracle::Oracle)

#include "cli/chain.hpp"

#include <curl/curl.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "crypto/hash.hpp"
#include "metadata/extrinsic.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

constexpr size_t max_answer_bytes = 256u << 20;

size_t collect(char* data, size_t size, size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > max_answer_bytes) return 0;
  body.append(data, size * count);
  return size * count;
}

Result<HttpAnswer> perform(const std::string& url, const std::string* content_type, const std::string* body, long timeout_s) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(ready == CURLE_OK ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (!curl) return fail(ErrorCode::internal, "libcurl does not start");
  HttpAnswer answer;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr, curl_slist_free_all);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, timeout_s);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, 5L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  if (body) {
    headers.reset(curl_slist_append(nullptr, ("Content-Type: " + *content_type).c_str()));
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body->data());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return fail(ErrorCode::unavailable, url + ": " + curl_easy_strerror(code), code == CURLE_COULDNT_CONNECT ? "is it running, and is this its port?" : "");
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

Result<u32> number_of(const json& header) {
  const std::string hex = header.at("number").get<std::string>();
  return static_cast<u32>(std::stoul(hex, nullptr, 16));
}

}  // namespace

Result<HttpAnswer> http_post(const std::string& url, const std::string& content_type, const std::string& body, long timeout_s) {
  return perform(url, &content_type, &body, timeout_s);
}
Result<HttpAnswer> http_get(const std::string& url, long timeout_s) { return perform(url, nullptr, nullptr, timeout_s); }

Result<json> rpc(const std::string& given, std::string_view method, const json& params) {
  std::string url = given;
  if (url.starts_with("ws")) url.replace(0, 2, "http");
  const json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
  const HttpAnswer answer = TRY(http_post(url, "application/json", request.dump()));
  json reply = json::parse(answer.body, nullptr, false);
  if (reply.is_discarded() || !reply.is_object())
    return fail(ErrorCode::unavailable, url + " does not answer as a node: HTTP " + std::to_string(answer.status), "check --rpc");
  if (reply.contains("error")) {
    const json& error = reply["error"];
    std::string text = std::string(method) + ": " + error.value("message", "unknown error");
    if (error.contains("data")) text += ": " + (error["data"].is_string() ? error["data"].get<std::string>() : error["data"].dump());
    return fail(ErrorCode::refused, text);
  }
  return reply.contains("result") ? reply["result"] : json(nullptr);
}

Result<Chain> Chain::connect(const std::string& url) {
  Chain out;
  out.url_ = url;
  const Bytes raw = TRY(from_hex(TRY(rpc(url, "state_getMetadata", json::array())).get<std::string>()));
  out.metadata_ = std::make_shared<metadata::Metadata>(TRY(metadata::parse(raw)));
  out.types_ = std::make_shared<metadata::Types>(metadata::types_of(*out.metadata_));
  out.genesis_ = TRY(Hash::from(TRY(from_hex(TRY(rpc(url, "chain_getBlockHash", {0})).get<std::string>()))));
  const json version = TRY(rpc(url, "state_getRuntimeVersion", json::array()));
  out.spec_version_ = version.value("specVersion", 0u);
  out.transaction_version_ = version.value("transactionVersion", 0u);
  return out;
}

Result<std::optional<Bytes>> Chain::get(ByteView key, const std::string& at) const {
  json params{to_hex0x(key)};
  if (!at.empty()) params.push_back(at);
  const json value = TRY(rpc(url_, "state_getStorage", params));
  if (value.is_null()) return std::optional<Bytes>{};
  return std::optional<Bytes>(TRY(from_hex(value.get<std::string>())));
}

Result<json> Chain::query(std::string_view pallet_name, std::string_view entry_name, const json& keys, size_t limit, const std::string& at) const {
  const auto* pallet = metadata::find_pallet(*metadata_, pallet_name);
  if (!pallet) return fail(ErrorCode::not_found, "this chain has no pallet '" + std::string(pallet_name) + "'");
  const auto* entry = metadata::find_entry(*pallet, entry_name);
  if (!entry) {
    std::string names;
    if (pallet->storage)
      for (const auto& e : pallet->storage->entries) names += (names.empty() ? "" : ", ") + e.name;
    return fail(ErrorCode::not_found, "pallet " + pallet->name + " stores no '" + std::string(entry_name) + "'", names.empty() ? "it stores nothing" : "it stores " + names);
  }
  const Bytes key = TRY(metadata::storage_key(*metadata_, *pallet, *entry, keys));
  const auto* map = entry->type.get_if<metadata::MapEntry>();
  const u32 value_type = map ? map->value : entry->type.get_if<metadata::PlainEntry>()->value;
  const size_t given = keys.is_array() ? keys.size() : 0;
  if (!map || given == map->hashers.size()) {
    const auto raw = TRY(get(key, at));
    if (!raw && entry->modifier == 0) return json(nullptr);
    return metadata::decode_all(*types_, value_type, raw ? *raw : entry->fallback);
  }
  json out = json::array();
  std::string start = to_hex0x(key);
  while (out.size() < limit) {
    json params{to_hex0x(key), std::min<size_t>(limit - out.size(), 1000), start};
    if (!at.empty()) params.push_back(at);
    const json page = TRY(rpc(url_, "state_getKeysPaged", params));
    if (page.empty()) break;
    for (const auto& full : page) {
      start = full.get<std::string>();
      const Bytes full_key = TRY(from_hex(start));
      const auto raw = TRY(get(full_key, at));
      if (!raw) continue;
      json key_value = to_hex0x(ByteView(full_key).subspan(key.size()));
      // concatenating hashers carry the key itself; the last hasher of a one-key map is the common case
      if (map->hashers.size() == 1) {
        const size_t skip = map->hashers[0] == metadata::Hasher::twox_64_concat ? 8 : map->hashers[0] == metadata::Hasher::blake2_128_concat ? 16 : 0;
        if (skip || map->hashers[0] == metadata::Hasher::identity)
          if (auto decoded = metadata::decode_all(*types_, map->key, ByteView(full_key).subspan(32 + skip))) key_value = std::move(*decoded);
      }
      out.push_back({{"key", std::move(key_value)}, {"value", TRY(metadata::decode_all(*types_, value_type, *raw))}});
    }
  }
  return out;
}

Result<json> Chain::constant(std::string_view pallet_name, std::string_view name) const {
  const auto* pallet = metadata::find_pallet(*metadata_, pallet_name);
  if (!pallet) return fail(ErrorCode::not_found, "this chain has no pallet '" + std::string(pallet_name) + "'");
  for (const auto& constant : pallet->constants)
    if (metadata::same_name(constant.name, name)) return metadata::decode_all(*types_, constant.type, constant.value);
  return fail(ErrorCode::not_found, "pallet " + pallet->name + " has no constant '" + std::string(name) + "'");
}

Result<Bytes> Chain::sign(ByteView call, const crypto::KeyPair& signer, u128 tip, std::optional<u32> nonce) const {
  const json head = TRY(rpc(url_, "chain_getHeader", json::array()));
  const u32 birth = TRY(number_of(head));
  const Bytes birth_hash = TRY(from_hex(TRY(rpc(url_, "chain_getBlockHash", {birth})).get<std::string>()));
  if (!nonce) nonce = TRY(rpc(url_, "system_accountNextIndex", {crypto::to_ss58(signer.account())})).get<u32>();

  metadata::SigningContext context{spec_version_, transaction_version_, genesis_, Era::mortal(64, birth), {}, *nonce, tip};
  context.birth_hash = TRY(Hash::from(birth_hash));
  return metadata::sign_call(*metadata_, call, signer, context);
}

Result<json> Chain::estimate_fee(ByteView extrinsic) const { return rpc(url_, "payment_queryInfo", {to_hex0x(extrinsic)}); }

std::string Chain::explain(const json& error) const {
  if (error.is_object() && error.contains("Module")) {
    const json& module = error["Module"];
    u8 code = 0;
    if (const auto raw = from_hex(module.value("error", "0x00000000")); raw && !raw->empty()) code = (*raw)[0];
    if (const auto found = metadata::describe_module_error(*metadata_, static_cast<u8>(module.value("index", 0)), code)) {
      std::string docs;
      for (const auto& line : (*found)["docs"]) docs += (docs.empty() ? ": " : " ") + line.get<std::string>();
      return (*found)["pallet"].get<std::string>() + "." + (*found)["name"].get<std::string>() + docs;
    }
  }
  return error.is_string() ? error.get<std::string>() : error.dump();
}

Result<std::optional<Included>> Chain::find_in_block(u32 number, const std::string& extrinsic_hex) const {
  const json hash = TRY(rpc(url_, "chain_getBlockHash", {number}));
  const json block = TRY(rpc(url_, "chain_getBlock", json::array({hash})));
  if (block.is_null()) return std::optional<Included>{};
  const json& extrinsics = block["block"]["extrinsics"];
  for (u32 i = 0; i < extrinsics.size(); ++i) {
    if (extrinsics[i] != extrinsic_hex) continue;
    Included out;
    out.extrinsic_hash = to_hex0x(crypto::blake2_256(TRY(from_hex(extrinsic_hex))));
    out.block_hash = hash.get<std::string>();
    out.block_number = number;
    out.index = i;
    out.events_ = std::make_shared<json>(json::array());
    const json events = TRY(query("System", "Events", json::array(), 0, out.block_hash));
    for (const auto& record : events) {
      const json& phase = record["phase"];
      if (!phase.is_object() || phase.value("ApplyExtrinsic", ~0u) != i) continue;
      const std::string pallet = record["event"].begin().key();
      const json& event = record["event"].begin().value();
      const bool bare = event.is_string();
      json item{{"pallet", pallet}, {"name", bare ? event.get<std::string>() : event.begin().key()}, {"data", bare ? json() : event.begin().value()}};
      if (pallet == "System" && item["name"] == "ExtrinsicFailed") out.failure = explain(item["data"]["dispatch_error"]);
      out.events_->push_back(std::move(item));
    }
    return std::optional<Included>(std::move(out));
  }
  return std::optional<Included>{};
}

Result<Included> Chain::submit(ByteView extrinsic, int timeout_s) const {
  const std::string hex = to_hex0x(extrinsic);
  u32 next = TRY(number_of(TRY(rpc(url_, "chain_getHeader", json::array()))));
  const json hash = TRY(rpc(url_, "author_submitExtrinsic", {hex}));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  while (std::chrono::steady_clock::now() < until) {
    const json finalized = TRY(rpc(url_, "chain_getFinalizedHead", json::array()));
    const u32 final_number = TRY(number_of(TRY(rpc(url_, "chain_getHeader", json::array({finalized})))));
    for (; next <= final_number; ++next)
      if (auto found = TRY(find_in_block(next, hex))) return std::move(*found);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return fail(ErrorCode::unavailable, "transaction " + hash.get<std::string>() + " is not in a block after " + std::to_string(timeout_s) + " s",
              "it may still be included: it waits in the node's pool (author_pendingExtrinsics)");
}

Result<Included> Chain::sign_and_submit(ByteView call, const crypto::KeyPair& signer) const { return submit(TRY(sign(call, signer))); }

}  // namespace phala::cli

#include "cli/chain.hpp"

#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/argument.hpp"
#include "cli/fields.hpp"
#include "cli/http.hpp"
#include "crypto/hash.hpp"
#include "metadata/extrinsic.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

/// The height in a header: hex without leading zeros, so its digits may be odd in number.
Result<u32> number_of(const json& header, std::string_view where) {
  const std::string hex = TRY(TRY(Fields::of(header, std::string(where))).text("number"));
  u32 out = 0;
  const char* end = hex.data() + hex.size();
  if (!hex.starts_with("0x") || std::from_chars(hex.data() + 2, end, out, 16).ptr != end || hex.size() == 2)
    return fail(ErrorCode::unavailable, std::string(where) + ": '" + hex.substr(0, 40) + "' is not a block number", "check --rpc");
  return out;
}

Result<std::string> rpc_text(const std::string& url, std::string_view method, const json& params) { return text_value(TRY(rpc(url, method, params)), method); }
Result<Bytes> rpc_bytes(const std::string& url, std::string_view method, const json& params) { return hex_value(TRY(rpc(url, method, params)), method); }
Result<u32> rpc_height(const std::string& url, const json& params) { return number_of(TRY(rpc(url, "chain_getHeader", params)), "chain_getHeader"); }

std::unexpected<Error> no_node(const std::string& url, const HttpAnswer& answer) {
  return fail(ErrorCode::unavailable, url + " does not answer as a node: HTTP " + std::to_string(answer.status) + ", " + (answer.body.empty() ? "nothing" : "'" + answer.body.substr(0, 60) + "'"), "check --rpc");
}

}  // namespace

Result<json> rpc(const std::string& given, std::string_view method, const json& params) {
  std::string url = given;
  if (url.starts_with("ws")) url.replace(0, 2, "http");
  const json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
  const HttpAnswer answer = TRY(http_post(url, "application/json", request.dump()));
  json reply = json::parse(answer.body, nullptr, false);
  if (!reply.is_object()) return no_node(url, answer);
  if (const auto error = reply.find("error"); error != reply.end() && !error->is_null()) {
    if (!error->is_object() || !error->contains("message") || !(*error)["message"].is_string()) return no_node(url, answer);
    std::string text = std::string(method) + ": " + (*error)["message"].get<std::string>();
    if (const auto data = error->find("data"); data != error->end() && !data->is_null()) text += ": " + (data->is_string() ? data->get<std::string>() : data->dump());
    return fail(ErrorCode::refused, text);
  }
  if (!reply.contains("result")) return no_node(url, answer);
  return reply["result"];
}

Result<Chain> Chain::connect(const std::string& url) {
  Chain out;
  out.url_ = url;
  out.metadata_ = std::make_shared<metadata::Metadata>(TRY(metadata::parse(TRY(rpc_bytes(url, "state_getMetadata", json::array()))).context("metadata of " + url)));
  out.types_ = std::make_shared<metadata::Types>(metadata::types_of(*out.metadata_));
  out.genesis_ = TRY(Hash::from(TRY(rpc_bytes(url, "chain_getBlockHash", {0}))).context("chain_getBlockHash"));
  const json version = TRY(rpc(url, "state_getRuntimeVersion", json::array()));
  const Fields fields = TRY(Fields::of(version, "state_getRuntimeVersion"));
  out.spec_version_ = static_cast<u32>(TRY(fields.number("specVersion")));
  out.transaction_version_ = static_cast<u32>(TRY(fields.number("transactionVersion")));
  return out;
}

Result<std::optional<Bytes>> Chain::get(ByteView key, const std::string& at) const {
  json params{to_hex0x(key)};
  if (!at.empty()) params.push_back(at);
  const json value = TRY(rpc(url_, "state_getStorage", params));
  if (value.is_null()) return std::optional<Bytes>{};
  return std::optional<Bytes>(TRY(hex_value(value, "state_getStorage")));
}

namespace {

struct Found { const metadata::Pallet* pallet; const metadata::StorageEntry* entry; };
Result<Found> find(const metadata::Metadata& metadata, std::string_view pallet_name, std::string_view entry_name) {
  const auto* pallet = metadata::find_pallet(metadata, pallet_name);
  if (!pallet) return fail(ErrorCode::not_found, "this chain has no pallet '" + std::string(pallet_name) + "'");
  const auto* entry = metadata::find_entry(*pallet, entry_name);
  if (entry) return Found{pallet, entry};
  std::string names;
  if (pallet->storage)
    for (const auto& e : pallet->storage->entries) names += (names.empty() ? "" : ", ") + e.name;
  return fail(ErrorCode::not_found, "pallet " + pallet->name + " stores no '" + std::string(entry_name) + "'", names.empty() ? "it stores nothing" : "it stores " + names);
}

const metadata::VariantItem* find_call(const metadata::Metadata& metadata, std::string_view pallet_name, std::string_view name) {
  const auto* pallet = metadata::find_pallet(metadata, pallet_name);
  const auto* calls = pallet && pallet->calls && *pallet->calls < metadata.types.size() ? metadata.types[*pallet->calls].type.def.get_if<metadata::Variant>() : nullptr;
  if (calls)
    for (const auto& call : calls->variants)
      if (metadata::same_name(call.name, name)) return &call;
  return nullptr;
}

}  // namespace

Result<json> Chain::keys_from_texts(std::string_view pallet, std::string_view entry, const std::vector<std::string>& texts) const {
  const auto* map = TRY(find(*metadata_, pallet, entry)).entry->type.get_if<metadata::MapEntry>();
  std::vector<u32> wanted;
  if (map) {
    const auto* tuple = map->hashers.size() > 1 && map->key < types_->size() ? (*types_)[map->key].def.get_if<metadata::Tuple>() : nullptr;
    if (tuple) wanted.assign(tuple->types.begin(), tuple->types.end());
    else wanted = {map->key};
  }
  return values_from_texts(*types_, wanted, texts);
}

Result<json> Chain::arguments_from_texts(std::string_view pallet_name, std::string_view name, const std::vector<std::string>& texts) const {
  const auto* call = find_call(*metadata_, pallet_name, name);
  if (!call) return json::array();   // encoding says what there is
  if (texts.size() == 1 && texts[0].starts_with('{')) {
    auto by_name = exact_json(texts[0]);
    if (!by_name) return fail(ErrorCode::invalid_input, "the arguments are not a JSON object", "arguments by name are one object: {\"dest\": \"45…\", \"value\": 1}");
    const auto is_given = [&](const metadata::Field& field) {
      return std::any_of(by_name->items().begin(), by_name->items().end(), [&](const auto& item) { return field.name && metadata::same_name(*field.name, item.key()); });
    };
    if (call->fields.size() > 1 || std::all_of(call->fields.begin(), call->fields.end(), is_given)) return std::move(*by_name);
  }
  std::vector<u32> wanted;
  for (const auto& field : call->fields) wanted.push_back(field.type);
  return values_from_texts(*types_, wanted, texts);
}

Result<json> Chain::query(std::string_view pallet_name, std::string_view entry_name, const json& keys, size_t limit, const std::string& at) const {
  const auto [pallet, entry] = TRY(find(*metadata_, pallet_name, entry_name));
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
    if (!page.is_array() || page.empty()) break;
    for (const auto& full : page) {
      start = TRY(text_value(full, "state_getKeysPaged"));
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
  const u32 birth = TRY(rpc_height(url_, json::array()));
  const Bytes birth_hash = TRY(rpc_bytes(url_, "chain_getBlockHash", {birth}));
  if (!nonce) {
    const json next = TRY(rpc(url_, "system_accountNextIndex", {crypto::to_ss58(signer.account())}));
    if (!next.is_number_unsigned()) return fail(ErrorCode::unavailable, "system_accountNextIndex: " + next.dump() + " is not a nonce", "check --rpc");
    nonce = next.get<u32>();
  }

  metadata::SigningContext context{spec_version_, transaction_version_, genesis_, Era::mortal(64, birth), {}, *nonce, tip};
  context.birth_hash = TRY(Hash::from(birth_hash));
  return metadata::sign_call(*metadata_, call, signer, context);
}

Result<json> Chain::estimate_fee(ByteView extrinsic) const { return rpc(url_, "payment_queryInfo", {to_hex0x(extrinsic)}); }

std::string Chain::explain(const json& error) const {
  if (error.is_object() && error.contains("Module")) {
    const json& module = error.at("Module");
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
  const std::string hash = TRY(rpc_text(url_, "chain_getBlockHash", {number}));
  const json block = TRY(rpc(url_, "chain_getBlock", json::array({hash})));
  if (block.is_null()) return std::optional<Included>{};
  const json& extrinsics = *TRY(TRY(TRY(Fields::of(block, "chain_getBlock")).object("block")).list("extrinsics"));
  for (u32 i = 0; i < extrinsics.size(); ++i) {
    if (extrinsics[i] != extrinsic_hex) continue;
    Included out;
    out.extrinsic_hash = to_hex0x(crypto::blake2_256(TRY(from_hex(extrinsic_hex))));
    out.block_hash = hash;
    out.block_number = number;
    out.index = i;
    out.events_ = std::make_shared<json>(json::array());
    const json events = TRY(query("System", "Events", json::array(), 0, out.block_hash));
    for (const auto& record : events) {
      const json& phase = record.at("phase");
      if (!phase.is_object() || phase.value("ApplyExtrinsic", ~0u) != i) continue;
      const std::string pallet = record.at("event").begin().key();
      const json& event = record.at("event").begin().value();
      const bool bare = event.is_string();
      json item{{"pallet", pallet}, {"name", bare ? event.get<std::string>() : event.begin().key()}, {"data", bare ? json() : event.begin().value()}};
      if (pallet == "System" && item["name"] == "ExtrinsicFailed") out.failure = explain(item.at("data").at("dispatch_error"));
      out.events_->push_back(std::move(item));
    }
    return std::optional<Included>(std::move(out));
  }
  return std::optional<Included>{};
}

Result<Included> Chain::submit(ByteView extrinsic, int timeout_s) const {
  const std::string hex = to_hex0x(extrinsic);
  u32 next = TRY(rpc_height(url_, json::array()));
  const std::string hash = TRY(rpc_text(url_, "author_submitExtrinsic", {hex}));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  while (std::chrono::steady_clock::now() < until) {
    const u32 final_number = TRY(rpc_height(url_, json::array({TRY(rpc_text(url_, "chain_getFinalizedHead", json::array()))})));
    for (; next <= final_number; ++next)
      if (auto found = TRY(find_in_block(next, hex))) return std::move(*found);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return fail(ErrorCode::unavailable, "transaction " + hash + " is not in a block after " + std::to_string(timeout_s) + " s",
              "it may still be included: it waits in the node's pool (author_pendingExtrinsics)");
}

Result<Included> Chain::sign_and_submit(ByteView call, const crypto::KeyPair& signer) const { return submit(TRY(sign(call, signer))); }

}  // namespace phala::cli

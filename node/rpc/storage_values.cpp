#include "rpc/storage_values.hpp"

#include <nlohmann/json.hpp>

#include "base/assert.hpp"
#include "metadata/value.hpp"
#include "runtime/runtime.hpp"

namespace phala::rpc {
namespace {

using nlohmann::json;

struct Description {
  metadata::Metadata metadata;
  metadata::Types types;
};
const Description& description() {
  static const auto made = [] {
    auto decoded = scale::decode<metadata::Metadata>(runtime::metadata());
    PHALA_ASSERT(decoded.has_value());
    auto types = metadata::types_of(*decoded);
    return Description{std::move(*decoded), std::move(types)};
  }();
  return made;
}

std::unexpected<Error> expected(std::string what) { return fail(ErrorCode::invalid_input, "expected " + std::move(what)); }

Result<> read_pair(const json& in, StateDiff& out) {
  if (!in.is_array() || in.size() != 2 || !in[0].is_string() || !(in[1].is_string() || in[1].is_null())) return expected("[key, value or null] in hex");
  const auto& key = in[0].get_ref<const std::string&>();
  if (!key.starts_with("0x")) return expected("a key in hex with 0x");
  auto& value = out[TRY(from_hex(key))];
  if (in[1].is_null()) value.reset();
  else if (!in[1].get_ref<const std::string&>().starts_with("0x")) return expected("a value in hex with 0x");
  else value = TRY(from_hex(in[1].get_ref<const std::string&>()));
  return {};
}

Result<const metadata::StorageEntry*> entry_of(const metadata::Pallet& pallet, const std::string& name) {
  const auto* entry = metadata::find_entry(pallet, name);
  if (!entry) return fail(ErrorCode::not_found, "pallet " + pallet.name + " has no storage item '" + name + "'");
  return entry;
}

/// One value under its keys.
Result<> write_value(const metadata::Pallet& pallet, const metadata::StorageEntry& entry, u32 type, const json& keys, const json& value, StateDiff& out) {
  const auto& d = description();
  auto& to = out[TRY(metadata::storage_key(d.types, pallet, entry, keys))];
  if (value.is_null()) to.reset();
  else to = TRY(metadata::encode(d.types, type, value, metadata::Missing::zero));
  return {};
}

Result<> read_item(const metadata::Pallet& pallet, const std::string& name, const json& in, StorageValues& out) {
  const auto* entry = TRY(entry_of(pallet, name));
  if (const auto* plain = entry->type.get_if<metadata::PlainEntry>()) return write_value(pallet, *entry, plain->value, json::array(), in, out.values);
  const auto* map = entry->type.get_if<metadata::MapEntry>();
  if (!in.is_array()) return expected("a list of [[key, …], value], because it is a map");
  for (size_t i = 0; i < in.size(); ++i) {
    const auto place = "[" + std::to_string(i) + "]";
    if (!in[i].is_array() || in[i].size() != 2 || !in[i][0].is_array()) return expected("[[key, …], value] at " + place);
    if (in[i][0].size() != map->hashers.size()) return expected(std::to_string(map->hashers.size()) + " keys at " + place + ", not " + std::to_string(in[i][0].size()));
    TRY(write_value(pallet, *entry, map->value, in[i][0], in[i][1], out.values).context(place));
  }
  return {};
}

Result<> read_pallet(const std::string& name, const json& in, StorageValues& out) {
  const auto* pallet = metadata::find_pallet(description().metadata, name);
  if (!pallet || !pallet->storage) return fail(ErrorCode::not_found, "this chain has no pallet '" + name + "' with storage");
  if (!in.is_object()) return expected("an object of storage items");
  for (const auto& [item, value] : in.items()) {
    if (item != "$removePrefix") {
      TRY(read_item(*pallet, item, value, out).context(item));
      continue;
    }
    if (!value.is_array()) return expected("a list of names for $removePrefix");
    for (const auto& one : value) {
      if (!one.is_string()) return expected("a list of names for $removePrefix");
      out.removed_prefixes.push_back(TRY(metadata::storage_key(description().types, *pallet, *TRY(entry_of(*pallet, one.get<std::string>())), json::array())));
    }
  }
  return {};
}

}  // namespace

Result<StorageValues> storage_values(const json& in) {
  StorageValues out;
  if (in.is_array()) {
    for (size_t i = 0; i < in.size(); ++i) TRY(read_pair(in[i], out.values).context("item " + std::to_string(i)));
  } else if (in.is_object()) {
    for (const auto& [pallet, items] : in.items()) TRY(read_pallet(pallet, items, out).context(pallet));
  } else {
    return expected("a list of [key, value], or an object of pallets");
  }
  return out;
}

}  // namespace phala::rpc

#pragma once
// Why: people write calls, keys and arguments as JSON and read storage, events and results as JSON. This turns JSON into
// SCALE and back for any type that metadata describes: the one codec of `phala query`, `phala tx` and `phala contract`.
//
// JSON shapes: integers up to 32 bits are numbers, larger ones decimal texts (both accepted, and 0x-hex); byte vectors and arrays are
// 0x-hex (a text that is not hex is taken as its UTF-8 bytes for vectors); AccountId32 is an SS58 address (hex accepted); structs are
// objects, tuples arrays, single-field wrappers their inner value; variants are {"Name": value} or "Name" when they carry nothing;
// Option is null or the value.

#include <nlohmann/json_fwd.hpp>

#include "metadata/v14.hpp"

namespace phala::metadata {

/// The types of one chain or one contract.
using Types = std::vector<Type>;
Types types_of(const Metadata& metadata);
/// The `types` array of an ink! metadata file (versions V3, 4, 5). Errors name the entry.
Result<Types> types_from_ink(const nlohmann::json& types);

/// What becomes of a struct's members that an object does not give.
enum class Missing : u8 {
  refused,
  zero,      ///< zero, empty, none or the first variant; names that are no member are then refused
};
/// Errors name the path ("value.dest: …") and what was expected.
Result<Bytes> encode(const Types& types, u32 type, const nlohmann::json& value, Missing missing = Missing::refused);
/// Consumes exactly one value of `type` from `in`.
Result<nlohmann::json> decode(const Types& types, u32 type, scale::Reader& in);
Result<nlohmann::json> decode_all(const Types& types, u32 type, ByteView bytes);
/// "Vec<u8>", "AccountId32", "(u32, bool)": for messages.
std::string describe(const Types& types, u32 type);

const Pallet* find_pallet(const Metadata& metadata, std::string_view name);
/// Case and underscores do not matter: `transferKeepAlive`, `transfer_keep_alive` and `TransferKeepAlive` are the same.
bool same_name(std::string_view a, std::string_view b);
/// One call: pallet index ‖ call index ‖ arguments. `arguments` is an array in order, or an object by name.
Result<Bytes> encode_call(const Metadata& metadata, std::string_view pallet, std::string_view call, const nlohmann::json& arguments);
/// The full storage key; with fewer keys than the entry has, the prefix of all that match. `types`: types_of(metadata), for who asks often.
Result<Bytes> storage_key(const Types& types, const Pallet& pallet, const StorageEntry& entry, const nlohmann::json& keys);
Result<Bytes> storage_key(const Metadata& metadata, const Pallet& pallet, const StorageEntry& entry, const nlohmann::json& keys);
const StorageEntry* find_entry(const Pallet& pallet, std::string_view name);
/// {"pallet": …, "name": …, "docs": […]} of a module error.
Result<nlohmann::json> describe_module_error(const Metadata& metadata, u8 pallet, u8 error);

}  // namespace phala::metadata

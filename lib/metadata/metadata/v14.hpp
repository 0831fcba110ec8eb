#pragma once
// Why: a program that talks to any chain or contract learns its types at run time, from metadata. These are the shapes of
// Substrate's metadata V14 (SCALE); ink! contracts describe their types in the same terms as JSON.

#include "scale/codec.hpp"

namespace phala::metadata {

using TypeId = scale::Compact<u32>;

struct Field { std::optional<std::string> name; TypeId type; std::optional<std::string> type_name; std::vector<std::string> docs;  FIELDS(name, type, type_name, docs) };
struct VariantItem { std::string name; std::vector<Field> fields; u8 index{}; std::vector<std::string> docs;  FIELDS(name, fields, index, docs) };
enum class Primitive : u8 { bool_, char_, str, u8_, u16_, u32_, u64_, u128_, u256, i8, i16, i32, i64, i128, i256 };
constexpr bool is_valid(Primitive p) { return p <= Primitive::i256; }

struct Composite { std::vector<Field> fields;  FIELDS(fields) };
struct Variant { std::vector<VariantItem> variants;  FIELDS(variants) };
struct Sequence { TypeId type;  FIELDS(type) };
struct Array { u32 len{}; TypeId type;  FIELDS(len, type) };
struct Tuple { std::vector<TypeId> types;  FIELDS(types) };
struct CompactOf { TypeId type;  FIELDS(type) };
struct BitSequence { TypeId store, order;  FIELDS(store, order) };
struct TypeDef : scale::Enum<scale::At<0, Composite>, scale::At<1, Variant>, scale::At<2, Sequence>, scale::At<3, Array>, scale::At<4, Tuple>,
                             scale::At<5, Primitive>, scale::At<6, CompactOf>, scale::At<7, BitSequence>> { using Enum::Enum; };
struct TypeParameter { std::string name; std::optional<TypeId> type;  FIELDS(name, type) };
struct Type { std::vector<std::string> path; std::vector<TypeParameter> params; TypeDef def; std::vector<std::string> docs;  FIELDS(path, params, def, docs) };
struct PortableType { TypeId id; Type type;  FIELDS(id, type) };

enum class Hasher : u8 { blake2_128, blake2_256, blake2_128_concat, twox_128, twox_256, twox_64_concat, identity };
constexpr bool is_valid(Hasher h) { return h <= Hasher::identity; }
struct PlainEntry { TypeId value;  FIELDS(value) };
struct MapEntry { std::vector<Hasher> hashers; TypeId key, value;  FIELDS(hashers, key, value) };
struct EntryType : scale::Enum<scale::At<0, PlainEntry>, scale::At<1, MapEntry>> { using Enum::Enum; };
/// modifier 0: absent means none; 1: absent means `fallback`.
struct StorageEntry { std::string name; u8 modifier{}; EntryType type; Bytes fallback; std::vector<std::string> docs;  FIELDS(name, modifier, type, fallback, docs) };
struct PalletStorage { std::string prefix; std::vector<StorageEntry> entries;  FIELDS(prefix, entries) };
struct Constant { std::string name; TypeId type; Bytes value; std::vector<std::string> docs;  FIELDS(name, type, value, docs) };
struct Pallet {
  std::string name; std::optional<PalletStorage> storage; std::optional<TypeId> calls, event; std::vector<Constant> constants; std::optional<TypeId> error; u8 index{};
  FIELDS(name, storage, calls, event, constants, error, index)
};
struct SignedExtension { std::string identifier; TypeId type, additional_signed;  FIELDS(identifier, type, additional_signed) };
struct ExtrinsicFormat { TypeId type; u8 version{}; std::vector<SignedExtension> signed_extensions;  FIELDS(type, version, signed_extensions) };
struct Metadata {
  std::array<u8, 4> magic{}; u8 version{}; std::vector<PortableType> types; std::vector<Pallet> pallets; ExtrinsicFormat extrinsic; TypeId type;
  FIELDS(magic, version, types, pallets, extrinsic, type)
};

/// Errors: not metadata, a version other than 14, types whose ids are not their positions.
Result<Metadata> parse(ByteView bytes);

}  // namespace phala::metadata

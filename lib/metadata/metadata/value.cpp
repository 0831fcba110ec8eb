#include "metadata/value.hpp"

#include <nlohmann/json.hpp>

#include "crypto/account.hpp"
#include "crypto/hash.hpp"

namespace phala::metadata {
namespace {

using nlohmann::json;

constexpr int max_depth = 64;
constexpr u32 phala_prefix = crypto::phala_ss58_prefix;

std::string last(const std::vector<std::string>& path) { return path.empty() ? std::string{} : path.back(); }

Error expected(std::string what, const json& got) {
  std::string text = got.dump();
  if (text.size() > 60) text = text.substr(0, 57) + "…";
  return Error{ErrorCode::invalid_input, "expected " + what + ", got " + text};
}

bool is_byte(const Types& types, u32 id) {
  const auto* p = id < types.size() ? types[id].def.get_if<Primitive>() : nullptr;
  return p && *p == Primitive::u8_;
}

struct IntegerShape { int bytes; bool is_signed; };
std::optional<IntegerShape> integer_shape(Primitive p) {
  switch (p) {
    case Primitive::u8_: return IntegerShape{1, false};
    case Primitive::u16_: return IntegerShape{2, false};
    case Primitive::u32_: case Primitive::char_: return IntegerShape{4, false};
    case Primitive::u64_: return IntegerShape{8, false};
    case Primitive::u128_: return IntegerShape{16, false};
    case Primitive::i8: return IntegerShape{1, true};
    case Primitive::i16: return IntegerShape{2, true};
    case Primitive::i32: return IntegerShape{4, true};
    case Primitive::i64: return IntegerShape{8, true};
    case Primitive::i128: return IntegerShape{16, true};
    default: return std::nullopt;
  }
}

/// The magnitude and sign of a JSON integer, written as a number, as decimal text (digits may be grouped by '_') or as 0x and hex digits.
Result<std::pair<u128, bool>> read_integer(const json& value) {
  if (value.is_number_unsigned()) return std::pair<u128, bool>{value.get<u64>(), false};
  if (value.is_number_integer()) {
    const int64_t n = value.get<int64_t>();
    return std::pair<u128, bool>{n < 0 ? static_cast<u128>(-static_cast<__int128>(n)) : static_cast<u128>(n), n < 0};
  }
  if (!value.is_string()) return fail(expected("a whole number", value));
  std::string text = value.get<std::string>();
  std::erase(text, '_');
  if (text.starts_with("0x")) {
    const std::string digits = text.substr(2);
    const Bytes bytes = TRY(from_hex(digits.size() % 2 ? "0" + digits : digits));
    u128 magnitude = 0;
    if (bytes.empty() || bytes.size() > sizeof(magnitude)) return fail(expected("a whole number", value));
    for (const u8 byte : bytes) magnitude = magnitude << 8 | byte;
    return std::pair<u128, bool>{magnitude, false};
  }
  const bool negative = text.starts_with('-');
  return std::pair<u128, bool>{TRY(parse_u128(std::string_view(text).substr(negative ? 1 : 0))), negative};
}

Result<> encode_integer(Bytes& out, IntegerShape shape, const json& value) {
  const auto [magnitude, negative] = TRY(read_integer(value));
  const int bits = shape.bytes * 8 - (shape.is_signed ? 1 : 0);
  const u128 most = bits == 128 ? ~u128{0} : (u128{1} << bits) - 1;
  if ((negative && (!shape.is_signed || magnitude > most + 1)) || (!negative && magnitude > most))
    return fail(expected("an integer of " + std::to_string(shape.bytes * 8) + " bits", value));
  const u128 raw = negative ? ~magnitude + 1 : magnitude;
  for (int i = 0; i < shape.bytes; ++i) out.push_back(static_cast<u8>(raw >> (8 * i)));
  return {};
}

json integer_json(u128 value) {
  if (value <= 0xffffffffu) return static_cast<u64>(value);
  return to_decimal(value);
}

Result<> encode_into(Bytes& out, const Types& types, u32 id, const json& value, Missing missing, int depth);

/// Where members may be missing, a misspelt name would go unnoticed.
Result<> check_names(const std::vector<Field>& fields, const json& value) {
  for (const auto& [key, member] : value.items()) {
    const bool known = std::any_of(fields.begin(), fields.end(), [&](const Field& f) { return f.name && same_name(*f.name, key); });
    if (!known) return fail(ErrorCode::invalid_input, "there is no member '" + key + "'");
  }
  return {};
}

/// The value of which everything is zero, empty or the first choice.
Result<> encode_zero(Bytes& out, const Types& types, u32 id, int depth) {
  if (id >= types.size()) return fail(ErrorCode::invalid_input, "metadata names type " + std::to_string(id) + ", which it does not define");
  if (depth > max_depth) return fail(ErrorCode::invalid_input, "the value is nested deeper than " + std::to_string(max_depth) + " levels");
  const auto zero_fields = [&](const std::vector<Field>& fields) -> Result<> {
    for (const auto& field : fields) TRY(encode_zero(out, types, field.type, depth + 1));
    return {};
  };
  const auto& def = types[id].def;
  if (const auto* composite = def.get_if<Composite>()) return zero_fields(composite->fields);
  if (const auto* variant = def.get_if<Variant>()) {
    if (variant->variants.empty()) return fail(ErrorCode::invalid_input, describe(types, id) + " has no value at all");
    const auto& first = *std::min_element(variant->variants.begin(), variant->variants.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
    out.push_back(first.index);
    return zero_fields(first.fields);
  }
  if (const auto* array = def.get_if<Array>()) {
    for (u32 i = 0; i < array->len; ++i) TRY(encode_zero(out, types, array->type, depth + 1));
  } else if (const auto* tuple = def.get_if<Tuple>()) {
    for (const auto& item : tuple->types) TRY(encode_zero(out, types, item, depth + 1));
  } else if (const auto* primitive = def.get_if<Primitive>(); primitive && (*primitive == Primitive::u256 || *primitive == Primitive::i256)) {
    out.resize(out.size() + 32);
  } else if (primitive && integer_shape(*primitive)) {
    out.resize(out.size() + static_cast<size_t>(integer_shape(*primitive)->bytes));
  } else {   // an empty list or text, false, a compact 0
    out.push_back(0);
  }
  return {};
}

Result<> encode_fields(Bytes& out, const Types& types, const std::vector<Field>& fields, const json& value, Missing missing, int depth) {
  if (fields.empty()) return {};
  if (fields.size() == 1 && !(value.is_object() && fields[0].name && value.contains(*fields[0].name))) {
    // a wrapper's JSON is its inner value; an array of exactly one is accepted too where the inner value is not a list
    const size_t before = out.size();
    const auto inner = encode_into(out, types, fields[0].type, value, missing, depth + 1);
    if (inner || !value.is_array() || value.size() != 1) return inner;
    out.resize(before);
    return encode_into(out, types, fields[0].type, value[0], missing, depth + 1);
  }
  if (missing == Missing::zero && value.is_object()) TRY(check_names(fields, value));
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string name = fields[i].name.value_or(std::to_string(i));
    const json* item = nullptr;
    if (value.is_array()) {
      if (value.size() != fields.size()) return fail(expected("a list of " + std::to_string(fields.size()), value));
      item = &value[i];
    } else if (value.is_object()) {
      for (const auto& [key, member] : value.items())
        if (same_name(key, name)) item = &member;
      if (!item && missing == Missing::zero) {
        TRY(encode_zero(out, types, fields[i].type, depth + 1));
        continue;
      }
      if (!item) return fail(ErrorCode::invalid_input, "'" + name + "' is missing (a " + describe(types, fields[i].type) + ")");
    } else {
      return fail(expected("an object or a list", value));
    }
    TRY(encode_into(out, types, fields[i].type, *item, missing, depth + 1).context(name));
  }
  return {};
}

Result<Bytes> read_bytes(const json& value, bool allow_text) {
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    if (text.starts_with("0x")) return from_hex(text);
    if (allow_text) return to_bytes(text);
  }
  if (value.is_array()) {
    Bytes out;
    for (const auto& item : value) {
      if (!item.is_number_unsigned() || item.get<u64>() > 255) return fail(expected("a byte", item));
      out.push_back(static_cast<u8>(item.get<u64>()));
    }
    return out;
  }
  return fail(expected("bytes as 0x-hex", value));
}

Result<> encode_variant(Bytes& out, const Types& types, const Type& type, const Variant& variant, const json& value, Missing missing, int depth) {
  const std::string name = last(type.path);
  if (name == "Option" && variant.variants.size() == 2) {
    if (value.is_null()) {
      out.push_back(0);
      return {};
    }
    out.push_back(1);
    return encode_fields(out, types, variant.variants[1].fields, value, missing, depth);
  }
  std::string choice;
  const json* inner = nullptr;
  static const json nothing;
  if (value.is_string()) {
    choice = value.get<std::string>();
    inner = &nothing;
  } else if (value.is_object() && value.size() == 1) {
    choice = value.begin().key();
    inner = &value.begin().value();
  }
  for (const auto& item : variant.variants) {
    if (!inner || !same_name(item.name, choice)) continue;
    out.push_back(item.index);
    return encode_fields(out, types, item.fields, *inner, missing, depth).context(item.name);
  }
  // an address is the usual meaning of a bare text where an account is wanted
  if (value.is_string() && name == "MultiAddress" && !variant.variants.empty()) {
    out.push_back(variant.variants[0].index);
    return encode_fields(out, types, variant.variants[0].fields, value, missing, depth);
  }
  std::string names;
  for (const auto& item : variant.variants) names += (names.empty() ? "" : ", ") + item.name;
  return fail(expected("one of " + names, value));
}

Result<> encode_into(Bytes& out, const Types& types, u32 id, const json& value, Missing missing, int depth) {
  if (id >= types.size()) return fail(ErrorCode::invalid_input, "metadata names type " + std::to_string(id) + ", which it does not define");
  if (depth > max_depth) return fail(ErrorCode::invalid_input, "the value is nested deeper than " + std::to_string(max_depth) + " levels");
  const Type& type = types[id];
  if (const auto* composite = type.def.get_if<Composite>()) {
    const std::string name = last(type.path);
    if ((name == "AccountId32" || name == "AccountId") && value.is_string() && !value.get<std::string>().starts_with("0x")) {
      append(out, TRY(crypto::account_from_ss58(value.get<std::string>())));
      return {};
    }
    return encode_fields(out, types, composite->fields, value, missing, depth);
  }
  if (const auto* variant = type.def.get_if<Variant>()) return encode_variant(out, types, type, *variant, value, missing, depth);
  if (const auto* sequence = type.def.get_if<Sequence>()) {
    if (is_byte(types, sequence->type)) {
      scale::encode_to(out, TRY(read_bytes(value, true)));
      return {};
    }
    if (!value.is_array()) return fail(expected("a list", value));
    scale::encode_compact(out, value.size());
    for (size_t i = 0; i < value.size(); ++i) TRY(encode_into(out, types, sequence->type, value[i], missing, depth + 1).context("[" + std::to_string(i) + "]"));
    return {};
  }
  if (const auto* array = type.def.get_if<Array>()) {
    if (is_byte(types, array->type)) {
      const Bytes bytes = TRY(read_bytes(value, false));
      if (bytes.size() != array->len) return fail(expected(std::to_string(array->len) + " bytes", value));
      append(out, bytes);
      return {};
    }
    if (!value.is_array() || value.size() != array->len) return fail(expected("a list of " + std::to_string(array->len), value));
    for (const auto& item : value) TRY(encode_into(out, types, array->type, item, missing, depth + 1));
    return {};
  }
  if (const auto* tuple = type.def.get_if<Tuple>()) {
    if (tuple->types.empty()) return {};
    if (!value.is_array() || value.size() != tuple->types.size()) return fail(expected("a list of " + std::to_string(tuple->types.size()), value));
    for (size_t i = 0; i < value.size(); ++i) TRY(encode_into(out, types, tuple->types[i], value[i], missing, depth + 1).context("[" + std::to_string(i) + "]"));
    return {};
  }
  if (const auto* compact = type.def.get_if<CompactOf>()) {
    const auto [magnitude, negative] = TRY(read_integer(value));
    if (negative) return fail(expected("a whole number", value));
    Bytes fits;
    if (const auto* p = compact->type < types.size() ? types[compact->type].def.get_if<Primitive>() : nullptr; p && integer_shape(*p))
      TRY(encode_integer(fits, *integer_shape(*p), value));
    scale::encode_compact(out, magnitude);
    return {};
  }
  if (const auto* primitive = type.def.get_if<Primitive>()) {
    if (*primitive == Primitive::bool_) {
      if (!value.is_boolean()) return fail(expected("true or false", value));
      out.push_back(value.get<bool>() ? 1 : 0);
      return {};
    }
    if (*primitive == Primitive::str) {
      if (!value.is_string()) return fail(expected("a text", value));
      scale::encode_to(out, value.get<std::string>());
      return {};
    }
    if (const auto shape = integer_shape(*primitive)) return encode_integer(out, *shape, value);
  }
  return fail(ErrorCode::invalid_input, "values of type " + describe(types, id) + " cannot be written as JSON");
}

Result<json> decode_from(const Types& types, u32 id, scale::Reader& in, int depth);

Result<json> decode_fields(const Types& types, const std::vector<Field>& fields, scale::Reader& in, int depth) {
  if (fields.empty()) return json(nullptr);
  if (fields.size() == 1 && !fields[0].name) return decode_from(types, fields[0].type, in, depth + 1);
  json out = fields[0].name ? json::object() : json::array();
  for (const auto& field : fields) {
    json value = TRY(decode_from(types, field.type, in, depth + 1));
    if (field.name) out[*field.name] = std::move(value);
    else out.push_back(std::move(value));
  }
  return out;
}

Result<json> decode_integer(scale::Reader& in, IntegerShape shape) {
  const auto raw = TRY(in.take(static_cast<size_t>(shape.bytes)).map_error(scale::to_error));
  u128 value = 0;
  for (size_t i = 0; i < raw.size(); ++i) value |= u128{raw[i]} << (8 * i);
  if (shape.is_signed && (raw.back() & 0x80)) {
    const u128 magnitude = ~(value | (shape.bytes == 16 ? 0 : ~u128{0} << (8 * shape.bytes))) + 1;
    if (magnitude <= 0x80000000u) return json(-static_cast<int64_t>(magnitude));
    return json("-" + to_decimal(magnitude));
  }
  return integer_json(value);
}

Result<json> decode_from(const Types& types, u32 id, scale::Reader& in, int depth) {
  if (id >= types.size()) return fail(ErrorCode::invalid_input, "metadata names type " + std::to_string(id) + ", which it does not define");
  if (depth > max_depth) return fail(ErrorCode::invalid_input, "the value is nested deeper than " + std::to_string(max_depth) + " levels");
  const Type& type = types[id];
  if (const auto* composite = type.def.get_if<Composite>()) {
    const std::string name = last(type.path);
    if (name == "AccountId32" || name == "AccountId") return json(crypto::to_ss58(TRY(in.take(32).map_error(scale::to_error)), phala_prefix));
    return decode_fields(types, composite->fields, in, depth);
  }
  if (const auto* variant = type.def.get_if<Variant>()) {
    const u8 index = TRY(in.take(1).map_error(scale::to_error))[0];
    for (const auto& item : variant->variants) {
      if (item.index != index) continue;
      json inner = TRY(decode_fields(types, item.fields, in, depth).context(item.name));
      if (last(type.path) == "Option") return inner;
      if (item.fields.empty()) return json(item.name);
      return json{{item.name, std::move(inner)}};
    }
    return fail(ErrorCode::invalid_input, describe(types, id) + " has no variant " + std::to_string(index));
  }
  const auto list = [&](size_t n, u32 item) -> Result<json> {
    if (is_byte(types, item)) return json(to_hex0x(TRY(in.take(n).map_error(scale::to_error))));
    json out = json::array();
    for (size_t i = 0; i < n; ++i) out.push_back(TRY(decode_from(types, item, in, depth + 1)));
    return out;
  };
  if (const auto* sequence = type.def.get_if<Sequence>()) return list(TRY(in.length(1).map_error(scale::to_error)), sequence->type);
  if (const auto* array = type.def.get_if<Array>()) return list(array->len, array->type);
  if (const auto* tuple = type.def.get_if<Tuple>()) {
    if (tuple->types.empty()) return json(nullptr);
    json out = json::array();
    for (const auto& item : tuple->types) out.push_back(TRY(decode_from(types, item, in, depth + 1)));
    return out;
  }
  if (type.def.is<CompactOf>()) return integer_json(TRY(in.compact().map_error(scale::to_error)));
  if (const auto* primitive = type.def.get_if<Primitive>()) {
    if (*primitive == Primitive::bool_) return json(TRY(scale::decode_from<bool>(in).map_error(scale::to_error)));
    if (*primitive == Primitive::str) return json(TRY(scale::decode_from<std::string>(in).map_error(scale::to_error)));
    if (*primitive == Primitive::u256 || *primitive == Primitive::i256) return json(to_hex0x(TRY(in.take(32).map_error(scale::to_error))));
    if (const auto shape = integer_shape(*primitive)) return decode_integer(in, *shape);
  }
  return fail(ErrorCode::invalid_input, "values of type " + describe(types, id) + " cannot be shown");
}

std::string describe_at(const Types& types, u32 id, int depth) {
  if (id >= types.size() || depth > 6) return "…";
  const Type& type = types[id];
  if (!type.path.empty()) {
    std::string out = last(type.path), params;
    for (const auto& param : type.params)
      if (param.type && (out == "Option" || out == "Result" || out == "BTreeMap")) params += (params.empty() ? "" : ", ") + describe_at(types, *param.type, depth + 1);
    return params.empty() ? out : out + "<" + params + ">";
  }
  if (const auto* s = type.def.get_if<Sequence>()) return "Vec<" + describe_at(types, s->type, depth + 1) + ">";
  if (const auto* a = type.def.get_if<Array>()) return "[" + describe_at(types, a->type, depth + 1) + "; " + std::to_string(a->len) + "]";
  if (const auto* c = type.def.get_if<CompactOf>()) return "Compact<" + describe_at(types, c->type, depth + 1) + ">";
  if (const auto* t = type.def.get_if<Tuple>()) {
    std::string out;
    for (const auto& item : t->types) out += (out.empty() ? "" : ", ") + describe_at(types, item, depth + 1);
    return "(" + out + ")";
  }
  if (const auto* p = type.def.get_if<Primitive>()) {
    static constexpr std::string_view names[] = {"bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256"};
    return std::string(names[static_cast<size_t>(*p)]);
  }
  return "type " + std::to_string(id);
}

Result<Bytes> hashed(Hasher hasher, ByteView key) {
  switch (hasher) {
    case Hasher::blake2_128: return to_bytes(crypto::blake2_128(key));
    case Hasher::blake2_256: return to_bytes(crypto::blake2_256(key));
    case Hasher::blake2_128_concat: return concat(crypto::blake2_128(key), key);
    case Hasher::twox_128: return to_bytes(crypto::twox_128(key));
    case Hasher::twox_64_concat: return concat(crypto::twox_64(key), key);
    case Hasher::identity: return to_bytes(key);
    case Hasher::twox_256: break;
  }
  return fail(ErrorCode::invalid_input, "this storage entry is keyed by twox-256, which no pallet of this chain uses");
}

}  // namespace

Types types_of(const Metadata& metadata) {
  Types out;
  out.reserve(metadata.types.size());
  for (const auto& item : metadata.types) out.push_back(item.type);
  return out;
}

Result<Bytes> encode(const Types& types, u32 type, const json& value, Missing missing) {
  Bytes out;
  TRY(encode_into(out, types, type, value, missing, 0));
  return out;
}
Result<json> decode(const Types& types, u32 type, scale::Reader& in) { return decode_from(types, type, in, 0); }
Result<json> decode_all(const Types& types, u32 type, ByteView bytes) {
  scale::Reader in(bytes);
  json out = TRY(decode(types, type, in));
  if (in.left() != 0) return fail(ErrorCode::invalid_input, std::to_string(in.left()) + " bytes are left over after a " + describe(types, type));
  return out;
}
std::string describe(const Types& types, u32 type) { return describe_at(types, type, 0); }

bool same_name(std::string_view a, std::string_view b) {
  size_t i = 0, j = 0;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  while (true) {
    while (i < a.size() && a[i] == '_') ++i;
    while (j < b.size() && b[j] == '_') ++j;
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (lower(a[i++]) != lower(b[j++])) return false;
  }
}

const Pallet* find_pallet(const Metadata& metadata, std::string_view name) {
  for (const auto& pallet : metadata.pallets)
    if (same_name(pallet.name, name)) return &pallet;
  return nullptr;
}

const StorageEntry* find_entry(const Pallet& pallet, std::string_view name) {
  if (pallet.storage)
    for (const auto& entry : pallet.storage->entries)
      if (same_name(entry.name, name)) return &entry;
  return nullptr;
}

Result<Bytes> encode_call(const Metadata& metadata, std::string_view pallet_name, std::string_view call, const json& arguments) {
  const Pallet* pallet = find_pallet(metadata, pallet_name);
  if (!pallet) return fail(ErrorCode::not_found, "this chain has no pallet '" + std::string(pallet_name) + "'");
  const auto* calls = pallet->calls && *pallet->calls < metadata.types.size() ? metadata.types[*pallet->calls].type.def.get_if<Variant>() : nullptr;
  if (!calls) return fail(ErrorCode::not_found, "pallet " + pallet->name + " has no calls");
  for (const auto& item : calls->variants) {
    if (!same_name(item.name, call)) continue;
    Bytes out{pallet->index, item.index};
    const Types types = types_of(metadata);
    if (item.fields.size() == 1 && arguments.is_array() && arguments.size() == 1)
      TRY(encode_into(out, types, item.fields[0].type, arguments[0], Missing::refused, 0).context(item.name + "." + item.fields[0].name.value_or("0")));
    else if (arguments.is_array() && arguments.size() != item.fields.size())
      return fail(ErrorCode::invalid_input, pallet->name + "." + item.name + " takes " + std::to_string(item.fields.size()) + " arguments, got " + std::to_string(arguments.size()));
    else TRY(encode_fields(out, types, item.fields, arguments, Missing::refused, 0).context(item.name));
    return out;
  }
  std::string names;
  for (const auto& item : calls->variants) names += (names.empty() ? "" : ", ") + item.name;
  return fail(ErrorCode::not_found, "pallet " + pallet->name + " has no call '" + std::string(call) + "'", "it has " + names);
}

Result<Bytes> storage_key(const Metadata& metadata, const Pallet& pallet, const StorageEntry& entry, const json& keys) { return storage_key(types_of(metadata), pallet, entry, keys); }
Result<Bytes> storage_key(const Types& types, const Pallet& pallet, const StorageEntry& entry, const json& keys) {
  Bytes out = concat(crypto::twox_128(as_bytes(pallet.storage->prefix)), crypto::twox_128(as_bytes(entry.name)));
  const auto* map = entry.type.get_if<MapEntry>();
  const size_t given = keys.is_array() ? keys.size() : 0;
  if (!map) {
    if (given != 0) return fail(ErrorCode::invalid_input, pallet.name + "." + entry.name + " is a single value and takes no key");
    return out;
  }
  std::vector<u32> key_types{map->key};
  if (map->hashers.size() > 1) {
    const auto* tuple = map->key < types.size() ? types[map->key].def.get_if<Tuple>() : nullptr;
    if (!tuple || tuple->types.size() != map->hashers.size()) return fail(ErrorCode::invalid_input, "metadata of " + entry.name + " has keys and hashers of different number");
    key_types.assign(tuple->types.begin(), tuple->types.end());
  }
  if (given > key_types.size()) return fail(ErrorCode::invalid_input, pallet.name + "." + entry.name + " takes " + std::to_string(key_types.size()) + " keys, got " + std::to_string(given));
  for (size_t i = 0; i < given; ++i) append(out, TRY(hashed(map->hashers[i], TRY(encode(types, key_types[i], keys[i]).context("key " + std::to_string(i + 1))))));
  return out;
}

Result<json> describe_module_error(const Metadata& metadata, u8 pallet_index, u8 error) {
  for (const auto& pallet : metadata.pallets) {
    if (pallet.index != pallet_index || !pallet.error || *pallet.error >= metadata.types.size()) continue;
    if (const auto* errors = metadata.types[*pallet.error].type.def.get_if<Variant>())
      for (const auto& item : errors->variants)
        if (item.index == error) return json{{"pallet", pallet.name}, {"name", item.name}, {"docs", item.docs}};
  }
  return fail(ErrorCode::not_found, "error " + std::to_string(error) + " of pallet " + std::to_string(pallet_index) + " is not in the metadata");
}

namespace {

Result<Field> ink_field(const json& f) {
  Field out;
  if (f.contains("name") && f["name"].is_string()) out.name = f["name"].get<std::string>();
  if (!f.contains("type") || !f["type"].is_number_unsigned()) return fail(ErrorCode::invalid_input, "a field without a type");
  out.type = f["type"].get<u32>();
  return out;
}
Result<std::vector<Field>> ink_fields(const json& holder) {
  std::vector<Field> out;
  if (holder.contains("fields"))
    for (const auto& f : holder["fields"]) out.push_back(TRY(ink_field(f)));
  return out;
}

Result<TypeDef> ink_def(const json& def) {
  if (def.contains("primitive")) {
    static constexpr std::string_view names[] = {"bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256"};
    const std::string name = def["primitive"].get<std::string>();
    for (u8 i = 0; i < std::size(names); ++i)
      if (names[i] == name) return TypeDef(static_cast<Primitive>(i));
    return fail(ErrorCode::invalid_input, "unknown primitive '" + name + "'");
  }
  if (def.contains("composite")) return TypeDef(Composite{TRY(ink_fields(def["composite"]))});
  if (def.contains("variant")) {
    Variant out;
    if (def["variant"].contains("variants"))
      for (const auto& v : def["variant"]["variants"])
        out.variants.push_back({v.at("name").get<std::string>(), TRY(ink_fields(v)), static_cast<u8>(v.value("index", 0)), {}});
    return TypeDef(std::move(out));
  }
  if (def.contains("sequence")) return TypeDef(Sequence{def["sequence"].at("type").get<u32>()});
  if (def.contains("array")) return TypeDef(Array{def["array"].at("len").get<u32>(), def["array"].at("type").get<u32>()});
  if (def.contains("tuple")) {
    Tuple out;
    for (const auto& id : def["tuple"]) out.types.push_back(id.get<u32>());
    return TypeDef(std::move(out));
  }
  if (def.contains("compact")) return TypeDef(CompactOf{def["compact"].at("type").get<u32>()});
  return fail(ErrorCode::invalid_input, "unknown kind of type");
}

}  // namespace

Result<Types> types_from_ink(const json& types) try {
  if (!types.is_array()) return fail(ErrorCode::invalid_input, "'types' is not a list");
  Types out;
  for (size_t i = 0; i < types.size(); ++i) {
    const json& entry = types[i];
    const std::string where = "types[" + std::to_string(i) + "]";
    if (entry.at("id").get<u64>() != i) return fail(ErrorCode::invalid_input, where + ": ids are not in order");
    const json& body = entry.at("type");
    Type type;
    if (body.contains("path")) type.path = body["path"].get<std::vector<std::string>>();
    if (body.contains("params"))
      for (const auto& p : body["params"]) {
        TypeParameter param{p.value("name", std::string{}), {}};
        if (p.contains("type") && p["type"].is_number_unsigned()) param.type = TypeId(p["type"].get<u32>());
        type.params.push_back(std::move(param));
      }
    type.def = TRY(ink_def(body.at("def")).context(where));
    out.push_back(std::move(type));
  }
  return out;
} catch (const json::exception& e) {
  return fail(ErrorCode::invalid_input, std::string("contract metadata: ") + e.what());
}

}  // namespace phala::metadata

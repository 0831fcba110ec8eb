#include "cli/fields.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "…" : text;
}

std::unexpected<Error> expected(std::string where, std::string_view what, const json& got) {
  return fail(ErrorCode::unavailable, std::move(where) + " is not " + std::string(what) + " but " + shown(got), "does this address belong to the service it should?");
}

}  // namespace

Result<Fields> Fields::of(const json& value, std::string where) {
  if (!value.is_object()) return expected(std::move(where), "an object", value);
  return Fields(value, std::move(where));
}

bool Fields::has(std::string_view name) const {
  const auto at = object_->find(name);
  return at != object_->end() && !at->is_null();
}

std::unexpected<Error> Fields::wrong(std::string_view name, std::string_view what, const json& got) const { return expected(where_ + ": '" + std::string(name) + "'", what, got); }

Result<const json*> Fields::member(std::string_view name) const {
  const auto at = object_->find(name);
  if (at == object_->end()) return fail(ErrorCode::unavailable, where_ + ": '" + std::string(name) + "' is missing", "does this address belong to the service it should?");
  return &*at;
}

Result<std::string> Fields::text(std::string_view name) const {
  const json* value = TRY(member(name));
  if (!value->is_string()) return wrong(name, "a text", *value);
  return value->get<std::string>();
}

Result<u64> Fields::number(std::string_view name) const {
  const json* value = TRY(member(name));
  if (!value->is_number_unsigned()) return wrong(name, "a whole number", *value);
  return value->get<u64>();
}

Result<bool> Fields::flag(std::string_view name) const {
  const json* value = TRY(member(name));
  if (!value->is_boolean()) return wrong(name, "true or false", *value);
  return value->get<bool>();
}

Result<Bytes> Fields::hex(std::string_view name) const { return hex_value(*TRY(member(name)), where_ + ": '" + std::string(name) + "'"); }

Result<Fields> Fields::object(std::string_view name) const { return of(*TRY(member(name)), where_ + ": '" + std::string(name) + "'"); }

Result<const json*> Fields::list(std::string_view name) const {
  const json* value = TRY(member(name));
  if (!value->is_array()) return wrong(name, "a list", *value);
  return value;
}

Result<std::string> text_value(const json& value, std::string_view where) {
  if (!value.is_string()) return expected(std::string(where), "a text", value);
  return value.get<std::string>();
}

Result<Bytes> hex_value(const json& value, std::string_view where) {
  auto bytes = from_hex(TRY(text_value(value, where)));
  if (!bytes) return expected(std::string(where), "hex", value);
  return bytes;
}

Result<u128> amount_value(const json& value, std::string_view where) {
  return parse_u128(value.is_string() ? value.get<std::string>() : value.dump()).context(std::string(where));
}

Result<json> parse_json(std::string_view text, std::string_view where) {
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) return fail(ErrorCode::unavailable, std::string(where) + " is not JSON", "does this address belong to the service it should?");
  return value;
}

}  // namespace phala::cli

#include "cli/argument.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/files.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;
using namespace metadata;

/// Builds the document as the library would, save that a number too large for it stays the text that it was.
class ExactNumbers : public nlohmann::json_sax<json> {
 public:
  json root;
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    const bool whole = text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0) == text.npos;
    return whole ? put(text) : put(value);
  }
  bool string(string_t& value) override { return put(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return enter(json::object()); }
  bool start_array(size_t) override { return enter(json::array()); }
  bool key(string_t& name) override {
    key_ = name;
    return true;
  }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  json& place(json value) {
    if (open_.empty()) return root = std::move(value);
    if (open_.back()->is_object()) return (*open_.back())[key_] = std::move(value);
    open_.back()->push_back(std::move(value));
    return open_.back()->back();
  }
  bool put(json value) {
    place(std::move(value));
    return true;
  }
  bool enter(json value) {
    open_.push_back(&place(std::move(value)));
    return true;
  }
  bool leave() {
    open_.pop_back();
    return true;
  }
  std::vector<json*> open_;   ///< a container gets no sibling while it is open, so these stay valid
  std::string key_;
};

bool is_byte(const Types& types, u32 id) {
  const auto* p = id < types.size() ? types[id].def.get_if<Primitive>() : nullptr;
  return p && *p == Primitive::u8_;
}

bool is_bytes(const Types& types, u32 id) {
  if (id >= types.size()) return false;
  const auto* sequence = types[id].def.get_if<Sequence>();
  const auto* array = types[id].def.get_if<Array>();
  if (sequence || array) return is_byte(types, sequence ? sequence->type : array->type);
  const auto* composite = types[id].def.get_if<Composite>();
  return composite && composite->fields.size() == 1 && is_bytes(types, composite->fields[0].type);
}

/// `"hello"` is hello; anything else is itself.
std::string unquoted(std::string_view text) {
  if (text.starts_with('"'))
    if (const auto parsed = exact_json(text); parsed && parsed->is_string()) return parsed->get<std::string>();
  return std::string(text);
}

Result<json> document(const Types& types, u32 type, std::string_view text) {
  if (auto parsed = exact_json(text)) return std::move(*parsed);
  return fail(ErrorCode::invalid_input, "'" + std::string(text.substr(0, 60)) + "' is not JSON, as a " + describe(types, type) + " must be");
}

Result<json> of_variant(const Types& types, u32 id, const Variant& variant, std::string_view text) {
  const auto& path = types[id].path;
  if (!path.empty() && path.back() == "Option" && variant.variants.size() == 2 && variant.variants[1].fields.size() == 1) {
    if (text == "null") return json(nullptr);
    return value_from_text(types, variant.variants[1].fields[0].type, text);
  }
  if (text.starts_with('{')) return document(types, id, text);
  return json(unquoted(text));   // the name of a variant, or an address
}

}  // namespace

std::optional<json> exact_json(std::string_view text) {
  ExactNumbers built;
  if (!json::sax_parse(text, &built)) return std::nullopt;
  return std::move(built.root);
}

Result<json> value_from_text(const Types& types, u32 id, std::string_view text) {
  if (id >= types.size()) return json(std::string(text));
  const TypeDef& def = types[id].def;
  if (const auto* primitive = def.get_if<Primitive>()) {
    if (*primitive != Primitive::bool_) return json(unquoted(text));
    if (text == "true" || text == "false") return json(text == "true");
    return fail(ErrorCode::invalid_input, "expected true or false, got '" + std::string(text.substr(0, 60)) + "'");
  }
  if (def.is<CompactOf>()) return json(unquoted(text));
  if (is_bytes(types, id)) return text.starts_with('[') ? document(types, id, text) : json(unquoted(text));
  if (const auto* composite = def.get_if<Composite>(); composite && composite->fields.size() == 1) {
    const Field& field = composite->fields[0];
    if (text.starts_with('{') && field.name)
      if (auto parsed = exact_json(text); parsed && parsed->contains(*field.name)) return std::move(*parsed);
    return value_from_text(types, field.type, text);
  }
  if (const auto* variant = def.get_if<Variant>()) return of_variant(types, id, *variant, text);
  return document(types, id, text);
}

Result<json> values_from_texts(const Types& types, std::span<const u32> wanted, const std::vector<std::string>& texts) {
  json out = json::array();
  for (size_t i = 0; i < texts.size(); ++i) {
    const u32 type = i < wanted.size() ? wanted[i] : ~0u;
    std::string text = texts[i];
    if (text.starts_with('@')) {
      const Bytes content = TRY(read_file(text.substr(1)));
      text = as_text(content);
      if (text.ends_with('\n')) text.pop_back();
      if (is_bytes(types, type) && !(text.starts_with("0x") && from_hex(text))) text = to_hex0x(content);
    }
    out.push_back(TRY(value_from_text(types, type, text).context("argument " + std::to_string(i + 1))));
  }
  return out;
}

}  // namespace phala::cli

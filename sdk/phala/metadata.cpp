#include "phala/metadata.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace phala::sdk::metadata {

using Json = nlohmann::ordered_json;

std::vector<std::string> path_of(std::string_view pretty) {
  std::vector<std::string> out(1);
  int depth = 0;
  for (size_t i = 0; i < pretty.size(); ++i) {
    const char c = pretty[i];
    if (c == '<' || c == '(') ++depth;
    else if (c == '>' || c == ')') --depth;
    else if (depth > 0) continue;
    else if (c == ':' && i + 1 < pretty.size() && pretty[i + 1] == ':') {
      if (!out.back().empty()) out.emplace_back();
      ++i;
    } else out.back() += c;
  }
  while (!out.back().empty() && out.back().back() == '_') out.back().pop_back();
  return out;
}

std::string_view enumerator_in(std::string_view pretty) {
  const size_t from = pretty.find("V = ");
  if (from == pretty.npos) return {};
  std::string_view text = pretty.substr(from + 4);
  text = text.substr(0, text.find_first_of("];"));
  if (text.empty() || text.front() == '(' || (text.front() >= '0' && text.front() <= '9')) return {};
  const size_t colon = text.rfind(':');
  if (colon != text.npos) text.remove_prefix(colon + 1);
  while (!text.empty() && text.back() == '_') text.remove_suffix(1);
  return text;
}

static Json fields(const std::vector<Field>& all) {
  Json out = Json::array();
  for (const Field& field : all) {
    Json one;
    if (!field.name.empty()) one["name"] = field.name;
    one["type"] = field.type;
    if (!field.type_name.empty()) one["typeName"] = field.type_name;
    out.push_back(std::move(one));
  }
  return out;
}

static Json definition(const Type& type) {
  switch (type.kind) {
    case Kind::primitive: return {{"primitive", type.primitive}};
    case Kind::sequence: return {{"sequence", {{"type", type.items.at(0)}}}};
    case Kind::array: return {{"array", {{"len", type.length}, {"type", type.items.at(0)}}}};
    case Kind::tuple: return {{"tuple", type.items}};
    case Kind::composite: {
      Json body = Json::object();
      if (!type.fields.empty()) body["fields"] = fields(type.fields);
      return {{"composite", body}};
    }
    case Kind::variant: {
      Json variants = Json::array();
      for (const Variant& v : type.variants) {
        Json one{{"name", v.name}};
        if (!v.fields.empty()) one["fields"] = fields(v.fields);
        one["index"] = v.index;
        variants.push_back(std::move(one));
      }
      Json body = Json::object();
      if (!variants.empty()) body["variants"] = std::move(variants);
      return {{"variant", body}};
    }
  }
  return {};
}

static Json type_table(const std::vector<Type>& types) {
  Json out = Json::array();
  for (const Type& type : types) {
    Json one;
    if (!type.path.empty()) one["path"] = type.path;
    if (!type.parameters.empty()) {
      Json parameters = Json::array();
      for (const auto& [name, id] : type.parameters) parameters.push_back({{"name", name}, {"type", id}});
      one["params"] = std::move(parameters);
    }
    one["def"] = definition(type);
    out.push_back({{"id", out.size()}, {"type", std::move(one)}});
  }
  return out;
}

static Json type_ref(u32 id, std::vector<std::string> display) { return {{"type", id}, {"displayName", std::move(display)}}; }

static Json docs(const std::string& text) {
  Json out = Json::array();
  if (!text.empty()) out.push_back(" " + text);
  return out;
}

static Json message(const MessageSpec& m, bool is_constructor) {
  Json arguments = Json::array();
  for (const auto& a : m.arguments) arguments.push_back({{"label", a.label}, {"type", type_ref(a.type, a.display)}});
  Json out{{"label", m.label}, {"selector", to_hex0x(m.selector)}};
  if (!is_constructor) out["mutates"] = m.mutates;
  out["payable"] = m.payable;
  out["args"] = std::move(arguments);
  out["returnType"] = type_ref(m.return_type, is_constructor ? std::vector<std::string>{"ink_primitives", "ConstructorResult"}
                                                             : std::vector<std::string>{"ink", "MessageResult"});
  out["docs"] = docs(m.docs);
  out["default"] = m.is_default;
  return out;
}

static Json event(const EventSpec& e) {
  Json arguments = Json::array();
  for (const auto& a : e.arguments)
    arguments.push_back({{"label", a.label}, {"indexed", a.indexed}, {"type", type_ref(a.type, a.display)}, {"docs", Json::array()}});
  return {{"label", e.label}, {"args", std::move(arguments)}, {"docs", Json::array()}};
}

/// ink writes layout keys as numbers, most significant byte first; in storage they are little-endian.
static std::string key_text(u32 key) { return to_hex0x(be_bytes(key)); }

static Json storage(const ContractSpec& c) {
  Json all = Json::array();
  for (const auto& field : c.storage) {
    Json leaf{{"leaf", {{"key", key_text(field.key)}, {"ty", field.type}}}};
    if (field.own_cell) leaf = {{"root", {{"root_key", key_text(field.key)}, {"layout", std::move(leaf)}}}};
    all.push_back({{"name", field.name}, {"layout", std::move(leaf)}});
  }
  return {{"root", {{"root_key", "0x00000000"}, {"layout", {{"struct", {{"name", c.name}, {"fields", std::move(all)}}}}}}}};
}

std::string to_json(const ContractSpec& c) {
  Json constructors = Json::array(), messages = Json::array(), events = Json::array();
  for (const auto& m : c.constructors) constructors.push_back(message(m, true));
  for (const auto& m : c.messages) messages.push_back(message(m, false));
  for (const auto& e : c.events) events.push_back(event(e));
  const Json environment{{"accountId", type_ref(c.account_id, {"AccountId"})},
                         {"balance", type_ref(c.balance, {"Balance"})},
                         {"hash", type_ref(c.hash, {"Hash"})},
                         {"timestamp", type_ref(c.timestamp, {"Timestamp"})},
                         {"blockNumber", type_ref(c.block_number, {"BlockNumber"})},
                         {"chainExtension", type_ref(c.no_extension, {"ChainExtension"})},
                         {"maxEventTopics", 4}};
  const Json out{{"version", "4"},
                 {"types", type_table(c.types)},
                 {"storage", storage(c)},
                 {"spec", {{"constructors", std::move(constructors)}, {"messages", std::move(messages)}, {"events", std::move(events)},
                           {"docs", Json::array()}, {"lang_error", type_ref(c.lang_error, {"ink", "LangError"})},
                           {"environment", environment}}}};
  return out.dump();
}

int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fputc('\n', stdout) != EOF;
  return written ? 0 : 1;
}

}  // namespace phala::sdk::metadata

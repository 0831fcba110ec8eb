#include "cli/contract_file.hpp"

#include <nlohmann/json.hpp>

#include "cli/argument.hpp"
#include "cli/files.hpp"
#include "crypto/hash.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

/// These throw json::exception where the file is not as it should be; `parse` catches.
const json::array_t& list(const json& from, const char* name) { return from.at(name).get_ref<const json::array_t&>(); }
Result<ContractEntry> entry_of(const json& from) {
  ContractEntry out;
  out.label = from.at("label").get<std::string>();
  out.selector = TRY(from_hex(from.at("selector").get<std::string>()).context(out.label + ".selector"));
  if (out.selector.size() != 4) return fail(ErrorCode::invalid_input, out.label + ".selector does not have 4 bytes");
  for (const auto& parameter : list(from, "args")) out.parameters.push_back({parameter.at("label").get<std::string>(), parameter.at("type").at("type").get<u32>()});
  if (!from.contains("returnType") || from.at("returnType").is_null()) return out;
  const json& returned = from.at("returnType");
  out.returns = returned.at("type").get<u32>();
  const auto names = returned.value("displayName", std::vector<std::string>{});
  out.may_refuse_input = !names.empty() && (names.back() == "MessageResult" || names.back() == "ConstructorResult");
  return out;
}

Result<const ContractEntry*> find(const std::vector<ContractEntry>& entries, std::string_view label, const std::string& contract, std::string_view kind) {
  std::string names;
  for (const auto& entry : entries) {
    if (metadata::same_name(entry.label, label)) return &entry;
    names += (names.empty() ? "" : ", ") + entry.label;
  }
  return fail(ErrorCode::not_found, contract + " has no " + std::string(kind) + " '" + std::string(label) + "'", "it has " + names);
}

}  // namespace

Result<ContractFile> ContractFile::parse(std::string_view text) try {
  const json file = json::parse(text, nullptr, false);
  if (!file.is_object()) return fail(ErrorCode::invalid_input, "not a contract file: not JSON");
  if (!file.contains("source")) return fail(ErrorCode::invalid_input, "not a contract file: 'source' is missing");
  ContractFile out;
  const json& source = file.at("source");
  out.code_hash = TRY(Hash::from(TRY(from_hex(source.at("hash").get<std::string>()))).context("source.hash"));
  if (source.contains("wasm") && source.at("wasm").is_string()) out.wasm = TRY(from_hex(source.at("wasm").get<std::string>()).context("source.wasm"));
  if (!out.wasm.empty() && crypto::blake2_256(out.wasm) != out.code_hash) return fail(ErrorCode::corrupted, "source.hash is not the hash of source.wasm", "build the contract again");
  out.name = file.contains("contract") ? file.at("contract").value("name", std::string("contract")) : "contract";
  const json& body = file.contains("V3") ? file.at("V3") : file;
  if (!body.contains("spec") || !body.contains("types")) return fail(ErrorCode::invalid_input, "this metadata is of a version that is not supported", "ink! 3.0 final, 4 and 5 are");
  out.types = TRY(metadata::types_from_ink(body.at("types")));
  for (const auto& entry : list(body.at("spec"), "constructors")) out.constructors.push_back(TRY(entry_of(entry)));
  for (const auto& entry : list(body.at("spec"), "messages")) out.messages.push_back(TRY(entry_of(entry)));
  if (out.constructors.empty()) return fail(ErrorCode::invalid_input, "a contract without a constructor");
  return out;
} catch (const json::exception& e) {
  return fail(ErrorCode::invalid_input, std::string("contract file: ") + e.what());
}

Result<ContractFile> ContractFile::read(const std::string& path) { return parse(as_text(TRY(read_file(path)))).context(path); }

Result<const ContractEntry*> ContractFile::constructor(std::string_view label) const { return find(constructors, label, name, "constructor"); }
Result<const ContractEntry*> ContractFile::message(std::string_view label) const { return find(messages, label, name, "message"); }

const ContractEntry* ContractFile::message_of(ByteView selector) const {
  for (const auto& entry : messages)
    if (same_bytes(entry.selector, selector)) return &entry;
  return nullptr;
}

Result<Bytes> ContractFile::encode(const ContractEntry& entry, const std::vector<std::string>& texts) const {
  if (texts.size() != entry.parameters.size()) {
    std::string names;
    for (const auto& parameter : entry.parameters) names += (names.empty() ? "" : ", ") + parameter.label + ": " + metadata::describe(types, parameter.type);
    return fail(ErrorCode::invalid_input, entry.label + " takes " + std::to_string(entry.parameters.size()) + " arguments, got " + std::to_string(texts.size()), names.empty() ? "" : "they are " + names);
  }
  std::vector<u32> wanted;
  for (const auto& parameter : entry.parameters) wanted.push_back(parameter.type);
  const json values = TRY(values_from_texts(types, wanted, texts));
  Bytes out = entry.selector;
  for (size_t i = 0; i < wanted.size(); ++i) append(out, TRY(metadata::encode(types, wanted[i], values[i]).context(entry.parameters[i].label)));
  return out;
}

Result<json> ContractFile::decode_return(const ContractEntry& entry, ByteView data) const {
  if (!entry.returns) return json(nullptr);
  json value = TRY(metadata::decode_all(types, *entry.returns, data).context("the message's result"));
  if (!entry.may_refuse_input) return value;
  if (value.is_object() && value.contains("Err")) return fail(ErrorCode::refused, "the contract could not read its input: " + value["Err"].dump());
  return value.is_object() && value.contains("Ok") ? value["Ok"] : json(nullptr);
}

}  // namespace phala::cli

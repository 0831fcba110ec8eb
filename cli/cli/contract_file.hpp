#pragma once
// Why: a `.contract` file says how to talk to a contract: its constructors and messages, their selectors and types. Read once, checked once;
// nothing after that looks into its JSON.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "metadata/value.hpp"

namespace phala::cli {

/// A constructor or a message.
struct ContractEntry {
  struct Parameter { std::string label; u32 type = 0; };
  std::string label;
  Bytes selector;                    ///< 4 bytes
  std::vector<Parameter> parameters;
  std::optional<u32> returns;        ///< type of what it returns, if anything
  bool may_refuse_input = false;     ///< what it returns is wrapped once more: Err says that the contract could not read its input
};

/// A parsed `.contract` or metadata file (ink! metadata V3, 4 and 5).
struct ContractFile {
  std::string name;
  Hash code_hash;
  Bytes wasm;              ///< empty when the file holds metadata only
  std::vector<ContractEntry> constructors, messages;
  metadata::Types types;

  static Result<ContractFile> parse(std::string_view json);
  static Result<ContractFile> read(const std::string& path);
  /// By label (case and underscores do not matter). Errors list what there is.
  Result<const ContractEntry*> constructor(std::string_view label) const;
  Result<const ContractEntry*> message(std::string_view label) const;
  /// The message of a selector; nullptr when there is none.
  const ContractEntry* message_of(ByteView selector) const;
  /// Selector ‖ arguments, from what was typed (cli/argument.hpp).
  Result<Bytes> encode(const ContractEntry& entry, const std::vector<std::string>& texts) const;
  /// What a message returned; errors: the contract could not read its input.
  Result<nlohmann::json> decode_return(const ContractEntry& entry, ByteView data) const;
};

}  // namespace phala::cli

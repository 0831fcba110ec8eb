#pragma once
// Why: answers of services are JSON of any shape. A member that is missing or of another kind is an error that names it, never an
// exception.

#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.hpp"

namespace phala::cli {

/// Reads members of one JSON object that came from outside.
class Fields {
 public:
  /// `where` begins each error: "the worker's GetInfo". The value must outlive this. Error: not an object.
  static Result<Fields> of(const nlohmann::json& value, std::string where);
  bool has(std::string_view name) const;   ///< present and not null
  Result<std::string> text(std::string_view name) const;
  Result<u64> number(std::string_view name) const;
  Result<bool> flag(std::string_view name) const;
  Result<Bytes> hex(std::string_view name) const;
  Result<Fields> object(std::string_view name) const;
  Result<const nlohmann::json*> list(std::string_view name) const;

 private:
  Fields(const nlohmann::json& object, std::string where) : object_(&object), where_(std::move(where)) {}
  Result<const nlohmann::json*> member(std::string_view name) const;
  std::unexpected<Error> wrong(std::string_view name, std::string_view expected, const nlohmann::json& got) const;
  const nlohmann::json* object_;
  std::string where_;
};

/// The value itself as a text, or as bytes in hex.
Result<std::string> text_value(const nlohmann::json& value, std::string_view where);
Result<Bytes> hex_value(const nlohmann::json& value, std::string_view where);
/// A balance: the chain's storage has small ones as numbers and large ones as texts.
Result<u128> amount_value(const nlohmann::json& value, std::string_view where);
/// The parsed text. Error: not JSON.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view where);

}  // namespace phala::cli

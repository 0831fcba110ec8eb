#include "cli/args.hpp"

#include <nlohmann/json.hpp>

namespace phala::cli {

std::string Args::text(std::string_view name) const {
  const auto at = given_.find(name);
  return at == given_.end() || at->second.values.empty() ? std::string{} : at->second.values.front();
}

std::vector<std::string> Args::list(std::string_view name) const {
  const auto at = given_.find(name);
  return at == given_.end() ? std::vector<std::string>{} : at->second.values;
}

Result<u128> Args::amount(std::string_view name) const { return parse_u128(text(name)).context(where(name)); }

Result<u64> Args::number(std::string_view name) const {
  const u128 value = TRY(amount(name));
  if (value > ~u64{0}) return fail(ErrorCode::invalid_input, where(name) + " is too large");
  return static_cast<u64>(value);
}

std::string Args::where(std::string_view name) const {
  const auto at = given_.find(name);
  const bool plain = at == given_.end() || at->second.origin == from_command_line || at->second.origin == from_default;
  return std::string(name) + (plain ? "" : " (" + at->second.origin + ")");
}

bool Args::is_fallback(std::string_view name) const {
  const auto at = given_.find(name);
  return at == given_.end() || at->second.origin == from_default;
}

std::string Args::effective() const {
  std::string out;
  for (const auto& [name, given] : given_) {
    if (!name.starts_with("--")) continue;
    const nlohmann::json value = given.values.empty() ? nlohmann::json(true) : given.values.size() == 1 ? nlohmann::json(given.values[0]) : nlohmann::json(given.values);
    std::string line = name.substr(2) + " = " + value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (line.size() < 40) line.resize(40, ' ');
    out += line + "  # " + given.origin + "\n";
  }
  return out;
}

}  // namespace phala::cli

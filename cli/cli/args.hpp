#pragma once
// Why: a command asks for a setting by its name, whether it came from the command line, the environment, the file or the default; and an
// error about it says where it was.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/layers.hpp"

namespace phala::cli {

class Args {
 public:
  bool has(std::string_view name) const { return given_.find(name) != given_.end(); }
  /// The value, its fallback, or empty.
  std::string text(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;
  /// Errors name the option, where it was given, and what it got.
  Result<u64> number(std::string_view name) const;
  Result<u128> amount(std::string_view name) const;
  bool json() const { return has("--json"); }
  /// "--rpc-port", or "--rpc-port (environment PHALA_RPC_PORT)" when it does not stand on the command line: for errors.
  std::string where(std::string_view name) const;
  bool is_fallback(std::string_view name) const;

  static constexpr std::string_view from_command_line = "command line", from_default = "default";
  void set(std::string name, config::Given given) { given_[std::move(name)] = std::move(given); }
  /// All of it, as `key = value  # origin` lines.
  std::string effective() const;

 private:
  std::map<std::string, config::Given, std::less<>> given_;
};

}  // namespace phala::cli

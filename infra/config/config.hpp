#pragma once
// Why: every program of ours takes its settings the same way: a flag beats the environment, which beats the file, which beats the default; and can
// tell which of them won. A flag `--rpc-port` is `rpc-port = 9944` in the TOML file and PHALA_NODE_RPC_PORT in the environment of phala-node.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace phala::config {

/// What to do after parsing: go on, or end the program now with that exit code (help, version, or an error already printed to stderr).
struct Parsed { bool run = true; int exit_code = 0; };

/// Exit codes of all our programs, by the class of the error: docs/guides/command-line.md.
constexpr int exit_ok = 0, exit_failed = 1, exit_usage = 2, exit_not_found = 3, exit_refused = 4, exit_unavailable = 5, exit_corrupted = 6;
int exit_code_of(const Error& error);

/// "phala-node 0.1.0-1a2b3c…": version and commit of this build.
std::string version_of(std::string_view program);
std::string_view version();
std::string_view commit();

class Options {
 public:
  /// `program`: "phala-node". `example`: command lines shown at the end of --help.
  Options(std::string program, std::string description, std::string example);
  ~Options();

  /// `names` as "--tmp" or "-d,--base-path"; the first long one names it in file and environment. The target's value at this time is the default, and
  /// shown in --help. Targets must outlive `parse`.
  void flag(const std::string& names, bool& target, const std::string& doc);
  void value(const std::string& names, std::string& target, const std::string& doc, std::vector<std::string> choices = {});
  void value(const std::string& names, u16& target, const std::string& doc, u16 min = 0, u16 max = UINT16_MAX);
  void value(const std::string& names, u32& target, const std::string& doc, u32 min = 0, u32 max = UINT32_MAX);
  void value(const std::string& names, u64& target, const std::string& doc, u64 min = 0, u64 max = UINT64_MAX);
  /// No value unless given.
  void value(const std::string& names, std::optional<std::string>& target, const std::string& doc);
  void value(const std::string& names, std::optional<u16>& target, const std::string& doc);
  /// May be repeated, or hold several separated by commas.
  void list(const std::string& names, std::vector<std::string>& target, const std::string& doc);

  /// Adds --config FILE, --print-config, --help, --version and applies everything. Errors name the option, where it was given, and the allowed values.
  Parsed parse(int argc, const char* const* argv);
  /// Where each option's value came from, one per line: `rpc-port = 9945    # environment PHALA_NODE_RPC_PORT`.
  std::string effective() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phala::config

#pragma once
// Why: a command of `phala` is one file in commands/ and one value in it: its name, what it does, an example, its arguments, and a
// function. Parsing, settings, --help, --json and exit codes are the same for all of them and live beside this file.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/args.hpp"

namespace phala::cli {

/// A positional argument. At most one, the last, may repeat.
struct Argument { std::string_view name, about; bool required = true, repeats = false; };
/// `--name` with a value, or a flag when `value` is empty. `fallback` is shown in --help and used when it is given nowhere.
struct Option { std::string_view name, value, about, fallback{}; bool repeats = false; };

struct Command {
  std::string_view name;      ///< "key generate"; a name alone without `run` says what the group "key" is about
  std::string_view about;     ///< one sentence
  std::string_view example{}; ///< a command line that works on a network started by `phala dev`
  std::vector<Argument> arguments{};
  std::vector<Option> options{};
  Result<int> (*run)(const Args&) = nullptr;
};

/// Options that several commands share.
inline const Option rpc_option{"--rpc", "URL", "the node to ask", "ws://127.0.0.1:9944"};
inline const Option key_option{"--key", "URI", "who signs: //Alice, a phrase, or 0x-seed; @FILE reads it from a file", "//Alice"};
inline const Option scheme_option{"--scheme", "NAME", "sr25519, ed25519 or ecdsa", "sr25519"};

/// Every file in commands/, by name: made by CMake from what lies there.
std::vector<std::span<const Command>> all_commands();

/// Parses, runs, prints errors; returns the exit code (config::exit_code_of).
int run(int argc, char** argv);

/// Prints `value` as JSON (--json) or for people: one "name: value" per line, lists of objects as a table.
/// Members come in the order in which they were put.
void print(const Args& args, const nlohmann::ordered_json& value);
/// JSON on one line; what is not UTF-8 is replaced.
std::string one_line(const nlohmann::ordered_json& value);
/// Fresh bytes from the system, at most 256: up to there it cannot fall short. Wipe what becomes a secret.
Bytes random_bytes(size_t n);

}  // namespace phala::cli

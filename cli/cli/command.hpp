#pragma once
// Why: a command of `phala` is one file and one value: its name, what it does, an example, its arguments, and a function.
// Parsing, --help, --json and exit codes are the same for all of them and live in commands.cpp.

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace phala::cli {

/// A positional argument. At most one, the last, may repeat.
struct Argument { std::string_view name, about; bool required = true, repeats = false; };
/// `--name` with a value, or a flag when `value` is empty. `fallback` is shown in --help and used when it is not given.
struct Option { std::string_view name, value, about, fallback{}; bool repeats = false; };

/// What the user typed, by name.
class Args {
 public:
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  bool has(std::string_view name) const { return values.find(name) != values.end(); }
  /// The value, its fallback, or empty.
  std::string text(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;
  /// Errors name the option and what it got.
  Result<u64> number(std::string_view name) const;
  bool json() const { return has("--json"); }
};

struct Command {
  std::string_view name;      ///< "key generate"
  std::string_view about;     ///< one sentence
  std::string_view example;   ///< a command line that works
  std::vector<Argument> arguments;
  std::vector<Option> options;
  Result<int> (*run)(const Args&);
};

/// Options that several commands share.
inline const Option rpc_option{"--rpc", "URL", "the node to ask", "ws://127.0.0.1:9944"};
inline const Option key_option{"--key", "URI", "who signs: //Alice, a phrase, or 0x-seed; @FILE reads it from a file", "//Alice"};

// One line per file.
std::span<const Command> key_commands();
std::span<const Command> chain_commands();
std::span<const Command> contract_commands();
std::span<const Command> worker_commands();
std::span<const Command> attest_commands();
std::span<const Command> doctor_commands();
std::span<const Command> dev_commands();

/// Parses, runs, prints errors; returns the exit code: 0 done, 2 wrong input, 3 not found, 4 refused, 5 unavailable, 6 corrupted, 1 anything else.
int run(int argc, char** argv);
int exit_code(ErrorCode code);

/// Prints `value` as JSON (--json) or for people: one "name: value" per line, lists of objects as a table.
/// Members come in the order in which they were put.
void print(const Args& args, const nlohmann::ordered_json& value);
Result<Bytes> read_file(const std::string& path);
Result<> write_file(const std::string& path, ByteView bytes, bool secret = false);
/// JSON if it parses as JSON, else the text itself: `42`, `true`, `{"a":1}`, `//Alice`'s address, `hello`.
nlohmann::json loose_json(const std::string& text);
/// Fresh bytes from the system, at most 256: up to there it cannot fall short. Wipe what becomes a secret.
Bytes random_bytes(size_t n);
/// The value of --key: a URI, or @FILE whose first line is one.
Result<std::string> key_uri(const Args& args);

}  // namespace phala::cli

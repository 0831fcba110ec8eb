// From the words of the command line to the function of one command, and from its error to an exit code.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "config/config.hpp"

namespace phala::cli {
namespace {

using nlohmann::ordered_json;

const Option json_option{"--json", "", "print JSON, for machines"};
const Option config_option{"--config", "FILE", "a TOML file with options"};
const Option show_option{"--print-config", "", "print every option's value and where it comes from, then exit"};

/// What was typed for one option or argument; CLI11 writes into it.
struct Typed { std::string name; std::vector<std::string> values; bool flag = false; };
struct Declared {
  const Command* command;
  CLI::App* app;
  std::vector<std::unique_ptr<Typed>> typed;
};

std::vector<Option> options_of(const Command& command) {
  std::vector<Option> out = command.options;
  out.insert(out.end(), {json_option, config_option, show_option});
  return out;
}

Declared declare(CLI::App& parent, const Command& command, const std::string& name) {
  Declared out{&command, parent.add_subcommand(name, std::string(command.about)), {}};
  out.app->footer("Options may also stand in the environment (--rpc-port: PHALA_RPC_PORT) or in the file of --config (rpc-port = 9944).\n\nExample:\n  " + std::string(command.example));
  const auto place = [&](std::string_view label) -> Typed& { return *out.typed.emplace_back(std::make_unique<Typed>(Typed{std::string(label), {}, false})); };
  for (const auto& argument : command.arguments) {
    auto* option = out.app->add_option(std::string(argument.name), place(argument.name).values, std::string(argument.about));
    option->required(argument.required)->allow_extra_args(argument.repeats);
    if (argument.repeats) option->expected(argument.required ? 1 : 0, CLI::detail::expected_max_vector_size);
    else option->expected(1);
  }
  for (const auto& o : options_of(command)) {
    Typed& typed = place(o.name);
    if (o.value.empty()) {
      out.app->add_flag(typed.name, typed.flag, std::string(o.about));
      continue;
    }
    auto* option = out.app->add_option(typed.name, typed.values, std::string(o.about) + (o.fallback.empty() ? "" : " [" + std::string(o.fallback) + "]"));
    option->type_name(std::string(o.value))->expected(1)->allow_extra_args(false);
    if (o.repeats) option->take_all()->delimiter(',');
    else option->take_last();
  }
  return out;
}

/// A flag in a file or the environment is a truth value.
Result<bool> truth(const config::Given& given, std::string_view name) {
  const std::string text = given.values.empty() ? "" : given.values.front();
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return fail(ErrorCode::invalid_input, given.origin + ": " + std::string(name).substr(2) + " must be true or false, not '" + text + "'");
}

/// Values of one list option, which the environment holds separated by commas.
std::vector<std::string> split_list(const std::vector<std::string>& values) {
  std::vector<std::string> out;
  for (const auto& value : values)
    for (const auto& part : CLI::detail::split(value, ',')) out.push_back(part);
  return out;
}

/// The layers of settings, as infra/config has them: command line, environment, file, default.
Result<Args> collect(const Declared& declared, const std::vector<Declared>& all) {
  Args args;
  std::string file;
  for (const auto& typed : declared.typed) {
    if (typed->name == config_option.name && !typed->values.empty()) file = typed->values.front();
    if (typed->name == config_option.name || typed->name == show_option.name) continue;
    if (typed->flag || !typed->values.empty()) args.set(typed->name, {typed->values, std::string(Args::from_command_line)});
  }
  const auto known = [&](std::string_view key) {
    return std::any_of(all.begin(), all.end(), [&](const Declared& one) {
      return std::any_of(one.typed.begin(), one.typed.end(), [&](const auto& typed) { return typed->name.starts_with("--") && std::string_view(typed->name).substr(2) == key; });
    });
  };
  const auto layers = TRY(config::Layers::read("phala", file, known).context("--config"));
  for (const auto& option : options_of(*declared.command)) {
    if (args.has(option.name) || option.name == config_option.name || option.name == show_option.name) continue;
    if (auto given = layers.find(option.name.substr(2))) {
      if (option.value.empty()) {
        if (!TRY(truth(*given, option.name))) continue;
        given->values.clear();
      } else if (option.repeats) {
        given->values = split_list(given->values);
      }
      args.set(std::string(option.name), std::move(*given));
    } else if (!option.fallback.empty()) {
      args.set(std::string(option.name), {{std::string(option.fallback)}, std::string(Args::from_default)});
    }
  }
  return args;
}

int report(const std::string& command, const Error& error, bool as_json) {
  std::fflush(stdout);
  if (as_json) {
    std::fprintf(stderr, "%s\n", one_line({{"error", error.message}, {"hint", error.hint}}).c_str());
  } else {
    std::fprintf(stderr, "%s: %s\n", command.c_str(), error.message.c_str());
    if (!error.hint.empty()) std::fprintf(stderr, "  → %s\n", error.hint.c_str());
  }
  return config::exit_code_of(error);
}

/// Third parties' exceptions end in their adapters. One that does not is a bug, but no reason to abort without a word.
Result<int> guarded(const Command& command, const Args& args) try {
  return command.run(args);
} catch (const std::exception& e) {
  return fail(ErrorCode::internal, std::string("unexpected: ") + e.what(), "this is a bug of phala; please report it with the command line");
}

/// The words that may follow `prefix` ("" or "contract "), each once.
std::vector<std::string> words_after(const std::string& prefix, const std::vector<Declared>& all) {
  std::vector<std::string> out;
  for (const auto& declared : all) {
    const std::string name(declared.command->name);
    if (!name.starts_with(prefix)) continue;
    std::string word = name.substr(prefix.size(), name.find(' ', prefix.size()) - prefix.size());
    if (std::find(out.begin(), out.end(), word) == out.end()) out.push_back(std::move(word));
  }
  return out;
}

/// CLI11 calls a misspelt command "an argument that was not expected"; this says what there is.
Result<> check_command(int argc, char** argv, const std::vector<Declared>& all) {
  std::string prefix;
  std::vector<std::string> possible = words_after(prefix, all);
  const auto choice = [&] { return "one of " + CLI::detail::join(possible, ", ") + "; each has --help"; };
  for (int i = 1; i < argc && !possible.empty(); ++i) {
    const std::string word = argv[i];
    if (word == "--help" || word == "-h" || word == "--version") return {};
    if (word.starts_with('-')) continue;
    if (std::find(possible.begin(), possible.end(), word) == possible.end()) return fail(ErrorCode::invalid_input, "there is no command '" + prefix + word + "'", choice());
    prefix += word + " ";
    possible = words_after(prefix, all);   // none: `prefix` is a whole command
  }
  if (possible.empty()) return {};
  return fail(ErrorCode::invalid_input, prefix.empty() ? "a command is missing" : "'" + prefix.substr(0, prefix.size() - 1) + "' is a group: a command is missing", choice());
}

std::vector<Declared> declare_all(CLI::App& root) {
  std::vector<Declared> all;
  std::map<std::string, CLI::App*> groups;
  const auto group_of = [&](const std::string& name) -> CLI::App& {
    CLI::App*& group = groups[name];
    if (!group) group = root.add_subcommand(name)->require_subcommand(1);
    return *group;
  };
  for (const auto& commands : all_commands())
    for (const auto& command : commands) {
      const std::string name(command.name);
      const size_t space = name.find(' ');
      if (!command.run) group_of(name).description(std::string(command.about));
      else if (space == name.npos) all.push_back(declare(root, command, name));
      else all.push_back(declare(group_of(name.substr(0, space)), command, name.substr(space + 1)));
    }
  return all;
}

int run_command(const Declared& declared, const std::vector<Declared>& all, bool wants_json) {
  const std::string name = "phala " + std::string(declared.command->name);
  const auto args = collect(declared, all);
  if (!args) return report(name, args.error(), wants_json);
  if (std::any_of(declared.typed.begin(), declared.typed.end(), [](const auto& typed) { return typed->name == show_option.name && typed->flag; })) {
    std::fputs(args->effective().c_str(), stdout);
    return config::exit_ok;
  }
  auto done = guarded(*declared.command, *args);
  if (done && (std::fflush(stdout) != 0 || std::ferror(stdout))) done = fail(ErrorCode::unavailable, "cannot write the result to standard output", "is the disk full, or the reader gone?");
  return done ? *done : report(name, done.error(), args->json());
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App root{"phala: a trustless computing cloud.\nStart a whole network here with `phala dev`, then see `phala contract --help`."};
  root.set_version_flag("--version", config::version_of("phala"));
  root.require_subcommand(1);
  root.get_formatter()->column_width(36);
  const std::vector<Declared> all = declare_all(root);
  const bool wants_json = std::any_of(argv + 1, argv + argc, [](const char* word) { return word == json_option.name; });
  if (const auto named = check_command(argc, argv, all); !named) return report("phala", named.error(), wants_json);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return root.exit(e);
    return report("phala", Error{ErrorCode::invalid_input, e.what(), "--help after the command shows its options"}, wants_json);
  }
  for (const auto& declared : all)
    if (declared.app->parsed()) return run_command(declared, all, wants_json);
  return config::exit_failed;
}

}  // namespace phala::cli

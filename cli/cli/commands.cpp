#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/assert.hpp"

#include "cli/command.hpp"
#include "config/config.hpp"

namespace phala::cli {

using nlohmann::json;
using nlohmann::ordered_json;

std::string Args::text(std::string_view name) const {
  const auto at = values.find(name);
  return at == values.end() || at->second.empty() ? std::string{} : at->second.front();
}
std::vector<std::string> Args::list(std::string_view name) const {
  const auto at = values.find(name);
  return at == values.end() ? std::vector<std::string>{} : at->second;
}
Result<u64> Args::number(std::string_view name) const {
  const u128 value = TRY(parse_u128(text(name)).context(name));
  if (value > ~u64{0}) return fail(ErrorCode::invalid_input, std::string(name) + " is too large");
  return static_cast<u64>(value);
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input: return 2;
    case ErrorCode::not_found: return 3;
    case ErrorCode::refused: return 4;
    case ErrorCode::unavailable: return 5;
    case ErrorCode::corrupted: return 6;
    case ErrorCode::internal: return 1;
  }
  return 1;
}

namespace {

std::string plain(const ordered_json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void print_table(const ordered_json& rows) {
  std::vector<std::string> columns;
  for (const auto& row : rows)
    for (const auto& [key, value] : row.items())
      if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
  std::vector<size_t> widths;
  for (const auto& column : columns) {
    size_t width = column.size();
    for (const auto& row : rows) width = std::max(width, row.contains(column) ? plain(row[column]).size() : 0);
    widths.push_back(width);
  }
  const auto line = [&](auto&& cell) {
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string text = cell(columns[i]);
      std::fputs(text.c_str(), stdout);
      if (i + 1 < columns.size()) std::fputs(std::string(widths[i] + 2 - text.size(), ' ').c_str(), stdout);
    }
    std::fputc('\n', stdout);
  };
  line([](const std::string& column) { return column; });
  for (const auto& row : rows) line([&](const std::string& column) { return row.contains(column) ? plain(row[column]) : std::string{}; });
}

/// Declares one command to CLI11 and remembers where its values will arrive.
struct Declared {
  const Command* command;
  CLI::App* app;
  std::vector<std::pair<std::string, std::unique_ptr<std::vector<std::string>>>> texts;
  std::vector<std::pair<std::string, std::unique_ptr<bool>>> flags;
};

Declared declare(CLI::App& parent, const Command& command, const std::string& name) {
  Declared out{&command, parent.add_subcommand(name, std::string(command.about)), {}, {}};
  out.app->footer("Example:\n  " + std::string(command.example));
  for (const auto& argument : command.arguments) {
    auto& [label, values] = out.texts.emplace_back(argument.name, std::make_unique<std::vector<std::string>>());
    auto* option = out.app->add_option(label, *values, std::string(argument.about));
    option->required(argument.required)->allow_extra_args(argument.repeats);
    if (argument.repeats) option->expected(argument.required ? 1 : 0, CLI::detail::expected_max_vector_size);
    else option->expected(1);
  }
  for (const auto& o : command.options) {
    if (o.value.empty()) {
      auto& [label, value] = out.flags.emplace_back(o.name, std::make_unique<bool>(false));
      out.app->add_flag(label, *value, std::string(o.about));
      continue;
    }
    auto& [label, values] = out.texts.emplace_back(o.name, std::make_unique<std::vector<std::string>>());
    auto* option = out.app->add_option(label, *values, std::string(o.about) + (o.fallback.empty() ? "" : " [" + std::string(o.fallback) + "]"));
    option->type_name(std::string(o.value))->expected(1)->allow_extra_args(false);
    if (o.repeats) option->take_all();
    else option->take_last();
  }
  auto& [label, value] = out.flags.emplace_back("--json", std::make_unique<bool>(false));
  out.app->add_flag(label, *value, "print JSON, for machines");
  return out;
}

Args collect(const Declared& declared) {
  Args args;
  for (const auto& [name, values] : declared.texts)
    if (!values->empty()) args.values[name] = *values;
  for (const auto& [name, value] : declared.flags)
    if (*value) args.values[name] = {};
  for (const auto& option : declared.command->options)
    if (!option.fallback.empty() && !args.has(option.name)) args.values[std::string(option.name)] = {std::string(option.fallback)};
  return args;
}

}  // namespace

void print(const Args& args, const ordered_json& value) {
  if (args.json()) {
    std::printf("%s\n", value.dump(2).c_str());
  } else if (value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), [](const ordered_json& v) { return v.is_object(); })) {
    print_table(value);
  } else if (value.is_array()) {
    for (const auto& item : value) std::printf("%s\n", plain(item).c_str());
  } else if (value.is_object()) {
    size_t width = 0;
    for (const auto& [key, item] : value.items()) width = std::max(width, key.size());
    for (const auto& [key, item] : value.items()) std::printf("%s:%s%s\n", key.c_str(), std::string(width + 1 - key.size(), ' ').c_str(), plain(item).c_str());
  } else {
    std::printf("%s\n", plain(value).c_str());
  }
}

Result<Bytes> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::not_found, "cannot read " + path, "check the path and its permissions");
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Result<> write_file(const std::string& path, ByteView bytes, bool secret) {
  const mode_t before = secret ? umask(0077) : 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (secret) umask(before);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.flush();
  if (!file) return fail(ErrorCode::unavailable, "cannot write " + path, "check that the folder exists and the disk is not full");
  return {};
}

json loose_json(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

Bytes random_bytes(size_t n) {
  Bytes out(n);
  PHALA_ASSERT(n <= 256 && getrandom(out.data(), n, 0) == static_cast<ssize_t>(n));
  return out;
}

Result<std::string> key_uri(const Args& args) {
  const std::string given = args.text("--key");
  if (!given.starts_with('@')) return given;
  const Bytes raw = TRY(read_file(given.substr(1)));
  std::string text(as_text(raw));
  return text.substr(0, text.find_first_of("\r\n"));
}

int run(int argc, char** argv) {
  CLI::App root{"phala: a trustless computing cloud.\nStart a whole network here with `phala dev`, then see `phala contract --help`."};
  root.set_version_flag("--version", config::version_of("phala"));
  root.require_subcommand(1);
  root.get_formatter()->column_width(36);

  std::vector<Declared> all;
  std::map<std::string, CLI::App*> groups;
  static const std::map<std::string, std::string> about_group{
      {"key", "Make and look at keys"}, {"contract", "Build, deploy and use contracts"}, {"worker", "Ask workers"}, {"attest", "Check attestation evidence"}};
  for (const auto& commands : {dev_commands(), contract_commands(), chain_commands(), key_commands(), worker_commands(), attest_commands(), doctor_commands()})
    for (const auto& command : commands) {
      const std::string name(command.name);
      const size_t space = name.find(' ');
      if (space == name.npos) {
        all.push_back(declare(root, command, name));
        continue;
      }
      CLI::App*& group = groups[name.substr(0, space)];
      if (!group) {
        const auto about = about_group.find(name.substr(0, space));
        group = root.add_subcommand(name.substr(0, space), about == about_group.end() ? "" : about->second);
        group->require_subcommand(1);
      }
      all.push_back(declare(*group, command, name.substr(space + 1)));
    }

  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return root.exit(e) == 0 ? 0 : exit_code(ErrorCode::invalid_input);
  }
  for (const auto& declared : all) {
    if (!declared.app->parsed()) continue;
    const Args args = collect(declared);
    const auto done = declared.command->run(args);
    if (done) return *done;
    if (args.json()) std::fprintf(stderr, "%s\n", json{{"error", done.error().message}, {"hint", done.error().hint}}.dump().c_str());
    else {
      std::fprintf(stderr, "phala %s: %s\n", std::string(declared.command->name).c_str(), done.error().message.c_str());
      if (!done.error().hint.empty()) std::fprintf(stderr, "  → %s\n", done.error().hint.c_str());
    }
    return exit_code(done.error().code);
  }
  return exit_code(ErrorCode::internal);
}

}  // namespace phala::cli

#include "config/config.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "config/layers.hpp"

namespace phala::config {

int exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_input: return exit_usage;
    case ErrorCode::not_found: return exit_not_found;
    case ErrorCode::refused: return exit_refused;
    case ErrorCode::unavailable: return exit_unavailable;
    case ErrorCode::corrupted: return exit_corrupted;
    case ErrorCode::internal: return exit_failed;
  }
  return exit_failed;
}

std::string version_of(std::string_view program) { return std::string(program) + " " + std::string(version()) + "-" + std::string(commit()); }

struct Options::State {
  struct Entry {
    CLI::Option* option;
    std::string key;
    std::function<std::string()> show;   ///< the value as TOML
    std::string origin = "default";
    bool is_flag = false;
  };
  State(std::string description, std::string name) : program(std::move(name)), app(std::move(description), program) {}
  std::string program;
  CLI::App app;
  std::vector<Entry> entries;
  std::string config_file;
  bool print_config = false;

  void add(CLI::Option* option, std::function<std::string()> show, bool is_flag = false) {
    const std::string key = option->get_lnames().empty() ? option->get_name() : option->get_lnames().front();
    option->capture_default_str();
    // the last one given wins, so that scripts can append
    if (!is_flag && option->get_expected_max() == 1) option->take_last();
    entries.push_back({option, key, std::move(show), "default", is_flag});
  }

  void give(Entry& entry, const std::vector<std::string>& values, std::string origin) {
    try {
      for (const auto& value : values) entry.option->add_result(value);
      entry.option->run_callback();
      entry.origin = std::move(origin);
    } catch (const CLI::Error& e) {
      throw CLI::ValidationError(origin, e.what());
    }
  }
  void apply_layers() {
    const auto known = [&](std::string_view key) { return std::any_of(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; }); };
    const auto layers = Layers::read(program, config_file, known);
    if (!layers) throw CLI::ValidationError("--config", layers.error().message);
    for (auto& entry : entries) {
      if (entry.option->count() != 0) entry.origin = "command line";
      else if (const auto given = layers->find(entry.key)) give(entry, given->values, given->origin);
    }
  }
};

namespace {
std::string toml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}
/// Whole numbers in decimal with both bounds named in the error; CLI11's own conversion accepts a sign for unsigned types.
template <class Int>
CLI::Validator range(Int min, Int max) {
  return CLI::Validator([min, max](std::string& text) -> std::string {
    const auto number = parse_u128(text);
    if (number && text.size() <= 20 && *number >= min && *number <= max) return {};
    return "'" + text + "' is not a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  }, "");
}
}  // namespace

Options::Options(std::string program, std::string description, std::string example) : state_(std::make_unique<State>(std::move(description), program)) {
  auto& app = state_->app;
  app.footer("Every option can also stand in the file given by --config (`rpc-port = 9944`) or in the environment.\n\nExamples:\n" + example);
  app.set_help_flag("-h,--help", "Show this help");
  app.set_version_flag("--version", version_of(program));
  app.add_option("-c,--config", state_->config_file, "A TOML file with options; flags and environment beat it");
  app.add_flag("--print-config", state_->print_config, "Print every option's effective value and where it comes from, then exit");
}
Options::~Options() = default;

void Options::flag(const std::string& names, bool& target, const std::string& doc) {
  state_->add(state_->app.add_flag(names, target, doc), [&target] { return target ? "true" : "false"; }, true);
}
void Options::value(const std::string& names, std::string& target, const std::string& doc, std::vector<std::string> choices) {
  auto* option = state_->app.add_option(names, target, doc);
  if (!choices.empty()) option->check(CLI::IsMember(choices));
  state_->add(option, [&target] { return toml_text(target); });
}
void Options::value(const std::string& names, u16& target, const std::string& doc, u16 min, u16 max) {
  state_->add(state_->app.add_option(names, target, doc)->check(range(min, max)), [&target] { return std::to_string(target); });
}
void Options::value(const std::string& names, u32& target, const std::string& doc, u32 min, u32 max) {
  state_->add(state_->app.add_option(names, target, doc)->check(range(min, max)), [&target] { return std::to_string(target); });
}
void Options::value(const std::string& names, u64& target, const std::string& doc, u64 min, u64 max) {
  state_->add(state_->app.add_option(names, target, doc)->check(range(min, max)), [&target] { return std::to_string(target); });
}
void Options::value(const std::string& names, std::optional<std::string>& target, const std::string& doc) {
  state_->add(state_->app.add_option_function<std::string>(names, [&target](const std::string& text) { target = text; }, doc),
              [&target] { return target ? toml_text(*target) : "\"\""; });
}
void Options::value(const std::string& names, std::optional<u16>& target, const std::string& doc) {
  state_->add(state_->app.add_option_function<u16>(names, [&target](const u16& number) { target = number; }, doc)->check(range<u16>(0, UINT16_MAX)),
              [&target] { return target ? std::to_string(*target) : "\"\""; });
}
void Options::list(const std::string& names, std::vector<std::string>& target, const std::string& doc) {
  state_->add(state_->app.add_option(names, target, doc)->delimiter(',')->expected(1, 1000)->take_all(), [&target] {
    std::string out = "[";
    for (size_t i = 0; i < target.size(); ++i) out += (i ? ", " : "") + toml_text(target[i]);
    return out + "]";
  });
}

Parsed Options::parse(int argc, const char* const* argv) {
  auto& s = *state_;
  try {
    s.app.parse(argc, argv);
    s.apply_layers();
  } catch (const CLI::CallForHelp&) {
    std::cout << s.app.help();
    return {false, exit_ok};
  } catch (const CLI::CallForVersion&) {
    std::cout << version_of(s.program) << '\n';
    return {false, exit_ok};
  } catch (const CLI::Error& e) {
    std::cerr << s.program << ": " << e.what() << "\nRun `" << s.program << " --help` for the options.\n";
    return {false, exit_usage};
  }
  if (s.print_config) {
    std::cout << effective();
    return {false, exit_ok};
  }
  return {};
}

std::string Options::effective() const {
  std::string out;
  for (const auto& entry : state_->entries) {
    std::string line = entry.key + " = " + entry.show();
    if (line.size() < 40) line.resize(40, ' ');
    out += line + "  # " + entry.origin + "\n";
  }
  return out;
}

}  // namespace phala::config

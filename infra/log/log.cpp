#include "log/log.hpp"

#include <spdlog/details/os.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <map>

namespace phala::log {
namespace {

constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info", "warn", "error", "off"};

struct Settings {
  std::map<std::string, Level, std::less<>> by_target;
  Level otherwise = Level::warn;
  bool json = false;
  std::shared_ptr<spdlog::logger> logger;
};

Settings& settings() {
  static Settings* the = [] {
    auto* s = new Settings;   // never destroyed: threads may log until the very end
    s->logger = std::make_shared<spdlog::logger>("phala", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    s->logger->set_level(spdlog::level::trace);
    s->logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %L %v");
    return s;
  }();
  return *the;
}

Result<Level> parse_level(std::string_view text) {
  for (size_t i = 0; i < level_names.size(); ++i) {
    if (text == level_names[i]) return static_cast<Level>(i);
  }
  return fail(ErrorCode::invalid_input, "log level '" + std::string(text) + "' is unknown", "use trace, debug, info, warn, error or off");
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::trace: return spdlog::level::trace;
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::off: break;
  }
  return spdlog::level::off;
}

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += {'\\', c};
    else if (c == '\n') out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20) out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else out += c;
  }
  out += '"';
}

}  // namespace

Result<> start(const Options& options) {
  auto& s = settings();
  std::map<std::string, Level, std::less<>> by_target;
  Level otherwise = Level::info;
  for (std::string_view rest : options.levels) {
    while (!rest.empty()) {
      const auto one = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      if (one.empty()) continue;
      const auto equals = one.find('=');
      if (equals == one.npos) otherwise = TRY(parse_level(one));
      else by_target[std::string(one.substr(0, equals))] = TRY(parse_level(one.substr(equals + 1)));
    }
  }
  spdlog::sink_ptr sink;
  if (options.color_if_terminal && !options.json && spdlog::details::os::in_terminal(stderr)) sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  else sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  s.logger = std::make_shared<spdlog::logger>("phala", std::move(sink));
  s.logger->set_level(spdlog::level::trace);
  s.logger->set_pattern(options.json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})" : "%Y-%m-%d %H:%M:%S.%e %^%L%$ %v");
  s.logger->flush_on(spdlog::level::warn);
  s.by_target = std::move(by_target);
  s.otherwise = otherwise;
  s.json = options.json;
  return {};
}

void flush() { settings().logger->flush(); }

bool enabled(std::string_view target, Level level) {
  const auto& s = settings();
  const auto at = s.by_target.find(target);
  return level >= (at == s.by_target.end() ? s.otherwise : at->second);
}

void write(std::string_view target, Level level, std::string_view text) {
  auto& s = settings();
  std::string line;
  if (s.json) {
    line = "\"target\":";
    append_json(line, target);
    line += ",\"message\":";
    append_json(line, text);
  } else {
    line.reserve(target.size() + 2 + text.size());
    line.append(target).append(": ");
    // what came from outside must not draw its own log lines
    for (const char c : text) {
      if (c == '\n' || c == '\r') line += ' ';
      else if (static_cast<unsigned char>(c) >= 0x20 || c == '\t') line += c;
      else line += '?';
    }
  }
  s.logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace phala::log

#pragma once
// Why: one way to tell the operator something, with a level for each part of the program, in text or JSON. Only this small
// header is included widely. Secrets have no way in: SecretBytes cannot be formatted.
//
// Before `start`, and in tests, lines of level warn and above go to stderr.

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace phala::log {

enum class Level : u8 { trace, debug, info, warn, error, off };

struct Options {
  /// "info", or "target=level"; later ones win. Substrate's form "a=debug,b=trace" is accepted too. Without a target: everything.
  std::vector<std::string> levels;
  bool json = false;
  bool color_if_terminal = true;
};
/// Error names the malformed level. Call once, before other threads log.
Result<> start(const Options& options);
/// Writes out what is buffered; call before the process ends.
void flush();

bool enabled(std::string_view target, Level level);
/// One line of `text` for `target` ("rpc", "pool", "seal").
void write(std::string_view target, Level level, std::string_view text);

namespace detail {
template <class... A>
void format(std::string_view target, Level level, fmt::format_string<A...> f, A&&... args) {
  if (enabled(target, level)) write(target, level, fmt::vformat(f, fmt::make_format_args(args...)));
}
}  // namespace detail

template <class... A>
void debug(std::string_view target, fmt::format_string<A...> f, A&&... args) { detail::format<A...>(target, Level::debug, f, std::forward<A>(args)...); }
template <class... A>
void info(std::string_view target, fmt::format_string<A...> f, A&&... args) { detail::format<A...>(target, Level::info, f, std::forward<A>(args)...); }
template <class... A>
void warn(std::string_view target, fmt::format_string<A...> f, A&&... args) { detail::format<A...>(target, Level::warn, f, std::forward<A>(args)...); }
template <class... A>
void error(std::string_view target, fmt::format_string<A...> f, A&&... args) { detail::format<A...>(target, Level::error, f, std::forward<A>(args)...); }

}  // namespace phala::log

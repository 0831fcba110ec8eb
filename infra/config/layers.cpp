#include "config/layers.hpp"

#include <cstdlib>
#include <toml++/toml.h>

namespace phala::config {
namespace {

Result<std::string> text_of(const toml::node& node, std::string_view key) {
  if (const auto text = node.value<std::string>()) return *text;
  if (const auto* truth = node.as_boolean()) return std::string(truth->get() ? "true" : "false");
  if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
  return fail(ErrorCode::invalid_input, std::string(key) + " must be a text, a number or a truth value");
}

}  // namespace

std::string environment_name(std::string_view program, std::string_view key) {
  std::string out = std::string(program) + "_" + std::string(key);
  for (char& c : out) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

Result<Layers> Layers::read(std::string program, std::string file, const std::function<bool(std::string_view)>& known) {
  Layers out;
  out.program_ = std::move(program);
  if (file.empty())
    if (const char* named = std::getenv(environment_name(out.program_, "config").c_str())) file = named;
  if (file.empty()) return out;
  toml::table table;
  try {
    table = toml::parse_file(file);
  } catch (const toml::parse_error& e) {
    const auto line = e.source().begin.line;   // 0: the file could not be read at all
    return fail(ErrorCode::invalid_input, file + (line ? ":" + std::to_string(line) : "") + ": " + std::string(e.description()));
  }
  for (const auto& [key, node] : table) {
    Given given{{}, "file " + file + ":" + std::to_string(node.source().begin.line)};
    const std::string name(key.str());
    if (!known(name)) return fail(ErrorCode::invalid_input, given.origin.substr(5) + ": unknown option '" + name + "'");
    if (const auto* array = node.as_array()) {
      for (const auto& one : *array) given.values.push_back(TRY(text_of(one, name).context(given.origin)));
    } else {
      given.values.push_back(TRY(text_of(node, name).context(given.origin)));
    }
    if (!given.values.empty()) out.file_.emplace(name, std::move(given));
  }
  return out;
}

std::optional<Given> Layers::find(std::string_view key) const {
  const std::string name = environment_name(program_, key);
  if (const char* text = std::getenv(name.c_str())) return Given{{text}, "environment " + name};
  const auto at = file_.find(key);
  return at == file_.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace phala::config

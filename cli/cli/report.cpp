// How results reach people and machines.

#include <sys/random.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/assert.hpp"
#include "cli/command.hpp"

namespace phala::cli {
namespace {

using nlohmann::ordered_json;

std::string dump(const ordered_json& value, int indent) { return value.dump(indent, ' ', false, ordered_json::error_handler_t::replace); }
std::string plain(const ordered_json& value) { return value.is_string() ? value.get<std::string>() : dump(value, -1); }

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

}  // namespace

std::string one_line(const ordered_json& value) { return dump(value, -1); }

void print(const Args& args, const ordered_json& value) {
  if (args.json()) {
    std::printf("%s\n", dump(value, 2).c_str());
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

Bytes random_bytes(size_t n) {
  Bytes out(n);
  PHALA_ASSERT(n <= 256 && getrandom(out.data(), n, 0) == static_cast<ssize_t>(n));
  return out;
}

}  // namespace phala::cli

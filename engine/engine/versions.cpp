#include "engine/versions.hpp"

#include <algorithm>

namespace phala::engine {

std::string version_text(RuntimeVersion version) { return std::to_string(version.first) + "." + std::to_string(version.second); }

namespace {
const Rules* find(RuntimeVersion version) {
  const auto* at = std::find_if(all_rules.begin(), all_rules.end(), [&](const Rules& rules) { return rules.version == version; });
  return at == all_rules.end() ? nullptr : at;
}
}  // namespace

Result<const Rules*> rules_of(RuntimeVersion version) {
  if (const Rules* rules = find(version)) return rules;
  std::string have;
  for (const Rules& rules : all_rules) have += (have.empty() ? "" : ", ") + version_text(rules.version);
  return fail(ErrorCode::unavailable, "the cluster needs contract runtime " + version_text(version) + "; this build has " + have,
              "install a worker that has it and start it on the same folder; nothing was changed");
}

bool is_released(RuntimeVersion version, std::optional<RuntimeVersion> named) { return named == version || (version <= first_release && find(version) != nullptr); }

}  // namespace phala::engine

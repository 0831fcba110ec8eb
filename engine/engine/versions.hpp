#pragma once
// Why: a cluster outlives the build that made it, and all its workers must come to the same result. So a cluster's state names the version of
// the rules that it runs by, a build has the rules of every version up to its newest, and all that differs between versions is said here, or by
// `since` in the table of the chain extension (docs/adr/0006-engine-versions.md).

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace phala::engine {

/// Major, minor. What contracts call the runtime.
using RuntimeVersion = std::pair<u32, u32>;

struct Rules {
  RuntimeVersion version;
  bool event_chain;    ///< transactions leave blocks of the cluster's chain of events (docs/protocol.md §14)
  bool idle_removal;   ///< what terminated contracts stored is removed between blocks; without, it waits for a version that does
};

/// Ascending. A version that was ever released stays as it is, for ever.
inline constexpr std::array all_rules{
    Rules{.version = {1, 0}, .event_chain = false, .idle_removal = false},
    Rules{.version = {1, 1}, .event_chain = true, .idle_removal = false},
    Rules{.version = {1, 2}, .event_chain = true, .idle_removal = true},
};
/// The newest that this build has.
inline constexpr RuntimeVersion runtime_version = all_rules.back().version;
/// Of the first release: every build has it, and those before it.
inline constexpr RuntimeVersion first_release{1, 2};

std::string version_text(RuntimeVersion version);
/// Error `unavailable`: this build does not have that version.
Result<const Rules*> rules_of(RuntimeVersion version);

/// Whether a cluster may be upgraded to `version`. `named`: what the chain named last. The answer does not depend on what this build has: two
/// builds in one cluster must agree on it.
bool is_released(RuntimeVersion version, std::optional<RuntimeVersion> named);

}  // namespace phala::engine

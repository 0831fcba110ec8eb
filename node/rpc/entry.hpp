#pragma once
// Why: a row of the table of methods as the code that runs messages sees it. Internal to node/rpc.

#include <map>
#include <nlohmann/json_fwd.hpp>

#include "rpc/table.hpp"

namespace phala::rpc {

/// A result as JSON, and what is to be done once it is queued.
struct Done { std::string result; std::function<void()> after; };
struct Entry {
  MethodInfo info;
  Cost cost = Cost::light;
  Answer<Done> (*run)(const Call& call, const nlohmann::json& params) = nullptr;
  size_t (*answer_bytes)(const Node& node) = nullptr;   ///< an answer may be as long as this, whatever the policy says

  /// Whether this node has the method at all.
  bool served_by(const Node& node) const { return !info.development || (node.info.spec.development && node.producer); }
};
/// In the order of `methods`.
const std::vector<Entry>& table();

struct Found { size_t index; bool unsubscribe; };
/// Names, aliases and unsubscriptions to their place in the table.
const std::map<std::string, Found, std::less<>>& by_name();

}  // namespace phala::rpc

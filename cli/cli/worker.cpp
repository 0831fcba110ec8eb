// phala worker: what a worker says of itself.

#include <nlohmann/json.hpp>

#include "cli/chain.hpp"
#include "cli/command.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

Result<int> status(const Args& args) {
  const std::string url = args.text("--url") + "/prpc/PhactoryAPI.GetInfo?json=true";
  const auto answer = TRY(http_get(url));
  const json info = json::parse(answer.body, nullptr, false);
  if (answer.status != 200 || !info.is_object()) return fail(ErrorCode::unavailable, args.text("--url") + " does not answer as a worker: HTTP " + std::to_string(answer.status), "check --url");
  if (args.json()) {
    print(args, info);
    return 0;
  }
  const json system = info.value("system", json::object());
  const json gatekeeper = info.contains("gatekeeper") && info["gatekeeper"].is_object() ? info["gatekeeper"] : json::object();
  static constexpr const char* roles[] = {"no", "standing by", "active"};
  const u64 role = gatekeeper.value("role", u64{0});
  const auto text = [&](const char* name) { return info.contains(name) && info[name].is_string() ? info[name].get<std::string>() : std::string("-"); };
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  out["public key"] = text("public_key");
  out["registered"] = info.value("registered", false) ? "yes" : "no";
  out["next block"] = info.value("blocknum", u64{0});
  out["gatekeeper"] = role < 3 ? roles[role] : "unknown";
  out["waiting messages"] = info.value("pending_messages", u64{0});
  if (system.is_object() && !system.empty()) {
    out["clusters"] = system.value("number_of_clusters", u64{0});
    out["contracts"] = system.value("number_of_contracts", u64{0});
  }
  out["version"] = text("version");
  print(args, out);
  return 0;
}

}  // namespace

std::span<const Command> worker_commands() {
  static const Command commands[] = {
      {"worker status", "Identity, height, registration and role of a worker", "phala worker status --url http://127.0.0.1:8000", {}, {{"--url", "URL", "the worker", "http://127.0.0.1:8000"}}, status},
  };
  return commands;
}

}  // namespace phala::cli

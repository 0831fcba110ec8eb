// phala worker: what a worker says of itself.

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/fields.hpp"
#include "cli/http.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// A registered worker may have no system yet; everything else is always there.
Result<ordered_json> summary(const json& info) {
  static constexpr const char* roles[] = {"no", "standing by", "active"};
  const Fields fields = TRY(Fields::of(info, "GetInfo"));
  ordered_json out = ordered_json::object();
  out["public key"] = fields.has("public_key") ? TRY(fields.text("public_key")) : "-";
  out["registered"] = TRY(fields.flag("registered")) ? "yes" : "no";
  out["next block"] = TRY(fields.number("blocknum"));
  const u64 role = fields.has("gatekeeper") ? TRY(TRY(fields.object("gatekeeper")).number("role")) : 0;
  out["gatekeeper"] = role < std::size(roles) ? roles[role] : "unknown";
  out["waiting messages"] = TRY(fields.number("pending_messages"));
  if (fields.has("system")) {
    const Fields system = TRY(fields.object("system"));
    out["clusters"] = TRY(system.number("number_of_clusters"));
    out["contracts"] = TRY(system.number("number_of_contracts"));
  }
  out["version"] = TRY(fields.text("version"));
  return out;
}

Result<int> status(const Args& args) {
  const std::string worker = args.text("--url");
  const auto answer = TRY(http_get(worker + "/prpc/PhactoryAPI.GetInfo?json=true"));
  if (answer.status != 200) return fail(ErrorCode::unavailable, worker + " does not answer as a worker: HTTP " + std::to_string(answer.status), "check --url");
  const json info = TRY(parse_json(answer.body, worker));
  const auto said = TRY(summary(info).context(worker + " does not answer as a worker"));
  if (args.json()) print(args, info);
  else print(args, said);
  return 0;
}

}  // namespace

std::span<const Command> worker_commands() {
  static const Command commands[] = {
      {"worker", "Ask workers"},
      {"worker status", "Identity, height, registration and role of a worker", "phala worker status --url http://127.0.0.1:8000", {}, {{"--url", "URL", "the worker", "http://127.0.0.1:8000"}}, status},
  };
  return commands;
}

}  // namespace phala::cli

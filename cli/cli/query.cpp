// phala query, phala tx: any storage item, constant or call of a chain, by its own metadata.

#include <nlohmann/json.hpp>

#include "cli/chain.hpp"
#include "cli/command.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

Result<std::pair<std::string, std::string>> split(const std::string& path) {
  const size_t dot = path.find('.');
  if (dot == path.npos || dot == 0 || dot + 1 == path.size())
    return fail(ErrorCode::invalid_input, "'" + path + "' is not of the form Pallet.name", "for example System.Account or Balances.transfer_keep_alive");
  return std::pair{path.substr(0, dot), path.substr(dot + 1)};
}

json arguments_of(const Args& args) {
  json out = json::array();
  for (const auto& text : args.list("ARGUMENT")) out.push_back(loose_json(text));
  return out;
}

Result<int> query(const Args& args) {
  const auto [pallet, name] = TRY(split(args.text("PATH")));
  const Chain chain = TRY(Chain::connect(args.text("--rpc")));
  const auto* found = metadata::find_pallet(chain.metadata(), pallet);
  if (found && !metadata::find_entry(*found, name))
    if (auto constant = chain.constant(pallet, name)) {
      print(args, *constant);
      return 0;
    }
  print(args, TRY(chain.query(pallet, name, arguments_of(args), TRY(args.number("--limit")), args.text("--at"))));
  return 0;
}

Result<int> tx(const Args& args) {
  const auto [pallet, name] = TRY(split(args.text("PATH")));
  const auto signer = TRY(crypto::KeyPair::from_uri(TRY(key_uri(args))));
  const Chain chain = TRY(Chain::connect(args.text("--rpc")));
  json arguments = arguments_of(args);
  // one JSON object means arguments by name
  if (arguments.size() == 1 && arguments[0].is_object()) {
    if (auto by_name = chain.call(pallet, name, arguments[0])) arguments = json(arguments[0]);
  }
  Bytes call = TRY(chain.call(pallet, name, arguments));
  if (args.has("--sudo")) {
    const auto* sudo = metadata::find_pallet(chain.metadata(), "Sudo");
    if (!sudo) return fail(ErrorCode::not_found, "this chain has no Sudo pallet");
    call = concat(Bytes{sudo->index, 0}, call);
  }
  const Bytes extrinsic = TRY(chain.sign(call, signer, TRY(parse_u128(args.text("--tip")))));
  if (args.has("--dry-run")) {
    print(args, json{{"call", to_hex0x(call)}, {"extrinsic", to_hex0x(extrinsic)}, {"fee", TRY(chain.estimate_fee(extrinsic))}});
    return 0;
  }
  const Included done = TRY(chain.submit(extrinsic));
  json failure = done.failure ? json(*done.failure) : json(nullptr);
  for (const auto& event : *done.events())   // sudo swallows the inner failure into an event
    if (event["name"] == "Sudid" && event["data"].is_object() && event["data"].contains("sudo_result") && event["data"]["sudo_result"].is_object() && event["data"]["sudo_result"].contains("Err"))
      failure = chain.explain(event["data"]["sudo_result"]["Err"]);
  if (args.json()) {
    print(args, json{{"hash", done.extrinsic_hash}, {"block", done.block_hash}, {"number", done.block_number}, {"index", done.index}, {"events", *done.events()}, {"error", failure}});
  } else {
    std::printf("in block %u (%s), final\n", done.block_number, done.block_hash.c_str());
    for (const auto& event : *done.events())
      std::printf("  %s.%s %s\n", event["pallet"].get<std::string>().c_str(), event["name"].get<std::string>().c_str(), event["data"].is_null() ? "" : event["data"].dump().c_str());
  }
  if (!failure.is_null()) return fail(ErrorCode::refused, "the call failed: " + failure.get<std::string>());
  return 0;
}

}  // namespace

std::span<const Command> chain_commands() {
  static const Command commands[] = {
      {"query", "Read any storage item or constant; a map without its key lists its entries", "phala query System.Account 45XX…",
       {{"PATH", "Pallet.item"}, {"ARGUMENT", "keys of a map", false, true}},
       {rpc_option, {"--at", "HASH", "block to read at (the best one)"}, {"--limit", "N", "entries of a map at most", "1000"}}, query},
      {"tx", "Sign and send any call, wait until it is final, show its events", "phala tx Balances.transfer_keep_alive 45XX… 1000000000000 --key //Bob",
       {{"PATH", "Pallet.call"}, {"ARGUMENT", "arguments in order, or one JSON object by name", false, true}},
       {rpc_option, key_option, {"--tip", "AMOUNT", "extra fee for priority", "0"}, {"--sudo", "", "wrap the call in Sudo.sudo"}, {"--dry-run", "", "show the signed extrinsic and its fee, send nothing"}}, tx},
  };
  return commands;
}

}  // namespace phala::cli

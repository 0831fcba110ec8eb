// phala query, phala tx: any storage item, constant or call of a chain, by its own metadata.

#include <nlohmann/json.hpp>

#include "cli/chain.hpp"
#include "cli/command.hpp"
#include "cli/signer.hpp"
#include "config/config.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

Result<std::pair<std::string, std::string>> split(const std::string& path) {
  const size_t dot = path.find('.');
  if (dot == path.npos || dot == 0 || dot + 1 == path.size())
    return fail(ErrorCode::invalid_input, "'" + path + "' is not of the form Pallet.name", "for example System.Account or Balances.transfer_keep_alive");
  return std::pair{path.substr(0, dot), path.substr(dot + 1)};
}

Result<int> query(const Args& args) {
  const auto [pallet, name] = TRY(split(args.text("PATH")));
  const Chain chain = TRY(Chain::connect(args.text("--rpc")));
  const auto* found = metadata::find_pallet(chain.metadata(), pallet);
  if (found && !metadata::find_entry(*found, name))
    if (auto constant = chain.constant(pallet, name)) {
      print(args, *constant);
      return config::exit_ok;
    }
  const json keys = TRY(chain.keys_from_texts(pallet, name, args.list("ARGUMENT")));
  print(args, TRY(chain.query(pallet, name, keys, TRY(args.number("--limit")), args.text("--at"))));
  return config::exit_ok;
}

Result<int> tx(const Args& args) {
  const auto [pallet, name] = TRY(split(args.text("PATH")));
  const auto signer = TRY(signer_of(args));
  const Chain chain = TRY(Chain::connect(args.text("--rpc")));
  Bytes call = TRY(chain.call(pallet, name, TRY(chain.arguments_from_texts(pallet, name, args.list("ARGUMENT")))));
  if (args.has("--sudo")) {
    const auto* sudo = metadata::find_pallet(chain.metadata(), "Sudo");
    if (!sudo) return fail(ErrorCode::not_found, "this chain has no Sudo pallet");
    call = concat(Bytes{sudo->index, 0}, call);
  }
  const Bytes extrinsic = TRY(chain.sign(call, signer, TRY(args.amount("--tip"))));
  if (args.has("--dry-run")) {
    print(args, nlohmann::ordered_json{{"call", to_hex0x(call)}, {"extrinsic", to_hex0x(extrinsic)}, {"fee", TRY(chain.estimate_fee(extrinsic))}});
    return config::exit_ok;
  }
  const Included done = TRY(chain.submit(extrinsic));
  json failure = done.failure ? json(*done.failure) : json(nullptr);
  for (const auto& event : *done.events()) {   // sudo swallows the inner failure into an event
    static const json::json_pointer inner("/data/sudo_result/Err");
    if (event.at("name") == "Sudid" && event.contains(inner)) failure = chain.explain(event.at(inner));
  }
  if (args.json()) {
    print(args, nlohmann::ordered_json{{"hash", done.extrinsic_hash}, {"block", done.block_hash}, {"number", done.block_number}, {"index", done.index}, {"events", *done.events()}, {"error", failure}});
  } else {
    std::printf("in block %u (%s), final\n", done.block_number, done.block_hash.c_str());
    for (const auto& event : *done.events())
      std::printf("  %s.%s %s\n", event.at("pallet").get<std::string>().c_str(), event.at("name").get<std::string>().c_str(), event.at("data").is_null() ? "" : one_line(event.at("data")).c_str());
  }
  if (!failure.is_null()) return fail(ErrorCode::refused, "the call failed: " + failure.get<std::string>());
  return config::exit_ok;
}

}  // namespace

std::span<const Command> query_commands() {
  static const Command commands[] = {
      {"query", "Read any storage item or constant; a map without its key lists its entries", "phala query System.Account 45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2",
       {{"PATH", "Pallet.item"}, {"ARGUMENT", "keys of a map", false, true}},
       {rpc_option, {"--at", "HASH", "block to read at (the best one)"}, {"--limit", "N", "entries of a map at most", "1000"}}, query},
      {"tx", "Sign and send any call, wait until it is final, show its events", "phala tx Balances.transfer_keep_alive 45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2 1000000000000 --key //Bob",
       {{"PATH", "Pallet.call"}, {"ARGUMENT", "arguments in order: texts and numbers as they are, the rest as JSON, @FILE for what a file holds; or one JSON object by name", false, true}},
       {rpc_option, key_option, scheme_option, {"--tip", "AMOUNT", "extra fee for priority", "0"}, {"--sudo", "", "wrap the call in Sudo.sudo"}, {"--dry-run", "", "show the signed extrinsic and its fee, send nothing"}}, tx},
  };
  return commands;
}

}  // namespace phala::cli

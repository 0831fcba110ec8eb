// phala key: make and look at keys, offline.

#include <nlohmann/json.hpp>

#include "base/secret.hpp"
#include "cli/command.hpp"
#include "cli/files.hpp"
#include "cli/signer.hpp"
#include "crypto/account.hpp"

namespace phala::cli {
namespace {

using json = nlohmann::ordered_json;

Result<u16> prefix_of(const Args& args) {
  const u64 prefix = TRY(args.number("--ss58-format"));
  if (prefix > 16383) return fail(ErrorCode::invalid_input, args.where("--ss58-format") + " must be below 16384");
  return static_cast<u16>(prefix);
}

Result<json> describe(const std::string& uri, const Args& args) {
  const auto scheme = TRY(scheme_of(args));
  const auto pair = TRY(crypto::KeyPair::from_uri(uri, scheme));
  const u16 prefix = TRY(prefix_of(args));
  // an address of an ecdsa key is that of its account (the hash of the key)
  json out{{"scheme", crypto::to_string(scheme)}, {"publicKey", to_hex0x(pair.public_key())}, {"accountId", to_hex0x(pair.account())},
           {"ss58Address", crypto::to_ss58(pair.account(), prefix)}};
  if (args.has("--show-secret") && pair.seed()) out["secretSeed"] = to_hex0x(pair.seed()->expose());
  return out;
}

Result<int> generate(const Args& args) {
  const u64 words = TRY(args.number("--words"));
  if (words < 12 || words > 24 || words % 3 != 0) return fail(ErrorCode::invalid_input, args.where("--words") + " must be 12, 15, 18, 21 or 24");
  Bytes entropy = random_bytes(words / 3 * 4);
  const std::string phrase = TRY(crypto::phrase_from_entropy(entropy));
  wipe(entropy.data(), entropy.size());
  json out{{"secretPhrase", phrase}};
  out.update(TRY(describe(phrase, args)));
  if (args.has("--out")) {
    TRY(write_new_secret(args.text("--out"), as_bytes(phrase + "\n")));
    out.erase("secretPhrase");
    out["secretFile"] = args.text("--out");
  }
  print(args, out);
  return 0;
}

/// One word that is neither a path, a seed nor a file can only be meant as an address: then its typing error is the one to name.
bool looks_like_address(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t\n/@") == text.npos && !text.starts_with("0x");
}

Result<int> inspect(const Args& args) {
  const std::string what = args.text("URI");
  if (looks_like_address(what)) {   // a public address needs no secret
    const auto account = TRY(crypto::account_from_ss58(what));
    print(args, json{{"accountId", to_hex0x(account)}, {"ss58Address", crypto::to_ss58(account, TRY(prefix_of(args)))}});
  } else {
    print(args, TRY(describe(TRY(uri_of(what)), args)));
  }
  return 0;
}

const Option format_option{"--ss58-format", "N", "address prefix", "30"};

}  // namespace

std::span<const Command> key_commands() {
  static const Command commands[] = {
      {"key", "Make and look at keys"},
      {"key generate", "Make a new secret phrase and show its key", "phala key generate --out alice.key",
       {}, {{"--words", "N", "length of the phrase", "12"}, scheme_option, format_option, {"--out", "FILE", "write the phrase there (readable by you alone) instead of printing it"}, {"--show-secret", "", "print the secret seed too"}}, generate},
      {"key inspect", "Show the key and address of a phrase, a seed with //hard/soft junctions, or an address", "phala key inspect //Alice//stash --scheme ed25519",
       {{"URI", "phrase, 0x-seed, //Name, address, or @FILE"}}, {scheme_option, format_option, {"--show-secret", "", "print the secret seed too"}}, inspect},
  };
  return commands;
}

}  // namespace phala::cli

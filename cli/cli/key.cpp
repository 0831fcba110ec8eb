// phala key: make and look at keys, offline.

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "crypto/account.hpp"

namespace phala::cli {
namespace {

using json = nlohmann::ordered_json;

Result<crypto::Scheme> scheme_of(const Args& args) {
  const std::string text = args.text("--scheme");
  for (const auto scheme : {crypto::Scheme::sr25519, crypto::Scheme::ed25519, crypto::Scheme::ecdsa})
    if (crypto::to_string(scheme) == text) return scheme;
  return fail(ErrorCode::invalid_input, "unknown scheme '" + text + "'", "one of sr25519, ed25519, ecdsa");
}

Result<json> describe(const std::string& uri, const Args& args) {
  const auto scheme = TRY(scheme_of(args));
  const auto pair = TRY(crypto::KeyPair::from_uri(uri, scheme));
  const u64 prefix = TRY(args.number("--ss58-format"));
  if (prefix > 16383) return fail(ErrorCode::invalid_input, "--ss58-format must be below 16384");
  // an address of an ecdsa key is that of its account (the hash of the key)
  json out{{"scheme", crypto::to_string(scheme)}, {"publicKey", to_hex0x(pair.public_key())}, {"accountId", to_hex0x(pair.account())},
           {"ss58Address", crypto::to_ss58(pair.account(), static_cast<u16>(prefix))}};
  if (args.has("--show-secret") && pair.seed()) out["secretSeed"] = to_hex0x(pair.seed()->expose());
  return out;
}

Result<int> generate(const Args& args) {
  const u64 words = TRY(args.number("--words"));
  if (words < 12 || words > 24 || words % 3 != 0) return fail(ErrorCode::invalid_input, "--words must be 12, 15, 18, 21 or 24");
  Bytes entropy = random_bytes(words / 3 * 4);
  const std::string phrase = TRY(crypto::phrase_from_entropy(entropy));
  wipe(entropy.data(), entropy.size());
  json out{{"secretPhrase", phrase}};
  out.update(TRY(describe(phrase, args)));
  if (args.has("--out")) {
    TRY(write_file(args.text("--out"), as_bytes(phrase + "\n"), true));
    out.erase("secretPhrase");
    out["secretFile"] = args.text("--out");
  }
  print(args, out);
  return 0;
}

Result<int> inspect(const Args& args) {
  const std::string what = args.text("URI");
  if (auto account = crypto::account_from_ss58(what)) {   // a public address needs no secret
    const u64 prefix = TRY(args.number("--ss58-format"));
    print(args, json{{"accountId", to_hex0x(*account)}, {"ss58Address", crypto::to_ss58(*account, static_cast<u16>(prefix))}});
    return 0;
  }
  std::string uri = what;
  if (uri.starts_with('@')) {
    uri = std::string(as_text(TRY(read_file(uri.substr(1)))));
    uri = uri.substr(0, uri.find_first_of("\r\n"));
  }
  print(args, TRY(describe(uri, args)));
  return 0;
}

const Option scheme_option{"--scheme", "NAME", "sr25519, ed25519 or ecdsa", "sr25519"};
const Option format_option{"--ss58-format", "N", "address prefix", "30"};

}  // namespace

std::span<const Command> key_commands() {
  static const Command commands[] = {
      {"key generate", "Make a new secret phrase and show its key", "phala key generate --out alice.key",
       {}, {{"--words", "N", "length of the phrase", "12"}, scheme_option, format_option, {"--out", "FILE", "write the phrase there (readable by you alone) instead of printing it"}, {"--show-secret", "", "print the secret seed too"}}, generate},
      {"key inspect", "Show the key and address of a phrase, a seed with //hard/soft junctions, or an address", "phala key inspect //Alice//stash --scheme ed25519",
       {{"URI", "phrase, 0x-seed, //Name, address, or @FILE"}}, {scheme_option, format_option, {"--show-secret", "", "print the secret seed too"}}, inspect},
  };
  return commands;
}

}  // namespace phala::cli

#include "cli/signer.hpp"

#include "cli/files.hpp"

namespace phala::cli {

Result<crypto::Scheme> scheme_of(const Args& args) {
  const std::string text = args.text("--scheme");
  for (const auto scheme : {crypto::Scheme::sr25519, crypto::Scheme::ed25519, crypto::Scheme::ecdsa})
    if (crypto::to_string(scheme) == text) return scheme;
  return fail(ErrorCode::invalid_input, args.where("--scheme") + ": unknown scheme '" + text + "'", "one of sr25519, ed25519, ecdsa");
}

Result<std::string> uri_of(const std::string& text) {
  if (!text.starts_with('@')) return text;
  Bytes raw = TRY(read_file(text.substr(1)));
  std::string line(as_text(raw));
  wipe(raw.data(), raw.size());
  return line.substr(0, line.find_first_of("\r\n"));
}

Result<crypto::KeyPair> signer_of(const Args& args) {
  return crypto::KeyPair::from_uri(TRY(uri_of(args.text("--key"))), TRY(scheme_of(args))).context(args.where("--key"));
}

}  // namespace phala::cli

#pragma once
// Why: every command that signs takes the same two options, --key and --scheme.

#include "cli/args.hpp"
#include "crypto/account.hpp"

namespace phala::cli {

Result<crypto::Scheme> scheme_of(const Args& args);
/// A URI as it is, or of `@FILE` the first line.
Result<std::string> uri_of(const std::string& text);
/// The pair of --key and --scheme.
Result<crypto::KeyPair> signer_of(const Args& args);

}  // namespace phala::cli
